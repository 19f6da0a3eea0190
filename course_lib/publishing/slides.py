"""`make slides`: a reveal.js deck of every lesson, complete in one folder, needing no network.

nbconvert makes the slides but takes reveal.js from a network address. Here reveal.js comes from the
wheel of ``sphinx-revealjs``, which carries the whole of it (5.x, MIT) and is an ordinary package to
install and pin; of that package nothing but these files is used. They are copied beside the decks.

A cell's ``metadata.slideshow.slide_type`` says how it is shown and ``metadata.speaker_notes`` what
is said about it: press S for the speaker's view, which also paces by the timings that
`course_lib.publishing.timings` reckons. A lesson that has not been run as it stands is run first.
Solutions are not shown.

Where Chromium is found, every slide is looked at in it (`course_lib.publishing.slide_check`), and
each deck becomes a PDF too.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import SlidesExporter
from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.publishing import slide_check, timings
from course_lib.publishing.course import (
    ROOT,
    default_jobs,
    every_notebook,
    find_notebooks,
    run_course,
)
from course_lib.publishing.formulas import WithFormulas
from course_lib.publishing.pages import TEMPLATES
from course_lib.publishing.running import language_of, read_notebook, with_outputs

# Folders of notebooks that are a translation of the course; their decks get a folder of that name.
_EDITIONS = {"ja"}
_FOLDED = re.compile(r"<details><summary>(.*?)</summary>(.*?)</details>", re.DOTALL)
_WORDS = {
    "en": {
        "lesson": "Taught in about {minutes} min.",
        "part": "This part: about {minutes} min.",
        "cell": "This cell: {time}",
        "run": ", {run} of it running",
        "plan": "The lesson: about {minutes} min, of which {run} to run and {tried} for "
        "exercises. Reckoned from these notes at {spoken} spoken words a minute, the slides at "
        "{read} read, cells as long as they ran, and three minutes an exercise.",
    },
    "ja": {
        "lesson": "講義の目安：約{minutes}分。",
        "part": "この節：約{minutes}分",
        "cell": "このセル：{time}",
        "run": "（うち実行 {run}）",
        "plan": "このレッスン：約{minutes}分（実行{run}分、演習{tried}分を含む）。ノートは1分に"
        "{spoken_characters}字、スライドは{read_characters}字、セルは実行時間、演習は1問3分で計算。",
    },
}


@dataclass
class Deck:
    """A deck that was written.

    Args:
        path: Its HTML file.
        parts: The lesson's parts with their timings.
        error: What stopped the lesson's run, None where it ran to its end.
    """

    path: Path
    parts: list[timings.Part]
    error: str | None = None

    @property
    def minutes(self) -> int:
        """How long it takes to teach.

        Example:
            >>> Deck(Path("a.html"), [timings.Part("A", timings.Pace(100, 20, 0))]).minutes
            2
        """
        return _minutes(sum(part.pace.seconds for part in self.parts))


def main(argv: list[str]) -> int:
    """Make the decks, and look at every slide where there is a browser.

    Args:
        argv: Notebooks (all of the course's in every language without any), ``--out DIR``,
            ``--json``.

    Returns:
        0, or 1 if a lesson stopped on its way, or something on a slide cannot be seen or read.

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

    paths = find_notebooks(options.notebooks) if options.notebooks else every_notebook()
    decks = make_decks(paths, options.out)
    looked = slide_check.look_at([deck.path for deck in decks])
    records = [_record(deck, looked.get(deck.path)) for deck in decks]
    if options.json:
        print(json.dumps({"decks": records}, ensure_ascii=False))
    else:
        _print(records, looked=bool(looked))
    return 1 if any(record["error"] or record["faults"] for record in records) else 0


def _record(deck: Deck, seen: slide_check.Seen | None) -> dict[str, Any]:
    return {
        "deck": str(deck.path),
        "minutes": deck.minutes,
        "parts": [
            {"title": part.title, "seconds": round(part.pace.seconds)} for part in deck.parts
        ],
        "slides": seen.slides if seen else None,
        "smallest_text": seen.smallest_text if seen else None,
        "pdf": str(seen.pdf) if seen else None,
        "faults": seen.faults if seen else [],
        "error": deck.error,
    }


def _print(records: Sequence[dict[str, Any]], *, looked: bool) -> None:
    for record in records:
        slides = f"{record['slides']} slides, " if looked else ""
        print(f"{record['deck']}: {slides}about {record['minutes']} min")
        for fault in record["faults"]:
            print(f"✗ {fault}")
        if record["error"]:
            print(f"✗ the lesson stopped: {record['error']}")
    if not looked:
        print(f"No PDF, and no slide was looked at: {slide_check.why_not()}")


def make_decks(paths: Sequence[Path], out: Path) -> list[Deck]:
    """Write decks, running first what has not been run as it stands.

    Args:
        paths: Notebooks.
        out: The folder that holds ``course``, the notebooks with their outputs, and gets
            ``slides``. Decks of a translation go into a folder of its name below that.

    Returns:
        The decks, in the notebooks' order.

    Raises:
        CourseError: A notebook cannot be read or shows nothing, or reveal.js is not installed.

    Example:
        >>> make_decks(find_notebooks([]), Path("build"))[0].minutes  # doctest: +SKIP
        34
    """
    copy_reveal(out / "slides" / "reveal.js")
    errors: dict[Path, str | None] = {}
    if missing := [path for path in paths if not _ran(path, out)]:
        runs = run_course(missing, out / "course", jobs=default_jobs())
        errors |= {path: run.error for path, run in zip(missing, runs, strict=True)}
    decks = []
    for path in paths:
        notebook = _ran(path, out) or read_notebook(path)
        deck = out / "slides" / _edition(path) / f"{path.stem}.html"
        decks.append(Deck(deck, write_deck(notebook, deck), errors.get(path)))
    return decks


def _edition(path: Path) -> str:
    folder = path.resolve().parent.name
    return folder if folder in _EDITIONS else ""


def _ran(path: Path, out: Path) -> NotebookNode | None:
    return with_outputs(path, out / "course" / _edition(path) / path.name)


class _Exporter(WithFormulas, SlidesExporter):
    """Slides whose formulas need no script."""


def write_deck(notebook: NotebookNode, path: Path) -> list[timings.Part]:
    """Write one deck; the folder ``reveal.js`` has to lie in ``slides``, beside it or above.

    Args:
        notebook: The notebook, with or without outputs. ``metadata.lang`` is its language, English
            where there is none.
        path: The deck; replaced if it exists.

    Returns:
        The parts of the lesson, with their timings.

    Raises:
        CourseError: No cell of the notebook is to be shown.

    Example:
        >>> len(write_deck(read_notebook(path), Path("build/slides/00.html")))  # doctest: +SKIP
        20
    """
    language = language_of(notebook)
    above = "../" if path.parent.name in _EDITIONS else ""
    exporter = _Exporter(
        template_name="course_slides",
        extra_template_basedirs=[str(TEMPLATES)],
        reveal_url_prefix=f"{above}reveal.js",
        reveal_theme="white",
        embed_images=True,
        language_code=language,
        mathjax_url="",
    )
    shown = shown_cells(notebook)
    if not shown:
        raise CourseError(f"{path.stem}: every cell is skipped; give some a slide_type of 'slide'")
    parts = timings.parts_of(shown)
    prepared = deepcopy(notebook)
    prepared.cells = _with_notes(shown, parts, _WORDS.get(language, _WORDS["en"]))
    title = path.stem.replace("_", " ")
    html, _ = exporter.from_notebook_node(prepared, resources={"metadata": {"name": title}})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8")
    return parts


def shown_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return copies of the cells that are on slides: none that is skipped, and no solution.

    The first of them begins a slide, whatever it says itself.

    Args:
        notebook: The notebook; it stays as it is.

    Example:
        >>> len(shown_cells(notebook)) < len(notebook.cells)  # doctest: +SKIP
        True
    """
    shown = [
        deepcopy(cell)
        for cell in notebook.cells
        if cell.metadata.get("slideshow", {}).get("slide_type") != "skip"
        and "solution" not in cell.metadata.get("tags", [])
    ]
    if shown:
        shown[0].metadata["slideshow"] = {"slide_type": "slide"}
    return [part for cell in shown for part in _unfolded(cell)]


def _unfolded(cell: NotebookNode) -> list[NotebookNode]:
    """A cell, and what its outputs fold away (a quiz its answers) on slides that come after it."""
    parts = [cell]
    for output in cell.get("outputs", []):
        html = output.get("data", {}).get("text/html", "")
        for title, text in _FOLDED.findall(html):
            after = nbformat.v4.new_markdown_cell(f"### {title}\n\n{text}")
            after.metadata["slideshow"] = {"slide_type": "subslide"}
            parts.append(after)
        if len(parts) > 1:
            output["data"]["text/html"] = _FOLDED.sub("", html)
    return parts


def _with_notes(
    cells: Sequence[NotebookNode], parts: Sequence[timings.Part], words: dict[str, str]
) -> list[NotebookNode]:
    """Cells, each followed by what the speaker says about it and how long that takes.

    nbconvert knows speaker notes as cells of their own, which in JupyterLab would stand between the
    lines of a lesson; so a lesson keeps them in each cell's metadata.
    """
    told: list[NotebookNode] = []
    coming = iter(parts)
    for cell in cells:
        pace = timings.pace_of([cell])
        said = [cell.metadata.get("speaker_notes", "")]
        if timings.begins_part(cell):
            part = next(coming)
            said.insert(0, f"*{words['part'].format(minutes=_minutes(part.pace.seconds))}*")
        if not told:
            cell.source += f"\n\n{words['lesson'].format(minutes=_all_minutes(parts))}"
            said.insert(0, _plan(parts, words))
        time = words["cell"].format(time=_clock(pace.seconds))
        if pace.run >= 1:
            time += words["run"].format(run=_clock(pace.run))
        said.append(f'<p data-seconds="{pace.seconds:.1f}">{time}</p>')
        note = nbformat.v4.new_markdown_cell("\n\n".join(said))
        note.metadata["slideshow"] = {"slide_type": "notes"}
        told += [cell, note]
    return told


def _plan(parts: Sequence[timings.Part], words: dict[str, str]) -> str:
    """What the speaker sees first: how long everything takes."""
    whole = words["plan"].format(
        minutes=_all_minutes(parts),
        run=round(sum(part.pace.run for part in parts) / 60),
        tried=round(sum(part.pace.tried for part in parts) / 60),
        spoken=timings.SPOKEN_WORDS,
        read=timings.READ_WORDS,
        spoken_characters=timings.SPOKEN_CHARACTERS,
        read_characters=timings.READ_CHARACTERS,
    )
    lines = [f"- {_clock(part.pace.seconds)} {part.title}" for part in parts]
    return "\n".join([f"**{whole}**", "", *lines])


def _all_minutes(parts: Sequence[timings.Part]) -> int:
    return _minutes(sum(part.pace.seconds for part in parts))


def _minutes(seconds: float) -> int:
    return max(1, round(seconds / 60))


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


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
    for name in ("course.css", "course.js", "pages.js"):
        shutil.copy(TEMPLATES / "course_slides" / name, folder / name)
