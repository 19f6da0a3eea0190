"""Find out what a file holds: a table or JSON, and which shape its rows have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.formats.json_rows import parse
from course_lib.formats.preferences import from_openai_preference, from_preference
from course_lib.formats.shapes import (
    Converter,
    columns,
    from_alpaca,
    from_openai_chat,
    from_openai_evals,
    from_prompt_completion,
    from_sharegpt,
    from_utterances,
    question_and_answer,
)
from course_lib.formats.tables import delimiter_of

CONVERTERS: dict[str, Converter] = {
    "openai_chat": from_openai_chat,
    "openai_evals": from_openai_evals,
    "openai_preference": from_openai_preference,
    "preference": from_preference,
    "alpaca": from_alpaca,
    "sharegpt": from_sharegpt,
    "prompt_completion": from_prompt_completion,
    "utterances": from_utterances,
}
#: What `read(..., format=...)` takes and `Source.format` says.
FORMATS = (*CONVERTERS, "columns", "csv")

# Tried in this order: the first whose keys are all there names the shape of a row. Pairs come
# first, because public sets repeat the chosen conversation in a column `messages`.
_KEYS: dict[str, tuple[str, ...]] = {
    "openai_preference": ("input", "preferred_output", "non_preferred_output"),
    "preference": ("chosen", "rejected"),
    "openai_chat": ("messages",),
    "openai_evals": ("input", "ideal"),
    "sharegpt": ("conversations",),
    "alpaca": ("instruction", "output"),
    "prompt_completion": ("prompt", "completion"),
    "utterances": ("utterances",),
}
_PACKED = {".gz", ".zst"}
# Names that say by themselves which column is which.
_CLEAR = {("question", "answer"), ("prompt", "response"), ("質問", "回答")}


def shape_of(names: Iterable[str]) -> str | None:
    """Name the shape of a row from its keys.

    Args:
        names: The keys of an object, or the columns of a table.

    Returns:
        One of `FORMATS`, None where no shape has these keys.

    Example:
        >>> shape_of(["instruction", "input", "output"])
        'alpaca'
    """
    keys = set(names)
    for shape, needed in _KEYS.items():
        if keys.issuperset(needed):
            return shape
    return "columns" if question_and_answer(keys) else None


def converter_of(
    path: Path, objects: Sequence[Mapping[str, Any]], named: tuple[str, str] | None
) -> tuple[str, Converter, list[str]]:
    """Find the shape that most rows of a file have.

    Args:
        path: The file, for messages.
        objects: Its first rows.
        named: The question and the answer column, where the learner has named them.

    Returns:
        The shape, its converter, and notes about what was guessed.

    Raises:
        CourseError: No row has a known shape, or no row has the named columns.

    Example:
        >>> converter_of(Path("a.jsonl"), [{"messages": []}], None)[0]
        'openai_chat'
    """
    if named:
        if not any(name in row for row in objects for name in named):
            keys = dict.fromkeys(key for row in objects for key in row)
            raise CourseError(_no_columns(path, named, keys))
        return "columns", columns(*named), []
    votes = Counter(shape for row in objects if (shape := shape_of(row)))
    if not votes:
        shown = _list(objects[0]) if objects else "no JSON object"
        raise CourseError(
            f"{path}: the format was not recognised (first row has: {shown}). Rows need "
            "'messages', 'input' and 'ideal', 'instruction' and 'output', 'conversations', "
            "'prompt' and 'completion', or 'prompt', 'chosen' and 'rejected'; or name two columns "
            "with question=… and answer=…."
        )
    shape = votes.most_common(1)[0][0]
    if shape != "columns":
        return shape, CONVERTERS[shape], []
    first = next(row for row in objects if shape_of(row) == shape)
    pair = question_and_answer(first) or ("", "")
    return shape, columns(*pair), _guessed(path, pair)


def table_converter(
    path: Path, names: Sequence[str], shape: str | None, named: tuple[str, str] | None
) -> tuple[Converter, list[str]]:
    """Find out how the records of a table become conversations.

    Args:
        path: The file, for messages.
        names: Its columns.
        shape: A shape the learner asks for.
        named: The question and the answer column, where the learner has named them.

    Returns:
        The converter, and notes about what was guessed.

    Raises:
        CourseError: There are no such columns.

    Example:
        >>> table_converter(Path("a.csv"), ["質問", "回答"], None, None)[1]
        []
    """
    if named:
        if not set(names).issuperset(named):
            raise CourseError(_no_columns(path, named, names))
        return columns(*named), []
    if shape in CONVERTERS:
        return CONVERTERS[shape], []
    found = shape_of(names)
    if found in CONVERTERS:
        return CONVERTERS[found], []
    pair = question_and_answer(names)
    if pair is None:
        raise CourseError(
            f"{path}: no question and answer column among {_list(names)}. Say which they are with "
            "question=… and answer=…, or name them so in the first line."
        )
    return columns(*pair), _guessed(path, pair)


def is_table(path: Path, head: str, named: tuple[str, str] | None) -> bool:
    """Tell a table from JSON by the file's name, or else by its first line.

    Args:
        path: The file.
        head: The beginning of its text.
        named: The question and the answer column, where the learner has named them.

    Returns:
        True for CSV, TSV and the like.

    Example:
        >>> is_table(Path("export.txt"), "text,label\\nHi,greeting\\n", None)
        True
    """
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    suffix = suffixes[-1] if suffixes else ""
    if suffix in {".json", ".jsonl", ".ndjson"}:
        return False
    header = first_line(head)
    if header.lstrip().startswith(("{", "[")):
        # A file may be called .csv and hold JSON. A header hardly ever begins like this.
        try:
            parse(header)
        except ValueError:
            return suffix in {".csv", ".tsv"} and not header.rstrip().endswith(("{", "["))
        return False
    if suffix in {".csv", ".tsv"}:
        return True
    names = [name.strip() for name in header.replace('"', "").split(delimiter_of(header))]
    return shape_of(names) is not None or (named is not None and set(names).issuperset(named))


def first_line(text: str) -> str:
    """The first line that is not blank.

    Args:
        text: The beginning of a file.

    Returns:
        The line without a byte-order mark; empty where there is none.

    Example:
        >>> first_line("\\n\\ntext,label\\n")
        'text,label'
    """
    start = text.lstrip("\ufeff \t\r\n")
    return start.partition("\n")[0]


def _guessed(path: Path, pair: tuple[str, str]) -> list[str]:
    if tuple(name.lower() for name in pair) in _CLEAR:
        return []
    return [
        f"{path.name}: {pair[0]!r} was read as the question and {pair[1]!r} as the answer; if "
        "that is wrong, name them with question=… and answer=…."
    ]


def _no_columns(path: Path, named: tuple[str, str], names: Iterable[str]) -> str:
    return f"{path}: there are no columns {named[0]!r} and {named[1]!r}. It has: {_list(names)}."


def _list(names: Iterable[str]) -> str:
    """Names for a message of one line, however long or broken they are."""
    return ", ".join(" ".join(name.split()) for name in names)[:200] or "nothing"
