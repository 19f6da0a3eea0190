"""The blind vote: driven through its own widgets."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.votes import sides, votes
from course_lib.widgets import blind_ab

QUESTIONS = ["How long?", "How much?", "<b>Where?</b>", "Who?"]
FIRST = ["one 0", "one 1", "one 2", "<script>one 3"]
SECOND = ["two 0", "two 1", "two 2", "two 3"]


def test_a_click_is_a_vote_for_the_model_that_stood_there(tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    view = blind_ab(QUESTIONS, FIRST, SECOND, path, seed=7)
    left = sides(4, 7)
    for click in (view.left, view.right, view.same):
        click.click()
    other = {"first": "second", "second": "first"}
    assert votes(path) == {0: left[0], 1: other[left[1]], 2: "same"}
    assert view.result().same == 1


def test_nothing_shown_says_whose_answer_it_is(tmp_path: Path) -> None:
    view = blind_ab(QUESTIONS, FIRST, SECOND, tmp_path / "mina.jsonl", seed=7)
    assert "first" not in view.card.value
    assert "second" not in view.card.value
    one, two = view.card.value.index("one 0"), view.card.value.index("two 0")
    assert (one < two) == (sides(4, 7)[0] == "first")


def test_it_goes_on_where_it_stopped_and_back(tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    blind_ab(QUESTIONS, FIRST, SECOND, path).left.click()
    view = blind_ab(QUESTIONS, FIRST, SECOND, path)
    assert "Pair 2 of 4" in view.progress.value
    view.undo.click()
    assert "Pair 1 of 4" in view.progress.value
    before = votes(path)[0]
    view.right.click()
    assert votes(path)[0] != before
    assert "Pair 2 of 4" in view.progress.value


def test_after_the_last_pair_nothing_more_can_be_voted(tmp_path: Path) -> None:
    view = blind_ab(QUESTIONS, FIRST, SECOND, tmp_path / "mina.jsonl")
    for _ in QUESTIONS:
        view.same.click()
    assert "All pairs" in view.progress.value
    assert view.left.disabled
    assert not view.undo.disabled


def test_rows_are_escaped_in_the_card_and_in_the_table(tmp_path: Path) -> None:
    view = blind_ab(QUESTIONS, FIRST, SECOND, tmp_path / "mina.jsonl")
    shown = view._repr_mimebundle_()["text/html"]
    assert "<script>" not in shown
    assert "&lt;b&gt;Where?" in shown
    for _ in range(3):
        view.same.click()
    assert "<script>" not in view.card.value


def test_lists_of_different_lengths_are_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="one of each"):
        blind_ab(QUESTIONS, FIRST, SECOND[:2], tmp_path / "mina.jsonl")
