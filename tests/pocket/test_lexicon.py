"""The pocket world must not know what the course's company is about."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path

from course_lib import runtime, yamabiko
from course_lib.pocket import corpus
from course_lib.pocket import lexicon as lx
from course_lib.pocket.batches import Recipe

# `ship` is a vessel there, among robots and castles; nothing is ever shipped.
SUBJECT = (
    *("order", "orders", "parcel", "parcels", "refund", "return", "returns", "shipping", "shop"),
    *("warranty", "tent", "tents", "camp", "camping", "gear", "yamabiko", "swap", "sleeping"),
    *("bluebird", "express", "invoices", "coupon", "delivery", "shipped"),
)
SUBJECT_JA = ("返品", "返金", "保証", "送料", "注文", "荷物", "テント", "寝袋", "配送", "キャンプ")


def _tables() -> str:
    folder = Path(lx.__file__).parent
    lexicon = tomllib.loads((folder / "lexicon.toml").read_text(encoding="utf-8"))
    for part in ("onsets", "nuclei", "codas"):
        del lexicon["english"][part]
    for part in ("kanji", "katakana", "hiragana"):
        del lexicon["japanese"][part]
    wordings = tomllib.loads((folder / "wordings.toml").read_text(encoding="utf-8"))
    return f"{lexicon} {wordings}".lower()


def test_no_word_of_the_company_s_subject_is_in_the_tables() -> None:
    words = set(re.findall(r"[a-z]+", _tables()))
    assert words.isdisjoint(SUBJECT)
    assert not [word for word in SUBJECT_JA if word in _tables()]


def test_those_words_are_what_the_company_s_pages_are_about() -> None:
    """The list above is worth nothing if the pages speak of something else."""
    pages = [p.read_text("utf-8").lower() for p in runtime.data_path("yamabiko").rglob("*.md")]
    words = set(re.findall(r"[a-z]+", " ".join(pages)))
    assert len(words.intersection(SUBJECT)) >= 12
    assert sum(word in " ".join(pages) for word in SUBJECT_JA) >= 5


def test_no_sentence_of_a_policy_page_is_in_the_corpus() -> None:
    said = {
        line.strip("-#• ")
        for path in runtime.data_path("yamabiko").rglob("policies/**/*.md")
        for line in re.split(r"\n|(?<=[.。])\s*", path.read_text("utf-8"))
    }
    sentences = [s for s in said if len(s) > 12]
    last = Recipe().stages[-1]
    late = corpus.conversations(seed=3, extra=last.extra, practised=last.practised)
    stream = [*itertools.islice(corpus.conversations(seed=3), 3000), *itertools.islice(late, 3000)]
    text = "\n".join(turn["content"] for conversation in stream for turn in conversation)
    assert len(sentences) > 40
    assert not [s for s in sentences if s in text]
    questions = {row["question"] for row in yamabiko.load("context_test")}
    assert len(questions) > 200
    assert not [question for question in questions if question in text]


def test_invented_words_are_pronounceable() -> None:
    import random

    rng = random.Random(0)
    for _ in range(200):
        assert re.fullmatch(r"[a-z]+", lx.word(rng))
        assert lx.name(rng)[0].isupper()
        assert 2 <= len(lx.ja_word(rng)) <= 4
