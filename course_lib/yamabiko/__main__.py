"""Regenerate the company's files: `python -m course_lib.yamabiko [--out data]`."""

from __future__ import annotations

import sys

from course_lib.regeneration import regenerate
from course_lib.yamabiko.generation import generate


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
    return regenerate(argv, "course_lib.yamabiko", "data/yamabiko and data/probes", generate)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
