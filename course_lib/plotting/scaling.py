"""How much faster many cards are than one machine of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import COLOURS, GREY, HATCHES, MARKERS, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def scaling_bands(frame: pd.DataFrame, *, title: str = "Speed over the number of cards") -> Figure:
    """Speed against the number of cards, between the best and the worst case, one band a line.

    Args:
        frame: columns line (its name), devices, low and high: the speed in cards' worth of work,
            with no sending hidden behind arithmetic and with all of it.
        title: heading of the figure.

    Returns:
        The figure; both axes are logarithmic, the dashed line is as fast as can be.

    Raises:
        CourseError: a column is missing.

    Example:
        >>> scaling_bands(table)  # doctest: +SKIP
    """
    missing = {"line", "devices", "low", "high"} - set(frame.columns)
    if missing:
        raise CourseError(f"the table has no column {', '.join(sorted(missing))}.")
    with canvas(title, height=6) as (figure, axes):
        ends = [frame["devices"].min(), frame["devices"].max()]
        axes.plot(ends, ends, color=GREY, linestyle="--", label="as fast as can be")
        for place, (line, rows) in enumerate(frame.groupby("line", sort=False)):
            ordered = rows.sort_values("devices")
            colour = COLOURS[place % len(COLOURS)]
            axes.fill_between(
                ordered["devices"],
                ordered["low"],
                ordered["high"],
                color=colour,
                alpha=0.25,
                hatch=HATCHES[place % len(HATCHES)],
            )
            axes.plot(
                ordered["devices"],
                ordered["low"],
                color=colour,
                marker=MARKERS[place % len(MARKERS)],
                label=str(line),
            )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_formatter(lambda value, _: "")
        axes.set_xlabel("cards")
        axes.set_ylabel("cards' worth of work")
        axes.grid(color="#dddddd")
        axes.legend(loc="upper left")
    return figure
