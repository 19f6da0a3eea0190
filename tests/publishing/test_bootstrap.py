"""The first cell: nothing elsewhere, the whole course on Colab and Kaggle, torch never moved."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest

from course_lib.errors import CourseError
from course_lib.publishing import hosted, launch
from course_lib.publishing.bootstrap import CELL, REPOSITORY
from course_lib.publishing.launch import badges_of, readme_with_badges, with_launch


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """The commands that were started; none of them really is."""
    commands: list[list[str]] = []

    def note(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    for name in list(os.environ):
        if name.startswith(("COLAB_", "KAGGLE_", "COURSE_REPOSITORY")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(subprocess, "run", note)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    return commands


def test_elsewhere_the_cell_does_nothing(ran: list[list[str]], tmp_path: Path) -> None:
    path = list(sys.path)
    exec(CELL, {})
    assert ran == []
    assert sys.path == path
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("variable", ["COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE"])
def test_on_a_hosted_image_it_fetches_and_installs(
    variable: str, ran: list[list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "x")
    home = str(tmp_path / "fine-tuning-course")
    exec(CELL, {})
    assert ran[0] == ["git", "clone", "--depth=1", REPOSITORY, home]
    assert ran[1][:3] == [sys.executable, "-m", "course_lib.publishing.hosted"]
    assert "subprocess" in ran[1], "it says what the kernel has loaded"
    assert sys.path[0] == home
    Path(home).mkdir()
    ran.clear()
    exec(CELL, {})
    assert len(ran) == 1, "fetched once, not again when the cell is run again"


def test_the_install_pins_what_the_image_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seen: list[str] = []

    def note(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        seen.extend(command)
        seen.append(Path(command[command.index("-c") + 1]).read_text(encoding="utf-8"))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", note)
    assert hosted.install(tmp_path) == 0
    assert str(tmp_path) in seen
    pinned = seen[-1].splitlines()
    assert f"torch=={version('torch')}" in pinned
    assert f"numpy=={version('numpy')}" in pinned


def test_beside_numpy_1_pyarrow_stays_one_that_works_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "pyarrow" not in hosted.frozen_versions()
    monkeypatch.setattr(hosted, "installed", lambda: {"numpy": "1.26.4", "torch": "2.6.0"})
    assert hosted.frozen_versions() == "torch==2.6.0\nnumpy==1.26.4\npyarrow<26\n"


def test_a_lesson_gets_its_first_cell_and_badges_once(small_lesson: Path) -> None:
    small_lesson.write_text(with_launch(small_lesson), encoding="utf-8")
    assert with_launch(small_lesson) == small_lesson.read_text(encoding="utf-8")
    cells = nbformat.read(small_lesson, as_version=4).cells
    assert cells[0].source == CELL
    assert cells[2].id == "launch"
    assert "weight = bytearray(60_000_000)" in [cell.source for cell in cells]


def test_an_older_wording_is_replaced(small_lesson: Path) -> None:
    text = with_launch(small_lesson).replace("nothing to do", "an older wording")
    small_lesson.write_text(text.replace("mybinder.org", "older.org"), encoding="utf-8")
    after = with_launch(small_lesson)
    assert "an older wording" not in after
    assert "older.org" not in after


def test_every_badge_opens_this_lesson_of_this_repository() -> None:
    file = "notebooks/ja/07_spot_overfitting.ipynb"
    name = REPOSITORY.removeprefix("https://github.com/")
    for badge in badges_of(file).values():
        found = re.fullmatch(r"\[!\[\w+\]\(data:image/svg\+xml;base64,(.+?)\)\]\((.+)\)", badge)
        assert found
        ElementTree.fromstring(base64.b64decode(found[1]))
        assert found[2].startswith("https://")
        assert name in found[2]
        assert found[2].endswith(file)


def test_lessons_and_readme_are_in_step_with_the_one_setting(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert launch.main(["--check"]) == 0, capsys.readouterr().out


def test_a_readme_without_a_place_is_refused() -> None:
    with pytest.raises(CourseError, match="no <!-- launch -->"):
        readme_with_badges("# Course", [])


def test_what_is_no_notebook_is_said(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no such file"):
        with_launch(tmp_path / "absent.ipynb")
