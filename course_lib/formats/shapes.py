"""The shapes a row of training data comes in, and how each becomes a conversation.

One small function a shape, each of them row -> `Converted`. Preference pairs have a module of
their own.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from course_lib.formats.json_rows import parse
from course_lib.formats.rows import Messages
from course_lib.formats.turns import NotThisShape, conversation, text_of

# ShareGPT and chat exports name the speakers in many ways; only unmistakable ones are renamed,
# so that a wrong role stays visible to the cleaner.
_SPEAKERS = {
    "human": "user",
    "gpt": "assistant",
    "chatgpt": "assistant",
    "agent": "assistant",
    "observation": "tool",
}

_QUESTIONS = (
    "question", "prompt", "instruction", "query", "text", "content", "input", "sentence",
    "utterance", "message", "headline", "質問", "問い合わせ",
)  # fmt: skip
_ANSWERS = (
    "answer", "completion", "response", "output", "reply", "ideal", "label", "category",
    "intent", "sentiment", "result", "class", "回答", "返信",
)  # fmt: skip


class Converted(NamedTuple):
    """What a row became; the fields are those of `Row`."""

    messages: Messages
    extra: dict[str, Any]
    rejected: Messages | None = None
    prompt_length: int | None = None


#: Row, and a counter of what of the messages is not taken over as it is -> conversation.
Converter = Callable[[Mapping[str, Any], Counter[str]], Converted]


def question_and_answer(header: Iterable[str]) -> tuple[str, str] | None:
    """Find the question and the answer among the column names of a table.

    Args:
        header: The column names, in any case.

    Returns:
        The two names as written, or None if one of them is not there.

    Example:
        >>> question_and_answer(["id", "Text", "category"])
        ('Text', 'category')
    """
    names = {name.strip().lower(): name for name in header}
    question = next((names[name] for name in _QUESTIONS if name in names), None)
    answer = next((names[name] for name in _ANSWERS if name in names), None)
    return (question, answer) if question is not None and answer is not None else None


def from_openai_chat(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"messages": [{"role": "user", "content": "Hi"}, ...]}: checked, otherwise as it is."""
    return Converted(conversation(row, "messages", left_out), rest(row, "messages"))


def from_openai_evals(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"input": [messages] or text, "ideal": "C" or a list of accepted answers}."""
    require(row, "input", "ideal")
    turns = prompt_messages(row, "input", left_out)
    ideal, extra = row["ideal"], rest(row, "input", "ideal")
    if isinstance(ideal, list) and ideal:
        # The first accepted answer is trained; the others are kept for the evaluation.
        extra, ideal = {**extra, "ideal": ideal}, ideal[0]
    return Converted([*turns, _answer(text_of(ideal, "'ideal'"))], extra)


def from_alpaca(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"instruction": "Translate.", "input": "Hi", "output": "Salut", "system": optional}.

    An optional "history" is a list of earlier [question, answer] pairs.
    """
    require(row, "instruction", "output")
    instruction = text_of(row["instruction"], "'instruction'")
    given = text_of(row.get("input"), "'input'")
    question = f"{instruction}\n\n{given}" if given.strip() else instruction
    messages = [
        {"role": "user", "content": question},
        _answer(text_of(row["output"], "'output'")),
    ]
    known = ["instruction", "input", "output", "system"]
    if row.get("history"):
        messages = [*_history(row["history"]), *messages]
        known.append("history")
    system = text_of(row.get("system"), "'system'")
    if system.strip():
        messages.insert(0, {"role": "system", "content": system})
    return Converted(messages, rest(row, *known))


def from_sharegpt(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", ...}]}."""
    return _named(row, left_out, "conversations", "from", "value")


def from_utterances(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"utterances": [{"name": "user", "text": "やあ"}, {"name": "agent", "text": "..."}]}."""
    return _named(row, left_out, "utterances", "name", "text")


def from_prompt_completion(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
    """{"prompt": "Hi", "completion": "Hello!"}, each a text or a list of messages."""
    require(row, "prompt", "completion")
    prompt = prompt_messages(row, "prompt", left_out)
    answer = answer_messages(row, "completion", left_out)
    return Converted([*prompt, *answer], rest(row, "prompt", "completion"))


def columns(question: str, answer: str) -> Converter:
    """Make the converter of a table from the names of two of its columns.

    Args:
        question: The column that the user says.
        answer: The column that the assistant answers. Numbers and truth values are written as
            JSON writes them, since class labels often are numbers.

    Returns:
        The converter; all other columns stay beside the conversation.

    Example:
        >>> columns("body", "stars")({"body": "Great tent", "stars": 5}, Counter()).messages[1]
        {'role': 'assistant', 'content': '5'}
    """

    def convert(row: Mapping[str, Any], left_out: Counter[str]) -> Converted:
        require(row, question, answer)
        messages = [
            {"role": "user", "content": _cell(row[question], question)},
            _answer(_cell(row[answer], answer)),
        ]
        return Converted(messages, rest(row, question, answer))

    return convert


def prompt_messages(row: Mapping[str, Any], key: str, left_out: Counter[str]) -> Messages:
    """Read a prompt, which is one text of the user or a list of messages.

    Args:
        row: The row, which has the key.
        key: Where the prompt is.
        left_out: Counts what of the messages is not taken over as it is.

    Returns:
        Canonical messages.

    Example:
        >>> prompt_messages({"prompt": "Hi"}, "prompt", Counter())
        [{'role': 'user', 'content': 'Hi'}]
    """
    if isinstance(row[key], list):
        return _listed(row, key, left_out)
    return [{"role": "user", "content": text_of(row[key], f"'{key}'")}]


def answer_messages(row: Mapping[str, Any], key: str, left_out: Counter[str]) -> Messages:
    """Read an answer, which is one text of the assistant or a list of messages.

    Args:
        row: The row, which has the key.
        key: Where the answer is.
        left_out: Counts what of the messages is not taken over as it is.

    Returns:
        Canonical messages.

    Example:
        >>> answer_messages({"completion": "Hello!"}, "completion", Counter())
        [{'role': 'assistant', 'content': 'Hello!'}]
    """
    value = row[key]
    if isinstance(value, dict):
        value = [value]  # one message without its list
    if isinstance(value, list):
        return _listed({key: value}, key, left_out)
    return [_answer(text_of(value, f"'{key}'"))]


def require(row: Mapping[str, Any], *keys: str) -> None:
    """Make sure that a row has these keys.

    Args:
        row: The row.
        keys: What it must have.

    Raises:
        NotThisShape: One is missing; the text says what is there instead.

    Example:
        >>> require({"prompt": "Hi"}, "prompt")
    """
    for key in keys:
        if key not in row:
            shown = ", ".join(row)[:120] or "nothing"
            raise NotThisShape(f"no '{key}' in the row (it has: {shown})")


def rest(row: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """The columns of a row other than these.

    Args:
        row: The row.
        keys: What the conversation was made of.

    Returns:
        A mapping of its own.

    Example:
        >>> rest({"prompt": "Hi", "id": 7}, "prompt")
        {'id': 7}
    """
    return {key: value for key, value in row.items() if key not in keys}


def _answer(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _cell(value: object, name: str) -> str:
    if isinstance(value, (bool, int, float)):
        return json.dumps(value)
    return text_of(value, f"'{name}'")


def _listed(row: Mapping[str, Any], key: str, left_out: Counter[str]) -> Messages:
    first = row[key][0] if row[key] else None
    if isinstance(first, dict) and "from" in first and "role" not in first:
        return conversation(row, key, left_out, role="from", content="value", speakers=_SPEAKERS)
    return conversation(row, key, left_out)


def _named(
    row: Mapping[str, Any], left_out: Counter[str], key: str, role: str, content: str
) -> Converted:
    messages = conversation(row, key, left_out, role=role, content=content, speakers=_SPEAKERS)
    if any(message["role"] == "function_call" for message in messages):
        messages = [_called(message) for message in messages]
    extra = rest(row, key)
    system = extra.get("system")
    if isinstance(system, str) and system.strip() and messages[0]["role"] != "system":
        del extra["system"]
        messages = [{"role": "system", "content": system}, *messages]
    return Converted(messages, extra)


def _called(message: dict[str, Any]) -> dict[str, Any]:
    """A turn of ShareGPT that is a call, such as {"name": "find", "arguments": {}}, or a list."""
    if message["role"] != "function_call":
        return message
    try:
        calls = parse(message["content"])
    except ValueError:
        return message  # its role will be found to be wrong
    calls = calls if isinstance(calls, list) else [calls]
    if not all(isinstance(call, dict) and isinstance(call.get("name"), str) for call in calls):
        return message
    made = [{"type": "function", "function": call} for call in calls]
    return {"role": "assistant", "content": "", "tool_calls": made}


def _history(history: object) -> Messages:
    if not isinstance(history, list):
        raise NotThisShape("'history' must be a list of [question, answer] pairs")
    messages: Messages = []
    for number, pair in enumerate(history, start=1):
        if not isinstance(pair, list) or len(pair) != 2:
            raise NotThisShape(f"'history': entry {number} is no [question, answer] pair")
        messages.append({"role": "user", "content": text_of(pair[0], f"'history' {number}")})
        messages.append(_answer(text_of(pair[1], f"'history' {number}")))
    return messages
