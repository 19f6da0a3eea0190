"""The choice between prompt, retrieval and training: each rule, and that it says why."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.approach import ENOUGH_ROWS, WAYS, choose_approach
from course_lib.errors import CourseError


@pytest.mark.parametrize(
    ("case", "way"),
    [
        ({}, "system prompt"),
        ({"stable": True, "rows": 500}, "system prompt"),
        ({"fixed_style": True, "rows": 2}, "system prompt"),
        ({"fixed_style": True, "rows": 10}, "few-shot"),
        ({"fixed_style": True, "rows": ENOUGH_ROWS - 1}, "few-shot"),
        ({"fixed_style": True, "rows": ENOUGH_ROWS}, "fine-tuning"),
        ({"fixed_style": True, "rows": 300, "small_budget": True}, "few-shot"),
        ({"fixed_style": True, "own_rules": True, "rows": 300, "small_budget": True}, WAYS[3]),
        ({"fresh_facts": True, "rows": 300}, "RAG"),
        ({"fresh_facts": True, "fixed_format": True, "rows": 10}, "RAG"),
        ({"fresh_facts": True, "fixed_format": True, "rows": 300}, "fine-tuning + RAG"),
        ({"no_wavering": True, "rows": 300}, "fine-tuning"),
    ],
)
def test_a_case_gets_its_way(case: dict[str, Any], way: str) -> None:
    chosen = choose_approach(**case)
    assert chosen.way == way
    assert way in WAYS
    assert chosen.reasons, "a choice comes with its reason"


def test_what_speaks_against_is_said_too() -> None:
    few = choose_approach(own_rules=True, fresh_facts=True, rows=10)
    assert any("10 rows are few" in reason for reason in few.reasons)
    poor = choose_approach(own_rules=True, small_budget=True, rows=300)
    assert any("one reason is not enough" in reason for reason in poor.reasons)


def test_fewer_rows_than_none_are_refused() -> None:
    with pytest.raises(CourseError, match="rows is -1"):
        choose_approach(rows=-1)
