"""What differs between two texts, word by word, in a time that long texts cannot blow up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import SequenceMatcher
from itertools import islice

# Of two texts that are compared piece by piece, the time goes up with the product of the pieces.
_COMPARED = 1_500
_PIECE = re.compile(r"[A-Za-z0-9]+|[^\S\n]+|\n|.", re.DOTALL)
# In a log: pieces compared, and what is shown of a stretch that is the same, or that changed.
_COMPARED_IN_LOG = 120
_CONTEXT, _LONGEST = 20, 200


def stretches(before: str, after: str, most: int = _COMPARED) -> list[tuple[str, str]]:
    """Cut two texts into stretches that are the same and stretches that differ.

    What they share at the beginning and at the end is found first, at the speed of a comparison;
    only what lies between is compared piece by piece (a word, a run of spaces, a character).

    Args:
        before: A text.
        after: Another.
        most: Pieces between beginning and end from which on the whole middle counts as changed.

    Returns:
        Pairs of what stands in the one and in the other. Strung together, each side is its text.

    Example:
        >>> stretches("the cat sat", "the dog sat")
        [('the ', 'the '), ('cat', 'dog'), (' sat', ' sat')]
    """
    start = shared_start(before, after)
    end = shared_start(before[start:][::-1], after[start:][::-1])
    middle = before[start : len(before) - end], after[start : len(after) - end]
    tail = before[len(before) - end :]
    pairs = [(before[:start], before[:start]), *_compared(*middle, most), (tail, tail)]
    return [pair for pair in pairs if any(pair)]


def inline_diff(before: str, after: str) -> str:
    """The difference of two texts in one line of a log, in the notation of wdiff.

    Args:
        before: The text as it was.
        after: As it is now.

    Returns:
        What went as [-…-], what came as {+…+}, and a little of what stands around them. Long
        stretches are shortened, and a text whose changes are too many is shown as changed
        throughout.

    Example:
        >>> inline_diff("Please call <b>me</b> back, today or tomorrow.", "Please call me back.")
        'Please call [-<b>-]me[-</b>-] back[-, today or tomorrow-].'
    """
    parts = []
    for old, new in stretches(before, after, _COMPARED_IN_LOG):
        if old == new:
            parts.append(_shortened(old, _CONTEXT))
        else:
            parts.append(f"[-{_shortened(old, _LONGEST // 2)}-]" if old else "")
            parts.append(f"{{+{_shortened(new, _LONGEST // 2)}+}}" if new else "")
    return "".join(parts)


def shared_start(first: str, second: str) -> int:
    """How many characters two texts have in common before they part.

    Args:
        first: A text.
        second: Another.

    Returns:
        The number of characters.

    Example:
        >>> shared_start("tent", "tea")
        2
    """
    same, wrong = 0, min(len(first), len(second))
    if first[:wrong] == second[:wrong]:
        return wrong
    while wrong - same > 1:
        middle = (same + wrong) // 2
        if first[same:middle] == second[same:middle]:
            same = middle
        else:
            wrong = middle
    return same


def _compared(old: str, new: str, most: int) -> Iterable[tuple[str, str]]:
    if not old or not new:
        return [(old, new)]
    one, two = (list(islice(_pieces(text), most + 1)) for text in (old, new))
    if len(one) > most or len(two) > most:
        return [(old, new)]
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    return [("".join(one[i:j]), "".join(two[k:m])) for _, i, j, k, m in matcher.get_opcodes()]


def _pieces(text: str) -> Iterable[str]:
    return (match[0] for match in _PIECE.finditer(text))


def _shortened(text: str, around: int) -> str:
    if len(text) <= 2 * around + 1:
        return text
    return f"{text[:around]}…{text[-around:]}"
