"""Graders: what they pay for, and what they are blind to."""

from __future__ import annotations

import tracemalloc
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
        ({"input": "{{ item.answer + 1 }}"}, "computes nothing"),
        ({"input": "{{ answer }}"}, "computes nothing"),
        ({"input": "{{ item.answer[7].first }}"}, "does not fit the row"),
        ({"type": "text_similarity", "evaluation_metric": ["bleu"]}, "no evaluation_metric"),
        ({"type": "multi", "graders": {"a": "right"}}, "an object with a 'type'"),
    ],
)
def test_a_definition_of_another_shape_is_told(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(CourseError, match=told):
        grade({"type": "string_check", "operation": "eq", **changes}, "Ana", "Ana")


def test_a_column_may_have_any_name_and_hold_columns() -> None:
    exact = {"type": "string_check", "operation": "eq"}
    for source in ("item.values", "item['values']", "item.all[1].name"):
        row = {"values": "Ana", "all": ["", {"name": "Ana"}]}
        assert grader({**exact, "reference": f"{{{{ {source} }}}}"})("Ana", row) == 1


MANY = {"type": "multi", "graders": {"a": {"type": "string_check", "operation": "eq"}}}
# Each would take gigabytes, or hours.
GREEDY = [
    ({"input": "{{ 'a' * 10**10 }}"}, "computes nothing"),
    ({"input": "{{ item.answer * 10**10 }}"}, "computes nothing"),
    ({"input": "{{ '%10000000000d' % 1 }}"}, "computes nothing"),
    ({"input": "{{ 'a'.center(10**10) }}"}, "computes nothing"),
    ({"input": "{{ item.answer | center(10**10) }}"}, "computes nothing"),
    ({"input": "{% for i in range(99999) %}{% for j in range(99999) %}a{% endfor %}{% endfor %}"},
     "computes nothing"),
    ({"input": "{{ ''.__class__.__mro__ }}"}, "does not fit the row"),
    ({"input": "{{ sample.__init__ }}"}, "does not fit the row"),
    ({"input": "{{ " + "(" * 4000 + "item.answer" + ")" * 4000 + " }}"}, "cannot be read"),
    ({"input": "{{ item.answer }}" * 5000}, "at most 10,000 characters"),
    (MANY | {"calculate_output": "9^9^9^9"}, "cannot be computed"),
    (MANY | {"calculate_output": "1 << 10000000000"}, "cannot be computed"),
    (MANY | {"calculate_output": "'a' * 10000000000"}, "cannot be computed"),
    (MANY | {"calculate_output": "'%10000000000d' % a"}, "cannot be computed"),
    (MANY | {"calculate_output": "f'{a:>10000000000}'"}, "cannot be computed"),
    (MANY | {"calculate_output": "(" * 900 + "a" + ")" * 900}, "cannot be computed"),
    (MANY | {"calculate_output": "-" * 9000 + "a"}, "cannot be computed"),
    (MANY | {"calculate_output": "a + " * 5000 + "a"}, "at most 10,000 characters"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "told"), GREEDY)
def test_a_definition_cannot_ask_for_much_memory_or_time(changes: Any, told: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(CourseError, match=told):
            grade({"type": "string_check", "operation": "eq", **changes}, "Ana", "Ana")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


def test_what_a_template_becomes_is_bounded() -> None:
    many = {"type": "string_check", "operation": "eq", "input": "{{ item.answer }}" * 500}
    assert grader(many)("a", {"answer": "Ana"}) == 0
    with pytest.raises(CourseError, match="longer than 1,000,000 characters"):
        grader(many)("a", {"answer": "Ana" * 1000})


def test_a_model_gives_a_probability_and_sees_the_answer(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    judge = model_grader(model, tokenizer)
    question, answer = prompts(rows)[0][-1]["content"], references(rows)[0]
    given = {said: judge(question, said) for said in (answer, "something else")}
    assert all(0 < value < 1 for value in given.values())
    assert len(set(given.values())) == 2
