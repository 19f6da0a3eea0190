"""Metrics as real `evaluate.Metric` objects that need no hub and no network.

`evaluate.load("exact_match")` asks a server for a script and fails offline; a subclass does not.
Each metric here has a plain function beside it that scores row by row, because a paired
comparison (`course_lib.evaluation.comparison`) needs the rows and not only their mean.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import datasets
import evaluate
import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError

_LATIN = re.compile(r"[0-9a-z]")


def normalise(text: str) -> str:
    """One spelling for what a reader would call the same text.

    Full-width and half-width forms become one (NFKC), and runs of white space become one space.
    Capitals and punctuation stay: lesson 00 asks for capitals, and form is part of an answer.

    Args:
        text: an answer, in English or Japanese.

    Returns:
        The text to compare, never to show.

    Example:
        >>> normalise(" ４５  days ")
        '45 days'
    """
    return " ".join(unicodedata.normalize("NFKC", text).split())


def exact_matches(predictions: Sequence[str], references: Sequence[str]) -> NDArray[np.bool_]:
    """Row by row: is the answer the reference, up to width and white space?

    Args:
        predictions: the model's answers.
        references: the expected answers, in the same order.

    Returns:
        One boolean a row.

    Raises:
        CourseError: the two lists differ in length.

    Example:
        >>> exact_matches(["4", "five"], ["4", "5"]).tolist()
        [True, False]
    """
    _same_length(predictions, references)
    pairs = zip(predictions, references, strict=True)
    return np.array([normalise(a) == normalise(b) for a, b in pairs], dtype=bool)


def exact_match(predictions: Sequence[str], references: Sequence[str]) -> float:
    """Share of answers that are the reference, between 0 and 1.

    Args:
        predictions: the model's answers.
        references: the expected answers, in the same order.

    Returns:
        The mean of `exact_matches`.

    Raises:
        CourseError: the lists differ in length or are empty.

    Example:
        >>> exact_match(["4", "five"], ["4", "5"])
        0.5
    """
    return _mean(exact_matches(predictions, references))


def value_in_answer(predictions: Sequence[str], values: Sequence[str]) -> NDArray[np.bool_]:
    """Row by row: does the answer state the value, as words of its own?

    The value must not be part of a longer word or number: "5 days" is not in "45 days". Letters
    are compared without regard to capitals, because a value may open a sentence.

    Args:
        predictions: the model's answers.
        values: what each answer must state, such as "45 days".

    Returns:
        One boolean a row.

    Raises:
        CourseError: the two lists differ in length, or a value is empty.

    Example:
        >>> value_in_answer(["Within 45 days!", "Within 45 days!"], ["45 days", "5 days"]).tolist()
        [True, False]
    """
    _same_length(predictions, values)
    return np.array(
        [_states(a, v, row) for row, (a, v) in enumerate(zip(predictions, values, strict=True))],
        dtype=bool,
    )


def pass_at_k(right: Sequence[int] | NDArray[np.int_], samples: int, k: int) -> NDArray[np.float64]:
    """Row by row: the chance that at least one of k drawn answers is right, without bias.

    The estimator of Chen et al. (2021): of `samples` answers c are right, and
    1 - C(samples - c, k) / C(samples, k) is the share of all choices of k that hold a right one.
    The shortcut 1 - (1 - c / samples) ** k is biased.

    Args:
        right: number of right answers of each row.
        samples: answers drawn to each row.
        k: answers that one may look at.

    Returns:
        One number a row, 0 to 1; their mean is the model's pass@k.

    Raises:
        CourseError: k is not between 1 and `samples`, or a count is not between 0 and `samples`.

    Example:
        >>> pass_at_k([0, 1, 4], samples=4, k=2).tolist()
        [0.0, 0.5, 1.0]
    """
    from scipy.special import comb

    counts = np.asarray(right)
    if not 1 <= k <= samples:
        raise CourseError(f"k is {k}, but {samples} answers were drawn: k lies between 1 and that")
    if counts.size and not 0 <= counts.min() <= counts.max() <= samples:
        raise CourseError(f"a row has more right answers than the {samples} that were drawn")
    return np.asarray(1 - comb(samples - counts, k) / comb(samples, k), dtype=float)


class ExactMatch(evaluate.Metric):
    """`evaluate.Metric` around `exact_matches`; works offline.

    Example:
        >>> ExactMatch().compute(predictions=["4", "five"], references=["4", "5"])
        {'exact_match': 0.5}
    """

    def __init__(self, **settings: Any) -> None:
        """Keep rows in memory: a cache file would be shared by tests that run side by side."""
        super().__init__(**{"keep_in_memory": True, **settings})

    def _info(self) -> evaluate.MetricInfo:
        return _metric_info("Share of answers equal to the reference, up to width and spaces.")

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        return {"exact_match": exact_match(predictions, references)}


class ValueInAnswer(evaluate.Metric):
    """`evaluate.Metric` around `value_in_answer`; works offline.

    Example:
        >>> ValueInAnswer().compute(predictions=["In 45 days."], references=["45 days"])
        {'value_in_answer': 1.0}
    """

    def __init__(self, **settings: Any) -> None:
        """Keep rows in memory: a cache file would be shared by tests that run side by side."""
        super().__init__(**{"keep_in_memory": True, **settings})

    def _info(self) -> evaluate.MetricInfo:
        return _metric_info("Share of answers that state the expected value.")

    def _compute(self, predictions: list[str], references: list[str]) -> dict[str, float]:
        return {"value_in_answer": _mean(value_in_answer(predictions, references))}


def _states(answer: str, value: str, row: int) -> bool:
    wanted = normalise(value).casefold()
    if not wanted:
        raise CourseError(f"row {row} has an empty value: state what the answer must contain.")
    # Only Latin letters and digits run on into a longer word; kana and kanji have no spaces, so
    # a boundary there would reject correct Japanese answers.
    before = r"(?<![0-9a-z])(?<![0-9][.,])" if _LATIN.match(wanted[0]) else ""
    after = r"(?![0-9a-z])(?![.,][0-9])" if _LATIN.match(wanted[-1]) else ""
    return re.search(before + re.escape(wanted) + after, normalise(answer).casefold()) is not None


def _metric_info(description: str) -> evaluate.MetricInfo:
    text = datasets.Value("string")
    return evaluate.MetricInfo(
        description=description,
        citation="",
        inputs_description="predictions and references: lists of strings of the same length.",
        features=datasets.Features({"predictions": text, "references": text}),
    )


def _same_length(predictions: Sequence[str], references: Sequence[str]) -> None:
    if len(predictions) != len(references):
        raise CourseError(
            f"{len(predictions)} answers but {len(references)} references: pass one reference "
            "for every answer, in the same order."
        )


def _mean(rows: NDArray[np.bool_]) -> float:
    if not len(rows):
        raise CourseError("there are no rows to score: pass at least one answer.")
    return float(rows.mean())
