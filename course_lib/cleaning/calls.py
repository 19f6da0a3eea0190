"""Calls of tools: what the assistant says beside its text, in `tool_calls` or `function_call`.

A message that only calls has no text, and is sound. Its arguments are JSON that the customer's
values are copied into, so private ones are masked there too, and in the name of who speaks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from course_lib.cleaning.rule import Messages

_RESULTS = ("tool", "function")


def calls(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The functions that a message calls, each with "name" and mostly "arguments".

    Args:
        message: A canonical message.

    Returns:
        The calls in their order, without ids; empty for nearly every message.

    Example:
        >>> call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
        >>> calls({"role": "assistant", "content": "", "tool_calls": [call]})
        [{'name': 'find', 'arguments': '{}'}]
    """
    made = [call.get("function") or call for call in message.get("tool_calls") or ()]
    single = message.get("function_call")
    return [*made, single] if single else made


def said(message: Mapping[str, Any]) -> str:
    """All that a message says: its text, and its calls as JSON.

    Args:
        message: A canonical message.

    Returns:
        The text; behind it a line for each call, alike for arguments written in another order.

    Example:
        >>> said({"role": "assistant", "content": "", "function_call": {"name": "find"}})
        '\\nfind null'
    """
    text = str(message["content"])
    if len(message) == 2:
        return text
    lines = [f"{call['name']} {_canonical(call.get('arguments'))}" for call in calls(message)]
    return "\n".join([text, *lines])


def results(messages: Messages) -> list[str]:
    """What the tools returned in a conversation: facts that its answers are made of.

    Args:
        messages: A conversation.

    Returns:
        The contents of the results, in their order.

    Example:
        >>> results([{"role": "tool", "content": "4 km"}])
        ['4 km']
    """
    return [message["content"] for message in messages if message["role"] in _RESULTS]


def rewritten_beside(
    message: dict[str, Any], repair: Callable[[str], str]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Apply a repair to what a message has beside its text: its name, the arguments of its calls.

    Args:
        message: A canonical message; it is not altered.
        repair: JSON text -> JSON text, such as the masking of one kind of private value.

    Returns:
        The message, a new one if something changed; and what did, before and after.

    Example:
        >>> call = {"name": "find", "arguments": '{"mail": "a@b.jp"}'}
        >>> rewritten_beside(
        ...     {"role": "assistant", "content": "", "function_call": call},
        ...     lambda text: text.replace("a@b.jp", "[EMAIL]"),
        ... )[1]
        [('{"mail": "a@b.jp"}', '{"mail": "[EMAIL]"}')]
    """
    pairs: list[tuple[str, str]] = []

    def rewritten(call: dict[str, Any]) -> dict[str, Any]:
        if call.get("function"):
            return {**call, "function": rewritten(call["function"])}
        arguments = call.get("arguments")
        if not arguments:
            return call
        text = arguments if isinstance(arguments, str) else json.dumps(arguments)
        after = repair(text)
        if after == text:
            return call
        pairs.append((text, after))
        return {**call, "arguments": after if isinstance(arguments, str) else _parsed(after)}

    name = message.get("name") or ""
    if name and (masked := repair(name)) != name:
        pairs.append((name, masked))
        name = masked
    fresh = {
        "name": name,
        "tool_calls": [rewritten(call) for call in message.get("tool_calls") or ()],
        "function_call": rewritten(message.get("function_call") or {}),
    }
    if not pairs:
        return message, pairs
    return {**message, **{key: value for key, value in fresh.items() if value}}, pairs


def _canonical(arguments: Any) -> str:
    value = _parsed(arguments) if isinstance(arguments, str) else arguments
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def _parsed(text: str) -> Any:
    """The value of JSON text; of any other, the text."""
    try:
        return json.loads(text)
    except ValueError:
        return text
