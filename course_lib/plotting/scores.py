"""Scores with their intervals: before and after, fast and good, and the cures in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.evaluation.comparison import Difference, Share
from course_lib.plotting.style import BLACK, BLUE, COLOURS, GREY, HATCHES, MARKERS, ORANGE, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def before_after(
    scores: Mapping[str, Mapping[str, Share]],
    *,
    chance: float | None = None,
    ylabel: str = "right answers (%)",
    title: str = "Before and after",
) -> Figure:
    """Bars in groups, each with its 95% interval.

    Args:
        scores: shares by group and model, such as
            `{"policy facts": {"before": share_interval(a), "after": share_interval(b)}}`.
        chance: share that guessing would reach, drawn as a line.
        ylabel: what is counted, with its unit.
        title: heading of the figure.

    Returns:
        The figure.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> facts = {"before": share_interval(a), "after": share_interval(b)}  # doctest: +SKIP
        >>> before_after({"facts": facts})  # doctest: +SKIP
    """
    if not scores:
        raise CourseError("there are no scores to draw: pass at least one group.")
    models = list(dict.fromkeys(model for group in scores.values() for model in group))
    inside = [[model for model in models if model in group] for group in scores.values()]
    width = 0.8 / len(models)
    with canvas(title) as (figure, axes):
        for place, model in enumerate(models):
            shares = [group[model] for group in scores.values() if model in group]
            middles = [
                # A group without some of the models stands over its label all the same.
                at + (present.index(model) - (len(present) - 1) / 2) * width
                for at, present in enumerate(inside)
                if model in present
            ]
            heights = [100 * share.share for share in shares]
            axes.bar(
                middles,
                heights,
                width=0.92 * width,
                color=COLOURS[place % len(COLOURS)],
                hatch=HATCHES[place % len(HATCHES)],
                edgecolor="white",
                label=model,
            )
            axes.errorbar(
                middles,
                heights,
                yerr=[
                    [100 * (share.share - share.low) for share in shares],
                    [100 * (share.high - share.share) for share in shares],
                ],
                fmt="none",
                ecolor=BLACK,
                elinewidth=2,
                capsize=6,
            )
            for middle, height, share in zip(middles, heights, shares, strict=True):
                axes.annotate(
                    f"{height:.0f}",
                    (middle, 100 * share.high),
                    xytext=(0, 5),
                    textcoords="offset points",
                    ha="center",
                )
        if chance is not None:
            axes.axhline(
                100 * chance, color=GREY, linestyle="--", label=f"chance: {100 * chance:.0f}%"
            )
        axes.set_xticks(range(len(scores)), list(scores))
        axes.set_ylim(0, 112)
        axes.set_yticks(range(0, 101, 20))
        axes.set_ylabel(ylabel)
        axes.grid(axis="y", color="#dddddd")
        figure.legend(loc="outside lower center", ncols=len(models) + (chance is not None))
    return figure


def speed_and_quality(
    frame: pd.DataFrame,
    *,
    ylabel: str = "right answers (%)",
    title: str = "Speed against quality",
) -> Figure:
    """Seconds a step against held-out quality, one labelled point a method.

    Args:
        frame: columns method, seconds_per_step and quality (a share between 0 and 1).
        ylabel: what quality counts, with its unit.
        title: heading of the figure.

    Returns:
        The figure; up and to the left is better.

    Raises:
        CourseError: a column is missing.

    Example:
        >>> speed_and_quality(results[["method", "seconds_per_step", "quality"]])  # doctest: +SKIP
    """
    missing = {"method", "seconds_per_step", "quality"} - set(frame.columns)
    if missing:
        raise CourseError(f"the table has no column {', '.join(sorted(missing))}.")
    with canvas(title) as (figure, axes):
        slowest = float(frame["seconds_per_step"].max())
        for place, row in enumerate(frame.to_dict("records")):
            seconds, quality = float(row["seconds_per_step"]), 100 * float(row["quality"])
            colour = COLOURS[place % len(COLOURS)]
            axes.plot(
                seconds,
                quality,
                marker=MARKERS[place % len(MARKERS)],
                markersize=18,
                linestyle="none",
                color=colour,
                markeredgecolor=BLACK,
            )
            at_the_right = seconds > 0.6 * 1.15 * slowest
            axes.annotate(
                str(row["method"]),
                (seconds, quality),
                xytext=(-16 if at_the_right else 16, 0),
                textcoords="offset points",
                ha="right" if at_the_right else "left",
                va="center",
                fontsize=16,
                fontweight="bold",
            )
        axes.set_xlim(0, 1.15 * slowest)
        axes.set_ylim(0, 105)
        axes.set_xlabel("seconds a step")
        axes.set_ylabel(ylabel)
        axes.grid(color="#dddddd")
        axes.annotate(
            "↖ faster and better",
            (0.02, 0.04),
            xycoords="axes fraction",
            color=GREY,
            style="italic",
        )
    return figure


def ranked_cures(
    scores: Mapping[str, float | Share | Difference],
    *,
    baseline: str,
    xlabel: str,
    lower_is_better: bool = False,
    title: str = "The cures, ranked",
) -> Figure:
    """Cures in order of held-out quality, best at the top, beside doing nothing.

    Args:
        scores: quality by cure, plain or with its interval; `baseline` among them. To draw
            gains over the baseline, give each as a `Difference` and the baseline as 0.
        baseline: the run without a cure; a line is drawn through it.
        xlabel: what is measured, with its unit.
        lower_is_better: True for a loss.
        title: heading of the figure.

    Returns:
        The figure.

    Raises:
        CourseError: the baseline is not among the scores.

    Example:
        >>> losses = {"none": 1.01, "early stopping": 0.75}
        >>> figure = ranked_cures(losses, baseline="none", xlabel="loss", lower_is_better=True)
    """
    if baseline not in scores:
        raise CourseError(
            f"the baseline {baseline!r} is not among the scores: {', '.join(scores)}."
        )
    points = {
        name: Share(*score) if isinstance(score, tuple) else Share(score, score, score)
        for name, score in scores.items()
    }
    order = sorted(points, key=lambda name: points[name].share, reverse=lower_is_better)
    with canvas(title, height=2.2 + 0.6 * len(order)) as (figure, axes):
        line = points[baseline].share
        axes.axvline(line, color=GREY, linestyle="--", linewidth=2)
        for name in order:
            point = points[name]
            colour = ORANGE if name == baseline else BLUE
            axes.plot([line, point.share], [name, name], color=colour, linewidth=3, alpha=0.5)
            axes.errorbar(
                point.share,
                name,
                xerr=[[point.share - point.low], [point.high - point.share]],
                fmt="s" if name == baseline else "o",
                color=colour,
                ecolor=BLACK,
                markersize=14,
                elinewidth=2,
                capsize=6,
            )
            axes.annotate(
                f"{point.share:.3g}",
                # On the far side from the line, where nothing is drawn.
                (point.low if point.share < line else point.high, name),
                xytext=(-14 if point.share < line else 14, 0),
                textcoords="offset points",
                ha="right" if point.share < line else "left",
                va="center",
            )
        # Room for the numbers, on the left as well.
        axes.margins(x=0.2, y=0.1)
        axes.set_xlabel(f"{xlabel}, {'lower' if lower_is_better else 'higher'} is better")
        axes.grid(axis="x", color="#dddddd")
    return figure
