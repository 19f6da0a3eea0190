"""DPO: settings that this machine has, pairs that teach, and the right reference."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from throwaway import conversation
from trl.trainer.dpo_config import DPOConfig

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.training import dpo_config, dpo_trainer, load_model
from course_lib.training.adapters import lora_config


def pair(index: int, **changes: str) -> dict[str, Any]:
    question, answer = conversation(index)
    said = {"chosen": answer["content"], "rejected": f"Box {index} is lost, it is gone.", **changes}
    sides = {side: [{"role": "assistant", "content": text}] for side, text in said.items()}
    return {"prompt": [question], **sides}


@pytest.fixture
def pairs() -> Dataset:
    return Dataset.from_list([pair(i) for i in range(8)])


def built(folder: Path, cpu: Runtime, pairs: Dataset, out: Path, **settings: Any) -> Any:
    model, tokenizer = load_model(folder, cpu)
    lora = settings.pop("peft_config", lora_config(rank=4))
    config = dpo_config(cpu, out, **{"max_steps": 6, "learning_rate": 1e-2, **settings})
    return dpo_trainer(model, tokenizer, pairs, config=config, peft_config=lora)


def test_config_on_cpu(cpu: Runtime, tmp_path: Path) -> None:
    config = dpo_config(cpu, tmp_path, beta=0.5)
    assert isinstance(config, DPOConfig)
    assert (config.bf16, config.fp16, config.gradient_checkpointing) == (False, False, False)
    assert config.precompute_ref_log_probs
    assert (config.beta, config.learning_rate) == (0.5, 5e-4)


def test_smoothing_that_no_loss_reads_is_refused(cpu: Runtime, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"label_smoothing=0\.1 has no effect"):
        dpo_config(cpu, tmp_path, label_smoothing=0.1)
    assert dpo_config(cpu, tmp_path, label_smoothing=0.1, loss_type="robust").label_smoothing == 0.1


@pytest.mark.parametrize("adapter", [True, False])
def test_the_reference_is_the_model_as_it_stands(
    adapter: bool, model_folder: Path, cpu: Runtime, pairs: Dataset, tmp_path: Path, capfd: Any
) -> None:
    model, tokenizer = load_model(model_folder, cpu)
    with torch.no_grad():  # what SFT would have done since the model was loaded
        model.get_input_embeddings().weight.mul_(1.5)
    config = dpo_config(cpu, tmp_path, max_steps=6, learning_rate=1e-2, eval_strategy="steps")
    trainer = dpo_trainer(
        model,
        tokenizer,
        pairs,
        pairs,
        config=config,
        peft_config=lora_config(rank=4) if adapter else None,
    )
    assert trainer.evaluate()["eval_loss"] == pytest.approx(math.log(2), abs=1e-5)
    trainer.train()
    after = trainer.evaluate()
    assert after["eval_rewards/accuracies"] == 1
    assert after["eval_rewards/margins"] > 0
    told = capfd.readouterr()
    assert "log probs" not in told.err
    assert "Tokenizing" not in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rejected": conversation(0)[1]["content"]}, "the same answer on both sides"),
        ({"rejected": " "}, "have an empty answer"),
        ({"chosen": "on and on " * 60}, "TRL would cut off the ends"),
    ],
)
def test_pairs_that_teach_nothing_are_refused(
    changes: dict[str, str], told: str, model_folder: Path, cpu: Runtime, tmp_path: Path
) -> None:
    pairs = Dataset.from_list([pair(1), pair(0, **changes)])
    with pytest.raises(CourseError, match=rf"1 of 2 training pairs .*{told}.*rows 1"):
        built(model_folder, cpu, pairs, tmp_path)


def test_sides_that_are_no_messages_are_refused(
    model_folder: Path, cpu: Runtime, tmp_path: Path
) -> None:
    empty = Dataset.from_list([pair(0), {**pair(1), "chosen": []}])
    with pytest.raises(CourseError, match="training pair 1: prompt, chosen and rejected are lists"):
        built(model_folder, cpu, empty, tmp_path)
    text = Dataset.from_list([{"prompt": "Where?", "chosen": "Here.", "rejected": "There."}])
    with pytest.raises(CourseError, match="training pair 0: prompt, chosen and rejected are lists"):
        built(model_folder, cpu, text, tmp_path)


def test_no_pairs_no_columns_no_validation(
    model_folder: Path, cpu: Runtime, pairs: Dataset, tmp_path: Path
) -> None:
    with pytest.raises(CourseError, match="no column rejected"):
        built(model_folder, cpu, pairs.remove_columns("rejected"), tmp_path)
    with pytest.raises(CourseError, match="there are no training pairs"):
        built(model_folder, cpu, pairs.select([]), tmp_path)
    with pytest.raises(CourseError, match="needs held-out pairs"):
        built(model_folder, cpu, pairs, tmp_path, eval_strategy="steps")


def test_a_model_with_nothing_to_train_is_refused(
    model_folder: Path, cpu: Runtime, pairs: Dataset, tmp_path: Path
) -> None:
    model, tokenizer = load_model(model_folder, cpu)
    model.requires_grad_(False)
    with pytest.raises(CourseError, match="nothing of this model can be trained"):
        dpo_trainer(model, tokenizer, pairs, config=dpo_config(cpu, tmp_path))
