"""Are these rows what OpenAI's API trains on? Told with the line that is not.

The shapes are those of its guides: conversations for supervised fine-tuning, pairs of answers for
DPO, questions with a reference for reinforcement fine-tuning.
https://developers.openai.com/api/docs/guides/supervised-fine-tuning
https://developers.openai.com/api/docs/guides/direct-preference-optimization
https://developers.openai.com/api/docs/guides/reinforcement-fine-tuning
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from course_lib.errors import CourseError
from course_lib.formats.json_rows import parse

Method = Literal["supervised", "dpo", "reinforcement"]

#: Fewer teach nothing that can be told from chance; OpenAI's own limit.
FEWEST_ROWS = 10

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_NAMED = 5


class InvalidFile(ValueError):
    """A file that cannot be trained on; the message names the line."""


def rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The rows of a JSON Lines file.

    Args:
        path: The file.

    Yields:
        The number of the line, counted from 1, and its row. Empty lines are passed over.

    Raises:
        InvalidFile: A line is no JSON object, or the file is no UTF-8, or has no row at all.

    Example:
        >>> list(rows(Path("support.jsonl")))[0]  # doctest: +SKIP
        (1, {'messages': [...]})
    """
    found = False
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            found = True
            yield number, _row(number, line)
    if not found:
        raise InvalidFile("Invalid file format. The file is empty.")


def _row(number: int, line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise InvalidFile(
            f"Invalid file format. Line {number} is not UTF-8 (byte {error.start + 1})."
        ) from error
    try:
        row = parse(text.strip())
    except ValueError as error:
        why = str(error).removeprefix("not JSON: ")
        raise InvalidFile(
            f"Invalid file format. Line {number} is not valid JSON: {why}."
        ) from error
    if not isinstance(row, dict):
        raise InvalidFile(f"Invalid file format. Line {number} is not a JSON object.")
    return row


def check(path: Path, method: Mapping[str, Any], *, fewest: int = FEWEST_ROWS) -> int:
    """Look at every row of a file before a job trains on it.

    Args:
        path: The file.
        method: What it is to be used for, as in the request; of reinforcement, with its grader.
        fewest: The fewest rows; a validation file may have 1.

    Returns:
        How many rows there are.

    Raises:
        InvalidFile: Rows that cannot be used, or too few of them.

    Example:
        >>> check(Path("support.jsonl"), {"type": "supervised"})  # doctest: +SKIP
        120
    """
    look = _look(method)
    wrong: list[str] = []
    count = bad = 0
    for number, row in rows(path):
        count += 1
        problem = look(row)
        if problem is not None:
            bad += 1
            if len(wrong) < _NAMED:
                wrong.append(f"Line {number}: {problem}")
    if bad:
        more = f" And {bad - len(wrong):,} more lines." if bad > len(wrong) else ""
        raise InvalidFile(f"{bad:,} of {count:,} lines are not usable. {' '.join(wrong)}{more}")
    if count < fewest:
        raise InvalidFile(
            f"Expected the file to have at least {fewest} example(s), but found {count}."
        )
    return count


def _look(method: Mapping[str, Any]) -> Callable[[dict[str, Any]], str | None]:
    kind: Method = method["type"]
    if kind == "supervised":
        return _chat
    if kind == "dpo":
        return _preference
    from course_lib.evaluation import grader
    from course_lib.serving.graders import FORMULA_FAILS

    grade = grader(method["reinforcement"]["grader"])

    def question(row: dict[str, Any]) -> str | None:
        problem = _question(row)
        if problem is None:
            try:
                grade("", row)
            except CourseError as error:
                return f"{error}."
            except FORMULA_FAILS:
                return None  # on the empty answer, and perhaps on no other
        return problem

    return question


def _chat(row: dict[str, Any]) -> str | None:
    if "messages" not in row:
        return f"there is no 'messages' (its keys are {_keys(row)})."
    problem = _messages(row["messages"], "messages")
    if problem:
        return problem
    if not any(message["role"] == "assistant" for message in row["messages"]):
        return "no message is the assistant's: there is nothing to learn."
    return None


def _preference(row: dict[str, Any]) -> str | None:
    given = row.get("input")
    if not isinstance(given, dict) or "messages" not in given:
        return f"there is no 'input' with 'messages' (its keys are {_keys(row)})."
    problem = _messages(given["messages"], "input.messages")
    for side in ("preferred_output", "non_preferred_output"):
        if problem:
            break
        if side not in row:
            return f"there is no {side!r}."
        problem = _messages(row[side], side)
        if not problem and [message["role"] for message in row[side]] != ["assistant"]:
            return f"{side} must be one message of the assistant's."
        if not problem and not str(row[side][0].get("content") or "").strip():
            return f"{side} is empty."
    if not problem and _said(row["preferred_output"]) == _said(row["non_preferred_output"]):
        return "both outputs are the same: there is nothing to prefer."
    return problem


def _said(output: list[dict[str, Any]]) -> object:
    return output[0].get("content")


def _question(row: dict[str, Any]) -> str | None:
    if "messages" not in row:
        return f"there is no 'messages' (its keys are {_keys(row)})."
    problem = _messages(row["messages"], "messages")
    if not problem and row["messages"][-1]["role"] != "user":
        return "the last message must be the user's: the model writes the answer itself."
    return problem


def _messages(messages: object, where: str) -> str | None:
    if not isinstance(messages, list) or not messages:
        return f"{where} must be a list of at least one message."
    for index, message in enumerate(messages):
        problem = _message(message)
        if problem:
            return f"{where}[{index}] {problem}"
    return None


def _message(message: object) -> str | None:
    if not isinstance(message, dict):
        return "is not an object."
    role = message.get("role")
    if role not in _ROLES:
        return f"has the role {role!r}; it must be one of {', '.join(_ROLES)}."
    content = message.get("content")
    calls = message.get("tool_calls") or message.get("function_call")
    if content is None and not (role == "assistant" and calls):
        return "has no content."
    if isinstance(content, list):
        parts = [part for part in content if not _is_text(part)]
        return "has a part that is not text; only text is trained on." if parts else None
    if content is not None and not isinstance(content, str):
        return "has a content that is not text."
    if message.get("weight", 1) not in (0, 1):
        return "has a weight that is neither 0 nor 1."
    return None


def _is_text(part: object) -> bool:
    return (
        isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
    )


def _keys(row: dict[str, Any]) -> str:
    return ", ".join(repr(key) for key in list(row)[:_NAMED]) or "none"
