"""A lesson of four cells, the smallest that has everything a lesson has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

CLAIMS = """\
from course_lib.claims import claim, claims
claim("two is enough", 2, at_least=1)
claims()"""


@pytest.fixture
def small_lesson(tmp_path: Path) -> Path:
    """A notebook that states one claim and draws nothing."""
    cells = [
        _as("skip", new_code_cell("import os"), "Run it and go on."),
        _as("slide", new_markdown_cell("# A small lesson\n\n山びこ says hello."), "Greet them."),
        _as("subslide", new_code_cell("weight = bytearray(60_000_000)"), "Sixty megabytes."),
        _as("-", new_code_cell(CLAIMS), "It holds."),
    ]
    path = tmp_path / "00_small.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def _as(slide_type: str, cell: Any, notes: str) -> Any:
    cell.metadata = {"slideshow": {"slide_type": slide_type}, "speaker_notes": notes}
    return cell
