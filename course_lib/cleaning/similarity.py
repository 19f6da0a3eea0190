"""Texts that are nearly alike: Jaccard similarity of character 3-grams, exactly.

Two views of a text are compared: `normalised` (case, width and spaces folded), which is what the
cleaner's rules see, and `bare` (punctuation gone as well), in which "It's me!" is "its me".

MinHash with b bands of r hashes proposes a pair of similarity s with probability
1 - (1 - s^r)^b. With 16 bands of 4 that is .9998 at .8, but .988 at .7: it loses one pair in 80,
and a leak that is lost is a leak. The join used here (`joins.py`) loses none at any threshold and
is fast enough for 100,000 short texts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

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
from course_lib.cleaning.normalise import normalised, packed_trigrams

# Two texts must meet this often in their heads before they are compared. One meeting suffices
# for the proof; with six the heads are a little longer, and chance meetings all but vanish.
_MEETINGS = 6
# A noncharacter, which no text holds, makes a 3-gram of a text of one or two characters.
_PAD = "\U0010ffff"
# Letters of one piece: 1 million take about 50 MB while they are sorted.
_LETTERS = 1_000_000
_MARKS = re.compile(r"[^a-z0-9 ]")


def bare(text: str) -> str:
    """The words of a text alone: no case, width, punctuation or superfluous spaces.

    A text of nothing else is left as it is folded, so that "?" and "!!" stay apart.

    >>> bare("Where's  my TENT?!"), bare("テントは、どこ？"), bare("?!")
    ('wheres my tent', 'テントはどこ', '?!')
    """
    folded = normalised(text)
    if folded.isascii():
        kept = _MARKS.sub("", folded)
    else:
        # Marks are parts of letters in many scripts, such as the vowels of Hindi.
        kept = "".join(
            c for c in folded if c.isalnum() or c == " " or unicodedata.category(c)[0] == "M"
        )
    return " ".join(kept.split()) or folded


def shingles(texts: Sequence[str]) -> Table:
    """Tabulate the character 3-grams of each text; the whole of a shorter text counts as one.

    Args:
        texts: Texts as they are to be compared, so `normalised` or `bare`.

    Returns:
        A sparse table (csr) with a row for each text and a column for each 3-gram, rare ones
        first: 1 where the text has the 3-gram.

    Example:
        >>> shingles(["tent", "ten", ""]).toarray().tolist()
        [[1, 1], [0, 1], [0, 0]]
    """
    from scipy.sparse import csr_matrix

    names, columns = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    sizes = [np.zeros(1, np.int64)]
    for piece in _pieces(texts):
        known, found, counts = _trigrams(piece)
        names.append(known)
        columns.append(found)
        sizes.append(counts)
    every = np.unique(np.concatenate(names))
    numbered = zip(names, columns, strict=True)
    indices = np.concatenate([np.searchsorted(every, known)[found] for known, found in numbered])
    ends = np.cumsum(np.concatenate(sizes))
    ones = np.ones(len(indices), np.int32)
    return rare_first(csr_matrix((ones, indices, ends), (len(texts), len(every))))


def _pieces(texts: Sequence[str]) -> Iterator[list[str]]:
    """Cut a list of texts into pieces of bounded length, so that long texts fit into memory."""
    piece: list[str] = []
    length = 0
    for text in texts:
        # A text of one or two characters becomes one 3-gram.
        piece.append(text.ljust(3, _PAD) if 0 < len(text) < 3 else text)
        length += len(text)
        if length > _LETTERS:
            yield piece
            piece, length = [], 0
    if piece:
        yield piece


def _trigrams(texts: list[str]) -> tuple[NDArray[np.uint64], Integers, Integers]:
    """The different 3-grams as numbers; those of each text in a row; how many each text has."""
    grams, counts = packed_trigrams(texts)
    known, columns = np.unique(grams, return_inverse=True)
    rows = np.repeat(np.arange(len(texts)), counts)
    # Row and column in one number: sorted by row, each once.
    cells = np.sort(rows * max(len(known), 1) + columns)
    rows, columns = np.divmod(cells[np.diff(cells, prepend=-1) > 0], max(len(known), 1))
    return known, columns, np.bincount(rows, minlength=len(texts))


def similar_pairs(
    first: Sequence[str], second: Sequence[str], threshold: float
) -> tuple[Integers, NDArray[np.float64]]:
    """Find every text of one set that is nearly a text of another.

    Args:
        first: Texts as they are to be compared, so `normalised` or `bare`.
        second: Other texts. Where both sets hold many copies of one text, give each text once:
            a thousand copies on either side are a million pairs.
        threshold: Jaccard similarity, above 0 and up to 1.

    Returns:
        The positions in first and second, an array of shape (2, pairs), sorted; and the
        similarity of each pair. Empty texts have no 3-grams and resemble nothing.

    Example:
        >>> pairs, alike = similar_pairs(["my tent", "a stove"], ["my tent.", "lamps"], 0.8)
        >>> pairs.tolist(), alike.round(2).tolist()
        ([[0], [0]], [0.83])
    """
    table, order = _by_size(shingles([*first, *second]))
    where = _heads(table, threshold)
    ours = order < len(first)
    left, right = np.flatnonzero(ours), np.flatnonzero(~ours)
    found, values = [np.zeros((2, 0), np.int64)], [np.zeros(0)]
    for here, there in ((left, right), (right, left)):
        for met in meetings(where, here, there):
            alike = _jaccard(table, met)
            met = order[met[:, alike >= threshold]]
            found.append(np.sort(met, axis=0) - np.array([[0], [len(first)]]))
            values.append(alike[alike >= threshold])
    pairs, similarity = np.concatenate(found, axis=1), np.concatenate(values)
    order = np.lexsort((pairs[1], pairs[0]))
    return pairs[:, order], similarity[order]


def similar_groups(
    texts: Sequence[str], threshold: float, labels: Integers | None = None
) -> Integers:
    """Group texts that are nearly alike, or are connected by texts that are.

    Args:
        texts: Texts as they are to be compared, so `normalised` or `bare`; copies may be
            among them, empty ones too.
        threshold: Jaccard similarity, above 0 and up to 1.
        labels: Groups known already, each text labelled with the first of its group; they are
            kept together. None knows of none.

    Returns:
        For each text the position of the first text of its group.

    Example:
        >>> similar_groups(["where is my blue tent?", "stoves?", "where is my blue tent"], 0.8)
        array([0, 1, 0])
    """
    first: dict[str, int] = {}
    numbers = np.array([first.setdefault(text, len(first)) for text in texts], np.int64)
    table, order = _by_size(shingles(list(first)))
    unique = np.array(list(first), object)[order].tolist()
    numbers = np.argsort(order)[numbers]
    groups = np.arange(len(unique))
    if labels is not None:
        groups = merged(groups, np.stack([numbers, numbers[labels]]))

    def verify(pairs: Integers) -> NDArray[np.bool_]:
        return _jaccard(table, pairs) >= threshold

    # Texts from one template stand side by side in the order of the alphabet, read from either
    # end. Joining such neighbours first saves comparing each with each afterwards.
    for key in (unique, [text[::-1] for text in unique]):
        places = np.array(sorted(range(len(unique)), key=key.__getitem__), np.int64)
        neighbours = np.stack([places[:-1], places[1:]])
        groups = merged(groups, neighbours[:, verify(neighbours)])
    groups = connected(_heads(table, threshold), verify, groups)[numbers]
    places, part = np.unique(groups, return_index=True, return_inverse=True)[1:]
    return np.asarray(places[part], np.int64)


def _by_size(table: Table) -> tuple[Table, Integers]:
    """The rows sorted by their number of 3-grams, and where each of them stood."""
    order = np.argsort(np.diff(table.indptr), kind="stable")
    return table[order], order


def _heads(table: Table, threshold: float) -> Heads:
    """Cut heads of rows that are sorted by size, so that rows which are alike meet in them.

    Let x be no larger than y, with |x & y| >= t |x | y|. Then |x & y| >= t |y|, and because
    |x | y| = |x| + |y| - |x & y|, also |x & y| >= 2t / (1 + t) |x|. If a row shares at least n of
    its m columns with another, then its first m - n + k columns hold k of the shared ones (or
    all, if there are fewer); and these are the same k for both.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold of similarity is above 0 and at most 1, not {threshold}")
    sizes = np.diff(table.indptr).astype(np.int64)
    # A product such as .55 * 20 = 11.000000000000002 must not be rounded up to 12.
    smaller = np.ceil(2 * threshold / (1 + threshold) * sizes - 1e-9).astype(np.int64)
    larger = np.ceil(threshold * sizes - 1e-9).astype(np.int64)
    return Heads(
        one=heads(table, sizes - smaller + _MEETINGS),
        two=heads(table, sizes - larger + _MEETINGS),
        least=np.minimum(_MEETINGS, smaller),
        last=np.searchsorted(sizes, sizes / threshold + 1e-9, side="right") - 1,
    )


def _jaccard(table: Table, pairs: Integers) -> NDArray[np.float64]:
    sizes = np.diff(table.indptr).astype(np.int64)
    both = overlap(table, pairs)
    either = sizes[pairs[0]] + sizes[pairs[1]] - both
    return np.asarray(both / np.maximum(either, 1), np.float64)
