"""Learning curves, with the verdict's step marked where it was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib.diagnostics.curves import Verdict
from course_lib.diagnostics.log import Curve, read_log
from course_lib.plotting.style import BLACK, BLUE, GREEN, GREY, VERMILION, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MANY_POINTS = 60


def learning_curves(
    log: Iterable[Mapping[str, Any]] | str | Path,
    verdict: Verdict | None = None,
    *,
    events: Mapping[int, str] | None = None,
    title: str = "Learning curves",
) -> Figure:
    """Training and held-out loss against the step.

    Args:
        log: `trainer.state.log_history`, or a file as `diagnose` reads it.
        verdict: from `diagnose`; its best step and the step since which it holds are marked.
        events: steps to mark with a word, such as `{40: "killed and resumed"}`.
        title: heading of the figure.

    Returns:
        The figure.

    Raises:
        CourseError: the log is missing, broken, or holds no loss.

    Example:
        >>> log = [{"step": 1, "loss": 2.0}, {"step": 1, "eval_loss": 2.1}]
        >>> learning_curves(log).axes[0].get_xlabel()
        'optimiser step'
    """
    curves = read_log(log)
    heading = title if verdict is None else f"{title}: {verdict.verdict}"
    with canvas(heading) as (figure, axes):
        _draw(axes, curves.train, "training loss", BLUE, "o")
        _draw(axes, curves.validation, "held-out loss", VERMILION, "s")
        if verdict is not None:
            _mark_verdict(axes, verdict, curves.validation)
        for step, word in (events or {}).items():
            axes.axvline(step, color=GREY, linestyle=":", linewidth=2)
            axes.annotate(
                word,
                (step, 0.82),
                xycoords=axes.get_xaxis_transform(),
                xytext=(6, 0),
                textcoords="offset points",
                va="top",
                color=GREY,
            )
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("loss (nats a token)")
        axes.set_ylim(bottom=0)
        axes.grid(axis="y", color="#dddddd")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _draw(axes: Axes, curve: Curve, label: str, colour: str, marker: str) -> None:
    known = np.isfinite(curve.losses)
    if known.any():
        # Markers show where was measured; with many points they would hide the line.
        shape = marker if known.sum() <= _MANY_POINTS else ""
        axes.plot(curve.steps[known], curve.losses[known], color=colour, marker=shape, label=label)


def _mark_verdict(axes: Axes, verdict: Verdict, validation: Curve) -> None:
    if verdict.best_step is not None:
        lowest = float(np.nanmin(validation.losses))
        axes.plot(
            verdict.best_step,
            lowest,
            marker="*",
            markersize=24,
            linestyle="none",
            color=GREEN,
            markeredgecolor=BLACK,
            zorder=4,
            label=f"best step: {verdict.best_step}",
        )
    if verdict.since_step is not None:
        end = axes.get_xlim()[1]
        axes.axvline(verdict.since_step, color=BLACK, linestyle="--", linewidth=2)
        axes.axvspan(verdict.since_step, end, color=GREY, alpha=0.12, linewidth=0)
        axes.set_xlim(right=end)
        # To the left of the line in the right half, so that the words stay inside the figure.
        left, right = axes.get_xlim()
        on_the_left = verdict.since_step > (left + right) / 2
        axes.annotate(
            f"{verdict.verdict}\nsince step {verdict.since_step}",
            (verdict.since_step, 0.98),
            xycoords=axes.get_xaxis_transform(),
            xytext=(-8 if on_the_left else 8, 0),
            textcoords="offset points",
            ha="right" if on_the_left else "left",
            va="top",
            fontweight="bold",
        )
