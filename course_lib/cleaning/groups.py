"""Which rows belong together: near duplicates, rows of one passage, rows with one value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib.cleaning.duplicates import THRESHOLD, whole
from course_lib.cleaning.joins import Integers, merged
from course_lib.cleaning.language import language_of
from course_lib.cleaning.normalise import normalised
from course_lib.cleaning.passages import boilerplate, shared_passages, without
from course_lib.cleaning.rule import Messages
from course_lib.cleaning.similarity import bare, similar_groups
from course_lib.errors import CourseError

if TYPE_CHECKING:
    import datasets


def asked(messages: Messages) -> str:
    """What must not be known from training: all that the user says.

    Args:
        messages: A conversation.

    Returns:
        The user's messages, one a line; where the user says nothing, everything said.

    Example:
        >>> asked([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}])
        'Hi'
    """
    said = [m["content"] or "" for m in messages if m["role"] == "user"]
    text = "\n".join(said)
    if text.strip():
        return text
    return whole([{**message, "content": message["content"] or ""} for message in messages])


def conversations(dataset: datasets.Dataset) -> list[Messages]:
    """Take the conversations out of a dataset.

    Args:
        dataset: Rows with a `messages` column.

    Returns:
        The messages of each row.

    Raises:
        CourseError: There is no such column, or a row has no messages.

    Example:
        >>> from datasets import Dataset
        >>> conversations(Dataset.from_list([{"messages": [{"role": "user", "content": "Hi"}]}]))
        [[{'role': 'user', 'content': 'Hi'}]]
    """
    names = getattr(dataset, "column_names", None)
    if not isinstance(names, list) or "messages" not in names:
        has = ", ".join(map(str, names)) if names else "no columns"
        raise CourseError(
            f"There is no column 'messages' (there is: {has}). Give one datasets.Dataset, such "
            "as clean(...).kept."
        )
    rows: list[Messages] = list(dataset["messages"])
    empty = next((position for position, row in enumerate(rows) if not row), None)
    if empty is not None:
        raise CourseError(
            f"Row {empty} (counted from 0) has no messages: run `python -m course_lib clean` first."
        )
    return rows


def column_keys(dataset: datasets.Dataset, column: str) -> list[str | None]:
    """Read a column of any type as texts that are equal where the values are.

    Args:
        dataset: The rows.
        column: Its name.

    Returns:
        JSON for each row; None where the value is missing: null, NaN or an empty text.

    Example:
        >>> from datasets import Dataset
        >>> column_keys(Dataset.from_dict({"shop": ["Kyoto", "", None]}), "shop")
        ['"Kyoto"', None, None]
    """
    return [_key(value) for value in dataset[column]]


def _key(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, float) and value != value:
        return None
    return json.dumps(value, sort_keys=True, default=str, ensure_ascii=False)


def group_keys(dataset: datasets.Dataset, group: str | None) -> list[str | None]:
    """Read the column to group by.

    Args:
        dataset: The rows.
        group: Its name. None reads nothing, and so does "passage" where there is no such column:
            it names what is done anyway.

    Returns:
        A key for each row. Rows without a value have nothing in common: None.

    Raises:
        CourseError: There is no such column.

    Example:
        >>> from datasets import Dataset
        >>> group_keys(Dataset.from_dict({"customer": [7, None]}), "customer")
        ['7', None]
    """
    if group is not None and group in dataset.column_names:
        return column_keys(dataset, group)
    if group not in (None, "passage"):
        raise CourseError(_no_column(dataset, group, "group"))
    return [None] * dataset.num_rows


def strata(dataset: datasets.Dataset, stratify: str | Sequence[str] | None) -> list[str]:
    """Name the stratum of each row.

    Args:
        dataset: Rows with a `messages` column.
        stratify: A column, or several for their combinations. Where there is no column of that
            name, "label" is the last answer and "language" the language of the question.

    Returns:
        A name for each row; all the same with None.

    Raises:
        CourseError: There is no such column.

    Example:
        >>> from datasets import Dataset
        >>> from course_lib.cleaning.rule import chat
        >>> strata(Dataset.from_list([{"messages": chat("返品はできますか？", "A")}]),
        ...        ["label", "language"])
        ['A, ja']
    """
    columns = [stratify] if isinstance(stratify, str) else list(stratify or ())
    named = [_stratum_names(dataset, column) for column in columns]
    return [", ".join(names) for names in zip(*named, strict=True)] or [""] * dataset.num_rows


def _stratum_names(dataset: datasets.Dataset, column: str) -> list[str]:
    if column in dataset.column_names and column != "messages":
        values = zip(dataset[column], column_keys(dataset, column), strict=True)
        return ["(none)" if key is None else str(value) for value, key in values]
    rows = conversations(dataset)
    if column == "label":
        last = [[m["content"] or "" for m in row if m["role"] == "assistant"][-1:] for row in rows]
        return [said[0].strip() if said and said[0].strip() else "(none)" for said in last]
    if column == "language":
        return [language_of(asked(row)) or "(none)" for row in rows]
    raise CourseError(
        f"{_no_column(dataset, column, 'stratify')} Beside them 'label' is the last answer, and "
        "'language' the language of the question."
    )


def _no_column(dataset: datasets.Dataset, column: str | None, verb: str) -> str:
    return (
        f"There is no column {column!r} to {verb} by. The columns are: "
        f"{', '.join(dataset.column_names)}."
    )


def tied(texts: Sequence[str], keys: Sequence[str | None], common: set[str]) -> Integers:
    """Group rows that belong together, directly or through other rows.

    Args:
        texts: What is asked in each row.
        keys: The value of the column to group by, None where there is none.
        common: Sentences that are no content, as `boilerplate` finds them.

    Returns:
        For each row the position of the first row of its group. Two rows belong together if
        their texts are nearly the same (character 3-grams, Jaccard .8 or more, with punctuation
        or without: a leak in either view is one), if they share a passage, or if they have the
        same key.

    Example:
        >>> tied(["Where is my tent?", "Any stoves?", "Hello"], ["1", None, "1"], set())
        array([0, 1, 0])
    """
    plain = [without(text, common) for text in texts]
    labels = similar_groups([normalised(text) for text in plain], THRESHOLD)
    labels = similar_groups([bare(text) for text in plain], THRESHOLD, labels)
    links = [np.arange(len(texts)), shared_passages(texts, common)]
    labels = merged(labels, np.stack(links))
    first: dict[str, int] = {}
    same = [p if key is None else first.setdefault(key, p) for p, key in enumerate(keys)]
    return merged(labels, np.stack([links[0], np.array(same, np.int64)]))


def group_labels(dataset: datasets.Dataset, group: str | None = None) -> list[int]:
    """Name, for every row, the group that must stay together.

    Args:
        dataset: Rows with a `messages` column.
        group: A column whose equal values belong together. None uses the text alone.
            "passage", where there is no such column, names what is done anyway.

    Returns:
        For each row the position of the first row of its group.

    Raises:
        CourseError: There is no such column.

    Example:
        >>> from datasets import Dataset
        >>> rows = [{"messages": [{"role": "user", "content": text}], "customer": n}
        ...         for text, n in (("Where is my tent?", 1), ("Any stoves?", 2), ("Hello", 1))]
        >>> group_labels(Dataset.from_list(rows), "customer")
        [0, 1, 0]
    """
    texts = [asked(messages) for messages in conversations(dataset)]
    keys = group_keys(dataset, group)
    found: list[int] = tied(texts, keys, boilerplate(texts)).tolist()
    return found
