"""The tables that guides quote, computed: memory, hours, rows and cost by method and by card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from course_lib.catalog import catalog, shape
from course_lib.errors import CourseError
from course_lib.memory.cards import SESSION_HOURS, card
from course_lib.memory.estimate import METHODS
from course_lib.memory.interconnect import dollars_an_hour
from course_lib.memory.plan import plan
from course_lib.memory.resolve import resolve

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape

# 3 GB, a T4, 24 GB, 80 GB: what people have, are lent, and rent.
CARDS = ("3gb", "t4", "a10g", "a100-80")


def costs(
    models: Sequence[str | Path | ModelShape],
    *,
    gpus: Sequence[str] = CARDS,
    methods: Sequence[str] = METHODS,
    rows: int = 1000,
    seq_len: int = 1024,
    epochs: float = 3,
) -> pd.DataFrame:
    """What a run takes for each model, method and card: memory, hours, dollars, rows a session.

    Every line is a `plan` of its own: the fastest setting that fits, eight rows an update.

    Args:
        models: Names, folders or shapes.
        gpus: Names of cards.
        methods: ``full``, ``lora``, ``qlora``.
        rows: Rows of training data.
        seq_len: Tokens a row; every row counts as full.
        epochs: Passes over them.

    Returns:
        Indexed by model, method and card: peak_gib, fits, and where it fits hours, dollars (on
        demand, see `interconnect.PRICES_AS_OF`; none for a card that nobody rents out) and
        rows_a_session, how many rows 12 hours hold.

    Raises:
        CourseError: An unknown model, card or method, or a size below 1.

    Example:
        >>> table = costs(["Qwen2.5-7B-Instruct"], gpus=["t4"])
        >>> table.loc[("Qwen2.5-7B-Instruct", ["lora", "qlora"], "T4"), "fits"].tolist()
        [False, True]
    """
    lines = []
    for model in models:
        size = resolve(model)
        for method in methods:
            for gpu in gpus:
                found = plan(size, gpu, method, rows, seq_len, epochs=epochs)
                hours = found.hours if found.fits else None
                price = _price(gpu)
                lines.append(
                    {
                        "model": str(model).split("/")[-1],
                        "method": method,
                        "card": card(gpu).name,
                        "peak_gib": found.peak_gib,
                        "fits": found.fits,
                        "hours": hours,
                        "dollars": hours * price if hours and price else None,
                        "rows_a_session": int(rows * SESSION_HOURS / hours) if hours else None,
                    }
                )
    table = pd.DataFrame(lines).astype(
        {"hours": "Float64", "dollars": "Float64", "rows_a_session": "Int64"}
    )
    return table.set_index(["model", "method", "card"])


def models_that_fit(gpu: str = "3gb", *, seq_len: int = 512) -> pd.DataFrame:
    """Which models of the catalog a card can train, by which method, on how long rows.

    Args:
        gpu: The card's name.
        seq_len: Tokens a row for the three peaks.

    Returns:
        Indexed by model, the smallest first: parameters; for each method the GiB that it needs
        with one row at a time, with 8-bit AdamW where 32 bits leave no room; ``best``, the first of
        full, lora, qlora that fits; and longest_row, the tokens of the longest row that fits with
        the lightest method.

    Raises:
        CourseError: An unknown card, or a size below 1.

    Example:
        >>> table = models_that_fit("3gb")
        >>> str(table["best"].iloc[0]), str(table["best"].iloc[-1])
        ('lora', 'none')
    """
    lines = []
    for name in catalog().index.drop("pocket"):
        plans = {
            method: plan(shape(name), gpu, method, seq_len=seq_len, batch=1, checkpointing=True)
            for method in METHODS
        }
        fitting = [method for method, found in plans.items() if found.fits]
        lines.append(
            {
                "model": name.split("/")[-1],
                "parameters": shape(name).parameters,
                **{method: found.peak_gib for method, found in plans.items()},
                "best": fitting[0] if fitting else "none",
                "longest_row": _longest_row(shape(name), gpu, fitting[-1]) if fitting else 0,
            }
        )
    return pd.DataFrame(lines).set_index("model").sort_values("parameters")


def _longest_row(size: ModelShape, gpu: str, method: str) -> int:
    """In steps of doubling: what matters is whether it is 512 or 4,096."""
    length = 64
    while length < size.context:
        longer = min(2 * length, size.context)
        if not plan(size, gpu, method, seq_len=longer, batch=1, checkpointing=True).fits:
            break
        length = longer
    return length


def _price(gpu: str) -> float | None:
    try:
        return dollars_an_hour(card(gpu))
    except CourseError:
        return None
