"""`python -m course_lib translations`: is the Japanese edition whole, and is none of it stale?

The Japanese lessons stand in ``notebooks/ja``, ready to be opened. Their code is that of the
English lessons, copied; their prose and speaker notes are a translator's. Each translated cell
carries the hash of the English it was made from (``metadata.translation``), and the exercises'
texts do so too (``source`` in ``course_lib/exercises/ja``): where the English has changed since,
the check fails and names the cell.

``--write`` brings the Japanese lessons into step: code, order and kinds of slides are the English
ones again, and new cells come in as they are in English, marked as untranslated. A translation goes
only with its English cell. ``--done NOTEBOOK CELL…`` says that cells have been read again and are
right as they are.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.exercises.texts import files, source_hash
from course_lib.publishing.course import ROOT, find_notebooks
from course_lib.publishing.running import language_of, read_notebook

LANGUAGE = "ja"


def main(argv: list[str]) -> int:
    """Check the Japanese edition, or bring it into step.

    Args:
        argv: ``--write``, or ``--done NOTEBOOK CELL…``; ``--json``.

    Returns:
        0 if every cell and every exercise is translated and none is stale, else 1.

    Raises:
        CourseError: A notebook cannot be read, or ``--done`` names no notebook or no cell.

    Example:
        >>> main([])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib translations", description=__doc__)
    parser.add_argument("--write", action="store_true", help="bring notebooks/ja into step")
    parser.add_argument("--done", nargs="+", metavar=("NOTEBOOK", "CELL"), help="read again: good")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(argv)

    if options.done and len(options.done) == 1:
        raise CourseError(f"--done {options.done[0]}: name the cells, too.")
    if options.done:
        mark(Path(options.done[0]), options.done[1:])
    problems = []
    for path in find_notebooks([]):
        english, target = read_notebook(path), path.parent / LANGUAGE / path.name
        if options.write:
            write(english, target)
        problems += [f"{LANGUAGE}/{path.name}: {line}" for line in check(english, target)]
    problems += check_exercises()
    if options.json:
        print(json.dumps({"problems": problems}, ensure_ascii=False))
    else:
        print("\n".join(problems) or "Every cell and every exercise is translated, none is stale.")
    return 1 if problems else 0


def check(english: NotebookNode, target: Path) -> list[str]:
    """Compare a translated lesson with its English one.

    Args:
        english: The English lesson.
        target: The file of the translated one.

    Returns:
        What is wrong, one line a cell, each with the cell's id; empty if nothing is.

    Raises:
        CourseError: The file is no notebook.

    Example:
        >>> check(english, Path("notebooks/ja/00_start_here.ipynb"))  # doctest: +SKIP
        []
    """
    if not target.is_file():
        return ["missing; `python -m course_lib translations --write` begins it"]
    translated = read_notebook(target)
    cells = {cell.id: cell for cell in translated.cells}
    problems = []
    if [cell.id for cell in english.cells] != [cell.id for cell in translated.cells]:
        problems.append("its cells are not those of the English lesson, or in another order")
    if language_of(translated) != LANGUAGE:
        problems.append(f"its metadata does not say that it is in {LANGUAGE}; --write mends it")
    for source in english.cells:
        cell = cells.get(source.id)
        if cell is None:
            problems.append(f"{source.id}: missing")
        elif _shown_as(cell) != _shown_as(source):
            problems.append(f"{source.id}: its tags or its kind of slide differ; --write mends it")
        elif not cell.source.strip():
            problems.append(f"{source.id}: empty")
        elif source.cell_type == "code" and cell.source != _code(source):
            problems.append(f"{source.id}: its code differs from the English lesson's")
        elif _written_for_all(source):
            continue
        elif "translation" not in cell.metadata:
            problems.append(f"{source.id}: not translated yet")
        elif cell.metadata["translation"] != cell_hash(source):
            problems.append(f"{source.id}: stale, the English has changed since")
    return problems


def check_exercises() -> list[str]:
    """Compare the exercises' and quizzes' Japanese texts with the English ones.

    Returns:
        What is wrong, one line an exercise or a question of a quiz.

    Example:
        >>> check_exercises()  # doctest: +SKIP
        []
    """
    problems = []
    for lesson, tables in files("en").items():
        words = files(LANGUAGE).get(lesson, {})
        flat, known = _flat(tables), _flat(words)
        for name, table in flat.items():
            where = f"course_lib/exercises/{LANGUAGE}/{lesson}.toml, {name}"
            if name not in known:
                problems.append(f"{where}: not translated yet")
            elif known[name].get("source") != source_hash(table):
                problems.append(f"{where}: stale, the English has changed since")
        problems += [
            f"course_lib/exercises/{LANGUAGE}/{lesson}.toml, {name}: no such exercise in English"
            for name in known.keys() - flat.keys()
        ]
    return problems


def _flat(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Exercises and the questions of the quiz, all by name."""
    named = {name: table for name, table in tables.items() if name != "quiz"}
    return named | {f"quiz {n}": table for n, table in enumerate(tables.get("quiz", []), 1)}


def write(english: NotebookNode, target: Path) -> None:
    """Bring a translated lesson into step with the English one, keeping every translation.

    Args:
        english: The English lesson.
        target: The file of the translated one; begun if it is missing.

    Example:
        >>> write(english, Path("notebooks/ja/00_start_here.ipynb"))  # doctest: +SKIP
    """
    known = {cell.id: cell for cell in read_notebook(target).cells} if target.is_file() else {}
    fresh = deepcopy(english)
    fresh.metadata["lang"] = LANGUAGE
    for cell in fresh.cells:
        before = known.get(cell.id)
        if cell.cell_type == "code":
            cell.source = _code(cell)
        elif before is not None:
            cell.source = before.source
        if before is not None and "translation" in before.metadata:
            cell.metadata["translation"] = before.metadata["translation"]
        if before is not None and (_written_for_all(cell) or "translation" in before.metadata):
            cell.metadata["speaker_notes"] = before.metadata["speaker_notes"]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(nbformat.writes(fresh) + "\n", encoding="utf-8")


def mark(target: Path, names: Sequence[str]) -> None:
    """Say that cells of a translated lesson say what the English ones say today.

    Args:
        target: The translated lesson's file.
        names: The cells' ids.

    Raises:
        CourseError: There is no such notebook or cell.

    Example:
        >>> mark(Path("notebooks/ja/07_spot_overfitting.ipynb"), ["07-045"])  # doctest: +SKIP
    """
    english = {cell.id: cell for cell in read_notebook(ROOT / "notebooks" / target.name).cells}
    translated = read_notebook(target)
    cells = {cell.id: cell for cell in translated.cells}
    for name in names:
        if name not in cells or name not in english:
            raise CourseError(
                f"{target}: no cell {name}. A cell's id stands in the notebook's file."
            )
        cells[name].metadata["translation"] = cell_hash(english[name])
    target.write_text(nbformat.writes(translated) + "\n", encoding="utf-8")


def cell_hash(source: NotebookNode) -> str:
    """What a cell is translated from: its prose and its speaker notes, of code the notes alone.

    Args:
        source: The English cell.

    Returns:
        Twelve hexadecimal digits.

    Example:
        >>> cell_hash(nbformat.v4.new_markdown_cell("Hello."))
        '667df94cd959'
    """
    prose = source.source if source.cell_type == "markdown" else ""
    text = json.dumps([prose, source.metadata.get("speaker_notes", "")], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def in_language(first_cell: str, language: str) -> str:
    """The first cell of an edition: the English one, and in others a line that sets the language.

    Args:
        first_cell: The first cell of an English lesson.
        language: The edition's.

    Example:
        >>> print(in_language("import sys\\n", "ja"))
        import sys
        <BLANKLINE>
        os.environ["COURSE_LANGUAGE"] = "ja"
        <BLANKLINE>
    """
    if language == "en":
        return first_cell
    line = f'os.environ["COURSE_LANGUAGE"] = "{language}"'
    return first_cell.replace("import sys\n", f"import sys\n\n{line}\n", 1)


def _shown_as(cell: NotebookNode) -> tuple[object, object]:
    return cell.metadata.get("tags"), cell.metadata.get("slideshow")


def _written_for_all(cell: NotebookNode) -> bool:
    """Whether `course_lib.publishing.launch` writes this cell, in every language."""
    return bool({"bootstrap", "launch"} & set(cell.metadata.get("tags", [])))


def _code(source: NotebookNode) -> str:
    """The code of a cell in the Japanese edition."""
    first = "bootstrap" in source.metadata.get("tags", [])
    return in_language(source.source, LANGUAGE) if first else str(source.source)
