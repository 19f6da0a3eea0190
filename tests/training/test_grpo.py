"""GRPO: settings that this machine has, rewards tried out first, a log that can be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from peft import LoraConfig
from throwaway import conversation

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.training import load_model
from course_lib.training.grpo import grpo_config, grpo_trainer, reward_curve

SMALL: dict[str, Any] = {
    "per_device_train_batch_size": 4,
    "num_generations": 2,
    "max_completion_length": 4,
}


def prompts(count: int = 4) -> Dataset:
    return Dataset.from_list(
        [{"prompt": conversation(i)[:1], "answer": f"Box {i}"} for i in range(count)]
    )


def length(completions: list[Any], **columns: Any) -> list[float]:
    return [float(len(completion[0]["content"])) for completion in completions]


def zero(completions: list[Any], answer: list[str], **columns: Any) -> list[float]:
    return [0.0 for _ in zip(completions, answer, strict=True)]


def trainer(folder: Path, runtime: Runtime, out: Path, rewards: Any, **settings: Any) -> Any:
    model, tokenizer = load_model(folder, runtime)
    rows = settings.pop("rows", prompts())
    peft_config = settings.pop("peft_config", LoraConfig(r=2, target_modules="all-linear"))
    config = grpo_config(runtime, out, **{"max_steps": 2, **SMALL, **settings})
    return grpo_trainer(model, tokenizer, rows, rewards, config=config, peft_config=peft_config)


def test_config_on_cpu(cpu: Runtime, tmp_path: Path) -> None:
    config = grpo_config(cpu, tmp_path)
    assert not config.bf16
    assert not config.fp16
    assert (config.generation_batch_size, config.num_generations) == (64, 8)
    assert config.beta > 0
    assert config.learning_rate > 1e-6
    assert config.report_to == []


def test_overrides_win(cpu: Runtime, tmp_path: Path) -> None:
    config = grpo_config(cpu, tmp_path, beta=0.0, loss_type="dr_grpo", num_generations=4)
    assert (config.beta, config.loss_type, config.num_generations) == (0.0, "dr_grpo", 4)


def test_fp16_needs_a_gpu(cpu: Runtime, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="fp16=True needs a GPU"):
        grpo_config(cpu, tmp_path, fp16=True)


def test_trains_the_adapter_and_logs(model_folder: Path, cpu: Runtime, tmp_path: Path) -> None:
    run = trainer(
        model_folder, cpu, tmp_path, [length, zero], reward_weights=[1.0, 0.0], learning_rate=1e-2
    )
    before = {n: p.detach().clone() for n, p in run.model.named_parameters() if p.requires_grad}
    run.train()
    moved = [not p.equal(before[n]) for n, p in run.model.named_parameters() if n in before]
    assert any(moved)
    assert all("lora_" in name for name in before)
    curve = reward_curve(run)
    assert list(curve["step"]) == [1, 2]
    assert (curve["zero"] == 0).all()
    assert {"flat_groups", "kl", "entropy", "cut"} <= set(curve.columns)


def test_a_flat_reward_is_seen_and_moves_little(
    model_folder: Path, cpu: Runtime, tmp_path: Path
) -> None:
    run = trainer(model_folder, cpu, tmp_path, zero, beta=0.0)
    before = {n: p.detach().clone() for n, p in run.model.named_parameters() if p.requires_grad}
    run.train()
    assert (reward_curve(run)["flat_groups"] == 1).all()
    assert "kl" not in reward_curve(run)
    assert all(p.equal(before[n]) for n, p in run.model.named_parameters() if n in before)


def broken(completions: list[Any], **columns: Any) -> list[float]:
    return [1 / len(completion[0]["content"]) for completion in completions]


def too_many(completions: list[Any], **columns: Any) -> list[float]:
    return [0.0, 1.0]


def wants_another_column(completions: list[Any], solution: list[str]) -> list[float]:
    return [0.0 for _ in solution]


@pytest.mark.parametrize(
    ("reward", "message"),
    [
        (broken, "broken fails on an empty answer to row 0 .ZeroDivisionError"),
        (too_many, "too_many returned 2 rewards for one answer"),
        (wants_another_column, "wants_another_column fails .*TypeError"),
    ],
)
def test_a_bad_reward_is_found_before_training(
    model_folder: Path, cpu: Runtime, tmp_path: Path, reward: Any, message: str
) -> None:
    with pytest.raises(CourseError, match=message):
        trainer(model_folder, cpu, tmp_path, reward)


def test_bad_prompts_are_refused(model_folder: Path, cpu: Runtime, tmp_path: Path) -> None:
    answered = Dataset.from_list([{"prompt": conversation(0)}] * 4)
    with pytest.raises(CourseError, match="row 0: a prompt ends with what"):
        trainer(model_folder, cpu, tmp_path, length, rows=answered)
    with pytest.raises(CourseError, match="needs a column `prompt`"):
        trainer(model_folder, cpu, tmp_path, length, rows=answered.rename_column("prompt", "text"))
    with pytest.raises(CourseError, match="1 prompts, but a step needs 2"):
        trainer(model_folder, cpu, tmp_path, length, rows=prompts(1))
    with pytest.raises(CourseError, match="more than the model's"):
        trainer(model_folder, cpu, tmp_path, length, max_completion_length=100_000)


def test_full_training_with_a_reference_is_warned_of(
    model_folder: Path, cpu: Runtime, tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match="reads the reference model from the folder"):
        trainer(model_folder, cpu, tmp_path, length, peft_config=None)
