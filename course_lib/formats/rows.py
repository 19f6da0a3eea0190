"""A row of a data file, read or not, and the source it came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Generic

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    Rows = TypeVar("Rows", bound="Iterable[Row]", default="list[Row]")
else:
    from typing import TypeVar

    # Before Python 3.13 a type variable knows no default; only the type checker needs it.
    Rows = TypeVar("Rows")

Messages = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a data file, read or not.

    Attributes:
        line: Line of the file, counted from 1 (a CSV record or a JSON value over several lines:
            the line it starts on; Parquet: the number of the row).
        raw: The row as it came: the parsed JSON, the CSV record, or the text that is no JSON. It
            shares its texts with `messages`, so that a good row does not hold them twice.
        messages: The canonical conversation, None where the row could not be converted. Role
            and content are text; weight, name, tool_calls, function_call and tool_call_id stand
            beside them where the row has them. A preference pair: the prompt and the chosen
            answer.
        extra: The columns beside the conversation.
        problem: Why the row could not be converted, None where it could.
        rule: The cleaning rule such a row falls under: "json" (unreadable) or "schema".
        file: Path of the file the row came from.
        rejected: A preference pair: the messages of the rejected answer, without the prompt.
        prompt_length: A preference pair: how many of `messages` are the prompt, so that
            `messages[prompt_length:]` is the chosen answer.
        position: Number of the row within its file, counted from 1: several rows may begin on
            one line (a JSON array written on one line), so file and position name a row where
            file and line do not.
    """

    line: int
    raw: object
    messages: Messages | None
    extra: dict[str, Any]
    problem: str | None
    rule: str | None = None
    file: str = ""
    rejected: Messages | None = None
    prompt_length: int | None = None
    position: int = 1


@dataclass(frozen=True)
class Source(Generic[Rows]):
    """What was read: where from, in which format and encoding, and every row of it.

    Attributes:
        path: The file or folder.
        format: What the rows look like, one of `FORMATS`.
        encoding: A Python codec name.
        rows: A list from `read`; an iterator that can be used once from `stream`.
        notes: What a reader should know, such as a file that was not UTF-8. Some are known
            only when the last row has been read.
    """

    path: str
    format: str
    encoding: str
    rows: Rows
    notes: list[str] = field(default_factory=list)


def join(sources: Iterable[Source]) -> Source:
    """Put several sources one behind the other, so that they are cleaned as one set.

    Args:
        sources: What `read` returned for each file, at least one.

    Returns:
        One source. Lines are still those of each row's own file; with more than one file every
        row carries a `file` column, so that a line can be found again. A column that already
        has this name becomes `original_file`.

    Example:
        >>> join([read("a.jsonl"), read("b.csv")]).format              # doctest: +SKIP
        'openai_chat, csv'
    """
    parts = list(sources)
    if len(parts) == 1:
        return parts[0]
    return Source(
        path=", ".join(part.path for part in parts),
        format=", ".join(dict.fromkeys(part.format for part in parts)),
        encoding=", ".join(dict.fromkeys(part.encoding for part in parts)),
        rows=[with_file(row, part.path) for part in parts for row in part.rows],
        notes=[note for part in parts for note in part.notes],
    )


def with_file(row: Row, path: str) -> Row:
    """Give a row the column `file`.

    Args:
        row: A row of one of several files.
        path: The file's path, where the row does not know it.

    Returns:
        The row with the column; one of that name in the data becomes `original_file`.

    Example:
        >>> with_file(Row(1, {}, [], {"file": "a.pdf"}, None), "a.jsonl").extra
        {'original_file': 'a.pdf', 'file': 'a.jsonl'}
    """
    path = row.file or path
    if row.extra.get("file") == path:
        return row  # a source that was joined before
    extra = {("original_file" if name == "file" else name): v for name, v in row.extra.items()}
    return replace(row, extra={**extra, "file": path}, file=path)
