"""Running out of memory is explained once, and the setting that is proposed fits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from throwaway import conversation
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer

from course_lib.catalog import ModelShape
from course_lib.memory import estimate
from course_lib.runtime import Runtime
from course_lib.training import load_model, lora_config
from course_lib.training.out_of_memory import batch_of, explain, is_out_of_memory

SCRIPT = Path(__file__).with_name("starved_run.py")


def starve(model_folder: Path, out: Path, rows_at_once: int, checkpointing: str) -> str | None:
    words = [model_folder, out, rows_at_once, checkpointing]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said: str | None = json.loads(done.stdout)
    return said


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process to such a limit")
def test_what_is_proposed_fits(model_folder: Path, tmp_path: Path) -> None:
    said = starve(model_folder, tmp_path, 8192, "off")
    assert said is not None
    assert "out of memory at step 1 in training, with 8,192 rows × 15 tokens at once" in said
    assert "lora, rank 8, checkpointing off" in said
    parts = dict(re.findall(r"^    (\w+) +([\d.]+) GiB$", said, re.MULTILINE))
    assert {"activations", "logits", "context"} <= set(parts)
    total = re.search(r"([\d.]+) GiB in all", said)
    assert total is not None
    assert sum(map(float, parts.values())) == pytest.approx(float(total[1]), abs=0.03)
    proposal = re.search(r"would fit: lora, (\d+) × 15 tokens, checkpointing (on|off)", said)
    assert proposal is not None
    assert 8 <= int(proposal[1]) < 8192
    assert starve(model_folder, tmp_path, int(proposal[1]), proposal[2]) is None


def test_other_errors_are_not_taken_for_it() -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError) as refused:
        torch.empty(10**16)
    assert is_out_of_memory(refused.value)


def preferring(model_folder: Path, cpu: Runtime, out: Path) -> DPOTrainer:
    model, tokenizer = load_model(model_folder, cpu)
    rows = []
    for number in range(8):
        question, right = conversation(number)
        wrong = {**right, "content": "Box."}
        rows.append({"prompt": [question], "chosen": [right], "rejected": [wrong]})
    config = DPOConfig(
        str(out),
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=4,
        gradient_checkpointing=False,
        report_to="none",
    )
    return DPOTrainer(
        model,
        args=config,
        train_dataset=Dataset.from_list(rows),
        processing_class=tokenizer,
        peft_config=lora_config(rank=8),
    )


def no_reward(completions: list[Any], **_: Any) -> list[float | None]:
    return [0.0] * len(completions)


def answering(model_folder: Path, cpu: Runtime, out: Path) -> GRPOTrainer:
    model, tokenizer = load_model(model_folder, cpu)
    config = GRPOConfig(
        str(out),
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=6,
        gradient_checkpointing=False,
        report_to="none",
    )
    return GRPOTrainer(
        model,
        reward_funcs=no_reward,
        args=config,
        train_dataset=Dataset.from_list([{"prompt": conversation(i)[:1]} for i in range(8)]),
        processing_class=tokenizer,
        peft_config=lora_config(rank=8),
    )


@pytest.mark.parametrize(
    ("build", "kind", "counted"), [(preferring, "dpo", "pairs"), (answering, "grpo", "answers")]
)
def test_each_trainer_is_explained_by_its_own_estimate(
    build: Any, kind: str, counted: str, model_folder: Path, cpu: Runtime, tmp_path: Path
) -> None:
    trainer: Any = build(model_folder, cpu, tmp_path)
    inputs = trainer._prepare_inputs(next(iter(trainer.get_train_dataloader())))
    batch = batch_of(inputs)
    assert batch is not None
    said = explain(trainer, MemoryError(), batch, (1.0, 0.001))
    assert f"with 4 {counted} × {batch.tokens} tokens at once" in said
    assert f"({kind.upper()}, lora, rank 8, checkpointing off)" in said
    expected = estimate(
        ModelShape.of(trainer.model.config),
        trainer=kind,
        method="lora",
        rank=8,
        seq_len=batch.tokens,
        batch=4,
        completion_len=batch.answer,
        checkpointing=False,
        dtype="float32",
    )
    total = re.search(r"([\d.]+) GiB in all", said)
    assert total is not None
    assert float(total[1]) == pytest.approx(expected.peak_gib, abs=0.01)
