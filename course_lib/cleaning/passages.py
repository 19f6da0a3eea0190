"""Rows that share a passage, and sentences that every row shares.

Reading tests ask several questions about one passage, which stands inside the user message.
A random split puts the same passage on both sides. Passages are found by their sentences: two
rows share one if they have long sentences in common, word for word. A sentence that most rows
share is no passage but an instruction ("Read the text and answer.") and is left out of account.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from course_lib.cleaning.normalise import normalised

_SENTENCES = re.compile(r"[^.!?。！？\n]+")
_LONG = 20
_PASSAGE = 120


class Groups:
    """Disjoint groups of positions that grow together (union-find).

    >>> groups = Groups(3)
    >>> groups.join(0, 2)
    >>> groups.labels()
    [0, 1, 0]
    """

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, position: int) -> int:
        """The first member of a position's group."""
        while self._parent[position] != position:
            self._parent[position] = self._parent[self._parent[position]]
            position = self._parent[position]
        return position

    def join(self, first: int, second: int) -> None:
        """Make two groups one."""
        one, two = sorted((self.find(first), self.find(second)))
        self._parent[two] = one

    def labels(self) -> list[int]:
        """The group of every position, named by its first member."""
        return [self.find(position) for position in range(len(self._parent))]


def sentences(text: str) -> list[str]:
    """The long sentences of a text, folded for comparison."""
    found = (sentence.strip() for sentence in _SENTENCES.findall(text))
    return [normalised(sentence) for sentence in found if len(sentence) >= _LONG]


def boilerplate(texts: Sequence[str]) -> set[str]:
    """Sentences that stand in more than half of at least ten texts: instructions, not content.

    Args:
        texts: The user's side of every row.

    Returns:
        The sentences, folded.

    Example:
        >>> boilerplate([f"Read the text and answer it. Item {n}" for n in range(10)])
        {'read the text and answer it'}
    """
    if len(texts) < 10:
        return set()
    rows: dict[str, int] = defaultdict(int)
    for text in texts:
        for sentence in set(sentences(text)):
            rows[sentence] += 1
    return {sentence for sentence, count in rows.items() if count * 2 > len(texts)}


def without(text: str, boilerplate: Iterable[str]) -> str:
    """The text with those sentences taken out; the text itself where nothing would be left.

    >>> without("Answer the question briefly. Why?", {"answer the question briefly"})
    '. Why?'
    """
    known = set(boilerplate)
    if not known:
        return text
    rest = _SENTENCES.sub(
        lambda match: "" if normalised(match.group().strip()) in known else match.group(), text
    )
    return rest if rest.strip(" .!?。！？\n") else text


def shared_passages(texts: Sequence[str]) -> list[int]:
    """Group texts that hold the same passage.

    Args:
        texts: The user's side of every row.

    Returns:
        For each text the position of the first text of its group. Two texts belong together
        if the sentences they share make up 120 characters or more.

    Example:
        >>> passage = "Six students give reports. " + "No report is given on the third day. " * 1
        >>> passage += "Helen never speaks before Irving, who always speaks in the afternoon. "
        >>> shared_passages([passage + "Who is first?", "Where is my tent?", passage + "And last?"])
        [0, 1, 0]
    """
    common = boilerplate(texts)
    last: dict[str, int] = {}
    shared: dict[tuple[int, int], int] = defaultdict(int)
    for position, text in enumerate(texts):
        for sentence in dict.fromkeys(sentences(text)):
            if sentence in common:
                continue
            # Linking each row to the sentence's previous row keeps this linear in rows.
            if sentence in last:
                shared[last[sentence], position] += len(sentence)
            last[sentence] = position
    groups = Groups(len(texts))
    for (first, second), length in shared.items():
        if length >= _PASSAGE:
            groups.join(first, second)
    return groups.labels()
