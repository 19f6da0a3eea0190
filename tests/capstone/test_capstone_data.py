"""The capstone's files are what the code writes, and hold what the keys say."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from course_lib.capstone import clauses, headlines, track
from course_lib.capstone.__main__ import main
from course_lib.cleaning import clean
from course_lib.cleaning.contamination import contamination
from course_lib.errors import CourseError
from course_lib.evaluation import prompts, references
from course_lib.evaluation.answer_form import answer_form
from course_lib.formats import read
from course_lib.rubric import Evidence, rubric
from course_lib.runtime import data_path


def planted(name: str) -> dict[int, list[str]]:
    lines = data_path("capstone", f"{name}_key.jsonl").read_text("utf-8").splitlines()
    return {row["line"]: row["kinds"] for row in map(json.loads, lines)}


def test_regenerates_byte_for_byte(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    fresh = {path.name: path.read_bytes() for path in (tmp_path / "capstone").iterdir()}
    committed = {path.name: path.read_bytes() for path in data_path("capstone").iterdir()}
    assert sorted(fresh) == sorted(committed)
    for name, content in fresh.items():
        assert content == committed[name], name
        assert b"\r" not in content, name


def test_a_folder_that_cannot_be_written_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    assert main(["--out", str(tmp_path / "data")]) == 2
    assert "Cannot write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "plan"), [("headlines", headlines.PLAN), ("clauses", clauses.PLAN)]
)
def test_the_key_names_every_planted_row(name: str, plan: dict[str, int]) -> None:
    counted = Counter(kind for kinds in planted(name).values() for kind in kinds)
    # Both rows of a pair are named.
    twice = {"duplicate", "near_duplicate", "second_opinion"}
    assert counted == {kind: n * (2 if kind in twice else 1) for kind, n in plan.items()}


def test_the_two_exports_differ_in_format_and_encoding() -> None:
    calls, filed = read(track("headlines").file), read(track("clauses").file)
    assert (calls.format, calls.encoding) == ("csv", "cp1252")
    assert (filed.format, filed.encoding) == ("prompt_completion", "utf-8")


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("headlines", {"leak": "contamination", "second_opinion": "contradiction"}),
        ("headlines", {"empty_label": "empty"}),
        ("clauses", {"leak": "contamination", "second_opinion": "contradiction"}),
        ("clauses", {"broken_json": "json", "empty_answer": "empty"}),
    ],
)
def test_the_cleaner_finds_what_rules_can_find(name: str, rules: dict[str, str]) -> None:
    chosen = track(name)
    rejected = clean(chosen.file, test=chosen.test).rejected
    by_line = dict(zip(rejected["line"], rejected["rule"], strict=True))
    for kind, rule in rules.items():
        lines = [line for line, kinds in planted(name).items() if kind in kinds]
        assert [by_line.get(line) for line in lines] == [rule] * len(lines), kind


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("headlines", {"misspelt_label"}),
        ("clauses", {"truncated_answer", "unsupported_value", "wrong_party"}),
    ],
)
def test_the_form_finds_the_rest_and_no_sound_row(name: str, kinds: set[str]) -> None:
    kept = clean(track(name).file).kept
    questions = [conversation[-1]["content"] for conversation in prompts(kept)]
    form = answer_form(questions, references(kept))
    pairs = zip(kept["line"], questions, references(kept), strict=True)
    faulty = {line for line, question, answer in pairs if form.fault(answer, question)}
    left = {line for line in kept["line"] if kinds & set(planted(name).get(line, []))}
    assert faulty == left
    assert left


def test_a_run_that_forgets_to_name_the_test_loses_its_points() -> None:
    chosen = track("headlines")
    test = read(str(chosen.test))
    marks = {}
    for named in (chosen.test, None):
        evidence = Evidence()
        kept = clean(chosen.file, test=named).kept
        evidence.record(leaked_rows=len(contamination(kept, test)))
        marks[named] = rubric(evidence).set_index("criterion").loc["no leak", "points"]
    assert marks == {chosen.test: 10, None: 0}


def test_the_desk_rule_and_the_wordings_of_the_test() -> None:
    rows = headlines.held_out_rows()
    assert {row["label"] for row in rows} == set(headlines.CALLS)
    assert all((row["decided_by"] == "rumour") == (row["label"] == "wait") for row in rows)
    trained = " ".join(entry.fields["headline"] for entry in headlines.export())
    assert "stands by its forecast" not in trained
    assert Counter(row["wording"] for row in rows) == {"known": 90, "new": 30}


def test_a_clause_names_who_is_bound() -> None:
    for row in clauses.held_out_rows():
        said = json.loads(row["completion"])
        assert said["party"] in row["prompt"]
        assert said["value"] in row["prompt"]
        assert said["kind"] in clauses.KINDS


def test_tracks_that_do_not_exist_are_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="headlines, clauses, own"):
        track("recipes")
    with pytest.raises(CourseError, match="no such file"):
        track("own", tmp_path / "mine.csv")
    (tmp_path / "mine.csv").write_text("question,answer\nWhen?,Now.\n")
    assert track("own", tmp_path / "mine.csv").test is None
