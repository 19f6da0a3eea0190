"""Calibration: groups by confidence, and how far they are off."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.calibration import calibration, calibration_error


def test_a_calibrated_forecaster_is_hardly_off_and_a_boaster_is() -> None:
    rng = np.random.default_rng(0)
    sure = rng.random(20_000)
    right = rng.random(20_000) < sure
    assert calibration_error(calibration(sure, right)) < 0.02
    boast = calibration(np.ones(20_000), right)
    assert calibration_error(boast) == pytest.approx(0.5, abs=0.02)


def test_no_answer_is_lost_and_certainty_has_a_group() -> None:
    groups = calibration([0.0, 0.2, 1.0, 1.0], [False, True, True, True])
    assert groups["rows"].tolist() == [1, 1, 2]
    assert groups["right"].tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("sure", "right", "told"),
    [([], [], "at least one"), ([0.5], [], "1 confidences"), ([-0.1], [True], "not logs")],
)
def test_what_cannot_be_grouped_is_told(sure: list[float], right: list[bool], told: str) -> None:
    with pytest.raises(CourseError, match=told):
        calibration(sure, right)
