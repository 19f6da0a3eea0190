"""Learner and solution edition come from one source, and CI sees a solution that does not pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.errors import CourseError
from course_lib.exercises.checking import confirm_solved, judged
from course_lib.exercises.texts import exercises
from course_lib.publishing.course import find_notebooks
from course_lib.publishing.editions import borrowed_names, main, solution_edition
from course_lib.publishing.running import read_notebook, run_notebook

ASKING = 'from course_lib import check\nanswer = ...\ncheck("accumulation", answer)'


def lesson(*sources: str) -> Any:
    return new_notebook(cells=[new_code_cell(source) for source in sources])


@pytest.mark.parametrize("path", find_notebooks([]), ids=lambda path: path.stem)
def test_every_learner_cell_is_in_the_solution_edition_in_its_order(path: Path) -> None:
    learner = read_notebook(path)
    solved = solution_edition(learner)
    nbformat.validate(solved)
    own = [cell for cell in solved.cells if "solution" not in cell.metadata.get("tags", [])]
    assert own == learner.cells
    added = "\n".join(cell.source for cell in solved.cells if cell not in own)
    asked = [name for name, table in exercises().items() if table["lesson"] == _number(path)]
    assert asked, "no exercises"
    for name in asked:
        assert f'check("{name}", ' in added, f"{name} is asked nowhere"
        assert exercises()[name]["solution"].strip() in added


def _number(path: Path) -> str:
    return path.stem.partition("_")[0]


def test_a_run_with_solutions_passes_and_touches_nobodys_progress(tmp_path: Path) -> None:
    path = tmp_path / "06_small.ipynb"
    nbformat.write(lesson(ASKING), path)
    assert main([str(path), "--out", str(tmp_path)]) == 0
    run = run_notebook(tmp_path / "solutions" / path.name)
    assert run.error is None
    said = "".join(out["text"] for cell in run.notebook.cells for out in cell.get("outputs", []))
    assert "not attempted yet" in said
    assert "✓ accumulation: right." in said


def test_a_solution_that_does_not_pass_stops_the_run(tmp_path: Path) -> None:
    solved = solution_edition(lesson(ASKING))
    wrong = next(cell for cell in solved.cells if cell.source == 'check("accumulation", 32 // 2)')
    wrong.source = 'check("accumulation", 2)'
    path = tmp_path / "wrong.ipynb"
    nbformat.write(solved, path)
    assert "no solution passed its check: accumulation" in str(run_notebook(path).error)


def test_what_was_not_solved_is_named() -> None:
    with pytest.raises(CourseError, match="no solution passed its check: nobody_asks"):
        confirm_solved("nobody_asks")


def test_a_lesson_that_needs_a_solution_is_found() -> None:
    asks = 'def stop_at(losses, patience): ...\ncheck("early_stop", stop_at)'
    assert borrowed_names(lesson(asks, "stop_at([1], 2)")) == {"stop_at"}
    own = "def stop_at(losses, patience):\n    return 1"
    assert borrowed_names(lesson(asks, own, "stop_at([1], 2)")) == set()
    assert borrowed_names(lesson(ASKING, "print(answer)")) == {"answer"}


def test_a_cell_with_a_magic_is_read_as_ipython_reads_it() -> None:
    notebook = lesson("%pip install rich\n!ls", ASKING)
    assert 'check("accumulation", 32 // 2)' in [
        each.source for each in solution_edition(notebook).cells
    ]
    assert borrowed_names(notebook) == set()


def test_a_markdown_cell_that_speaks_of_check_is_no_exercise() -> None:
    notebook = new_notebook(cells=[new_markdown_cell('check("accumulation", 16)')])
    assert len(solution_edition(notebook).cells) == 2


@pytest.mark.parametrize(
    "name", [n for n, each in exercises().items() if each["kind"] == "function"]
)
def test_a_function_with_a_planned_misconception_is_told_that_one(name: str) -> None:
    exercise = exercises()[name]
    for case in exercise["case"]:
        if "misled" in case:
            space: dict[str, Any] = {}
            exec(case["misled"], space)
            misled = [each for each in space.values() if getattr(each, "__code__", None)][-1]
            told = judged(exercise, misled)
            assert told
            assert told.endswith(case["because"])
