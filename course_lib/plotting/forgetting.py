"""What was learnt against what was forgotten: skills, fates, the plane of both, and sweeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_lib.diagnostics.forgetting import FATES
from course_lib.errors import CourseError
from course_lib.plotting.style import (
    BLACK,
    BLUE,
    COLOURS,
    GREY,
    HATCHES,
    MARKERS,
    ORANGE,
    SMALLEST_TEXT,
    canvas,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

# Right, covered, gone: from solid to faint.
_FATE_COLOURS = (BLUE, ORANGE, "#dddddd")


def skill_map(table: pd.DataFrame, *, title: str = "General skills, before and after") -> Figure:
    """A map of accuracies, one row a skill and one column a model, each cell with its number.

    Args:
        table: accuracies between 0 and 1, the skills as index, the models as columns.
        title: heading of the figure.

    Returns:
        The figure; the darker a cell, the more is right.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> skill_map(pd.DataFrame({"base": [1.0], "LoRA": [0.5]}, index=["sums"]))
        ... # doctest: +SKIP
    """
    if table.empty:
        raise CourseError("there are no skills to draw: pass at least one row and one column.")
    shares = table.to_numpy(dtype=float)
    with canvas(title, height=2.2 + 0.42 * len(table)) as (figure, axes):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
        for (row, column), share in np.ndenumerate(shares):
            axes.text(
                column,
                row,
                f"{100 * share:.0f}",
                ha="center",
                va="center",
                # White on the dark half, black on the light one.
                color="white" if share > 0.55 else BLACK,
                fontsize=SMALLEST_TEXT,
            )
        axes.set_xticks(range(len(table.columns)), list(table.columns))
        axes.set_yticks(range(len(table)), list(table.index))
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xlabel("right answers (%)")
    return figure


def fate_bars(
    fates: Mapping[str, Sequence[str]], *, title: str = "Right, covered or gone"
) -> Figure:
    """One bar a model, cut into what is right, covered by other words, and gone.

    Args:
        fates: the fate of each probe by model, from `diagnostics.fates`.
        title: heading of the figure.

    Returns:
        The figure, the first model at the top.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> figure = fate_bars({"base": ["right", "right"], "LoRA": ["covered", "gone"]})
    """
    if not fates:
        raise CourseError("there are no models to draw: pass at least one.")
    names = list(fates)
    with canvas(title, height=2.4 + 0.6 * len(names)) as (figure, axes):
        left = np.zeros(len(names))
        for fate, colour, hatch in zip(FATES, _FATE_COLOURS, HATCHES, strict=False):
            shares = np.array([100 * np.mean([f == fate for f in fates[name]]) for name in names])
            axes.barh(
                names, shares, left=left, color=colour, hatch=hatch, edgecolor="white", label=fate
            )
            for place, (start, share) in enumerate(zip(left, shares, strict=True)):
                if share >= 5:  # a narrower piece has no room for its number
                    axes.text(
                        start + share / 2,
                        place,
                        f"{share:.0f}",
                        ha="center",
                        va="center",
                        color="white" if colour == BLUE else BLACK,
                        # The hatching would run through the number.
                        bbox={"facecolor": colour, "edgecolor": "none", "pad": 2},
                    )
            left += shares
        axes.invert_yaxis()
        axes.set_xlim(0, 100)
        axes.set_xlabel("probes (%)")
        figure.legend(loc="outside lower center", ncols=len(FATES))
    return figure


def learned_and_forgotten(
    frame: pd.DataFrame, *, title: str = "What was learnt, what was forgotten"
) -> Figure:
    """The plane of both: each setting a large mark (the mean), each of its runs a small one.

    Args:
        frame: one row a run with the columns series (joined by a line in the order of `setting`),
            setting (a number, written beside the mark), learned and forgotten (shares between 0
            and 1).
        title: heading of the figure.

    Returns:
        The figure; to the right is better, and so is down.

    Raises:
        CourseError: a column is missing.

    Example:
        >>> learned_and_forgotten(runs)  # doctest: +SKIP
    """
    _check_columns(frame, ("series", "setting", "learned", "forgotten"))
    with canvas(title, height=6.5) as (figure, axes):
        for place, (series, rows) in enumerate(frame.groupby("series", sort=False)):
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
            runs = 100 * rows[["learned", "forgotten"]]
            axes.plot(*runs.to_numpy().T, marker, color=colour, markersize=6, alpha=0.35)
            means = 100 * rows.groupby("setting")[["learned", "forgotten"]].mean().sort_index()
            axes.plot(
                *means.to_numpy().T,
                marker=marker,
                markersize=14,
                color=colour,
                markeredgecolor=BLACK,
                label=str(series),
            )
            for setting, x, y in means.itertuples():
                axes.annotate(
                    f"{setting:g}",
                    (x, y),
                    xytext=(0, 11 + 14 * (place % 2)),
                    textcoords="offset points",
                    ha="center",
                    color=colour,
                    fontweight="bold",
                )
        axes.set_xlim(-3, 103)
        axes.set_ylim(-3, 112)
        axes.set_xlabel("learnt: right answers on the new task (%)")
        axes.set_ylabel("forgotten: points lost on the probes")
        axes.grid(color="#dddddd")
        axes.annotate(
            "better ↘",
            (0.98, 0.03),
            xycoords="axes fraction",
            ha="right",
            color=GREY,
            style="italic",
        )
        figure.legend(loc="outside lower center", ncols=4)
    return figure


def share_curves(
    frame: pd.DataFrame,
    *,
    xlabel: str,
    ylabel: str = "right answers (%)",
    title: str,
) -> Figure:
    """Shares over a few settings, evenly spaced: the mean as a line, each run as a small mark.

    Args:
        frame: one row a run and series with the columns series, setting (as the axis shall say
            it, in the order of the axis) and share (between 0 and 1).
        xlabel: what the settings are.
        ylabel: what is counted, with its unit.
        title: heading of the figure.

    Returns:
        The figure.

    Raises:
        CourseError: a column is missing.

    Example:
        >>> share_curves(runs, xlabel="replay (%)", title="What replay buys")  # doctest: +SKIP
    """
    _check_columns(frame, ("series", "setting", "share"))
    places = {setting: at for at, setting in enumerate(dict.fromkeys(frame["setting"]))}
    with canvas(title) as (figure, axes):
        for place, (series, rows) in enumerate(frame.groupby("series", sort=False)):
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
            at = rows["setting"].map(places)
            axes.plot(at, 100 * rows["share"], marker, color=colour, markersize=6, alpha=0.35)
            means = 100 * rows.groupby(at)["share"].mean().sort_index()
            axes.plot(
                means.index,
                means,
                marker=marker,
                markersize=12,
                color=colour,
                markeredgecolor=BLACK,
                label=str(series),
            )
        axes.set_xticks(range(len(places)), [str(setting) for setting in places])
        axes.set_ylim(-3, 103)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.grid(axis="y", color="#dddddd")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _check_columns(frame: pd.DataFrame, needed: Sequence[str]) -> None:
    missing = [column for column in needed if column not in frame.columns]
    if missing:
        raise CourseError(f"the table has no column {', '.join(missing)}.")
