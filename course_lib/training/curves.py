"""The training log as a table: one row a step, training and validation loss side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def learning_curve(log_history: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Turn ``trainer.state.log_history`` into a table that can be read, drawn and saved as CSV.

    The trainer logs training and evaluation in entries of their own, mixed with summaries of the
    whole run; the entries of one step are brought together here and the summaries left out.

    Args:
        log_history: ``trainer.state.log_history``, or the list of that name in a checkpoint's
            ``trainer_state.json``.

    Returns:
        Columns ``step`` (int), ``epoch``, ``train_loss``, ``validation_loss``; one row for each
        logged step, in order, with NaN where a loss was not measured at that step.

    Example:
        >>> learning_curve([{"step": 5, "epoch": 1.0, "loss": 2.0},
        ...                 {"step": 5, "epoch": 1.0, "eval_loss": 2.5}])
           step  epoch  train_loss  validation_loss
        0     5    1.0         2.0              2.5
    """
    import pandas as pd

    by_step: dict[int, dict[str, float]] = {}
    for entry in log_history:
        losses = {
            column: float(entry[key])
            for key, column in (("loss", "train_loss"), ("eval_loss", "validation_loss"))
            if key in entry
        }
        if losses:
            row = by_step.setdefault(int(entry["step"]), {"epoch": float(entry.get("epoch", 0))})
            row.update(losses)
    columns = ["step", "epoch", "train_loss", "validation_loss"]
    rows = [{"step": step, **by_step[step]} for step in sorted(by_step)]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(columns[1:], "float64") | {"step": "int64"})
