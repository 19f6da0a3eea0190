"""Preference pairs: a prompt, the answer that people chose, and the one that they rejected."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from course_lib.formats.rows import Messages
from course_lib.formats.shapes import (
    Converted,
    answer_messages,
    prompt_messages,
    require,
    rest,
)
from course_lib.formats.turns import NotThisShape, conversation

# Names of the prompt column in public sets; the first that is there is used.
_PROMPTS = ("prompt", "question", "instruction", "input", "conversations")
# Anthropic's hh-rlhf writes a whole conversation as one text.
_SPOKEN = re.compile(r"(?:\A\s*|\n\n)(Human|Assistant):")
_HUMAN = re.compile(r"\s*Human:")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def from_preference(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"}, each a text or messages.

    Without a prompt, or with one that both answers repeat, `chosen` and `rejected` carry the
    whole conversation: the prompt is what they have in common.

    >>> row = {"chosen": "\\n\\nHuman: Hi\\n\\nAssistant: Hello!",
    ...        "rejected": "\\n\\nHuman: Hi\\n\\nAssistant: What?"}
    >>> from_preference(row, Counter()).rejected
    [{'role': 'assistant', 'content': 'What?'}]
    """
    require(row, "chosen", "rejected")
    key = next((name for name in _PROMPTS if name in row), None)
    chosen = _side(row, "chosen", left_out)
    rejected = _side(row, "rejected", left_out)
    prompt = [] if key is None or row[key] is None else _prompt(row, key, left_out)
    used = ["chosen", "rejected", *([key] if key else [])]
    if key == "instruction" and isinstance(row.get("input"), str):  # pairs in Alpaca's columns
        used.append("input")
        if row["input"].strip():
            prompt[-1]["content"] += f"\n\n{row['input']}"
    extra = rest(row, *used)
    if chosen[0]["role"] == rejected[0]["role"] == "assistant":
        if not prompt:
            raise NotThisShape("'chosen' and 'rejected' are answers, but the row has no prompt")
    else:
        prompt, chosen, rejected = _parted(prompt, chosen, rejected)
    system = extra.get("system")
    if isinstance(system, str) and system.strip() and prompt[0]["role"] != "system":
        del extra["system"]
        prompt = [{"role": "system", "content": system}, *prompt]
    return Converted([*prompt, *chosen], extra, rejected, len(prompt))


def from_openai_preference(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"input": {"messages": [...]}, "preferred_output": [...], "non_preferred_output": [...]}."""
    require(row, "input", "preferred_output", "non_preferred_output")
    given, extra = row["input"], rest(row, "input", "preferred_output", "non_preferred_output")
    if isinstance(given, dict):
        # "tools" and the like belong to the conversation, as they do in a chat row.
        beside = rest(given, "messages")
        extra |= {(f"input_{key}" if key in extra else key): v for key, v in beside.items()}
        prompt = conversation(given, "messages", left_out)
    else:
        prompt = prompt_messages(row, "input", left_out)
    chosen = answer_messages(row, "preferred_output", left_out)
    rejected = answer_messages(row, "non_preferred_output", left_out)
    return Converted([*prompt, *chosen], extra, rejected, len(prompt))


def transcript(text: str) -> Messages | None:
    """Read a conversation that is written as one text with "Human:" and "Assistant:".

    Args:
        text: As in Anthropic's hh-rlhf; it must begin with "Human:".

    Returns:
        The messages; an empty answer at the end, which marks a prompt, is left out. None where
        the text is no transcript.

    Example:
        >>> transcript("\\n\\nHuman: Hi\\n\\nAssistant: Hello!")[1]
        {'role': 'assistant', 'content': 'Hello!'}
    """
    if not _HUMAN.match(text):
        return None
    marks = list(_SPOKEN.finditer(text))
    ends = [*(mark.start() for mark in marks[1:]), len(text)]
    messages = [
        {"role": _ROLES[mark[1]], "content": text[mark.end() : end].removeprefix(" ")}
        for mark, end in zip(marks, ends, strict=True)
    ]
    if messages[-1]["role"] == "assistant" and not messages[-1]["content"].strip():
        messages.pop()
    return messages


def _prompt(row: Mapping[str, Any], key: str, left_out: Counter[str]) -> Messages:
    spoken = transcript(row[key]) if isinstance(row[key], str) else None
    return spoken or prompt_messages(row, key, left_out)


def _side(row: Mapping[str, Any], key: str, left_out: Counter[str]) -> Messages:
    spoken = transcript(row[key]) if isinstance(row[key], str) else None
    return spoken or answer_messages(row, key, left_out)


def _parted(
    prompt: Messages, chosen: Messages, rejected: Messages
) -> tuple[Messages, Messages, Messages]:
    """Both sides carry the whole conversation: part them where they part."""
    length = 0
    # Each side keeps its last message, even where the two are the same.
    for one, other in zip(chosen[:-1], rejected[:-1], strict=False):
        if one != other:
            break
        length += 1
    if length == 0:
        raise NotThisShape("'chosen' and 'rejected' have no prompt in common")
    common = chosen[:length]
    if chosen[length]["role"] != "assistant" or rejected[length]["role"] != "assistant":
        raise NotThisShape(
            f"'chosen' and 'rejected' part at message {length + 1}, which is not an answer"
        )
    said = {message["content"].strip() for message in common}
    if prompt and prompt[-1]["content"].strip() not in said:
        raise NotThisShape("'chosen' and 'rejected' repeat a prompt, but not the one in the row")
    if prompt and prompt[0]["role"] == "system" and common[0]["role"] != "system":
        common = [prompt[0], *common]
    return common, chosen[length:], rejected[length:]
