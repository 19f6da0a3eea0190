"""The search: against brute force, its reasons, and the objects that it hands back."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from peft import LoraConfig
from transformers import BitsAndBytesConfig
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.grpo_config import GRPOConfig
from trl.trainer.grpo_trainer import GRPOTrainer
from trl.trainer.sft_config import SFTConfig

from course_lib.__main__ import main
from course_lib.catalog import shape
from course_lib.cleaning.rule import chat
from course_lib.errors import CourseError
from course_lib.memory import card, estimate, plan, seconds_per_step
from course_lib.memory.sharding import _STATE_PARTS
from course_lib.memory.tables import costs, models_that_fit
from course_lib.runtime import Runtime
from course_lib.training import load_model, sft_config, sft_trainer

CONFIGS = {"sft": SFTConfig, "dpo": DPOConfig, "grpo": GRPOConfig}


def runtime(dtype: str = "float32") -> Runtime:
    cpu = dtype == "float32"
    return Runtime(
        platform="local",
        profile="pocket" if cpu else "t4",
        device="cpu" if cpu else "cuda",
        dtype=dtype,
        cores=1,
        ram_gib=8.0,
        gpu_name=None if cpu else "Tesla T4",
        gpu_capability=None if cpu else (7, 5),
        gpu_gib=None if cpu else 14.56,
        online=False,
    )


@pytest.mark.parametrize("trainer", ["sft", "dpo", "grpo"])
@pytest.mark.parametrize(
    ("model", "gpu"),
    [
        ("Qwen2.5-0.5B-Instruct", "t4"),
        ("Qwen2.5-1.5B-Instruct", "t4"),
        ("Qwen3-4B-Instruct-2507", "t4"),
        ("Qwen2.5-7B-Instruct", "t4"),
        ("Qwen3-8B", "a100-40"),
        ("Qwen3-0.6B", "3gb"),
    ],
)
def test_nothing_that_fits_is_faster(model: str, gpu: str, trainer: str) -> None:
    where, seq_len = card(gpu), 512
    found = plan(model, gpu, seq_len=seq_len, trainer=trainer)
    combinations = product(
        ("lora", "qlora"),
        (1, 2, 4, 8),
        (True, False),
        ("adamw_torch_fused", "adamw_8bit"),
        ("efficient", "math"),
    )
    possible = {}
    for method, batch, again, optimizer, attention in combinations:
        common: dict[str, Any] = {
            "method": method,
            "seq_len": seq_len,
            "batch": batch,
            "accumulation": 8 // batch,
            "checkpointing": again,
            "attention": attention,
            "trainer": trainer,
        }
        peak = estimate(shape(model), optimizer=optimizer, dtype=where.dtype, **common).peak_gib
        if peak <= where.gib:
            took = seconds_per_step(shape(model), where, **common)
            possible[method, batch, again, optimizer, attention] = took

    assert found.fits == bool(possible)
    if possible:
        assert found.seconds_per_step == pytest.approx(min(possible.values()))


@pytest.mark.parametrize("model", ["Qwen3-0.6B", "Qwen2.5-1.5B-Instruct", "Qwen2.5-7B-Instruct"])
@pytest.mark.parametrize("method", [None, "full", "lora", "qlora"])
def test_more_memory_is_never_slower(model: str, method: str | None) -> None:
    sizes = [replace(card("t4"), gib=gib) for gib in range(2, 81, 3)]
    plans = [plan(model, where, method, seq_len=1024) for where in sizes]
    took = [found.seconds_per_step for found in plans if found.fits]

    assert took, "80 GiB hold every one of these"
    assert all(later <= earlier * 1.00001 for earlier, later in pairwise(took))
    fits = [found.fits for found in plans]
    assert fits == sorted(fits)


def test_the_rows_of_an_update_are_the_same_in_every_trial() -> None:
    found = plan("Qwen2.5-1.5B-Instruct", "t4", rows_per_step=24)

    assert {t.setting.batch * t.setting.accumulation for t in found.trials} == {24}
    assert len({t.setting.batch for t in found.trials}) == 8


def test_what_is_given_stays() -> None:
    given: dict[str, Any] = {"batch": 4, "accumulation": 3, "checkpointing": True}
    found = plan("Qwen3-0.6B", "t4", "qlora", **given, optimizer="sgd", attention="math")

    assert found.settings["method"] == "qlora"
    assert found.settings["per_device_train_batch_size"] == 4
    assert found.settings["gradient_accumulation_steps"] == 3
    assert found.settings["gradient_checkpointing"] is True
    assert found.settings["optim"] == "sgd"
    assert found.settings["attn_implementation"] == "eager"
    assert "QLoRA is the wrong choice" in found.reasons["method"]


def test_rows_are_shortened_only_where_they_do_not_fit_and_never_silently() -> None:
    lengths = [300] * 97 + [20_000] * 3
    short = plan("Qwen2.5-7B-Instruct", "t4", lengths=lengths)
    roomy = plan("Qwen2.5-7B-Instruct", "a100-80", lengths=lengths)
    asked = plan("Qwen2.5-7B-Instruct", "t4", seq_len=200, lengths=lengths)

    assert roomy.settings["max_length"] == 20_000
    assert "no row is longer" in roomy.reasons["max_length"]
    assert short.settings["max_length"] == 300
    assert "3.0% of the rows are longer" in short.reasons["max_length"]
    assert short.steps == 3 * -(-97 // 8), "rows that are left out take no time"
    assert "100.0% of the rows are longer" in asked.reasons["max_length"]


def test_padding_makes_mixed_rows_dearer_than_equal_ones() -> None:
    equal = plan("Qwen3-0.6B", "t4", "lora", lengths=[550] * 100, batch=8)
    mixed = plan("Qwen3-0.6B", "t4", "lora", lengths=[100] * 50 + [1000] * 50, batch=8)

    assert mixed.seconds_per_step > 1.5 * equal.seconds_per_step


def test_steps_hours_and_the_share_of_a_week() -> None:
    found = plan("Qwen2.5-1.5B-Instruct", "t4", "lora", 1001, 512, epochs=2)

    assert found.steps == 2 * 126
    seconds = 252 * found.seconds_per_step
    assert found.seconds == pytest.approx(seconds)
    assert found.hours == pytest.approx(seconds / 3600)
    assert found.quota_share == pytest.approx(seconds / 3600 / 30)
    assert plan("Qwen3-0.6B", "a10g", rows=10).quota_share is None


def test_dpo_and_grpo_take_longer_than_sft() -> None:
    took = {
        trainer: plan("Qwen3-0.6B", "t4", "lora", 100, 512, trainer=trainer).hours or 0.0
        for trainer in CONFIGS
    }

    assert took["dpo"] > 2 * took["sft"]
    assert took["grpo"] > 8 * took["sft"], "eight answers to each prompt, and generated first"


def test_full_only_for_much_data() -> None:
    few, many = (plan("Qwen2.5-0.5B-Instruct", "t4", rows=rows) for rows in (1_000, 100_000))

    assert few.settings["method"] == "lora"
    assert many.settings["method"] == "full"
    assert plan("Qwen3-4B-Instruct-2507", "t4", rows=100_000).settings["method"] == "lora"


@pytest.mark.parametrize("trainer", ["sft", "dpo", "grpo"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("gpu", ["t4", "a100-80", "cpu"])
def test_every_value_that_is_not_the_default_has_its_reason(
    gpu: str, method: str, trainer: str, tmp_path: Path
) -> None:
    found = plan("Qwen3-0.6B", gpu, method, seq_len=256, trainer=trainer)
    config = found.training_config(tmp_path)
    bare = CONFIGS[trainer](str(tmp_path), use_cpu=True)
    derived = {"use_cpu", "output_dir", "mixed_precision", "distributed_state", "logging_dir"}
    derived |= {"generation_batch_size", "steps_per_generation", "activation_checkpointing"}

    assert type(config) is CONFIGS[trainer]
    for name, value in vars(config).items():
        if not name.startswith("_") and name not in derived and value != getattr(bare, name):
            assert found.reasons.get(name), name
    for name in found.settings:
        assert found.reasons.get(name), name
    assert (config.fp16, config.bf16) == (gpu == "t4", gpu == "a100-80")


def test_the_configs_are_the_libraries_own() -> None:
    found = plan("Qwen2.5-7B-Instruct", "t4")
    full = plan("Qwen2.5-0.5B-Instruct", "t4", "full")
    lora, bits = found.lora_config(), found.quantization_config()

    assert type(lora) is LoraConfig
    assert (lora.r, lora.lora_alpha, lora.target_modules) == (16, 32, "all-linear")
    assert type(bits) is BitsAndBytesConfig
    assert (bits.bnb_4bit_quant_type, str(bits.bnb_4bit_compute_dtype)) == ("nf4", "torch.float16")
    assert full.lora_config() is None
    assert full.quantization_config() is None


@pytest.mark.parametrize(("gpu", "dtype"), [("cpu", "float32"), ("t4", "float16")])
def test_what_is_not_searched_is_as_in_sft_config(gpu: str, dtype: str, tmp_path: Path) -> None:
    searched = {"per_device_train_batch_size", "gradient_accumulation_steps", "max_length"}
    searched |= {"gradient_checkpointing", "activation_checkpointing", "optim"}
    ours = sft_config(runtime(dtype), tmp_path)
    planned = plan("Qwen3-0.6B", gpu, "lora").training_config(tmp_path)

    for each in fields(ours):
        if each.name not in searched:
            assert getattr(planned, each.name) == getattr(ours, each.name), each.name


@pytest.mark.parametrize("method", ["lora", "qlora", "full"])
def test_a_plan_for_this_cpu_trains(method: str, tmp_path: Path) -> None:
    found = plan("pocket", "cpu", method, rows=8, seq_len=64, rows_per_step=4, epochs=1)
    model, tokenizer = load_model(
        "pocket", runtime(), quantization_config=found.quantization_config()
    )
    rows = [{"messages": chat(f"What is {n}?", f"It is {n}.")} for n in range(8)]
    config = found.training_config(tmp_path)
    assert isinstance(config, SFTConfig)
    trainer = sft_trainer(
        model, tokenizer, Dataset.from_list(rows), config=config, peft_config=found.lora_config()
    )
    result = trainer.train()

    assert result.global_step == found.steps == 2
    assert result.training_loss > 0


def test_plans_for_dpo_and_grpo_train_with_trl_alone(tmp_path: Path) -> None:
    prompts = [f"What is {n}?" for n in range(8)]
    pairs = [{"prompt": p, "chosen": " It is one.", "rejected": " No."} for p in prompts]
    trainers: dict[str, Any] = {"dpo": DPOTrainer, "grpo": GRPOTrainer}
    for trainer, Trainer in trainers.items():
        found = plan(
            "pocket",
            "cpu",
            "lora",
            rows=4 if trainer == "dpo" else 1,
            seq_len=48,
            rows_per_step=4,
            epochs=2,
            trainer=trainer,
            completion_len=8,
        )
        model, tokenizer = load_model("pocket", runtime())
        rewards = {"reward_funcs": lambda completions, **_: [float(len(c)) for c in completions]}
        made = Trainer(
            model=model,
            args=found.training_config(tmp_path / trainer),
            train_dataset=Dataset.from_list(pairs[:4] if trainer == "dpo" else pairs[:1]),
            processing_class=tokenizer,
            peft_config=found.lora_config(),
            **(rewards if trainer == "grpo" else {}),
        )

        assert made.train().global_step == found.steps == 2


def test_the_frontier_gets_lighter_as_it_gets_slower() -> None:
    found = plan("Qwen2.5-1.5B-Instruct", "t4")
    tried, frontier = found.tried(), found.frontier()

    assert len(tried) == len(found.trials)
    assert set(tried["method"]) == {"full", "lora", "qlora"}
    assert frontier["seconds_per_step"].is_monotonic_increasing
    assert frontier["peak_gib"].is_monotonic_decreasing
    assert tried["fits"].iloc[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seq_len": 0}, "seq_len is 0"),
        ({"rows": 0}, "rows is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"lengths": [5, 0]}, "shortest of lengths is 0"),
        ({"batch": 3, "rows_per_step": 8}, "does not divide the 8 rows"),
        ({"batch": 4, "accumulation": 2, "rows_per_step": 9}, "leave one of the three out"),
        ({"method": "dora"}, "No method 'dora'"),
        ({"trainer": "ppo"}, "No trainer 'ppo'"),
        ({"optimizer": "adam"}, "No optimiser 'adam'"),
        ({"trainer": "grpo", "batch": 1}, "answers an update"),
        ({"trainer": "grpo", "seq_len": 100, "completion_len": 200}, "completion_len is 200"),
    ],
)
def test_what_cannot_be_planned_is_one_clear_message(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(CourseError, match=said) as error:
        plan("Qwen3-0.6B", "t4", **asked)
    assert "\n" not in str(error.value)


def test_the_command_plans_rows_trainers_and_devices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--model", "Qwen3-0.6B", "--rows", "500", "--trainer", "dpo"]) == 0
    page = capsys.readouterr().out
    assert "the run" in page
    assert "learning_rate                1e-05" in page
    assert max(map(len, page.splitlines())) <= 104

    assert main(["plan", "--model", "Qwen3-8B", "--devices", "2", "--json"]) == 0
    several = json.loads(capsys.readouterr().out)
    assert several["strategy"] == "fsdp_full_shard"
    assert sum(several["parts"].values()) == pytest.approx(several["peak_gib"], abs=0.01)

    assert main(["plan", "--model", "Qwen3-8B", "--devices", "2", "--rows", "5"]) == 2
    assert "--devices plans one step" in capsys.readouterr().err


def test_sharding_knows_every_part_of_an_sft_step_that_is_state() -> None:
    for method in ("full", "lora", "qlora"):
        parts = set(estimate(shape("Qwen3-0.6B"), method=method, seq_len=64, batch=1).parts)
        assert parts - set(_STATE_PARTS) == {"activations", "logits", "context"}


def test_the_table_of_costs_is_that_of_the_plans() -> None:
    name = "Qwen2.5-7B-Instruct"
    table = costs([name], gpus=["t4", "3gb"], rows=500, seq_len=512)
    found = plan(name, "t4", "qlora", 500, 512)
    line = table.loc[(name, "qlora", "T4")]

    assert line["peak_gib"] == pytest.approx(found.peak_gib)
    assert line["hours"] == pytest.approx(found.hours)
    assert line["rows_a_session"] == int(500 * 12 / (found.hours or 1))
    assert line["dollars"] == pytest.approx(0.35 * (found.hours or 0))
    assert not table["fits"].drop([(name, "qlora", "T4")]).any()
    assert table["hours"].notna().sum() == 1, "what does not fit takes no hours"


def test_which_models_fit_in_3_gb() -> None:
    table = models_that_fit("3gb")

    assert len(table) > 10
    assert (table[["full", "lora", "qlora"]].min(axis=1) <= 2.8).equals(table["best"] != "none")
    for name, row in table[table["best"] != "none"].iterrows():
        length = int(row["longest_row"])
        assert plan(str(name), "3gb", "qlora", seq_len=length, batch=1).fits
        if length < shape(str(name)).context:
            assert not plan(str(name), "3gb", "qlora", seq_len=2 * length, batch=1).fits
