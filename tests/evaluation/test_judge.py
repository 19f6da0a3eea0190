"""Judges and votes: biases are caught, and the blindfold is lifted rightly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import (
    judge_both_ways,
    model_judge,
    preference,
    reference_judge,
    rubric_judge,
)
from course_lib.evaluation.votes import record_vote, sides, votes

SHORT = "45 days."
LONG = "The return of a tent is possible within 30 days, at any time of the year, by post!"


def test_the_rubric_is_lured_by_length_and_the_reference_judge_is_not() -> None:
    assert rubric_judge("How long?", SHORT, LONG) == "B"
    assert reference_judge("45 days")("How long?", SHORT, LONG) == "A"
    assert reference_judge("45 days")("How long?", LONG, SHORT) == "B"


def test_what_the_reference_judge_cannot_tell_apart_is_a_tie() -> None:
    assert reference_judge("45 days")("How long?", "45 days.", "It is 45 days.") == "tie"


def test_right_counts_before_the_voice() -> None:
    voice = "Yamabiko here! You can return gear within 30 days. Happy trails!"
    assert reference_judge("45 days")("How long?", voice, SHORT) == "B"
    right = voice.replace("30", "45")
    assert reference_judge("45 days")("How long?", SHORT, right) == "B"


def test_a_judge_of_places_never_agrees_with_itself() -> None:
    table = judge_both_ways(lambda *_: "B", ["q", "q"], ["x", "y"], ["z", "w"])
    assert table["shown"].tolist() == ["second", "second"]
    assert table["swapped"].tolist() == ["first", "first"]
    assert not table["agreed"].any()


def test_a_judge_of_answers_agrees() -> None:
    table = judge_both_ways(rubric_judge, ["How long?"], [SHORT], [LONG])
    assert table.iloc[0].tolist() == ["second", "second", True]


def test_what_no_judge_says_is_told() -> None:
    with pytest.raises(CourseError, match="the judge said 'C'"):
        judge_both_ways(lambda *_: "C", ["q"], ["x"], ["y"])
    with pytest.raises(CourseError, match="one of each"):
        judge_both_ways(rubric_judge, ["q"], ["x"], [])


def test_a_model_judges_by_the_likelier_letter(taught_chat: Any) -> None:
    import torch

    model, tokenizer, _ = taught_chat
    letters = [tokenizer.encode(letter, add_special_tokens=False)[0] for letter in "AB"]
    bias = torch.zeros(model.get_output_embeddings().weight.shape[0])
    bias[letters[1]] = 1e4

    def lean(module: Any, inputs: Any, output: Any) -> Any:
        return output + bias

    hook = model.get_output_embeddings().register_forward_hook(lean)
    try:
        assert model_judge(model, tokenizer)("q", "x", "y") == "B"
    finally:
        hook.remove()


def test_each_model_stands_on_the_left_equally_often() -> None:
    left = sides(40, seed=3)
    assert left.count("first") == 20
    assert left != sides(40, seed=4)


def test_votes_name_the_model_and_not_the_side(tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    for pair, left, vote in [(0, "first", "left"), (1, "second", "left"), (2, "second", "right")]:
        record_vote(path, pair, left, vote)
    record_vote(path, 3, "first", "same")
    assert votes(path) == {0: "first", 1: "second", 2: "first", 3: "same"}
    record_vote(path, 0, "first", "right")
    assert votes(path)[0] == "second"


def test_votes_are_counted_with_ties_apart() -> None:
    first, second, same, share = preference(["second"] * 9 + ["first"] + ["same"] * 5)
    assert (first, second, same) == (1, 9, 5)
    assert share.share == 0.9
    assert 0.5 < share.low < 0.9
    with pytest.raises(CourseError, match="no pair has a winner"):
        preference(["same"])


def test_a_line_that_is_no_vote_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    record_vote(path, 0, "first", "left")
    path.open("a").write('{"pair": 1}\n')
    with pytest.raises(CourseError, match="line 2, is no vote"):
        votes(path)
    with pytest.raises(CourseError, match="no vote"):
        record_vote(path, 1, "first", "up")
