"""Batches of like lengths, and a trainer that adds nothing to TRL's own step."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from throwaway import conversation
from torch.utils._python_dispatch import TorchDispatchMode
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from course_lib.runtime import Runtime
from course_lib.training import load_model, lora_config, sft_config, sft_trainer
from course_lib.training.length_grouping import LengthGroupedOrder

# Short and long rows in turn: the worst order for padding.
LENGTHS = [10 + 90 * (i % 2) + i % 50 for i in range(400)]


def widths(order: LengthGroupedOrder) -> list[int]:
    rows = list(order)
    return [max(LENGTHS[i] for i in rows[start : start + 8]) for start in range(0, len(rows), 8)]


def test_every_row_once_an_epoch_and_little_padding() -> None:
    order = LengthGroupedOrder(LENGTHS, batch_size=8, seed=0)
    assert sorted(order) == list(range(400))
    in_turn = [max(LENGTHS[start : start + 8]) for start in range(0, 400, 8)]
    assert 8 * sum(in_turn) > 1.6 * sum(LENGTHS)
    assert 8 * sum(widths(order)) < 1.15 * sum(LENGTHS)
    assert widths(order)[0] == max(LENGTHS)  # what does not fit fails at the first step
    assert widths(order) != sorted(widths(order), reverse=True)


def test_the_order_hangs_on_seed_and_epoch_alone() -> None:
    order = LengthGroupedOrder(LENGTHS, batch_size=8, seed=0)
    first = list(order)
    torch.manual_seed(7)
    assert list(order) == first
    order.set_epoch(1)
    assert list(order) != first
    assert list(LengthGroupedOrder(LENGTHS, batch_size=8, seed=1)) != first


def test_a_last_batch_that_is_not_full_stays_last() -> None:
    for rows in (1, 7, 8, 9, 63):
        order = list(LengthGroupedOrder(LENGTHS[:rows], batch_size=8, seed=0))
        assert sorted(order) == list(range(rows))


def varied(rows: int = 18) -> Dataset:
    # The answers grow, so that lengths differ.
    grown = [conversation(i) for i in range(rows)]
    for i, messages in enumerate(grown):
        messages[-1]["content"] += " and so on" * (i % 6)
    return Dataset.from_list([{"messages": messages} for messages in grown])


def run(folder: Path, runtime: Runtime, out: Path, resume: Path | None = None) -> dict[str, Any]:
    torch.manual_seed(0)
    model, tokenizer = load_model(folder, runtime)
    config = sft_config(
        runtime,
        out,
        max_steps=8,
        per_device_train_batch_size=4,
        save_strategy="steps",
        save_steps=3,
        save_total_limit=None,
        train_sampling_strategy="group_by_length",
    )
    trainer = sft_trainer(model, tokenizer, varied(), config=config, peft_config=lora_config(4))
    trainer.train(resume_from_checkpoint=str(resume) if resume else None)
    return {k: v.detach().clone() for k, v in trainer.model.state_dict().items()}


def test_a_run_goes_on_in_the_middle_of_an_epoch(
    cpu: Runtime, model_folder: Path, tmp_path: Path
) -> None:
    """With the sampler of transformers the resumed run sees other rows and ends elsewhere."""
    whole = run(model_folder, cpu, tmp_path / "whole")
    for step in (3, 6):  # an epoch has five steps: both are inside one
        resumed = run(
            model_folder, cpu, tmp_path / f"{step}", tmp_path / f"whole/checkpoint-{step}"
        )
        assert all(torch.equal(whole[name], resumed[name]) for name in whole)


class Operations(TorchDispatchMode):
    """Counts what PyTorch is asked to do."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        self.counts[str(func)] += 1
        return func(*args, **(kwargs or {}))


def operations(trainer: SFTTrainer) -> Counter[str]:
    with Operations() as seen:
        trainer.train()
    return seen.counts


def test_the_trainer_adds_no_work_to_a_step(
    cpu: Runtime, model_folder: Path, tmp_path: Path
) -> None:
    """Beside a trainer written by hand with the same settings: the same operations, one by one.

    Rows come one at a time: of several at once ours computes no padding (test_padding_free).
    """
    same: dict[str, Any] = {"max_steps": 5, "seed": 0, "per_device_train_batch_size": 1}
    model, tokenizer = load_model(model_folder, cpu)
    config = sft_config(cpu, tmp_path / "ours", **same)
    ours = sft_trainer(model, tokenizer, varied(), config=config, peft_config=lora_config(4))
    model, tokenizer = load_model(model_folder, cpu)
    by_hand = SFTTrainer(
        model=model,
        args=SFTConfig(
            str(tmp_path / "hand"),
            use_cpu=True,
            bf16=False,
            assistant_only_loss=True,
            gradient_checkpointing=False,
            learning_rate=1e-3,
            lr_scheduler_type="cosine",
            warmup_steps=0.05,
            logging_steps=5,
            save_strategy="no",
            dataloader_pin_memory=False,
            report_to="none",
            **same,
        ),
        train_dataset=varied(),
        processing_class=tokenizer,
        peft_config=lora_config(4),
    )
    counted = operations(ours)
    assert counted["aten.mm.default"] > 5
    assert counted == operations(by_hand)
