"""`make slides`: a reveal.js deck of every lesson, complete in one folder, needing no network.

nbconvert makes the slides but takes reveal.js from a network address. Here reveal.js comes from the
wheel of ``sphinx-revealjs``, which carries the whole of it (5.x, MIT) and is an ordinary package to
install and pin; of that package nothing but these files is used. They are copied beside the decks.

A cell's ``metadata.slideshow.slide_type`` says how it is shown and ``metadata.speaker_notes`` what
is said about it: press S for the speaker's view. If `make course` has run, decks show its outputs.
"""

from __future__ import annotations

import argparse
import json
import shutil
from copy import deepcopy
from importlib.util import find_spec
from pathlib import Path

import nbformat
from nbconvert.exporters import SlidesExporter
from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.publishing.course import ROOT, find_notebooks
from course_lib.publishing.pages import TEMPLATES
from course_lib.publishing.running import read_notebook


def main(argv: list[str]) -> int:
    """Make the decks.

    Args:
        argv: Notebooks (all of the course's without any), ``--out DIR``, ``--json``.

    Returns:
        0.

    Raises:
        CourseError: A notebook is missing or cannot be read, or reveal.js is not installed.

    Example:
        >>> main(["notebooks/00_start_here.ipynb"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib slides", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of the course's")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(argv)

    folder = options.out / "slides"
    copy_reveal(folder / "reveal.js")
    decks = []
    for path in find_notebooks(options.notebooks):
        executed = options.out / "course" / path.name
        shown = executed if _is_run_of(executed, path) else path
        deck = folder / f"{path.stem}.html"
        count = write_deck(read_notebook(shown), deck)
        decks.append({"deck": str(deck), "slides": count, "outputs": shown == executed})
        if not options.json:
            outputs = "with outputs" if shown == executed else "no outputs: run `make course` first"
            print(f"{deck}: {count} slides, {outputs}")
    if options.json:
        print(json.dumps({"decks": decks}, ensure_ascii=False))
    return 0


def write_deck(notebook: NotebookNode, path: Path) -> int:
    """Write one deck; the folder ``reveal.js`` has to lie beside it.

    Args:
        notebook: The notebook, with or without outputs.
        path: The deck; replaced if it exists.

    Returns:
        The number of slides.

    Raises:
        CourseError: No cell of the notebook is to be shown.

    Example:
        >>> write_deck(read_notebook(path), Path("build/slides/00.html"))  # doctest: +SKIP
        31
    """
    exporter = SlidesExporter(
        template_name="course_slides",
        extra_template_basedirs=[str(TEMPLATES)],
        reveal_url_prefix="reveal.js",
        reveal_theme="white",
        embed_images=True,
        mathjax_url="",
    )
    prepared = with_notes(notebook)
    if not prepared.cells:
        raise CourseError(f"{path.stem}: every cell is skipped; give some a slide_type of 'slide'")
    title = path.stem.replace("_", " ")
    html, _ = exporter.from_notebook_node(prepared, resources={"metadata": {"name": title}})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in prepared.cells]
    return max(1, sum(kind in ("slide", "subslide") for kind in kinds))


def with_notes(notebook: NotebookNode) -> NotebookNode:
    """Return the cells that are shown, each followed by what the speaker says about it.

    nbconvert knows speaker notes as cells of their own, which in JupyterLab would stand between the
    lines of a lesson; so a lesson keeps them in each cell's metadata.

    Args:
        notebook: The notebook; it stays as it is.

    Example:
        >>> len(with_notes(notebook).cells) > len(notebook.cells)  # doctest: +SKIP
        True
    """
    shown = deepcopy(notebook)
    cells = []
    for cell in shown.cells:
        if cell.metadata.get("slideshow", {}).get("slide_type") == "skip":
            continue
        cells.append(cell)
        said = cell.metadata.get("speaker_notes")
        if said:
            note = nbformat.v4.new_markdown_cell(said)
            note.metadata["slideshow"] = {"slide_type": "notes"}
            cells.append(note)
    shown.cells = cells
    return shown


def copy_reveal(folder: Path) -> None:
    """Copy reveal.js, its speaker's view and the course's own style into a folder.

    Args:
        folder: Where; what is there is replaced.

    Raises:
        CourseError: The package that carries reveal.js is not installed.

    Example:
        >>> copy_reveal(Path("build/slides/reveal.js"))  # doctest: +SKIP
    """
    spec = find_spec("sphinx_revealjs")
    if spec is None or spec.origin is None:
        raise CourseError(
            "reveal.js is not installed: run `make lab`, or "
            "`python -m pip install -c constraints.txt -e .[lab]` in the repository."
        )
    source = Path(spec.origin).parent / "_static" / "revealjs"
    if folder.exists():
        shutil.rmtree(folder)
    for part in ("dist", "plugin/notes"):
        shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("*.map"))
    shutil.copy(source / "LICENSE", folder / "LICENSE")
    for name in ("course.css", "course.js"):
        shutil.copy(TEMPLATES / "course_slides" / name, folder / name)


def _is_run_of(executed: Path, path: Path) -> bool:
    """Whether a notebook with outputs is a run of this one as it stands now."""
    if not executed.is_file():
        return False
    ran, now = read_notebook(executed), read_notebook(path)
    return [cell.source for cell in ran.cells] == [cell.source for cell in now.cells]
