"""Does a model that says "90% sure" turn out right nine times in ten?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd


def calibration(
    confidence: Sequence[float] | NDArray[np.float64],
    right: Sequence[bool] | NDArray[np.bool_],
    *,
    bins: int = 5,
) -> pd.DataFrame:
    """Group answers by how sure the model was, and count how many of each group are right.

    Args:
        confidence: probability that the model gave its own answer, 0 to 1, one a row; see
            `token_scores`.
        right: whether the answer was right, in the same order.
        bins: groups of equal width. 5, because a few dozen rows leave ten groups nearly empty.

    Returns:
        One row a group that holds answers, with `confidence` and `right` (means) and `rows`.

    Raises:
        CourseError: the two differ in length or are empty, or a confidence is no probability.

    Example:
        >>> calibration([0.9, 0.95, 0.1], [True, False, False])["right"].tolist()
        [0.0, 0.5]
    """
    import pandas as pd

    sure, hits = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    if len(sure) != len(hits) or not len(sure):
        raise CourseError(
            f"{len(sure)} confidences and {len(hits)} outcomes: pass one of each for every "
            "answer, and at least one."
        )
    if not ((sure >= 0) & (sure <= 1)).all():
        raise CourseError("a confidence is not between 0 and 1: pass probabilities, not logs.")
    group = np.minimum((sure * bins).astype(int), bins - 1)
    table = pd.DataFrame({"confidence": sure, "right": hits, "rows": 1})
    means = {"confidence": "mean", "right": "mean", "rows": "sum"}
    return table.groupby(group).agg(means).reset_index(drop=True)


def calibration_error(groups: pd.DataFrame) -> float:
    """Expected calibration error: how far confidence and right answers lie apart on average.

    Args:
        groups: what `calibration` returned; a group counts by its rows.

    Returns:
        0 (says what it knows) to 1 (always sure, always wrong).

    Example:
        >>> calibration_error(calibration([1.0, 1.0], [True, False]))
        0.5
    """
    gap = (groups["confidence"] - groups["right"]).abs()
    return float(np.average(gap, weights=groups["rows"]))
