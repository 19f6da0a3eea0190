"""The shapes a row of training data comes in, and how each becomes a conversation.

One small function a shape, each of them row -> (messages, other columns).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Messages = list[dict[str, str]]
Converted = tuple[Messages, dict[str, Any]]

# ShareGPT and chat exports name the speakers in many ways; only unmistakable ones are renamed,
# so that a wrong role stays visible to the cleaner.
_SPEAKERS = {"human": "user", "gpt": "assistant", "chatgpt": "assistant", "agent": "assistant"}

_QUESTIONS = (
    "question", "prompt", "instruction", "query", "text", "content", "input", "sentence",
    "utterance", "message", "headline", "質問", "問い合わせ",
)  # fmt: skip
_ANSWERS = (
    "answer", "completion", "response", "output", "reply", "ideal", "label", "category",
    "intent", "sentiment", "result", "class", "回答", "返信",
)  # fmt: skip


class NotThisShape(ValueError):
    """The row does not have the shape of its file; the text says what is wrong with it."""


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


def from_openai_chat(row: dict[str, Any]) -> Converted:
    """{"messages": [{"role": "user", "content": "Hi"}, ...]}: checked, otherwise as it is."""
    return _turns(row, "messages", "role", "content", {}), _rest(row, "messages")


def from_openai_evals(row: dict[str, Any]) -> Converted:
    """{"input": [messages] or text, "ideal": "C" or a list of accepted answers}."""
    _require(row, "input", "ideal")
    given = row["input"]
    turns = (
        [{"role": "user", "content": given}]
        if isinstance(given, str)
        else _turns(row, "input", "role", "content", {})
    )
    ideal, extra = row["ideal"], _rest(row, "input", "ideal")
    if isinstance(ideal, list) and ideal:
        # The first accepted answer is trained; the others are kept for the evaluation.
        extra, ideal = {**extra, "ideal": ideal}, ideal[0]
    return [*turns, {"role": "assistant", "content": _text(ideal, "ideal")}], extra


def from_alpaca(row: dict[str, Any]) -> Converted:
    """{"instruction": "Translate.", "input": "Hi", "output": "Salut", "system": optional}."""
    _require(row, "instruction", "output")
    instruction = _text(row["instruction"], "instruction")
    given = _text(row.get("input"), "input")
    question = f"{instruction}\n\n{given}" if given.strip() else instruction
    messages = [
        {"role": "user", "content": question},
        {"role": "assistant", "content": _text(row["output"], "output")},
    ]
    system = _text(row.get("system"), "system")
    if system.strip():
        messages.insert(0, {"role": "system", "content": system})
    return messages, _rest(row, "instruction", "input", "output", "system")


def from_sharegpt(row: dict[str, Any]) -> Converted:
    """{"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", ...}]}."""
    return _turns(row, "conversations", "from", "value", _SPEAKERS), _rest(row, "conversations")


def from_utterances(row: dict[str, Any]) -> Converted:
    """{"utterances": [{"name": "user", "text": "やあ"}, {"name": "agent", "text": "..."}]}."""
    return _turns(row, "utterances", "name", "text", _SPEAKERS), _rest(row, "utterances")


def from_prompt_completion(row: dict[str, Any]) -> Converted:
    """{"prompt": "Hi", "completion": "Hello!"}, each a text or a list of messages."""
    _require(row, "prompt", "completion")
    messages: Messages = []
    for key, role in (("prompt", "user"), ("completion", "assistant")):
        if isinstance(row[key], list):
            messages += _turns(row, key, "role", "content", {})
        else:
            messages.append({"role": role, "content": _text(row[key], key)})
    return messages, _rest(row, "prompt", "completion")


CONVERTERS: dict[str, Callable[[dict[str, Any]], Converted]] = {
    "openai_chat": from_openai_chat,
    "openai_evals": from_openai_evals,
    "alpaca": from_alpaca,
    "sharegpt": from_sharegpt,
    "prompt_completion": from_prompt_completion,
    "utterances": from_utterances,
}

# Tried in this order: the first that fits names the shape of a row.
SHAPES: dict[str, Callable[[dict[str, Any]], bool]] = {
    "openai_chat": lambda row: "messages" in row,
    "openai_evals": lambda row: "input" in row and "ideal" in row,
    "sharegpt": lambda row: "conversations" in row,
    "alpaca": lambda row: "instruction" in row and "output" in row,
    "prompt_completion": lambda row: "prompt" in row and "completion" in row,
    "utterances": lambda row: "utterances" in row,
}


def _turns(
    row: dict[str, Any], key: str, role: str, content: str, speakers: dict[str, str]
) -> Messages:
    _require(row, key)
    turns = row[key]
    if not isinstance(turns, list) or not turns:
        raise NotThisShape(f"'{key}' must be a list with at least one message")
    return [_turn(turn, n, role, content, speakers) for n, turn in enumerate(turns, start=1)]


def _turn(
    turn: object, number: int, role: str, content: str, speakers: dict[str, str]
) -> dict[str, str]:
    where = f"message {number}"
    if not isinstance(turn, dict):
        raise NotThisShape(f"{where} is not an object but {type(turn).__name__}")
    if turn.get("tool_calls") or turn.get("function_call"):
        raise NotThisShape(f"{where} calls a tool, which this course's formats do not carry")
    if role not in turn and "role" in turn:
        role, content = "role", "content"
    for name in (role, content):
        if name not in turn:
            raise NotThisShape(f"{where} has no '{name}'")
    speaker = turn[role]
    if not isinstance(speaker, str):
        raise NotThisShape(f"{where}: '{role}' is not text but {type(speaker).__name__}")
    return {
        "role": speakers.get(speaker, speaker),
        "content": _text(turn[content], f"{where}: '{content}'"),
    }


def _text(value: object, where: str) -> str:
    """Text as it is, null as empty (an empty answer is a rule of its own), parts joined."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(
        isinstance(part, dict) and isinstance(part.get("text"), str) for part in value
    ):
        return "".join(part["text"] for part in value)
    raise NotThisShape(f"{where} is not text but {type(value).__name__}")


def _require(row: dict[str, Any], *keys: str) -> None:
    missing = [key for key in keys if key not in row]
    if missing:
        raise NotThisShape(f"no '{missing[0]}' in the row (it has: {', '.join(row)[:120]})")


def _rest(row: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in keys}
