"""Three ways to spend the same number of runs, and what each of them chose.

Optuna's search turns all knobs at once; a screen turns the learning rate alone, each value with
three seeds; and the starting values are simply run again with other seeds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from course_lib.sweeps.knobs import TARGETS, Knobs
from course_lib.sweeps.plan import START, TRIALS
from course_lib.sweeps.table import knobs_of

if TYPE_CHECKING:
    import optuna
    import pandas as pd

# The contests, by the name of their study.
SEARCH, SCREEN = "search", "screen"
# The screen's rates and seeds: as many runs as the search has trials.
SCREENED, SCREEN_SEEDS = (8e-4, 2.5e-3, 8e-3, 2.5e-2), (0, 1, 2)
# The winners are trained again with seeds that have chosen nothing.
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
    score: Callable[[Knobs], Mapping[str, Any]], seed: int = 0, trials: int = TRIALS
) -> list[dict[str, Any]]:
    """Search with Optuna's TPE for the knobs with the lowest validation loss.

    Args:
        score: Trains with knobs and returns what `run` does.
        seed: Of the sampler.
        trials: How many runs to make.

    Returns:
        What `score` returned for each trial, in order.

    Example:
        >>> search(lambda knobs: run(knobs, 0, runtime, folder="build"))  # doctest: +SKIP
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found: list[dict[str, Any]] = []

    def objective(trial: optuna.Trial) -> float:
        found.append(dict(score(suggest(trial))))
        return float(found[-1]["validation_loss"])

    sampler = optuna.samplers.TPESampler(seed=seed)
    optuna.create_study(direction="minimize", sampler=sampler).optimize(objective, n_trials=trials)
    return found


def tried(table: pd.DataFrame, contest: str) -> pd.DataFrame:
    """The runs among which a contest chose.

    Args:
        table: The sweep's table.
        contest: `SEARCH` or `SCREEN`.

    Returns:
        As many rows as a search has trials.

    Example:
        >>> from course_lib.sweeps.table import read
        >>> len(tried(read(), SCREEN)) == len(tried(read(), SEARCH)) == TRIALS
        True
    """
    if contest == SEARCH:
        return table[table["study"] == SEARCH]
    rates = table["study"].isin(["start", "learning rate"])
    rates &= table["learning_rate"].isin(SCREENED) & table["seed"].isin(SCREEN_SEEDS)
    return table[rates]


def winner(runs: pd.DataFrame) -> Knobs:
    """The knobs with the lowest mean validation loss; the test has no say.

    Args:
        runs: Rows of the sweep's table.

    Returns:
        The knobs to go on with.

    Example:
        >>> from course_lib.sweeps.table import read
        >>> winner(tried(read(), SCREEN)).rank
        16
    """
    losses: dict[Knobs, list[float]] = {}
    for row in runs.to_dict("records"):
        losses.setdefault(knobs_of(row), []).append(row["validation_loss"])
    return min(losses, key=lambda knobs: sum(losses[knobs]) / len(losses[knobs]))


def as_study(trials: pd.DataFrame) -> optuna.Study:
    """Make an Optuna study of LoRA runs that were made before, for its plots and importances.

    Args:
        trials: Rows of the sweep's table that differ in the searched knobs alone.

    Returns:
        A study with a completed trial for each row; its value is the logarithm of the validation
        loss, so that one run that went astray does not make up all of the variance.

    Example:
        >>> optuna.importance.get_param_importances(as_study(table))  # doctest: +SKIP
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    spaces = {
        "learning_rate": optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True),
        "rank": optuna.distributions.IntDistribution(1, 64, log=True),
        "alpha": optuna.distributions.IntDistribution(1, 256, log=True),
        "targets": optuna.distributions.CategoricalDistribution(list(TARGETS)),
        "batch": optuna.distributions.IntDistribution(2, 80, log=True),
    }
    study = optuna.create_study(direction="minimize")
    for row in trials.to_dict("records"):
        values = {name: row[name] for name in spaces}
        study.add_trial(
            optuna.trial.create_trial(
                params=values, distributions=spaces, value=math.log(row["validation_loss"])
            )
        )
    return study
