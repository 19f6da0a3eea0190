"""Tokens, masks, truncation and template faults, on throw-away byte-level tokenizers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from course_lib.errors import CourseError
from course_lib.tokenization import (
    check_chat_template,
    lengths,
    render,
    show_xray,
    tokens_per_character,
    training_cost,
    truncation,
    xray,
)
from course_lib.tokenization.conversation import template_messages, tools_of

TEMPLATE = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}<|assistant|>"
    "{% generation %}{{ m['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
UNMARKED = TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
CHAT = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": "Where is the lamp?"},
    {"role": "assistant", "content": "Behind the door."},
]
JAPANESE = [
    {"role": "user", "content": "山の道具はどこですか。"},
    {"role": "assistant", "content": "扉の後ろです。"},
]


def tokenizer(template: str | None = TEMPLATE, **special: Any) -> PreTrainedTokenizerFast:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["Where is the lamp? Behind the door."] * 20, trainer)
    names = {"pad_token": "<|pad|>", "eos_token": "<|end|>"} | special
    made = PreTrainedTokenizerFast(tokenizer_object=backend, **names)
    made.chat_template = template
    return made


def test_only_the_answer_and_its_end_are_trained() -> None:
    tokens = xray(tokenizer(), CHAT)

    assert "".join(tokens.loc[tokens["trained"], "token"]) == "Behind the door.<|end|>"
    assert "".join(tokens["token"]) == render(tokenizer(), CHAT)
    assert list(tokens["role"].unique()) == ["system", "user", "assistant"]
    assert "".join(tokens.loc[tokens["role"] == "user", "token"]).startswith("<|user|>Where")


def test_each_answer_of_a_long_conversation_is_trained() -> None:
    tokens = xray(tokenizer(), [*CHAT, *CHAT[1:]])

    assert "".join(tokens.loc[tokens["trained"], "token"]) == "Behind the door.<|end|>" * 2


def test_japanese_split_over_several_tokens_stays_readable() -> None:
    tokens = xray(tokenizer(), JAPANESE)

    assert {"山[1/3]", "山[2/3]", "山[3/3]"} <= set(tokens["token"])
    assert not tokens["token"].str.contains("\ufffd").any()


def test_a_role_is_found_where_the_template_rewrites_earlier_turns() -> None:
    trims = UNMARKED.replace(
        "{{ m['content'] }}", "{{ m['content'] }}{% if loop.last %}!{% endif %}"
    )
    tokens = xray(tokenizer(trims), CHAT)

    assert "Where" in "".join(tokens.loc[tokens["role"] == "user", "token"])
    assert not tokens["trained"].any()


def test_view_tells_trained_from_masked_without_colour_too() -> None:
    view = show_xray(tokenizer(), [{"role": "user", "content": "<b>"}, CHAT[2]])

    page = view._repr_html_()
    assert "underline" in page
    assert "trained" in page
    assert "masked" in page
    assert "<b>" not in page.replace("<b>user</b>", "").replace("<b>assistant</b>", "")
    assert "[<|end|>]" in repr(view)


def test_lengths_count_what_the_template_adds() -> None:
    rows = [{"messages": CHAT}, {"messages": JAPANESE}]
    counted = lengths(rows, tokenizer())

    assert list(counted) == [len(xray(tokenizer(), row["messages"])) for row in rows]


def test_truncation_names_who_loses_what() -> None:
    whole = len(xray(tokenizer(), CHAT))
    rows = [{"messages": CHAT[1:]}, {"messages": CHAT}]
    cut = truncation(rows, tokenizer(), whole - 1)

    assert list(cut["row"]) == [1]
    assert list(cut["trained_lost"]) == list(cut["lost"]) == [1]
    assert cut["what"].str.contains("stop token").all()
    assert truncation(rows, tokenizer(), whole).empty
    assert truncation(rows, tokenizer(), 5)["what"].str.contains("teaches nothing").all()


def test_cost_adds_up() -> None:
    cost = training_cost([{"messages": CHAT}] * 3, tokenizer(), epochs=2)
    tokens = xray(tokenizer(), CHAT)

    assert cost["total"] == 2 * cost["tokens"] == 6 * len(tokens)
    assert cost["trained"] == 3 * tokens["trained"].sum()


def test_japanese_costs_more_tokens_a_character() -> None:
    made = tokenizer()

    assert tokens_per_character(made, ["山の道具"]) == 3
    assert tokens_per_character(made, ["Where is the lamp?"]) < 1
    with pytest.raises(CourseError, match="no text"):
        tokens_per_character(made, [""])


def test_a_sound_template_has_no_problems() -> None:
    assert check_chat_template(tokenizer()) == []


@pytest.mark.parametrize(
    ("template", "special", "said"),
    [
        (TEMPLATE, {"pad_token": "<|end|>"}, "pad token is the eos"),
        (TEMPLATE, {"pad_token": None}, "No pad token"),
        (UNMARKED, {}, "No {% generation %} markers"),
        (None, {}, "No chat template"),
        (TEMPLATE, {"eos_token": "<|system|>"}, "never trained to stop"),
        (TEMPLATE.replace("<|end|>{% endgen", "{% endgen"), {}, "never trained to stop"),
    ],
)
def test_each_fault_is_named(template: str | None, special: dict[str, Any], said: str) -> None:
    problems = check_chat_template(tokenizer(template, **special))

    assert len(problems) == 1
    assert said in problems[0]


def test_a_row_without_messages_is_named() -> None:
    with pytest.raises(CourseError, match=r"Row 1 has no 'messages'.*prompt"):
        lengths([{"messages": CHAT}, {"prompt": "x"}], tokenizer())


def test_a_refusing_template_is_quoted() -> None:
    strict = "{% if messages[0]['role'] != 'user' %}{{ raise_exception('user first') }}{% endif %}"
    with pytest.raises(CourseError, match="user first"):
        render(tokenizer(strict + TEMPLATE), CHAT)


def test_no_template_is_said() -> None:
    with pytest.raises(CourseError, match="no chat template"):
        xray(tokenizer(None), CHAT)


def test_tools_and_calls_stored_as_json_text_are_read() -> None:
    # `to_dataset` writes them so where `datasets` has no type for JSON.
    call = {"type": "function", "function": {"name": "find", "arguments": {"n": 1}}}
    message = {"role": "assistant", "content": "", "tool_calls": json.dumps([call])}
    assert template_messages([message])[0]["tool_calls"] == [call]
    assert tools_of({"tools": "null", "functions": '[{"name": "find"}]'}) == [
        {"type": "function", "function": {"name": "find"}}
    ]
    with pytest.raises(CourseError, match="text that is no JSON"):
        tools_of({"tools": "find"})
