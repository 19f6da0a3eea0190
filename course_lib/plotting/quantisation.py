"""What four bits do to weights: the levels they are rounded to, and what each layer suffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import BLUE, COLOURS, MARKERS, VERMILION, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def levels_over_weights(
    weights: Sequence[float], levels: Sequence[float], *, title: str = "Sixteen levels"
) -> Figure:
    """A histogram of scaled weights, and over it the levels that they are rounded to.

    Args:
        weights: weights divided by the largest of their block: between -1 and 1.
        levels: the values that can be stored.
        title: heading of the figure.

    Returns:
        The figure; each level is a dashed line.

    Raises:
        CourseError: there are no weights or no levels.

    Example:
        >>> levels_over_weights([-0.2, 0.1, 0.3], [-1.0, 0.0, 1.0])
        <Figure size 1000x550 with 1 Axes>
    """
    if not len(weights) or not len(levels):
        raise CourseError("levels_over_weights needs weights and levels.")
    with canvas(title) as (figure, axes):
        axes.hist(weights, bins=101, range=(-1, 1), color=BLUE, alpha=0.6, label="weights")
        for place, level in enumerate(levels):
            label = f"the {len(levels)} levels" if place == 0 else None
            axes.axvline(level, color=VERMILION, linestyle="--", linewidth=2, label=label)
        axes.set_xlabel("weight, divided by the largest of its block")
        axes.set_ylabel("number of weights")
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def error_and_damage(frame: pd.DataFrame, *, title: str = "Same error, different damage") -> Figure:
    """For each layer: how far rounding moved its weights, and what that did to the output.

    Args:
        frame: columns kind (what the layer does: its name without its number), error (size of the
            rounding error against the size of the weights, a share) and damage (nats a token).
        title: heading of the figure.

    Returns:
        The figure, one point a layer, one marker a kind; the axis of damage is logarithmic.

    Raises:
        CourseError: a column is missing, or a damage is not above 0.

    Example:
        >>> error_and_damage(layers[["kind", "error", "damage"]])  # doctest: +SKIP
    """
    missing = {"kind", "error", "damage"} - set(frame.columns)
    if missing:
        raise CourseError(f"the table has no column {', '.join(sorted(missing))}.")
    if not (frame["damage"] > 0).all():
        raise CourseError("a damage of 0 or less has no place on a logarithmic axis; leave it out.")
    with canvas(title, height=6) as (figure, axes):
        for place, (kind, rows) in enumerate(frame.groupby("kind", sort=False)):
            axes.plot(
                100 * rows["error"],
                rows["damage"],
                linestyle="none",
                marker=MARKERS[place % len(MARKERS)],
                markersize=11,
                color=COLOURS[place % len(COLOURS)],
                label=str(kind),
            )
        axes.set_xlim(0, 130 * float(frame["error"].max()))
        axes.set_yscale("log")
        axes.set_xlabel("error of the weights (% of their size)")
        axes.set_ylabel("damage to the output (nats a token)")
        axes.grid(color="#dddddd")
        figure.legend(loc="outside lower center", ncols=4)
    return figure
