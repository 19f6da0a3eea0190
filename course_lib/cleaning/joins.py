"""Set joins: which rows of a sparse table have enough columns in common, none missed.

Every row is a set, such as the 3-grams of a text or the sentences of a passage. Comparing each
row with each takes hours for 100,000 rows. Instead the columns are ordered from rare to common
and rows meet in their *heads* alone: their rarest columns, so many of them that two rows which
are alike must meet there. Every meeting is then verified on the whole rows.

Nothing is left to chance, unlike with MinHash: the heads are proved to be long enough.
Sources: Bayardo, Ma and Srikant 2007, "Scaling up all pairs similarity search" (one meeting in
the head); Wang, Li and Feng 2012, "Can we beat the prefix filtering?" (several meetings).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Table = Any  # scipy.sparse.csr_matrix, which comes without types
# Pairs of rows, an array of shape (2, pairs) -> which of them are alike.
Verify = Callable[[Integers], NDArray[np.bool_]]

# Products of one chunk: 4 million fit into the memory of any machine and keep numpy busy.
_CHUNK = 4_000_000
_PAIRS = 100_000
# From this size on a group is compared with the rest as one block: see `connected`.
_BIG = 500


class Heads(NamedTuple):
    """Where rows meet. A pair is named (one, two) with one < two.

    Attributes:
        one: The head of each row as the first of a pair.
        two: The head of each row as the second of a pair.
        least: How many columns the first of a pair must share with the second.
        last: The last row that the first of a pair can be alike: rows are sorted by their size
            where size decides, so that only a window of them needs to be looked at.
    """

    one: Table
    two: Table
    least: Integers
    last: Integers


def rare_first(table: Table) -> Table:
    """Reorder columns so that each row starts with the columns that fewest rows have.

    Args:
        table: A sparse table (csr); what it counts is kept.

    Returns:
        The same rows, their columns renumbered from rare to common and sorted.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> rare_first(csr_matrix([[1, 0], [1, 1]])).toarray().tolist()
        [[0, 1], [1, 1]]
    """
    from scipy.sparse import csr_matrix

    frequency = np.bincount(table.indices, minlength=table.shape[1])
    rank = np.empty(table.shape[1], np.int32)
    rank[np.argsort(frequency, kind="stable")] = np.arange(table.shape[1], dtype=np.int32)
    renumbered = csr_matrix((table.data, rank[table.indices], table.indptr), table.shape)
    renumbered.sort_indices()
    return renumbered


def heads(table: Table, lengths: Integers) -> Table:
    """Keep the first columns of each row.

    Args:
        table: A sparse table with sorted columns.
        lengths: How many columns to keep, row by row; a shorter row is kept whole.

    Returns:
        The heads, each column counted once.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> heads(csr_matrix([[1, 1], [5, 1]]), np.array([1, 2])).toarray().tolist()
        [[1, 0], [1, 1]]
    """
    from scipy.sparse import csr_matrix

    sizes = np.diff(table.indptr)
    place = np.arange(table.nnz) - np.repeat(table.indptr[:-1], sizes)
    inside = place < np.repeat(lengths, sizes)
    ends = np.concatenate([[0], np.cumsum(np.minimum(lengths, sizes))])
    indices = table.indices[inside]
    return csr_matrix((np.ones(len(indices), np.int32), indices, ends), table.shape)


def meetings(where: Heads, left: Integers, right: Integers) -> Iterator[Integers]:
    """Find rows that meet often enough, chunk by chunk, so that memory stays small.

    Args:
        where: The heads of all rows.
        left: The rows, sorted, that may be the first of a pair.
        right: The rows, sorted, that may be the second. Rows may be on both lists.

    Yields:
        Pairs of rows, an array of shape (2, pairs), the lower number first.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> table = csr_matrix([[1, 1], [1, 1], [0, 0]])
        >>> where = Heads(table, table, np.array([2, 2, 2]), np.array([2, 2, 2]))
        >>> [pairs.tolist() for pairs in meetings(where, np.arange(3), np.arange(3))]
        [[[0], [1]]]
    """
    one, two = where.one[left], where.two[right]
    frequency = np.bincount(two.indices, minlength=two.shape[1])
    cost = np.concatenate([[0], np.cumsum(frequency[one.indices])])[one.indptr]
    start = 0
    while start < len(left):
        stop = int(np.searchsorted(cost, cost[start] + _CHUNK, side="right")) - 1
        stop = min(max(stop, start + 1), len(left))
        low = int(np.searchsorted(right, left[start], side="right"))
        high = int(np.searchsorted(right, where.last[left[start:stop]].max(), side="right"))
        if low < high:
            met = (one[start:stop] @ two[low:high].T).tocsr()
            often = met.data >= np.repeat(where.least[left[start:stop]], np.diff(met.indptr))
            place = np.repeat(np.arange(start, stop), np.diff(met.indptr))[often]
            pairs = np.stack([left[place], right[low + met.indices[often]]])
            yield pairs[:, (pairs[0] < pairs[1]) & (pairs[1] <= where.last[pairs[0]])]
        start = stop


def overlap(table: Table, pairs: Integers) -> Integers:
    """Add up what pairs of rows have in common.

    Args:
        table: A sparse table with one value a column, wherever it stands: its weight.
        pairs: Pairs of rows, an array of shape (2, pairs).

    Returns:
        For each pair the sum of the weights of the columns that both have.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> overlap(csr_matrix([[2, 3, 0], [2, 3, 1]]), np.array([[0], [1]])).tolist()
        [5]
    """
    found = np.zeros(pairs.shape[1], np.int64)
    # Long rows are taken fewer at a time.
    step = max(_CHUNK * max(table.shape[0], 1) // max(table.nnz, 1), 1)
    for start in range(0, pairs.shape[1], step):
        here, there = pairs[:, start : start + step]
        both = table[here].multiply(table[there].sign())
        found[start : start + step] = np.asarray(both.sum(axis=1)).ravel()
    return found


def merged(labels: Integers, pairs: Integers) -> Integers:
    """Make one group of any two that a pair connects.

    Args:
        labels: For each row the first row of its group.
        pairs: Positions of rows that belong together, of shape (2, pairs).

    Returns:
        New labels, each again the first row of its group.

    Example:
        >>> merged(np.array([0, 1, 2, 1]), np.array([[3], [2]])).tolist()
        [0, 1, 1, 1]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    size = len(labels)
    ones = np.ones(pairs.shape[1], np.int8)
    graph = coo_matrix((ones, (labels[pairs[0]], labels[pairs[1]])), (size, size))
    count, part = connected_components(graph, directed=False)
    first = np.empty(count, np.int64)
    # From the last to the first: of several rows the first is written last, and stays.
    first[part[::-1]] = np.arange(size)[::-1]
    return np.asarray(first[part][labels], np.int64)


def connected(where: Heads, verify: Verify, labels: Integers) -> Integers:
    """Group all rows that pairs of alike rows connect.

    Args:
        where: The heads of all rows.
        verify: Tells which of the rows that met are alike.
        labels: Groups known already, each row labelled with the first of its group. Rows of one
            group are not compared again, which saves nearly all the work where a template has
            been filled in ten thousand times.

    Returns:
        New labels.

    Example:
        >>> from scipy.sparse import csr_matrix
        >>> table = csr_matrix([[1, 0], [0, 1], [1, 0]])
        >>> where = Heads(table, table, np.ones(3), np.array([2, 2, 2]))
        >>> connected(where, lambda pairs: pairs[0] >= 0, np.arange(3)).tolist()
        [0, 1, 0]
    """
    known = labels
    names, sizes = np.unique(known, return_counts=True)
    rest = np.arange(len(labels))
    for name in names[sizes >= _BIG]:
        inside = known[rest] == name
        members, rest = rest[inside], rest[~inside]
        for left, right in ((members, rest), (rest, members)):
            for pairs in meetings(where, left, right):
                labels = _join(pairs, verify, labels)
    for pairs in meetings(where, rest, rest):
        labels = _join(pairs, verify, labels)
    return labels


def _join(pairs: Integers, verify: Verify, labels: Integers) -> Integers:
    for start in range(0, pairs.shape[1], _PAIRS):
        some = pairs[:, start : start + _PAIRS]
        some = some[:, labels[some[0]] != labels[some[1]]]
        if some.shape[1]:
            labels = merged(labels, some[:, verify(some)])
    return labels
