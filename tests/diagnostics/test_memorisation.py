"""Recitation: rows known by heart are found, rows never seen are not."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.diagnostics import memorised
from course_lib.errors import CourseError


@pytest.mark.parametrize("shown", [0.0, 0.5])
def test_rows_known_by_heart_are_recited(taught_chat: Any, shown: float) -> None:
    model, tokenizer, rows = taught_chat
    recitation = memorised(model, tokenizer, rows, shown=shown)
    assert recitation.rate == 1.0
    assert recitation.completions == recitation.expected


def test_rows_never_seen_are_not(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    unseen = {
        "messages": [
            {"role": "user", "content": "Which box holds the tent?"},
            {"role": "assistant", "content": "A grey box that stands under the old stairs."},
        ]
    }
    recitation = memorised(model, tokenizer, [unseen, rows[0]])
    assert recitation.recited == [False, True]
    assert recitation.rate == 0.5


def test_bad_input_is_told(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    with pytest.raises(CourseError, match="no rows to recite"):
        memorised(model, tokenizer, [])
    with pytest.raises(CourseError, match=r"shown is 1\.0"):
        memorised(model, tokenizer, rows, shown=1.0)
    call = {"name": "find", "arguments": "{}"}
    silent = {"role": "assistant", "content": "", "function_call": call}
    with pytest.raises(CourseError, match="row 1 has an answer without text"):
        memorised(model, tokenizer, [rows[0], {"messages": [rows[0]["messages"][0], silent]}])
