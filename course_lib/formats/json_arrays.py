"""JSON that is spread over lines: an array, or pretty-printed values one behind the other.

A file is never held whole, and a broken element costs itself: reading goes on where the next
one seems to begin.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from course_lib.formats.compression import BLOCK
from course_lib.formats.encodings import damage
from course_lib.formats.json_rows import TOO_DEEP, Item, check_value, parse, scan
from course_lib.formats.lines import LONGEST

# Of a broken value that is long, so much is kept to show.
_SHOWN = 10_000
_PREFIX = 200
_SPACE = re.compile(r"[ \t\r\n\ufeff]*")
_BETWEEN = re.compile(r"[ \t\r\n\ufeff,]*")
_FIRST_KEY = re.compile(r'\{\s*("[^"\\]{1,100}")\s*:')
_PASSED_OVER = "; what follows it was passed over"
_SPREAD = re.compile(r"[ \t\r\n]*\{[ \t]*\r?\n\s*[\"}]")


def is_spread(head: str) -> bool:
    """Tell JSON that is spread over lines (an array, pretty-printed objects) from JSON Lines.

    Args:
        head: The beginning of the file.

    Returns:
        True if the values must be found by their brackets, not by the line ends.

    Example:
        >>> is_spread('[{"a": 1},\\n {"a": 2}]'), is_spread('{"a": 1}\\n{"a": 2}')
        (True, False)
    """
    start = head.lstrip("\ufeff \t\r\n")
    if not start.startswith(("[", "{")):
        return False
    first, _, rest = start.partition("\n")
    try:
        value = parse(first)
    except ValueError:
        if start.startswith("["):
            return True
        if _SPREAD.match(start):
            return True
        try:
            _, end = scan(start, 0)
        except (ValueError, StopIteration, RecursionError):
            return False
        return "\n" in start[:end]
    # An array by itself is the file; several of them are lines of some other make.
    return isinstance(value, list) and not rest.strip()


def json_values(texts: Iterable[str], encoding: str) -> Iterator[Item]:
    """Parse a JSON array, or values one behind the other, however they are spread over lines.

    The file is never held whole. A broken element costs itself: reading goes on at the next
    line that begins, as far to the right, with a bracket.

    Args:
        texts: The text of the file in pieces.
        encoding: Of the file, for messages.

    Yields:
        An item for each element of the array or each value.

    Example:
        >>> [item.line for item in json_values(['[{"a": 1},\\n', ' {"a": 2}]'], "utf-8")]
        [1, 2]
    """
    window = _Window(texts)
    window.skip(_SPACE)
    in_array = window.text.startswith("[", window.at)
    if in_array:
        window.move(window.at + 1)
    while window.skip(_BETWEEN):
        if in_array and window.text[window.at] == "]":
            window.move(window.at + 1)
            in_array = False
            if window.skip(_SPACE) and window.text[window.at] not in "[{":
                line, text = window.line, window.rest()
                yield Item(line, text, "text after the end of the JSON array")
            elif window.at < len(window.text) and window.text[window.at] == "[":
                in_array = True  # arrays strung together
                window.move(window.at + 1)
            continue
        item = _next_value(window, encoding)
        yield item
        if item.problem and item.problem.endswith(_PASSED_OVER):
            return
    if in_array:
        yield Item(
            window.line,
            "",
            "the JSON array is not closed: the file ends too early, rows are missing here",
        )


class _Window:
    """The part of a long text that is being looked at, and the line its first character is on."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.text, self.at, self.line = "", 0, 1
        self._texts = iter(texts)

    def grow(self) -> bool:
        """Read on, to twice the length: a value of n characters is tried log n times."""
        # What stands before a value on its line tells where others begin.
        start = max(self.text.rfind("\n", 0, self.at) + 1, self.at - _PREFIX)
        pieces = [self.text[start:]]
        before = size = len(pieces[0])
        wanted = max(BLOCK, 2 * size)
        for piece in self._texts:
            pieces.append(piece)
            size += len(piece)
            if size >= wanted:
                break
        self.text, self.at = "".join(pieces), self.at - start
        return size > before

    def move(self, position: int) -> None:
        self.line += self.text.count("\n", self.at, position)
        self.at = position

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Pass over what may stand between values; False at the end of the file."""
        while True:
            found = pattern.match(self.text, self.at)
            self.move(found.end() if found else self.at)
            if self.at < len(self.text):
                return True
            if not self.grow():
                return False

    def rest(self) -> str:
        """Pass over everything that is left; its beginning is returned."""
        shown = self.text[self.at : self.at + _SHOWN]
        while True:
            self.move(len(self.text))
            if not self.grow():
                return shown


def _next_value(window: _Window, encoding: str) -> Item:
    line, start_of_line = window.line, window.text.rfind("\n", 0, window.at) + 1
    before = window.text[start_of_line : window.at]
    while True:
        try:
            value, end = scan(window.text, window.at)
        except RecursionError:
            problem: str = TOO_DEEP
            break
        except StopIteration as error:
            missing = json.JSONDecodeError("Expecting value", window.text, error.value)
            if _cut(missing) and len(window.text) - window.at < LONGEST and window.grow():
                continue
            problem = _place(missing, window)
            break
        except json.JSONDecodeError as error:
            if _cut(error) and len(window.text) - window.at < LONGEST and window.grow():
                continue
            problem = _place(error, window)
            break
        except ValueError as error:
            problem = str(error)
            break
        if end == len(window.text) and window.grow():
            continue  # 12 may go on as 123
        text = window.text[window.at : end]
        window.move(end)
        try:
            check_value(text, value)
        except ValueError as error:
            return Item(line, text, str(error))
        broken = damage(text, encoding)
        return Item(line, *broken) if broken else Item(line, value, None)
    text, ends = _to_next(window, before)
    broken = damage(text, encoding)
    if broken:
        text, problem = broken
    return Item(line, text, problem + (_PASSED_OVER if ends else ""))


def _to_next(window: _Window, before: str) -> tuple[str, bool]:
    """Pass over a broken value, to what looks like the beginning of another.

    That is a line with a bracket as far to the right or, where something stands before the
    value on its line, an object with the same first key. The second value is True where there
    is none up to the end.
    """
    indent = re.escape(before.lstrip("[,")) if not before.strip(" \t\r[,") else ""
    pattern, longest = rf"\n{indent}(?=[\[{{])", len(indent) + 2
    key = _FIRST_KEY.match(window.text, window.at)
    if key and before.strip():
        pattern += rf"|(?=\{{\s*{re.escape(key[1])}\s*:)"
        longest += len(key[0]) + 100  # spaces in between
    begin, shown = re.compile(pattern), ""
    while True:
        found = begin.search(window.text, window.at + 1)
        stop = found.end() if found else max(window.at, len(window.text) - longest)
        shown = (shown + window.text[window.at : stop])[:_SHOWN]
        window.move(stop)
        if found:
            return shown.rstrip(", \t\r\n"), False
        if not window.grow():
            shown = (shown + window.text[window.at :])[:_SHOWN]
            window.move(len(window.text))
            return shown, True


def _cut(error: json.JSONDecodeError) -> bool:
    """Whether the value may only be cut off by the end of the text that was read so far."""
    return error.msg.startswith("Unterminated string") or error.pos >= len(error.doc) - 16


def _place(error: json.JSONDecodeError, window: _Window) -> str:
    line = window.line + window.text.count("\n", window.at, error.pos)
    return f"not JSON: {error.msg} at line {line}, {error.pos - window.at} characters into the row"
