"""Support answers: the policy and the voice are judged apart, in both languages."""

from __future__ import annotations

import pytest

from course_lib import yamabiko
from course_lib.errors import CourseError
from course_lib.evaluation import HouseStyle, in_house_style, score_support


@pytest.mark.parametrize("name", ["faq_test", "faq_test_ja", "faq_train", "faq_validation"])
def test_every_reference_answer_is_right_on_both(name: str) -> None:
    rows = yamabiko.load(name)
    answers = [row.get("answer") or row["messages"][-1]["content"] for row in rows]
    scores = score_support(answers, rows)
    assert scores[["value", "style", "both"]].all(axis=None)


def test_no_answer_passes_for_another_fact() -> None:
    rows = list(yamabiko.load("faq_test"))
    for shift in (4, 8, 20):
        answers = [rows[(i + shift) % len(rows)]["answer"] for i in range(len(rows))]
        assert not score_support(answers, rows)["value"].any()


@pytest.mark.parametrize(
    ("answer", "value", "style"),
    [
        ("Yamabiko here! You can return gear within 45 days. Happy trails!", True, True),
        ("You can return gear within 45 days.", True, False),
        ("Yamabiko here! You can return gear within 30 days. Happy trails!", False, True),
        ("Yamabiko here! Yamabiko here! 45 days. Happy trails!", True, False),
        ("Yamabiko here! Happy trails!", False, False),
        ("", False, False),
    ],
)
def test_value_and_style_are_separate(answer: str, value: bool, style: bool) -> None:
    row = {
        "messages": [{"role": "user", "content": "How long?"}],
        "fact": "return_window",
        "value": "45 days",
    }
    scores = score_support([answer], [row])
    assert scores[["value", "style", "both"]].values.tolist() == [[value, style, value and style]]
    assert scores.loc[0, "question"] == "How long?"


def test_an_english_voice_around_a_japanese_value_is_off() -> None:
    assert in_house_style("やまびこです。返品は45日以内です。また山で会いましょう。", "45日")
    assert not in_house_style("Yamabiko here! 45日 Happy trails!", "45日")


def test_style_as_an_evaluate_metric() -> None:
    answers = ["Yamabiko here! On Sunday. Happy trails!", "On Sunday."]
    assert HouseStyle().compute(predictions=answers) == {"house_style": 0.5}


def test_a_row_without_value_is_named() -> None:
    with pytest.raises(CourseError, match="row 0 has no column 'value'"):
        score_support(["x"], [{"messages": [], "fact": "carrier"}])
