"""The rules of the whole set: asked no more than needed, and the same answers however they run."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from course_lib.cleaning import clean, duplicates
from course_lib.cleaning.normalise import packed_trigrams, trigrams
from course_lib.cleaning.report import CleaningReport
from course_lib.cleaning.rule import Found, Messages, Notice, SetCheck, chat
from course_lib.cleaning.similarity import shingles
from course_lib.formats import write_jsonl
from course_lib.runtime import data_path

PIECES = (
    "Where is my tent?", "where is my TENT", "How long is the warranty?", "It lasts 10 years.",
    "It lasts 3 years.", "30 days", "45 days", "It ships on Monday.", "We ship by",
    "テントはありますか？", "はい、あります。", "明日届く。", "<b>x</b>", "a@example.com",
    "Certainly!", "waranty", "warranty", "n/a", "No, we do not sell it.", "Yes, we do.", "",
)  # fmt: skip


def hostile(seed: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)
    few = draw.sample(PIECES, draw.randint(3, 9))

    def said() -> str:
        return " ".join(draw.choices(few, k=draw.randint(1, 3)))

    return [{"messages": chat(said(), said()), "n": n} for n in range(draw.randint(2, 50))]


def account(report: CleaningReport) -> str:
    tables = (report.rejected, report.changes, report.review, report.ledger)
    found = [table.astype(object).to_dict("records") for table in tables]
    return json.dumps([report.summary, report.kept_rows, *found], default=str)


def first_words(sets: list[Messages]) -> list[str]:
    return [messages[0]["content"][:4] for messages in sets]


def one_a_word(sets: list[Messages], words: Sequence[str]) -> dict[int, Found]:
    """A learner's rule with facts: of two rows that begin alike, the later one goes."""
    assert words == first_words(sets)
    return {
        place: Found(f"begins with {word!r}", words.index(word))
        for place, word in enumerate(words)
        if words.index(word) < place
    }


def without_facts(sets: list[Messages]) -> dict[int, Found]:
    return one_a_word(sets, first_words(sets))


def longest(sets: list[Messages]) -> dict[int, Found]:
    sizes = [len(messages[-1]["content"]) for messages in sets]
    return {sizes.index(max(sizes)): Found("the longest")} if sizes else {}


OWN = SetCheck("exact_duplicate", "One row a word.", "a", None, one_a_word, facts=first_words)
PLAIN = SetCheck("exact_duplicate", "One row a word.", "a", None, without_facts)
SHOWN = Notice("typo", "The longest answer.", "a", None, longest)


@pytest.mark.parametrize("seed", range(3))
def test_any_number_of_processes_gives_the_same_account(seed: int, tmp_path: Path) -> None:
    path = write_jsonl([*hostile(seed), *hostile(seed + 100)], tmp_path / "rows.jsonl")
    one = clean(path, put_back=[1, 2])
    assert account(clean(path, put_back=[1, 2], num_proc=2)) == account(one)


def test_the_bundled_set_is_cleaned_alike_by_one_process_and_by_three() -> None:
    path = data_path("yamabiko") / "support_raw.jsonl"
    one, three = (clean(path, duplicates_in="prompt", num_proc=n) for n in (1, 3))
    assert account(one) == account(three)
    assert one.summary["rules"]["near_duplicate"]["rejected"] > 0


@pytest.mark.parametrize("num_proc", [1, 2])
def test_a_rule_of_ones_own_may_have_facts_or_none(num_proc: int, tmp_path: Path) -> None:
    path = write_jsonl(hostile(5), tmp_path / "rows.jsonl")
    with_facts, plain = (
        clean(path, rules=[own, SHOWN, "contradiction"], num_proc=num_proc) for own in (OWN, PLAIN)
    )
    assert account(with_facts) == account(plain)
    assert plain.summary["rules"]["exact_duplicate"]["rejected"] > 0
    assert plain.summary["rules"]["typo"]["noticed"] == 1


def counting(settled: bool, fall: int) -> tuple[SetCheck, list[int]]:
    """A rule that turns away the last `fall` rows, one each time that it is asked."""
    asked: list[int] = []

    def check_all(sets: list[Messages]) -> dict[int, Found]:
        asked.append(len(sets))
        return {len(sets) - 1: Found("the last")} if len(asked) <= fall else {}

    return SetCheck("exact_duplicate", "", "", None, check_all, settled=settled), asked


def test_a_rule_is_asked_again_only_where_its_answer_may_differ(tmp_path: Path) -> None:
    words = ("tents", "stoves", "lamps", "ropes", "boats", "axes")
    rows = [{"messages": chat(f"Where are the {w}?", f"See shelf {w}.")} for w in words]
    path = write_jsonl(rows, tmp_path / "rows.jsonl")
    for settled, fall, put_back, expected in (
        (False, 0, [], [6]),
        (False, 2, [], [6, 5, 4]),
        (True, 2, [], [6]),
        # A row that was put back may hide another, so that even a settled rule is asked again.
        (True, 2, [1], [6, 5, 4]),
    ):
        rule, asked = counting(settled, fall)
        clean(path, rules=[rule], put_back=put_back)
        assert asked == expected


@pytest.mark.parametrize("seed", range(40))
def test_settled_rules_leave_again_what_they_have_left(seed: int) -> None:
    sets = [row["messages"] for row in hostile(seed)]
    found = duplicates.EXACT.check_all(sets)
    left = [messages for place, messages in enumerate(sets) if place not in found]
    draw = random.Random(seed)
    for _ in range(5):
        some = [messages for messages in left if draw.random() < 0.7]
        assert duplicates.EXACT.check_all(some) == {}


def test_packed_trigrams_are_those_of_the_texts() -> None:
    texts = ["", "a", "ab", "tent", "テント", "", "\ud800bc", "xyzxyz", "b"]
    grams, counts = packed_trigrams(texts)
    assert counts.tolist() == [max(len(text) - 2, 0) for text in texts]
    parts = np.split(grams, np.cumsum(counts)[:-1])
    told = [{"".join(chr(int(g) >> s & 0x1FFFFF) for s in (0, 21, 42)) for g in p} for p in parts]
    for text, known in zip(texts, told, strict=True):
        assert known == ({*trigrams(text)} if len(text) > 2 else set())
    assert packed_trigrams([])[0].tolist() == packed_trigrams(["", ""])[0].tolist() == []
    table: csr_matrix = shingles(["tent", "tents"])
    assert np.diff(table.indptr).tolist() == [2, 3]
