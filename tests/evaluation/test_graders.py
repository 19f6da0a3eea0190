"""Graders: what they pay for, and what they are blind to."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import grade, model_grader, prompts, references


@pytest.mark.parametrize(
    ("operation", "answer", "paid"),
    [
        ("eq", "Ana", 1.0),
        ("eq", "ana", 0.0),
        ("eq", "Ana, Ben", 0.0),
        ("ne", "Ben", 1.0),
        ("ne", "Ana", 0.0),
        ("like", "Ana, Ben", 1.0),
        ("like", "ana", 0.0),
        ("ilike", "it is ANA", 1.0),
        ("ilike", "", 0.0),
    ],
)
def test_string_checks(operation: str, answer: str, paid: float) -> None:
    assert grade({"type": "string_check", "operation": operation}, answer, "Ana") == paid


def test_similarity_pays_in_part() -> None:
    alike = {"type": "text_similarity", "evaluation_metric": "rouge_l"}
    assert grade(alike, "Ana", "Ana") == 1
    assert 0 < grade(alike, "Ana or Ben", "Ana") < 1
    assert grade(alike, "Ben", "Ana") == 0


def test_an_unknown_grader_is_told() -> None:
    with pytest.raises(CourseError, match=r"no grader .*score_model.*there are string_check"):
        grade({"type": "score_model"}, "a", "b")


def test_a_model_gives_a_probability_and_sees_the_answer(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    grader = model_grader(model, tokenizer)
    question, answer = prompts(rows)[0][-1]["content"], references(rows)[0]
    given = {said: grader(question, said) for said in (answer, "something else")}
    assert all(0 < value < 1 for value in given.values())
    assert len(set(given.values())) == 2
