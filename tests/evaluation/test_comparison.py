"""Intervals cover what they promise, and pairing is worth its name."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import detection_rate, paired_bootstrap, share_interval


def test_the_interval_of_a_share_covers_the_truth_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(0)
    for truth in (0.5, 0.9):
        covered = 0
        for _ in range(1000):
            _, low, high = share_interval(rng.random(60) < truth)
            covered += low <= truth <= high
        assert 0.93 <= covered / 1000 <= 0.97


def test_all_right_is_not_certainty() -> None:
    share, low, high = share_interval([True] * 20)
    assert share == high == 1.0
    assert 0.8 < low < 0.9


def test_a_share_lies_within_its_own_interval() -> None:
    # 200 of 200 once gave an upper end of 0.9999999999999999, which no error bar can draw.
    for rows in range(1, 400):
        for hits in ([True] * rows, [False] * rows):
            share, low, high = share_interval(hits)
            assert low <= share <= high


def test_the_interval_of_a_difference_covers_the_truth() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        hardness = rng.random(80)
        before = hardness < 0.5
        after = hardness < 0.7
        _, low, high = paired_bootstrap(before, after, seed, resamples=1000)
        covered += low <= 0.2 <= high
    assert 0.9 <= covered / 200 <= 0.99


def test_pairing_narrows_the_interval() -> None:
    rng = np.random.default_rng(2)
    before = rng.random(100) < 0.5
    after = before | (rng.random(100) < 0.1)
    paired = paired_bootstrap(before, after)
    shuffled = paired_bootstrap(before, rng.permutation(after))
    assert paired.high - paired.low < shuffled.high - shuffled.low
    assert paired.diff == pytest.approx(after.mean() - before.mean())


def test_the_same_seed_gives_the_same_interval() -> None:
    scores = [0, 1, 0, 1, 1, 0], [1, 1, 0, 1, 1, 1]
    assert paired_bootstrap(*scores, seed=3) == paired_bootstrap(*scores, seed=3)
    diff, low, high = paired_bootstrap(*scores)
    assert low <= diff <= high


def test_bad_input_is_told() -> None:
    with pytest.raises(CourseError, match="2 scores before but 1 after"):
        paired_bootstrap([1, 0], [1])
    with pytest.raises(CourseError, match="no scores to compare"):
        paired_bootstrap([], [])
    with pytest.raises(CourseError, match="no rows to score"):
        share_interval([])


def test_more_rows_find_a_difference_more_often() -> None:
    before, after = [0, 0, 0, 1] * 10, [0, 1, 0, 1] * 10
    rates = detection_rate(before, after, [4, 16, 256])
    assert rates[4] < rates[16] < rates[256] == 1.0


def test_a_loss_is_found_like_a_gain() -> None:
    before, after = [0, 0, 0, 1] * 10, [0, 1, 0, 1] * 10
    assert detection_rate(after, before, [128])[128] > 0.99


def test_where_nothing_differs_nothing_is_found() -> None:
    assert detection_rate([0, 1] * 8, [0, 1] * 8, [64]) == {64: 0.0}


def test_the_share_lies_within_its_interval_for_any_number_of_rows() -> None:
    for rows in range(1, 300):
        for hits in (0, rows):
            share, low, high = share_interval([True] * hits + [False] * (rows - hits))
            assert 0 <= low <= share <= high <= 1, rows
