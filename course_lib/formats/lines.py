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
    number, giant = 1, ""
    begun: list[str] = []  # pieces of the line that has not ended yet
    length = 0
    for piece in pieces:
        stop = piece.find("\n")
        if giant and stop >= 0:  # of a giant, only the end is of interest
            yield _giant(number, giant)
            number, giant, piece = number + 1, "", piece[stop + 1 :]
            stop = piece.find("\n")
        if giant:
            continue
        if stop >= 0:
            begun.append(piece)
            texts = "".join(begun).split("\n")
            begun = [texts.pop()]
            damaged = any(DAMAGE in text for text in texts)
            for text in texts:
                problem = damage(text, encoding) if damaged else None
                yield (number, *problem) if problem else (number, text, None)
                number += 1
            length = len(begun[0])
        elif piece:
            begun.append(piece)
            length += len(piece)
        if length > LONGEST:
            giant = "".join(part[:_SHOWN] for part in begun[:_SHOWN])[:_SHOWN]
            begun, length = [], 0
    rest = "".join(begun)
    if giant:
        yield _giant(number, giant)
    elif rest:
        yield (number, *(damage(rest, encoding) or (rest, None)))


def _giant(number: int, beginning: str) -> Line:
    text = beginning.replace(DAMAGE, "")
    return number, text, f"the line is longer than {LONGEST:,} characters: split the row"
