"""`make site`: the course as a searchable static site in two languages, needing no network.

Sphinx builds it, with myst-nb for the notebooks (it runs none of them) and sphinx-book-theme, whose
fonts and scripts are in its wheel. Jupyter Book 2 would be the nearer tool, but is a Node program
that fetches its theme while it builds; this one builds where there is no network, and its search
answers in the browser with no server.

The site lies in ``build/site``, English at its root and Japanese below ``ja``. Lessons are shown
with the outputs of `make course` and `make slides` where those ran them as they stand now; decks
that lie in ``build/slides`` are copied. A link that leads nowhere in the site makes the command
fail; addresses of the web are listed in ``build/site_links.txt`` and not asked.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError
from course_lib.publishing.course import ROOT, find_notebooks
from course_lib.publishing.links import check_links
from course_lib.publishing.pages import TEMPLATES
from course_lib.publishing.site_pages import (
    GUIDES,
    Lesson,
    write_guides,
    write_lesson,
    write_start,
)
from course_lib.publishing.translations import LANGUAGE

TITLES = {"en": "Fine-tune your own model", LANGUAGE: "自分のモデルをファインチューニングする"}


def main(argv: list[str]) -> int:
    """Build the site, and look up every link inside it.

    Args:
        argv: Notebooks (all of the course's without any), ``--out DIR``, ``--json``.

    Returns:
        0, or 1 if a link, an anchor or a picture leads nowhere, or Sphinx warns of something, such
        as a link between lessons that it leaves out.

    Raises:
        CourseError: A notebook is missing or cannot be read, or Sphinx cannot build a page.

    Example:
        >>> main(["--out", "build"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib site", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="English; default: all")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(argv)

    started = time.perf_counter()
    lessons, warnings = build_site(find_notebooks(options.notebooks), options.out)
    # Decks move by script; what a theme leaves in its own folder is no page.
    links = check_links(options.out / "site", skip=("slides", "_static"))
    (options.out / "site_links.txt").write_text("\n".join([*links.external, ""]), encoding="utf-8")
    record = {
        "site": str(options.out / "site"),
        "pages": links.pages,
        "links": links.checked,
        "dead": links.dead,
        "warnings": warnings,
        "external": len(links.external),
        "not_run": [_shown(lesson) for lesson in lessons if not lesson.ran],
        "seconds": round(time.perf_counter() - started, 1),
    }
    if options.json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        _print(record)
    return 1 if links.dead or warnings else 0


def _print(record: dict[str, Any]) -> None:
    print(
        f"{record['site']}: {record['pages']} pages in {record['seconds']} s, "
        f"{record['links']} links looked up, {len(record['dead'])} dead; "
        f"{record['external']} addresses of the web not asked"
    )
    for name in record["not_run"]:
        print(f"no outputs: {name} (`make course` and `make slides` run what has not been run)")
    for line in [*record["dead"], *record["warnings"]]:
        print(f"✗ {line}")


def _shown(lesson: Lesson) -> str:
    folder = "" if lesson.language == "en" else f"{lesson.language}/"
    return folder + lesson.path.name


def build_site(notebooks: Sequence[Path], out: Path) -> tuple[list[Lesson], list[str]]:
    """Build both editions.

    Args:
        notebooks: The English lessons; their translations lie in ``ja`` beside them, as far as
            there are any.
        out: The folder that holds ``course`` and ``slides`` and gets ``site``, which is replaced.

    Returns:
        The lessons that have a page, English and Japanese, and what Sphinx warned of.

    Raises:
        CourseError: A notebook cannot be read, or Sphinx cannot build a page.

    Example:
        >>> build_site(find_notebooks([]), Path("build"))  # doctest: +SKIP
    """
    sources, site = out / "site_sources", out / "site"
    for folder in (sources, site):
        shutil.rmtree(folder, ignore_errors=True)
    english = [write_lesson(path, out, sources / "en" / "lessons") for path in notebooks]
    translated_ones = [path.parent / LANGUAGE / path.name for path in notebooks]
    japanese = [
        write_lesson(path, out, sources / LANGUAGE / "lessons")
        for path in translated_ones
        if path.is_file()
    ]
    by_name = {lesson.path.name: lesson for lesson in japanese}
    (sources / LANGUAGE).mkdir(exist_ok=True)
    write_start(english, "en", sources / "en")
    write_guides(sources / "en")
    write_start(
        [by_name.get(lesson.path.name, lesson) for lesson in english], LANGUAGE, sources / LANGUAGE
    )
    pages = {
        "en": _pages(english) | set(GUIDES),
        LANGUAGE: _pages(japanese),
    }
    warnings = build_edition(sources / "en", site, "en", twins=pages[LANGUAGE])
    warnings += build_edition(sources / LANGUAGE, site / LANGUAGE, LANGUAGE, twins=pages["en"])
    if (out / "slides").is_dir():
        shutil.copytree(out / "slides", site / "slides", ignore=shutil.ignore_patterns("*.pdf"))
    return [*english, *japanese], warnings


def _pages(lessons: Sequence[Lesson]) -> set[str]:
    return {"index", "search", *(f"lessons/{lesson.path.stem}" for lesson in lessons)}


def build_edition(sources: Path, folder: Path, language: str, twins: set[str]) -> list[str]:
    """Build the pages of one language.

    Args:
        sources: What they are made from.
        folder: Where they go.
        language: Of the pages and of the words around them.
        twins: The pages that there are in the other language.

    Returns:
        What Sphinx warned of, a line each: a page that is not as it was meant.

    Raises:
        CourseError: Sphinx cannot build a page.

    Example:
        >>> build_edition(Path("sources/en"), Path("site"), "en", {"index"})  # doctest: +SKIP
    """
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    warnings = StringIO()
    doctrees = sources.with_name(f"{sources.name}_doctrees")
    try:
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                sources, None, folder, doctrees, "html",
                confoverrides=configuration(language, twins), status=None, warning=warnings,
                freshenv=True,
            )  # fmt: skip
            app.build()
    except SphinxError as error:
        raise CourseError(f"{sources}: Sphinx cannot build it: {error}") from error
    return warnings.getvalue().splitlines()


def configuration(language: str, twins: set[str]) -> dict[str, Any]:
    """What Sphinx is told; without a file of its own there is one place to read.

    Args:
        language: Of the edition.
        twins: The pages that there are in the other language.

    Example:
        >>> configuration("ja", set())["language"]
        'ja'
    """
    return {
        "project": TITLES[language],
        "html_title": TITLES[language],
        "language": language,
        "extensions": ["myst_nb", "course_lib.publishing.site_extension"],
        "course_twins": sorted(twins),
        "exclude_patterns": [],
        "html_theme": "sphinx_book_theme",
        "html_static_path": [str(TEMPLATES / "course_site" / "static")],
        "html_css_files": ["course.css"],
        "html_js_files": [("search.js", {"defer": "defer"})],
        "html_favicon": str(TEMPLATES / "course_site" / "static" / "favicon.svg"),
        "html_context": {"default_mode": "auto"},
        "templates_path": [str(TEMPLATES / "course_site")],
        "html_math_renderer": "mathml",
        "html_theme_options": {
            "article_header_end": ["twin", "article-header-buttons"],
            "home_page_in_toc": True,
            "navbar_persistent": [],
            "footer_content_items": [],
            # What it would offer is the page with its solutions, not the lesson.
            "use_download_button": False,
            "use_fullscreen_button": False,
            "navigation_with_keys": False,
        },
        "html_copy_source": False,
        "html_show_copyright": False,
        "html_use_index": False,
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "myst_enable_extensions": ["dollarmath"],
        "myst_heading_anchors": 4,
        # A lesson may go from a second to a fourth level.
        "suppress_warnings": ["myst.header"],
    }
