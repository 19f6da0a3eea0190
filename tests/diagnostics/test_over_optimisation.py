"""The step at which held-out answers break."""

from __future__ import annotations

import pytest

from course_lib.diagnostics import behaviour_break
from course_lib.errors import CourseError

GOOD, HALF, BAD = [True] * 16, [True] * 8 + [False] * 8, [False] * 16


def test_names_the_best_and_the_broken_step() -> None:
    assert behaviour_break({0: BAD, 3: HALF, 6: GOOD, 9: HALF, 12: BAD}) == (6, 9)


def test_a_question_or_two_are_no_break() -> None:
    wobble = [*GOOD[:-1], False]
    assert behaviour_break({0: GOOD, 3: wobble, 6: GOOD}) == (0, None)


def test_what_comes_after_the_break_does_not_count() -> None:
    assert behaviour_break({0: HALF, 3: BAD, 6: GOOD}) == (0, 3)


def test_no_looks() -> None:
    with pytest.raises(CourseError, match="no looks"):
        behaviour_break({})
