"""Is one model really better, or were these questions kind to it?

A score on a few dozen questions is a draw from a lottery. An interval says how far it could have
fallen otherwise; and two models asked *the same* questions are compared question by question,
which cancels what makes a question hard for both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError

# Standard normal quantile of a two-sided interval that covers 95%.
_Z95 = 1.959964


class Share(NamedTuple):
    """A share of rows with its 95% interval, all between 0 and 1."""

    share: float
    low: float
    high: float


class Difference(NamedTuple):
    """How much higher the second score is than the first, with its 95% interval."""

    diff: float
    low: float
    high: float


def share_interval(hits: Sequence[bool] | NDArray[np.bool_]) -> Share:
    """The share of rows that are right, with Wilson's 95% interval.

    Wilson's, because the plain one claims certainty ("100% ± 0") once every row is right.

    Args:
        hits: one boolean a row.

    Returns:
        The share and its interval.

    Raises:
        CourseError: there are no rows.

    Example:
        >>> share, low, high = share_interval([True] * 9 + [False])
        >>> round(low, 2), share, round(high, 2)
        (0.6, 0.9, 0.98)
    """
    rows = np.asarray(hits, dtype=bool)
    if not rows.size:
        raise CourseError("there are no rows to score: pass at least one.")
    n, share = rows.size, float(rows.mean())
    shrink = 1 + _Z95**2 / n
    middle = (share + _Z95**2 / (2 * n)) / shrink
    half = _Z95 / shrink * math.sqrt(share * (1 - share) / n + _Z95**2 / (4 * n * n))
    # Where all rows agree the end is the share itself, but for the last bit of its rounding.
    return Share(share, max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half)))


def paired_bootstrap(
    before: Sequence[float] | NDArray[np.generic],
    after: Sequence[float] | NDArray[np.generic],
    seed: int = 0,
    *,
    resamples: int = 10_000,
) -> Difference:
    """Difference of two mean scores on the same rows, with a 95% bootstrap interval.

    The rows are drawn again and again with replacement, each time the same rows for both; the
    middle 95% of the differences seen is the interval. When it leaves out 0, the difference is
    unlikely to be luck. (Where every row agrees the interval has no width: more rows are needed.)

    Args:
        before: score of each row with the first model, such as the booleans of `exact_matches`.
        after: score of each row with the second model, in the same order.
        seed: of the draws. 0, so that a notebook shows the same interval twice.
        resamples: number of draws. 10,000 settles the interval's ends to about 0.2 points on
            100 rows, and takes a tenth of a second.

    Returns:
        The mean of `after` minus the mean of `before`, and the interval.

    Raises:
        CourseError: the two differ in length or are empty.

    Example:
        >>> paired_bootstrap([0, 0, 1, 0], [1, 1, 1, 0]).diff
        0.5
    """
    first, second = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    if len(first) != len(second):
        raise CourseError(
            f"{len(first)} scores before but {len(second)} after: a paired comparison needs both "
            "models' scores on the same rows, in the same order."
        )
    if not len(first):
        raise CourseError("there are no scores to compare: pass at least one row.")
    gains = second - first
    rng = np.random.default_rng(seed)
    # Drawn in blocks: 10,000 draws of 10,000 rows at once would take 800 MB.
    block = max(1, 1_000_000 // len(gains))
    means: list[NDArray[np.float64]] = []
    for start in range(0, resamples, block):
        draws = rng.integers(len(gains), size=(min(block, resamples - start), len(gains)))
        means.append(gains[draws].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Difference(float(gains.mean()), float(low), float(high))
