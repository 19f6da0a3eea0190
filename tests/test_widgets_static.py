"""Every widget where nobody can click: what nbmake runs, a page and a slide show in its place."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from test_widgets_in_jupyterlab import CELLS

from course_lib.cleaning import clean
from course_lib.cleaning.annotation import sample_findings
from course_lib.cleaning.rule import chat
from course_lib.formats import write_jsonl
from course_lib.publishing.pages import write_page
from course_lib.publishing.slides import write_deck
from course_lib.widgets import CurvesView, annotate, approach_chooser, blind_ab, memory_sliders

# What each shows: a picture, or words that stand in its HTML.
SHOWN: dict[str, str | None] = {
    "planner": None,
    "helper": "a fixed style is the same in every row",
    "curves": None,
    "xray": "4 of 16 tokens are trained",
    "annotation": "not decided",
    "blind": "How long does delivery to city 3 take?",
    "quiz": "What matters first?",
    "job": None,
}
LIVE = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The cells of the browser's test, run as nbmake runs a lesson."""
    from nbclient import NotebookClient

    folder = tmp_path_factory.mktemp("static")
    notebook = new_notebook(cells=[new_code_cell(source) for source in CELLS.values()])
    for cell in notebook.cells:
        cell.metadata = {"slideshow": {"slide_type": "slide"}, "speaker_notes": "Look."}
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    resources = {"metadata": {"path": str(folder)}}
    # Without the widgets' state, as the course keeps a lesson: with it nbconvert's page would ask
    # the network for a program that shows them.
    client = NotebookClient(notebook, timeout=300, resources=resources, store_widget_state=False)
    client.execute()
    return notebook


def outputs(ran: Any, name: str) -> list[Any]:
    cell = ran.cells[list(CELLS).index(name)]
    return [output.data for output in cell.outputs if "data" in output]


@pytest.mark.parametrize("name", CELLS)
def test_what_is_run_keeps_a_readable_form(ran: Any, name: str) -> None:
    (data,) = outputs(ran, name)
    assert LIVE not in data, "a page would say that the widget cannot be displayed"
    words = SHOWN[name]
    if words is None:
        assert base64.b64decode(data["image/png"]).startswith(b"\x89PNG")
    else:
        assert words in re.sub("<[^>]+>", "", data["text/html"])
    assert not data["text/plain"].startswith("<"), "the text form names what it is"


@pytest.mark.parametrize("write", [write_page, write_deck])
def test_a_page_and_a_slide_show_the_same(ran: Any, write: Any, tmp_path: Path) -> None:
    write(ran, tmp_path / "widgets.html")
    html = (tmp_path / "widgets.html").read_text("utf-8")
    words = re.sub(r"\s+", " ", re.sub("<[^>]+>", "", html))
    for shown in filter(None, SHOWN.values()):
        assert shown in words
    assert html.count('src="data:image/png;base64,') == list(SHOWN.values()).count(None)
    for failure in (
        "could not be displayed",
        "cannot be displayed",
        "View(children=",
        LIVE,
        "unpkg",
    ):
        assert failure not in html


def test_a_notebook_saved_in_jupyterlab_has_both_forms() -> None:
    """Opened without a kernel, it shows the second form."""
    for view, form in ((memory_sliders(), "image/png"), (approach_chooser(), "text/html")):
        assert {LIVE, form, "text/plain"} <= set(view._repr_mimebundle_())


def said(part: Any) -> Iterator[str]:
    """What a widget and all its parts have for labels."""
    for name in ("description", "placeholder"):
        text = getattr(part, name, "")
        if text.strip("\u200b"):
            yield text
    for child in getattr(part, "children", ()):
        yield from said(child)


def test_every_label_is_japanese_in_japanese(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_LANGUAGE", "ja")
    row = {"messages": chat("Where is <b>the tent</b>?", "In the box, we think.")}
    report = clean(write_jsonl([row], tmp_path / "rows.jsonl"), rules=["html"])
    judge = annotate(sample_findings(report), tmp_path / "mina.jsonl")
    judge.fix.click()
    views = [
        judge,
        approach_chooser(),
        blind_ab(["Why?"], ["Yes."], ["No."], tmp_path / "votes.jsonl"),
        CurvesView("curves"),
        memory_sliders(),
    ]
    labels = [label for view in views for label in said(view)]
    assert len(labels) == 28
    assert [label for label in labels if not re.search("[ぁ-んァ-ヶ一-龥]", label)] == [
        "k、f、r、u"
    ]
