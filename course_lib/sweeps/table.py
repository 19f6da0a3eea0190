"""Read the sweep's table: bands over seeds, and differences between settings, seed by seed.

Losses are averaged in logarithms: a loss of 4 from one run that went astray must not drown the
others, and an interval must not reach below zero.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.evaluation.comparison import Difference
from course_lib.runtime import data_path
from course_lib.sweeps.knobs import TARGETS, Knobs

if TYPE_CHECKING:
    import pandas as pd

_KNOBS = [field.name for field in fields(Knobs)]
COLUMNS = [
    "study",
    "trial",
    *_KNOBS,
    "seed",
    "validation_loss",
    "validation_right",
    "test_loss",
    "test_right",
    "trained_steps",
    "seconds",
]


def read(path: str | Path | None = None) -> pd.DataFrame:
    """Read the table of runs.

    Args:
        path: A CSV file that `python -m course_lib sweep` wrote; None for the one that is shipped.

    Returns:
        One row a run: `study`, `trial` (within a search), the knobs, `seed` and the figures.

    Raises:
        CourseError: There is no such file.

    Example:
        >>> set(read()["study"]) >= {"start", "learning rate"}
        True
    """
    import pandas as pd

    path = Path(path or data_path("sweeps", "knobs.csv"))
    if not path.is_file():
        raise CourseError(f"{path}: no such table. `python -m course_lib sweep` writes it")
    # To the last digit, whatever the version of pandas: a rate is looked up by its value.
    return pd.read_csv(path, converters={"learning_rate": float})


def knobs_of(row: Mapping[str, Any] | pd.Series[Any]) -> Knobs:
    """The knobs of one row of the table.

    Args:
        row: A row of `read()`.

    Returns:
        Its knobs.

    Example:
        >>> knobs_of(read().query("study == 'start'").iloc[0]) == Knobs()
        True
    """
    # A row of strings and numbers comes back from pandas with numpy's types.
    started = asdict(Knobs())
    return Knobs(**{name: type(value)(row[name]) for name, value in started.items()})


def bands(table: pd.DataFrame, by: str, figure: str = "test_loss") -> pd.DataFrame:
    """Mean over the seeds with its 95% interval, one row for each value of a knob.

    Args:
        table: Rows of `read()`.
        by: The knob.
        figure: The column to average. A loss is averaged in logarithms, a share as it is.

    Returns:
        Columns `mean`, `low`, `high` and `seeds`, in the order of the knob's values. The interval
        is Student's, and has no width where there is one seed only.

    Example:
        >>> import pandas as pd
        >>> runs = pd.DataFrame({"rank": [4, 4, 8], "test_right": [0.5, 0.7, 0.9]})
        >>> bands(runs, "rank", "test_right")["mean"].round(2).to_dict()
        {4: 0.6, 8: 0.9}
    """
    import pandas as pd

    found = {value: _interval(rows[figure], figure) for value, rows in table.groupby(by)}
    bands = pd.DataFrame(found, index=["mean", "low", "high", "seeds"]).T.rename_axis(by)
    if by == "targets":
        bands = bands.loc[[name for name in TARGETS if name in bands.index]]
    return bands


def paired_by_seed(
    before: pd.DataFrame, after: pd.DataFrame, figure: str = "test_loss"
) -> Difference:
    """Difference between two settings, seed by seed, with Student's 95% interval.

    Args:
        before: Rows of one setting, one a seed.
        after: Rows of the other; seeds that both have count.
        figure: The column to compare. Losses are compared in logarithms: -0.1 is 10% less.

    Returns:
        The mean of `after` minus `before`, and the interval.

    Raises:
        CourseError: Fewer than two seeds in common.

    Example:
        >>> import pandas as pd
        >>> one = pd.DataFrame({"seed": [0, 1], "test_right": [0.5, 0.6]})
        >>> other = pd.DataFrame({"seed": [0, 1], "test_right": [0.6, 0.7]})
        >>> round(paired_by_seed(one, other, "test_right").diff, 2)
        0.1
    """
    from scipy import stats

    first, second = (_scale(rows.set_index("seed")[figure], figure) for rows in (before, after))
    gains = (second - first).dropna()
    if len(gains) < 2:
        raise CourseError(f"{len(gains)} seed in common: a comparison needs at least two")
    diff = float(gains.mean())
    half = float(stats.t.ppf(0.975, len(gains) - 1) * gains.sem())
    return Difference(diff, diff - half, diff + half)


def _interval(values: pd.Series[float], figure: str) -> tuple[float, float, float, int]:
    from scipy import stats

    scaled = _scale(values, figure)
    middle, count = float(scaled.mean()), len(scaled)
    half = float(stats.t.ppf(0.975, count - 1) * scaled.sem()) if count > 1 else 0.0
    ends = middle, middle - half, middle + half
    if _is_loss(figure):
        mean, low, high = (math.exp(end) for end in ends)
    else:
        mean, low, high = (min(1.0, max(0.0, end)) for end in ends)
    return mean, low, high, count


def _scale(values: pd.Series[float], figure: str) -> pd.Series[float]:
    import numpy as np

    return np.log(values) if _is_loss(figure) else values


def _is_loss(figure: str) -> bool:
    return figure.endswith("_loss")
