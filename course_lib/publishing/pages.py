"""A notebook with its outputs as one HTML file that needs nothing else: no network, no server."""

from __future__ import annotations

from pathlib import Path

from nbformat import NotebookNode

from course_lib.publishing.formulas import WithFormulas
from course_lib.publishing.running import language_of

TEMPLATES = Path(__file__).resolve().parent / "templates"


def write_page(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook as a page.

    nbconvert's own template loads four scripts from the network; ``templates/course_page`` is the
    same page without them, so that it opens at once in a room with no network.

    Args:
        notebook: The notebook, with or without outputs.
        path: The HTML file; replaced if it exists.

    Example:
        >>> write_page(run.notebook, Path("build/course/00_start_here.html"))  # doctest: +SKIP
    """
    exporter = WithFormulas(
        template_name="course_page",
        extra_template_basedirs=[str(TEMPLATES)],
        embed_images=True,
        language_code=language_of(notebook),
        mathjax_url="",
    )
    resources = {"metadata": {"name": path.stem.replace("_", " ")}}
    html, _ = exporter.from_notebook_node(notebook, resources=resources)
    path.write_text(html, encoding="utf-8")
