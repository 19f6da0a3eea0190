"""`python -m course_lib solutions`: the solution edition of the lessons, made from the learners'.

A lesson in ``notebooks`` is the learner edition: it asks. Its solution edition is the same notebook
with three cells after each exercise: the solution in words, the solution as code, which passes its
check when it is run, and the planned mistakes with what is behind each. All of it comes from the
exercises' own file, so the two editions cannot drift apart; its last cell stops the run if a
solution did not pass. The Japanese edition in ``notebooks/ja`` is treated alike, with the
exercises' Japanese texts.

CI runs the solution edition: every cell of the learner edition is in it, in the same order. That no
lesson needs what only a solution defines is checked by `borrowed_names`.
"""

from __future__ import annotations

import argparse
import ast
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from course_lib.exercises.texts import exercises, planned
from course_lib.language import translated
from course_lib.publishing.course import ROOT, every_notebook, find_notebooks
from course_lib.publishing.running import edition_folder, language_of, read_notebook

_CONFIRM = "from course_lib.exercises import confirm_solved"


def main(argv: list[str]) -> int:
    """Write the solution edition.

    Args:
        argv: Notebooks (all of the course's, in both languages, without any), ``--out DIR``,
            ``--json``.

    Returns:
        0.

    Raises:
        CourseError: A notebook is missing or cannot be read.

    Example:
        >>> main(["notebooks/00_start_here.ipynb"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib solutions", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of the course's")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(argv)

    written = []
    for path in find_notebooks(options.notebooks) if options.notebooks else every_notebook():
        notebook = read_notebook(path)
        file = edition_folder(options.out / "solutions", notebook) / path.name
        file.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(solution_edition(notebook), file)
        written.append(str(file))
        if not options.json:
            print(file)
    if options.json:
        print(json.dumps({"solutions": written}, ensure_ascii=False))
    return 0


def solution_edition(notebook: NotebookNode) -> NotebookNode:
    """Return a lesson with its solutions.

    Args:
        notebook: The learner edition; it stays as it is.

    Example:
        >>> len(solution_edition(notebook).cells) > len(notebook.cells)  # doctest: +SKIP
        True
    """
    solved = deepcopy(notebook)
    language = language_of(notebook)
    known = exercises(language)
    cells, asked = [], []
    for cell in solved.cells:
        cells.append(cell)
        for number, name in enumerate(asked_in(cell)):
            asked.append(name)
            about = dict(known[name], name=name)
            in_words, mistakes = words_of(about, language)
            code = nbformat.v4.new_code_cell(code_of(about))
            for kind, new in (
                ("words", nbformat.v4.new_markdown_cell(in_words)),
                ("code", code),
                ("mistakes", nbformat.v4.new_markdown_cell(mistakes)),
            ):
                new.id = f"{cell.id}-{number}-{kind}"[:64]
                new.metadata = {"slideshow": {"slide_type": "skip"}, "tags": ["solution"]}
                cells.append(new)
    confirm = nbformat.v4.new_code_cell(f"{_CONFIRM}\n\nconfirm_solved({_listed(asked)})")
    confirm.id = "confirm-solved"
    confirm.metadata = {"slideshow": {"slide_type": "skip"}, "tags": ["solution"]}
    solved.cells = [*cells, confirm]
    return solved


def _listed(names: Sequence[str]) -> str:
    return "".join(f'\n    "{name}",' for name in names) + "\n"


def asked_in(cell: NotebookNode) -> list[str]:
    """The exercises that a cell checks, in their order.

    Args:
        cell: A cell of the learner edition.

    Example:
        >>> asked_in(nbformat.v4.new_code_cell('answer = ...\\ncheck("accumulation", answer)'))
        ['accumulation']
    """
    if cell.cell_type != "code":
        return []
    calls = [
        node
        for node in ast.walk(_parsed(cell.source))
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "check"
    ]
    return [str(ast.literal_eval(call.args[0])) for call in calls]


def code_of(exercise: Mapping[str, Any]) -> str:
    """The solution as a cell: lines before, the check of the right answer, lines after.

    Args:
        exercise: The exercise with its ``name``.

    Example:
        >>> print(code_of({"name": "accumulation", "kind": "number", "answer": 16}))
        check("accumulation", 16)
    """
    # JSON writes a text in the quotes of the house.
    work = exercise.get("work") or json.dumps(exercise.get("answer"))
    check = f'check("{exercise["name"]}", {work})'
    before, after = exercise.get("code", "").strip("\n"), exercise.get("then", "").strip("\n")
    gap = "\n\n\n" if exercise["kind"] == "function" else "\n"
    return (f"{before}{gap}" if before else "") + check + (f"\n{after}" if after else "")


def words_of(exercise: Mapping[str, Any], language: str = "en") -> tuple[str, str]:
    """The solution in words, and the planned mistakes as a list.

    Args:
        exercise: The exercise.
        language: Of what stands around its texts.

    Example:
        >>> exercise = {"solution": "2", "wrong": [{"answer": 3, "because": "One more."}]}
        >>> print(words_of(exercise)[1])
        **Mistakes that many make**
        <BLANKLINE>
        - `3`: One more.
    """
    solution = f"**{translated('Solution', language)}.** {exercise['solution'].strip()}"
    listed = [f"- `{_given(entry)}`: {entry['because'].strip()}" for entry in planned(exercise)]
    heading = f"**{translated('Mistakes that many make', language)}**"
    return solution, "\n".join([heading, "", *listed])


def _given(entry: Mapping[str, Any]) -> str:
    """A wrong answer, or the call of a function that shows the mistake."""
    if "answer" in entry:
        return str(entry["answer"])
    call = ", ".join(map(repr, entry["inputs"]))
    return f"({call}) → {entry['output']!r}"


def borrowed_names(notebook: NotebookNode) -> set[str]:
    """Names that the lesson reads although only an exercise's attempt or its solution binds them.

    A learner may leave an attempt at ``...``, and has no solution cells: a lesson that reads such a
    name would stop for them.

    Args:
        notebook: The learner edition.

    Returns:
        The names; none in a sound lesson.

    Example:
        >>> borrowed_names(nbformat.v4.new_notebook())
        set()
    """
    known = exercises("en")
    bound: set[str] = set()
    own: set[str] = set()
    borrowed: set[str] = set()
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        asked = asked_in(cell)
        reads, binds = _names(cell.source)
        if asked:
            bound |= binds
            for name in asked:
                bound |= _names(code_of(dict(known[name], name=name)))[1]
        else:
            borrowed |= (reads - binds - own) & bound
            own |= binds
    return borrowed


def _parsed(source: str) -> ast.Module:
    """A cell's code; what only IPython understands (``%pip``, ``!ls``) as IPython rewrites it."""
    return ast.parse(TransformerManager().transform_cell(source))


def _names(source: str) -> tuple[set[str], set[str]]:
    """The names that a cell reads, and those that it binds at its top level or inside."""
    reads: set[str] = set()
    binds: set[str] = set()
    for node in ast.walk(_parsed(source)):
        if isinstance(node, ast.Name):
            (reads if isinstance(node.ctx, ast.Load) else binds).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            binds.add(node.name)
        elif isinstance(node, ast.arg):
            binds.add(node.arg)
        elif isinstance(node, ast.alias):
            binds.add((node.asname or node.name).partition(".")[0])
    return reads, binds
