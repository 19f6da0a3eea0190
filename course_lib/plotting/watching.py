"""What is watched after release: the shares of names in a bias probe, and monitors day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.plotting.style import COLOURS, GREY, MARKERS, SMALLEST_TEXT, VERMILION, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def shares_by_name(
    hits: Mapping[str, NDArray[np.bool_]],
    names: Mapping[str, Sequence[str]],
    *,
    title: str = "The same questions, other names",
) -> Figure:
    """The share of right answers of each name, group by group, with the group's mean as a line.

    Args:
        hits: by group, one row a question and one column a name, as `compare_groups` takes it.
        names: the names of each group, in the order of the columns.
        title: heading of the figure.

    Returns:
        The figure; the lowest and the highest name of each group are written beside their point.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> hits = {"a": np.array([[True, False]]), "b": np.array([[True, True]])}
        >>> figure = shares_by_name(hits, {"a": ["Ann", "Bo"], "b": ["Cem", "Dee"]})
    """
    if not hits:
        raise CourseError("there is nothing to draw: pass at least one group.")
    with canvas(title) as (figure, axes):
        for place, (group, table) in enumerate(hits.items()):
            shares = 100 * table.mean(axis=0)
            # Side by side, so that names with one share do not hide each other.
            across = place + np.linspace(-0.15, 0.15, len(shares))
            axes.scatter(
                across,
                shares,
                s=90,
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                edgecolor="black",
                zorder=3,
            )
            axes.hlines(shares.mean(), place - 0.3, place + 0.3, color=GREY)
            for extreme in dict.fromkeys((int(shares.argmin()), int(shares.argmax()))):
                axes.annotate(
                    names[group][extreme],
                    # Beside the group, where no other name's point can hide it.
                    (place + 0.15, shares[extreme]),
                    xytext=(12, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=SMALLEST_TEXT,
                )
        axes.set_xticks(range(len(hits)), list(hits))
        axes.set_xlim(-0.5, len(hits) - 0.3)
        axes.set_ylim(-4, 104)
        axes.set_ylabel("right answers (%)")
        axes.grid(axis="y", color="#dddddd")
    return figure


def monitored_days(
    statistics: Mapping[str, Sequence[float]],
    thresholds: Mapping[str, float],
    *,
    change: int | None = None,
    title: str = "Day by day",
) -> Figure:
    """Each monitor's statistic over the days, as a multiple of its threshold.

    Args:
        statistics: one value a day, by monitor.
        thresholds: by monitor; above it is an alarm. A threshold of 0 (a check that never failed)
            has no multiples: every alarm is drawn at 2.
        change: the first day on which something was different, drawn as a line. None: unchanged.
        title: heading of the figure.

    Returns:
        The figure; alarms are ringed.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> figure = monitored_days({"text": [0.1, 0.3]}, {"text": 0.2}, change=2)
    """
    if not statistics:
        raise CourseError("there is nothing to draw: pass at least one monitor.")
    from matplotlib.ticker import MaxNLocator

    with canvas(title) as (figure, axes):
        for place, (name, values) in enumerate(statistics.items()):
            days = np.arange(1, len(values) + 1)
            relative = _of_threshold(np.asarray(values, dtype=float), thresholds[name])
            axes.plot(
                days,
                relative,
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                label=name,
            )
            late = relative > 1
            axes.scatter(
                days[late], relative[late], s=260, facecolor="none", edgecolor=VERMILION, zorder=4
            )
        axes.axhline(1, color=GREY, linestyle="--", label="alarm above")
        if change is not None:
            axes.axvline(change - 0.5, color=GREY, linestyle=":", label="something changes")
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("day")
        axes.set_ylabel("statistic / threshold")
        axes.grid(axis="y", color="#dddddd")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _of_threshold(values: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    """Above 1 where the values lie above the threshold."""
    return values / threshold if threshold else np.where(values > 0, 2.0, 1.0)
