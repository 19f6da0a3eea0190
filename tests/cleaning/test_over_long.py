"""Rows too long for the model, counted with the tokenizer of the repository's own model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from course_lib.cleaning.lengths import over_long_rule
from course_lib.cleaning.rule import chat
from course_lib.errors import CourseError

POCKET = Path(__file__).parents[2] / "data" / "pocket"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(POCKET)


def _count(tokenizer: Any, question: str, answer: str) -> int:
    return len(tokenizer.apply_chat_template(chat(question, answer), return_dict=True)["input_ids"])


@pytest.mark.parametrize("answer", ["Yes. " * 40, "テントは明日届きます。" * 9, "👨‍👩‍👧" * 30])
def test_the_limit_is_exact(tokenizer: Any, answer: str) -> None:
    count = _count(tokenizer, "When?", answer)
    assert over_long_rule(tokenizer, count).check(chat("When?", answer)) is None
    reason = over_long_rule(tokenizer, count - 1).check(chat("When?", answer))
    assert reason == f"{count} tokens with the chat template, over the limit of {count - 1}"


def test_the_short_cut_never_differs_from_the_count(tokenizer: Any) -> None:
    rule = over_long_rule(tokenizer, 64)

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.text(max_size=60), st.text(max_size=60))
    def agrees(question: str, answer: str) -> None:
        found = rule.check(chat(question, answer))
        assert (found is None) == (_count(tokenizer, question, answer) <= 64)

    agrees()


def test_bad_input_is_said(tokenizer: Any) -> None:
    with pytest.raises(CourseError, match="at least 1 token"):
        over_long_rule(tokenizer, 0)
    bare = AutoTokenizer.from_pretrained(POCKET)
    bare.chat_template = None
    with pytest.raises(CourseError, match="no chat template"):
        over_long_rule(bare, 64)
    picky = AutoTokenizer.from_pretrained(POCKET)
    picky.chat_template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}"
        "{% endif %}{{ m.content }}{% endfor %}"
    )
    row = [{"role": "system", "content": "Be kind."}, *chat("Hi", "Hello.")]
    assert "no system" in str(over_long_rule(picky, 64).check(row))
