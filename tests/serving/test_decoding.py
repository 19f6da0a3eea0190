"""Answers token by token: the same as transformers' own, stopped, told and constrained as asked."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from course_lib.evaluation import generate
from course_lib.runtime import start
from course_lib.serving.decoding import Piece, Sampling, decode
from course_lib.training import load_model

ASKED = [
    "What is 12 + 7?",
    "Sort these words: pear, apple, fig.",
    "What is the opposite of hot?",
    "「高い」の反対は？",
]
# Nothing to know: the pocket model says so, in several tokens.
LONG = "What does the shop cost?"


@pytest.fixture(scope="module")
def pocket() -> tuple[Any, Any]:
    return load_model("pocket", start(0))


def ids(tokenizer: Any, question: str) -> list[int]:
    encoded = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, return_dict=True
    )
    found: list[int] = encoded["input_ids"]
    return found


def answer(pocket: tuple[Any, Any], question: str, **settings: Any) -> list[Piece]:
    model, tokenizer = pocket
    return list(decode(model, tokenizer, ids(tokenizer, question), Sampling(**settings)))


def text(pieces: list[Piece], index: int = 0) -> str:
    return "".join(piece.text for piece in pieces if piece.index == index)


@pytest.mark.parametrize("question", ASKED)
def test_greedy_answers_are_those_of_transformers(pocket: Any, question: str) -> None:
    ours = text(answer(pocket, question, temperature=0, max_tokens=40))
    conversation = [[{"role": "user", "content": question}]]
    model, tokenizer = pocket
    assert ours.strip() == generate(model, tokenizer, conversation, max_new_tokens=40)[0]


def test_pieces_of_japanese_are_whole_characters(pocket: Any) -> None:
    pieces = answer(pocket, ASKED[3], temperature=0, max_tokens=40)
    assert not any("�" in piece.text for piece in pieces)
    assert text(pieces)


def test_the_same_seed_draws_the_same_answers(pocket: Any) -> None:
    drawn = [answer(pocket, "Tell me a story.", n=3, seed=5, temperature=1.5) for _ in range(2)]
    assert drawn[0] == drawn[1]
    other = answer(pocket, "Tell me a story.", n=3, seed=6, temperature=1.5)
    assert [text(drawn[0], i) for i in range(3)] != [text(other, i) for i in range(3)]
    assert len({text(drawn[0], i) for i in range(3)}) > 1


def test_a_tiny_top_p_is_greedy(pocket: Any) -> None:
    greedy = text(answer(pocket, ASKED[1], temperature=0))
    assert text(answer(pocket, ASKED[1], top_p=1e-6, seed=1)) == greedy


def test_drawn_tokens_follow_the_model(pocket: Any) -> None:
    model, tokenizer = pocket
    prompt = ids(tokenizer, "Name a city.")
    with torch.inference_mode():
        shares = model(torch.tensor([prompt])).logits[0, -1].float().softmax(-1)
    best = int(shares.argmax())
    pieces = list(
        decode(model, tokenizer, prompt, Sampling(n=600, max_tokens=1, seed=0, top_logprobs=0))
    )
    told = [piece.tokens[0].text for piece in pieces if piece.tokens]
    seen = told.count(tokenizer.decode([best])) / 600
    share = float(shares[best])
    assert seen == pytest.approx(share, abs=4 * (share * (1 - share) / 600) ** 0.5 + 1e-9)


@pytest.mark.parametrize("stop", ["not", "ow", ".", " "])
def test_a_stop_text_ends_the_answer_and_is_no_part_of_it(pocket: Any, stop: str) -> None:
    whole = text(answer(pocket, LONG, temperature=0))
    assert stop in whole
    pieces = answer(pocket, LONG, temperature=0, stop=[stop])
    assert text(pieces) == whole[: whole.index(stop)]
    assert pieces[-1].finish_reason == "stop"


def test_a_stop_text_that_never_comes_costs_no_text(pocket: Any) -> None:
    whole = text(answer(pocket, LONG, temperature=0))
    # It begins like the answer goes on, and is held back for a while.
    assert text(answer(pocket, LONG, temperature=0, stop=[whole + "!", "knowledge"])) == whole


def test_the_length_is_kept_and_told(pocket: Any) -> None:
    pieces = answer(pocket, LONG, temperature=0, max_tokens=3)
    assert (pieces[-1].count, pieces[-1].finish_reason) == (3, "length")


def test_likelihoods_are_those_of_the_model(pocket: Any) -> None:
    model, tokenizer = pocket
    prompt = ids(tokenizer, ASKED[0])
    pieces = list(
        decode(model, tokenizer, prompt, Sampling(temperature=0, max_tokens=4, top_logprobs=3))
    )
    tokens = [token for piece in pieces for token in piece.tokens]
    chosen = tokenizer.encode("".join(t.text for t in tokens), add_special_tokens=False)
    with torch.inference_mode():
        logits = model(torch.tensor([prompt + chosen])).logits[0].float().log_softmax(-1)
    for place, token in enumerate(tokens):
        row = logits[len(prompt) - 1 + place]
        assert token.logprob == pytest.approx(float(row[chosen[place]]), abs=1e-3)
        assert [value for *_, value in token.top] == pytest.approx(row.topk(3).values, abs=1e-3)
        assert bytes(token.bytes).decode() == token.text


@pytest.mark.parametrize("question", ["Give json.", "Hi", "12 + 7", "天気は？"])
def test_any_answer_follows_its_schema(pocket: Any, question: str) -> None:
    schema = {
        "type": "object",
        "properties": {
            "mood": {"enum": ["positive", "negative"]},
            "count": {"type": "integer", "minimum": 0, "maximum": 99},
        },
        "required": ["mood", "count"],
        "additionalProperties": False,
    }
    pieces = answer(pocket, question, temperature=1.3, seed=0, n=4, max_tokens=80, schema=schema)
    for index in range(4):
        value = json.loads(text(pieces, index))
        assert value["mood"] in ("positive", "negative")
        assert 0 <= value["count"] <= 99
