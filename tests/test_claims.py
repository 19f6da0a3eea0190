"""Claims: one bound each, printed with their value, remembered, strict under CI."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from course_lib import claims as ledger
from course_lib.claims import ClaimFailed, claim, claims


@pytest.fixture(autouse=True)
def _empty_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "_remembered", {})
    monkeypatch.delenv("COURSE_CLAIMS", raising=False)
    monkeypatch.setenv("COURSE_STRICT", "0")


def test_prints_the_value_beside_its_bound(capsys: pytest.CaptureFixture[str]) -> None:
    assert claim("accuracy after training", 0.94, at_least=0.8)
    assert not claim("memory in MB", 2411.0, at_most=2000)
    assert capsys.readouterr().out.splitlines() == [
        "✓ accuracy after training: 0.94 (at least 0.8)",
        "✗ memory in MB: 2,411 (at most 2,000)",
    ]


def test_a_minus_zero_is_a_zero(capsys: pytest.CaptureFixture[str]) -> None:
    claim("what was lost (share)", -0.0, at_most=0.1)
    assert capsys.readouterr().out == "✓ what was lost (share): 0 (at most 0.1)\n"


def test_remembers_in_order_and_the_last_measurement_wins() -> None:
    claim("first", 1, at_least=2)
    claim("second", 1, at_most=2)
    claim("first", 3, at_least=2)
    claim("small", 1.2345678e-7, at_most=1)
    frame = claims()
    assert frame.columns.tolist() == ["statement", "value", "threshold", "held"]
    assert frame["statement"].tolist() == ["first", "second", "small"]
    assert frame["value"].tolist() == ["3", "1", "1.235e-07"]
    assert frame["threshold"].tolist() == ["at least 2", "at most 2", "at most 1"]
    assert frame["held"].all()


def test_no_claims_yet_is_an_empty_table() -> None:
    assert claims().empty


@pytest.mark.parametrize(("variable", "value"), [("COURSE_STRICT", "1"), ("CI", "true")])
def test_a_broken_claim_fails_a_strict_run(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COURSE_STRICT")
    monkeypatch.setenv(variable, value)
    assert claim("holds", 1, at_least=1)
    with pytest.raises(ClaimFailed, match=r"breaks: 0 \(at least 1\)"):
        claim("breaks", 0, at_least=1)


def test_not_a_number_never_holds() -> None:
    assert not claim("lost", math.nan, at_least=0)
    assert not claim("lost too", math.nan, at_most=0)


@pytest.mark.parametrize("bounds", [{}, {"at_least": 1.0, "at_most": 2.0}])
def test_exactly_one_bound(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        claim("vague", 1, **bounds)


def test_writes_each_claim_down_as_valid_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "claims.jsonl"
    monkeypatch.setenv("COURSE_CLAIMS", str(path))
    claim("精度", 0.5, at_least=0.4)
    claim("lost", math.nan, at_most=1)
    first, second = (json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())
    assert first == {
        "statement": "精度", "value": 0.5, "bound": "at least", "threshold": 0.4, "held": True,
    }  # fmt: skip
    assert (second["value"], second["held"]) == (None, False)
