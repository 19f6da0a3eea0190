"""A run stops in time, with everything saved, and goes on later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from transformers import TrainerCallback

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.training import TimeBudget, latest_checkpoint, load_model, sft_config, sft_trainer
from course_lib.training import budget as budget_module
from course_lib.training.budget import parse_hours


class Clock:
    """Stands in for the clock on the wall: each step takes a minute."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Tick(TrainerCallback):
    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.clock.now += 60


def train(folder: Path, cpu: Runtime, rows: Dataset, out: Path, *callbacks: Any) -> Any:
    model, tokenizer = load_model(folder, cpu)
    config = sft_config(cpu, out, max_steps=8)
    trainer = sft_trainer(model, tokenizer, rows, config=config, callbacks=callbacks)
    trainer.train(resume_from_checkpoint=latest_checkpoint(out))
    return trainer


def test_stops_before_the_budget_is_over_and_goes_on(
    model_folder: Path,
    cpu: Runtime,
    rows: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    monkeypatch.setattr(budget_module, "time", clock)
    out = tmp_path / "budgeted"
    budget = TimeBudget(hours=3.5 / 60)
    first = train(model_folder, cpu, rows, out, Tick(clock), budget)
    assert first.state.global_step == budget.stopped_at == 3
    message = capsys.readouterr().err
    assert "stopped at step 3 of 8" in message
    assert "--resume" in message
    assert latest_checkpoint(out) == out / "checkpoint-3"

    second = train(model_folder, cpu, rows, out, Tick(clock), TimeBudget(hours=1))
    assert second.state.global_step == 8
    whole = train(model_folder, cpu, rows, tmp_path / "whole")
    pairs = zip(second.model.parameters(), whole.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_a_budget_that_is_enough_changes_nothing(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    budget = TimeBudget(hours=1)
    trainer = train(model_folder, cpu, rows, tmp_path, budget)
    assert budget.stopped_at is None
    assert trainer.state.global_step == 8
    assert latest_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    ("text", "hours"), [("2h", 2), ("90m", 1.5), ("1h30m", 1.5), ("36s", 0.01), ("0.5 H", 0.5)]
)
def test_times_are_read(text: str, hours: float) -> None:
    assert parse_hours(text) == pytest.approx(hours)


@pytest.mark.parametrize("text", ["2", "", "soon", "0h", "-1h", "2h and more", "nan"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(CourseError, match="cannot read"):
        parse_hours(text)


@pytest.mark.parametrize("hours", [0, -1, float("nan")])
def test_budget_is_above_zero(hours: float) -> None:
    with pytest.raises(CourseError, match="above zero"):
        TimeBudget(hours)
