"""Metrics: what counts as right, and that they work with no hub."""

from __future__ import annotations

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation.metrics import (
    ExactMatch,
    ValueInAnswer,
    exact_match,
    exact_matches,
    pass_at_k,
    value_in_answer,
)


@pytest.mark.parametrize(
    ("prediction", "reference", "right"),
    [
        ("45 days", "45 days", True),
        (" 45  days\n", "45 days", True),
        ("４５ days", "45 days", True),
        ("45 Days", "45 days", False),
        ("45 days.", "45 days", False),
        ("", "45 days", False),
    ],
)
def test_exact_match_forgives_width_and_spaces_only(
    prediction: str, reference: str, right: bool
) -> None:
    assert exact_matches([prediction], [reference]).tolist() == [right]


@pytest.mark.parametrize(
    ("answer", "value", "right"),
    [
        ("You can send gear back within 45 days.", "45 days", True),
        ("Within 45 days!", "5 days", False),
        ("It costs 12.50.", "12", False),
        ("It costs 1,200.", "200", False),
        ("It costs 12.", "12", True),
        ("The Blue crate.", "the blue crate", True),
        ("In the blue crates.", "the blue crate", False),
        ("４５日以内に送ってください。", "45日", True),
        ("45日以内です。", "5日", False),
        ("受付は青い箱です。", "青い箱", True),
    ],
)
def test_value_must_stand_on_its_own(answer: str, value: str, right: bool) -> None:
    assert value_in_answer([answer], [value]).tolist() == [right]


def test_real_evaluate_metrics_compute_offline() -> None:
    import evaluate

    metric = ExactMatch()
    assert isinstance(metric, evaluate.Metric)
    assert metric.compute(predictions=["4", "five"], references=["4", "5"]) == {"exact_match": 0.5}
    values = ValueInAnswer()
    values.add_batch(predictions=["In 45 days."], references=["45 days"])
    values.add(prediction="Never.", reference="45 days")
    assert values.compute() == {"value_in_answer": 0.5}


def test_bad_input_is_told() -> None:
    with pytest.raises(CourseError, match="2 answers but 1 references"):
        exact_match(["a", "b"], ["a"])
    with pytest.raises(CourseError, match="no rows to score"):
        exact_match([], [])
    with pytest.raises(CourseError, match="row 1 has an empty value"):
        value_in_answer(["a", "b"], ["a", " "])


def test_pass_at_k_counts_every_choice() -> None:
    from itertools import combinations

    for right in range(6):
        answers = [True] * right + [False] * (5 - right)
        for k in range(1, 6):
            hits = [any(choice) for choice in combinations(answers, k)]
            assert pass_at_k([right], 5, k)[0] == pytest.approx(sum(hits) / len(hits))


def test_pass_at_k_refuses_what_cannot_be() -> None:
    with pytest.raises(CourseError, match="k is 9, but 8 answers"):
        pass_at_k([1], 8, 9)
    with pytest.raises(CourseError, match="more right answers"):
        pass_at_k([9], 8, 1)
