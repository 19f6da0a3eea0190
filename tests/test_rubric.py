"""The rubric marks what was measured, in its order, and can fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.rubric import Evidence, criteria, rubric, times_tested

BEFORE = {
    "decisions_without_reason": 0,
    "rows_lost": 0,
    "leaked_rows": 0,
    "private_rows": 0,
    "untrained_score": 0.0,
    "memory_share": 0.1,
}
AFTER = {
    "train_loss": 0.2,
    "over_best_loss": 0.0,
    "gain_low": 0.5,
    "gain_over_simple_low": 0.1,
    "models_tested": 1,
    "in_form": 0.99,
    "skills_lost": 0.02,
    "changed_after_reload": 0,
    "card_sections_missing": 0,
}


def run(**other: float) -> Evidence:
    """A good run, but for what is named."""
    evidence = Evidence()
    evidence.record(**{**BEFORE, **AFTER, **other})
    return evidence


def failing(evidence: Evidence) -> set[str]:
    marks = rubric(evidence)
    return set(marks.loc[~marks["met"], "criterion"])


def test_a_good_run_gets_every_point() -> None:
    marks = rubric(run())
    assert marks["met"].all()
    assert marks["points"].sum() == marks["of"].sum() == 100
    assert not marks["do"].any()


def test_nothing_measured_gets_nothing() -> None:
    marks = rubric(Evidence())
    assert marks["points"].sum() == 0
    assert set(marks["evidence"]) == {"not measured"}
    assert marks["do"].all()


@pytest.mark.parametrize(
    ("measure", "value", "criterion"),
    [
        ("rows_lost", 1, "every row accounted for"),
        ("rows_lost", -1, "every row accounted for"),
        ("decisions_without_reason", 1, "decisions have reasons"),
        ("leaked_rows", 12, "no leak"),
        ("private_rows", 1, "nothing private"),
        ("memory_share", 1.3, "the plan fits"),
        ("over_best_loss", 0.6, "not overfitted"),
        ("gain_low", 0.0, "better than untrained"),
        ("gain_low", float("nan"), "better than untrained"),
        ("gain_over_simple_low", -0.1, "better than no model"),
        ("models_tested", 2, "the test touched once"),
        ("models_tested", 0, "the test touched once"),
        ("in_form", 0.8, "answers in form"),
        ("skills_lost", 0.66, "general skills kept"),
        ("changed_after_reload", 1, "answers the same elsewhere"),
        ("card_sections_missing", 1, "the card is whole"),
    ],
)
def test_each_fault_costs_its_criterion(measure: str, value: float, criterion: str) -> None:
    assert failing(run(**{measure: value})) == {criterion}


def test_every_criterion_can_fail_alone() -> None:
    for criterion in criteria():
        evidence = run()
        evidence.events = [event for event in evidence.events if event[0] != criterion.measure]
        assert failing(evidence) == {criterion.name}
        assert "{" not in criterion.told.format(1.0)


@pytest.mark.parametrize("late", ["untrained_score", "memory_share"])
def test_what_is_measured_after_training_is_too_late(late: str) -> None:
    evidence = Evidence()
    evidence.record(**{name: value for name, value in BEFORE.items() if name != late}, **AFTER)
    evidence.record(**{late: 0.0})
    marks = rubric(evidence)
    assert marks.loc[~marks["met"], "evidence"].tolist() == ["measured too late"]
    # Measured in time and once more afterwards: what came in time counts.
    again = run()
    again.record(**{late: 5.0})
    assert not failing(again)


def test_the_latest_value_counts() -> None:
    evidence = run(leaked_rows=0)
    evidence.record(leaked_rows=3)
    assert failing(evidence) == {"no leak"}
    assert evidence.measured("leaked_rows") == 3


def test_a_decision_needs_a_reason_of_its_own() -> None:
    evidence, reason = Evidence(), "it fits the card and forgets less"
    for what in ("task", "rows put back", "out of form", "use"):
        evidence.decide(what, "yes", because=reason)
    assert evidence.measured("decisions_without_reason") == 1, "the fifth was not taken"
    for poor in ("", "why not", "yes yes yes yes yes", "よいから", "はいはいはいはいはいはい"):
        assert evidence.decide("method", "lora", because=poor) == "lora"
        assert evidence.measured("decisions_without_reason") == 1, poor
    evidence.decide("method", "lora", because=reason)
    assert evidence.measured("decisions_without_reason") == 0
    evidence.decide("method", "lora", because="カードに収まり、忘れることも少ないから")
    assert evidence.measured("decisions_without_reason") == 0
    evidence.decide("epochs", 4, because="why not")
    assert evidence.measured("decisions_without_reason") == 1, "of six"


def test_a_measure_must_be_a_number() -> None:
    value: Any = "fine"
    with pytest.raises(CourseError, match="gain_low is 'fine'"):
        Evidence().record(gain_low=value)


def test_evidence_is_saved_with_its_decisions(tmp_path: Path) -> None:
    evidence = run()
    evidence.decide("use", "beside a person", because="wrong answers look as sure as right ones")
    saved = json.loads(evidence.save(tmp_path / "evidence.json").read_text("utf-8"))
    assert saved["decisions"][0]["choice"] == "beside a person"
    assert [entry["measure"] for entry in saved["measures"]][:2] == list(BEFORE)[:2]


def test_the_same_weights_count_once_and_others_are_counted(tmp_path: Path) -> None:
    import torch

    ledger = tmp_path / "tested.txt"
    first = {"a": torch.ones(3), "b": torch.zeros(2)}
    assert times_tested(ledger, first) == 1
    assert times_tested(ledger, dict(reversed(first.items()))) == 1
    assert times_tested(ledger, {**first, "b": torch.full((2,), 1e-6)}) == 2
    assert times_tested(ledger, first) == 2
