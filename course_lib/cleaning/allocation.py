"""Share whole groups out among sides, so that every stratum is divided as asked.

A stratum is what should be spread evenly: a label, a language. A group is what must stay whole.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
# Kinds of groups that are tried for a swap on either side: 10,000 pairs take 0.1 seconds.
_KINDS = 100


def quotas(counts: Counts, fractions: Sequence[float]) -> Counts:
    """Divide each stratum's rows in whole numbers, so that the sums are right as well.

    A tenth of four rows is rounded to none: of a hundred such strata, rounded one by one, the
    test would get nothing. Rounding the running totals instead ("cascade rounding") keeps the
    sum right as well: first the largest side and the others are divided so, then the others
    among themselves; each division is less than one row off in any stratum.

    Args:
        counts: Rows of each stratum.
        fractions: Shares of the sides, which add up to 1. The largest side gets what is left.

    Returns:
        Rows wanted, one line a side and one column a stratum.

    Example:
        >>> quotas(np.array([4, 4, 2]), (0.8, 0.1, 0.1)).tolist()
        [[3, 3, 2], [1, 0, 0], [0, 1, 0]]
    """
    wanted = np.zeros((len(fractions), len(counts)), np.int64)
    largest = int(np.argmax(fractions))
    share = sum(fractions) - fractions[largest]
    left = _rounded(counts * share)
    wanted[largest] = counts - left
    for side, fraction in enumerate(fractions):
        if side != largest and fraction > 0:
            wanted[side] = _rounded(left * min(fraction / share, 1.0))
            left, share = left - wanted[side], share - fraction
    return wanted


def allocate(
    groups: Sequence[Mapping[int, int]], fractions: Sequence[float], held: Counts
) -> list[int]:
    """Choose a side for each group.

    The smaller sides are filled first, in three passes. The first takes each group that fits
    into what every stratum still lacks. The second takes what brings the counts nearer to the
    quotas even if it overshoots, the best first. The third swaps a group for another while that
    helps. The largest side gets the rest. A side that is asked for never stays empty while there
    is a group to give it.

    What is made small is the sum over the strata of the rows too many or too few, and the rows
    that the side as a whole has too many or too few. Making it the smallest possible is as hard
    as packing a knapsack; three passes come near it, and `splits.shares` says how near.

    Args:
        groups: For each group the rows of each stratum, {stratum: rows}, in the order in which
            they are taken.
        fractions: Shares of the sides, which add up to 1.
        held: Rows that are on a side already, one line a side and one column a stratum.

    Returns:
        The side of each group.

    Example:
        >>> nothing = np.zeros((3, 1), np.int64)
        >>> allocate([{0: 1}, {0: 1}, {0: 6}, {0: 2}], (0.8, 0.1, 0.1), nothing)
        [2, 1, 0, 0]
    """
    counts = held.sum(axis=0)
    for group in groups:
        for stratum, rows in group.items():
            counts[stratum] += rows
    wanted = quotas(counts, fractions)
    largest = int(np.argmax(fractions))
    sides = [largest] * len(groups)
    pool = list(range(len(groups)))
    smaller = [s for s in reversed(range(len(fractions))) if fractions[s] > 0 and s != largest]
    for turn, side in enumerate(smaller):
        # Each side that holds nothing yet must find a group left when its turn comes.
        later = sum(not held[other].any() for other in (*smaller[turn + 1 :], largest))
        lack = (wanted[side] - held[side]).tolist()
        taken = _fill(groups, pool, lack, len(pool) - later, not held[side].any())
        for number in taken:
            sides[number] = side
        pool = [number for number in pool if number not in taken]
    return sides


def _fill(
    groups: Sequence[Mapping[int, int]], pool: list[int], lack: list[int], most: int, must: bool
) -> set[int]:
    """Take groups from the pool until nothing brings what is lacking nearer to zero."""
    taken: set[int] = set()
    total = sum(lack)

    def move(number: int, sign: int) -> None:
        nonlocal total
        (taken.add if sign > 0 else taken.discard)(number)
        for stratum, rows in groups[number].items():
            lack[stratum] -= sign * rows
            total -= sign * rows

    def gain(number: int) -> int:
        group = groups[number]
        size = sum(group.values())
        nearer = sum(abs(lack[s]) - abs(lack[s] - rows) for s, rows in group.items())
        return nearer + abs(total) - abs(total - size)

    for number in pool:
        if len(taken) >= most:
            return taken
        if all(lack[stratum] >= rows for stratum, rows in groups[number].items()):
            move(number, 1)
    # A gain never grows while the lack shrinks, so an old value is an upper bound: only the best
    # group needs to be looked at again.
    ranked = [(-gain(number), place, number) for place, number in enumerate(pool)]
    best = [item for item in ranked if item[0] < 0 and item[2] not in taken]
    heapq.heapify(best)
    while best and len(taken) < most:
        value, place, number = heapq.heappop(best)
        now = -gain(number)
        if now == value:
            move(number, 1)
        elif now < 0:
            heapq.heappush(best, (now, place, number))
    if must and not taken and most > 0:
        move(min(ranked)[2], 1)
    while any(lack):
        swap = _best_swap(groups, pool, taken, lack)
        if swap is None:
            break
        move(swap[0], -1)
        move(swap[1], 1)
    return taken


def _best_swap(
    groups: Sequence[Mapping[int, int]], pool: list[int], taken: set[int], lack: list[int]
) -> tuple[int, int] | None:
    """The two groups whose exchange brings what is lacking nearest to zero, if any does."""
    # Groups with the same rows in the same strata are as good as each other.
    kinds: tuple[dict[frozenset[tuple[int, int]], int], ...] = ({}, {})
    for number in pool:
        known = kinds[number not in taken]
        if len(known) < _KINDS:
            known.setdefault(frozenset(groups[number].items()), number)
    best: tuple[int, int] | None = None
    most, total = 0, sum(lack)
    for leaving in kinds[0].values():
        for coming in kinds[1].values():
            change = Counter(groups[coming])
            change.subtract(groups[leaving])
            gain = abs(total) - abs(total - change.total())
            gain += sum(abs(lack[s]) - abs(lack[s] - rows) for s, rows in change.items())
            if gain > most:
                most, best = gain, (leaving, coming)
    return best


def _rounded(values: NDArray[np.floating[Any]]) -> Counts:
    # Halves go up; the tiny term keeps 0.1 * 25 = 2.5000000000000004 and its like from mattering.
    ends = np.floor(np.cumsum(values) + 0.5 + 1e-9).astype(np.int64)
    return np.diff(ends, prepend=0)
