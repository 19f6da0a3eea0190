"""Memory per device: the ZeRO paper's table, and pieces counted by torch's own FSDP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.distributed._tools.fsdp2_mem_tracker import FSDPMemTracker
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.testing._internal.distributed.fake_pg import FakeStore
from transformers import AutoModelForCausalLM

from course_lib.catalog import ModelShape, shape
from course_lib.errors import CourseError
from course_lib.memory.estimate import estimate
from course_lib.memory.sharding import (
    OFFLOADING,
    STRATEGIES,
    base_weights,
    memory_per_device,
    model_states,
)

SETTINGS: dict[str, Any] = {"method": "full", "seq_len": 1024, "batch": 1}
DEVICES = 8


@pytest.fixture
def mesh() -> Iterator[DeviceMesh]:
    """Eight ranks that are not there: collectives of this group do nothing."""
    torch.distributed.init_process_group("fake", rank=0, world_size=DEVICES, store=FakeStore())
    yield init_device_mesh("cpu", (DEVICES,))
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("strategy", "gigabytes"), [("ddp", 120), ("zero1", 31.4), ("zero2", 16.6), ("zero3", 1.9)]
)
def test_states_are_those_of_the_zero_paper(strategy: str, gigabytes: float) -> None:
    # 7.5B parameters on 64 devices: figure 1 of arXiv 1910.02054.
    states = model_states(strategy, trainable=7.5e9, frozen=0, devices=64)

    assert sum(states.values()) / 1e9 == pytest.approx(gigabytes, abs=0.05)


@pytest.mark.parametrize("name", ["Qwen3-8B", "Qwen2.5-0.5B-Instruct", "TinyLlama-1.1B-Chat-v1.0"])
def test_pieces_are_those_that_fully_shard_cuts(mesh: DeviceMesh, name: str) -> None:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(shape(name).config(), dtype=torch.float32)
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    fully_shard(model, mesh=mesh)
    counted = sum(parameter.to_local().nbytes for parameter in model.parameters())

    states = model_states(
        "fsdp_full_shard", trainable=shape(name).parameters, frozen=0, devices=DEVICES
    )

    # Rows of a matrix are dealt out whole, so the first rank may hold a row more than its share.
    assert counted == pytest.approx(states["weights"], rel=1e-3)


@pytest.mark.parametrize("strategy", ["fsdp_full_shard", "fsdp_shard_grad_op"])
def test_gathered_is_what_torchs_tracker_counts(mesh: DeviceMesh, strategy: str) -> None:
    small = replace(shape("TinyLlama-1.1B-Chat-v1.0"), layers=8)
    counted = tracked_step(small, mesh, reshard=strategy == "fsdp_full_shard")

    parts = memory_per_device(
        small, strategy, DEVICES, method="full", seq_len=256, batch=1, dtype="bfloat16"
    ).parts
    for_a_while = ("UNSHARDED_PARAM", "UNSHARDED_GRAD", "ALL_GATHER", "REDUCE_SCATTER")
    gathered = sum(counted.get(name, 0) for name in for_a_while)
    assert parts["weights"] == pytest.approx(counted["SHARDED_PARAM"], rel=1e-3)
    assert gathered <= 1.05 * parts["gathered"]
    assert parts["gathered"] <= 1.4 * gathered


def tracked_step(wanted: ModelShape, mesh: DeviceMesh, *, reshard: bool) -> dict[str, float]:
    """GiB by kind at the peak of a forward and backward pass, cut as Accelerate cuts a model."""
    policy = MixedPrecisionPolicy(param_dtype=torch.bfloat16, reduce_dtype=torch.bfloat16)
    settings: dict[str, Any] = {"mesh": mesh, "mp_policy": policy}
    with FakeTensorMode():
        model = AutoModelForCausalLM.from_config(wanted.config(), dtype=torch.float32)
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.train()
        for part in [*model.model.layers, model.model.embed_tokens]:
            fully_shard(part, reshard_after_forward=reshard, **settings)
        fully_shard([model.model.norm, model.lm_head], reshard_after_forward=False, **settings)
        fully_shard(model, **settings)
        tracker = FSDPMemTracker(model)
        ids = torch.empty(1, 256, dtype=torch.long)
        mask = torch.empty(1, 1, 256, 256, dtype=torch.bool)
        with tracker:
            output = model(input_ids=ids, position_ids=ids, attention_mask=mask, use_cache=False)
            output.logits.sum().backward()
    (found,) = tracker.get_tracker_snapshot("peak").values()
    return {str(getattr(kind, "name", kind)): size / 2**30 for kind, size in found.items()}


@pytest.mark.parametrize("strategy", ["zero3", "fsdp_shard_grad_op", "fsdp_full_shard"])
def test_the_heads_gradient_is_whole_however_many_devices_there_are(strategy: str) -> None:
    big = shape("Qwen3-8B")
    table = big.vocab * big.hidden / 2**30
    alone = estimate(big, **SETTINGS, dtype="bfloat16", trainable_dtype="bfloat16", accumulation=2)
    full, lora = (
        memory_per_device(big, strategy, 10**6, **SETTINGS | {"method": method}).parts
        for method in ("full", "lora")
    )

    # TRL's head sums it up in fp32, and hands it over in 16 bits while the sum is still there.
    assert alone.phase == "loss"
    assert full["gradients"] == pytest.approx(6 * table, rel=1e-3)
    assert lora["gradients"] == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("strategy", [name for name in STRATEGIES if name != "ddp"])
def test_more_devices_never_need_more_each(strategy: str) -> None:
    peaks = [
        memory_per_device(shape("Qwen3-8B"), strategy, devices, **SETTINGS).peak_gib
        for devices in (2, 8, 64, 1024)
    ]

    assert peaks == sorted(peaks, reverse=True)


def test_ddp_needs_more_than_one_device_does_by_its_buckets() -> None:
    alone = estimate(shape("Qwen3-8B"), **SETTINGS).peak_gib
    ddp = memory_per_device(shape("Qwen3-8B"), "ddp", 8, **SETTINGS)

    assert ddp.peak_gib - alone == pytest.approx(4 * shape("Qwen3-8B").parameters / 2**30)
    assert memory_per_device(shape("Qwen3-8B"), "ddp", 1, **SETTINGS).peak_gib == alone


def test_zero_1_and_2_leave_a_frozen_base_whole() -> None:
    settings = SETTINGS | {"method": "lora"}
    whole = 2 * shape("Qwen3-8B").parameters / 2**30
    for strategy in ("zero1", "zero2"):
        found = memory_per_device(shape("Qwen3-8B"), strategy, 64, **settings)
        assert found.parts["weights"] >= whole
    cut = memory_per_device(shape("Qwen3-8B"), "zero3", 64, **settings)
    assert cut.parts["weights"] < whole / 60


def test_4bit_weights_stored_in_bytes_are_not_cut() -> None:
    settings = SETTINGS | {"method": "qlora"}
    floating, in_bytes = (
        memory_per_device(
            shape("Qwen3-8B"), "fsdp_full_shard", 8, floating_storage=storage, **settings
        ).parts["weights"]
        for storage in (True, False)
    )
    packed = shape("Qwen3-8B").linear_parameters / 2 / 2**30

    assert in_bytes - floating == pytest.approx(packed * 7 / 8)


def test_scales_of_4bit_weights_stay_whole() -> None:
    base = base_weights(shape("Qwen3-8B"), method="qlora")

    assert base.whole / shape("Qwen3-8B").linear_parameters == pytest.approx(0.127 / 8, rel=1e-2)


@pytest.mark.parametrize("strategy", OFFLOADING)
def test_what_leaves_the_device_is_on_the_host(strategy: str) -> None:
    kept = memory_per_device(shape("Qwen3-8B"), strategy, 4, **SETTINGS)
    moved = memory_per_device(shape("Qwen3-8B"), strategy, 4, offload=True, **SETTINGS)

    assert moved.host_gib > 0
    assert moved.peak_gib + moved.host_gib == pytest.approx(kept.peak_gib)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(CourseError, match="No strategy 'zero4'"):
        model_states("zero4", trainable=1, frozen=0, devices=2)
    with pytest.raises(CourseError, match="devices is 0"):
        model_states("ddp", trainable=1, frozen=0, devices=0)
    with pytest.raises(CourseError, match="ddp cannot offload"):
        memory_per_device(shape("Qwen3-8B"), "ddp", 2, offload=True, **SETTINGS)
