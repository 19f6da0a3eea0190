"""Reinforcement learning: reward against truth along a run, and what more tries buy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import COLOURS, GREY, MARKERS, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from course_lib.evaluation.comparison import Share


def rewards_over_steps(
    curve: pd.DataFrame,
    columns: Mapping[str, str],
    *,
    window: int = 5,
    title: str = "Reward over the run",
) -> Figure:
    """Columns of a GRPO log against the step: each step a dot, their running mean a line.

    Args:
        curve: what `training.grpo.reward_curve` returned; the columns are shares between 0 and 1.
        columns: which to draw, and how each is called in the figure.
        window: steps in the running mean. A step sees few prompts, so single steps jump.
        title: heading of the figure.

    Returns:
        The figure.

    Raises:
        CourseError: the log has no such column.

    Example:
        >>> import pandas as pd
        >>> log = pd.DataFrame({"step": [1, 2], "reward": [0.2, 0.4]})
        >>> figure = rewards_over_steps(log, {"reward": "reward"})
    """
    missing = [column for column in columns if column not in curve]
    if missing:
        raise CourseError(f"the log has no column {missing[0]!r}; it has {list(curve.columns)}")
    with canvas(title) as (figure, axes):
        for place, (column, name) in enumerate(columns.items()):
            colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
            values = 100 * curve[column]
            axes.scatter(curve["step"], values, color=colour, marker=marker, alpha=0.3, s=40)
            mean = values.rolling(window, min_periods=1).mean()
            axes.plot(curve["step"], mean, color=colour, label=name)
            axes.plot(
                curve["step"].iloc[-1:], mean.iloc[-1:], color=colour, marker=marker, markersize=11
            )
        axes.set_ylim(-4, 104)
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("share (%)")
        axes.grid(color="#dddddd")
        figure.legend(loc="outside lower center", ncols=len(columns))
    return figure


def pass_curves(
    curves: Mapping[str, Mapping[int, Share]],
    *,
    guessing: Mapping[int, float] | None = None,
    title: str = "What more tries buy",
) -> Figure:
    """pass@k against k, each model with its 95% interval.

    Args:
        curves: by model, pass@k as a share with its interval, by k.
        guessing: pass@k of somebody who guesses, drawn as a line.
        title: heading of the figure.

    Returns:
        The figure, k on a logarithmic axis.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> from course_lib.evaluation import Share
        >>> figure = pass_curves({"base": {1: Share(0.4, 0.3, 0.5), 8: Share(0.6, 0.5, 0.7)}})
    """
    if not curves:
        raise CourseError("there is nothing to draw: pass pass@k of at least one model.")
    tries = sorted({k for curve in curves.values() for k in curve})
    with canvas(title) as (figure, axes):
        for place, (name, curve) in enumerate(curves.items()):
            colour = COLOURS[place % len(COLOURS)]
            # Side by side, so that intervals at the same k can be told apart.
            at = [k * 1.03 ** (place - (len(curves) - 1) / 2) for k in curve]
            shares = [100 * share.share for share in curve.values()]
            ends = [
                [100 * (share.share - share.low) for share in curve.values()],
                [100 * (share.high - share.share) for share in curve.values()],
            ]
            marker = MARKERS[place % len(MARKERS)]
            axes.errorbar(at, shares, yerr=ends, color=colour, marker=marker, capsize=4, label=name)
        if guessing:
            shares = [100 * share for share in guessing.values()]
            axes.plot(list(guessing), shares, color=GREY, linestyle="--", label="guessing a name")
        axes.set_xscale("log", base=2)
        axes.set_xticks(tries, [str(k) for k in tries])
        axes.minorticks_off()
        axes.set_ylim(0, 104)
        axes.set_xlabel("tries (k)")
        axes.set_ylabel("solved by one of them (%)")
        axes.grid(color="#dddddd")
        figure.legend(loc="outside lower center", ncols=3)
    return figure
