"""The form of answers: found in the rows, checked in each answer."""

from __future__ import annotations

import json

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.answer_form import AnswerForm, answer_form


def test_labels_leave_misspellings_out() -> None:
    answers = ["up"] * 30 + ["down"] * 20 + ["dwn", "UP?"]
    form = answer_form(["?"] * len(answers), answers)
    assert (form.kind, form.labels) == ("label", ("down", "up"))
    assert form.fault("up") is None
    assert "none of the labels" in str(form.fault("dwn"))


def test_many_classes_are_still_labels() -> None:
    answers = [f"intent_number_{place % 77}_with_a_long_name" for place in range(1540)]
    assert len(answer_form(answers, answers).labels) == 77


def test_json_knows_which_values_are_copied() -> None:
    questions = [f"Tavo pays {place} yen." for place in range(40)]
    answers = [
        json.dumps({"kind": "fee", "value": f"{place} yen"}) for place in range(40)
    ]  # "fee" stands in no question
    form = answer_form(questions, answers)
    assert (form.kind, form.keys, form.copied) == ("json", ("kind", "value"), ("value",))
    assert form.fault(answers[3], questions[3]) is None
    assert "does not stand in the question" in str(form.fault(answers[3], questions[4]))
    assert form.fault(answers[3]) is None
    assert "no JSON object" in str(form.fault(answers[3][:-2]))
    assert "its keys are kind" in str(form.fault('{"kind": "fee"}'))
    assert "does not stand" in str(form.fault('{"kind": "fee", "value": 3}', questions[3]))


def test_the_order_of_keys_is_no_fault() -> None:
    answers = ['{"kind": "fee", "party": "Tavo"}', '{"party":"Tavo","kind":"fee"}'] * 20
    form = answer_form(["Tavo pays."] * 40, answers)
    assert (form.kind, form.keys) == ("json", ("kind", "party"))
    assert [form.fault(answer) for answer in answers[:2]] == [None, None]
    assert form.right(answers[:2], answers[:1] * 2).tolist() == [True, True]
    assert form.right(["{}", "no JSON"], answers[:1] * 2).tolist() == [False, False]


def test_endless_brackets_are_a_fault_and_no_crash() -> None:
    form = AnswerForm("json", keys=("kind",))
    assert form.fault('{"kind":' + "[" * 100_000) == "the answer is no JSON object"


def test_text_may_be_anything_but_empty_or_endless() -> None:
    answers = [f"You may return gear of kind {place} within 45 days." for place in range(20)]
    form = answer_form(answers, answers)
    assert form.kind == "text"
    assert form.fault("Within 45 days.") is None
    assert form.fault("  ") == "the answer is empty"
    assert "more than" in str(form.fault("days " * 100))


def test_repeated_sentences_are_no_labels() -> None:
    answers = ["Yes, you can bring it back within 45 days."] * 30 + [
        "No, we do not ship there."
    ] * 30
    assert answer_form(answers, answers).kind == "text"


def test_text_is_right_only_with_its_numbers() -> None:
    form = AnswerForm("text", longest=100)
    wanted = "You can return gear within 45 days."
    given = [
        wanted,
        "You can return gear within 30 days.",
        "Gear? 45 days.",
        "You can return gear within 45 days!",
    ]
    assert form.right(given, [wanted] * 4).tolist() == [True, False, False, True]


def test_labels_and_json_are_right_as_a_whole() -> None:
    assert AnswerForm("label", labels=("up",)).right(["up", "Up"], ["up", "up"]).tolist() == [
        True,
        False,
    ]


def test_bad_input_is_told() -> None:
    with pytest.raises(CourseError, match="0 questions and 0 answers"):
        answer_form([], [])
    with pytest.raises(CourseError, match="2 questions and 1 answers"):
        answer_form(["a", "b"], ["a"])
    with pytest.raises(CourseError, match="1 answers but 2 references"):
        AnswerForm("text", longest=9).right(["a"], ["a", "b"])
