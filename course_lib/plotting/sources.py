"""Where rows came from: how many of each source stayed, and how much wording each brought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import COLOURS, GREEN, GREY, HATCHES, MARKERS, VERMILION, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def wording_curves(
    curves: Mapping[str, pd.DataFrame],
    *,
    unit: str = "3-word sequences",
    title: str = "How much wording each source brings",
) -> Figure:
    """Different n-grams met while reading on, one line a source: a narrow source bends early.

    Args:
        curves: by source, columns read and distinct: what `sources.wording_growth` returns.
        unit: what is counted, for the axes.
        title: heading of the figure.

    Returns:
        The figure, with the line of a source that never repeats itself.

    Raises:
        CourseError: there is no source, or one is too short for a single count.

    Example:
        >>> wording_curves({"export": wording_growth(texts)})  # doctest: +SKIP
    """
    if not curves or any(curve.empty for curve in curves.values()):
        raise CourseError("there is nothing to draw: give each source at least one count.")
    end = max(int(curve["read"].max()) for curve in curves.values())
    with canvas(title) as (figure, axes):
        axes.plot([0, end], [0, end], color=GREY, linestyle="--", label="nothing ever repeated")
        for place, (name, curve) in enumerate(curves.items()):
            axes.plot(
                curve["read"],
                curve["distinct"],
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                markevery=max(1, len(curve) // 6),
                label=name,
            )
        axes.set_xlim(0, 1.02 * end)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(f"{unit} read")
        axes.set_ylabel(f"different {unit}")
        axes.grid(color="#dddddd")
        axes.legend(loc="upper left")
    return figure


def source_rows(table: pd.DataFrame, *, title: str = "What became of each source") -> Figure:
    """Rows of each source that were left out before cleaning, rejected by a rule, and kept.

    Args:
        table: one row a source, its name as index; columns left out, kept and rejected.
        title: heading of the figure.

    Returns:
        The figure, the first source at the top.

    Raises:
        CourseError: a column is missing.

    Example:
        >>> source_rows(table[["left out", "kept", "rejected"]])  # doctest: +SKIP
    """
    missing = {"left out", "kept", "rejected"} - set(table.columns)
    if missing:
        raise CourseError(f"the table has no column {', '.join(sorted(missing))}.")
    names = [str(name) for name in table.index][::-1]
    parts = (("kept", GREEN), ("rejected", VERMILION), ("left out", GREY))
    with canvas(title, height=2.4 + 0.5 * len(names)) as (figure, axes):
        ends = [0] * len(names)
        for place, (part, colour) in enumerate(parts):
            counts = [int(count) for count in table[part]][::-1]
            axes.barh(
                names,
                counts,
                left=ends,
                color=colour,
                hatch=HATCHES[place],
                edgecolor="white",
                label={"rejected": "rejected by a rule", "left out": "left out beforehand"}.get(
                    part, part
                ),
            )
            ends = [end + count for end, count in zip(ends, counts, strict=True)]
        for name, end in zip(names, ends, strict=True):
            axes.annotate(
                f"{end:,}", (end, name), xytext=(6, 0), textcoords="offset points", va="center"
            )
        axes.set_xlim(0, 1.1 * max(ends))
        axes.set_xlabel("rows")
        figure.legend(loc="outside lower center", ncols=3)
    return figure
