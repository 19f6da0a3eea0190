"""The first cell: nothing elsewhere, the whole course on Colab and Kaggle, torch never moved."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat
import pytest

from course_lib.errors import CourseError
from course_lib.publishing import bootstrap, hosted
from course_lib.publishing.bootstrap import CELL, REPOSITORY, write


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
    assert ran[1] == [sys.executable, "-m", "course_lib.publishing.hosted"]
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


def test_written_once_then_left_alone(small_lesson: Path) -> None:
    assert write(small_lesson)
    assert not write(small_lesson)
    notebook = nbformat.read(small_lesson, as_version=4)
    assert notebook.cells[0].source == CELL
    assert len(notebook.cells) == 5


def test_an_older_wording_is_replaced(small_lesson: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "CELL", "# an older wording")
    write(small_lesson)
    monkeypatch.undo()
    assert write(small_lesson)
    sources = [cell.source for cell in nbformat.read(small_lesson, as_version=4).cells]
    assert sources[0] == CELL
    assert "# an older wording" not in sources


def test_what_is_no_notebook_is_said(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no such file"):
        write(tmp_path / "absent.ipynb")
