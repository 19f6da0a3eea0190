"""Read training data in the formats people really have, into one canonical conversation.

Whatever comes in, a row becomes {"messages": [{"role", "content"}, ...]} plus its other columns:

    {"instruction": "Be kind.", "input": "Hi", "output": "Hello!"}          (Alpaca)
    {"conversations": [{"from": "human", "value": "Hi"}, ...]}              (ShareGPT)
    {"input": [{"role": "user", "content": "Hi"}], "ideal": "Hello!"}       (OpenAI evals)
    -> {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", ...}]}

A row that cannot be read is not dropped: it stays in the source with its line and its problem,
so that the cleaner can hand it back.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.encodings import detect_encoding, split_lines
from course_lib.errors import CourseError
from course_lib.json_rows import Parsed, parse_json
from course_lib.shapes import CONVERTERS, SHAPES, NotThisShape, question_and_answer

if TYPE_CHECKING:
    import datasets

FORMATS = (*CONVERTERS, "csv")


@dataclass(frozen=True)
class Row:
    """One row of a data file, read or not.

    Attributes:
        line: Line of the file, counted from 1 (a CSV record: the line it starts on).
        raw: The row as it came: the parsed JSON, the CSV record, or the text that is no JSON.
        messages: The canonical conversation, None where the row could not be converted.
        extra: The columns beside the conversation.
        problem: Why the row could not be converted, None where it could.
        rule: The cleaning rule such a row falls under: "json" (unreadable) or "schema".
    """

    line: int
    raw: object
    messages: list[dict[str, str]] | None
    extra: dict[str, Any]
    problem: str | None
    rule: str | None = None


@dataclass(frozen=True)
class Source:
    """A file that was read: where from, in which format and encoding, and every row of it.

    `notes` says what a reader should know, such as a file that was not UTF-8.
    """

    path: str
    format: str
    encoding: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)


def read(path: str | Path, *, format: str | None = None, encoding: str | None = None) -> Source:
    """Read a data file into canonical conversations.

    Args:
        path: A JSON Lines, JSON, CSV or TSV file.
        format: One of `FORMATS`. None detects it from the rows, which is right unless the
            columns are ambiguous.
        encoding: A Python codec name. None detects it; a guess other than UTF-8 is noted.

    Returns:
        The source, with one `Row` for each row of the file, broken ones included.

    Raises:
        CourseError: The file is missing, empty, of an unknown format, or nothing in it is JSON.

    Example:
        >>> read("support.jsonl").rows[0].messages[-1]["role"]      # doctest: +SKIP
        'assistant'
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise CourseError(f"Unknown format {format!r}: choose one of {', '.join(FORMATS)}.")
    data = _bytes_of(path)
    chosen = encoding or detect_encoding(data)
    notes = [] if chosen == "utf-8" else [f"{path.name} was read as {chosen}, not as UTF-8."]
    lines = split_lines(data, chosen)
    if not any(text.strip() for text, _ in lines):
        raise CourseError(f"{path} holds no text ({len(data)} bytes): export the data again.")
    if format == "csv" or (format is None and _looks_like_csv(path, lines)):
        rows = _read_csv(path, lines)
        return Source(str(path), "csv", chosen, rows, notes)
    parsed, blank = parse_json(path, lines)
    if blank:
        notes.append(f"{blank} blank lines were skipped.")
    shape = format or _detect_shape(path, parsed)
    return Source(str(path), shape, chosen, [_to_row(item, shape) for item in parsed], notes)


def join(sources: Iterable[Source]) -> Source:
    """Put several sources one behind the other, so that they are cleaned as one set.

    Args:
        sources: What `read` returned for each file, at least one.

    Returns:
        One source. Lines are still those of each row's own file; with more than one file every
        row carries a `file` column, so that a line can be found again.

    Example:
        >>> join([read("a.jsonl"), read("b.csv")]).format              # doctest: +SKIP
        'openai_chat, csv'
    """
    parts = list(sources)
    if len(parts) == 1:
        return parts[0]
    rows = [
        Row(
            row.line, row.raw, row.messages, {**row.extra, "file": part.path}, row.problem, row.rule
        )
        for part in parts
        for row in part.rows
    ]
    return Source(
        path=", ".join(part.path for part in parts),
        format=", ".join(dict.fromkeys(part.format for part in parts)),
        encoding=", ".join(dict.fromkeys(part.encoding for part in parts)),
        rows=rows,
        notes=[note for part in parts for note in part.notes],
    )


def to_dataset(rows: Iterable[Mapping[str, Any]]) -> datasets.Dataset:
    """Build a `datasets.Dataset` from rows whose extra columns may be ragged.

    Args:
        rows: Mappings with "messages" and any other columns; a missing value becomes None.

    Returns:
        The dataset. A column that Arrow cannot hold (mixed types) is stored as JSON text.

    Example:
        >>> to_dataset([{"messages": [], "n": 1}, {"messages": [], "n": "x"}])["n"][:]
        ['1', '"x"']
    """
    import datasets
    import pyarrow as pa

    items = list(rows)
    messages = datasets.List(
        {"role": datasets.Value("string"), "content": datasets.Value("string")}
    )
    names = dict.fromkeys(name for item in items for name in item if name != "messages")
    taken = {"messages"}
    dataset = datasets.Dataset.from_dict(
        {"messages": [item["messages"] for item in items]},
        features=datasets.Features({"messages": messages}),
    )
    for name in names:
        values = [item.get(name) for item in items]
        try:
            pa.array(values)
        except (pa.ArrowException, OverflowError):
            values = [json.dumps(value, ensure_ascii=False) for value in values]
        # Arrow ends a column's name at a null character.
        column = name.replace("\0", "\ufffd")
        while column in taken:
            column += "_"
        taken.add(column)
        dataset = dataset.add_column(column, values)
    return dataset


def write_jsonl(rows: Iterable[Mapping[str, Any]], path: str | Path) -> Path:
    """Write rows as JSON Lines in UTF-8, characters as they are, one object a line.

    Args:
        rows: Any iterable of mappings, a `datasets.Dataset` among them.
        path: The file; its folder is made if it is missing.

    Returns:
        The path written.

    Example:
        >>> write_jsonl([{"a": "é"}], "/tmp/a.jsonl").read_text("utf-8")  # doctest: +SKIP
        '{"a": "é"}\\n'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for row in rows:
            text = json.dumps(dict(row), ensure_ascii=False)
            # A lone surrogate of a rejected row has no UTF-8: escape it rather than lose the row.
            file.write(text.encode("utf-8", errors="backslashreplace") + b"\n")
    return path


def _bytes_of(path: Path) -> bytes:
    if path.is_dir():
        raise CourseError(f"{path} is a folder: name one data file in it.")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise CourseError(f"There is no file {path}: check the path.") from error
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}).") from error
    if not data.strip():
        raise CourseError(f"{path} is empty ({len(data)} bytes): export the data again.")
    return data


def _detect_shape(path: Path, parsed: list[Parsed]) -> str:
    objects = [item.value for item in parsed if isinstance(item.value, dict)]
    votes = Counter(
        name
        for value in objects[:200]
        for name in [next((name for name, fits in SHAPES.items() if fits(value)), None)]
        if name
    )
    if votes:
        return votes.most_common(1)[0][0]
    keys = ", ".join(list(objects[0])[:8]) if objects else "no JSON object at all"
    raise CourseError(
        f"{path}: the format was not recognised (first row has: {keys}). Rows need 'messages', "
        "'input' and 'ideal', 'instruction' and 'output', 'conversations', or 'prompt' and "
        "'completion'."
    )


def _to_row(item: Parsed, shape: str) -> Row:
    if item.problem:
        return Row(item.line, item.value, None, {}, item.problem, "json")
    convert: Callable[[dict[str, Any]], tuple[list[dict[str, str]], dict[str, Any]]]
    convert = CONVERTERS[shape]
    if not isinstance(item.value, dict):
        kind = type(item.value).__name__
        return Row(
            item.line, item.value, None, {}, f"a row must be an object, not {kind}", "schema"
        )
    try:
        messages, extra = convert(item.value)
    except NotThisShape as error:
        return Row(item.line, item.value, None, {}, str(error), "schema")
    return Row(item.line, item.value, messages, extra, None)


def _looks_like_csv(path: Path, lines: list[tuple[str, str | None]]) -> bool:
    if path.suffix.lower() in {".csv", ".tsv"}:
        return True
    if path.suffix.lower() in {".json", ".jsonl", ".ndjson"}:
        return False
    header = next(text for text, _ in lines if text.strip())
    names = re.split(r"[\t,]", header.strip().replace('"', ""))
    return not header.lstrip().startswith(("{", "[")) and question_and_answer(names) is not None


def _read_csv(path: Path, lines: list[tuple[str, str | None]]) -> list[Row]:
    text = [line + "\n" for line, _ in lines]
    damaged = {number for number, (_, problem) in enumerate(lines, start=1) if problem}
    delimiter = "\t" if "\t" in text[0] and "," not in text[0] else ","
    # A quote that is never closed swallows the rest of the file: allow a field of that size.
    csv.field_size_limit(max(131_072, sum(map(len, text)) + 1))
    reader = csv.reader(text, delimiter=delimiter)
    try:
        header = [name.strip() for name in next(reader)]
    except csv.Error as error:
        raise CourseError(f"{path}, line 1: the header is no CSV ({error}).") from error
    columns = question_and_answer(header)
    if columns is None:
        raise CourseError(
            f"{path}: no question and answer column among {', '.join(header)[:200]}. Name them "
            "'question' and 'answer' (or 'text' and 'label') in the first line."
        )
    rows: list[Row] = []
    while (start := reader.line_num + 1) <= len(text):
        try:
            record = next(reader, [])
        except csv.Error as error:
            raw = "".join(text[start - 1 : reader.line_num])
            rows.append(Row(start, raw, None, {}, f"not CSV: {error}", "json"))
            continue
        if record and (len(record) > 1 or record[0].strip()):
            touched = damaged.intersection(range(start, reader.line_num + 1))
            rows.append(_csv_row(start, record, header, columns, bool(touched)))
    if not rows:
        raise CourseError(f"{path} has a header but no rows: export the data again.")
    return rows


def _csv_row(
    line: int, record: list[str], header: list[str], columns: tuple[str, str], damaged: bool
) -> Row:
    if damaged:
        return Row(line, record, None, {}, "bytes that are not in the file's encoding", "json")
    if len(record) != len(header):
        problem = f"{len(record)} fields where the header has {len(header)}"
        return Row(line, record, None, {}, problem, "schema")
    raw = dict(zip(header, record, strict=True))
    question, answer = columns
    messages = [
        {"role": "user", "content": raw[question]},
        {"role": "assistant", "content": raw[answer]},
    ]
    extra = {name: value for name, value in raw.items() if name not in columns and name}
    return Row(line, raw, messages, extra, None)
