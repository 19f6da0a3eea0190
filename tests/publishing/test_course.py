"""Running lessons: seconds, memory, claims, pages; a broken lesson does not stop the course."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.errors import CourseError
from course_lib.publishing import running
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


def test_lessons_side_by_side_with_several_seeds_fill_the_table_of_claims(
    small_lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeded = tmp_path / "01_seeded.ipynb"
    source = (
        "import os\n"
        "from course_lib import claim, seed\n"
        "claim('seed', seed(), at_least=1)\n"
        "claim('computing threads', int(os.environ['OMP_NUM_THREADS']), at_most=1)"
    )
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), seeded)
    build, table = tmp_path / "build", tmp_path / "claims"
    arguments = [str(small_lesson), str(seeded), "--seeds", "0", "4", "--jobs", "2"]
    arguments += ["--claims", str(table), "--out", str(build), "--json"]
    assert main(arguments) == 1, "with seed 0 a claim fails"
    lessons = json.loads(capsys.readouterr().out)["notebooks"]
    assert [(lesson["name"], lesson["seed"]) for lesson in lessons] == [
        ("00_small", 0), ("01_seeded", 0), ("00_small", 4), ("01_seeded", 4),
    ]  # fmt: skip
    assert [lesson["claims"][0]["value"] for lesson in lessons[1::2]] == [0, 4]
    assert (build / "course" / "01_seeded.html").exists()
    assert (build / "course" / "seed_4" / "01_seeded.html").exists()
    page = (table / "README.md").read_text(encoding="utf-8")
    assert "| seed | at least 1 | 0 | 0 – 4 | **no** (seed 0) |" in page
    assert "| two is enough | at least 1 | 2 | 2 | yes |" in page

    # A run renews its own lesson and seed; what is no lesson of the course goes with the next run.
    assert main([str(seeded), "--claims", str(table), "--seeds", "0", "--out", str(build)]) == 1
    capsys.readouterr()
    record = json.loads((table / "measured.json").read_text(encoding="utf-8"))
    assert set(record) == {"01_seeded"}, "a lesson that the course does not have is forgotten"
    assert set(record["01_seeded"]) == {"0", "4"}


def test_a_wrong_path_and_a_file_that_is_no_notebook(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no such file"):
        main([str(tmp_path / "absent.ipynb")])
    empty = tmp_path / "empty.ipynb"
    empty.touch()
    with pytest.raises(CourseError, match="not a notebook"):
        main([str(empty), "--out", str(tmp_path)])
    (tmp_path / "measured.json").write_text("nonsense", encoding="utf-8")
    with pytest.raises(CourseError, match="not a record of measured claims"):
        main([str(empty), "--claims", str(tmp_path), "--out", str(tmp_path)])


@pytest.mark.parametrize("numbers", [("--jobs", "0"), ("--seeds", "1", "-1")])
def test_numbers_that_make_no_sense_are_refused(
    small_lesson: Path, numbers: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(CourseError, match=numbers[0]):
        main([str(small_lesson), *numbers, "--out", str(tmp_path)])


def test_pages_that_processes_share_are_counted_once() -> None:
    command = [sys.executable, "-c", "import numpy; print('ready', flush=True); input()"]
    pipe = subprocess.PIPE
    family = [subprocess.Popen(command, stdin=pipe, stdout=pipe) for _ in range(3)]
    for process in family:
        assert process.stdout is not None
        process.stdout.readline()
    try:
        here = psutil.Process()
        everybody = [here, *here.children(recursive=True)]  # other tests may have left some
        counts = [process.memory_info() for process in everybody]
        shared = psutil.Process(family[0].pid).memory_info()
        held = running._resident(os.getpid())
        assert max(count.rss for count in counts) < held
        if hasattr(shared, "shared"):  # Linux
            assert held < sum(count.rss for count in counts) - shared.shared
    finally:
        for process in family:
            process.kill()
            process.communicate()
