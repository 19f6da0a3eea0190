"""report.html: all that the next person needs, on one page that asks for nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from course_lib.cleaning import CleaningReport, clean
from course_lib.cleaning.command import main
from course_lib.cleaning.data_card import data_card, training_time
from course_lib.cleaning.rule import chat
from course_lib.errors import CourseError
from course_lib.formats import write_jsonl
from course_lib.memory import plan

COST = pd.Series(
    {"rows": 1000, "tokens": 120_000, "trained": 60_000, "share_trained": 0.5, "total": 360_000.0}
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> CleaningReport:
    rows: list[Any] = [
        {"messages": chat("Where is the <b>tent</b> of mina@example.com?", "It is in the box.")},
        {"messages": chat("テントはどこにありますか。", "箱の中にあります。")},
        {"messages": chat("How do I fold the tent when it is wet?", "")},
    ]
    return clean(write_jsonl(rows, tmp_path_factory.mktemp("card") / "t.jsonl"))


def test_hours_follow_from_the_plan_and_grow_with_the_tokens() -> None:
    found = training_time(COST, "Qwen2.5-1.5B-Instruct")
    planned = plan("Qwen2.5-1.5B-Instruct", "t4", seq_len=120, batch=4, accumulation=2)
    assert found["hours"] == pytest.approx(375 * planned.seconds_per_step / 3600)
    assert (found["low"] * 2, found["high"] / 2) == (found["hours"], found["hours"])
    twice = training_time(COST * 2, "Qwen2.5-1.5B-Instruct")  # twice the rows
    assert twice["hours"] == pytest.approx(2 * found["hours"])
    assert training_time(COST, "Qwen2.5-1.5B-Instruct", "a100-80")["hours"] < found["hours"]
    with pytest.raises(CourseError):
        training_time(COST, "no-such-model")


def test_the_card_tells_counts_languages_lengths_masks_and_costs(report: CleaningReport) -> None:
    card = data_card(report, COST, model="Qwen/Qwen3-0.6B", prices=(3,))
    for text in (
        "<dt>rows in</dt><dd>3</dd>",
        "<dt>kept</dt><dd>2</dd>",
        "English",
        "Japanese",
        "Length in characters",
        "[EMAIL]",
        "<b>120,000</b> tokens, 50% of them answers that are trained",
        "<b>360,000</b> tokens",
        "<td class='number'>3.00</td><td class='number'>1.08</td>",
        "factor of 2",
    ):
        assert text in card, text
    assert card.index("Qwen/Qwen3-0.6B") < card.index("Qwen/Qwen2.5-0.5B-Instruct")
    assert "mina@example.com" not in card
    assert "costs" not in data_card(report)


def test_a_model_that_the_planner_does_not_know_is_said_to_be(report: CleaningReport) -> None:
    card = data_card(report, COST, model="somebody/else")
    assert "cannot be told" in card
    assert "Qwen/Qwen2.5-7B-Instruct" in card


def test_labels_have_their_balance(tmp_path: Path) -> None:
    rows = [
        {"messages": chat(f"Headline number {n}", "good" if n % 4 else "bad")} for n in range(40)
    ]
    card = data_card(clean(write_jsonl(rows, tmp_path / "t.jsonl"), rules=["html"]))
    assert "Balance of the labels" in card
    assert "<td class='name'>good</td><td class='number'>30</td><td class=''>75%</td>" in card


def test_the_command_gives_the_hours_of_the_model_that_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_jsonl([{"messages": chat("Where is it?", "In the box.")}], tmp_path / "t.jsonl")
    assert main([str(path), "--out", str(tmp_path / "out"), "--model", "pocket"]) == 0
    capsys.readouterr()
    card = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "<td class='name'>pocket</td>" in card
    assert "cannot be told" not in card


@pytest.mark.parametrize("width", [1200, 420])
def test_the_page_fits_the_screen_and_asks_for_nothing(
    width: int, report: CleaningReport, tmp_path: Path, browser: Any
) -> None:
    path = report.save(tmp_path, cost=COST, model="Qwen/Qwen3-0.6B") / "report.html"
    page = browser.new_page(viewport={"width": width, "height": 800})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h2").count() >= 6
    page.close()
