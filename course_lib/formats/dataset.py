"""Rows on their way out: a `datasets.Dataset`, or JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.formats.turns import BESIDE

if TYPE_CHECKING:
    import datasets

# Columns that hold conversations or parts of them, ours and those of TRL's preference pairs.
# Columns whose objects differ from row to row: Arrow would give each the keys of all the others.
_SCHEMAS = ("tools", "functions")
_CONVERSATIONS = ("messages", "rejected", "prompt", "chosen", "completion")


def to_dataset(rows: Iterable[Mapping[str, Any]]) -> datasets.Dataset:
    """Build a `datasets.Dataset` from rows whose extra columns may be ragged.

    Args:
        rows: Mappings with "messages" and any other columns; a missing value becomes None.

    Returns:
        The dataset. A column that Arrow cannot hold (mixed types) is stored as JSON text. What
        some messages carry beside role and content, all have, as None where it was missing;
        tool calls keep the names of their own arguments, as Arrow alone would not let them
        (an older `datasets` has no type for that: there they are JSON text).

    Example:
        >>> to_dataset([{"messages": [], "n": 1}, {"messages": [], "n": "x"}])["n"][:]
        ['1', '"x"']
    """
    import datasets

    items = list(rows)
    names = list(dict.fromkeys(name for item in items for name in item if name != "messages"))
    conversations = [item["messages"] for item in items]
    taken = {"messages"}
    dataset = _messages_dataset("messages", conversations)
    for name in names:
        values = [item.get(name) for item in items]
        # Arrow ends a column's name at a null character.
        column = name.replace("\0", "\ufffd")
        while column in taken:
            column += "_"
        taken.add(column)
        if name in _CONVERSATIONS and _are_conversations(values):
            part = _messages_dataset(column, values)
        elif name in _SCHEMAS and hasattr(datasets, "Json"):
            features = datasets.Features({column: datasets.Json()})
            part = datasets.Dataset.from_dict({column: values}, features=features)
        else:
            dataset = dataset.add_column(column, _storable(name, values))
            continue
        dataset = datasets.concatenate_datasets([dataset, part], axis=1)
    return dataset


def write_jsonl(rows: Iterable[Mapping[str, Any]], path: str | Path) -> Path:
    """Write rows as JSON Lines in UTF-8, characters as they are, one object a line.

    Args:
        rows: Any iterable of mappings, a `datasets.Dataset` among them.
        path: The file; its folder is made if it is missing.

    Returns:
        The path written. A message's weight, name or calls that are None, as `to_dataset` must
        fill them in, are not written.

    Example:
        >>> write_jsonl([{"a": "é"}], "/tmp/a.jsonl").read_text("utf-8")  # doctest: +SKIP
        '{"a": "é"}\\n'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(map(_json_line, rows))
    return path


@contextmanager
def jsonl_writer(path: str | Path) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Write rows one by one, as they come, to a file that is there only when it is whole.

    Args:
        path: The file; its folder is made if it is missing. Until the end the rows are in a
            hidden file beside it, which `read` passes over; an error removes that one.

    Yields:
        The function that writes a row, as `write_jsonl` does.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "a.jsonl"
        >>> with jsonl_writer(path) as write:
        ...     write({"a": 1})
        ...     path.exists()
        False
        >>> path.read_text("utf-8")
        '{"a": 1}\\n'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:

            def write(row: Mapping[str, Any]) -> None:
                file.write(_json_line(row))

            yield write
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _json_line(row: Mapping[str, Any]) -> bytes:
    written = dict(row)
    for name in _CONVERSATIONS:
        if isinstance(written.get(name), list):
            written[name] = [_without_nulls(turn) for turn in written[name]]
    text = json.dumps(written, ensure_ascii=False)
    # A lone surrogate of a rejected row has no UTF-8: escape it rather than lose the row.
    return text.encode("utf-8", errors="backslashreplace") + b"\n"


def _storable(name: str, values: list[Any]) -> list[Any]:
    import pyarrow as pa

    try:
        if name not in _SCHEMAS:
            pa.array(values)
            return values
    except (pa.ArrowException, OverflowError):
        pass
    return [json.dumps(value, ensure_ascii=False) for value in values]


def _without_nulls(turn: Any) -> Any:
    if not isinstance(turn, dict) or "role" not in turn:
        return turn
    return {key: value for key, value in turn.items() if value is not None or key not in BESIDE}


def _are_conversations(values: list[Any]) -> bool:
    some = [turn for value in values if isinstance(value, list) for turn in value]
    return (
        all(value is None or isinstance(value, list) for value in values)
        and bool(some)
        and all(isinstance(turn, dict) and _is_canonical(turn) for turn in some)
    )


def _is_canonical(turn: dict[str, Any]) -> bool:
    known = turn.keys() <= {"role", "content", *BESIDE}
    return known and all(isinstance(turn.get(key), str) for key in ("role", "content"))


def _messages_dataset(column: str, values: list[Any]) -> datasets.Dataset:
    """One column of conversations, with the keys that its messages have."""
    import datasets
    import pyarrow as pa

    turns = [turn for value in values for turn in value or ()]
    here = [key for key in BESIDE if any(turn.get(key) is not None for turn in turns)]
    json_type = getattr(datasets, "Json", None)
    kinds: dict[str, Any] = {
        "weight": datasets.Value(_number(turns)),
        "name": datasets.Value("string"),
        "tool_call_id": datasets.Value("string"),
        "tool_calls": json_type() if json_type else datasets.Value("string"),
        "function_call": json_type() if json_type else datasets.Value("string"),
    }
    text = datasets.Value("string")
    feature = {"role": text, "content": text, **{key: kinds[key] for key in here}}
    if here:
        as_text = [] if json_type else [key for key in here if key.endswith(("calls", "call"))]
        values = [value and [_filled(turn, here, as_text) for turn in value] for value in values]
    features = datasets.Features({column: datasets.List(feature)})
    if here:
        return datasets.Dataset.from_dict({column: values}, features=features)
    # Straight to Arrow: `from_dict` looks at every message in Python, and takes ten times as long.
    table = pa.table({column: pa.array(values, type=features.arrow_schema.field(0).type)})
    return datasets.Dataset(table, info=datasets.DatasetInfo(features=features))


def _filled(turn: dict[str, Any], here: list[str], as_text: list[str]) -> dict[str, Any]:
    full = {"role": turn["role"], "content": turn["content"]}
    for key in here:
        value = turn.get(key)
        if key in as_text and value is not None:
            value = json.dumps(value, ensure_ascii=False)
        full[key] = value
    return full


def _number(turns: list[dict[str, Any]]) -> str:
    whole = all(isinstance(turn.get("weight", 0), (int, type(None))) for turn in turns)
    return "int64" if whole else "float64"
