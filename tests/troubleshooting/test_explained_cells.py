"""In a real kernel: the traceback stays whole, and the explanation stands below it."""

from __future__ import annotations

import os
import re
from typing import Any

import nbclient
import nbformat
import pytest

CELLS = [
    "import course_lib, os\ncourse_lib.start()\nruntime = course_lib.start()  # run again",
    "from transformers import TrainingArguments\ndef settings(**more):\n"
    "    return TrainingArguments('run', **more)",
    "words = 'two lines above'\nargs = TrainingArguments(\n    'run', warmup_ratio=0.1,\n)",
    "settings(bf16=True)",
    "{}['rate']",
    "1 / 0",
    "course_lib.data_path('..', 'x').read_text()",
    "raise course_lib.CourseError('what, where, and what to do')",
    "os.environ['COURSE_LANGUAGE'] = 'ja'\nTrainingArguments('run', warmup_ratio=0.1)",
]


@pytest.fixture(scope="module")
def outputs() -> list[list[Any]]:
    """What each cell put out."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    client = nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True)
    client.execute(env=os.environ | {"COURSE_LANGUAGE": "en", "COURSE_PROFILE": "pocket"})
    return [cell.outputs for cell in notebook.cells]


def traceback(output: Any) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(output.traceback))


def test_the_traceback_is_whole_and_the_explanation_below_it(outputs: list[list[Any]]) -> None:
    error, box = outputs[2]
    assert error.output_type == "error"
    assert error.ename == "TypeError"
    assert error.evalue.endswith("got an unexpected keyword argument 'warmup_ratio'")
    assert "----> 2 args = TrainingArguments(" in traceback(error)
    assert traceback(error).endswith(error.evalue)

    assert box.output_type == "display_data"
    text = box.data["text/plain"]
    assert "it is called `warmup_steps` now" in text
    assert "The line to change: cell In[3], line 2" in text
    assert "'run', warmup_ratio=0.1," in text
    assert "'run', warmup_steps=0.1," in text
    assert "&#x27;run&#x27;, warmup_steps=0.1," in box.data["text/html"]


def test_an_unknown_exception_gets_nothing_more(outputs: list[list[Any]]) -> None:
    kinds = {4: "KeyError", 5: "ZeroDivisionError", 6: "FileNotFoundError", 7: "CourseError"}
    for place, kind in kinds.items():
        assert [output.output_type for output in outputs[place]] == ["error"]
        assert outputs[place][0].ename == kind
        assert traceback(outputs[place][0])


def test_a_line_whose_arguments_come_from_elsewhere_is_named_and_not_rewritten(
    outputs: list[list[Any]],
) -> None:
    error, box = outputs[3]
    assert error.ename == "ValueError"
    assert "settings(bf16=True)" in traceback(error)
    text = box.data["text/plain"]
    assert "Stopped at cell In[2], line 3" in text
    assert "return TrainingArguments('run', **more)" in text
    assert "    TrainingArguments(..., bf16=False)" in text


def test_it_is_said_in_the_language_of_the_session(outputs: list[list[Any]]) -> None:
    error, box = outputs[8]
    assert error.ename == "TypeError"
    text = box.data["text/plain"]
    assert "直す行: セルIn[9]の2行目" in text
    assert "今は`warmup_steps`です" in text
    assert "TrainingArguments('run', warmup_steps=0.1)" in text
