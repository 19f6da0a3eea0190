"""What a learner has solved: kept in one file, never lost, never in the way."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path

import pytest

from course_lib.exercises import check, lesson_progress, progress
from course_lib.exercises.record import remember, remember_quiz


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "mine" / "progress.json"
    monkeypatch.setenv("COURSE_PROGRESS", str(path))
    return path


def test_what_was_solved_is_counted_and_stays_solved(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert progress()["solved"].sum() == 0
    check("accumulation", 17)
    check("accumulation", 16)
    check("accumulation", 17)
    table = progress()
    assert table.loc["06", "solved"] == 1
    assert table["solved"].sum() == 1
    entry = json.loads(file.read_text(encoding="utf-8"))["exercises"]["accumulation"]
    assert entry == {"lesson": "06", "tries": 2, "solved": True}
    capsys.readouterr()
    lesson_progress("06")
    said = capsys.readouterr().out
    assert f"Lesson 06: 1 of {table.loc['06', 'of']} exercises solved." in said
    assert "accumulation" not in said
    assert "dtype_of_a_t4" in said


def test_an_unattempted_exercise_leaves_no_trace(file: Path) -> None:
    check("accumulation", ...)
    assert not file.exists()


def test_the_best_go_at_a_quiz_counts(file: Path) -> None:
    for right in (2, 4, 3):
        remember_quiz("06", right)
    assert progress().loc["06", "quiz"] == 4


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"exercises": 3, "quizzes": {}}', '{"quizzes": {}}']
)
def test_a_file_that_cannot_be_read_is_put_aside_whole(
    file: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file.parent.mkdir()
    file.write_text(text, encoding="utf-8")
    check("accumulation", 16)
    assert "kept as progress.unreadable.json" in capsys.readouterr().out
    assert file.with_name("progress.unreadable.json").read_text(encoding="utf-8") == text
    assert progress().loc["06", "solved"] == 1


def test_where_nothing_can_be_written_the_check_still_speaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "file" / "progress.json"))
    check("accumulation", 16)
    said = capsys.readouterr().out
    assert "✓ accumulation: right." in said
    assert "could not be written down" in said


def _solve(name: str) -> None:
    remember("06", name, solved=True)


def test_notebooks_open_at_the_same_time_lose_nothing(file: Path) -> None:
    names = [f"exercise_{number}" for number in range(40)]
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(_solve, names)
    assert set(json.loads(file.read_text(encoding="utf-8"))["exercises"]) == set(names)


def test_a_second_unreadable_file_does_not_replace_the_first(file: Path) -> None:
    file.parent.mkdir()
    for text in ("first {", "second {", '{"exercises": {"accumulation": 1}, "quizzes": {}}'):
        file.write_text(text, encoding="utf-8")
        check("accumulation", 16)
    kept = {each.read_text(encoding="utf-8") for each in file.parent.glob("*unreadable*")}
    assert {"first {", "second {"} < kept
    assert len(kept) == 3
