"""How many words or characters an answer shares with the reference: ROUGE-L, BLEU, chrF.

`rouge_score` and `sacrebleu` count; what is added is a tokenizer for Japanese. Both libraries look
for spaces, which Japanese does not have: ROUGE's own tokenizer drops every kana and kanji, and
BLEU's takes a whole sentence for one word. No error says so; the scores are simply wrong.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.metrics import normalise

# A run of Latin letters and digits is a word; anything else that is no space stands for itself.
_WORDS = re.compile(r"[0-9a-z]+|[^\W0-9a-z_]")


class WordsAndCharacters:
    """Tokenizer for `rouge_score`: English words whole, Japanese one character at a time.

    Example:
        >>> WordsAndCharacters().tokenize("返品は45日, by post")
        ['返', '品', 'は', '45', '日', 'by', 'post']
    """

    def tokenize(self, text: str) -> list[str]:
        """Split a text; case, width and punctuation do not count.

        Args:
            text: an answer.

        Returns:
            Its tokens.

        Example:
            >>> WordsAndCharacters().tokenize("４５ days!")
            ['45', 'days']
        """
        return _WORDS.findall(normalise(text).casefold())


def rouge_l(
    predictions: Sequence[str], references: Sequence[str], *, tokenizer: Any = None
) -> NDArray[np.float64]:
    """Row by row: ROUGE-L, the longest common subsequence of tokens as an F score.

    Args:
        predictions: the model's answers.
        references: the expected answers, in the same order.
        tokenizer: an object with `tokenize(text)`; None takes `WordsAndCharacters`, which reads
            Japanese. `rouge_score.tokenizers.DefaultTokenizer` is the library's own.

    Returns:
        One number a row, 0 to 1.

    Raises:
        CourseError: the two lists differ in length.

    Example:
        >>> rouge_l(["within 30 days"], ["within 45 days"]).round(2).tolist()
        [0.67]
    """
    from rouge_score.rouge_scorer import RougeScorer

    _same_length(predictions, references)
    scorer = RougeScorer(["rougeL"], tokenizer=tokenizer or WordsAndCharacters())
    pairs = zip(predictions, references, strict=True)
    return np.array([scorer.score(ref, pred)["rougeL"].fmeasure for pred, ref in pairs])


def bleu(
    predictions: Sequence[str], references: Sequence[str], *, tokenize: str = "13a"
) -> NDArray[np.float64]:
    """Row by row: sacrebleu's BLEU of one sentence, as a share.

    Args:
        predictions: the model's answers.
        references: the expected answers, in the same order.
        tokenize: how sacrebleu finds words: "13a" needs spaces, "char" suits Japanese.

    Returns:
        One number a row, 0 to 1. A text too short for four words in a row is scored by the runs
        that it has (`effective_order`), else every short answer would get 0.

    Raises:
        CourseError: the two lists differ in length.

    Example:
        >>> bleu(["返品は45日です"], ["返品は45日です"], tokenize="char").round(2).tolist()
        [1.0]
    """
    from sacrebleu.metrics.bleu import BLEU

    _same_length(predictions, references)
    scorer = BLEU(tokenize=tokenize, effective_order=True)
    pairs = zip(predictions, references, strict=True)
    return np.array([scorer.sentence_score(pred, [ref]).score / 100 for pred, ref in pairs])


def chrf(predictions: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
    """Row by row: sacrebleu's chrF, an F score of runs of up to six characters, as a share.

    Characters need no tokenizer, so that chrF reads English and Japanese alike.

    Args:
        predictions: the model's answers.
        references: the expected answers, in the same order.

    Returns:
        One number a row, 0 to 1.

    Raises:
        CourseError: the two lists differ in length.

    Example:
        >>> chrf(["45日", "30日"], ["45日", "45日"]).round(2).tolist()
        [1.0, 0.11]
    """
    from sacrebleu.metrics.chrf import CHRF

    _same_length(predictions, references)
    scorer = CHRF()
    pairs = zip(predictions, references, strict=True)
    return np.array([scorer.sentence_score(pred, [ref]).score / 100 for pred, ref in pairs])


class Overlap(evaluate.Metric):
    """`evaluate.Metric` with the means of `rouge_l`, `bleu` and `chrf`; works offline.

    Example:
        >>> Overlap().compute(predictions=["45 days"], references=["45 days"])
        {'rouge_l': 1.0, 'bleu': 1.0, 'chrf': 1.0}
    """

    def __init__(self, *, tokenize: str = "13a", **settings: Any) -> None:
        """Keep rows in memory: a cache file would be shared by tests that run side by side.

        Args:
            tokenize: BLEU's tokenizer, "char" for Japanese.
            **settings: of `evaluate.Metric`.
        """
        self._tokenize = tokenize
        super().__init__(**{"keep_in_memory": True, **settings})

    def _info(self) -> evaluate.MetricInfo:
        text = datasets.Value("string")
        return evaluate.MetricInfo(
            description="ROUGE-L, BLEU and chrF, each the mean over the rows.",
            citation="",
            inputs_description="predictions and references: lists of strings of the same length.",
            features=datasets.Features({"predictions": text, "references": text}),
        )

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        rows = {
            "rouge_l": rouge_l(predictions, references),
            "bleu": bleu(predictions, references, tokenize=self._tokenize),
            "chrf": chrf(predictions, references),
        }
        return {name: round(float(values.mean()), 6) for name, values in rows.items()}


def _same_length(predictions: Sequence[str], references: Sequence[str]) -> None:
    if len(predictions) != len(references):
        raise CourseError(
            f"{len(predictions)} answers but {len(references)} references: pass one reference "
            "for every answer, in the same order."
        )
