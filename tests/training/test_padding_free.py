"""Steps without padding: what TRL's own padded step learns, for less work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import PromptTuningConfig, TaskType
from throwaway import conversation, tiny_llama
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM, Qwen2Config, Qwen3Config
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from course_lib.runtime import Runtime
from course_lib.training import lora_config, sft_config, sft_trainer
from course_lib.training.padding_free import PaddingFreeTrainer, trains_without_padding


def varied(rows: int = 24) -> Dataset:
    # Some answers are long, most are not: much padding where a batch is padded.
    grown = [conversation(i) for i in range(rows)]
    for i, messages in enumerate(grown):
        messages[-1]["content"] += " and so on" * (4 * (i % 4 == 0))
    return Dataset.from_list([{"messages": messages} for messages in grown])


def model_of(family: str, tokenizer: Any, **more: Any) -> Any:
    torch.manual_seed(0)
    if family == "llama":
        return tiny_llama(tokenizer)
    kind = {"qwen2": Qwen2Config, "qwen3": Qwen3Config}[family]
    return AutoModelForCausalLM.from_config(
        kind(
            vocab_size=len(tokenizer),
            hidden_size=64,
            intermediate_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=32,
            max_position_embeddings=128,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
            **more,
        )
    )


def without(family: str, tokenizer: Any, cpu: Runtime, folder: Path, **more: Any) -> Any:
    config = sft_config(cpu, folder, max_steps=3, seed=0, **more)
    return sft_trainer(model_of(family, tokenizer), tokenizer, varied(), varied(12), config=config)


def padded(family: str, tokenizer: Any, folder: Path, **more: Any) -> Any:
    """The same trainer by hand."""
    return SFTTrainer(
        model=model_of(family, tokenizer),
        args=SFTConfig(
            str(folder),
            **{
                "use_cpu": True,
                "bf16": False,
                "assistant_only_loss": True,
                "gradient_checkpointing": False,
                "learning_rate": 1e-3,
                "lr_scheduler_type": "cosine",
                "warmup_steps": 0.05,
                "logging_steps": 1,
                "save_strategy": "no",
                "dataloader_pin_memory": False,
                "report_to": "none",
                "max_steps": 3,
                "seed": 0,
                **more,
            },
        ),
        train_dataset=varied(),
        eval_dataset=varied(12),
        processing_class=tokenizer,
    )


@pytest.mark.parametrize("family", ["llama", "qwen2", "qwen3"])
def test_the_gradients_are_those_of_padded_rows(
    family: str, tokenizer: Any, cpu: Runtime, tmp_path: Path
) -> None:
    found = []
    for trainer in (without(family, tokenizer, cpu, tmp_path), padded(family, tokenizer, tmp_path)):
        batch = next(iter(trainer.get_train_dataloader()))
        labels = (batch["labels"] != -100).sum()
        trainer.model.train()
        loss = trainer.compute_loss(trainer.model, batch, num_items_in_batch=labels)
        loss.backward()
        gradients = {n: p.grad for n, p in trainer.model.named_parameters()}
        found.append((loss.item(), gradients))
    (ours, our_gradients), (theirs, their_gradients) = found
    assert ours == pytest.approx(theirs, rel=1e-6)
    for name, gradient in their_gradients.items():
        assert gradient is not None
        torch.testing.assert_close(our_gradients[name], gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("passes", "settings"),
    [
        (1, {}),
        (2, {}),
        (2, {"assistant_only_loss": False}),
        (1, {"label_smoothing_factor": 0.1}),
        (1, {"loss_type": "dft"}),
    ],
    ids=str,
)
def test_a_run_logs_and_ends_as_with_padding(
    passes: int, settings: dict[str, Any], tokenizer: Any, cpu: Runtime, tmp_path: Path
) -> None:
    """With gradient accumulation too: the loss of a step counts the labels of all its passes."""
    more = {
        "per_device_train_batch_size": 8 // passes,
        "gradient_accumulation_steps": passes,
        "per_device_eval_batch_size": 5,
        **settings,
    }
    runs = [
        without("llama", tokenizer, cpu, tmp_path, logging_steps=1, **more),
        padded("llama", tokenizer, tmp_path, **more),
    ]
    for trainer in runs:
        trainer.train()
    ours, theirs = (
        [
            (entry["loss"], entry["grad_norm"], entry["mean_token_accuracy"], entry["entropy"])
            for entry in trainer.state.log_history
            if "loss" in entry
        ]
        for trainer in runs
    )
    assert len(ours) == 3
    for our_figures, their_figures in zip(ours, theirs, strict=True):
        assert our_figures == pytest.approx(their_figures, rel=1e-4)
    # 12 rows in batches of 5: the last one is smaller, and counts as often as it has rows.
    ours_held, theirs_held = (trainer.evaluate() for trainer in runs)
    for name in ("eval_loss", "eval_mean_token_accuracy"):
        assert ours_held[name] == pytest.approx(theirs_held[name], rel=1e-4)


def test_a_step_takes_less_work_than_by_hand(tokenizer: Any, cpu: Runtime, tmp_path: Path) -> None:
    operations = []
    for trainer in (
        without("llama", tokenizer, cpu, tmp_path),
        padded("llama", tokenizer, tmp_path),
    ):
        with FlopCounterMode(display=False) as counter:
            trainer.train()
        operations.append(counter.get_total_flops())
    assert operations[0] < 0.7 * operations[1]


def test_between_steps_the_model_answers_padded_rows(
    tokenizer: Any, cpu: Runtime, tmp_path: Path
) -> None:
    trainer = without("llama", tokenizer, cpu, tmp_path)
    assert isinstance(trainer, PaddingFreeTrainer)
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.compute_loss(trainer.model, dict(batch))
    assert trainer.model.config._attn_implementation == "sdpa"
    _, outputs = trainer.compute_loss(trainer.model, dict(batch), return_outputs=True)
    assert outputs.logits.shape[:2] == batch["input_ids"].shape
    batch["position_ids"] = "no tensor"
    with pytest.raises(TypeError):
        trainer.compute_loss(trainer.model, dict(batch))
    assert trainer.model.config._attn_implementation == "sdpa"
    assert not trainer.model.base_model._forward_hooks


@pytest.mark.parametrize("built_first", [False, True])
def test_checkpointing_by_the_model_itself_learns_the_same(
    built_first: bool, tokenizer: Any, cpu: Runtime, tmp_path: Path
) -> None:
    """Reentrant: it would compute the rows again as one row, and say nothing."""
    gradients = []
    for recomputed in (False, True):
        model = model_of("llama", tokenizer)
        config = sft_config(cpu, tmp_path, max_steps=1, seed=0, logging_steps=1)
        if recomputed and not built_first:
            model.gradient_checkpointing_enable({"use_reentrant": True})
        trainer = sft_trainer(model, tokenizer, varied(), config=config)
        if recomputed and built_first:
            model.gradient_checkpointing_enable({"use_reentrant": True})
        assert isinstance(trainer, PaddingFreeTrainer) == (built_first or not recomputed)
        trainer.train()
        gradients.append(trainer.state.log_history[0]["grad_norm"])
    assert gradients[1] == pytest.approx(gradients[0], rel=1e-4)


def test_where_rows_must_stay_apart_they_are_padded(
    tokenizer: Any, cpu: Runtime, tmp_path: Path
) -> None:
    sliding = model_of(
        "qwen2", tokenizer, use_sliding_window=True, sliding_window=8, max_window_layers=1
    )
    assert not trains_without_padding(sliding, None)
    llama = model_of("llama", tokenizer)
    assert trains_without_padding(llama, lora_config(4))
    prompt = PromptTuningConfig(task_type=TaskType.CAUSAL_LM, num_virtual_tokens=4)
    assert not trains_without_padding(llama, prompt)
    llama.set_attn_implementation("eager")
    assert not trains_without_padding(llama, None)
    for setting in (
        {"gradient_checkpointing": True},
        {"per_device_train_batch_size": 1},
        {"neftune_noise_alpha": 5.0},
    ):
        trainer = without("llama", tokenizer, cpu, tmp_path, **setting)
        assert not isinstance(trainer, PaddingFreeTrainer)
        assert "attention_mask" in next(iter(trainer.get_train_dataloader()))
