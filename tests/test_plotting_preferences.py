"""The figures of preference training show what their tables hold."""

from __future__ import annotations

import pandas as pd
import pytest

from course_lib.diagnostics import behaviour_break
from course_lib.errors import CourseError
from course_lib.plotting import over_beta, preference_curves, reward_and_answers

LOG = [
    {"step": 3, "rewards/margins": 0.1},
    {
        "step": 3,
        "eval_rewards/margins": 0.2,
        "eval_logps/chosen": -3.0,
        "eval_logps/rejected": -6.0,
    },
    {"step": 6, "rewards/margins": 0.4},
    {
        "step": 6,
        "eval_rewards/margins": 0.5,
        "eval_logps/chosen": -9.0,
        "eval_logps/rejected": -30.0,
    },
]
LOOKS = {0: [True] * 8, 3: [True] * 8, 6: [False] * 8}


def drawn(axes: object, label: str) -> list[float]:
    return next(
        list(line.get_ydata())
        for line in axes.get_lines()  # type: ignore[attr-defined]
        if line.get_label() == label
    )


def test_preference_curves() -> None:
    left, right = preference_curves(LOG).axes
    assert drawn(left, "logps/chosen") == [-3, -9]
    assert drawn(left, "logps/rejected") == [-6, -30]
    assert drawn(right, "rewards/margins") == [0.2, 0.5]
    with pytest.raises(CourseError, match="no held-out pairs"):
        preference_curves(LOG[:1])


def test_reward_and_answers_marks_the_break() -> None:
    left, right = reward_and_answers(LOG, LOOKS, behaviour_break(LOOKS)).axes
    assert drawn(left, "held-out answers right") == [100, 100, 0]
    assert drawn(left, "surely worse since here") == [0, 1]
    assert drawn(right, "training margin") == [0.1, 0.4]
    with pytest.raises(CourseError, match="not that of a DPO run"):
        reward_and_answers([], LOOKS, behaviour_break(LOOKS))


def test_over_beta_draws_the_mean_of_the_seeds() -> None:
    frame = pd.DataFrame({"beta": [0.1, 0.1, 1.0], "right": [0.4, 0.6, 1.0]})
    (axes,) = over_beta(frame).axes
    assert drawn(axes, "right") == [50, 100]
    with pytest.raises(CourseError, match="no column beta"):
        over_beta(frame[["right"]])
