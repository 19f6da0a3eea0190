"""In a real kernel: the traceback stays whole, and the explanation stands below it."""

from __future__ import annotations

import os
import re
from typing import Any

import nbclient
import nbformat
import pytest

START = """
from course_lib.troubleshooting.explaining import explain_cells
explain_cells()
explain_cells()  # a cell that is run again
from transformers import TrainingArguments
"""
CELLS = [
    START,
    "words = 'two lines above'\nargs = TrainingArguments(\n    'run', warmup_ratio=0.1,\n)",
    "def rate():\n    return {}['rate']\nrate()",
    "def settings(**more):\n    return TrainingArguments('run', **more)",
    "settings(bf16=True)",
    "1 / 0",
    "from course_lib.errors import CourseError\nraise CourseError('what, where, and what to do')",
]


@pytest.fixture(scope="module", params=["en", "ja"])
def outputs(request: pytest.FixtureRequest) -> list[list[Any]]:
    """What each cell put out, in each language."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    client = nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True)
    client.execute(env=os.environ | {"COURSE_LANGUAGE": request.param})
    found = [list(cell.outputs) for cell in notebook.cells]
    return [[nbformat.from_dict({"language": request.param}), *cell] for cell in found]


def traceback(output: Any) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output.traceback))


def test_the_traceback_is_whole_and_the_explanation_below_it(outputs: list[list[Any]]) -> None:
    session, error, box = outputs[1]
    assert error.output_type == "error"
    assert error.ename == "TypeError"
    assert error.evalue.endswith("got an unexpected keyword argument 'warmup_ratio'")
    assert "----> 2 args = TrainingArguments(" in traceback(error)
    assert traceback(error).endswith(error.evalue)

    assert box.output_type == "display_data"
    text = box.data["text/plain"]
    if session.language == "en":
        assert "The line to change: cell In[2], line 2" in text
        assert "it is called `warmup_steps` now" in text
    else:
        assert "直す行: セルIn[2]の2行目" in text
        assert "今は`warmup_steps`です" in text
    assert "'run', warmup_ratio=0.1," in text
    assert "'run', warmup_steps=0.1," in text
    assert "&#x27;run&#x27;, warmup_steps=0.1," in box.data["text/html"]


def test_an_unknown_exception_gets_nothing_more(outputs: list[list[Any]]) -> None:
    for place, kind in ((2, "KeyError"), (5, "ZeroDivisionError"), (6, "CourseError")):
        _, *shown = outputs[place]
        assert [output.output_type for output in shown] == ["error"]
        assert shown[0].ename == kind
        assert traceback(shown[0])


def test_a_line_whose_arguments_come_from_elsewhere_is_named_and_not_rewritten(outputs: list[list[Any]]) -> None:
    session, error, box = outputs[4]
    assert error.ename == "ValueError"
    assert "settings(bf16=True)" in traceback(error)
    text = box.data["text/plain"]
    where = "cell In[4], line 2" if session.language == "en" else "セルIn[4]の2行目"
    assert where in text
    assert "return TrainingArguments('run', **more)" in text
    assert "    TrainingArguments(..., bf16=False)" in text
