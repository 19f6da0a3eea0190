"""Passages with several facts of one thing, whose questions are put together from clauses."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import pytest

from course_lib.pocket import clauses
from course_lib.pocket.clauses import clause_passage, ja_clause_passage
from course_lib.pocket.facts import CLAUSES, JA_CLAUSES, Passage

WRITERS = [clause_passage, ja_clause_passage]


@pytest.mark.parametrize("write", WRITERS)
def test_the_text_states_its_facts_and_not_the_missing_ones(
    write: Callable[[random.Random, int], Passage],
) -> None:
    rng = random.Random(0)
    for facts in range(1, 9):
        for _ in range(40):
            passage = write(rng, facts)
            assert len(passage["facts"]) == facts
            for fact in passage["facts"]:
                assert fact.statement in passage["text"]
                assert fact.value.lower() in fact.statement.lower()
            for fact in passage["missing"]:
                assert fact.statement not in passage["text"]


@pytest.mark.parametrize("write", WRITERS)
def test_no_slot_is_left_open(write: Callable[[random.Random, int], Passage]) -> None:
    rng = random.Random(1)
    for _ in range(150):
        passage = write(rng, 6)
        written = [passage["text"]]
        for fact in [*passage["facts"], *passage["missing"]]:
            written += [fact.sentence, *fact.questions]
        assert not [text for text in written if "{" in text or "}" in text]


@pytest.mark.parametrize("write", WRITERS)
def test_hardly_a_question_has_two_answers(
    write: Callable[[random.Random, int], Passage],
) -> None:
    """Two things or two verbs of one passage differ, so the same words ask for one fact only."""
    rng, asked, twice = random.Random(2), 0, 0
    for _ in range(300):
        answers: dict[str, str] = {}
        for fact in write(rng, 8)["facts"]:
            for question in fact.questions:
                asked += 1
                twice += answers.setdefault(question, fact.value) != fact.value
    assert twice / asked < 0.005


def test_one_thing_has_at_most_one_fact_of_a_group() -> None:
    """`How much` could mean a price and a count, so no thing has both."""
    kinds = [kind for group in clauses.GROUPS for kind in group]
    assert len(kinds) == len(set(kinds))
    assert set(kinds) == set(CLAUSES["asks"]) == set(CLAUSES["adjuncts"])
    ja_kinds = {kind for group in clauses.JA_GROUPS for kind in group}
    assert ja_kinds == set(JA_CLAUSES["asks"]) == set(JA_CLAUSES["adjuncts"])


def test_statement_and_question_may_share_no_more_than_the_thing() -> None:
    rng, alike = random.Random(3), []
    for _ in range(400):
        for fact in clause_passage(rng, 4)["facts"]:
            said = set(fact.statement.lower().strip(".").split())
            words = fact.questions[-1].lower().strip("?.").split()
            alike.append(sum(word in said for word in words) / len(words))
    assert sum(share < 0.34 for share in alike) / len(alike) > 0.25


def test_a_day_and_an_hour_of_one_thing_are_asked_for_by_name() -> None:
    """`When` would have two answers, so neither question may ask it."""
    rng, pairs = random.Random(4), 0
    while pairs < 200:
        used: set[str] = set()
        for only in ("date", "hour"):
            fact = clauses.clause_fact(rng, "day", "lamp", "lamps", used, twin=True, only=only)
            assert fact.value[0].isdigit() == (only == "hour")
            assert not [q for q in fact.questions if re.search(r"\bwhen\b", q.lower())]
            pairs += 1


def test_a_weekday_and_an_hour_are_asked_for_by_name_in_japanese() -> None:
    rng = random.Random(5)
    for _ in range(100):
        for only, other in (("weekday", "時"), ("hour", "曜")):
            fact = clauses.ja_clause_fact(rng, "when", "船", only)
            assert other not in fact.value
            assert not [q for q in fact.questions if "いつ" in q]
