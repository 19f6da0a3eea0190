"""How far an evaluation can be trusted: reliability of confidence, and rows against certainty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import COLOURS, GREY, MARKERS, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def reliability(
    groups: Mapping[str, pd.DataFrame], *, title: str = "Does it know what it knows?"
) -> Figure:
    """Share of right answers against confidence, with the line on which both are equal.

    Args:
        groups: what `evaluation.calibration.calibration` returned, by name of the measure.
        title: heading of the figure.

    Returns:
        The figure; a marker's area grows with the answers in its group.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> from course_lib.evaluation.calibration import calibration
        >>> figure = reliability({"whole answer": calibration([0.9, 0.2], [True, False])})
    """
    if not groups:
        raise CourseError("there is nothing to draw: pass at least one table of groups.")
    with canvas(title) as (figure, axes):
        axes.plot([0, 100], [0, 100], color=GREY, linestyle="--", label="as sure as it is right")
        for place, (name, table) in enumerate(groups.items()):
            colour = COLOURS[place % len(COLOURS)]
            sure, right = 100 * table["confidence"], 100 * table["right"]
            axes.plot(sure, right, color=colour)
            axes.scatter(
                sure,
                right,
                s=60 + 500 * table["rows"] / table["rows"].sum(),
                marker=MARKERS[place % len(MARKERS)],
                color=colour,
                edgecolor="black",
                zorder=3,
                label=name,
            )
        axes.set_xlim(0, 104)
        axes.set_ylim(-4, 108)
        axes.set_yticks(range(0, 101, 20))
        axes.set_xlabel("how sure the model was (%)")
        axes.set_ylabel("right answers (%)")
        axes.grid(color="#dddddd")
        # Handles of one size, however large the first group is.
        legend = figure.legend(loc="outside lower center", ncols=3)
        for handle in legend.legend_handles[1:]:
            handle.set_sizes([120])  # type: ignore[union-attr]
    return figure


def detection_rates(
    rates: Mapping[str, Mapping[int, float]],
    *,
    wanted: float = 0.8,
    title: str = "How many test rows do you need?",
) -> Figure:
    """How often a test finds a difference, against its number of rows.

    Args:
        rates: what `evaluation.detection_rate` returned, by name of the difference.
        wanted: share of the tests that should find it, drawn as a line.
        title: heading of the figure.

    Returns:
        The figure, rows on a logarithmic axis.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> figure = detection_rates({"30 points": {16: 0.4, 64: 0.9}})
    """
    if not rates:
        raise CourseError("there is nothing to draw: pass at least one series of rates.")
    sizes = sorted({size for series in rates.values() for size in series})
    with canvas(title) as (figure, axes):
        for place, (name, series) in enumerate(rates.items()):
            axes.plot(
                list(series),
                [100 * rate for rate in series.values()],
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                label=name,
            )
        axes.axhline(100 * wanted, color=GREY, linestyle="--", label=f"{100 * wanted:.0f}%")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.set_ylim(0, 105)
        axes.set_xlabel("test rows")
        axes.set_ylabel("tests that find it (%)")
        axes.grid(color="#dddddd")
        figure.legend(loc="outside lower center", ncols=2)
    return figure
