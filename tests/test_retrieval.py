"""Retrieval finds the right policy page for real questions in both languages."""

from __future__ import annotations

import pytest

from course_lib import yamabiko
from course_lib.errors import CourseError
from course_lib.retrieval import Retriever, ngrams, with_context


@pytest.mark.parametrize(("language", "first", "second"), [("en", 0.9, 0.98), ("ja", 0.95, 1.0)])
def test_the_answering_passage_is_found(language: str, first: float, second: float) -> None:
    retriever = Retriever(yamabiko.passages(language))
    places = []
    for fact in yamabiko.facts(language):
        if fact.learn:
            for question in fact.test:
                hits = retriever.search(question, k=2)
                places.append([fact.sentence in hit["text"] for hit in hits])
    assert sum(place[0] for place in places) / len(places) >= first
    assert sum(any(place) for place in places) / len(places) >= second


def test_hits_come_best_first_with_score_and_the_passage_s_own_fields() -> None:
    hits = Retriever(yamabiko.passages()).search("Who leads the club?", k=3)
    assert hits[0]["page"] == "club"
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert len(hits) == 3


def test_endings_and_widths_do_not_matter() -> None:
    assert set(ngrams("returns")) & set(ngrams("RETURNING")) >= {"_ret", "retu", "turn"}
    assert ngrams("ＡＢＣ　４５") == ngrams("abc 45")
    assert ngrams("です。") == []


def test_the_passages_stand_before_the_question() -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When?"}]
    asked = with_context(messages, [{"text": "On Sunday.\n"}, {"text": "At six."}])
    assert asked == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "On Sunday.\n\nAt six.\n\nWhen?"},
    ]
    assert messages[1]["content"] == "When?"


def test_bad_input_is_told() -> None:
    with pytest.raises(CourseError, match="no passages"):
        Retriever([])
    with pytest.raises(CourseError, match="passage 1 has no words"):
        Retriever([{"text": "rope"}, {"title": "empty"}])
    retriever = Retriever([{"text": "rope"}])
    with pytest.raises(CourseError, match="has no words to search for"):
        retriever.search("。。")
    with pytest.raises(CourseError, match="k is 0"):
        retriever.search("rope", k=0)
    with pytest.raises(CourseError, match="must end with the user"):
        with_context([{"role": "assistant", "content": "Hi"}], [])
