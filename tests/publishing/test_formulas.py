"""Formulas on pages and slides: MathML in the file itself, drawn with no script."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell

from course_lib.errors import CourseError
from course_lib.publishing.formulas import WithFormulas, as_mathml
from course_lib.publishing.pages import write_page


def html_of(markdown: str) -> str:
    return WithFormulas().markdown2html({}, markdown)


def test_inline_and_on_a_line_of_its_own() -> None:
    html = html_of("So $W + \\frac{\\alpha}{r}BA$ is it:\n\n$$\\sqrt{r}$$")
    assert html.count("<math") == 2
    assert "<mfrac>" in html
    assert 'alttext="W + \\frac{\\alpha}{r}BA"' in html
    assert html.index('display="inline"') < html.index('display="block"')
    assert "$" not in html


def test_an_environment() -> None:
    assert "<mtable" in html_of("\\begin{align}a &= b\\end{align}")


def test_prices_and_code_are_no_formulas() -> None:
    html = html_of("It costs \\$5 and `$r$` is code.\n\n```\n$r$\n```")
    assert "<math" not in html
    assert "costs $5" in html


def test_what_is_no_tex_is_told() -> None:
    with pytest.raises(CourseError, match="formula"):
        as_mathml("\\frac{1}{")


@pytest.mark.browser
def test_in_a_browser_a_page_draws_them(small_lesson: Path, tmp_path: Path, browser: Any) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    notebook.cells.append(new_markdown_cell("$$\\frac{\\frac{1}{2}}{r}$$"))
    write_page(notebook, tmp_path / "page.html")
    page = browser.new_page()
    page.goto((tmp_path / "page.html").as_uri())
    above, below = page.evaluate(
        "[...document.querySelector('mfrac').children].map(part => part.getBoundingClientRect().y)"
    )
    assert above + 10 < below, "a fraction is not drawn as one"
    page.close()
