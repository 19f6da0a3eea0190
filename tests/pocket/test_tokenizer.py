"""The committed tokenizer: any text survives it, and digits and Japanese are single tokens."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib import runtime
from course_lib.tokenization import check_chat_template

TEXTS = (
    "The late visit fee of Tavo is 12 coins.",
    "返品は45日以内です。「テント」の保証は10年です。",
    "emoji 🏕️👩‍👩‍👧 and accents: naïve Ærøskøbing, Ünïcödé",
    "  two  spaces,\ttabs\nand\n\nlines  ",
    "한국어 العربية עברית русский",
    '{"answer": "12 days"} <b>&amp;</b> $%^&*',
)


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The pocket model's own tokenizer."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(runtime.data_path("pocket"))


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_survives(tokenizer: Any, text: str) -> None:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(ids) == text


def test_a_digit_is_a_token(tokenizer: Any) -> None:
    assert tokenizer.tokenize("4096") == ["4", "0", "9", "6"]


@pytest.mark.parametrize("text", ["返品保証", "山川日本", "テント", "くだものを"])
def test_a_kanji_or_kana_is_a_token(tokenizer: Any, text: str) -> None:
    assert len(tokenizer.tokenize(text)) == len(text)


def test_stopping_padding_and_masks_are_sound(tokenizer: Any) -> None:
    assert check_chat_template(tokenizer) == []
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
