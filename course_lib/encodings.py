"""Turn the bytes of a data file into text, and say which encoding they were in.

A support export is rarely plain UTF-8: Excel writes a byte-order mark, Japanese systems write
cp932 or EUC-JP, older European ones cp1252. Reading such a file with the wrong encoding does
not fail, it plants mojibake, so the guess is made once, here, and reported.
"""

from __future__ import annotations

import codecs
import re

from course_lib.errors import CourseError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\u3001\u3002\uff01-\uff5e]")
_HIRAGANA = re.compile(r"[\u3040-\u309f]")


def detect_encoding(data: bytes) -> str:
    """Guess the encoding of a text file from its bytes.

    A byte-order mark decides at once, then strict UTF-8. A file with a few damaged lines stays
    UTF-8 (those lines are rejected one by one); a file in which no line with special
    characters is UTF-8 was written in a legacy encoding, and of those the one that yields
    Japanese wins over the Western ones, which accept nearly any bytes.

    Args:
        data: The whole file.

    Returns:
        A Python codec name: "utf-8", "utf-8-sig", "utf-16", "utf-32", "iso2022_jp", "cp932",
        "euc_jp", "cp1252" or "latin-1".

    Example:
        >>> detect_encoding("返品したい".encode("cp932"))
        'cp932'
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    if b"\x1b$B" in data or b"\x1b$@" in data:
        return "iso2022_jp"
    if _decodes(data, "utf-8"):
        return "utf-8"
    special = [line for line in data.split(b"\n") if not line.isascii()]
    good = sum(_decodes(line, "utf-8") for line in special)
    if good * 2 >= len(special):
        return "utf-8"
    scores = {name: _japanese_share(data, name) for name in ("cp932", "euc_jp")}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] > 0.5:
        return best
    return "cp1252" if _decodes(data, "cp1252") else "latin-1"


def split_lines(data: bytes, encoding: str) -> list[tuple[str, str | None]]:
    """Decode a file line by line, so that one damaged line costs one line.

    Only a line feed ends a line: U+2028 or U+0085 inside a JSON string must not.

    Args:
        data: The whole file.
        encoding: A Python codec name, usually from `detect_encoding`.

    Returns:
        One (text, problem) pair a line; problem is None where the line decoded. A damaged
        line's text has its bad bytes written as backslash escapes.

    Raises:
        CourseError: The encoding does not exist.

    Example:
        >>> split_lines(b"ok\\n\\xff", "utf-8")[1]
        ('\\\\xff', 'byte 0xff at position 1 is not utf-8')
    """
    try:
        codec = codecs.lookup(encoding).name
    except LookupError as error:
        raise CourseError(
            f"There is no encoding called {encoding!r}. Try utf-8, cp932, euc_jp or cp1252."
        ) from error
    if codec.startswith(("utf-16", "utf-32", "utf-8-sig", "iso2022")):
        # In these a line feed byte may be half of another character: decode, then split.
        text = data.decode(codec, errors="backslashreplace")
        return [(line, None) for line in text.split("\n")]
    return [_decode_line(line, codec) for line in data.split(b"\n")]


def _decode_line(line: bytes, codec: str) -> tuple[str, str | None]:
    try:
        return line.decode(codec), None
    except UnicodeDecodeError as error:
        problem = f"byte 0x{line[error.start]:02x} at position {error.start + 1} is not {codec}"
        return line.decode(codec, errors="backslashreplace"), problem


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _japanese_share(data: bytes, encoding: str) -> float:
    """Share of the non-ASCII characters that are Japanese, 0 where hiragana is missing."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    special = [character for character in text if not character.isascii()]
    if not special or not _HIRAGANA.search(text):
        return 0.0
    return len(_JAPANESE.findall("".join(special))) / len(special)
