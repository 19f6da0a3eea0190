"""Notice that the customers have changed before they complain.

Each day's questions are compared with what the model was released for. A monitor is a statistic
of one day and a threshold; the threshold is chosen from days on which nothing had changed, so that
the rate of false alarms is stated beforehand, for days that ask questions out of the same pool. The
statistics are those of the field: population
stability index, Kolmogorov and Smirnov's distance, maximum mean discrepancy, a share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

Statistic = Callable[[NDArray[Any]], float]
"""From the features of one day's questions (rows: questions) to one number, larger when odder."""

# Days that a threshold is chosen from. At a false-alarm rate of 1% the 20 oddest of them decide.
_DAYS = 2_000


@dataclass(frozen=True)
class Monitor:
    """A statistic with its threshold.

    Attributes:
        statistic: From a day's features to a number.
        threshold: Above it the monitor raises an alarm.

    Example:
        >>> Monitor(lambda day: float(day.mean()), 0.5).alarm(np.array([1, 1, 0]))
        True
    """

    statistic: Statistic
    threshold: float

    def alarm(self, day: NDArray[Any]) -> bool:
        """Whether the day's statistic lies above the threshold."""
        return self.statistic(day) > self.threshold


def calibrate(
    statistic: Statistic, known: NDArray[Any], per_day: int, false_alarms: float, seed: int = 0
) -> Monitor:
    """Choose the threshold from days on which nothing changed.

    Args:
        statistic: From a day's features to a number.
        known: Features of the questions that the model was released for; days are drawn from them.
            The rate holds for days that repeat these questions. New wordings of the same kind lie
            further from them and raise more alarms, two to six times as many with 150 known
            questions: give many, or those of real quiet weeks that no statistic was built from.
        per_day: Questions a day. A threshold holds for days of this size alone.
        false_alarms: Share of unchanged days that may raise an alarm. 0.01 is one in 100 days.
        seed: Of the draws.

    Returns:
        The monitor.

    Raises:
        CourseError: There are too few questions to draw days from, or the rate is no share.

    Example:
        >>> wrong = np.array([0] * 9 + [1])
        >>> calibrate(lambda day: float(day.mean()), wrong, 50, 0.01).threshold
        0.22
    """
    if len(known) < 2 or not 0 < false_alarms < 1:
        raise CourseError(
            f"{len(known)} known questions and a false-alarm rate of {false_alarms}: give at least "
            "two questions and a rate between 0 and 1"
        )
    rng = np.random.default_rng(seed)
    days = rng.integers(len(known), size=(_DAYS, per_day))
    seen = [statistic(known[day]) for day in days]
    # An observed value, not one between two: shares take few values, and ties must not alarm.
    return Monitor(statistic, float(np.quantile(seen, 1 - false_alarms, method="higher")))


def share() -> Statistic:
    """The share of a day's rows for which something is true, such as a failed output check.

    Example:
        >>> share()(np.array([True, False]))
        0.5
    """
    return lambda day: float(np.mean(day))


def ks_distance(known: NDArray[np.float64]) -> Statistic:
    """Kolmogorov and Smirnov's distance: the largest gap between two distributions' curves.

    Args:
        known: One number a question, such as the model's own confidence.

    Returns:
        The statistic; ``scipy.stats.ks_2samp`` computes it.

    Example:
        >>> ks_distance(np.array([1.0, 2.0]))(np.array([5.0, 6.0]))
        1.0
    """
    from scipy.stats import ks_2samp

    return lambda day: float(ks_2samp(known, day, method="asymp").statistic)


def mean_discrepancy(known: Any) -> Statistic:
    """Maximum mean discrepancy with a linear kernel: how far the mean text has moved.

    Args:
        known: One vector a question, such as TF-IDF of its character n-grams, as an array.

    Returns:
        The statistic: the squared distance of the day's mean from the mean of `known`.

    Example:
        >>> mean_discrepancy(np.array([[0.0, 1.0]]))(np.array([[1.0, 1.0]]))
        1.0
    """
    centre = np.asarray(known).mean(axis=0)
    return lambda day: float(((day.mean(axis=0) - centre) ** 2).sum())


def stability_index(known: Sequence[str]) -> Statistic:
    """Population stability index of a category, such as the policy page that a question is about.

    Args:
        known: One category a question.

    Returns:
        The statistic: the sum over categories of (day - known) · ln(day / known), in shares. Half a
        question is added to every category, so that an empty one does not make it infinite; what
        was never seen before is a category of its own.

    Example:
        >>> round(stability_index(["returns"] * 90 + ["club"] * 10)(np.array(["club"] * 20)), 1)
        5.1
    """
    names = sorted(set(known))

    def shares(rows: Any) -> NDArray[np.float64]:
        found = [np.count_nonzero(np.asarray(rows) == name) for name in names]
        counts = np.array([*found, len(rows) - sum(found)]) + 0.5
        return counts / counts.sum()

    usual = shares(known)

    def statistic(day: NDArray[Any]) -> float:
        now = shares(day)
        return float(((now - usual) * np.log(now / usual)).sum())

    return statistic


def stream(
    known: Sequence[int],
    new: Sequence[int],
    shares: Sequence[float],
    per_day: int,
    seed: int = 0,
) -> list[NDArray[np.int64]]:
    """Draw days of questions whose mix changes.

    Args:
        known: Indices of the known questions.
        new: Indices of the new ones; they may be none where every share is 0.
        shares: For each day the expected share of new questions.
        per_day: Questions a day.
        seed: Of the draws.

    Returns:
        For each day the indices of its questions.

    Raises:
        CourseError: There is nothing to draw from.

    Example:
        >>> [sorted(set(day.tolist())) for day in stream([1], [7], [0, 1], per_day=8)]
        [[1], [7]]
    """
    if not len(known) or (not len(new) and any(shares)):
        raise CourseError(f"{len(known)} known and {len(new)} new questions: nothing to draw from")
    rng = np.random.default_rng(seed)
    return [
        np.where(
            rng.random(per_day) < part,
            rng.choice(new if len(new) else known, size=per_day),
            rng.choice(known, size=per_day),
        )
        for part in shares
    ]


def first_alarms(
    monitors: Mapping[str, Monitor],
    features: Mapping[str, NDArray[Any]],
    streams: Sequence[Sequence[NDArray[np.int64]]],
) -> pd.DataFrame:
    """On which day each monitor first speaks up.

    Args:
        monitors: By name.
        features: Of all questions, known and new, by the same names.
        streams: From `stream`, one for each seed.

    Returns:
        One row a stream and one column a monitor: the day of the first alarm, counted from 1; NaN
        where there was none.

    Raises:
        CourseError: A monitor has no features.

    Example:
        >>> monitor = Monitor(share(), 0.5)
        >>> days = [np.array([0, 0]), np.array([0, 1]), np.array([1, 1])]
        >>> first_alarms({"failed": monitor}, {"failed": np.array([0, 1])}, [days])
           failed
        0       3
    """
    import pandas as pd

    if missing := [name for name in monitors if name not in features]:
        raise CourseError(f"no features for {', '.join(missing)}: give those of all questions")

    def first(name: str, days: Sequence[NDArray[np.int64]]) -> float | None:
        for number, day in enumerate(days, start=1):
            if monitors[name].alarm(features[name][day]):
                return number
        return None

    return pd.DataFrame([{name: first(name, days) for name in monitors} for days in streams])
