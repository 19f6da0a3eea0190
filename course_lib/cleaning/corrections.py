"""What a person writes where a row needs more than a yes or no: a better text, or the whole row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_lib.cleaning import schema
from course_lib.cleaning.calls import said
from course_lib.cleaning.preferences import conversation, rejected_side, same_answers
from course_lib.cleaning.report import written_row
from course_lib.cleaning.rule import Messages
from course_lib.errors import CourseError
from course_lib.formats import Row
from course_lib.formats.detection import converter_of
from course_lib.formats.turns import NotThisShape


def texts_to_fix(finding: Mapping[Any, Any]) -> dict[int, str]:
    """The texts of a finding that a person would put right.

    Args:
        finding: One row of `sample_findings`.

    Returns:
        Number of the message (from 1) -> its text: of a repair what was rewritten, else the last
        answer, and of a preference pair the last answer of each side. Empty where the row is no
        conversation, or its roles are wrong: then the row has to be written as a whole
        (`row_from_text`).

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> row = {"messages": chat("Hi", "Helo!")}
        >>> texts_to_fix({"messages": row["messages"], "changes": [], "row": row})
        {2: 'Helo!'}
    """
    messages = finding["messages"]
    if not messages or _fault(messages):
        return {}
    rejected = rejected_side(finding["row"])
    every = [*messages, *rejected]
    changed = {change["message"] for change in finding["changes"]}
    asked = {number for number in changed if number <= len(every)} or {len(messages), len(every)}
    return {number: every[number - 1]["content"] for number in sorted(asked)}


def row_with_texts(row: Mapping[str, Any], texts: Mapping[int, str]) -> dict[str, Any]:
    """A row with some of its messages written anew.

    Args:
        row: As for `conversation`; it is not altered.
        texts: Number of the message (from 1, the rejected answer of a pair last) -> its new text.

    Returns:
        The corrected row, as `record` wants it for a fix.

    Raises:
        CourseError: Nothing differs, or what is left cannot be trained on.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> row_with_texts({"messages": chat("Hi", "Helo!"), "id": 4}, {2: "Hello!"})["messages"][1]
        {'role': 'assistant', 'content': 'Hello!'}
    """
    numbers = iter(range(1, len(conversation(row)) + len(rejected_side(row)) + 1))
    parts = ("messages",) if "messages" in row else ("prompt", "chosen", "rejected")
    corrected = {
        part: [{**m, "content": texts.get(next(numbers), m["content"])} for m in row[part]]
        for part in parts
    }
    if all(corrected[part] == row[part] for part in parts):
        raise CourseError("Nothing was changed: edit the text, or keep the row as it is.")
    return _sound({**row, **corrected})


def row_from_text(text: str) -> dict[str, Any]:
    """A row that a person wrote as a whole, because there was no conversation to correct.

    Args:
        text: One JSON object in any format that `read` knows.

    Returns:
        The row as {"messages": [...], other columns}, a preference pair with prompt, chosen and
        rejected.

    Raises:
        CourseError: The text is no JSON, no row, or no conversation that can be trained on.

    Example:
        >>> row_from_text('{"prompt": "Hi", "completion": "Hello!", "id": 4}')["id"]
        4
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CourseError(f"This is no JSON yet: {error}.") from error
    if not isinstance(value, dict):
        raise CourseError('Write one JSON object, such as {"messages": [{"role": "user", …}, …]}.')
    _, convert, _ = converter_of(Path("This row"), [value], None)
    try:
        converted = convert(value, Counter())
    except NotThisShape as error:
        raise CourseError(f"This row cannot be read yet: {error}.") from error
    messages, extra, rejected, length = converted
    row = Row(1, value, messages, extra, None, rejected=rejected, prompt_length=length)
    return _sound(written_row(row, messages, rejected, ()))


def _fault(messages: Messages) -> str | None:
    return schema.ROLE.check(messages) or schema.TURNS.check(messages)


def _sound(row: dict[str, Any]) -> dict[str, Any]:
    pair = "messages" not in row
    sides = [conversation(row), *([[*row["prompt"], *row["rejected"]]] if pair else [])]
    for messages in sides:
        fault = _fault(messages)
        if fault:
            raise CourseError(f"This cannot be trained on yet: {fault}.")
        # A call may be the last word.
        if not said(messages[-1]).strip():
            raise CourseError("The last answer is empty: write one, or reject the row.")
    fault = same_answers(row["prompt"], row["chosen"], row["rejected"]) if pair else None
    if fault:
        raise CourseError(f"This teaches nothing yet: {fault}.")
    return row
