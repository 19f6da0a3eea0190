"""What the full sweep of lesson 08 runs: one knob at a time from the starting values, by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from course_lib.sweeps.knobs import Knobs

START = Knobs()
SEEDS = (0, 1, 2)
# Where small differences are to be told from luck.
MORE_SEEDS = (0, 1, 2, 3)
# Half decades, and quarter decades where the best ones lie.
RATES = (2.5e-4, 8e-4, 2.5e-3, 4.5e-3, 8e-3, 1.4e-2, 2.5e-2, 7.5e-2)
FULL_RATES = (8e-5, 2.5e-4, 8e-4, 1.4e-3, 2.5e-3, 8e-3)
SIZES = (10, 50, 100, 300, 1000)
# Trials of one search, and runs of the starting values: what the same compute buys unsearched.
TRIALS = 12


class Planned(NamedTuple):
    """A run to be made."""

    study: str
    knobs: Knobs
    seed: int


def plan(study: str) -> list[Planned]:
    """The runs of one study.

    Args:
        study: A key of `STUDIES`.

    Returns:
        Its runs. The starting values themselves are in "start" alone.

    Example:
        >>> len(plan("rank"))
        9
    """
    return [
        Planned(study, knobs, seed)
        for knobs, seed in STUDIES[study]
        if knobs != START or study == "start"
    ]


def _one(seeds: Sequence[int] = SEEDS, /, **values: Sequence[Any]) -> Iterator[tuple[Knobs, int]]:
    """Turn one knob through its values; more than one named are turned together."""
    for seed in seeds:
        for setting in zip(*values.values(), strict=True):
            yield replace(START, **dict(zip(values, setting, strict=True))), seed


STUDIES: dict[str, list[tuple[Knobs, int]]] = {
    "start": [(START, seed) for seed in range(TRIALS)],
    "learning rate": [*_one(learning_rate=RATES), *_one(MORE_SEEDS[3:], learning_rate=(8e-3,))],
    "full": list(_one(method=["full"] * len(FULL_RATES), learning_rate=FULL_RATES)),
    # Alpha follows the rank, so that the scale of the update stays.
    "rank": list(_one(rank=(1, 4, 64), alpha=(2, 8, 128))),
    "alpha": list(_one(MORE_SEEDS, alpha=(8, 128))),
    "targets": list(_one(targets=("q", "q, v", "attention", "mlp"))),
    "batch": list(_one(batch=(4, 32, 80))),
    "epochs": list(_one(epochs=(1, 2, 10))),
    "variants": list(_one(MORE_SEEDS, method=("rslora", "pissa", "neftune", "dora"))),
    # And alpha left as it is: what does the rank do by itself?
    "fixed alpha": list(_one(rank=(1, 64))),
    # As many steps for every size, so that only the rows differ and not the training.
    "rows": list(_one(rows=SIZES, source=["threads"] * len(SIZES), steps=[50] * len(SIZES))),
}
