"""The finished example of every track runs from the raw file to the rubric.

The notebook's own track is run with the other lessons by nbmake; here are the other two.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.publishing.running import run_notebook

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "16_capstone.ipynb"


@pytest.mark.parametrize("name", ["clauses", "own"])
def test_the_finished_example_runs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_TRACK", name)
    done = run_notebook(LESSON)
    assert done.error is None
    assert done.good, [claim for claim in done.claims if not claim["held"]]
    assert {claim["statement"] for claim in done.claims} >= {"Points in the rubric, of 100"}
    told = "".join(
        output.get("text", "") for cell in done.notebook.cells for output in cell.get("outputs", [])
    )
    assert "README.md, " in told
    assert "rubric.csv" in told
