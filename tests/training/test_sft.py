"""The trainer: settings that this machine has, float32 where it trains, the same run twice."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel
from throwaway import conversation, tiny_llama
from transformers import EarlyStoppingCallback

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.training import load_model, sft_config, sft_trainer
from course_lib.training.adapters import lora_config, merge, qlora_config
from course_lib.training.curves import learning_curve


def trained(folder: Path, runtime: Runtime, rows: Dataset, out: Path, **settings: Any) -> Any:
    model, tokenizer = load_model(folder, runtime)
    peft_config = settings.pop("peft_config", None)
    config = sft_config(runtime, out, **{"max_steps": 4, "learning_rate": 1e-2, **settings})
    trainer = sft_trainer(model, tokenizer, rows, config=config, peft_config=peft_config)
    trainer.train()
    return trainer


def weights(model: Any) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def logits(model: Any, tokenizer: Any) -> torch.Tensor:
    ids = tokenizer.apply_chat_template(
        conversation(3)[:1], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    model.eval()
    with torch.no_grad():
        found: torch.Tensor = model(**ids).logits
    return found


def test_config_on_cpu(cpu: Runtime, tmp_path: Path) -> None:
    config = sft_config(cpu, tmp_path)
    assert not config.bf16
    assert not config.fp16
    assert not config.gradient_checkpointing
    assert config.assistant_only_loss
    assert config.report_to == []
    assert config.device.type == "cpu"


def test_overrides_win(cpu: Runtime, tmp_path: Path) -> None:
    config = sft_config(cpu, tmp_path, num_train_epochs=7, gradient_checkpointing=True)
    assert config.num_train_epochs == 7
    assert config.gradient_checkpointing


def test_number_format_of_each_card(
    t4: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trl.trainer.sft_config as module

    asked: list[dict[str, Any]] = []

    class Recorder:
        n_gpu = 2

        def __init__(self, **settings: Any) -> None:
            asked.append(settings)

    # The real class refuses fp16 on this machine, which has no GPU: look at what it would be given.
    monkeypatch.setattr(module, "SFTConfig", Recorder)
    config: Any = sft_config(t4, tmp_path)
    assert (asked[-1]["fp16"], asked[-1]["bf16"]) == (True, False)
    assert asked[-1]["gradient_checkpointing"]
    assert config._n_gpu == 1  # Kaggle's second T4 would be wrapped in DataParallel
    ampere = dataclasses.replace(t4, dtype="bfloat16", gpu_capability=(8, 0))
    sft_config(ampere, tmp_path)
    assert (asked[-1]["fp16"], asked[-1]["bf16"]) == (False, True)
    sft_config(ampere, tmp_path, fp16=True)
    assert (asked[-1]["fp16"], asked[-1]["bf16"]) == (True, False)
    with pytest.raises(CourseError, match="Tesla T4 does not compute in bfloat16"):
        sft_config(t4, tmp_path, bf16=True)


def test_number_formats_a_cpu_lacks(
    cpu: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True})
    with pytest.raises(CourseError, match="this CPU does not compute in bfloat16"):
        sft_config(cpu, tmp_path, bf16=True)
    with pytest.raises(CourseError, match="needs a GPU"):
        sft_config(cpu, tmp_path, fp16=True)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert sft_config(cpu, tmp_path, bf16=True).bf16


def test_loss_falls_and_is_logged(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path, capsys: Any
) -> None:
    trainer = trained(model_folder, cpu, rows, tmp_path, max_steps=20, logging_steps=2)
    curve = learning_curve(trainer.state.log_history)
    assert curve["step"].tolist() == list(range(2, 21, 2))
    assert curve["train_loss"].iloc[-1] < curve["train_loss"].iloc[0] / 2
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.glob("checkpoint-*"))


@pytest.mark.parametrize("peft_config", [None, lora_config(rank=4, lora_dropout=0.1)])
def test_same_seed_same_weights(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path, peft_config: Any
) -> None:
    runs = [
        weights(
            trained(
                model_folder, cpu, rows, tmp_path, seed=s, peft_config=copy.deepcopy(peft_config)
            ).model
        )
        for s in (1, 1, 2)
    ]
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])
    assert not all(torch.equal(runs[0][name], runs[2][name]) for name in runs[0])


def test_every_linear_layer_is_adapted_when_none_is_named(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match="all-linear"):
        model = trained(model_folder, cpu, rows, tmp_path, peft_config=LoraConfig(r=2)).model
    adapted = {name.split(".")[-4] for name, _ in model.named_parameters() if "lora_A" in name}
    assert adapted == {
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    }


def test_whatever_trains_is_float32(
    model_folder: Path, t4: Runtime, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    """On a T4 step 1 dies on bf16 adapters (TRL's cast) and on fp16 weights."""
    half = dataclasses.replace(cpu, dtype="float16")
    model, tokenizer = load_model(model_folder, half)
    assert model.dtype == torch.float16
    config = sft_config(cpu, tmp_path)
    trainer = sft_trainer(model, tokenizer, rows, config=config)
    assert {p.dtype for p in trainer.model.parameters()} == {torch.float32}

    model, tokenizer = load_model(model_folder, cpu, quantization_config=qlora_config(cpu))
    trainer = sft_trainer(model, tokenizer, rows, config=config, peft_config=lora_config(rank=2))
    trainable = [p for p in trainer.model.parameters() if p.requires_grad]
    assert {p.dtype for p in trainable} == {torch.float32}


def test_qlora_settings_and_training_on_cpu(
    model_folder: Path, cpu: Runtime, t4: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    quantization = qlora_config(cpu)
    assert quantization.bnb_4bit_quant_type == "nf4"
    assert quantization.bnb_4bit_use_double_quant
    assert quantization.bnb_4bit_compute_dtype == torch.float32
    assert qlora_config(t4).bnb_4bit_compute_dtype == torch.float16
    model, tokenizer = load_model(model_folder, cpu, quantization_config=quantization)
    config = sft_config(cpu, tmp_path, max_steps=24, learning_rate=1e-2)
    trainer = sft_trainer(
        model, tokenizer, rows, rows, config=config, peft_config=lora_config(rank=8)
    )
    before = trainer.evaluate()["eval_loss"]
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < before - 0.5
    with pytest.raises(CourseError, match="4 bits"):
        merge(trainer.model)


def test_quantised_model_needs_an_adapter(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    model, tokenizer = load_model(model_folder, cpu, quantization_config=qlora_config(cpu))
    with pytest.raises(CourseError, match="cannot be trained as a whole"):
        sft_trainer(model, tokenizer, rows, config=sft_config(cpu, tmp_path))


def test_adapter_reloads_and_merges_to_the_same_answers(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    trainer = trained(
        model_folder, cpu, rows, tmp_path, peft_config=lora_config(rank=4), max_steps=10
    )
    trainer.save_model(str(tmp_path / "adapter"))
    reloaded, tokenizer = load_model(tmp_path / "adapter", cpu)
    plain, _ = load_model(model_folder, cpu)
    here = logits(trainer.model, tokenizer)
    assert torch.equal(logits(reloaded, tokenizer), here)
    assert not torch.allclose(logits(plain, tokenizer), here, atol=0.1)
    merged = merge(trainer.model)
    assert torch.allclose(logits(merged, tokenizer), here, atol=1e-4)
    merged.save_pretrained(tmp_path / "merged")
    tokenizer.save_pretrained(tmp_path / "merged")
    again, again_tokenizer = load_model(tmp_path / "merged", cpu)
    assert torch.equal(logits(again, again_tokenizer), logits(merged, tokenizer))
    assert again_tokenizer.chat_template == tokenizer.chat_template


def test_a_4_bit_adapter_merges_into_the_written_out_base_only(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    quantised, tokenizer = load_model(model_folder, cpu, quantization_config=qlora_config(cpu))
    config = sft_config(cpu, tmp_path, max_steps=10, learning_rate=1e-2)
    lora = lora_config(rank=4)
    trainer = sft_trainer(quantised, tokenizer, rows, config=config, peft_config=lora)
    trainer.train()
    here = logits(trainer.model, tokenizer)
    with pytest.raises(CourseError, match="dequantize"):
        merge(trainer.model)
    trainer.save_model(str(tmp_path / "adapter"))
    base, _ = load_model(model_folder, cpu, quantization_config=qlora_config(cpu))
    base.dequantize()
    written_out = merge(PeftModel.from_pretrained(base, str(tmp_path / "adapter")))
    assert torch.allclose(logits(written_out, tokenizer), here, atol=1e-4)
    full, _ = load_model(tmp_path / "adapter", cpu)
    assert not torch.allclose(logits(full, tokenizer), here, atol=1e-2)


def test_adapter_folder_without_weights_or_base(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    trainer = trained(model_folder, cpu, rows, tmp_path, peft_config=lora_config(rank=2))
    folder = tmp_path / "adapter"
    trainer.save_model(str(folder))
    settings = folder / "adapter_config.json"
    settings.write_text(settings.read_text().replace(str(model_folder), "./moved"))
    with pytest.raises(CourseError, match=r"is an adapter for \./moved: no model folder"):
        load_model(folder, cpu)
    (folder / "adapter_model.safetensors").unlink()
    with pytest.raises(CourseError, match="no weights"):
        load_model(folder, cpu)


def test_end_is_learnt_even_where_it_also_pads(
    cpu: Runtime, rows: Dataset, tokenizer: Any, tmp_path: Path
) -> None:
    clash = copy.deepcopy(tokenizer)
    clash.pad_token = clash.eos_token
    flat = sft_trainer(tiny_llama(clash), clash, rows, config=sft_config(cpu, tmp_path))
    batch = next(iter(flat.get_train_dataloader()))
    assert (batch["labels"] == clash.eos_token_id).sum() == len(batch["cu_seq_lens_q"]) - 1 == 8
    config = sft_config(cpu, tmp_path, train_sampling_strategy="group_by_length")
    padded = sft_trainer(tiny_llama(clash), clash, rows, config=config)
    batch = next(iter(padded.get_train_dataloader()))
    padding = batch["attention_mask"] == 0
    assert (batch["labels"][padding] == -100).all()
    assert ((batch["labels"] == clash.eos_token_id).sum(dim=1) == 1).all()


def test_rows_beyond_the_models_context_are_refused(
    cpu: Runtime, rows: Dataset, tokenizer: Any, tmp_path: Path
) -> None:
    short = tiny_llama(tokenizer, max_position_embeddings=8)
    with pytest.raises(CourseError, match="longer than 8 tokens"):
        sft_trainer(short, tokenizer, rows, config=sft_config(cpu, tmp_path, max_length=64))


def test_early_stopping_must_keep_the_best_model(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    model, tokenizer = load_model(model_folder, cpu)
    stop = EarlyStoppingCallback(early_stopping_patience=1)
    config = sft_config(cpu, tmp_path, eval_strategy="epoch")
    with pytest.raises(CourseError, match="load_best_model_at_end"):
        sft_trainer(model, tokenizer, rows, rows, config=config, callbacks=[stop])
    with pytest.raises(CourseError, match="needs validation rows"):
        sft_trainer(model, tokenizer, rows, config=config)


def test_early_stopping_stops_and_keeps_the_best(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path
) -> None:
    model, tokenizer = load_model(model_folder, cpu)
    other = Dataset.from_list(
        [
            {"messages": [conversation(i)[0], {"role": "assistant", "content": "Nobody knows."}]}
            for i in range(8)
        ]
    )
    config = sft_config(
        cpu,
        tmp_path,
        num_train_epochs=12,
        learning_rate=1e-2,
        eval_strategy="epoch",
        save_strategy="epoch",
        load_best_model_at_end=True,
        metric_for_best_model="eval_loss",
    )
    stop = EarlyStoppingCallback(early_stopping_patience=2)
    trainer = sft_trainer(model, tokenizer, rows, other, config=config, callbacks=[stop])
    trainer.train()
    curve = learning_curve(trainer.state.log_history).dropna(subset=["validation_loss"])
    assert trainer.state.epoch is not None
    assert trainer.state.epoch < 12
    best = curve["validation_loss"].min()
    assert trainer.evaluate()["eval_loss"] == pytest.approx(best, rel=1e-4)


def test_calls_nobody(
    model_folder: Path, cpu: Runtime, rows: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a training run opened a connection")

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    trainer = trained(
        model_folder,
        cpu,
        rows,
        tmp_path,
        save_strategy="steps",
        save_steps=4,
        peft_config=lora_config(rank=2),
    )
    from huggingface_hub import constants

    assert constants.HF_HUB_DISABLE_TELEMETRY
    assert (Path(trainer.args.output_dir) / "checkpoint-4").is_dir()
