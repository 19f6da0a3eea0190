"""What each kind of tokenizer keeps, loses and costs; and how foreign templates spell a turn."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.runtime import data_path
from course_lib.tokenization import (
    FAMILIES,
    byte_level_bpe,
    characters,
    check_chat_template,
    render,
    tokens_per_character,
    with_template,
    wordpiece,
)

ENGLISH = ["Where is the lamp?", "The lamp is behind the door.", "Where is the door?"]
JAPANESE = ["道具はどこですか。", "返品は何日までできますか。"]
CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Where?"},
    {"role": "assistant", "content": "Here."},
]


@pytest.fixture(scope="module")
def pocket() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(data_path("pocket"))


def test_a_byte_level_tokenizer_writes_what_it_has_never_read() -> None:
    tokenizer = byte_level_bpe(ENGLISH, 300)
    text = "山の道具 🏔 naïve\n"
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert tokens_per_character(tokenizer, JAPANESE) == 3


def test_what_was_read_is_cheaper() -> None:
    english, both = byte_level_bpe(ENGLISH, 400), byte_level_bpe(ENGLISH + JAPANESE * 2, 400)
    assert tokens_per_character(both, JAPANESE) < tokens_per_character(english, JAPANESE) / 2


def test_a_vocabulary_has_no_more_entries_than_asked() -> None:
    assert len(byte_level_bpe(ENGLISH, 270)) == 270
    assert len(wordpiece(ENGLISH, 40)) == 40


def test_the_same_texts_give_the_same_pieces_and_ids() -> None:
    first, *others = (wordpiece(ENGLISH, 100).get_vocab() for _ in range(4))
    assert others == [first] * 3
    assert wordpiece(ENGLISH, 100).all_special_tokens == ["[UNK]", "[SEP]", "[PAD]", "[CLS]"]


def test_wordpiece_loses_what_it_has_never_read() -> None:
    tokenizer = wordpiece(ENGLISH, 100)
    assert set(tokenizer.tokenize(JAPANESE[0])) == {"[UNK]"}
    ids = tokenizer("The lamp")["input_ids"]
    assert tokenizer.convert_ids_to_tokens([ids[0], ids[-1]]) == ["[CLS]", "[SEP]"]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "the lamp"


def test_characters_cost_one_token_each() -> None:
    tokenizer = characters(ENGLISH + JAPANESE)
    assert tokens_per_character(tokenizer, [*JAPANESE, "a b"]) == 1
    assert tokenizer.decode(tokenizer(JAPANESE[1])["input_ids"]) == JAPANESE[1]
    assert tokenizer.tokenize("z") == ["[UNK]"]


def test_nothing_to_learn_from_is_told() -> None:
    for train in (lambda: characters([]), lambda: wordpiece([""], 50)):
        with pytest.raises(CourseError, match="no text"):
            train()
    with pytest.raises(CourseError, match="257"):
        byte_level_bpe(ENGLISH, 256)


def test_each_family_spells_a_conversation_its_own_way(pocket: Any) -> None:
    written = {family: render(with_template(pocket, family), CHAT) for family in FAMILIES}
    assert written["ChatML"] == (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nWhere?<|im_end|>\n"
        "<|im_start|>assistant\nHere.<|im_end|><|end|>\n"
    )
    assert written["Alpaca"] == (
        "Be kind.\n\n### Instruction:\nWhere?\n\n### Response:\nHere.<|end|>\n\n"
    )
    assert written["Plain"] == "Be kind.\nUser:\nWhere?\nAssistant:\nHere.<|end|>\n"


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_can_be_trained_with(family: str, pocket: Any) -> None:
    other = with_template(pocket, family)
    assert check_chat_template(other) == []
    asked = render(other, CHAT[:2], ask=True)
    assert render(other, CHAT).startswith(asked)
    assert pocket.chat_template not in FAMILIES.values()


def test_an_unknown_family_is_told(pocket: Any) -> None:
    with pytest.raises(CourseError, match="ChatML"):
        with_template(pocket, "Llama")
