"""A fine-tuning job of a managed API: what its events measured, step by step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import BLACK, BLUE, GREY, SMALLEST_TEXT, VERMILION, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Where a line of many steps is drawn without a mark at each.
_FEW = 40


def job_curves(
    metrics: pd.DataFrame,
    checkpoints: Iterable[int] = (),
    *,
    title: str = "A fine-tuning job",
    height: float = 5.5,
) -> Figure:
    """Loss and token accuracy of a job against the step, each for training and held-out rows.

    Args:
        metrics: One row a step, as `course_lib.serving.metrics.job_metrics` returns it, or the
            results file of a job read with pandas. What it lacks is not drawn.
        checkpoints: Steps of the checkpoints that are kept; each is a dotted line.
        title: Heading of the figure.
        height: Inches, of which the legend takes about one.

    Returns:
        The figure: loss on the left, token accuracy on the right, the epoch with the lowest loss
        on all held-out rows starred.

    Raises:
        CourseError: There is no training loss.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"step": [1, 2], "train_loss": [2.0, 1.0]})
        >>> [axes.get_ylabel() for axes in job_curves(table).axes]
        ['loss (nats a token)', 'token accuracy (%)']
    """
    if "train_loss" not in metrics:
        raise CourseError("the job has measured no loss yet: wait for its first step.")
    with canvas(title, height=height) as (figure, whole):
        whole.remove()
        left, right = figure.subplots(1, 2)
        left.set_title(title, pad=14)
        _lines(left, metrics, "loss", 1)
        _lines(right, metrics, "mean_token_accuracy", 100)
        if "full_valid_loss" in metrics:
            best = metrics.loc[metrics["full_valid_loss"].idxmin()]
            left.plot(
                best["step"],
                best["full_valid_loss"],
                marker="*",
                markersize=24,
                linestyle="none",
                color=VERMILION,
                markeredgecolor=BLACK,
                zorder=4,
                label=f"lowest: step {best['step']:.0f}",
            )
        for axes in (left, right):
            for number, step in enumerate(checkpoints):
                label = "checkpoint" if axes is left and not number else None
                axes.axvline(step, color=GREY, linestyle=":", linewidth=2, zorder=0, label=label)
            axes.set_xlabel("step")
            axes.tick_params(labelsize=SMALLEST_TEXT)
            axes.grid(axis="y", color="#dddddd")
        left.set_ylim(bottom=0)
        left.set_ylabel("loss (nats a token)")
        right.set_ylim(0, 104)
        right.set_ylabel("token accuracy (%)")
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _lines(axes: Axes, metrics: pd.DataFrame, measure: str, scale: float) -> None:
    drawn = (
        ("train", "training", BLUE, "-", ""),
        ("valid", "a few held-out rows", GREY, "--", "."),
        ("full_valid", "all held-out rows", VERMILION, "-", "s"),
    )
    for side, label, colour, line, marker in drawn:
        name = f"{side}_{measure}"
        if name in metrics:
            known = metrics[["step", name]].dropna()
            shape = marker or ("o" if len(known) <= _FEW else "")
            axes.plot(
                known["step"], scale * known[name], line, color=colour, marker=shape, label=label
            )
