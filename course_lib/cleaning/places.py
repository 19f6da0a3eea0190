"""Which row is meant: how a report names it, and how a person names one to the cleaner.

A line is the name that people can look up, and nearly always enough. It is not where several
files were read, or where several rows begin on one line, as in a JSON array without line ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from course_lib.errors import CourseError
from course_lib.formats import Row

#: File, and position of the row in it.
Place = tuple[str, int]
#: Line; file and line; or file, line and position.
Name = int | tuple[str, int] | tuple[str, int, int]


def place(row: Row) -> Place:
    """File and position of a row, which no other row of a set shares.

    Args:
        row: A row that was read.

    Returns:
        The two.

    Example:
        >>> place(Row(3, {}, [], {}, None, file="a.jsonl", position=2))
        ('a.jsonl', 2)
    """
    return row.file, row.position


def namer(rows: Sequence[Row]) -> Callable[[Row], str]:
    """Make the function that says where a row of a set stands, so that a reader finds it.

    Args:
        rows: The whole set.

    Returns:
        Row -> "line 3", with the position where another row of its file begins on the same line,
        and with the file where there are several.

    Example:
        >>> rows = [Row(1, {}, [], {}, None, position=number) for number in (1, 2)]
        >>> namer(rows)(rows[1]), namer(rows[1:])(rows[1])
        ('line 1, position 2', 'line 1')
    """
    several = len({row.file for row in rows}) > 1
    counts = Counter((row.file, row.line) for row in rows)
    shared = {name for name, count in counts.items() if count > 1}

    def name(row: Row) -> str:
        position = f", position {row.position}" if (row.file, row.line) in shared else ""
        return f"line {row.line}{position}{f' of {row.file}' if several else ''}"

    return name


def find(rows: Sequence[Row], names: Iterable[Name]) -> list[int]:
    """Find the rows that a person has named.

    Args:
        rows: The whole set.
        names: Lines; (file, line) where several files were read; or (file, line, position), as
            the columns of `report.rejected` have them, where several rows begin on one line.

    Returns:
        Indexes of the rows, in their order.

    Raises:
        CourseError: A name is that of no row, or of several.

    Example:
        >>> rows = [Row(1, {}, [], {}, None, "", "a.json", position=n) for n in (1, 2)]
        >>> find(rows, [("a.json", 1, 2)])
        [1]
        >>> find(rows, [1])
        Traceback (most recent call last):
        course_lib.errors.CourseError: 2 rows are called line 1: name the one that is meant as \
(file, line, position), the columns of report.rejected.
    """
    found: dict[Name, list[int]] = {name: [] for name in names}
    if not found:
        return []
    for index, row in enumerate(rows):
        for name in (row.line, (row.file, row.line), (row.file, row.line, row.position)):
            if name in found:
                found[name].append(index)
    for name, indexes in found.items():
        if not indexes:
            raise CourseError(f"There is no {_spoken(name)} to put back.")
        if len(indexes) > 1:
            raise CourseError(
                f"{len(indexes)} rows are called {_spoken(name)}: name the one that is meant as "
                "(file, line, position), the columns of report.rejected."
            )
    return sorted({index for indexes in found.values() for index in indexes})


def _spoken(name: Name) -> str:
    if not isinstance(name, tuple):
        return f"line {name}"
    file, line, *position = name
    return f"line {line}{''.join(f', position {p}' for p in position)} of {file}"
