"""The pages of the web edition, as Sphinx takes them: notebooks and Markdown in a folder.

A lesson's page is the learner edition with its outputs; after each exercise come its hints, its
solution and the mistakes that many make, each folded. What only an instructor or only a machine
needs is left out: speaker notes, and the cell that prepares a hosted image.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbformat import NotebookNode

from course_lib.errors import CourseError
from course_lib.exercises.texts import exercises
from course_lib.language import translated
from course_lib.publishing.bootstrap import REPOSITORY
from course_lib.publishing.course import ROOT
from course_lib.publishing.editions import asked_in, code_of, words_of
from course_lib.publishing.launch import badges_of, tags_of
from course_lib.publishing.pages import TEMPLATES
from course_lib.publishing.running import language_of, read_notebook, with_outputs

# What is shown beside the lessons, and the page that it becomes. It is in English alone.
GUIDES = {
    "claims": "data/claims/README.md",
    "instructors": "INSTRUCTORS.md",
    "contributing": "CONTRIBUTING.md",
}
_WIDGET = "application/vnd.jupyter.widget-view+json"
_HEADING = re.compile(r"^#{1,6} +(.+)$", re.MULTILINE)
_TITLE = re.compile(r"^# +(.+)$", re.MULTILINE)
_LINK = re.compile(r"(\]\()(?!https?:|data:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(\))")
_BADGE = re.compile(r"\[!\[(\w+)\]\((\S+?)\)\]\((\S+?)\)")
_LAUNCH = re.compile(r"<!-- launch -->.*?<!-- /launch -->\n", re.DOTALL)


@dataclass
class Lesson:
    """A lesson of one edition.

    Args:
        path: Its notebook.
        title: Its first heading.
        language: Of its text.
        ran: Whether its page shows the outputs of a run of the notebook as it stands.
        deck: Its slides' address from the site's root, None where there are none.
    """

    path: Path
    title: str
    language: str
    ran: bool
    deck: str | None

    @property
    def badges(self) -> str:
        """Links that open it elsewhere, in words.

        Example:
            >>> Lesson(Path("notebooks/00_a.ipynb"), "A", "en", False, None).badges[:7]
            '[Colab]'
        """
        folder = "notebooks" if self.language == "en" else f"notebooks/{self.language}"
        badges = badges_of(f"{folder}/{self.path.name}").values()
        return " · ".join(re.sub(r"^\[!\[(\w+)\]\(.*?\)\]", r"[\1]", badge) for badge in badges)


def write_lesson(path: Path, out: Path, folder: Path) -> Lesson:
    """Write a lesson's page.

    Args:
        path: The notebook.
        out: The folder that holds ``course``, the notebooks with their outputs, those of a
            translation in a folder of its name below, and ``slides`` likewise.
        folder: Where the page goes; made if it is missing.

    Returns:
        What the start page says of it.

    Raises:
        CourseError: The file is no notebook, or has no title.

    Example:
        >>> write_lesson(path, Path("build"), Path("sources/lessons")).ran  # doctest: +SKIP
        True
    """
    notebook = read_notebook(path)
    language = language_of(notebook)
    edition = "" if language == "en" else language
    ran = with_outputs(path, out / "course" / edition / path.name)
    title = next(
        (
            found[1]
            for cell in notebook.cells
            if cell.cell_type == "markdown" and (found := _TITLE.search(cell.source))
        ),
        None,
    )
    if title is None:
        raise CourseError(f"{path}: no title. Begin its first text with '# '.")
    deck = Path("slides") / edition / f"{path.stem}.html"
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(lesson_page(ran or notebook, ran=ran is not None), folder / path.name)
    slides = deck.as_posix() if (out / deck).is_file() else None
    return Lesson(path, title, language, ran is not None, slides)


def lesson_page(notebook: NotebookNode, *, ran: bool) -> NotebookNode:
    """Return a lesson as it is shown.

    Args:
        notebook: The learner edition, with or without outputs; its cells are used.
        ran: Whether it has them; if not, the page says so.

    Example:
        >>> lesson_page(nbformat.v4.new_notebook(), ran=True).cells
        []
    """
    language = language_of(notebook)
    known = exercises(language)
    heading, titled, cells = "", False, []
    for cell in notebook.cells:
        if "bootstrap" in tags_of(cell):
            continue
        cells.append(cell)
        if "launch" in tags_of(cell):
            # A drawing that stands in its own address is more than MyST takes from Markdown.
            cell.source = _BADGE.sub(r'<a href="\3"><img alt="\1" src="\2"></a>', cell.source)
        if cell.cell_type == "markdown":
            heading = (_HEADING.findall(cell.source) or [heading])[-1]
            if not ran and not titled and _TITLE.search(cell.source):
                cells.append(_markdown(_not_run(language)))
                titled = True
            continue
        cell.outputs = [static(output) for output in cell.outputs]
        # A figure's own title is drawn, not written: its section says what it is about.
        alt = translated(f"Figure of the section: {_plain(heading)}", language)
        cell.metadata["mystnb"] = {"image": {"alt": alt}}
        for name in asked_in(cell):
            cells.append(_markdown(folded(dict(known[name], name=name), language)))
    page = nbformat.v4.new_notebook(cells=cells)
    # Without it no code is coloured, and a lesson that was never run has none.
    page.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    return page


def static(output: NotebookNode) -> NotebookNode:
    """Return an output without what needs a kernel to be shown.

    Args:
        output: The output of a cell; changed in place.

    Example:
        >>> widget = {"application/vnd.jupyter.widget-view+json": {}, "text/html": "<p>50 %</p>"}
        >>> static(nbformat.v4.new_output("display_data", widget)).data
        {'text/html': '<p>50 %</p>'}
    """
    if "data" in output:
        output.data.pop(_WIDGET, None)
    return output


def folded(exercise: dict[str, Any], language: str) -> str:
    """The hints, the solution and the mistakes of an exercise, as Markdown to be opened by a click.

    Args:
        exercise: The exercise with its ``name``.
        language: Of the words around it.

    Example:
        >>> text = folded({"name": "a", "kind": "number", "answer": 2, "hints": ["Add."],
        ...                "solution": "1 + 1."}, "en")
        >>> text.count("<details")
        2
    """
    solution, mistakes = words_of(exercise, language)
    hints = [
        f'<details class="hint">\n<summary>{translated(f"Hint {number}", language)}</summary>\n'
        f"<p>{escape(hint.strip())}</p>\n</details>"
        for number, hint in enumerate(exercise["hints"], 1)
    ]
    inside = [solution, f"```python\n{code_of(exercise)}\n```"]
    if "\n- " in mistakes:
        inside.append(mistakes)
    whole = "\n\n".join(
        [f"<details class=\"solution\">\n<summary>{translated('Solution', language)}</summary>",
         *inside, "</details>"]
    )  # fmt: skip
    return "\n\n".join([*hints, whole])


def write_start(lessons: Sequence[Lesson], language: str, folder: Path) -> None:
    """Write the start page of an edition.

    Args:
        lessons: Its lessons; one that is not translated yet is in English.
        language: The edition's.
        folder: Where the page goes.

    Raises:
        CourseError: The README lacks a part that the English page takes from it.

    Example:
        >>> write_start(lessons, "ja", Path("sources/ja"))  # doctest: +SKIP
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "course_site"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = environment.get_template(f"index.{language}.md.j2").render(
        about=readme.partition("\n## ")[0].strip(),
        start=part_of_readme(readme, "Start"),
        lessons=lessons,
        repository=REPOSITORY,
    )
    (folder / "index.md").write_text(with_links(text, ROOT), encoding="utf-8")


def part_of_readme(readme: str, heading: str) -> str:
    """A part of the README, without its table of badges: the start page has its own.

    Args:
        readme: Its text.
        heading: The part's, of the second level.

    Raises:
        CourseError: There is no such part.

    Example:
        >>> part_of_readme("# A\\n\\n## Start\\n\\nRun it.\\n\\n## Then\\n", "Start")
        '## Start\\n\\nRun it.'
    """
    part = rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)"
    found = re.search(part, readme, re.DOTALL | re.MULTILINE)
    if found is None:
        raise CourseError(f"README.md: no part '## {heading}' for the start page of the site.")
    return _LAUNCH.sub("", found[0]).strip()


def write_guides(folder: Path) -> None:
    """Write the pages beside the lessons.

    Args:
        folder: Where they go.

    Example:
        >>> write_guides(Path("sources/en"))  # doctest: +SKIP
    """
    for name, file in GUIDES.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        (folder / f"{name}.md").write_text(with_links(text, (ROOT / file).parent), encoding="utf-8")


def with_links(text: str, folder: Path) -> str:
    """Lead links between the repository's files to their pages, or to the repository itself.

    Args:
        text: Markdown.
        folder: Where the file lies in the repository.

    Example:
        >>> with_links("[claims](data/claims/README.md)", ROOT)
        '[claims](claims.md)'
        >>> with_links("[licence](LICENSE)", ROOT).endswith("/blob/main/LICENSE)")
        True
    """
    pages = {(ROOT / file).resolve(): f"{name}.md" for name, file in GUIDES.items()}

    def led(found: re.Match[str]) -> str:
        before, address, anchor, after = found.groups()
        target = (folder / address).resolve()
        anchor = anchor or ""
        if target in pages:
            return f"{before}{pages[target]}{anchor}{after}"
        if not target.exists() or not target.is_relative_to(ROOT):
            return found[0]  # a page of the site
        kind = "tree" if target.is_dir() else "blob"
        file = target.relative_to(ROOT).as_posix()
        return f"{before}{REPOSITORY}/{kind}/main/{file}{anchor}{after}"

    return _LINK.sub(led, text)


def _not_run(language: str) -> str:
    said = translated(
        "Shown without outputs: this lesson has not been run as it stands now.", language
    )
    return f"```{{note}}\n{said}\n```"


def _markdown(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def _plain(heading: str) -> str:
    """A heading without its marks."""
    return re.sub(r"[`*]|\[([^]]*)\]\([^)]*\)", r"\1", heading).strip()
