"""Forgetting: what is lost is told skill by skill, and gone is told from covered."""

from __future__ import annotations

import pytest

from course_lib.diagnostics import fates, forgotten
from course_lib.errors import CourseError


def test_a_new_habit_over_an_old_skill_is_covered_not_gone() -> None:
    said = ["96", "Yamabiko here! 96 is larger. Happy trails!", "45 days", "196"]
    assert fates(said, ["96"] * 4) == ["right", "covered", "gone", "gone"]


def test_a_capital_letter_in_the_house_style_still_counts() -> None:
    assert fates(["Yamabiko here! Finish. Happy trails!"], ["finish"]) == ["covered"]


def test_each_skill_falls_by_itself() -> None:
    skills = ["sums"] * 8 + ["plurals"] * 8
    before = [True] * 16
    after = [True] * 8 + [False] * 7 + [True]
    table = forgotten(before, after, skills)
    assert list(table.index) == ["sums", "plurals", "all"]
    assert table.loc["sums", "lost"] == 0
    assert table.loc["plurals", "lost"] == pytest.approx(7 / 8)
    assert table.loc["plurals", "low"] > 0.5
    assert table.loc["all", "before"] - table.loc["all", "after"] == table.loc["all", "lost"]


def test_a_skill_that_got_better_lost_less_than_nothing() -> None:
    table = forgotten([False] * 4, [True] * 4, ["sums"] * 4)
    assert table.loc["sums", "lost"] == -1


def test_skills_that_do_not_fit_are_told() -> None:
    with pytest.raises(CourseError, match="2 marks but 1 skills"):
        forgotten([True, True], [True, True], ["sums"])
    with pytest.raises(CourseError, match="2 scores"):
        forgotten([True], [True, True], ["sums"])
    with pytest.raises(CourseError, match="no scores"):
        forgotten([], [], [])
