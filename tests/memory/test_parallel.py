"""Plans for several devices: what is chosen, and the reasons."""

from __future__ import annotations

import pytest

from course_lib.errors import CourseError
from course_lib.memory import plan_parallel

MODEL = "Qwen3-8B"


def test_lora_on_8b_needs_both_t4s_and_says_what_the_link_costs() -> None:
    found = plan_parallel(MODEL, "t4", 2, method="lora")

    assert found.strategy == "fsdp_full_shard"
    assert found.fits
    assert "ddp would need" in found.reasons["strategy"]
    assert "PCIe" in found.reasons["speed"]
    assert "loss scaler" in found.reasons["dtype"]
    assert "one_card" not in found.reasons


def test_qlora_on_8b_gets_ddp_and_hears_that_one_card_would_do() -> None:
    found = plan_parallel(MODEL, "t4", 2, method="qlora")

    assert found.strategy == "ddp"
    assert "one card would do" in found.reasons["one_card"]
    assert found.efficiency_unhidden > 0.95


def test_full_fine_tuning_fits_no_two_t4s_but_eight_a100s() -> None:
    kaggle, machine = (
        plan_parallel(MODEL, gpu, devices, method="full")
        for gpu, devices in (("t4", 2), ("a100-80", 8))
    )

    assert not kaggle.fits
    assert "nothing fits" in kaggle.reasons["strategy"]
    assert machine.fits
    assert machine.strategy.startswith("fsdp")
    assert not machine.offload


def test_offload_is_the_last_resort_and_counts_the_host() -> None:
    found = plan_parallel(MODEL, "a10g", 4, method="full")

    assert found.offload
    # Sixteen bytes of each parameter, all in one machine.
    assert found.host_gib == pytest.approx(16 * 8_190_735_360 / 2**30, rel=1e-3)


def test_efficiency_falls_with_the_number_of_cards() -> None:
    plans = [plan_parallel(MODEL, "h100", count, method="full") for count in (8, 64, 1024)]
    shares = [found.efficiency_unhidden for found in plans]

    assert shares == sorted(shares, reverse=True)
    assert all(found.efficiency >= found.efficiency_unhidden for found in plans)
    assert [found.machines for found in plans] == [1, 8, 128]


def test_rows_a_step_grow_with_the_cards() -> None:
    found = plan_parallel(MODEL, "h100", 8, method="full", batch=2, accumulation=4)

    assert found.rows_per_step == 64


def test_a_strategy_that_was_asked_for_is_planned_even_if_it_does_not_fit() -> None:
    found = plan_parallel(MODEL, "t4", 2, method="lora", strategy="zero2")

    assert found.strategy == "zero2"
    assert not found.fits
    assert "stays whole" in found.reasons["frozen"]


def test_sharded_qlora_says_how_to_store_its_weights() -> None:
    found = plan_parallel(MODEL, "t4", 2, method="qlora", strategy="fsdp_full_shard")

    assert "bnb_4bit_quant_storage=torch.float16" in found.reasons["quantisation"]


def test_accumulation_under_fsdp_says_that_gradients_must_be_cut_each_time() -> None:
    once, often = (
        plan_parallel(MODEL, "h100", 8, method="full", accumulation=steps) for steps in (1, 4)
    )

    assert "accumulation" not in once.reasons
    assert "sync_each_batch" in often.reasons["accumulation"]


def test_what_loading_takes_of_the_host_is_said() -> None:
    two, eight = (
        plan_parallel(MODEL, gpu, devices, method="lora", strategy="fsdp_full_shard")
        for gpu, devices in (("t4", 2), ("a100-80", 8))
    )

    assert "2 x 15.3 of about 30 GiB in each machine. That is too much" in two.reasons["loading"]
    assert eight.reasons["loading"].endswith("8 x 15.3 of about 1360 GiB in each machine")
    assert "loading" not in plan_parallel(MODEL, "t4", 2, method="qlora").reasons


def test_zero_3_with_qlora_is_refused_with_the_way_out() -> None:
    with pytest.raises(CourseError, match="fsdp_full_shard"):
        plan_parallel(MODEL, "t4", 2, method="qlora", strategy="zero3")
