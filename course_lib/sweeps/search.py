"""Optuna's search over the same knobs at the same number of rows seen, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from course_lib.sweeps.knobs import TARGETS, Knobs
from course_lib.sweeps.plan import START, TRIALS

if TYPE_CHECKING:
    import optuna
    import pandas as pd

SEARCHES = (0, 1)
# The winners are trained again with seeds that no search has seen.
FRESH = range(100, 103)


def suggest(trial: optuna.Trial) -> Knobs:
    """Let a trial choose the knobs; epochs and rows stay, so that all trials cost about the same.

    Args:
        trial: Optuna's trial.

    Returns:
        The knobs it chose.

    Example:
        >>> study.optimize(lambda trial: train(suggest(trial)), n_trials=5)  # doctest: +SKIP
    """
    rank = trial.suggest_categorical("rank", [2, 4, 8, 16, 32, 64])
    ratio = trial.suggest_categorical("alpha_over_rank", [0.5, 1.0, 2.0, 4.0])
    return replace(
        START,
        learning_rate=trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
        rank=rank,
        alpha=max(1, round(ratio * rank)),
        targets=trial.suggest_categorical("targets", list(TARGETS)),
        batch=trial.suggest_categorical("batch", [2, 4, 8, 16, 32]),
    )


def search(
    score: Callable[[Knobs], Mapping[str, Any]], number: int, trials: int = TRIALS
) -> list[dict[str, Any]]:
    """Search with Optuna's TPE for the knobs with the lowest validation loss.

    Args:
        score: Trains with knobs and returns what `run` does.
        number: Seed of the sampler.
        trials: How many runs to make.

    Returns:
        What `score` returned for each trial, in order.

    Example:
        >>> search(lambda knobs: run(knobs, 0, runtime, folder="build"), 0)  # doctest: +SKIP
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found: list[dict[str, Any]] = []

    def objective(trial: optuna.Trial) -> float:
        found.append(dict(score(suggest(trial))))
        return float(found[-1]["validation_loss"])

    sampler = optuna.samplers.TPESampler(seed=number)
    optuna.create_study(direction="minimize", sampler=sampler).optimize(objective, n_trials=trials)
    return found


def as_study(trials: pd.DataFrame) -> optuna.Study:
    """Make an Optuna study of trials that were run before, for its plots and importances.

    Args:
        trials: Rows of the sweep's table.

    Returns:
        A study with a completed trial for each row.

    Example:
        >>> optuna.importance.get_param_importances(as_study(table))  # doctest: +SKIP
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    choices = optuna.distributions.CategoricalDistribution
    spaces: dict[str, Any] = {
        "learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
        "rank": choices([2, 4, 8, 16, 32, 64]),
        "alpha_over_rank": choices([0.5, 1.0, 2.0, 4.0]),
        "targets": choices(list(TARGETS)),
        "batch": choices([2, 4, 8, 16, 32]),
    }
    study = optuna.create_study(direction="minimize")
    for row in trials.to_dict("records"):
        values = {name: row[name] for name in spaces if name in row}
        values["alpha_over_rank"] = row["alpha"] / row["rank"]
        study.add_trial(
            optuna.trial.create_trial(
                params=values, distributions=spaces, value=row["validation_loss"]
            )
        )
    return study
