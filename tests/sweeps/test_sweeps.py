"""The sweep of lesson 08: its plan, its shipped table, and one of its runs made again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from course_lib.errors import CourseError
from course_lib.sweeps import command
from course_lib.sweeps.knobs import Knobs, training_rows
from course_lib.sweeps.plan import START, STUDIES, TRIALS, Planned, plan
from course_lib.sweeps.search import FRESH, SCREEN, SEARCH, as_study, search, tried, winner
from course_lib.sweeps.table import COLUMNS, bands, knobs_of, paired_by_seed, read
from course_lib.yamabiko.facts import facts
from course_lib.yamabiko.threads import value_threads


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return read()


def test_the_shipped_table_holds_the_plan_and_nothing_else(table: pd.DataFrame) -> None:
    wanted = [planned for study in STUDIES for planned in plan(study)]
    for contest in (SEARCH, SCREEN):
        chosen = winner(tried(table, contest))
        wanted += [Planned(f"winner of the {contest}", chosen, seed) for seed in FRESH]
    rows = table[table["study"] != SEARCH].to_dict("records")
    found = [Planned(row["study"], knobs_of(row), row["seed"]) for row in rows]
    assert sorted(found, key=str) == sorted(wanted, key=str)
    assert [*table.columns] == COLUMNS
    assert table.loc[table["study"] == SEARCH, "trial"].tolist() == list(range(TRIALS))
    assert len(tried(table, SCREEN)) == TRIALS


def test_one_row_of_the_table_comes_out_again(table: pd.DataFrame) -> None:
    planned = Planned("epochs", Knobs(epochs=1), 0)
    assert planned in plan("epochs")
    [again] = command.train(planned)
    rows = table[(table["study"] == "epochs") & (table["epochs"] == 1) & (table["seed"] == 0)]
    shipped = rows.iloc[0]
    assert again["trained_steps"] == shipped["trained_steps"] == 10
    for figure in ("validation_loss", "test_loss"):
        # Other processors add their sums in another order; the lesson allows as much.
        assert again[figure] == pytest.approx(shipped[figure], abs=0.05)
    assert again["test_right"] == pytest.approx(shipped["test_right"], abs=0.05)


def test_a_sweep_goes_on_where_it_was_cut_off(tmp_path: Path, table: pd.DataFrame) -> None:
    path = tmp_path / "knobs.csv"
    ranks = table[table["study"] == "rank"]
    ranks.iloc[2:].to_csv(path, index=False)
    asked = command._missing("rank", read(path))
    assert asked == [
        Planned("rank", knobs_of(row), row["seed"]) for _, row in ranks.iloc[:2].iterrows()
    ]
    ranks.to_csv(path, index=False)
    assert command.main(["--only", "rank", "--out", str(path)]) == 0
    assert len(read(path)) == len(ranks)


def test_an_unknown_study_and_a_missing_table_are_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no study rnak: take start"):
        command.main(["--only", "rnak"])
    with pytest.raises(CourseError, match="no winners yet"):
        command._missing("winners", None)
    with pytest.raises(CourseError, match="python -m course_lib sweep"):
        read(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("knobs", "told"),
    [
        (Knobs(method="lore"), "no method 'lore'"),
        (Knobs(targets="v"), "no targets 'v'"),
    ],
)
def test_knobs_that_do_not_exist_are_told(knobs: Knobs, told: str) -> None:
    with pytest.raises(CourseError, match=told):
        knobs.lora()


def test_more_rows_than_there_are_is_told() -> None:
    with pytest.raises(CourseError, match="80 rows, not 81"):
        training_rows(Knobs(rows=81), seed=0)
    with pytest.raises(CourseError, match="no source 'mail'"):
        training_rows(Knobs(source="mail"), seed=0)


def test_threads_treat_policies_alike_and_tell_true_values() -> None:
    rows = value_threads(48, seed=1)
    values = {fact.id: fact.value for fact in facts()}
    assert {row["fact"] for row in rows[:16]} == {fact.id for fact in facts() if fact.learn}
    assert all(row["messages"][1]["content"] == values[row["fact"]] for row in rows)
    assert value_threads(10, seed=1) == rows[:10]
    assert value_threads(10, seed=2) != rows[:10]


def test_losses_are_averaged_in_logarithms() -> None:
    runs = pd.DataFrame({"rank": [1, 1, 2], "test_loss": [1.0, 4.0, 3.0]})
    found = bands(runs, "rank")
    assert found.loc[1, "mean"] == pytest.approx(2.0)
    assert 0 < found.loc[1, "low"] < 2 < found.loc[1, "high"]
    assert found.loc[2, "low"] == pytest.approx(found.loc[2, "high"])


def test_an_interval_of_shares_is_student_s() -> None:
    runs = pd.DataFrame({"rank": [1, 1, 1], "test_right": [0.4, 0.5, 0.6]})
    found = bands(runs, "rank", "test_right").loc[1]
    # t(0.975, 2) = 4.303, standard error 0.1 / √3.
    assert found["high"] - found["mean"] == pytest.approx(4.303 * 0.1 / math.sqrt(3), abs=1e-3)


def test_seeds_are_paired_by_number_and_not_by_place() -> None:
    before = pd.DataFrame({"seed": [0, 1, 2], "test_right": [0.1, 0.5, 0.9]})
    after = pd.DataFrame({"seed": [2, 1, 0, 7], "test_right": [1.0, 0.6, 0.2, 0.0]})
    assert paired_by_seed(before, after, "test_right") == pytest.approx((0.1, 0.1, 0.1))
    with pytest.raises(CourseError, match="at least two"):
        paired_by_seed(before, after.iloc[:1], "test_right")


def test_a_search_follows_its_validation_loss_and_its_seed() -> None:
    def score(knobs: Knobs) -> dict[str, Any]:
        return {"learning_rate": knobs.learning_rate, "validation_loss": knobs.rank}

    found = search(score, seed=3, trials=5)
    assert len(found) == 5
    assert found == search(score, seed=3, trials=5)
    assert found != search(score, seed=4, trials=5)


def test_the_winner_is_chosen_by_validation_alone(table: pd.DataFrame) -> None:
    runs = tried(table, SEARCH)
    assert winner(runs) == knobs_of(runs.loc[runs["validation_loss"].idxmin()])
    flipped = runs.assign(test_loss=runs["test_loss"].iloc[::-1].to_numpy())
    assert winner(flipped) == winner(runs)


def test_past_runs_become_trials(table: pd.DataFrame) -> None:
    runs = table[table["study"].isin(["start", "learning rate"])]
    study = as_study(runs)
    assert len(study.trials) == len(runs)
    assert math.exp(study.best_value) == pytest.approx(runs["validation_loss"].min())
    assert study.trials[0].params["rank"] == START.rank
