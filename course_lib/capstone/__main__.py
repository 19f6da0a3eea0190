"""Regenerate the capstone's files: `python -m course_lib.capstone [--out data]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from course_lib.capstone.generation import generate
from course_lib.runtime import data_path


def main(argv: list[str]) -> int:
    """Write the files and say where.

    Args:
        argv: The command line after the program's name.

    Returns:
        0 when everything is written, 2 when the folder cannot be written.

    Example:
        >>> main(["--out", "/tmp/data"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_lib.capstone", description="Regenerate data/capstone."
    )
    parser.add_argument(
        "--out", type=Path, default=None, help="data folder (default: the course's)"
    )
    out = parser.parse_args(argv).out or data_path()
    try:
        written = generate(out)
    except OSError as error:
        print(f"Cannot write below {out}: {error.strerror}. Choose another --out.", file=sys.stderr)
        return 2
    print(f"{len(written)} files written below {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
