"""`python -m course_lib launch`: first cell and one-click badges, in every lesson and the README.

All of them come from one setting, the repository's address: ``Repository`` below ``[project.urls]``
in ``pyproject.toml``. Change it there, run the command, commit. The badges are small drawings of
our own, written into the lesson itself, so that they show without a network.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.publishing.bootstrap import CELL, NOTES, REPOSITORY
from course_lib.publishing.course import ROOT, every_notebook, find_notebooks
from course_lib.publishing.running import language_of, read_notebook
from course_lib.publishing.translations import LANGUAGE, in_language

# The branch that learners open; GitHub, Colab and Binder all need one.
_BRANCH = "main"
_TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
_README = re.compile(r"(<!-- launch -->\n).*?(<!-- /launch -->)", re.DOTALL)
# White on these colours reads at 4.5:1 and more.
_PLACES = {"Colab": "#b34700", "Kaggle": "#00658f", "Binder": "#8a3a6b"}
_LAUNCH_NOTES = {
    "en": "For those who have no Python at hand: one click opens this lesson elsewhere.",
    "ja": "手もとにPythonがない人のためのものです。クリックすると、"
    "このレッスンが別の場所で開きます。",
}


def main(argv: list[str]) -> int:
    """Write first cells and badges, or say where they are not what they should be.

    Args:
        argv: ``--check`` to change nothing, ``--json``.

    Returns:
        0; with ``--check`` 1 if a file would change.

    Raises:
        CourseError: A notebook cannot be read, or the README has no place for the badges.

    Example:
        >>> main(["--check"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib launch", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; 1 if out of step")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(argv)
    readme = ROOT / "README.md"
    texts = {path: with_launch(path) for path in every_notebook()}
    texts[readme] = readme_with_badges(readme.read_text(encoding="utf-8"), find_notebooks([]))
    changed = [path for path, text in texts.items() if path.read_text(encoding="utf-8") != text]
    if not options.check:
        for path in changed:
            path.write_text(texts[path], encoding="utf-8")
    if options.json:
        print(json.dumps({"repository": REPOSITORY, "changed": list(map(str, changed))}))
    else:
        verb = "would change" if options.check else "changed"
        print(f"{REPOSITORY}: {len(changed)} of {len(texts)} files {verb}")
        print("\n".join(map(str, changed)))
    return 1 if options.check and changed else 0


def with_launch(path: Path) -> str:
    """A lesson's file as it should be: first cell, title, badges, and the rest as it is.

    Args:
        path: The notebook.

    Raises:
        CourseError: The file is missing or is no notebook.

    Example:
        >>> "Binder" in with_launch(Path("notebooks/00_start_here.ipynb"))  # doctest: +SKIP
        True
    """
    notebook = read_notebook(path)
    language = language_of(notebook)
    kept = [cell for cell in notebook.cells if not {"bootstrap", "launch"} & set(tags_of(cell))]
    first = _cell("code", in_language(CELL, language), "bootstrap", NOTES[language])
    folder = "notebooks" if language == "en" else f"notebooks/{language}"
    badges = "\n".join(badges_of(f"{folder}/{path.name}").values())
    launch = _cell("markdown", badges, "launch", _LAUNCH_NOTES[language])
    notebook.cells = [first, *kept[:1], launch, *kept[1:]]
    return nbformat.writes(notebook) + "\n"


def tags_of(cell: NotebookNode) -> list[str]:
    """A cell's tags.

    Args:
        cell: The cell.

    Example:
        >>> tags_of(nbformat.v4.new_code_cell(""))
        []
    """
    tags: list[str] = cell.metadata.get("tags", [])
    return tags


def badges_of(file: str) -> dict[str, str]:
    """The badges of one lesson, as Markdown.

    Args:
        file: The notebook's path in the repository.

    Returns:
        Colab, Kaggle and Binder, each with a link that opens this lesson there.

    Example:
        >>> badges_of("notebooks/00_start_here.ipynb")["Colab"].endswith("00_start_here.ipynb)")
        True
    """
    owner_and_name = REPOSITORY.removeprefix("https://github.com/")
    blob = f"{owner_and_name}/blob/{_BRANCH}/{file}"
    links = {
        "Colab": f"https://colab.research.google.com/github/{blob}",
        "Kaggle": f"https://kaggle.com/kernels/welcome?src=https://github.com/{blob}",
        "Binder": f"https://mybinder.org/v2/gh/{owner_and_name}/{_BRANCH}?urlpath=lab/tree/{file}",
    }
    return {
        place: f"[![{place}]({_drawn(place, colour)})]({links[place]})"
        for place, colour in _PLACES.items()
    }


def readme_with_badges(readme: str, lessons: Sequence[Path]) -> str:
    """The README with a row of links for each lesson.

    GitHub shows no picture that stands in the address itself; so the README has words.

    Args:
        readme: Its text, with the place for the table marked.
        lessons: The English lessons.

    Raises:
        CourseError: The place is not marked.

    Example:
        >>> readme_with_badges("<!-- launch -->\\n<!-- /launch -->", [])[:29]
        '<!-- launch -->\\n| lesson | En'
    """
    if not _README.search(readme):
        raise CourseError("README.md: no <!-- launch --> … <!-- /launch --> for the badges.")
    rows = ["| lesson | English | 日本語 |", "| --- | --- | --- |"]
    for path in lessons:
        cells = [
            " · ".join(
                re.sub(r"^\[!\[(\w+)\]\(.*?\)\]", r"[\1]", badge)
                for badge in badges_of(f"{folder}/{path.name}").values()
            )
            for folder in ("notebooks", f"notebooks/{LANGUAGE}")
        ]
        rows.append(f"| {path.stem.partition('_')[0]} | {' | '.join(cells)} |")
    table = "\n".join(rows) + "\n"
    return _README.sub(lambda found: found[1] + table + found[2], readme)


def _drawn(place: str, colour: str) -> str:
    """A badge as an address that holds the whole picture."""
    width = 20 + round(7.6 * (10 + len(place)))
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="24" role="img" '
        f'aria-label="Open in {escape(place)}"><rect width="{width}" height="24" rx="4" '
        f'fill="{colour}"/><text x="10" y="17" fill="#fff" font-family="sans-serif" '
        # In whatever font the page has, the words fill what is left between two margins of 10.
        f'font-size="14" textLength="{width - 20}" lengthAdjust="spacingAndGlyphs">'
        f"▶ open in {escape(place)}</text></svg>"
    )
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()


def _cell(kind: str, source: str, tag: str, notes: str) -> NotebookNode:
    new = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    cell = new(source, id=tag)
    cell.metadata = {
        "slideshow": {"slide_type": "skip"},
        "speaker_notes": notes,
        "tags": [tag],
    }
    return cell
