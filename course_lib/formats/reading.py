"""Open a data file or a folder of them, find out what it is, and turn it into rows."""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from course_lib.errors import CourseError
from course_lib.formats.compression import container
from course_lib.formats.detection import (
    CONVERTERS,
    FORMATS,
    converter_of,
    first_line,
    is_table,
    shape_of,
    table_converter,
)
from course_lib.formats.encodings import checked_encoding
from course_lib.formats.file_text import HEAD, FileText
from course_lib.formats.json_arrays import is_spread, json_values
from course_lib.formats.json_rows import Item, json_lines
from course_lib.formats.lines import numbered_lines
from course_lib.formats.parquet import parquet_rows
from course_lib.formats.rows import Row, Source, with_file
from course_lib.formats.shapes import Converter
from course_lib.formats.tables import Record, column_names, delimiter_of, records
from course_lib.formats.turns import NotThisShape

_HEAD_ROWS = 200


def read(
    path: str | Path,
    *,
    format: str | None = None,
    encoding: str | None = None,
    question: str | None = None,
    answer: str | None = None,
) -> Source:
    """Read a data file into canonical conversations.

    Args:
        path: A JSON Lines, JSON, CSV, TSV or Parquet file, the text ones also compressed as .gz
            or .zst; or a folder, in which every file that can be read is read by itself and the
            others are named in the notes (hidden ones are not looked at).
        format: One of `FORMATS`. None detects it from the rows, which is right unless the
            columns are ambiguous.
        encoding: A Python codec name. None detects it; a guess other than UTF-8 is noted.
        question: The column that the user says, in a table or in JSON objects, where its name
            does not tell. Goes with `answer`.
        answer: The column that the assistant answers.

    Returns:
        The source, with one `Row` for each row of the file, broken ones included.

    Raises:
        CourseError: The file is missing, empty, of an unknown format, or nothing in it is JSON.

    Example:
        >>> read("support.jsonl").rows[0].messages[-1]["role"]      # doctest: +SKIP
        'assistant'
        >>> read("mails.csv.gz", question="body", answer="reply").format  # doctest: +SKIP
        'csv'
    """
    source = stream(path, format=format, encoding=encoding, question=question, answer=answer)
    # Each few thousand new objects, Python looks through all older ones for cycles, of which rows
    # have none: that is more work than the reading itself.
    collecting = gc.isenabled()
    gc.disable()
    try:
        rows = list(source.rows)
    finally:
        if collecting:
            gc.enable()
    return Source(source.path, source.format, source.encoding, rows, source.notes)


def stream(
    path: str | Path,
    *,
    format: str | None = None,
    encoding: str | None = None,
    question: str | None = None,
    answer: str | None = None,
) -> Source[Iterator[Row]]:
    """Read a data file row by row, in memory that does not grow with the file.

    The format and the encoding are found in the first four megabytes. A later row that does not
    fit is a problem of that row.

    Args:
        path: As in `read`.
        format: As in `read`.
        encoding: As in `read`.
        question: As in `read`.
        answer: As in `read`.

    Returns:
        The source; its `rows` can be used once, and its `notes` are complete after that.

    Raises:
        CourseError: As in `read`. What is wrong further on becomes a row with a problem.

    Example:
        >>> sum(row.problem is None for row in stream("big.jsonl.zst").rows)  # doctest: +SKIP
        1048576
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise CourseError(f"Unknown format {format!r}: choose one of {', '.join(FORMATS)}.")
    if (question is None) != (answer is None):
        raise CourseError("Name both columns, question=… and answer=…, or neither of them.")
    if question is not None and question == answer:
        raise CourseError(f"question and answer are both {question!r}: name two columns.")
    if encoding is not None:
        checked_encoding(encoding)
    named = (question, answer) if question is not None and answer is not None else None
    if named and format not in (None, "csv", "columns"):
        raise CourseError(f"Name the columns, or the format {format!r}, not both.")
    wanted = _Wanted(format, encoding, named)
    return _folder(path, wanted) if path.is_dir() else _file(path, wanted)


class _Wanted(NamedTuple):
    """What the learner has said about the file."""

    format: str | None
    encoding: str | None
    named: tuple[str, str] | None


def _file(path: Path, wanted: _Wanted) -> Source[Iterator[Row]]:
    if path.exists() and not path.is_file():
        raise CourseError(f"{path} is no regular file: save the data to a file first.")
    text = FileText(path, container(path))
    if text.packed == "parquet":
        if wanted.format == "csv":
            raise CourseError(f"{path} is Parquet, not CSV: leave format= away.")
        return _objects(text, parquet_rows(path), wanted)
    if text.packed == "plain" and path.suffix.lower() in {".gz", ".zst"}:
        text.notes.append(f"{path.name} is not compressed, whatever its name says.")
    text.open(wanted.encoding)
    if wanted.format == "csv" or is_table(path, text.head, wanted.named):
        return _table(text, wanted)
    if is_spread(text.head):
        items = json_values(text.pieces, text.encoding)
    else:
        items = json_lines(numbered_lines(text.pieces, text.encoding), text.passed)
    return _objects(text, items, wanted)


def _objects(text: FileText, items: Iterator[Item], wanted: _Wanted) -> Source[Iterator[Row]]:
    """A source of JSON objects or Parquet rows, whose shape the first of them tell."""
    path, first = text.path, list[Item]()
    good = 0
    for item in items:
        first.append(item)
        good += not item.problem
        if good >= _HEAD_ROWS or (good and text.characters > 2 * HEAD) or len(first) >= 10_000:
            break
    if not first:
        raise CourseError(f"{path} holds an empty list: export the data again.")
    if not good:
        many = f"none of the {'first ' if len(first) >= 10_000 else ''}{len(first):,} lines"
        where = f"line {first[0].line}: {first[0].problem}"
        broken = f" ({text.damaged})" if text.damaged else ""
        raise CourseError(
            f"{path}: {many} is JSON ({where}){broken}. Give one JSON object a line, or a CSV "
            "with a header."
        )
    if wanted.format in CONVERTERS:
        shape, convert = str(wanted.format), CONVERTERS[str(wanted.format)]
    else:
        objects = [item.value for item in first if not item.problem and type(item.value) is dict]
        shape, convert, notes = converter_of(path, objects, wanted.named)
        text.notes += notes
    rows = _converted(chain(first, items), convert, text)
    return Source(str(path), shape, text.encoding, _noting(rows, text), text.notes)


def _table(text: FileText, wanted: _Wanted) -> Source[Iterator[Row]]:
    path = text.path
    delimiter = delimiter_of(first_line(text.head))
    lines = numbered_lines(text.pieces, text.encoding)
    found = records(lines, delimiter, text.passed)
    header = next(found, None)
    if header is None:
        raise CourseError(f"{path} holds no text: export the data again.")
    if header.problem:
        raise CourseError(f"{path}, line {header.line}: the header is damaged, {header.problem}.")
    names, notes = column_names(header.fields)
    convert, guesses = table_converter(path, names, wanted.format, wanted.named)
    text.notes += notes + guesses
    first = next(found, None)
    if first is None:
        raise CourseError(f"{path} has a header but no rows: export the data again.")
    rows = _recorded(chain([first], found), names, convert, text)
    return Source(str(path), "csv", text.encoding, _noting(rows, text), text.notes)


def _converted(items: Iterable[Item], convert: Converter, text: FileText) -> Iterator[Row]:
    file, left_out = str(text.path), text.left_out
    for position, (line, value, problem) in enumerate(items, start=1):
        if problem:
            yield _unread(line, value, problem, "json", file, position)
        elif isinstance(value, dict):
            yield _row(line, value, convert, file, left_out, position)
        else:
            problem = f"a row must be an object, not {type(value).__name__}"
            yield _unread(line, value, problem, "schema", file, position)


def _recorded(
    found: Iterable[Record], names: list[str], convert: Converter, text: FileText
) -> Iterator[Row]:
    file, left_out = str(text.path), text.left_out
    for position, (line, fields, problem) in enumerate(found, start=1):
        if problem:
            raw = fields[0] if len(fields) == 1 else fields
            yield _unread(line, raw, problem, "json", file, position)
        elif len(fields) != len(names):
            problem = f"{len(fields)} fields where the header has {len(names)}"
            yield _unread(line, fields, problem, "schema", file, position)
        else:
            value = dict(zip(names, fields, strict=True))
            yield _row(line, value, convert, file, left_out, position)


def _row(
    line: int,
    value: dict[str, Any],
    convert: Converter,
    file: str,
    left_out: Counter[str],
    position: int,
) -> Row:
    try:
        messages, extra, rejected, length = convert(value, left_out)
    except NotThisShape as error:
        looks = shape_of(value)
        other = looks in CONVERTERS and CONVERTERS[str(looks)] is not convert
        hint = f"; it looks like {looks}" if other else ""
        return _unread(line, value, f"{error}{hint}", "schema", file, position)
    # The conversation is written under these names; columns that have one keep their content.
    taken = ("messages",) if rejected is None else ("messages", "prompt", "chosen", "rejected")
    if not extra.keys().isdisjoint(taken):
        extra = {(f"original_{k}" if k in taken else k): v for k, v in extra.items()}
    return Row(line, value, messages, extra, None, None, file, rejected, length, position)


def _unread(line: int, raw: object, problem: str, rule: str, file: str, position: int) -> Row:
    return Row(line, raw, None, {}, problem, rule, file, position=position)


def _noting(rows: Iterator[Row], text: FileText) -> Iterator[Row]:
    """Hand the rows on; behind the last one, say what was met on the way."""
    line, position, undecodable = 1, 0, 0
    for row in rows:
        line, position = row.line, row.position
        undecodable += bool(row.problem and row.problem.startswith("byte 0x"))
        yield row
    name = text.path.name
    if text.damaged:
        problem = f"{text.damaged}: what follows this line is missing. Copy or download it again"
        text.notes.append(f"{name}, line {line}: {problem}.")
        yield _unread(line, "", problem, "json", str(text.path), position + 1)
    if text.passed["blank"]:
        text.notes.append(f"{name}: blank lines were skipped ({text.passed['blank']}).")
    if text.passed["marks"]:
        text.notes.append(f"{name}: byte-order marks between rows ({text.passed['marks']}).")
    if undecodable:
        text.notes.append(
            f"{name}: rows that are not {text.encoding} ({undecodable}). If the file is in another "
            "encoding, name it with encoding=…."
        )
    for what, count in text.left_out.most_common(20):
        text.notes.append(f"{name}: {what} ({count}).")


def _folder(path: Path, wanted: _Wanted) -> Source[Iterator[Row]]:
    notes: list[str] = []
    formats: dict[Path, str] = {}
    encodings: dict[str, None] = {}
    for file in _files(path):
        try:
            part = _file(file, wanted)
        except CourseError as error:
            notes.append(f"{file.relative_to(path)} was left out: {error}")
        else:
            formats[file] = part.format
            encodings[part.encoding] = None
    if not formats:
        reasons = "; ".join(notes[:3]) or "it is empty"
        raise CourseError(f"The folder {path} holds no data file that can be read ({reasons}).")

    def rows() -> Iterator[Row]:
        # One file is open at a time: there may be thousands. What was found is found again.
        for file in formats:
            part = _file(file, wanted)
            for row in part.rows:
                yield with_file(row, str(file)) if len(formats) > 1 else row
            notes.extend(part.notes)

    kinds = ", ".join(dict.fromkeys(formats.values()))
    return Source(str(path), kinds, ", ".join(encodings), rows(), notes)


def _files(path: Path) -> list[Path]:
    found: list[Path] = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder) / name for name in names if not name.startswith(".")]
    return sorted(found)
