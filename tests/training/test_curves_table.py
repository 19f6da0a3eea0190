"""The log as a table."""

from __future__ import annotations

import math

from course_lib.training import learning_curve


def test_losses_of_one_step_share_a_row() -> None:
    table = learning_curve(
        [
            {"loss": 2.0, "step": 5, "epoch": 0.5, "learning_rate": 1e-3},
            {"eval_loss": 2.5, "step": 10, "epoch": 1.0},
            {"loss": 1.0, "step": 10, "epoch": 1.0},
            {"train_loss": 1.5, "train_runtime": 3.0, "step": 10, "epoch": 1.0},
        ]
    )
    assert list(table.columns) == ["step", "epoch", "train_loss", "validation_loss"]
    assert table["step"].tolist() == [5, 10]
    assert table["train_loss"].tolist() == [2.0, 1.0]
    assert math.isnan(table["validation_loss"][0])
    assert table["validation_loss"][1] == 2.5


def test_an_empty_log_is_an_empty_table() -> None:
    assert learning_curve([]).empty
