"""How long a lesson takes to teach: words said, words read, cells run, exercises."""

from __future__ import annotations

from typing import Any

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from course_lib.publishing.timings import Pace, pace_of, parts_of


def cell(made: Any, notes: str = "", slide_type: str = "-", tags: tuple[str, ...] = ()) -> Any:
    made.metadata |= {"speaker_notes": notes, "slideshow": {"slide_type": slide_type}}
    made.metadata["tags"] = list(tags)
    return made


def test_notes_are_spoken_and_slides_are_read() -> None:
    shown = cell(new_markdown_cell("word " * 240), "word " * 130)
    assert pace_of([shown]).told == pytest.approx(120)
    assert pace_of([shown])[1:] == (0, 0)


def test_japanese_is_counted_by_characters() -> None:
    assert pace_of([cell(new_markdown_cell("あ漢ア" * 10), "語" * 300)]).told == pytest.approx(63.6)


def test_code_is_run_not_read_and_takes_as_long_as_it_took() -> None:
    code = cell(new_code_cell("word " * 240))
    assert pace_of([code]).seconds == 0
    code.metadata["execution"] = {
        "iopub.execute_input": "2026-01-01T10:00:00.5Z",
        "shell.execute_reply": "2026-01-01T10:01:02Z",
    }
    assert pace_of([code]) == Pace(0, 61.5, 0)


def test_an_exercise_takes_three_minutes() -> None:
    asked = cell(new_markdown_cell(""), tags=("exercise",))
    data = cell(new_code_cell("plot(log)"), tags=("exercise",))
    answer = cell(new_code_cell('check("name", ...)'), tags=("exercise",))
    assert pace_of([asked, data, answer]).tried == 180
    assert pace_of([cell(new_code_cell('check("name", 3)'))]).tried == 0


def test_parts_begin_where_slides_begin_and_add_up() -> None:
    cells = [
        cell(new_markdown_cell("# The `first` one"), "word " * 130, "slide"),
        cell(new_markdown_cell("### below"), "word " * 130, "subslide"),
        cell(new_markdown_cell("## The *second*"), "word " * 13, "slide"),
    ]
    parts = parts_of(cells)
    assert [part.title for part in parts] == ["The first one", "The second"]
    assert sum(part.pace.seconds for part in parts) == pytest.approx(pace_of(cells).seconds)
    assert parts[0].pace.told == pytest.approx(120 + 60 * 4 / 240)
