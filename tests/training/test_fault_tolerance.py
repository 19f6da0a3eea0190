"""What makes a run fault tolerant holds for every Trainer, and for the callbacks of any run."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from interrupted_run import run
from throwaway import COLOURS, conversation
from transformers import EarlyStoppingCallback, set_seed
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.sft_trainer import SFTTrainer

from course_lib.errors import CourseError, NotSaved
from course_lib.training import fault_tolerant, latest_checkpoint, load_model, sft_config
from course_lib.training import sft_trainer as build
from course_lib.training.checkpoints import numbered_checkpoints
from course_lib.training.disk import flush


def prefer(model_folder: Path, cpu: Any, out: Path) -> Any:
    """DPO of six steps: the right colour is preferred to the next one."""
    set_seed(1)
    model, tokenizer = load_model(model_folder, cpu)
    rows = []
    for number in range(8):
        question, right = conversation(number)
        wrong = {**right, "content": f"Box {number} is {COLOURS[(number + 1) % 8]}."}
        rows.append({"prompt": [question], "chosen": [right], "rejected": [wrong]})
    config = DPOConfig(
        str(out),
        use_cpu=True,
        bf16=False,
        seed=1,
        max_steps=6,
        save_steps=2,
        save_total_limit=2,
        per_device_train_batch_size=2,
        learning_rate=1e-3,
        report_to="none",
        disable_tqdm=True,
    )
    trainer: Any = fault_tolerant(DPOTrainer)(
        model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer
    )
    trainer.train(resume_from_checkpoint=latest_checkpoint(out))
    return trainer


def test_preference_training_resumes_too(model_folder: Path, cpu: Any, tmp_path: Path) -> None:
    whole = prefer(model_folder, cpu, tmp_path / "whole")
    assert issubclass(type(whole), DPOTrainer)
    assert type(whole).__name__ == "DPOTrainer"
    kept = sorted(path.name for path in (tmp_path / "whole").glob("checkpoint-*"))
    assert kept == ["checkpoint-4", "checkpoint-6"]
    # As if killed in the writing of the last checkpoint.
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    (tmp_path / "killed" / "unfinished").mkdir()
    (tmp_path / "killed" / "checkpoint-6").rename(tmp_path / "killed" / "unfinished" / "six")
    resumed = prefer(model_folder, cpu, tmp_path / "killed")
    pairs = zip(resumed.model.parameters(), whole.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_patience_goes_on_with_the_learners_own_object(model_folder: Path, tmp_path: Path) -> None:
    """A checkpoint of a run without early stopping, and one of a run with another patience."""
    settings = {"save_strategy": "epoch", "load_best_model_at_end": True}
    settings["metric_for_best_model"] = "eval_loss"
    run(str(model_folder), str(tmp_path), "steps", **settings, max_steps=4)
    strict, patient = (EarlyStoppingCallback(patience, 100.0) for patience in (1, 9))
    more = {**settings, "max_steps": 16}
    stopped = run(str(model_folder), str(tmp_path), "steps", callbacks=[strict], **more)
    assert stopped.state.global_step == 8
    assert strict.early_stopping_patience_counter == 1
    ended = run(str(model_folder), str(tmp_path), "steps", callbacks=[patient], **more)
    assert ended.state.global_step == 16
    assert patient.early_stopping_patience_counter == 3
    assert patient.early_stopping_patience == 9


# The highest loss is called best: that of the first evaluation.
FIRST_IS_BEST = {
    "max_steps": 8,
    "save_strategy": "epoch",
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_loss",
    "greater_is_better": True,
}


def test_one_checkpoint_and_the_best_are_kept_to_the_end(
    model_folder: Path, tmp_path: Path
) -> None:
    ended = run(str(model_folder), str(tmp_path), "steps", **FIRST_IS_BEST, save_total_limit=1)
    assert ended.state.best_global_step == 4
    assert [step for step, _ in numbered_checkpoints(tmp_path)] == [4, 8]
    assert ended.args.save_total_limit == 1


def test_the_best_is_found_where_the_run_was_moved(model_folder: Path, tmp_path: Path) -> None:
    """Killed after its last checkpoint, and resumed below another folder: a Drive, another site."""
    ended = run(str(model_folder), str(tmp_path / "here"), "steps", **FIRST_IS_BEST)
    (tmp_path / "here").rename(tmp_path / "there")
    moved = run(str(model_folder), str(tmp_path / "there"), "steps", **FIRST_IS_BEST)
    pairs = zip(moved.model.parameters(), ended.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_a_run_goes_on_where_an_old_checkpoint_cannot_be_deleted(
    model_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rename = Path.rename

    def as_on_windows(path: Path, target: Path) -> Path:
        if path.name == "checkpoint-2" and target.name.startswith("deleted"):
            raise PermissionError(13, "Another program has a file open")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", as_on_windows)
    ended = run(str(model_folder), str(tmp_path), "steps", max_steps=6, save_total_limit=1)
    assert ended.state.global_step == 6
    assert "could not be deleted: Another program has a file open" in capsys.readouterr().err
    assert {step for step, _ in numbered_checkpoints(tmp_path)} >= {2, 6}


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO])
def test_a_file_system_that_cannot_flush_is_no_failed_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    (tmp_path / "weights").touch()

    def refuse(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with (
        nullcontext()
        if number == errno.EINVAL
        else pytest.raises(OSError, match=os.strerror(number))
    ):
        flush(tmp_path)


def test_a_checkpoint_that_is_cut_short_is_not_gone_on_from(
    model_folder: Path, cpu: Any, rows: Any, tmp_path: Path
) -> None:
    (tmp_path / "checkpoint-2").mkdir()
    model, tokenizer = load_model(model_folder, cpu)
    trainer = build(model, tokenizer, rows, config=sft_config(cpu, tmp_path))
    with pytest.raises(CourseError, match="no whole checkpoint in"):
        trainer.train(resume_from_checkpoint=True)


def test_the_trainer_is_trls_own(model_folder: Path, cpu: Any, rows: Any, tmp_path: Path) -> None:
    model, tokenizer = load_model(model_folder, cpu)
    config = sft_config(cpu, tmp_path, per_device_train_batch_size=1)  # nothing to pad
    trainer = build(model, tokenizer, rows, config=config)
    assert isinstance(trainer, SFTTrainer)
    assert type(trainer).__name__ == "SFTTrainer"
    assert fault_tolerant(SFTTrainer) is type(trainer)


def test_a_folder_that_cannot_be_made_is_told_before_training(
    model_folder: Path, cpu: Any, rows: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    model, tokenizer = load_model(model_folder, cpu)
    config = sft_config(cpu, tmp_path / "run")
    config.output_dir = str(tmp_path / "file" / "run")
    with pytest.raises(NotSaved, match="checkpoints cannot be kept in"):
        build(model, tokenizer, rows, config=config)
