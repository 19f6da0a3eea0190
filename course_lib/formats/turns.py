"""Turn the messages of a row, however they are written, into canonical messages.

A canonical message has a role and a content, both text, and beside them only what a chat template
or a trainer knows: weight, name, tool_calls, function_call, tool_call_id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from course_lib.formats.json_rows import parse
from course_lib.formats.rows import Messages

#: What a message may carry beside its role and content.
BESIDE = ("weight", "name", "tool_calls", "function_call", "tool_call_id")
_TEXT_BESIDE = ("name", "tool_call_id")
# Newer exports of OpenAI name the one who instructs so; chat templates know only "system".
_DEVELOPER = "developer"
_TEXT_PARTS = {None, "text", "input_text", "output_text"}


class NotThisShape(ValueError):
    """The row does not have the shape of its file; the text says what is wrong with it."""


def conversation(
    row: Mapping[str, Any],
    key: str,
    left_out: Counter[str],
    *,
    role: str = "role",
    content: str = "content",
    speakers: Mapping[str, str] | None = None,
) -> Messages:
    """Read the list of messages that a row has under a key.

    Args:
        row: The row.
        key: Where the messages are. A list that was written as JSON text, as in a cell of a
            table, is read as well.
        left_out: Counts what of the messages is not taken over as it is, by the words of its note.
        role: How the row names the speaker; "role" is understood in any case.
        content: How the row names the text.
        speakers: Other names of roles; what is not in it stays as it is, so that a wrong role
            remains visible.

    Returns:
        Canonical messages, at least one; the row's own list where it is canonical already.

    Raises:
        NotThisShape: It is no list of messages; the text names the message.

    Example:
        >>> row = {"conversations": [{"from": "human", "value": "Hi"}]}
        >>> conversation(row, "conversations", Counter(), role="from", content="value",
        ...              speakers={"human": "user"})
        [{'role': 'user', 'content': 'Hi'}]
    """
    if key not in row:
        raise NotThisShape(f"no '{key}' in the row (it has: {_shown(row)})")
    turns = row[key]
    if isinstance(turns, str) and turns.lstrip().startswith("["):
        try:
            turns = parse(turns)
        except ValueError as error:
            raise NotThisShape(f"'{key}' is a text, and as a list of messages {error}") from error
    if not isinstance(turns, list) or not turns:
        raise NotThisShape(f"'{key}' must be a list with at least one message")
    if role == "role" and _are_plain(turns):
        return turns
    return [
        _message(turn, number, left_out, role, content, speakers or {})
        for number, turn in enumerate(turns, start=1)
    ]


def text_of(value: object, where: str) -> str:
    """Text as it is, null as empty (an empty answer is a rule of its own), text parts joined.

    Args:
        value: The content of a message, or a column.
        where: What to call it in messages.

    Returns:
        The text.

    Raises:
        NotThisShape: It is a number, an object, or has a part that is no text, such as a picture.

    Example:
        >>> text_of([{"type": "text", "text": "Hi"}], "content")
        'Hi'
    """
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_part(part, n, where) for n, part in enumerate(value, start=1))
    raise NotThisShape(f"{where} is not text but {_kind(value)}")


def _are_plain(turns: list[Any]) -> bool:
    """Whether messages have a role and a text and nothing else, as nearly all have."""
    for turn in turns:
        if type(turn) is not dict or len(turn) != 2:
            return False
        if type(turn.get("role")) is not str or type(turn.get("content")) is not str:
            return False
        if turn["role"] == _DEVELOPER:
            return False
    return True


def _message(
    turn: object,
    number: int,
    left_out: Counter[str],
    role: str,
    content: str,
    speakers: Mapping[str, str],
) -> dict[str, Any]:
    where = f"message {number}"
    if not isinstance(turn, dict):
        raise NotThisShape(f"{where} is not an object but {_kind(turn)}")
    if role not in turn and "role" in turn:
        role, content = "role", "content"
    if role not in turn:
        raise NotThisShape(f"{where} has no '{role}' (it has: {_shown(turn)})")
    # In a list of utterances "name" is the speaker, not something beside it.
    keys = [key for key in BESIDE if key not in (role, content)]
    beside = {key: turn[key] for key in keys if turn.get(key) not in (None, [])}
    calls = "tool_calls" in beside or "function_call" in beside
    if content not in turn and not calls:
        raise NotThisShape(f"{where} has no '{content}' (it has: {_shown(turn)})")
    speaker = turn[role]
    if not isinstance(speaker, str):
        raise NotThisShape(f"{where}: '{role}' is not text but {_kind(speaker)}")
    if beside:
        _check_beside(beside, where)
    for key, value in turn.items():
        if key not in (role, content, *BESIDE) and value not in (None, "", [], {}):
            left_out[f"{key!r} of messages was left out"] += 1
    if role == "role" and speaker == _DEVELOPER:
        left_out[f"the role {speaker!r} of messages was read as 'system'"] += 1
        speaker = "system"
    message: dict[str, Any] = {
        "role": speakers.get(speaker, speaker),
        "content": text_of(turn.get(content), f"{where}: '{content}'"),
    }
    message.update(beside)
    return message


def _check_beside(beside: dict[str, Any], where: str) -> None:
    for key in _TEXT_BESIDE:
        if key in beside and not isinstance(beside[key], str):
            raise NotThisShape(f"{where}: '{key}' is not text but {_kind(beside[key])}")
    weight = beside.get("weight", 0)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 <= weight <= 1:
        raise NotThisShape(f"{where}: 'weight' must be a number from 0 to 1, not {weight!r:.40}")
    if "function_call" in beside:
        _check_call(beside["function_call"], f"{where}: 'function_call'")
    calls = beside.get("tool_calls", [])
    if not isinstance(calls, list):
        raise NotThisShape(f"{where}: 'tool_calls' must be a list, not {_kind(calls)}")
    for number, call in enumerate(calls, start=1):
        place = f"{where}: tool call {number}"
        # Templates know both {"function": {"name": …}} and {"name": …}.
        inner = call.get("function", call) if isinstance(call, dict) else call
        _check_call(inner, place)
        if not isinstance(call.get("id", ""), (str, type(None))):
            raise NotThisShape(f"{place}: 'id' is not text but {_kind(call['id'])}")


def _check_call(call: object, where: str) -> None:
    if not isinstance(call, dict):
        raise NotThisShape(f"{where} is not an object but {_kind(call)}")
    if not isinstance(call.get("name"), str) or not call["name"]:
        raise NotThisShape(f"{where} does not name a function")
    if not isinstance(call.get("arguments"), (str, dict, type(None))):
        kind = _kind(call["arguments"])
        raise NotThisShape(f"{where}: 'arguments' must be JSON text or an object, not {kind}")


def _part(part: object, number: int, where: str) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        raise NotThisShape(f"{where}: part {number} is not an object but {_kind(part)}")
    kind = part.get("type")
    if (kind is None or isinstance(kind, str)) and kind in _TEXT_PARTS:
        if isinstance(part.get("text"), str):
            return str(part["text"])
        raise NotThisShape(f"{where}: part {number} has no text")
    raise NotThisShape(f"{where}: part {number} is of the type {kind!r:.40}, only text is read")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}
    return names.get(type(value), f"{type(value).__name__} ({value!r:.40})")


def _shown(row: Mapping[str, Any]) -> str:
    return ", ".join(row)[:120] or "nothing"
