"""The estimate against traces of real steps, and against formulas worked out by hand."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from course_lib.catalog import ModelShape, shape
from course_lib.errors import CourseError
from course_lib.memory import adapter_parameters, estimate
from course_lib.memory.estimate import GIB
from course_lib.memory.trace import trace_step

LLAMA_8B = ModelShape("llama", 32, 4096, 14336, 32, 8, 128, 128256, False, 131072, False)
POCKET = ModelShape("llama", 6, 256, 704, 8, 4, 32, 3072, True, 1024, False)
SMALL = shape("Qwen2.5-0.5B-Instruct")
# Every layer is the same; four of them are traced in a second.
SHALLOW = dataclasses.replace(SMALL, layers=4)


def test_trace_of_llama_8b_is_what_torch_was_seen_to_allocate() -> None:
    trace = trace_step(LLAMA_8B.config(), seq_len=1024, fused_head=False)

    assert trace.weights_gib == pytest.approx(15.11, abs=0.01)
    assert trace.peak_gib == pytest.approx(17.16, abs=0.01)
    found = estimate(LLAMA_8B, method="lora", seq_len=1024, batch=1, fused_head=False)
    assert found.allocated_gib == pytest.approx(trace.peak_gib, rel=0.02)


@pytest.mark.parametrize(
    ("method", "checkpointing"),
    [("lora", False), ("qlora", True), ("qlora", False), ("full", True), ("full", False)],
)
def test_estimate_agrees_with_the_trace_of_a_gpu_step(method: str, checkpointing: bool) -> None:
    step: dict[str, Any] = {
        "method": method,
        "seq_len": 512,
        "batch": 2,
        "checkpointing": checkpointing,
    }
    trace = trace_step(SHALLOW.config(), **step)
    found = estimate(SHALLOW, double_quant=False, **step)

    assert found.allocated_gib == pytest.approx(trace.peak_gib, rel=0.03)


def test_estimate_agrees_where_the_scores_are_held() -> None:
    step: dict[str, Any] = {"method": "lora", "seq_len": 1024, "batch": 1, "checkpointing": False}
    trace = trace_step(SHALLOW.config(), attention="math", **step)
    found = estimate(SHALLOW, attention="math", **step)

    assert found.allocated_gib == pytest.approx(trace.peak_gib, rel=0.05)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_estimate_agrees_with_the_trace_of_a_cpu_step(method: str) -> None:
    step: dict[str, Any] = {"method": method, "seq_len": 128, "batch": 16, "checkpointing": False}
    trace = trace_step(POCKET.config(), dtype="float32", **step)
    found = estimate(POCKET, dtype="float32", **step)

    assert found.allocated_gib == pytest.approx(trace.peak_gib, rel=0.05)


def test_parts_are_the_formulas() -> None:
    found = estimate(LLAMA_8B, method="qlora", seq_len=1024, batch=1)
    linear = LLAMA_8B.linear_parameters

    assert found.parts["weights_4bit"] * GIB == pytest.approx(linear * 4.127 / 8, rel=1e-3)
    assert found.parts["weights"] * GIB == 2 * (LLAMA_8B.parameters - linear)
    assert found.trainable == 41_943_040
    assert found.parts["optimizer"] * GIB == 8 * found.trainable
    assert found.peak_gib == pytest.approx(sum(found.parts.values()))


def test_8_bit_optimiser_and_bf16_adapters_need_less() -> None:
    step: dict[str, Any] = {"method": "qlora", "seq_len": 256, "batch": 1}
    usual = estimate(LLAMA_8B, **step)

    eight = estimate(LLAMA_8B, optimizer="adamw_8bit", **step)
    bf16 = estimate(LLAMA_8B, trainable_dtype="bfloat16", **step)
    assert eight.parts["optimizer"] == pytest.approx(usual.parts["optimizer"] / 4, rel=0.05)
    assert bf16.parts["adapters"] == usual.parts["adapters"] / 2


def test_gradients_wait_for_the_next_micro_batch_only_under_accumulation() -> None:
    step: dict[str, Any] = {"method": "full", "seq_len": 4096, "batch": 2, "checkpointing": False}
    once = estimate(SMALL, **step)
    twice = estimate(SMALL, accumulation=2, **step)

    # Those that wait, and the head's new one.
    assert twice.parts["gradients"] * GIB == 4 * (SMALL.parameters + SMALL.vocab * SMALL.hidden)
    assert twice.peak_gib > once.peak_gib


def test_activations_grow_with_batch_and_shrink_with_checkpointing() -> None:
    def activations(**changes: int | bool) -> float:
        step: dict[str, Any] = {
            "method": "lora",
            "seq_len": 512,
            "batch": 4,
            "checkpointing": False,
        } | changes
        return estimate(SMALL, **step).parts["activations"]

    assert activations(batch=8) == pytest.approx(2 * activations())
    assert activations(checkpointing=True) < activations() / 4


def test_adapters_count_what_peft_counts() -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    phi = dataclasses.replace(shape("Phi-3.5-mini-instruct"), layers=2)
    for known in (POCKET, SHALLOW, phi):
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(known.config())
            adapted = get_peft_model(model, LoraConfig(r=8, target_modules="all-linear"))
        assert (
            adapter_parameters(known, 8, "all-linear") == adapted.get_nb_trainable_parameters()[0]
        )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"method": "lorra"}, "lorra.*full, lora, qlora"),
        ({"optimizer": "adamm"}, "adamm"),
        ({"seq_len": 0}, "seq_len is 0"),
        ({"targets": ["c_attn"]}, "c_attn.*q_proj"),
    ],
)
def test_bad_settings_are_named(change: dict[str, Any], said: str) -> None:
    step: dict[str, Any] = {"method": "lora", "seq_len": 128, "batch": 1} | change
    with pytest.raises(CourseError, match=said):
        estimate(SMALL, **step)
