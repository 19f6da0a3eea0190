"""A run's loss beside its answers, and the held-out losses of several runs in one figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from course_lib.diagnostics.log import read_log
from course_lib.errors import CourseError
from course_lib.plotting.style import (
    BLACK,
    BLUE,
    COLOURS,
    GREY,
    MARKERS,
    SMALLEST_TEXT,
    VERMILION,
    canvas,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Log = Iterable[Mapping[str, Any]] | str | Path


def loss_and_answers(
    log: Log,
    answers: pd.DataFrame,
    *,
    counted: str = "right answers",
    title: str = "Do loss and answers turn together?",
) -> Figure:
    """Held-out loss and the share of right answers against the step, the best of each starred.

    Args:
        log: `trainer.state.log_history`, or a file as `diagnose` reads it.
        answers: columns step and right (a share between 0 and 1), measured during the same run.
        counted: what a right answer is called on the axis and in the legend.
        title: heading of the figure.

    Returns:
        The figure: loss on the left axis, answers on the right one.

    Raises:
        CourseError: the log holds no held-out loss, or a column of `answers` is missing.

    Example:
        >>> log = trainer.state.log_history  # doctest: +SKIP
        >>> loss_and_answers(log, pd.DataFrame(watch.seen))  # doctest: +SKIP
    """
    missing = {"step", "right"} - set(answers.columns)
    if missing:
        raise CourseError(f"the table of answers has no column {', '.join(sorted(missing))}.")
    held_out = read_log(log).validation
    if not len(held_out):
        raise CourseError("the log holds no held-out loss: train with eval_strategy='steps'.")
    steps, right = answers["step"].to_numpy(), 100 * answers["right"].to_numpy()
    with canvas(title) as (figure, axes):
        axes.plot(
            held_out.steps, held_out.losses, color=VERMILION, marker="s", label="held-out loss"
        )
        _star(axes, held_out.steps, held_out.losses, int(np.nanargmin(held_out.losses)), VERMILION)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("loss (nats a token)", color=VERMILION)
        other = axes.twinx()
        other.plot(steps, right, color=BLUE, marker="^", linestyle="--", label=counted)
        _star(other, steps, right, int(np.nanargmax(right)), BLUE)
        other.set_ylim(0, 105)
        other.set_ylabel(f"{counted} (%)", color=BLUE)
        other.tick_params(labelsize=SMALLEST_TEXT)
        other.spines["right"].set_visible(True)
        figure.legend(loc="outside lower center", ncols=2)
    return figure


def _star(axes: Axes, steps: Any, values: Any, place: int, colour: str) -> None:
    axes.plot(
        steps[place],
        values[place],
        marker="*",
        markersize=24,
        linestyle="none",
        color=colour,
        markeredgecolor=BLACK,
        zorder=4,
    )


def runs_compared(
    logs: Mapping[str, Log],
    *,
    baseline: str,
    loss: Literal["held-out", "training"] = "held-out",
    title: str = "Held-out loss, run by run",
) -> Figure:
    """One loss of several runs, or parts of runs, against the step, the baseline drawn in grey.

    Args:
        logs: `trainer.state.log_history` (or a file as `diagnose` reads it) by name of the run.
        baseline: the run that the others are compared with; one of the names.
        loss: which of the two; training loss, where held-out loss was measured too seldom.
        title: heading of the figure.

    Returns:
        The figure.

    Raises:
        CourseError: the baseline is not among the logs, or a log holds no loss.

    Example:
        >>> logs = {"no cure": first, "more data": second}  # doctest: +SKIP
        >>> runs_compared(logs, baseline="no cure")  # doctest: +SKIP
    """
    if baseline not in logs:
        raise CourseError(f"the baseline {baseline!r} is not among the runs: {', '.join(logs)}.")
    others = [name for name in logs if name != baseline]
    with canvas(title) as (figure, axes):
        for place, name in enumerate([baseline, *others]):
            log = read_log(logs[name])
            curve = log.train if loss == "training" else log.validation
            axes.plot(
                curve.steps,
                curve.losses,
                color=GREY if name == baseline else COLOURS[(place - 1) % len(COLOURS)],
                linestyle="--" if name == baseline else "-",
                marker=MARKERS[place % len(MARKERS)],
                label=name,
            )
        axes.set_ylim(bottom=0)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel(f"{loss} loss (nats a token)")
        axes.grid(axis="y", color="#dddddd")
        figure.legend(loc="outside lower center", ncols=3)
    return figure
