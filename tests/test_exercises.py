"""Exercises: every one is whole, its solution passes, and its planned mistakes are named."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.exercises import check, exercises, hint, question, quiz_of, solution
from course_lib.exercises.texts import files, planned

NAMES = list(exercises())


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def solved(name: str) -> Any:
    """The right answer: as it stands, or by running the printed solution."""
    exercise = exercises()[name]
    if exercise["kind"] != "function":
        return exercise["answer"]
    space: dict[str, Any] = {}
    exec(exercise["code"], space)
    return [value for value in space.values() if getattr(value, "__code__", None)][-1]


LESSONS = list(files("en"))
FORMS = {"predict", "reckon", "judge", "write", "knob"}


def of(lesson: str) -> list[dict[str, Any]]:
    return [exercise for exercise in exercises().values() if exercise["lesson"] == lesson]


@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_asks_to_predict_and_to_change_a_knob(lesson: str) -> None:
    forms = [exercise["form"] for exercise in of(lesson)]
    assert 3 <= len(forms) <= 7
    assert set(forms) <= FORMS
    assert {"predict", "knob"} <= set(forms)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if exercises()[name]["kind"] == "function"]
)
def test_a_function_has_two_misconceptions_planned_as_functions(name: str) -> None:
    assert sum("misled" in case for case in exercises()[name]["case"]) >= 2


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("lesson", LESSONS)
def test_every_lesson_closes_with_a_quiz_that_says_why(lesson: str, language: str) -> None:
    questions = quiz_of(lesson, language)
    assert 4 <= len(questions) <= 5
    for each in questions:
        assert 3 <= len(each["options"]) == len(each["because"]) <= 4
        assert 1 <= each["answer"] <= len(each["options"])
        assert len(set(each["options"])) == len(each["options"])
        assert all(text.strip() for text in each["because"])
    assert len({each["answer"] for each in questions}) >= 2, "the right one at varying places"


@pytest.mark.parametrize("name", NAMES)
def test_in_japanese_it_is_the_same_exercise_in_other_words(name: str) -> None:
    english, japanese = exercises("en")[name], exercises("ja")[name]
    assert japanese["question"] != english["question"]
    assert len(japanese["hints"]) == 2
    for one, other in zip(planned(english), planned(japanese), strict=True):
        assert other["because"] != one["because"]
        assert {**other, "because": ""} == {**one, "because": ""}
    if english["kind"] == "choice":
        answers = [english["answer"], *(wrong["answer"] for wrong in english["wrong"])]
        assert all(str(answer) in japanese["question"] for answer in answers), answers


@pytest.mark.parametrize("name", NAMES)
def test_an_exercise_is_whole(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    exercise = exercises()[name]
    assert len(exercise["hints"]) == 2
    assert len(planned(exercise)) >= 2
    assert all(entry["because"].endswith(".") for entry in planned(exercise))
    question(name)
    solution(name)
    hint(name)
    hint(name, 2)
    assert exercise["hints"][1].strip() in said(capsys)


def test_what_a_hint_offers_runs_where_a_lesson_stands(capsys: pytest.CaptureFixture[str]) -> None:
    hint("accumulation")
    offered = said(capsys).partition("the answer: ")[2].removesuffix(".)\n")
    space: dict[str, Any] = {}
    exec("import course_lib", space)
    exec(offered, space)
    assert said(capsys).startswith("16. ")


@pytest.mark.parametrize("name", NAMES)
def test_the_solution_passes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    check(name, solved(name))
    assert said(capsys).startswith(f"✓ {name}: right.")


@pytest.mark.parametrize("name", NAMES)
def test_a_planned_mistake_is_named(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in exercises()[name].get("wrong", []):
        check(name, wrong["answer"])
        told = said(capsys)
        assert told.startswith(f"✗ {name}: not yet.")
        assert wrong["because"] in told


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("answer", [None, ...])
def test_unattempted_never_breaks(
    name: str, answer: object, capsys: pytest.CaptureFixture[str]
) -> None:
    check(name, answer)
    assert "not attempted yet" in said(capsys)


def test_an_empty_function_counts_as_unattempted(capsys: pytest.CaptureFixture[str]) -> None:
    def has_email(text: str) -> None: ...

    check("find_email", has_email)
    assert "not attempted yet" in said(capsys)


def test_word_boundaries_are_caught_on_japanese(capsys: pytest.CaptureFixture[str]) -> None:
    import re

    pattern = re.compile(r"\b[a-z0-9.]+@[a-z0-9-]+\.[a-z.]+\b")
    check("find_email", lambda text: pattern.search(text) is not None)
    assert "Kana and kanji are word characters" in said(capsys)


def test_comparing_with_the_one_before_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    def stop_at(losses: list[float], patience: int) -> int:
        waited = 0
        for number in range(1, len(losses)):
            waited = 0 if losses[number] < losses[number - 1] else waited + 1
            if waited == patience:
                return number + 1
        return len(losses)

    check("early_stop", stop_at)
    assert "compare with the best, not with the one before" in said(capsys)


@pytest.mark.parametrize(
    ("name", "answer", "told"),
    [
        ("accumulation", "sixteen", "The answer is a number; this is 'sixteen'."),
        ("accumulation", True, "The answer is a number"),
        ("accumulation", 17, "17 is not it."),
        ("name_the_run", "fine", "Answer one of 'diverged', 'healthy'"),
        ("name_the_run", " Underfitting ", "right"),
        ("find_email", "re", "The answer is a function; this is 're'."),
        ("find_email", lambda text: text.nothing, "it raised AttributeError"),
    ],
)
def test_odd_answers_are_told_not_raised(
    name: str, answer: object, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    check(name, answer)
    assert told in said(capsys)


def test_an_unknown_exercise_or_hint_is_told() -> None:
    with pytest.raises(CourseError, match="no exercise 'nothing'"):
        check("nothing", 1)
    with pytest.raises(CourseError, match="hints of level 1 to 2, not 3"):
        hint("accumulation", 3)


@pytest.mark.parametrize(
    "right",
    [
        lambda c, r, rc, rr, b: -math.log(1 / (1 + math.exp(-b * ((c - rc) - (r - rr))))),
        lambda c, r, rc, rr, b: np.logaddexp(0, -b * ((c - rc) - (r - rr))),
    ],
)
def test_another_way_to_reckon_is_right_too(right: Any, capsys: pytest.CaptureFixture[str]) -> None:
    check("dpo_loss", right)
    assert "✓ dpo_loss: right." in said(capsys)


def test_an_array_is_as_good_as_a_list(capsys: pytest.CaptureFixture[str]) -> None:
    check(
        "value_of_a_row", lambda sizes, scores: np.round(100 * np.diff(scores) / np.diff(sizes), 2)
    )
    assert "✓ value_of_a_row: right." in said(capsys)


def test_a_function_that_changes_what_it_is_given_changes_no_exercise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    check("early_stop", lambda losses, patience: losses.sort() or 0)
    check("early_stop", solved("early_stop"))
    assert "✓ early_stop: right." in said(capsys)


@pytest.mark.parametrize("answer", [np.arange(3), 10**400])
def test_many_numbers_or_one_too_large_are_told(
    answer: object, capsys: pytest.CaptureFixture[str]
) -> None:
    check("accumulation", answer)
    assert "The answer is a number" in said(capsys)
