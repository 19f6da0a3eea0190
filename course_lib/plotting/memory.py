"""Memory, part by part and over model sizes, against what a GPU has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import BLACK, COLOURS, GREY, HATCHES, MARKERS, VERMILION, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def memory_bars(
    parts: Mapping[str, Mapping[str, float]],
    *,
    ceiling_gib: float | None = None,
    ceiling_name: str = "T4",
    measured_gib: Mapping[str, float] | None = None,
    title: str = "Memory by part",
) -> Figure:
    """One stacked bar a method: where the memory goes, and whether it fits.

    Args:
        parts: GiB of each part by method, such as `{"lora": estimate(...).parts}`.
        ceiling_gib: memory of the GPU in GiB, drawn as a line.
        ceiling_name: what the line is called.
        measured_gib: measured peak by method in GiB, drawn as a diamond beside the prediction.
        title: heading of the figure.

    Returns:
        The figure, in MiB where everything is below half a GiB.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> figure = memory_bars({"lora": {"weights": 2.0, "activations": 1.0}}, ceiling_gib=14.56)
    """
    if not parts:
        raise CourseError("there are no methods to draw: pass the parts of at least one.")
    measured = dict(measured_gib or {})
    totals = {method: sum(sizes.values()) for method, sizes in parts.items()}
    largest = max([*totals.values(), *measured.values(), ceiling_gib or 0.0])
    factor, unit = (1.0, "GiB") if largest >= 0.5 else (1024.0, "MiB")
    names = list(dict.fromkeys(name for sizes in parts.values() for name in sizes))
    with canvas(title, height=3.2 + 0.75 * len(parts)) as (figure, axes):
        ends = dict.fromkeys(parts, 0.0)
        for place, name in enumerate(names):
            sizes = {method: factor * parts[method].get(name, 0.0) for method in parts}
            axes.barh(
                list(parts),
                list(sizes.values()),
                left=list(ends.values()),
                height=0.6,
                label=name,
                color=COLOURS[place % len(COLOURS)],
                # One on with every round of colours, so that the eighth part is not the first.
                hatch=HATCHES[(place + place // len(COLOURS)) % len(HATCHES)],
                edgecolor="white",
            )
            ends = {method: ends[method] + sizes[method] for method in parts}
        for method, end in ends.items():
            beyond = max(end, factor * measured.get(method, 0.0))
            text = f"{end:.3g} {unit}"
            if method in measured:
                text += f"\nmeasured {factor * measured[method]:.3g}"
            axes.annotate(
                text,
                (beyond, method),
                xytext=(10, 0),
                textcoords="offset points",
                va="center",
                # Legible where the ceiling's line runs through it.
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
            )
        if measured:
            axes.plot(
                [factor * size for size in measured.values()],
                list(measured),
                marker="D",
                markersize=11,
                linestyle="none",
                color=BLACK,
                markeredgecolor="white",
                label="measured",
            )
        if ceiling_gib is not None:
            axes.axvline(factor * ceiling_gib, color=VERMILION, linestyle="--", linewidth=3)
            axes.annotate(
                f"{ceiling_name}: {factor * ceiling_gib:.4g} {unit}",
                (factor * ceiling_gib, 1),
                xycoords=axes.get_xaxis_transform(),
                xytext=(-8, -4),
                textcoords="offset points",
                ha="right",
                va="bottom",
                color=VERMILION,
                fontweight="bold",
            )
        axes.set_xlim(0, 1.22 * factor * largest)
        axes.margins(y=0.12)
        axes.invert_yaxis()
        axes.set_xlabel(f"memory ({unit})")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def memory_over_sizes(
    frame: pd.DataFrame,
    *,
    ceilings_gib: Mapping[str, float],
    title: str = "What fits: memory over model size",
) -> Figure:
    """Peak memory against model size, one line a method, with the memory of GPUs across.

    Args:
        frame: columns parameters (a count), method and peak_gib.
        ceilings_gib: memory of GPUs in GiB by name, such as `{"T4": 14.56}`.
        title: heading of the figure.

    Returns:
        The figure; both axes are logarithmic.

    Raises:
        CourseError: a column is missing.

    Example:
        >>> memory_over_sizes(table, ceilings_gib={"T4": 14.56})  # doctest: +SKIP
    """
    missing = {"parameters", "method", "peak_gib"} - set(frame.columns)
    if missing:
        raise CourseError(f"the table has no column {', '.join(sorted(missing))}.")
    with canvas(title, height=6) as (figure, axes):
        for place, (method, rows) in enumerate(frame.groupby("method", sort=False)):
            ordered = rows.sort_values("parameters")
            axes.plot(
                ordered["parameters"] / 1e9,
                ordered["peak_gib"],
                marker=MARKERS[place % len(MARKERS)],
                color=COLOURS[place % len(COLOURS)],
                label=str(method),
            )
        # Base 2, so that a step along an axis is a doubling.
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        for name, size in ceilings_gib.items():
            axes.axhline(size, color=GREY, linestyle="--", linewidth=2)
            axes.annotate(
                f"{name}: {size:g} GiB",
                (0.01, size),
                xycoords=axes.get_yaxis_transform(),
                xytext=(0, 4),
                textcoords="offset points",
                color=GREY,
                fontweight="bold",
            )
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_formatter(lambda value, _: "")
        axes.set_xlabel("parameters (billions)")
        axes.set_ylabel("peak memory (GiB)")
        axes.grid(color="#dddddd")
        axes.legend(title="method", title_fontsize=14, loc="lower right")
    return figure
