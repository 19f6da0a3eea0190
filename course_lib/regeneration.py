"""The command of every package that writes committed files again, byte for byte."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from course_lib.runtime import data_path


def regenerate(
    argv: Sequence[str], package: str, folders: str, generate: Callable[[Path], Sequence[Path]]
) -> int:
    """Write the files and say where.

    Args:
        argv: The command line after the program's name: ``--out DIR``, or nothing.
        package: What is called, such as ``course_lib.yamabiko``.
        folders: What is written, for people.
        generate: Writes below a folder, and returns the files.

    Returns:
        0 when everything is written, 2 when the folder cannot be written.

    Example:
        >>> regenerate([], "course_lib.yamabiko", "data/yamabiko", generate)  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m {package}", description=f"Regenerate {folders}."
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
