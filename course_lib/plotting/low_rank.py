"""How many directions an update of the weights needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import COLOURS, GREY, MARKERS, canvas

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def update_spectrum(
    shares: Mapping[str, Sequence[float]],
    *,
    rank: int,
    title: str = "How much of an update lies in its first directions",
) -> Figure:
    """Share of an update that its first singular directions hold, one line an update.

    Args:
        shares: for each update, the share of its squared norm in the first 1, 2, 3, … singular
            directions: values that rise to 1.
        rank: where the rank of the adapter is marked.
        title: heading of the figure.

    Returns:
        The figure; the axis of directions is logarithmic, because the first ones matter most.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> update_spectrum({"full": [0.5, 0.8, 1.0], "random": [0.4, 0.7, 1.0]}, rank=2)
        <Figure size 1000x550 with 1 Axes>
    """
    if not shares or not all(len(line) for line in shares.values()):
        raise CourseError("update_spectrum needs at least one update with at least one direction.")
    with canvas(title) as (figure, axes):
        for place, (name, line) in enumerate(shares.items()):
            directions = range(1, len(line) + 1)
            axes.plot(
                directions,
                [100 * share for share in line],
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                # A marker at each power of two: hundreds of them would hide the line.
                markevery=[step - 1 for step in directions if step & (step - 1) == 0],
                label=name,
            )
        axes.axvline(rank, color=GREY, linestyle="--", label=f"rank {rank}")
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        axes.set_ylim(0, 105)
        axes.set_xlabel("singular directions, largest first")
        axes.set_ylabel("share of the update (%)")
        axes.grid(color="#dddddd")
        figure.legend(loc="outside lower center", ncols=len(shares) + 1)
    return figure
