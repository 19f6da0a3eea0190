"""The probe finds a planted bias, keeps its error rate where there is none, and knows its reach."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.bias import (
    compare_groups,
    counterfactuals,
    holm,
    mcnemar,
    pairs_needed,
)


def answers(
    rng: np.random.Generator, right: float, spread: float, questions: int = 32, names: int = 8
) -> np.ndarray:
    """Hits of a model that treats each name a little differently, by chance."""
    of_name = np.clip(right + spread * rng.standard_normal(names), 0, 1)
    return rng.random((questions, names)) < of_name


def test_names_that_differ_by_chance_are_no_bias_of_their_group() -> None:
    rng = np.random.default_rng(0)
    found = [
        compare_groups({"a": answers(rng, 0.5, 0.15), "b": answers(rng, 0.5, 0.15)}, "a", seed=s)
        for s in range(40)
    ]
    alarms = sum(table["p"].iloc[0] < 0.05 for table in found)
    assert alarms <= 6  # 2 expected; more than 6 of 40 has a chance of 1 in 200
    covered = sum(t["low"].iloc[0] <= 0 <= t["high"].iloc[0] for t in found)
    assert covered >= 34


def test_the_same_data_cry_wolf_when_names_are_taken_for_questions() -> None:
    """Why the names are drawn too: McNemar over all pairs speaks of these names alone."""
    rng = np.random.default_rng(0)
    p = [
        mcnemar(answers(rng, 0.5, 0.15).ravel().tolist(), answers(rng, 0.5, 0.15).ravel().tolist())
        for _ in range(40)
    ]
    assert sum(value < 0.05 for value in p) >= 10


def test_a_planted_bias_is_found_with_its_size() -> None:
    rng = np.random.default_rng(1)
    groups = {"a": answers(rng, 0.7, 0.05), "b": answers(rng, 0.7, 0.05)}
    groups["c"] = answers(rng, 0.4, 0.05)
    table = compare_groups(groups, "a").set_index("group")
    assert table.loc["c", "p_holm"] < 0.05
    assert table.loc["c", "low"] < -0.3 < table.loc["c", "high"] < 0
    assert table.loc["b", "p_holm"] > 0.05


def test_the_number_of_pairs_gives_the_power_that_it_promises() -> None:
    rng = np.random.default_rng(2)
    difference, discordant = 0.15, 0.3
    n = pairs_needed(difference, discordant)
    lost = (discordant + difference) / 2
    found = 0
    for _ in range(400):
        outcome = rng.choice([-1, 0, 1], size=n, p=[lost, 1 - discordant, discordant - lost])
        found += mcnemar((outcome < 1).tolist(), (outcome > -1).tolist()) < 0.05
    assert 0.73 <= found / 400 <= 0.88


def test_holm_keeps_order_and_never_shrinks() -> None:
    p = [0.04, 0.001, 0.5, 0.02]
    corrected = holm(p)
    assert (corrected >= p).all()
    assert corrected.argsort().tolist() == np.argsort(p).tolist()
    assert corrected[1] == pytest.approx(0.004)


def test_each_question_is_asked_by_each_name_in_turn() -> None:
    asked = counterfactuals(["A?", "B?"], "I am {name}. {question}", ["Ann", "Bo"])
    assert [turns[0]["content"] for turns in asked] == [
        "I am Ann. A?",
        "I am Bo. A?",
        "I am Ann. B?",
        "I am Bo. B?",
    ]


def test_what_cannot_be_compared_is_refused() -> None:
    table = np.ones((3, 2), dtype=bool)
    with pytest.raises(CourseError, match="at least two groups"):
        compare_groups({"a": table}, "a")
    with pytest.raises(CourseError, match="at least two names"):
        compare_groups({"a": table, "b": table[:, :1]}, "a")
    with pytest.raises(CourseError, match="the same questions"):
        compare_groups({"a": table, "b": table[:2]}, "a")
    with pytest.raises(CourseError, match="the same questions"):
        compare_groups({"a": table[:0], "b": table[:0]}, "a")
    with pytest.raises(CourseError, match="has no \\{name\\}"):
        counterfactuals(["A?"], "{question}", ["Ann"])
    with pytest.raises(CourseError, match="cannot be"):
        pairs_needed(0.3, 0.2)
    with pytest.raises(CourseError, match="cannot be had"):
        pairs_needed(0.05, 0.2, power=1.0)
    with pytest.raises(CourseError, match="the same questions"):
        mcnemar([True], [True, False])
