"""ROUGE, BLEU and chrF: the libraries' numbers, and Japanese that is read."""

from __future__ import annotations

import pytest
from rouge_score.tokenizers import DefaultTokenizer

from course_lib.errors import CourseError
from course_lib.evaluation import Overlap, bleu, chrf, rouge_l

RIGHT, WRONG = "返品ラベルは緑の封筒に入っています。", "返品ラベルは青い箱に入っています。"


def test_the_librarys_own_tokenizer_cannot_read_japanese_and_ours_can() -> None:
    own = rouge_l([RIGHT], [RIGHT], tokenizer=DefaultTokenizer(False))
    assert own.tolist() == [0.0]
    right, wrong = rouge_l([RIGHT, WRONG], [RIGHT, RIGHT])
    assert right == 1.0
    assert 0.5 < wrong < 1.0


def test_rouge_l_counts_the_longest_common_subsequence() -> None:
    # "the", "tent", "dry" in this order: 3 of 4 tokens on each side.
    assert rouge_l(["the tent stays dry"], ["the tent is dry"]).tolist() == [0.75]


def test_bleu_by_spaces_takes_a_japanese_sentence_for_one_word() -> None:
    assert bleu([WRONG], [RIGHT])[0] < 0.01
    assert 0.3 < bleu([WRONG], [RIGHT], tokenize="char")[0] < 1.0


@pytest.mark.parametrize("text", ["45 days", "Happy trails!", RIGHT])
def test_the_reference_itself_scores_one(text: str) -> None:
    for score in (rouge_l, bleu, chrf):
        assert score([text], [text])[0] == pytest.approx(1.0)


def test_the_metric_is_the_mean_of_the_rows() -> None:
    given, expected = ["within 45 days", "within 30 days"], ["within 45 days"] * 2
    means = Overlap().compute(predictions=given, references=expected)
    assert means["rouge_l"] == pytest.approx(rouge_l(given, expected).mean(), abs=1e-6)
    assert means["bleu"] == pytest.approx(bleu(given, expected).mean(), abs=1e-6)
    assert means["chrf"] == pytest.approx(chrf(given, expected).mean(), abs=1e-6)


@pytest.mark.parametrize("score", [rouge_l, bleu, chrf])
def test_a_missing_reference_is_told(score: object) -> None:
    assert callable(score)
    with pytest.raises(CourseError, match="2 answers but 1 references"):
        score(["a", "b"], ["a"])
