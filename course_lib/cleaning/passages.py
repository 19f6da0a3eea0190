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

import numpy as np
from numpy.typing import NDArray

from course_lib.cleaning.joins import (
    Heads,
    Integers,
    Table,
    connected,
    heads,
    meetings,
    merged,
    overlap,
    rare_first,
)
from course_lib.cleaning.normalise import normalised

_SENTENCES = re.compile(r"[^.!?。！？\n]+")
_LONG = 20
_PASSAGE = 120


def sentences(text: str) -> list[str]:
    """The long sentences of a text, folded for comparison.

    >>> sentences("Why? Nobody knows where the blue tent is.")
    ['nobody knows where the blue tent is']
    """
    if len(text) < _LONG:
        return []
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


def shared_passages(texts: Sequence[str], common: set[str] | None = None) -> Integers:
    """Group texts that hold the same passage.

    Args:
        texts: The user's side of every row.
        common: Sentences that are no content. None finds them with `boilerplate`.

    Returns:
        For each text the position of the first text of its group. Two texts belong together
        if the sentences they share make up 120 characters or more.

    Example:
        >>> passage = "Six students give reports. " + "No report is given on the third day. " * 1
        >>> passage += "Helen never speaks before Irving, who always speaks in the afternoon. "
        >>> shared_passages([passage + "Who is first?", "Where is my tent?", passage + "And last?"])
        array([0, 1, 0])
    """
    table = _sentence_table(texts, boilerplate(texts) if common is None else common)
    labels = np.arange(len(texts))
    # Rows with the same sentences, and rows with one sentence that is a passage by itself, need
    # no comparison of pairs: each is joined to the first of its kind.
    first_with: dict[bytes, int] = {}
    for position in np.flatnonzero(_totals(table) >= _PASSAGE):
        held = table.indices[table.indptr[position] : table.indptr[position + 1]]
        labels[position] = first_with.setdefault(held.tobytes(), int(position))
    alone = table.data >= _PASSAGE
    rows = np.repeat(np.arange(len(texts)), np.diff(table.indptr))[alone]
    firsts, column = np.unique(table.indices[alone], return_index=True, return_inverse=True)[1:]
    labels = merged(labels, np.stack([rows, rows[firsts][column]]))

    def verify(pairs: Integers) -> NDArray[np.bool_]:
        return overlap(table, pairs) >= _PASSAGE

    return connected(_heads(table), verify, labels)


def passage_pairs(first: Sequence[str], second: Sequence[str], common: set[str]) -> Integers:
    """Find every text of one set that shares a passage with a text of another.

    Args:
        first: Texts.
        second: Other texts.
        common: Sentences that are no content, as `boilerplate` finds them.

    Returns:
        The positions in first and second, an array of shape (2, pairs), sorted.

    Example:
        >>> passage = "Six students give reports on three days, and on each of the days two. "
        >>> passage += "Helen never speaks before Irving, who always speaks in the afternoon. "
        >>> passage_pairs(["Why?", passage + "Who?"], [passage + "When?"], set()).tolist()
        [[1], [0]]
    """
    table = _sentence_table([*first, *second], common)
    places = np.arange(table.shape[0])
    found = [np.zeros((2, 0), np.int64)]
    for pairs in meetings(_heads(table), places[: len(first)], places[len(first) :]):
        same = overlap(table, pairs) >= _PASSAGE
        found.append(pairs[:, same] - np.array([[0], [len(first)]]))
    pairs = np.concatenate(found, axis=1)
    return pairs[:, np.lexsort((pairs[1], pairs[0]))]


def _sentence_table(texts: Sequence[str], common: set[str]) -> Table:
    """A row for each text, a column for each sentence of two texts or more: its length."""
    from scipy.sparse import csr_matrix

    numbers: dict[str, int] = {}
    held: list[list[int]] = []
    for text in texts:
        said = set(sentences(text)) - common
        # Sorted, because the order of a set of strings differs from process to process.
        held.append([numbers.setdefault(sentence, len(numbers)) for sentence in sorted(said)])
    lengths = np.fromiter(map(len, numbers), np.int32, len(numbers))
    ends = np.cumsum([0, *map(len, held)])
    columns = np.fromiter((n for row in held for n in row), np.int32, int(ends[-1]))
    table = csr_matrix((lengths[columns], columns, ends), (len(texts), len(numbers)))
    shared = np.flatnonzero(np.bincount(columns, minlength=len(numbers)) > 1)
    return rare_first(table[:, shared])


def _totals(table: Table) -> Integers:
    return np.asarray(table.sum(axis=1), np.int64).ravel()


def _heads(table: Table) -> Heads:
    """Cut off the commonest sentences of each row that together are too short for a passage.

    What two rows share cannot lie among them alone: rows with a common passage meet in the rest.
    """
    sizes = np.diff(table.indptr)
    rows = np.repeat(np.arange(table.shape[0]), sizes)
    running = np.concatenate([[0], np.cumsum(table.data, dtype=np.int64)])
    # From each sentence to the end of its row.
    left = running[table.indptr[rows + 1]] - running[:-1]
    lengths = np.bincount(rows[left >= _PASSAGE], minlength=table.shape[0])
    head = heads(table, lengths.astype(np.int64))
    last = np.full(table.shape[0], table.shape[0] - 1)
    return Heads(head, head, np.ones(table.shape[0], np.int64), last)
