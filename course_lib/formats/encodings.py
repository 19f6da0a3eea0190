"""Turn the bytes of a data file into text, and say which encoding they were in.

A support export is rarely plain UTF-8: Excel writes a byte-order mark, Japanese systems write
cp932 or EUC-JP, older European ones cp1252. Reading such a file with the wrong encoding does
not fail, it plants mojibake, so the guess is made once, here, and reported.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator

from course_lib.errors import CourseError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Standard EUC-JP and ISO-2022-JP first: their extensions, which know ① and 髙, only where needed.
_JAPANESE_CODECS = ("cp932", "euc_jp", "euc_jis_2004")
_SEVEN_BIT_CODECS = ("iso2022_jp", "iso2022_jp_ext", "iso2022_jp_2004")
_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\u3001\u3002\uff01-\uff5e]")
_HIRAGANA = re.compile(r"[\u3040-\u309f]")
# Codecs of Python that are notations of its own or of the network, not encodings of a text file.
_NO_CHARSETS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "utf-7"}

#: Stands in decoded text before each byte that could not be decoded. No strict decoder yields
#: half a surrogate pair, so that it cannot be mistaken for text.
DAMAGE = "\udc00"
_DAMAGED_BYTE = re.compile(DAMAGE + r"\\x(..)")


def detect_encoding(data: bytes, *, complete: bool = True) -> str:
    """Guess the encoding of a text file from its first bytes.

    A byte-order mark decides at once, then strict UTF-8. A file with a few damaged lines stays
    UTF-8 (those lines are rejected one by one); a file in which no line with special
    characters is UTF-8 was written in a legacy encoding, and of those the one that yields
    Japanese wins over the Western ones, which accept nearly any bytes.

    Args:
        data: The file, or its beginning.
        complete: Whether this is the whole file. A beginning may end in half a character.

    Returns:
        A Python codec name: "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32",
        "iso2022_jp", "cp932", "euc_jp", "cp1252" or "latin-1".

    Example:
        >>> detect_encoding("返品したい".encode("cp932"))
        'cp932'
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name
    unmarked = _utf_16(data)
    if unmarked:
        return unmarked
    special = [] if data.isascii() else [n for n in data.split(b"\n") if not n.isascii()]
    # ISO-2022-JP has seven bits and shifts by escapes; other bytes can only be damage.
    if data.count(b"\x1b$B") + data.count(b"\x1b$@") > len(special):
        return next((n for n in _SEVEN_BIT_CODECS if _decodes(data, n, complete)), "iso2022_jp")
    if _decodes(data, "utf-8", complete):
        return "utf-8"
    good = sum(_decodes(line, "utf-8", True) for line in special)
    if good * 2 >= len(special):
        return "utf-8"
    scores = {name: _japanese_share(data, name, complete) for name in _JAPANESE_CODECS}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] > 0.5:
        return best
    return "cp1252" if _decodes(data, "cp1252", complete) else "latin-1"


def checked_encoding(name: str) -> str:
    """Make sure that an encoding named by a person exists and is one of text files.

    Args:
        name: A Python codec name.

    Returns:
        The name.

    Raises:
        CourseError: There is no such encoding.

    Example:
        >>> checked_encoding("cp932")
        'cp932'
    """
    try:
        codec = codecs.lookup(name).name.replace("_", "-")
        codecs.getincrementaldecoder(name)
        b"a".decode(name, "replace")  # base64 and the like are codecs, but none of text
    except (LookupError, ValueError, TypeError):
        codec = "undefined"
    if codec in _NO_CHARSETS:
        raise CourseError(
            f"There is no encoding of text files called {name!r}. Try utf-8, cp932, euc_jp or "
            "cp1252."
        )
    return name


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[str]:
    """Decode a file block by block, marking what cannot be decoded.

    Args:
        pieces: The bytes of the file.
        encoding: A Python codec name, usually from `detect_encoding`.

    Yields:
        Texts, some of them empty. A bad byte becomes `DAMAGE` and its escape.

    Example:
        >>> list(decoded([b"a\\xff"], "utf-8")) == [f"a{DAMAGE}\\\\xff", ""]
        True
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="course_lib.damage")
    shifts = encoding.lower().replace("-", "").replace("_", "").startswith("iso2022")
    for piece in pieces:
        # Each line begins unshifted (RFC 1468): a damaged line must not shift those behind it.
        yield decoder.decode(piece.replace(b"\n", b"\x1b(B\n") if shifts else piece)
    yield decoder.decode(b"", final=True)


def damage(text: str, encoding: str) -> tuple[str, str] | None:
    """Say what could not be decoded in a text.

    Args:
        text: A line, as `decoded` gives it.
        encoding: Its encoding, for the message.

    Returns:
        The text with its bad bytes as backslash escapes, and the problem; None where there is
        none.

    Example:
        >>> damage(f"a{DAMAGE}\\\\xff", "utf-8")
        ('a\\\\xff', 'byte 0xff at position 2 is not utf-8')
    """
    if DAMAGE not in text:
        return None
    first = text.index(DAMAGE)
    byte = _DAMAGED_BYTE.match(text, first)
    name = f"byte 0x{byte[1]}" if byte else "a byte"
    return text.replace(DAMAGE, ""), f"{name} at position {first + 1} is not {encoding}"


def _mark_damage(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wide = error.encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    # A line feed may follow the first half of a character: it must survive. In UTF-16 and UTF-32
    # a byte by itself is no unit to go on from.
    end = error.end if wide else error.start + 1
    bad = error.object[error.start : end]
    return "".join(f"{DAMAGE}\\x{byte:02x}" for byte in bad), end


codecs.register_error("course_lib.damage", _mark_damage)


def _utf_16(data: bytes) -> str | None:
    """UTF-16 without its mark: of the ASCII in it (commas, brackets) every second byte is 0."""
    units = len(data) // 2
    if not units or b"\0" not in data:
        return None
    even, odd = data[0 : 2 * units : 2].count(0), data[1 : 2 * units : 2].count(0)
    # The other half must be nearly free of zeros: binary data has them everywhere.
    if max(even, odd) < 0.03 * units or min(even, odd) * 20 > max(even, odd):
        return None
    name = "utf-16-le" if odd > even else "utf-16-be"
    # A zero may also have strayed into other text: UTF-16 is half zeros, or else Japanese.
    kana = len(_HIRAGANA.findall(data.decode(name, "replace")))
    return name if max(even, odd) + kana > 0.2 * units else None


def _decodes(data: bytes, encoding: str, complete: bool) -> bool:
    try:
        codecs.getincrementaldecoder(encoding)().decode(data, final=complete)
    except UnicodeDecodeError:
        return False
    return True


def _japanese_share(data: bytes, encoding: str, complete: bool) -> float:
    """Share of the characters beyond ASCII that are Japanese, 0 where hiragana is missing.

    Damaged bytes count against the encoding, but a few of them do not rule it out.
    """
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    text = decoder.decode(data, final=complete)
    special = [character for character in text if not character.isascii()]
    if not special or not _HIRAGANA.search(text):
        return 0.0
    return len(_JAPANESE.findall("".join(special))) / len(special)
