"""The lines of a text that is read in pieces, with their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from course_lib.formats.encodings import DAMAGE, damage

#: Characters; a longer line is a problem by itself, so that memory stays bounded whatever comes.
LONGEST = 64 * 1024 * 1024
_SHOWN = 200

#: Number (from 1), text without its end, and what is wrong with it.
Line = tuple[int, str, str | None]


def numbered_lines(pieces: Iterable[str], encoding: str) -> Iterator[Line]:
    """Cut a text into lines, so that one damaged line costs one line.

    Only a line feed ends a line: U+2028 or U+0085 inside a JSON string must not.

    Args:
        pieces: The text, as `encodings.decoded` gives it.
        encoding: Of the file, for messages.

    Yields:
        Each line. A damaged line has its bad bytes written as backslash escapes; of a line of
        more than 64 million characters only the beginning is kept.

    Example:
        >>> list(numbered_lines(["a\\nb", "c\\n"], "utf-8"))
        [(1, 'a', None), (2, 'bc', None)]
    """
    number, rest, giant = 1, "", ""
    for piece in pieces:
        if giant:  # only its end is of interest
            stop = piece.find("\n")
            if stop < 0:
                continue
            yield _giant(number, giant)
            number, giant, piece = number + 1, "", piece[stop + 1 :]
        texts = (rest + piece).split("\n")
        rest = texts.pop()
        if DAMAGE in piece or DAMAGE in rest or (texts and DAMAGE in texts[0]):
            for text in texts:
                yield (number, *(damage(text, encoding) or (text, None)))
                number += 1
        else:
            for text in texts:
                yield number, text, None
                number += 1
        if len(rest) > LONGEST:
            giant, rest = rest[:_SHOWN], ""
    if giant:
        yield _giant(number, giant)
    elif rest:
        yield (number, *(damage(rest, encoding) or (rest, None)))


def _giant(number: int, beginning: str) -> Line:
    text = beginning.replace(DAMAGE, "")
    return number, text, f"the line is longer than {LONGEST:,} characters: split the row"
