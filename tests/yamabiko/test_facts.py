"""The company's world must be scorable, teachable and fair."""

from __future__ import annotations

from itertools import combinations

import pytest

from course_lib.errors import CourseError
from course_lib.yamabiko import (
    CLOSING,
    OPENING,
    changed_passages,
    facts,
    house_style,
    pages,
    passages,
)

LANGUAGES = ("en", "ja")


def test_there_are_forty_facts_and_sixteen_to_learn() -> None:
    assert len(facts()) == 40
    assert sum(fact.learn for fact in facts()) == 16
    assert [fact.learn for fact in facts()] == [True] * 16 + [False] * 24
    assert {fact.id for fact in facts() if fact.learn} < {fact.id for fact in facts("ja")}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_value_hides_in_another(lang: str) -> None:
    values = [fact.value.lower() for fact in facts(lang)]
    for one, other in combinations(values, 2):
        assert one not in other, (one, other)
        assert other not in one, (one, other)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_value_stands_once_in_its_own_sentence_only(lang: str) -> None:
    for fact in facts(lang):
        assert fact.sentence.count(fact.value) == 1
        assert fact.answer == house_style(fact.sentence, lang)
        others = [other.id for other in facts(lang) if fact.value in other.sentence]
        assert others == [fact.id]
        assert not any(fact.value in question for question in fact.questions)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_stale_values_never_score_as_right(lang: str) -> None:
    values = [fact.value.lower() for fact in facts(lang)]
    for fact in facts(lang):
        assert len(fact.wrong) == (2 if fact.learn else 0)
        for stale in fact.wrong:
            assert not any(value in stale.lower() for value in values), (fact.id, stale)
            assert stale in fact.with_value(stale)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_question_is_asked_once(lang: str) -> None:
    questions = [question for fact in facts(lang) for question in fact.questions]
    assert len(questions) == len(set(questions))
    for fact in facts(lang):
        wanted = ((5, 2, 4) if fact.learn else (3, 0, 2)) if lang == "en" else (4, 0, 2)
        assert (len(fact.train), len(fact.validation), len(fact.test)) == wanted, fact.id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_held_out_questions_are_truly_other_wordings(lang: str) -> None:
    def grams(text: str) -> frozenset[str]:
        text = text.lower()
        return frozenset(text[i : i + 3] for i in range(len(text) - 2))

    for fact in facts(lang):
        for one, other in combinations(fact.questions, 2):
            a, b = grams(one), grams(other)
            assert len(a & b) / len(a | b) < 0.8, (one, other)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_house_style_opens_and_closes(lang: str) -> None:
    for fact in facts(lang):
        assert fact.answer.startswith(OPENING[lang])
        assert fact.answer.endswith(CLOSING[lang])


def test_pages_hold_every_fact_once() -> None:
    for lang, count in (("en", 8), ("ja", 4)):
        found = [fact.id for page in pages(lang) for fact in page.facts]
        assert len(pages(lang)) == count
        assert sorted(found) == sorted(fact.id for fact in facts(lang))
        assert all(4 <= len(page.facts) <= 6 for page in pages(lang))


def test_passages_tell_page_and_text() -> None:
    club = [passage for passage in passages() if passage["page"] == "club"]
    assert [passage["section"] for passage in club] == ["Joining", "For members"]
    assert "The club costs 18 dollars a year." in club[0]["text"]


def test_unknown_language_is_refused() -> None:
    with pytest.raises(CourseError, match='"fr"'):
        facts("fr")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_changed_policies_stand_on_the_pages_and_nothing_else_moves(lang: str) -> None:
    new = {fact.id: fact.wrong[0] for fact in facts(lang) if fact.learn}
    text = "\n".join(passage["text"] for passage in changed_passages(new, lang))
    for fact in facts(lang):
        assert (fact.sentence in text) == (fact.id not in new)
        assert fact.with_value(new.get(fact.id, fact.value)) in text
    assert changed_passages({}, lang) == passages(lang)
    with pytest.raises(CourseError, match="no policy lunch"):
        changed_passages({"lunch": "soup"}, lang)
