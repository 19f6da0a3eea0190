"""The recorded sweep: whole, in order, and a run of it comes out again."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from course_lib.runtime import data_path, detect
from course_lib.training.forgetting_sweep import (
    SEEDS,
    Setting,
    main,
    product_line,
    read,
    run,
    settings,
)
from course_lib.yamabiko import load

LINES = [
    json.loads(line)
    for line in (data_path("sweeps") / "forgetting.jsonl").read_text("utf-8").splitlines()
]


def recorded(setting: Setting) -> dict[str, object]:
    wanted = asdict(setting)
    return next(line for line in LINES if all(line[name] == wanted[name] for name in wanted))


def test_the_file_holds_every_setting_in_order() -> None:
    names = list(asdict(Setting("rate", "lora", 1e-3)))
    assert [{name: line[name] for name in names} for line in LINES] == [
        asdict(setting) for setting in settings()
    ]


def test_one_experiment_does_not_take_the_place_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--only", "domain"])
    assert "would hold 'domain' alone: give another file" in capsys.readouterr().err


def test_every_question_has_its_mark() -> None:
    for line in LINES:
        assert len(line["value"]) == len(line["style"]) == len(load("faq_test"))
        assert set(line["value"] + line["style"]) <= {"0", "1"}
        assert len(line["probes"]) == len(load("general"))
        assert set(line["probes"]) <= {"r", "c", "g"}


def test_shares_are_those_of_the_marks() -> None:
    table = read()
    assert np.allclose(table["kept"], [line["probes"].count("r") / 216 for line in LINES])
    assert np.allclose(table["kept"], (5 * table["kept_shown"] + 4 * table["kept_unshown"]) / 9)
    both = [
        np.mean([v == s == "1" for v, s in zip(line["value"], line["style"], strict=True)])
        for line in LINES
    ]
    # The mean over both product lines is the mean of their means: each has half of the questions.
    values = [line["value"].count("1") / len(line["value"]) for line in LINES]
    assert (table["new_value"] / 2 <= np.array(values) + 1e-9).all()
    assert np.allclose(table["styled"], [line["style"].count("1") / 64 for line in LINES])
    assert (table["learned"] <= 2 * np.array(both)).all()


def test_the_two_lines_share_no_row() -> None:
    rows = load("faq_train")
    first, second = (set(product_line(rows, orders=orders)["fact"]) for orders in (True, False))
    assert len(first) == len(second) == 8
    assert not first & second


def test_a_run_comes_out_as_recorded() -> None:
    setting = next(s for s in settings() if not s.orders and s.seed == SEEDS[0])
    again, told = run(setting, detect()), recorded(setting)
    assert again["steps"] == told["steps"]
    for marks in ("value", "style", "probes"):
        # Sums are added up in another order on another processor, and a close call may turn.
        pairs = zip(again[marks], str(told[marks]), strict=True)
        assert np.mean([one == other for one, other in pairs]) >= 0.9
    # The same share of agreement with any run would say nothing: another rate's run is far off.
    other = recorded(Setting("rate", "lora", 6e-3, seed=SEEDS[0]))
    apart = zip(again["probes"], str(other["probes"]), strict=True)
    assert np.mean([one == two for one, two in apart]) < 0.9
