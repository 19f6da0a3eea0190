"""What comes once against what comes with every question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import BLACK, COLOURS, MARKERS, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def cost_over_questions(
    costs: Mapping[str, tuple[float, float]],
    *,
    most: float,
    mark: float | None = None,
    ylabel: str = "tokens",
    title: str = "What comes once, and what comes every time",
) -> Figure:
    """Total cost over the number of questions, one straight line a way.

    Args:
        costs: for each way what it costs once and what it costs a question, in one unit.
        most: the number of questions at the right end.
        mark: a number of questions to mark, such as where two lines cross.
        ylabel: what is counted, with its unit.
        title: heading of the figure.

    Returns:
        The figure; lower is cheaper.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> figure = cost_over_questions({"train": (900, 1), "read": (0, 4)}, most=600, mark=300)
    """
    if not costs:
        raise CourseError("there are no costs to draw: pass at least one way.")
    with canvas(title) as (figure, axes):
        for place, (name, (once, each)) in enumerate(costs.items()):
            axes.plot(
                [0, most],
                [once, once + each * most],
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                clip_on=False,
                label=name,
            )
        if mark is not None:
            axes.axvline(mark, color=BLACK, linestyle="--", linewidth=2)
            right = mark > most / 2
            axes.annotate(
                f"{mark:,.0f}",
                (mark, 1),
                xycoords=("data", "axes fraction"),
                xytext=(-8 if right else 8, -20),
                textcoords="offset points",
                ha="right" if right else "left",
                fontweight="bold",
            )
        axes.set_xlim(0, most)
        axes.set_ylim(bottom=0)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:,.0f}")
        axes.set_xlabel("questions answered")
        axes.set_ylabel(ylabel)
        axes.grid(color="#dddddd")
        figure.legend(loc="outside lower center", ncols=min(3, len(costs)))
    return figure
