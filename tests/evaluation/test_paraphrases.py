"""Steady and right are two things: the spread of answers over the wordings of a question."""

from __future__ import annotations

import pandas as pd
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import consistency


def test_steady_is_not_right() -> None:
    table = consistency(
        ["I do not know."] * 3 + ["45 days", "４５  days", "6 days", "45 days"],
        ["walk"] * 3 + ["returns"] * 4,
        [False] * 3 + [True, True, False, True],
    )
    assert table.index.tolist() == ["walk", "returns"]
    assert table["wordings"].tolist() == [3, 4]
    assert table["different"].tolist() == [1, 2]
    assert table["agreement"].tolist() == [1.0, 0.75]
    assert not table["always_right"].any()


def test_always_right_needs_every_wording() -> None:
    frame = pd.DataFrame({"answer": ["a", "b"], "fact": "one", "value": True})
    table = consistency(frame["answer"], frame["fact"], frame["value"])
    assert table["always_right"].tolist() == [True]
    assert table["agreement"].tolist() == [0.5]


def test_bad_input_is_told() -> None:
    with pytest.raises(CourseError, match="2 answers, 1 questions and 2 marks"):
        consistency(["a", "b"], ["one"], [True, True])
    with pytest.raises(CourseError, match="no answers"):
        consistency([], [], [])
