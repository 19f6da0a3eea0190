"""Parse JSON row by row, so that one broken row costs one row and its line is known."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path

from course_lib.errors import CourseError


@dataclass(frozen=True)
class Parsed:
    """One row of a JSON file: its line (from 1), its value, and why there is none, if so.

    Where there is a problem, `value` is the text of the line.
    """

    line: int
    value: object
    problem: str | None


def parse_json(path: Path, lines: list[tuple[str, str | None]]) -> tuple[list[Parsed], int]:
    """Parse JSON Lines, or a JSON array, keeping what does not parse.

    Args:
        path: The file, for messages.
        lines: Text and decoding problem of each line, as `encodings.split_lines` gives them.

    Returns:
        The rows, and how many blank lines stood between them.

    Raises:
        CourseError: Not one line is JSON.

    Example:
        >>> parse_json(Path("a.jsonl"), [('{"a": 1}', None), ("", None), ("{", None)])[0][1].problem
        'not JSON: Expecting property name enclosed in double quotes at column 2'
    """
    if next(text for text, _ in lines if text.strip()).lstrip().startswith("["):
        whole = _parse_array("\n".join(text for text, _ in lines))
        if whole:
            return whole, 0
    parsed = [
        _parse_line(number, text, problem)
        for number, (text, problem) in enumerate(lines, start=1)
        if text.strip()
    ]
    if all(item.problem for item in parsed):
        first = parsed[0]
        raise CourseError(
            f"{path}: none of the {len(parsed)} lines is JSON (line {first.line}: "
            f"{first.problem}). Give one JSON object a line, or a CSV with a header."
        )
    # The empty piece behind the last line feed is no line.
    return parsed, len(lines) - len(parsed) - (not lines[-1][0].strip())


def _parse_line(number: int, text: str, problem: str | None) -> Parsed:
    if problem:
        return Parsed(number, text.rstrip("\r"), problem)
    try:
        value = _load_json(text)
    except (ValueError, RecursionError) as error:
        return Parsed(number, text.rstrip("\r"), _why(error))
    return Parsed(number, value, None)


def _load_json(text: str) -> object:
    """`json.loads`, less what other tools refuse: NaN, Infinity, halves of characters."""

    def refuse(name: str) -> float:
        raise ValueError(f"{name} is not JSON")

    def finite(digits: str) -> float:
        number = float(digits)
        return number if math.isfinite(number) else refuse(digits)

    value = json.loads(text, parse_constant=refuse, parse_float=finite)
    if "\\ud" in text.lower():
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError as error:
            raise ValueError("half a character (a lone surrogate), no file can store it") from error
    return value


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"not JSON: {error.msg} at column {error.colno}"
    if isinstance(error, RecursionError):
        return "not JSON we can read: nested too deeply"
    return f"not JSON: {error}"


def _parse_array(text: str) -> list[Parsed]:
    """The elements of a JSON array with the line each starts on; empty if it is not one."""
    decoder = json.JSONDecoder()
    try:
        _load_json(text)
    except (ValueError, RecursionError):
        return []
    items: list[Parsed] = []
    position = text.index("[") + 1
    line, counted = 1, 0
    while True:
        while position < len(text) and text[position] in " \t\r\n,":
            position += 1
        if text[position] == "]":
            return items
        line += text.count("\n", counted, position)
        counted = position
        value, position = decoder.raw_decode(text, position)
        items.append(Parsed(line, value, None))
