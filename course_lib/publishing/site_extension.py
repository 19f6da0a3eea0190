"""What the site adds to Sphinx: search in two languages, formulas with no script, twin pages."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.search import languages
from sphinx.writers.html5 import HTML5Translator

from course_lib.publishing.formulas import as_mathml
from course_lib.publishing.site_search import BilingualSearch
from course_lib.publishing.translations import LANGUAGE


def setup(app: Sphinx) -> dict[str, Any]:
    """Sphinx calls this when it loads the extension.

    Args:
        app: The build.

    Returns:
        That pages may be read and written side by side.

    Example:
        >>> setup(app)  # doctest: +SKIP
    """
    for language in ("en", LANGUAGE):
        # Its types want a class that can be loaded by name; the class itself serves as well.
        languages[language] = BilingualSearch
    app.add_config_value("course_twins", [], "html")
    app.add_html_math_renderer("mathml", (_inline, None), (_display, None))
    app.connect("html-page-context", _add_twin)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def twin_of(page: str, language: str, twins: list[str]) -> str:
    """The address of a page in the other language, or of its start page where there is no such.

    Args:
        page: The page's name, such as ``lessons/00_start_here``.
        language: Its language.
        twins: The pages of the other language.

    Returns:
        An address relative to the page.

    Example:
        >>> twin_of("lessons/00_start_here", "ja", ["index"])
        '../../index.html'
    """
    target = page if page in twins else "index"
    return "../" * page.count("/") + ("ja/" if language == "en" else "../") + f"{target}.html"


def _add_twin(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    context["twin"] = twin_of(page, str(app.config.language), app.config.course_twins)


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(as_mathml(node.astext()))
    raise nodes.SkipNode


def _display(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{as_mathml(node.astext(), display=True)}</div>')
    raise nodes.SkipNode
