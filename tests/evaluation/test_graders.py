"""Graders: what they pay for, and what they are blind to."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import grade, grader, model_grader, prompts, references


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
    with pytest.raises(CourseError, match=r"no grader of type .score_model.: use string_check"):
        grade({"type": "score_model"}, "a", "b")


NEVER = {"type": "string_check", "operation": "ne"}
TWO: dict[str, Any] = {
    "type": "multi",
    "graders": {
        "right": {"type": "string_check", "operation": "like"},
        "alike": {"type": "text_similarity", "evaluation_metric": "fuzzy_match"},
    },
    "calculate_output": "0.5 * right + 0.5 * alike ^ 2",
}


def test_templates_choose_what_is_compared() -> None:
    swapped = {
        "type": "string_check",
        "operation": "eq",
        "input": "<{{ sample.output_text }}>",
        "reference": "<{{ item.name }}>",
    }
    assert grader(swapped)("Ana", {"name": "Ana", "answer": "Ben"}) == 1
    with pytest.raises(CourseError, match="does not fit the row, whose columns are answer"):
        grader(swapped)("Ana", {"answer": "Ben"})
    with pytest.raises(CourseError, match="cannot be read"):
        grader({**swapped, "input": "{{ sample."})


@pytest.mark.parametrize("metric", ["fuzzy_match", "bleu", "rouge_1", "rouge_2", "rouge_l"])
def test_every_similarity_is_one_for_the_same_text_and_less_for_another(metric: str) -> None:
    alike = {"type": "text_similarity", "evaluation_metric": metric}
    same, other = "the gear comes back in ten days", "the gear stays for ten days"
    assert grade(alike, same, same) == pytest.approx(1)
    assert 0 < grade(alike, other, same) < 0.95


def test_a_formula_joins_graders() -> None:
    assert grade(TWO, "Ana", "Ana") == 1
    part = grade({**TWO, "calculate_output": "alike"}, "Ben", "Ana")
    assert grade(TWO, "Ben", "Ana") == pytest.approx(0.5 * part**2)


@pytest.mark.parametrize(
    "formula",
    [
        "",
        "right +",
        "wrong",
        "__import__('os')",
        "right / 0",
        "right / alike",
        "log(right)",
        "open('x')",
        "().__class__",
    ],
)
def test_a_formula_is_arithmetic_alone(formula: str) -> None:
    with pytest.raises(CourseError, match="cannot be computed"):
        grader({**TWO, "calculate_output": formula})


def test_a_formula_that_fails_on_some_answers_says_on_which() -> None:
    formula = {**TWO, "calculate_output": "1 / (alike - 0.5)"}
    assert grade(formula, "Ana", "Ana") == 2
    half = {**formula, "calculate_output": "1 / (right + alike - 1)"}
    with pytest.raises(CourseError, match="where right = 0, alike = 1: float division by zero"):
        grade({**half, "graders": {**TWO["graders"], "right": NEVER}}, "Ana", "Ana")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"input": 5}, "template 5 cannot be read"),
        ({"operation": ["eq"]}, "no operation"),
        ({"input": "{{ 1 / 0 }}"}, "does not fit the row"),
        ({"input": "{{ item.answer + 1 }}"}, "does not fit the row"),
        ({"type": "text_similarity", "evaluation_metric": ["bleu"]}, "no evaluation_metric"),
        ({"type": "multi", "graders": {"a": "right"}}, "an object with a 'type'"),
    ],
)
def test_a_definition_of_another_shape_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(CourseError, match=told):
        grade({"type": "string_check", "operation": "eq", **changes}, "Ana", "Ana")


@pytest.mark.parametrize("source", ["{{ ''.__class__.__mro__ }}", "{{ sample.__init__ }}"])
def test_a_template_reaches_nothing_else(source: str) -> None:
    definition = {"type": "string_check", "operation": "eq", "input": source}
    with pytest.raises(CourseError):
        grader(definition)("a", {"answer": "a"})


def test_a_model_gives_a_probability_and_sees_the_answer(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    judge = model_grader(model, tokenizer)
    question, answer = prompts(rows)[0][-1]["content"], references(rows)[0]
    given = {said: judge(question, said) for said in (answer, "something else")}
    assert all(0 < value < 1 for value in given.values())
    assert len(set(given.values())) == 2
