"""CSV and TSV, record by record, so that one open quote does not swallow the rest of the file.

Quotes are as RFC 4180 has them: a field is quoted as a whole, a quote within is doubled. What
breaks this is a problem of its row, because every reader makes something else of it.
"""

from __future__ import annotations

import csv
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from course_lib.formats.lines import LONGEST, Line

_DELIMITERS = (",", "\t", ";", "|")
# A quoted text of more lines or characters than this is a quote that somebody forgot to close.
_MOST_LINES = 10_000
_MOST_CHARACTERS = 16_000_000
_FEWEST_LINES = 20


class Record(NamedTuple):
    """One record: the line it starts on, its fields, and what is wrong with it.

    Where there is a problem of reading, `fields` holds the text of its line alone.
    """

    line: int
    fields: list[str]
    problem: str | None


def delimiter_of(header: str) -> str:
    """Find what parts the fields of a table: comma, tab, semicolon or bar.

    Args:
        header: The first line.

    Returns:
        The one that is there most often outside of quotes; a comma where none is.

    Example:
        >>> delimiter_of("質問\\t回答")
        '\\t'
    """
    outside = "".join(header.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def column_names(header: list[str]) -> tuple[list[str], list[str]]:
    """Give every column of a table a name of its own.

    Args:
        header: The first record.

    Returns:
        The names, and notes about those that had to be made up.

    Example:
        >>> column_names(["", "text", "text"])[0]
        ['column_1', 'text', 'text_2']
    """
    names: list[str] = []
    notes: list[str] = []
    for number, name in enumerate(header, start=1):
        wanted = name.strip() or f"column_{number}"
        unique, again = wanted, 2
        while unique in names:
            unique, again = f"{wanted}_{again}", again + 1
        if unique != wanted:
            notes.append(f"Two columns are called {wanted!r}: the later one is read as {unique!r}.")
        names.append(unique)
    return names, notes


def records(lines: Iterable[Line], delimiter: str, passed: Counter[str]) -> Iterator[Record]:
    """Parse the lines of a table.

    Args:
        lines: Number, text and problem of each line.
        delimiter: What parts the fields.
        passed: Counts the "blank" lines that were passed over.

    Yields:
        A record for each line, or for the lines that a quoted field spans.

    Example:
        >>> lines = [(1, "id,text", None), (2, '1,"two', None), (3, 'lines"', None)]
        >>> [record.fields for record in records(lines, ",", Counter())]
        [['id', 'text'], ['1', 'two\\nlines']]
    """
    # A field may be as long as we let a line be; Python's own limit of 128 KB is an article.
    csv.field_size_limit(2 * LONGEST)
    source, waiting = iter(lines), deque[Line]()
    limit = _MOST_LINES
    width = 0
    while True:
        first = waiting.popleft() if waiting else next(source, None)
        if first is None:
            return
        number, text, problem = first
        if problem:
            yield Record(number, [text.rstrip("\r")], problem)
        elif not text or text.isspace():
            passed["blank"] += 1
        elif '"' not in text and "\r" not in text[:-1]:
            fields = text.removesuffix("\r").split(delimiter)
            yield Record(number, fields, None)
            width = width or len(fields)
        else:
            record, unused, closed = _quoted(first, source, waiting, delimiter, limit)
            waiting.extendleft(reversed(unused))
            fields = text.removesuffix("\r").split(delimiter)
            if record.problem and delimiter == "\t" and len(fields) == width:
                # Many a TSV knows no quotes: there they are text like any other.
                record = Record(number, fields, None)
            elif not closed:
                limit = max(_FEWEST_LINES, limit // 2)
            yield record
            width = width or len(record.fields)


def _quoted(
    first: Line, source: Iterator[Line], waiting: deque[Line], delimiter: str, limit: int
) -> tuple[Record, list[Line], bool]:
    """Read a record that begins on a line; with the lines it turned out not to need."""
    taken: list[Line] = [first]
    closed = True
    size = len(first[1])

    def feed() -> Iterator[str]:
        nonlocal closed, size
        yield first[1] + "\n"
        while len(taken) < limit and size < _MOST_CHARACTERS:
            line = waiting.popleft() if waiting else next(source, None)
            if line is None:
                break
            taken.append(line)
            size += len(line[1])
            yield line[1] + "\n"
        closed = False

    try:
        fields = next(csv.reader(feed(), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration) as error:
        problem = f"not CSV: {error}"
        if not closed:
            problem = "not CSV: a quote is opened on this line and not closed within the record"
        return Record(first[0], [first[1].rstrip("\r")], problem), taken[1:], closed
    if not closed:
        problem = f"not CSV: a quote is opened on this line and not closed in {len(taken)} lines"
        return Record(first[0], [first[1].rstrip("\r")], problem), taken[1:], False
    damaged = next((problem for _, _, problem in taken if problem), None)
    return Record(first[0], fields, damaged), [], True
