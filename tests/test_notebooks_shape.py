"""Every lesson keeps the course's shape: clean, short cells, notes, exercises, claims last."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median
from typing import Any

import nbformat
import pytest

from course_lib.exercises import exercises
from course_lib.publishing.bootstrap import CELL
from course_lib.publishing.editions import borrowed_names

LESSONS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
SLIDE_TYPES = {"slide", "subslide", "fragment", "skip", "notes", "-"}


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request: pytest.FixtureRequest) -> Any:
    notebook = nbformat.read(request.param, as_version=4)
    nbformat.validate(notebook)
    return notebook


def code_cells(lesson: Any) -> list[Any]:
    return [cell for cell in lesson.cells if cell.cell_type == "code"]


def markdown_cells(lesson: Any) -> list[Any]:
    return [cell for cell in lesson.cells if cell.cell_type == "markdown"]


def calls(lesson: Any, function: str) -> list[ast.Call]:
    """Every call of a function by its bare name, in all code cells."""
    nodes = [node for cell in code_cells(lesson) for node in ast.walk(ast.parse(cell.source))]
    return [
        node
        for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == function
    ]


def first_arguments(found: list[ast.Call]) -> set[str]:
    return {str(ast.literal_eval(call.args[0])) for call in found if call.args}


def test_is_committed_without_outputs(lesson: Any) -> None:
    for cell in code_cells(lesson):
        assert not cell.outputs
        assert cell.execution_count is None


def test_starts_with_the_one_bootstrap_cell(lesson: Any) -> None:
    assert lesson.cells[0].source == CELL, "python -m course_lib launch writes it"
    assert all(cell.source != CELL for cell in lesson.cells[1:])


def test_every_cell_says_how_it_is_shown_and_what_is_said(lesson: Any) -> None:
    for number, cell in enumerate(lesson.cells):
        where = f"cell {number}: {cell.source[:50]!r}"
        assert cell.metadata.get("slideshow", {}).get("slide_type") in SLIDE_TYPES, where
        assert str(cell.metadata.get("speaker_notes", "")).strip(), where


def test_code_cells_are_short(lesson: Any) -> None:
    lengths = [
        sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in code_cells(lesson)
    ]
    assert median(lengths) <= 6
    assert max(lengths) <= 25


def test_explains_more_than_it_runs(lesson: Any) -> None:
    assert len(markdown_cells(lesson)) >= 1.2 * len(code_cells(lesson))


def test_has_a_title_and_a_heading_every_few_cells(lesson: Any) -> None:
    headed = [
        cell.cell_type == "markdown" and re.search(r"^#{1,4} ", cell.source, re.MULTILINE)
        for cell in lesson.cells
    ]
    assert markdown_cells(lesson)[0].source.startswith("# ")
    since = 0
    for number, has_heading in enumerate(headed):
        since = 0 if has_heading else since + 1
        assert since <= 8, f"no heading in the cells before cell {number}"


def test_asks_for_the_profile_in_one_cell_only(lesson: Any) -> None:
    asking = [cell.source for cell in code_cells(lesson) if re.search(r"\bchoose\(", cell.source)]
    assert len(asking) <= 1
    assert not any(
        re.search(r"\.profile\b|COURSE_PROFILE", cell.source) for cell in code_cells(lesson)
    )


def test_has_three_exercises_with_hints_and_no_solutions(lesson: Any) -> None:
    tags = [tag for cell in lesson.cells for tag in cell.metadata.get("tags", [])]
    checked = first_arguments(calls(lesson, "check"))
    assert len(checked) >= 3
    assert tags.count("exercise") >= 3
    assert "solution" not in tags, "solutions stand in course_lib/exercises/en"
    hinted = first_arguments(calls(lesson, "hint"))
    offered = "\n".join(cell.source for cell in lesson.cells)
    for name in checked:
        assert name in hinted or re.search(rf"""hint\(["']{re.escape(name)}["']""", offered), name


def test_its_exercises_are_those_of_the_course(lesson: Any) -> None:
    for name in first_arguments(calls(lesson, "check")):
        assert name in exercises(), f"course_lib/exercises/en holds no {name!r}"


def test_needs_nothing_that_only_an_exercise_defines(lesson: Any) -> None:
    assert not borrowed_names(lesson)


def test_closes_with_a_quiz_and_the_learners_progress(lesson: Any) -> None:
    (number,) = first_arguments(calls(lesson, "quiz"))
    checked = first_arguments(calls(lesson, "check"))
    assert {exercises()[name]["lesson"] for name in checked} == {number}
    source = "\n".join(cell.source for cell in code_cells(lesson)[-4:])
    assert f'quiz("{number}")' in source
    assert f'lesson_progress("{number}")' in source


def test_draws_a_figure(lesson: Any) -> None:
    nodes = [node for cell in code_cells(lesson) for node in ast.walk(ast.parse(cell.source))]
    functions = [node.func for node in nodes if isinstance(node, ast.Call)]
    drawn = [
        function.attr
        for function in functions
        if isinstance(function, ast.Attribute) and getattr(function.value, "id", "") == "plotting"
    ]
    assert drawn, "no function of course_lib.plotting is called"


def test_ends_with_its_claims_and_what_was_seen(lesson: Any) -> None:
    assert calls(lesson, "claim"), "nothing is claimed"
    assert "claims()" in code_cells(lesson)[-1].source
    assert any("what you saw" in cell.source.lower() for cell in markdown_cells(lesson)[-4:])


def test_every_link_to_a_file_leads_somewhere(lesson: Any) -> None:
    folder = Path(__file__).resolve().parent.parent / "notebooks"
    for cell in markdown_cells(lesson):
        for target in re.findall(r"\]\((?!https?:|#|mailto:|data:)([^)#\s]+)", cell.source):
            assert (folder / target).exists(), target
