"""Is the end of a noisy curve really higher than its lowest stretch?

"The last value is above the lowest" is true of nearly every noisy curve, so it says nothing.
Instead two curves are fitted: one that may only fall, and a *valley* that falls up to some point
and rises after it. A rise is believed when the valley explains the measurements so much better
that noise is no longer a likely reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# Longer curves are averaged down to this many points first: it evens out noise, and it keeps
# the search for the best valley (quadratic in the number of points) below a tenth of a second.
MOST_POINTS = 48
# Few points cannot show how noisy they are. Two more are added to the estimate, each off by 1%
# of the loss: about what a held-out loss of a few dozen rows moves between evaluations.
ASSUMED_POINTS = 2
ASSUMED_NOISE = 0.01


@dataclass(frozen=True)
class Rise:
    """How far a curve ends above its lowest stretch.

    Attributes:
        bottom: index of the point at the bottom of the fitted valley.
        since: index of the first point after it that is clearly higher.
        low: level of the bottom, as fitted.
        size: level of the end minus level of the bottom, in the curve's own unit.
        noise: standard deviation of one point, in the curve's own unit.
        beyond_noise: whether noise is an unlikely reason for the rise. Of healthy curves fewer
            than 1 in 100 is called rising, and 4 in 100 at the worst: about ten points with
            noise of 4% of the loss.
    """

    bottom: int
    since: int
    low: float
    size: float
    noise: float
    beyond_noise: bool


def rise(values: Values) -> Rise:
    """Fit a valley to `values` and measure how far the curve climbs out of it.

    Args:
        values: a curve of positive finite values without gaps, at least three.

    Returns:
        The rise, with indices into `values`.

    Example:
        >>> rise(np.array([3.0, 2.0, 1.0, 1.5, 2.0, 2.5])).size
        1.5
    """
    from scipy.optimize import isotonic_regression

    places = np.array_split(np.arange(len(values)), min(len(values), MOST_POINTS))
    points = np.array([values[place].mean() for place in places])
    valley, bottom = fit_valley(points)
    only_falling = isotonic_regression(points, increasing=False).x
    low = float(valley[bottom])
    # One wild last point must not pass for a new level: the end is the mean of an eighth.
    size = float(valley[-max(1, len(points) // 8) :].mean()) - low
    noise = _noise(points, valley, low)
    gain = _squares(points - only_falling) - _squares(points - valley)
    # Calibrated on healthy curves. The valley has the more freedom to follow noise the fewer
    # points hold it down, hence the second term.
    believed = gain > (25 + 4000 / len(points) ** 2) * noise**2 and bottom < len(points) - 2
    clear = np.flatnonzero(valley[bottom:] > low + noise)
    since = bottom + int(clear[0]) if len(clear) else len(points) - 1
    return Rise(
        bottom=int(places[bottom][len(places[bottom]) // 2]),
        since=int(places[since][0]),
        low=low,
        size=size,
        noise=noise,
        beyond_noise=bool(believed),
    )


def fit_valley(points: Values) -> tuple[Values, int]:
    """The falling-then-rising curve nearest to `points` in least squares.

    Args:
        points: the measurements.

    Returns:
        The fitted curve and the index of its bottom (the last one, where the bottom is flat).

    Example:
        >>> fit_valley(np.array([2.0, 1.0, 3.0]))
        (array([2., 1., 3.]), 1)
    """
    from scipy.optimize import isotonic_regression

    best, best_error, best_split = points, math.inf, 1
    for split in range(1, len(points) + 1):
        falling = isotonic_regression(points[:split], increasing=False).x
        rest = points[split:]
        rising = isotonic_regression(rest).x if len(rest) else rest
        fitted = np.concatenate([falling, rising])
        error = _squares(points - fitted)
        if error < best_error - 1e-12:
            best, best_error, best_split = fitted, error, split
    after = min(best_split, len(points) - 1)
    return best, after if best[after] < best[best_split - 1] else best_split - 1


def _noise(points: Values, fitted: Values, low: float) -> float:
    # The fit's own freedom comes off the count: each level it is made of, and half as much
    # again for choosing where the levels change.
    levels = 1 + int(np.count_nonzero(np.abs(np.diff(fitted)) > 1e-12))
    freedom = max(1.0, len(points) - 1.5 * levels)
    assumed = ASSUMED_POINTS * (ASSUMED_NOISE * low) ** 2
    return math.sqrt((_squares(points - fitted) + assumed) / (freedom + ASSUMED_POINTS))


def _squares(values: Values) -> float:
    return float(np.square(values).sum())
