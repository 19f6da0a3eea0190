"""What preference training does: rewards and probabilities, and what becomes of the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib.errors import CourseError
from course_lib.plotting.style import (
    BLACK,
    BLUE,
    COLOURS,
    GREEN,
    MARKERS,
    SMALLEST_TEXT,
    VERMILION,
    canvas,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from course_lib.diagnostics.over_optimisation import Break


def preference_curves(
    log: Iterable[Mapping[str, Any]], *, title: str = "Chosen, rejected, and the margin between"
) -> Figure:
    """Log-probability of held-out chosen and rejected answers, and their reward margin.

    Args:
        log: `trainer.state.log_history` of a DPO run with `eval_strategy="steps"`.
        title: heading of the figure.

    Returns:
        The figure: log-probabilities of whole answers on the left axis, margin on the right one.

    Raises:
        CourseError: the log holds no held-out pairs.

    Example:
        >>> preference_curves(trainer.state.log_history)  # doctest: +SKIP
    """
    looks = _looks(log)
    steps = [look["step"] for look in looks]
    with canvas(title) as (figure, axes):
        for side, colour, marker in (("chosen", BLUE, "o"), ("rejected", VERMILION, "s")):
            values = [look[f"eval_logps/{side}"] for look in looks]
            axes.plot(steps, values, color=colour, marker=marker, label=f"logps/{side}")
        axes.set_xlabel("optimiser step")
        _whole_steps(axes)
        axes.set_ylabel("log-probability of an answer (nats)")
        other = axes.twinx()
        margins = [look["eval_rewards/margins"] for look in looks]
        other.plot(steps, margins, color=GREEN, marker="^", linestyle="--", label="rewards/margins")
        other.set_ylabel("reward margin", color=GREEN)
        other.set_ylim(bottom=min(0, *margins))
        other.tick_params(labelsize=SMALLEST_TEXT)
        other.spines["right"].set_visible(True)
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def reward_and_answers(
    log: Iterable[Mapping[str, Any]],
    looks: Mapping[int, Sequence[bool]],
    found: Break,
    *,
    title: str = "The reward rises, the answers break",
) -> Figure:
    """The training reward margin beside the share of held-out questions answered right.

    Args:
        log: `trainer.state.log_history` of a DPO run.
        looks: for each step whether each question was answered right.
        found: from `behaviour_break`; both of its steps are marked.
        title: heading of the figure.

    Returns:
        The figure: right answers on the left axis, margin on the right one.

    Raises:
        CourseError: the log holds no training margin.

    Example:
        >>> reward_and_answers(log, looks, behaviour_break(looks))  # doctest: +SKIP
    """
    trained = [entry for entry in log if "rewards/margins" in entry]
    if not trained:
        raise CourseError("the log holds no rewards/margins: it is not that of a DPO run.")
    with canvas(title) as (figure, axes):
        shares = [100 * float(np.mean(marks)) for marks in looks.values()]
        axes.plot(list(looks), shares, color=BLUE, marker="o", label="held-out answers right")
        axes.set_ylim(-5, 105)
        axes.set_xlabel("optimiser step")
        _whole_steps(axes)
        axes.set_ylabel("right answers (%)", color=BLUE)
        best = shares[list(looks).index(found.best)]
        axes.plot(found.best, best, marker="*", markersize=24, color=BLUE, markeredgecolor=BLACK)
        if found.broken is not None:
            axes.axvline(found.broken, color=BLACK, linestyle=":", label="surely worse since here")
        other = axes.twinx()
        steps = [entry["step"] for entry in trained]
        margins = [entry["rewards/margins"] for entry in trained]
        other.plot(steps, margins, color=GREEN, marker="^", linestyle="--", label="training margin")
        other.set_ylabel("reward margin", color=GREEN)
        other.tick_params(labelsize=SMALLEST_TEXT)
        other.spines["right"].set_visible(True)
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def over_beta(frame: pd.DataFrame, *, title: str = "What beta decides") -> Figure:
    """Shares against beta, the mean of the seeds as a line and each seed as a point.

    Args:
        frame: a column `beta`, and one column of shares (0 to 1) for each line; one row a run.
        title: heading of the figure.

    Returns:
        The figure, beta on a logarithmic axis.

    Raises:
        CourseError: there is no column `beta`.

    Example:
        >>> import pandas as pd
        >>> figure = over_beta(pd.DataFrame({"beta": [0.1, 1.0], "right answers": [0.8, 0.6]}))
    """
    if "beta" not in frame.columns:
        raise CourseError("the table has no column beta: give one row for each run.")
    means = frame.groupby("beta").mean()
    with canvas(title) as (figure, axes):
        for name, colour, marker in zip(means.columns, COLOURS, MARKERS, strict=False):
            axes.scatter(frame["beta"], 100 * frame[name], color=colour, alpha=0.4, marker=marker)
            axes.plot(means.index, 100 * means[name], color=colour, marker=marker, label=name)
        axes.set_xscale("log")
        axes.set_xticks(list(means.index), [f"{beta:g}" for beta in means.index])
        axes.minorticks_off()
        axes.set_ylim(-5, 105)
        axes.set_xlabel("beta")
        axes.set_ylabel("share (%)")
        figure.legend(loc="outside lower center", ncols=3)
    return figure


def _whole_steps(axes: Axes) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _looks(log: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    looks = [entry for entry in log if "eval_rewards/margins" in entry]
    if not looks:
        raise CourseError(
            "the log holds no held-out pairs: train with validation= and eval_strategy='steps'."
        )
    return looks
