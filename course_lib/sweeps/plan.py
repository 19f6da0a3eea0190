"""What the full sweep of lesson 08 runs: one knob at a time from the starting values, by seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from course_lib.sweeps.knobs import Knobs

START = Knobs()
SEEDS = tuple(range(5))
# Longer runs get fewer seeds: they take most of the time.
FEWER = SEEDS[:3]
# Half decades, and quarter decades where the best ones lie.
RATES = (2.5e-4, 8e-4, 2.5e-3, 4.5e-3, 8e-3, 1.4e-2, 2.5e-2, 7.5e-2)
SIZES = (10, 50, 100, 300, 1000)


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
        15
    """
    return [
        Planned(study, knobs, seed)
        for knobs, seed in STUDIES[study]
        if knobs != START or study == "start"
    ]


def _one(seeds: Sequence[int] = SEEDS, /, **values: Sequence[Any]) -> Iterator[tuple[Knobs, int]]:
    """Turn one knob through its values; more than one named are turned together."""
    for setting in zip(*values.values(), strict=True):
        for seed in seeds:
            yield replace(START, **dict(zip(values, setting, strict=True))), seed


def _variants() -> Iterator[tuple[Knobs, int]]:
    for method in ("dora", "rslora", "pissa", "neftune"):
        # The same scale as LoRA's start: 8 / √16 = 32 / 16.
        alpha = 8 if method == "rslora" else START.alpha
        for rate in (2.5e-3, 4.5e-3, 8e-3):
            yield from _one(method=[method], learning_rate=[rate], alpha=[alpha])


STUDIES: dict[str, list[tuple[Knobs, int]]] = {
    # As many as a search has trials: what the same compute buys without searching.
    "start": [(START, seed) for seed in range(20)],
    "learning rate": list(_one(learning_rate=RATES)),
    "full": list(_one(method=["full"] * len(RATES), learning_rate=[r / 10 for r in RATES])),
    "rank": list(_one(rank=(1, 4, 64), alpha=(2, 8, 128))),
    "alpha": list(_one(alpha=(8, 16, 64, 128))),
    "targets": list(_one(targets=("q", "q, v", "attention", "mlp"))),
    "batch": list(_one(batch=(2, 4, 16, 32, 80))),
    "epochs": [*_one(epochs=(1, 2, 10, 20)), *_one(FEWER, epochs=(50,))],
    "variants": list(_variants()),
    # Alpha stays while the rank grows. rsLoRA's alpha is such that both scale by 2 at rank 16.
    "fixed alpha": [
        *_one(FEWER, rank=(4, 64, 256)),
        *_one(FEWER, rank=(4, 64, 256), alpha=(8,) * 3, method=("rslora",) * 3),
        *_one(FEWER, rank=(256,), alpha=(512,)),
    ],
    "rows, same steps": list(
        _one(rows=SIZES, source=["threads"] * len(SIZES), steps=[100] * len(SIZES))
    ),
    "rows, same epochs": list(_one(FEWER, rows=SIZES, source=["threads"] * len(SIZES))),
}
