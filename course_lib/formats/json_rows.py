"""Parse JSON row by row, so that one broken row costs one row and its line is known.

Strict where other tools are: NaN, Infinity, half characters and a key that stands twice are
problems of a row. Python alone would accept them, and the next tool would not, or would read
something else.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from course_lib.formats.lines import Line

# No conversation needs more, Arrow and Python both give up at a few hundred.
DEEPEST = 50
#: What is said of a value that is nested more deeply.
TOO_DEEP = f"not JSON that can be used: nested more than {DEEPEST} levels deep"


class Item(NamedTuple):
    """One row of a JSON file: its line (from 1), its value, and why there is none, if so.

    Where there is a problem, `value` is the text of the row.
    """

    line: int
    value: Any
    problem: str | None


def parse(text: str) -> Any:
    """`json.loads`, less what other tools refuse or read differently.

    Args:
        text: One JSON value.

    Returns:
        The value.

    Raises:
        ValueError: It is no JSON, or has a key twice in one object, NaN or Infinity, half a
            character, or more than 50 levels; the text can be shown to the learner.

    Example:
        >>> parse('{"role": "user", "role": "assistant"}')
        Traceback (most recent call last):
        ValueError: the key 'role' stands twice in one object
    """
    try:
        value, end = scan(text, 0)
        if end != len(text) and text[end:].strip(" \t\r\n"):
            raise json.JSONDecodeError("Extra data", text, end)
    except (StopIteration, json.JSONDecodeError):
        # Slower, but it skips leading spaces and knows what was expected where.
        try:
            value = _DECODER.decode(text)
        except json.JSONDecodeError as error:
            raise ValueError(_why(error)) from error
        except RecursionError:
            raise ValueError(TOO_DEEP) from None
    except RecursionError:
        raise ValueError(TOO_DEEP) from None
    check_value(text, value)
    return value


def json_lines(lines: Iterable[Line], passed: Counter[str]) -> Iterator[Item]:
    """Parse JSON Lines, keeping what does not parse.

    Args:
        lines: Number, text and problem of each line.
        passed: Counts what was passed over: "blank" lines, and "marks" (a byte-order mark in the
            middle, where files were strung together).

    Yields:
        An item a line.

    Example:
        >>> lines = [(1, '{"a": 1}', None), (2, "", None), (3, "{", None)]
        >>> [item.line for item in json_lines(lines, Counter()) if item.problem]
        [3]
    """
    for number, text, problem in lines:
        if problem:
            yield Item(number, text.rstrip("\r"), problem)
        elif not text or text.isspace():
            passed["blank"] += 1
        else:
            marked = text[0] == "\ufeff"
            passed["marks"] += marked
            try:
                value = parse(text.lstrip("\ufeff") if marked else text)
            except ValueError as error:
                yield Item(number, text.rstrip("\r"), str(error))
            else:
                yield Item(number, value, None)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) == 2:
        (first, role), (second, content) = pairs
        if first == "role" and second == "content" and type(role) is str:
            # Millions of messages share these words instead of holding them once each.
            return {"role": _ROLES.get(role, role), "content": content}
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                shown = key if len(key) <= 40 else key[:40] + "…"
                raise ValueError(f"the key {shown!r} stands twice in one object")
            seen.add(key)
    return value


def _refuse(name: str) -> float:
    raise ValueError(f"not JSON: {name} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"the number {digits[:40]} is too large to be stored")
    return number


def _whole(digits: str) -> int:
    try:
        return int(digits)
    except ValueError as error:  # Python's own limit
        raise ValueError(f"a number of {len(digits):,} digits cannot be stored") from error


_ROLES = {role: role for role in ("system", "user", "assistant", "tool")}
_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite, parse_int=_whole
)
#: Text and position -> value and the position behind it. This is the C function behind `decode`,
#: which needs no pattern matching before and after.
scan: Callable[[str, int], tuple[Any, int]] = vars(_DECODER)["scan_once"]


def check_value(text: str, value: Any) -> None:
    """Refuse what parses but cannot be stored: too deep, or with half a character.

    Args:
        text: The value as it is written.
        value: The value.

    Raises:
        ValueError: It cannot be stored; the text can be shown to the learner.

    Example:
        >>> check_value("[1]", [1])
    """
    if text.count("{") + text.count("[") > DEEPEST and _too_deep(value):
        raise ValueError(TOO_DEEP)
    if "\\ud" in text or "\\uD" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError("half a character (a lone surrogate), no file can store it") from error


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST + 1):
        level = [
            child
            for item in level
            if isinstance(item, (dict, list))
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return True


def _why(error: json.JSONDecodeError) -> str:
    return f"not JSON: {error.msg.removesuffix(' at')} at column {error.colno}"
