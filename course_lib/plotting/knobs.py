"""What a knob does to the outcome: mean and interval over seeds for each of its values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.plotting.style import BLACK, COLOURS, HATCHES, MARKERS, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

_SPACE = 1.2  # between two knobs, in ticks


def knobs_side_by_side(
    found: Mapping[str, pd.DataFrame],
    start: Mapping[str, Any],
    *,
    ylabel: str = "loss on the test rows (nats a token)",
    title: str = "One knob at a time",
) -> Figure:
    """Every knob in a stripe of its own, all on one axis, so that their reach can be compared.

    Args:
        found: for each knob a table as `course_lib.sweeps.table.bands` returns it.
        start: the value of each knob that all other stripes use; marked with a star.
        ylabel: what is measured, with its unit.
        title: heading of the figure.

    Returns:
        The figure; the vertical axis is logarithmic.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> knobs_side_by_side({"rank": bands(table, "rank")}, {"rank": 16})  # doctest: +SKIP
    """
    if not found:
        raise CourseError("there are no knobs to draw: pass at least one table.")
    ticks: list[float] = []
    names: list[str] = []
    with canvas(title, height=6.5) as (figure, axes):
        left = 0.0
        for place, (knob, table) in enumerate(found.items()):
            colour = COLOURS[place % len(COLOURS)]
            at = [left + step for step in range(len(table))]
            axes.fill_between(at, table["low"], table["high"], color=colour, alpha=0.25)
            axes.plot(at, table["mean"], color=colour, marker=MARKERS[place % len(MARKERS)])
            for spot, (value, row) in zip(at, table.iterrows(), strict=True):
                if value == start.get(knob):
                    axes.plot(spot, row["mean"], marker="*", markersize=20, color=BLACK, zorder=3)
            axes.annotate(
                knob.replace(" ", "\n"),
                ((at[0] + at[-1]) / 2, 1.01),
                xycoords=axes.get_xaxis_transform(),
                ha="center",
                va="bottom",
                fontweight="bold",
            )
            ticks += at
            names += [_short(value) for value in table.index]
            left = at[-1] + 1 + _SPACE
        axes.set_title(title, pad=48)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.yaxis.set_minor_formatter(lambda value, _: "")
        axes.set_yticks(_round_ticks(*axes.get_ylim()))
        axes.set_xticks(ticks, names, rotation=65, ha="right", rotation_mode="anchor")
        axes.set_ylabel(ylabel)
        axes.grid(axis="y", color="#dddddd")
    return figure


def band_curves(
    found: Mapping[str, pd.DataFrame],
    *,
    xlabel: str,
    ylabel: str,
    log_x: bool = True,
    log_y: bool = False,
    title: str,
) -> Figure:
    """Mean and interval over a knob, one band for each line.

    Args:
        found: for each line a table as `course_lib.sweeps.table.bands` returns it.
        xlabel: the knob, with its unit.
        ylabel: what is measured, with its unit.
        log_x: False for a plain count.
        log_y: True for a loss that runs over several powers.
        title: heading of the figure.

    Returns:
        The figure.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> band_curves({"LoRA": bands(table, "learning_rate")}, xlabel="learning rate",
        ...             ylabel="loss", title="Rates")  # doctest: +SKIP
    """
    if not found:
        raise CourseError("there are no lines to draw: pass at least one table.")
    with canvas(title) as (figure, axes):
        for place, (line, table) in enumerate(found.items()):
            colour = COLOURS[place % len(COLOURS)]
            axes.fill_between(
                table.index.astype(float),
                table["low"],
                table["high"],
                color=colour,
                alpha=0.2,
                hatch=HATCHES[place % len(HATCHES)],
            )
            axes.plot(
                table.index.astype(float),
                table["mean"],
                color=colour,
                marker=MARKERS[place % len(MARKERS)],
                label=line,
            )
        if log_x:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(lambda value, _: _short(value))
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        if log_y:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            axes.yaxis.set_minor_formatter(lambda value, _: "")
            axes.set_yticks(_round_ticks(*axes.get_ylim()))
        axes.grid(color="#dddddd")
        if len(found) > 1:
            figure.legend(loc="outside lower center", ncols=min(3, len(found)))
    return figure


def _short(value: Any) -> str:
    """A number as it is said: 2.5e-3 rather than 0.0025, and 16 as it is."""
    if not isinstance(value, float) or value >= 0.1 or value <= 0:
        return f"{value:g}" if isinstance(value, float) else str(value)
    power = math.floor(math.log10(value))
    return f"{value / 10**power:.2g}e{power}"


def _round_ticks(low: float, high: float) -> list[float]:
    """Round numbers inside a logarithmic axis, more of them where it is short."""
    digits = (1, 2, 5) if high > 10 * low else (1, 1.5, 2, 3, 4, 5, 7)
    steps = [digit * 10.0**power for power in range(-4, 4) for digit in digits]
    return [step for step in steps if low <= step <= high]
