"""The committed tokenizer: any text survives it; digits, kana and nearly all kanji are tokens."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib import runtime
from course_lib.pocket import lexicon as lx
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


def test_a_kana_is_a_token(tokenizer: Any) -> None:
    split = [c for c in lx.JA_KATAKANA + lx.JA_HIRAGANA if len(tokenizer.tokenize(c)) > 1]
    assert split == []


def test_a_kanji_of_the_world_is_a_token_but_for_a_few_rare_ones(tokenizer: Any) -> None:
    kanji = set(lx.JA_KANJI)
    split = {c for c in kanji if len(tokenizer.tokenize(c)) > 1}
    assert len(split) / len(kanji) < 0.02, sorted(split)


def test_neighbours_never_merge_into_one_token(tokenizer: Any) -> None:
    """Any Japanese string can be copied character by character."""
    text = lx.JA_KANJI + lx.JA_KATAKANA
    assert len(tokenizer.tokenize(text)) >= len(text)


def test_stopping_padding_and_masks_are_sound(tokenizer: Any) -> None:
    assert check_chat_template(tokenizer) == []
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
