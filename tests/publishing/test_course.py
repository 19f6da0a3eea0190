"""Running lessons: seconds, memory, claims, pages; a broken lesson does not stop the course."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.errors import CourseError
from course_lib.publishing.course import main


def test_a_lesson_is_run_measured_and_written_down(
    small_lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = small_lesson.read_bytes()
    assert main([str(small_lesson), "--out", str(tmp_path / "build")]) == 0
    assert "00_small" in capsys.readouterr().out

    record = json.loads((tmp_path / "build" / "course.json").read_text(encoding="utf-8"))
    (lesson,) = record["notebooks"]
    assert lesson["name"] == "00_small"
    assert 0 < lesson["seconds"] <= record["seconds"]
    assert 60 < lesson["peak_mb"] < 2000
    assert lesson["claims"] == [
        {
            "statement": "two is enough", "value": 2.0, "bound": "at least", "threshold": 1.0,
            "held": True,
        }
    ]  # fmt: skip
    page = (tmp_path / "build" / "course" / "00_small.html").read_text(encoding="utf-8")
    assert "two is enough: 2 (at least 1)" in page
    assert not re.search(r"""(src|href)=["']?https?:""", page), "the page needs the network"
    assert small_lesson.read_bytes() == before


def test_a_broken_lesson_and_a_broken_claim_are_reported_and_the_rest_goes_on(
    small_lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "01_broken.ipynb"
    cells = [
        new_code_cell("from course_lib.claims import claim\nclaim('pigs fly', 0, at_least=1)"),
        new_code_cell("1 / 0"),
        new_code_cell("claim('never reached', 1, at_least=1)"),
    ]
    nbformat.write(new_notebook(cells=cells), broken)
    arguments = [str(broken), str(small_lesson), "--out", str(tmp_path / "build"), "--json"]
    assert main(arguments) == 1
    first, second = json.loads(capsys.readouterr().out)["notebooks"]
    assert first["error"] == "ZeroDivisionError: division by zero"
    assert [claim["held"] for claim in first["claims"]] == [False]
    assert second["error"] is None
    page = (tmp_path / "build" / "course" / "01_broken.html").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in page


def test_a_wrong_path_and_a_file_that_is_no_notebook(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no such file"):
        main([str(tmp_path / "absent.ipynb")])
    empty = tmp_path / "empty.ipynb"
    empty.touch()
    with pytest.raises(CourseError, match="not a notebook"):
        main([str(empty), "--out", str(tmp_path)])
