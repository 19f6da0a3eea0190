"""Formulas on pages and slides: TeX becomes MathML, which every browser of today draws itself.

JupyterLab draws TeX with MathJax, megabytes of scripts. A page that opens with no network cannot
load them, and MathML needs none.
"""

from __future__ import annotations

from html import escape
from typing import Any

from jinja2 import pass_context
from latex2mathml.converter import convert
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from course_lib.errors import CourseError


def as_mathml(tex: str, *, display: bool = False) -> str:
    """Return a formula as MathML, with its TeX kept for who copies it or has it read out.

    Args:
        tex: The formula without its dollar signs.
        display: Whether it stands on a line of its own.

    Raises:
        CourseError: The formula is not TeX that can be converted.

    Example:
        >>> as_mathml("r").endswith("<mrow><mi>r</mi></mrow></math>")
        True
    """
    try:
        mathml = convert(tex, display="block" if display else "inline")
    except Exception as error:  # the library has many kinds, and no common one
        raise CourseError(f"formula {tex!r}: not TeX that can be set ({error!r})") from error
    return mathml.replace("<math ", f'<math alttext="{escape(tex)}" ', 1)


class _Renderer(IPythonRenderer):
    """nbconvert's own, but for formulas, which it leaves to MathJax."""

    def block_math(self, body: str) -> str:
        return as_mathml(body, display=True)

    def inline_math(self, body: str) -> str:
        return as_mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return as_mathml(f"\\begin{{{name}}}{body}\\end{{{name}}}", display=True)


class WithFormulas(HTMLExporter):
    """An exporter whose formulas need no script.

    Example:
        >>> class Pages(WithFormulas, HTMLExporter): ...
    """

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Return markdown as HTML; nbconvert calls this for every cell and output of it.

        Args:
            context: What jinja2 knows: the cell among it.
            source: The markdown.

        Example:
            >>> WithFormulas().markdown2html({}, "$r$").count("<math")
            1
        """
        renderer = _Renderer(
            escape=False,
            attachments=context.get("cell", {}).get("attachments", {}),
            embed_images=self.embed_images,
            path=context.get("resources", {}).get("metadata", {}).get("path", ""),
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
            **self.lexer_options,
        )
        return MarkdownWithMath(renderer=renderer).render(source)
