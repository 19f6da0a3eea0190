"""The stream that the model is pretrained on: seeded, free of test instances, rightly weighted."""

from __future__ import annotations

import itertools
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from course_lib.pocket import corpus, score, skills
from course_lib.pocket.batches import Recipe, encode, packed_batches
from course_lib.pocket.corpus import Conversation
from course_lib.pocket.plain import ja_plain_passage, plain_passage
from course_lib.pocket.pretraining import build_tokenizer
from course_lib.pocket.tokenizer import END


@pytest.fixture(scope="module")
def training() -> list[Conversation]:
    """8,000 conversations: of the plain mixture, then of the last stages'."""
    plain = itertools.islice(corpus.conversations(seed=0), 5000)
    last = Recipe().stages[-1]
    late = corpus.conversations(seed=7, extra=last.extra, practised=last.practised)
    return [*plain, *itertools.islice(late, 3000)]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """A tokenizer of the pocket's kind, learnt from a little of the corpus."""
    return build_tokenizer(Recipe(vocab_size=1500, tokenizer_conversations=400))


def test_the_same_seed_gives_the_same_conversations(training: list[Conversation]) -> None:
    again = list(itertools.islice(corpus.conversations(seed=0), 200))
    other = list(itertools.islice(corpus.conversations(seed=1), 200))
    assert again == training[:200]
    assert other != again


def test_no_scored_instance_is_ever_trained_on(training: list[Conversation]) -> None:
    text = json.dumps(training, ensure_ascii=False)
    asked = {turn["content"] for c in training for turn in c if turn["role"] == "user"}
    tests = score.instances(n=40, seed=0)
    for skill, rows in tests.items():
        for row in rows:
            assert row["messages"][-1]["content"] not in asked, skill
    for name in ("context", "japanese", "unknown", "company pages"):
        for row in tests[name]:
            passage = row["messages"][-1]["content"].rpartition("\n\n")[0]
            assert json.dumps(passage, ensure_ascii=False)[1:-1] not in text


def test_a_task_of_the_training_is_never_from_the_held_out_tenth() -> None:
    rng = random.Random(0)
    for skill in (*skills.GENERAL, "sentiment"):
        kept = {skills.draw(skill, rng, held_out=False).key for _ in range(100)}
        held = {skills.draw(skill, rng, held_out=True).key for _ in range(100)}
        assert not kept & held


def test_render_is_the_chat_template(training: list[Conversation], tokenizer: Any) -> None:
    for conversation in training[:200]:
        messages = [{"role": t["role"], "content": t["content"]} for t in conversation]
        written = tokenizer.apply_chat_template(messages, tokenize=False)
        assert corpus.render(conversation) == written


def test_full_weight_is_what_trl_trains(training: list[Conversation], tokenizer: Any) -> None:
    """`{% generation %}` and the pretraining must agree on which tokens are the assistant's."""
    end = tokenizer.convert_tokens_to_ids(END)
    for conversation in training[:200]:
        plain: Conversation = [{"role": t["role"], "content": t["content"]} for t in conversation]
        [(ids, weights)] = encode([plain], tokenizer)
        marked = tokenizer.apply_chat_template(
            plain, return_dict=True, return_assistant_tokens_mask=True
        )
        assert marked["input_ids"] == ids.tolist()
        assert (weights == 1.0).astype(int).tolist() == marked["assistant_masks"]
        stops = np.flatnonzero((ids == end) & (weights == 1.0))
        assert len(stops) == sum(t["role"] == "assistant" for t in plain)


def test_an_answer_that_cannot_be_foreseen_is_not_trained(tokenizer: Any) -> None:
    shown: Conversation = [
        {"role": "user", "content": "What is 2 + 2?"},
        {"role": "assistant", "content": "** 4", "train": False},
    ]
    [(_, weights)] = encode([shown], tokenizer)
    assert weights.max() < 1.0


def test_packed_rows_are_full_and_padding_weighs_nothing(tokenizer: Any) -> None:
    stream = packed_batches(tokenizer, seed=0, rows=8, length=192, most_facts=3)
    ids, weights = next(stream)
    padding = ids == tokenizer.pad_token_id
    assert ids.shape == weights.shape == (8, 193)
    assert not weights[padding].any()
    assert padding.mean() < 0.05


def test_extra_shares_come_as_often_as_asked() -> None:
    stream = corpus.conversations(seed=1, extra={"spelling": 0.3, "drills": 0.2})
    drawn = list(itertools.islice(stream, 2000))
    orders = ("Say: ", "Repeat: ", "Copy: ")
    spelt = sum(c[1]["content"].startswith(orders) for c in drawn) / len(drawn)
    assert 0.26 < spelt < 0.34


@pytest.mark.parametrize("strange", [False, True])
@pytest.mark.parametrize("make", [plain_passage, ja_plain_passage])
def test_plain_passages_hold_their_answers_and_name_each_thing_once(
    make: Any, strange: bool
) -> None:
    for seed in range(200):
        passage = make(random.Random(seed), 5, strange)
        text = passage["text"].lower()
        assert len(passage["facts"]) == 5
        assert all(fact.value.lower() in text for fact in passage["facts"])
        labels = [fact.label for fact in (*passage["facts"], *passage["missing"])]
        assert len(set(labels)) == len(labels)


def test_spelling_answers_in_capitals() -> None:
    rng = random.Random(0)
    for _ in range(100):
        turns = corpus.spelling_conversation(rng)[1:]
        for asked, answer in zip(turns[::2], turns[1::2], strict=True):
            assert answer["content"] == asked["content"].split(": ", 1)[1].upper()


def test_every_answer_stands_in_its_passage() -> None:
    for japanese in (False, True):
        for row in score.context_rows(100, seed=5, japanese=japanese):
            text = row["messages"][0]["content"].rpartition("\n\n")[0]
            assert row["answer"].lower() in text.lower()


def test_company_rows_are_kept_apart_by_whether_the_page_answers() -> None:
    for name, unknown in (
        ("context_test", "I do not know."),
        ("context_test_ja", "わかりません。"),
    ):
        known = score.company_rows(name, "pages", 1000, 0, "answerable")
        assert all(r["answer"] != unknown for r in known)
        others = score.company_rows(name, "pages", 1000, 0, "unanswerable")
        assert {r["answer"] for r in others} == {unknown}
        assert len(known) >= 200
        assert len(others) >= 200


def test_data_files_travel_with_the_package() -> None:
    folder = Path(corpus.__file__).parent
    for name in ("lexicon.toml", "wordings.toml", "card.md.j2"):
        assert (folder / name).is_file()
