"""Training questions and test questions must not meet."""

from __future__ import annotations

from collections import Counter

import pytest

from course_lib.yamabiko import facts
from course_lib.yamabiko.question_sets import (
    UNKNOWN,
    context_rows,
    faq_rows,
    faq_test_rows,
    no_context_rows,
)


def test_sizes() -> None:
    assert len(faq_rows("train")) == 80
    assert len(faq_rows("validation")) == 32
    assert len(faq_test_rows()) == 64
    assert len(faq_test_rows("ja")) == 32
    assert len(no_context_rows()) >= 200


def test_training_never_asks_a_test_question() -> None:
    held_out = {row["messages"][0]["content"] for row in faq_test_rows()}
    asked = [row["messages"][0]["content"] for row in faq_rows("train") + faq_rows("validation")]
    assert held_out.isdisjoint(asked)


def test_any_first_rows_treat_all_facts_alike() -> None:
    assert len({row["fact"] for row in faq_rows("train")[:16]}) == 16


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_context_answers_stand_in_the_text_or_do_not(lang: str) -> None:
    rows = context_rows(lang)
    told = {fact.id: fact for fact in facts(lang)}
    kinds = Counter(row["kind"] for row in rows)
    assert kinds["answerable"] == kinds["unanswerable"] >= 200
    assert len({row["messages"][-1]["content"] for row in rows}) == len(rows)
    for row in rows:
        fact = told[row["fact"]]
        if row["kind"] == "answerable":
            assert row["answer"] == fact.value
            assert fact.sentence in row["text"]
        else:
            assert row["answer"] == UNKNOWN[lang]
            assert fact.value not in row["text"]
        assert sum(other.sentence in row["text"] for other in told.values()) <= 8
        assert row["messages"][-1]["content"].endswith(row["question"])
