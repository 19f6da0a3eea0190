"""What cleaning did, rule by rule, and how well it matched the answer key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.language import Verbatim, translated
from course_lib.plotting.style import BLUE, GREY, ORANGE, VERMILION, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def cleaning_ledger(
    rules: Mapping[str, Mapping[str, int]], *, title: str = "What each rule did"
) -> Figure:
    """Rows changed and rejected by each rule.

    Args:
        rules: counts by rule, with "changed" and "rejected": `report.summary["rules"]`. Rules
            that did nothing are named below the figure, because silence would look like absence.
        title: heading of the figure.

    Returns:
        The figure, the busiest rule at the top.

    Raises:
        CourseError: no rule did anything.

    Example:
        >>> figure = cleaning_ledger({"duplicates": {"seen": 90, "changed": 0, "rejected": 12}})
    """
    busy = {
        name: counts for name, counts in rules.items() if counts["changed"] + counts["rejected"]
    }
    if not busy:
        raise CourseError("no rule changed or rejected a row, so there is no ledger to draw.")
    names = sorted(busy, key=lambda name: busy[name]["changed"] + busy[name]["rejected"])
    labels = [Verbatim(name) for name in names]
    idle = [name for name in rules if name not in busy]
    with canvas(title, height=2.4 + 0.42 * len(names)) as (figure, axes):
        changed = [busy[name]["changed"] for name in names]
        rejected = [busy[name]["rejected"] for name in names]
        # A colour that is not in the figure is not in its legend either.
        if any(changed):
            axes.barh(labels, changed, color=BLUE, edgecolor="white", label="changed")
        if any(rejected):
            axes.barh(
                labels,
                rejected,
                left=changed,
                color=VERMILION,
                hatch="//",
                edgecolor="white",
                label="rejected",
            )
        for name, end in zip(names, map(sum, zip(changed, rejected, strict=True)), strict=True):
            axes.annotate(
                str(end), (end, name), xytext=(6, 0), textcoords="offset points", va="center"
            )
        axes.set_xlim(0, 1.1 * max(map(sum, zip(changed, rejected, strict=True))))
        axes.margins(y=0.02)
        axes.set_xlabel("rows")
        axes.legend(loc="lower right")
        if idle:
            figure.supxlabel(
                f"found nothing: {', '.join(idle)}", fontsize=14, color=GREY, wrap=True
            )
    return figure


def precision_recall(
    frame: pd.DataFrame, *, title: str = "Cleaning against the answer key"
) -> Figure:
    """Precision and recall for each planted defect.

    Args:
        frame: columns defect, precision and recall (shares between 0 and 1; NaN where a defect
            was never reported, so that precision has no meaning).
        title: heading of the figure.

    Returns:
        The figure, the least found defect at the top, where the work is.

    Raises:
        CourseError: a column is missing.

    Example:
        >>> precision_recall(scores[["defect", "precision", "recall"]])  # doctest: +SKIP
    """
    missing = {"defect", "precision", "recall"} - set(frame.columns)
    if missing:
        raise CourseError(f"the table has no column {', '.join(sorted(missing))}.")
    ordered = frame.sort_values(["recall", "precision"], ascending=False, kind="stable")
    names = [str(name) for name in ordered["defect"]]
    precision, recall = 100 * ordered["precision"], 100 * ordered["recall"]
    with canvas(title, height=2.4 + 0.42 * len(names)) as (figure, axes):
        for name, one, other in zip(names, precision, recall, strict=True):
            axes.plot([one, other], [name, name], color=GREY, linewidth=2, zorder=1)
        axes.plot(
            recall,
            names,
            "o",
            color=BLUE,
            markersize=13,
            label="recall: of the planted, how many were found",
        )
        # Smaller and on top, so that a pair at the same place shows both.
        axes.plot(
            precision,
            names,
            "D",
            color=ORANGE,
            markersize=8,
            label="precision: of the found, how many were planted",
        )
        _percentages(figure, axes, "rows (%)", margin=0.04)
    return figure


def judged_precision(
    frame: pd.DataFrame, *, title: str = "Right in the sample (judged of found)"
) -> Figure:
    """Precision of each rule as a person judged it, with its 95% interval.

    Args:
        frame: What `rule_precision` returned: rule, found, judged, precision, low, high. Rules
            that nobody has judged are left out.
        title: heading of the figure.

    Returns:
        The figure, the least precise rule at the top; beside each rule how many were judged.

    Raises:
        CourseError: a column is missing, or nothing has been judged.

    Example:
        >>> judged_precision(rule_precision(sample, decided))      # doctest: +SKIP
    """
    missing = {"rule", "found", "judged", "precision", "low", "high"} - set(frame.columns)
    if missing:
        raise CourseError(f"the table has no column {', '.join(sorted(missing))}.")
    judged = frame[frame["judged"] > 0]
    if judged.empty:
        raise CourseError("no finding was judged, so there is no precision to draw.")
    ordered = judged.sort_values(["precision", "low"], ascending=False, kind="stable")
    names = [
        Verbatim(f"{rule} {translated(f'({judged} of {found})')}")
        for rule, judged, found in zip(
            ordered["rule"], ordered["judged"], ordered["found"], strict=True
        )
    ]
    with canvas(title, height=2.4 + 0.42 * len(names)) as (figure, axes):
        axes.hlines(
            names,
            100 * ordered["low"],
            100 * ordered["high"],
            color=GREY,
            linewidth=4,
            label="95% interval",
        )
        axes.plot(
            100 * ordered["precision"],
            names,
            "D",
            color=ORANGE,
            markersize=10,
            label="precision: of the judged, how many were right",
        )
        _percentages(figure, axes, "findings (%)", margin=0.08)
    return figure


def _percentages(figure: Figure, axes: Axes, label: str, *, margin: float) -> None:
    """Draw what figures of shares have in common: the axis from 0 to 100%, grid and legend."""
    axes.set_xlim(-3, 103)
    axes.margins(y=margin)
    axes.set_xlabel(label)
    axes.grid(color="#dddddd")
    figure.legend(loc="outside lower left", ncols=1)
