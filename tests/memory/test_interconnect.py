"""What devices send each other, and how long it takes."""

from __future__ import annotations

import pytest

from course_lib.catalog import shape
from course_lib.errors import CourseError
from course_lib.memory.cards import card
from course_lib.memory.interconnect import (
    bytes_sent,
    dollars_an_hour,
    interconnect,
    machines_of,
    seconds_to_send,
)

MODEL = shape("Qwen3-8B")


def test_zero_3_sends_half_as_much_again_as_zero_2() -> None:
    # The ZeRO paper: stages 1 and 2 send what plain data parallelism does, stage 3 1.5 times that.
    one, two, three = (bytes_sent(MODEL, f"zero{stage}", 64, method="full") for stage in (1, 2, 3))

    assert one == two
    assert three == pytest.approx(1.5 * two)


def test_waiting_saves_sending_for_those_who_may_wait() -> None:
    def growth(strategy: str) -> float:
        once, often = (
            bytes_sent(MODEL, strategy, 8, method="full", accumulation=steps) for steps in (1, 8)
        )
        return often / once

    assert growth("ddp") == growth("zero1") == 1
    assert growth("zero2") == pytest.approx(4.5)
    assert growth("fsdp_full_shard") == pytest.approx(8)


def test_lora_sends_its_adapter_or_the_whole_base() -> None:
    ddp, sharded = (
        bytes_sent(MODEL, strategy, 2, method="lora") for strategy in ("ddp", "fsdp_full_shard")
    )

    assert ddp < 0.2e9
    assert sharded == pytest.approx(2 * 2 * MODEL.parameters / 2, rel=0.02)


def test_one_device_sends_nothing() -> None:
    assert bytes_sent(MODEL, "fsdp_full_shard", 1, method="full") == 0
    assert seconds_to_send(0, card("h100"), 1, collectives=100) == 0


def test_a_t4_has_no_nvlink_and_a_network_is_slower_than_a_link() -> None:
    sent = 1e10
    t4, a100, machines = (
        seconds_to_send(sent, card(name), devices, collectives=1)
        for name, devices in (("t4", 2), ("a100-80", 8), ("a100-80", 16))
    )

    assert "PCIe" in interconnect(card("t4")).name
    assert t4 > 30 * a100
    assert machines > a100


def test_machines_are_filled() -> None:
    assert [machines_of(card("h100"), devices) for devices in (1, 8, 9, 1024)] == [1, 1, 2, 128]


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(CourseError, match="its links are not known"):
        interconnect(card("cpu"))
    with pytest.raises(CourseError, match="no price"):
        dollars_an_hour(card("p100"))
