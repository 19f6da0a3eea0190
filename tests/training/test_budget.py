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
    """Lets steps, evaluations and checkpoints take their time, in seconds."""

    def __init__(self, clock: Clock, step: int = 60, evaluation: int = 0, save: int = 0) -> None:
        self.clock, self.step, self.evaluation, self.save = clock, step, evaluation, save

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self.clock.now += self.step

    def on_evaluate(self, *_: Any, **__: Any) -> None:
        self.clock.now += self.evaluation

    def on_save(self, *_: Any, **__: Any) -> None:
        self.clock.now += self.save


def train(
    folder: Path, cpu: Runtime, rows: Dataset, out: Path, *callbacks: Any, **settings: Any
) -> Any:
    model, tokenizer = load_model(folder, cpu)
    config = sft_config(cpu, out, **{"max_steps": 8, **settings})
    held_out = rows.select(range(4)) if "eval_strategy" in settings else None
    trainer = sft_trainer(model, tokenizer, rows, held_out, config=config, callbacks=callbacks)
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
    message = capsys.readouterr().out
    assert "stopped at step 3 of 8" in message
    assert "--resume" in message
    assert max(len(line) for line in message.splitlines()) <= 80
    assert latest_checkpoint(out) == out / "checkpoint-3"

    second = train(model_folder, cpu, rows, out, Tick(clock), TimeBudget(hours=1))
    assert second.state.global_step == 8
    whole = train(model_folder, cpu, rows, tmp_path / "whole")
    pairs = zip(second.model.parameters(), whole.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_time_to_save_and_to_evaluate_is_kept_back(
    model_folder: Path,
    cpu: Runtime,
    rows: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each epoch takes two minutes of training, three of evaluation and two of saving."""
    clock = Clock()
    monkeypatch.setattr(budget_module, "time", clock)
    config = {"eval_strategy": "epoch", "save_strategy": "epoch"}  # of two steps each
    tick = Tick(clock, evaluation=180, save=120)
    budget = TimeBudget(hours=1000 / 3600)
    began = clock.now
    trainer = train(model_folder, cpu, rows, tmp_path, tick, budget, **config)
    # 480 s are over after step 3. The next one may take 360 s with what follows it, and its
    # checkpoint 300 s: too long. (Unless it is kept back, step 5 is saved 20 s too late.)
    assert trainer.state.global_step == budget.stopped_at == 3
    assert clock.now - began == 600


def test_a_broken_off_epoch_is_not_evaluated(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    """Else the run that goes on would count a look that a run never stopped does not take."""
    config = {"eval_strategy": "epoch", "save_strategy": "epoch"}
    trainer = train(model_folder, cpu, rows, tmp_path, TimeBudget(hours=1e-9), **config)
    assert trainer.state.global_step == 1
    assert latest_checkpoint(tmp_path) == tmp_path / "checkpoint-1"
    assert not any("eval_loss" in entry for entry in trainer.state.log_history)


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
