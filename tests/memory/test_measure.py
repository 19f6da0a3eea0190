"""Measured memory of real blocks of code."""

from __future__ import annotations

import pytest

from course_lib.memory import measure


def test_a_block_of_memory_is_seen_and_counted() -> None:
    with measure() as used:
        block = bytearray(b"x") * 200_000_000
        del block

    assert used.added_mb == pytest.approx(200, abs=60)
    assert used.seconds > 0


def test_an_error_passes_and_leaves_the_measurement() -> None:
    with pytest.raises(KeyError), measure() as used:
        raise KeyError("x")

    assert used.peak_mb >= used.before_mb > 0


def test_memory_that_an_earlier_block_freed_counts_again() -> None:
    def pieces() -> list[bytearray]:
        # Small enough to come from the heap, which keeps what is freed.
        return [bytearray(b"x") * 50_000 for _ in range(2_000)]

    first = pieces()
    kept = bytearray(50_000)  # above them: the heap cannot shrink by itself
    del first
    with measure() as used:
        second = pieces()
        del second

    assert len(kept) == 50_000
    assert used.added_mb == pytest.approx(100, abs=30)
