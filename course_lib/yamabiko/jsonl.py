"""One row, one line: JSON that every reader cuts at the same places."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_line(row: Mapping[str, Any]) -> str:
    """Write a row as one line of JSON.

    Letters stay readable, but control characters that some readers take for a line's end
    (U+0080 to U+009F, which broken encodings are full of) are escaped.

    Args:
        row: What to write.

    Returns:
        The line, newline included.

    Example:
        >>> json_line({"a": "山"})
        '{"a": "山"}\\n'
    """
    text = json.dumps(row, ensure_ascii=False)
    escaped = "".join(
        f"\\u{ord(char):04x}" if "\x7f" <= char <= "\x9f" or char in "\u2028\u2029" else char
        for char in text
    )
    return escaped + "\n"
