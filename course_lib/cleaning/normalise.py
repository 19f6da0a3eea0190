"""Views of a text for matching: the learner's text stays as it is, only the view is folded.

NFKC makes full-width and half-width alike, which matching needs and the text itself must not
suffer. A view that remembers where each of its characters came from lets a match in the view
be cut out of the original.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

# A set of rows is gone through several times over; beyond this a cache costs more than it saves.
_REMEMBERED = 16_384
_NEITHER = re.compile(r"[\W_]+")  # letter nor digit
_DASHES = re.compile(r"(?<=[0-9)])[‐‑‒–—―−ー](?=[0-9(])")


@dataclass(frozen=True)
class View:
    """A folded text and, for each of its characters, the span it had in the original."""

    text: str
    starts: list[int]
    ends: list[int]

    def original_span(self, start: int, end: int) -> tuple[int, int]:
        """Map a span of the view back to the original text."""
        return self.starts[start], self.ends[end - 1]


def view(text: str) -> View:
    """Fold a text with NFKC, dashes between digits made plain, offsets remembered.

    Args:
        text: The original.

    Returns:
        The view; one original character may have become several (㈱ -> (株)).

    Example:
        >>> view("０９０ー１２").text
        '090-12'
    """
    if text.isascii():
        return View(text, list(range(len(text))), list(range(1, len(text) + 1)))
    pieces: list[str] = []
    starts: list[int] = []
    for position, character in enumerate(text):
        folded = unicodedata.normalize("NFKC", character)
        pieces.append(folded)
        starts += [position] * len(folded)
    folded_text = _DASHES.sub("-", "".join(pieces))
    return View(folded_text, starts, [position + 1 for position in starts])


@lru_cache(maxsize=_REMEMBERED)
def normalised(text: str) -> str:
    """The text as comparisons see it: NFKC, lower case, spaces collapsed.

    >>> normalised("Ｗhere  is\\nmy TENT?")
    'where is my tent?'
    """
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


@lru_cache(maxsize=_REMEMBERED)
def letters(text: str) -> str:
    """Only the letters and digits of the normalised text: no spaces, no punctuation.

    >>> letters("Where is my tent?!")
    'whereismytent'
    """
    return _NEITHER.sub("", normalised(text))


@lru_cache(maxsize=_REMEMBERED)
def trigrams(text: str) -> frozenset[str]:
    """The set of character 3-grams of the normalised text (the whole of a shorter one).

    Characters, not words: Japanese has no spaces to cut words at.

    >>> sorted(trigrams("tent"))
    ['ent', 'ten']
    """
    folded = normalised(text)
    if len(folded) < 3:
        return frozenset([folded]) if folded else frozenset()
    return frozenset(folded[i : i + 3] for i in range(len(folded) - 2))


def packed_trigrams(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The character 3-grams of many texts as numbers, for work on all of them at once.

    Args:
        texts: Texts as they are to be compared; they are not folded here.

    Returns:
        The 3-grams of the first text, then those of the second, and so on, repeated ones too: the
        three code points of each in one number of 64 bits. And how many each text has.

    Example:
        >>> grams, counts = packed_trigrams(["tent", "no"])
        >>> [chr(int(grams[0]) >> shift & 0x1FFFFF) for shift in (0, 21, 42)], counts.tolist()
        (['t', 'e', 'n'], [2, 0])
    """
    # A lone surrogate is no text, but it must not stop the comparison of the others.
    data = "".join(texts).encode("utf-32-le", "surrogatepass")
    points = np.frombuffer(data, np.uint32).astype(np.uint64)
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    inside = np.ones(len(points), bool)
    if len(points):  # a 3-gram does not reach into the next text
        ends = np.cumsum(lengths)
        inside[ends - 1] = inside[ends - 2] = False
    grams = points[:-2] | points[1:-1] << np.uint64(21) | points[2:] << np.uint64(42)
    return grams[inside[:-2]], np.maximum(lengths - 2, 0)


def jaccard(first: str, second: str) -> float:
    """Share of character 3-grams that two texts have in common, 0 to 1.

    >>> jaccard("my tent", "my tent")
    1.0
    """
    one, two = trigrams(first), trigrams(second)
    if not one and not two:
        return 1.0
    return len(one & two) / len(one | two)
