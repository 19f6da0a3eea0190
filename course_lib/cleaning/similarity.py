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
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from course_lib.cleaning.joins import (
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

# Two texts must meet this often in their heads before they are compared. One meeting suffices
# for the proof; with four the heads are a little longer, and chance meetings all but vanish.
_MEETINGS = 4
# A noncharacter, which no text holds, makes a 3-gram of a text of one or two characters.
_PAD = "\U0010ffff"
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

    padded = [text.ljust(3, _PAD) if 0 < len(text) < 3 else text for text in texts]
    # A lone surrogate is no text, but it must not stop the comparison of the others.
    data = "".join(padded).encode("utf-32-le", "surrogatepass")
    letters = np.frombuffer(data, np.uint32).astype(np.uint64)
    rows = np.repeat(np.arange(len(padded)), [len(text) for text in padded])
    inside = rows[:-2] == rows[2:]
    keys = (letters[:-2] << np.uint64(42)) | (letters[1:-1] << np.uint64(21)) | letters[2:]
    names, columns = np.unique(keys[inside], return_inverse=True)
    ones = np.ones(len(columns), np.int32)
    table = csr_matrix((ones, (rows[:-2][inside], columns)), (len(padded), len(names)))
    table.sum_duplicates()
    table.data[:] = 1
    return rare_first(table)


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
    table = shingles([*first, *second])
    sizes = np.diff(table.indptr).astype(np.int64)
    needed = _needed(sizes, threshold)
    head = heads(table, sizes - needed + _MEETINGS)
    border = len(first)
    found, values = [np.zeros((2, 0), np.int64)], [np.zeros(0)]
    for pairs, shared in meetings(head[:border], head[border:]):
        pairs[1] += border
        some = pairs[:, _may_be_alike(pairs, shared, sizes, needed, threshold)]
        alike = _jaccard(table, sizes, some)
        found.append(some[:, alike >= threshold] - np.array([[0], [border]]))
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
    unique = list(first)
    table = shingles(unique)
    sizes = np.diff(table.indptr).astype(np.int64)
    needed = _needed(sizes, threshold)

    def verify(here: Integers, there: Integers, shared: Integers) -> NDArray[np.bool_]:
        pairs = np.stack([here, there])
        may = _may_be_alike(pairs, shared, sizes, needed, threshold)
        may[may] = _jaccard(table, sizes, pairs[:, may]) >= threshold
        return may

    # Texts from one template stand side by side in the order of the alphabet, read from either
    # end. Joining such neighbours first saves comparing each with each afterwards.
    groups = np.arange(len(unique))
    if labels is not None:
        groups = merged(groups, np.stack([numbers, numbers[labels]]))
    for key in (unique, [text[::-1] for text in unique]):
        order = np.array(sorted(range(len(unique)), key=key.__getitem__), np.int64)
        neighbours = np.stack([order[:-1], order[1:]])
        alike = _jaccard(table, sizes, neighbours) >= threshold
        groups = merged(groups, neighbours[:, alike])
    groups = connected(heads(table, sizes - needed + _MEETINGS), verify, groups)[numbers]
    places, part = np.unique(groups, return_index=True, return_inverse=True)[1:]
    return np.asarray(places[part], np.int64)


def _needed(sizes: Integers, threshold: float) -> Integers:
    """How many of its 3-grams a text must share: |x & y| >= t |x | y| >= t |x|."""
    if not 0 < threshold <= 1:
        raise ValueError(f"a threshold of similarity is above 0 and at most 1, not {threshold}")
    # A product such as .55 * 20 = 11.000000000000002 must not be rounded up to 12.
    return np.ceil(threshold * sizes - 1e-9).astype(np.int64)


def _may_be_alike(
    pairs: Integers, shared: Integers, sizes: Integers, needed: Integers, threshold: float
) -> NDArray[np.bool_]:
    here, there = pairs
    enough = shared >= np.minimum(_MEETINGS, np.maximum(needed[here], needed[there]))
    shorter, longer = np.minimum(sizes[here], sizes[there]), np.maximum(sizes[here], sizes[there])
    return np.asarray(enough & (shorter >= threshold * longer - 1e-9))


def _jaccard(table: Table, sizes: Integers, pairs: Integers) -> NDArray[np.float64]:
    both = overlap(table, table, pairs)
    either = sizes[pairs[0]] + sizes[pairs[1]] - both
    return np.asarray(both / np.maximum(either, 1), np.float64)
