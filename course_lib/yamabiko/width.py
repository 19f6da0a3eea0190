"""Full-width ASCII and half-width katakana: the two widths that Japanese machines mix up."""

from __future__ import annotations

import unicodedata


def wide(text: str) -> str:
    """Turn ASCII letters, digits and signs into their full-width forms.

    Args:
        text: Any text.

    Returns:
        The text with U+0021 to U+007E moved to U+FF01 to U+FF5E.

    Example:
        >>> wide("45 days")
        '４５ ｄａｙｓ'
    """
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def half_width_katakana(text: str) -> str:
    """Turn katakana into their half-width forms, as old cash registers print them.

    Args:
        text: Any text.

    Returns:
        The text with every katakana letter made narrow; a sound mark becomes a letter of its own.

    Example:
        >>> half_width_katakana("ガス缶")
        'ｶﾞｽ缶'
    """
    narrow = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}
    marks = {"\u3099": "ﾞ", "\u309a": "ﾟ"}
    found = []
    for char in text:
        if "ァ" <= char <= "ー":
            parts = unicodedata.normalize("NFD", char)
            found += [marks.get(part, narrow.get(part, part)) for part in parts]
        else:
            found.append(char)
    return "".join(found)
