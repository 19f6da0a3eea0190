"""The file of lesson 11's sweep is what its command writes."""

from __future__ import annotations

from pathlib import Path

from course_lib.runtime import Runtime, data_path
from course_lib.training import preference_sweep as sweep


def test_the_file_holds_every_run_once() -> None:
    named = [(setting.experiment, setting.name) for setting in sweep.settings()]
    kept = [(row["experiment"], row["name"]) for row in sweep.read_sweep() if row["seed"] == 0]
    assert kept == named
    assert all(len(row["right"]) == 32 for row in sweep.read_sweep())
    assert sweep.sweep_table()["skills"].between(0, 1).all()


def test_dpo_from_the_base_sees_as_many_rows_as_sft_and_dpo() -> None:
    pair_rows = 2 * len(sweep.pairs_about("train"))
    one = next(one for one in sweep.settings() if one.name == "DPO from the base")
    both = (
        len(sweep.agent_rows(0)) * sweep.SFT["num_train_epochs"]
        + pair_rows * sweep.DPO["num_train_epochs"]
    )
    assert abs(pair_rows * one.dpo["num_train_epochs"] - both) < pair_rows


def test_the_file_was_written_with_these_settings() -> None:
    kept = {
        (row["experiment"], row["name"]): (row["steps"], row["dpo"]) for row in sweep.read_sweep()
    }
    for one in sweep.settings():
        assert kept[one.experiment, one.name] == (list(one.steps), dict(one.dpo))


def test_a_run_again_gives_what_the_file_says(cpu: Runtime, tmp_path: Path) -> None:
    setting = next(one for one in sweep.settings() if one.name == "SFT on all answers")
    kept = next(row for row in sweep.read_sweep() if row["name"] == setting.name)
    again = sweep.run(setting, 0, cpu, tmp_path)
    # Another processor rounds otherwise, which may turn a question or two.
    for mark in ("right", "good", "thanks"):
        differ = sum(a != b for a, b in zip(again[mark], kept[mark], strict=True))
        assert differ <= 4, mark
    assert abs(again["tokens"] - kept["tokens"]) < 4
    assert abs(again["skills"] - kept["skills"]) < 0.1


def test_a_sweep_that_was_stopped_goes_on(cpu: Runtime, tmp_path: Path) -> None:
    copy = tmp_path / "preferences.jsonl"
    copy.write_bytes((data_path("sweeps") / "preferences.jsonl").read_bytes())
    assert list(sweep.sweep(copy, cpu)) == []


def test_thanks_stand_on_the_longer_side() -> None:
    for balanced, share in ((False, 1.0), (True, 0.5)):
        pairs = sweep.thanking_pairs(balanced=balanced)
        longer = [
            len(pair["chosen"][0]["content"]) > len(pair["rejected"][0]["content"])
            for pair in pairs
        ]
        assert sum(longer) / len(pairs) == share
