"""Monitors keep the rate of false alarms that they state, and see what they are made to see."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.diagnostics.drift import (
    Monitor,
    calibrate,
    first_alarms,
    ks_distance,
    mean_discrepancy,
    share,
    stability_index,
    stream,
)
from course_lib.errors import CourseError

RNG = np.random.default_rng(0)
KNOWN, NEW, PER_DAY = 150, 50, 40
OURS, THEIRS = range(KNOWN), range(KNOWN, KNOWN + NEW)
TOPICS = np.array(["a", "b", "c"] * 50 + ["z"] * NEW)
SURE = np.concatenate([RNG.normal(0, 1, KNOWN), RNG.normal(2, 1, NEW)])
VECTORS = np.concatenate([RNG.normal(0, 1, (KNOWN, 6)), RNG.normal(1, 1, (NEW, 6))])
FAILED = np.concatenate([RNG.random(KNOWN) < 0.1, RNG.random(NEW) < 0.6])
FEATURES = {"topics": TOPICS, "sure": SURE, "text": VECTORS, "failed": FAILED}


@pytest.fixture(scope="module")
def monitors() -> dict[str, Monitor]:
    statistics = {
        "topics": stability_index(TOPICS[:KNOWN].tolist()),
        "sure": ks_distance(SURE[:KNOWN]),
        "text": mean_discrepancy(VECTORS[:KNOWN]),
        "failed": share(),
    }
    return {
        name: calibrate(statistic, FEATURES[name][:KNOWN], PER_DAY, 0.02)
        for name, statistic in statistics.items()
    }


def test_unchanged_days_raise_no_more_alarms_than_stated(monitors: dict[str, Monitor]) -> None:
    days = stream(OURS, THEIRS, [0.0] * 2000, PER_DAY, seed=1)
    for name, monitor in monitors.items():
        rate = np.mean([monitor.alarm(FEATURES[name][day]) for day in days])
        assert rate <= 0.03, name  # 0.02 stated; three standard errors on top


def test_questions_of_the_same_kind_that_are_not_in_the_pool_alarm_more_often() -> None:
    """Why real quiet weeks are better to calibrate on than the questions that were known."""
    rng = np.random.default_rng(3)
    pool, weeks = rng.normal(size=(KNOWN, 30)), rng.normal(size=(4000, 30))
    quiet = [rng.normal(size=(PER_DAY, 30)) for _ in range(1000)]
    statistic = mean_discrepancy(pool)
    rate = {}
    for name, rows in {"pool": pool, "weeks": weeks}.items():
        monitor = calibrate(statistic, rows, PER_DAY, 0.01)
        rate[name] = np.mean([monitor.alarm(day) for day in quiet])
    assert rate["pool"] > 0.025
    assert rate["weeks"] <= 0.02


def test_each_monitor_sees_a_shift_of_its_kind_within_days(monitors: dict[str, Monitor]) -> None:
    streams = [stream(OURS, THEIRS, [0.3] * 20, PER_DAY, seed=seed) for seed in range(10)]
    found = first_alarms(monitors, FEATURES, streams)
    assert found.shape == (10, 4)
    assert (found.median() <= 5).all()


def test_a_feature_that_does_not_change_raises_no_alarm(monitors: dict[str, Monitor]) -> None:
    blind = {"failed": np.concatenate([FAILED[:KNOWN], np.zeros(NEW, dtype=bool)])}
    days = stream(OURS, THEIRS, [0.9] * 20, PER_DAY)
    assert first_alarms({"failed": monitors["failed"]}, blind, [days]).isna().all(axis=None)


def test_a_topic_never_seen_before_counts_more_than_a_busy_day() -> None:
    index = stability_index(["a"] * 50 + ["b"] * 50)
    busy, strange = (np.array(["a"] * 28 + [other] * 12) for other in ("b", "z"))
    assert index(strange) > 2 * index(busy)


def test_the_mix_of_a_day_is_what_was_asked_for() -> None:
    quiet, mixed = stream(range(10), range(10, 15), [0.0, 0.5], per_day=1000)
    assert (quiet < 10).all()
    assert 400 < (mixed >= 10).sum() < 600
    assert mixed.max() < 15
    assert [a.tolist() for a in stream(range(10), range(10, 15), [0.5], 9)] == [
        a.tolist() for a in stream(range(10), range(10, 15), [0.5], 9)
    ]


def test_what_cannot_be_watched_is_refused(monitors: dict[str, Monitor]) -> None:
    with pytest.raises(CourseError, match="no features for topics"):
        first_alarms({"topics": monitors["topics"]}, {}, [])
    with pytest.raises(CourseError, match="between 0 and 1"):
        calibrate(share(), FAILED, PER_DAY, 1.5)
    with pytest.raises(CourseError, match="nothing to draw from"):
        stream([1, 2], [], [0.1], PER_DAY)
    assert len(stream([1, 2], [], [0.0], PER_DAY)) == 1
