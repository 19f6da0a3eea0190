"""What makes a run fault tolerant holds for every Trainer, and for the callbacks of any run."""

from __future__ import annotations

import shutil
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

from course_lib.errors import CourseError
from course_lib.training import fault_tolerant, latest_checkpoint, load_model, sft_config
from course_lib.training import sft_trainer as build


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


def test_the_trainer_is_trls_own(model_folder: Path, cpu: Any, rows: Any, tmp_path: Path) -> None:
    model, tokenizer = load_model(model_folder, cpu)
    trainer = build(model, tokenizer, rows, config=sft_config(cpu, tmp_path))
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
    with pytest.raises(CourseError, match="checkpoints cannot be kept in"):
        build(model, tokenizer, rows, config=config)
