"""A translation that no longer says what the English says is found, by the name of its cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.errors import CourseError
from course_lib.publishing import translations
from course_lib.publishing.bootstrap import CELL
from course_lib.publishing.running import read_notebook


def english() -> Any:
    cells = [
        new_code_cell(CELL, id="bootstrap"),
        new_markdown_cell("# A lesson", id="00-001"),
        new_code_cell("weight = 1", id="00-002"),
    ]
    for cell in cells:
        cell.metadata = {"slideshow": {"slide_type": "slide"}, "speaker_notes": "Greet them."}
    cells[0].metadata["tags"] = ["bootstrap"]
    return new_notebook(cells=cells)


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """An English lesson on disk, and its translation, whole."""
    monkeypatch.setattr(translations, "ROOT", tmp_path)
    source = tmp_path / "notebooks" / "00_small.ipynb"
    source.parent.mkdir()
    nbformat.write(english(), source)
    target = source.parent / "ja" / source.name
    translations.write(english(), target)
    notebook = read_notebook(target)
    for cell in notebook.cells:
        cell.metadata["speaker_notes"] = "あいさつをします。"
    notebook.cells[1].source = "# レッスン"
    nbformat.write(notebook, target)
    translations.mark(target, ["bootstrap", "00-001", "00-002"])
    return source, target


def test_a_whole_translation_passes_and_speaks_japanese(pair: tuple[Path, Path]) -> None:
    source, target = pair
    assert translations.check(read_notebook(source), target) == []
    notebook = read_notebook(target)
    assert notebook.metadata.lang == "ja"
    assert 'os.environ["COURSE_LANGUAGE"] = "ja"' in notebook.cells[0].source
    compile(notebook.cells[0].source, "first cell", "exec")
    assert notebook.cells[2].source == "weight = 1"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda cells: cells[1].update(source="# Another lesson"), "00-001: stale"),
        (lambda cells: cells[1].metadata.update(speaker_notes="Wave."), "00-001: stale"),
        (lambda cells: cells[2].metadata.update(speaker_notes="Wave."), "00-002: stale"),
        (lambda cells: cells[2].update(source="weight = 2"), "00-002: its code differs"),
        (lambda cells: cells.append(new_markdown_cell("New.", id="00-003")), "00-003: missing"),
        (lambda cells: cells.reverse(), "in another order"),
        (lambda cells: cells[1].metadata.update(tags=["exercise"]), "00-001: its tags"),
        (lambda cells: cells[1].metadata.update(slideshow={"slide_type": "-"}), "00-001: its tags"),
    ],
)
def test_what_has_changed_in_english_is_named(
    pair: tuple[Path, Path], change: Any, told: str
) -> None:
    source, target = pair
    changed = read_notebook(source)
    change(changed.cells)
    assert told in "\n".join(translations.check(changed, target))


def test_writing_brings_code_and_new_cells_over_and_keeps_the_prose(
    pair: tuple[Path, Path],
) -> None:
    source, target = pair
    changed = read_notebook(source)
    changed.cells[2].source = "weight = 2"
    new = new_markdown_cell("New.", id="00-003")
    new.metadata["speaker_notes"] = "Say it."
    changed.cells.append(new)
    translations.write(changed, target)
    after = read_notebook(target)
    assert [cell.source for cell in after.cells[1:]] == ["# レッスン", "weight = 2", "New."]
    assert translations.check(changed, target) == ["00-003: not translated yet"]


def test_prose_that_was_lost_and_a_language_that_is_not_said_are_named(
    pair: tuple[Path, Path],
) -> None:
    source, target = pair
    notebook = read_notebook(target)
    notebook.cells[1].source = ""
    del notebook.metadata["lang"]
    nbformat.write(notebook, target)
    told = "\n".join(translations.check(read_notebook(source), target))
    assert "00-001: empty" in told
    assert "does not say that it is in ja" in told


def test_a_lesson_that_nobody_began_is_named(tmp_path: Path) -> None:
    assert "missing" in translations.check(english(), tmp_path / "none.ipynb")[0]


def test_marking_a_cell_that_is_not_there_is_refused(pair: tuple[Path, Path]) -> None:
    with pytest.raises(CourseError, match="no cell 00-009"):
        translations.mark(pair[1], ["00-009"])


def test_the_command_gives_problems_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    code = translations.main(["--json"])
    problems = json.loads(capsys.readouterr().out)["problems"]
    assert code == (1 if problems else 0)
