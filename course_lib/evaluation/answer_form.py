"""The form that a set's answers have, and whether an answer has it.

Labels, JSON with fixed keys, or free text: the rows say which. What is learnt from them serves
twice: to put aside rows whose answer is out of form before training, and to check what a trained
model writes before anybody acts on it.

>>> form = answer_form(["Sales rise", "Sales fall"] * 9, ["up", "down"] * 9)
>>> form.kind, form.labels
('label', ('down', 'up'))
>>> form.fault("dwn")
"'dwn' is none of the labels down, up"
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from course_lib.cleaning.normalise import normalised
from course_lib.errors import CourseError
from course_lib.evaluation.metrics import exact_matches

# A form is what most rows have; the others are the ones to look at.
_MOST = 0.8
_LONGEST_LABEL = 40
# A label that is this much rarer than the average one is a misspelling, not a class.
_RARE = 0.15
# Free text may be somewhat longer than any answer seen, not endless.
_ROOM = 1.5


@dataclass(frozen=True)
class AnswerForm:
    """What the answers of a set have in common.

    Attributes:
        kind: "label", "json" or "text".
        labels: Of labels: all of them, sorted.
        keys: Of JSON: the keys, in their order.
        copied: Those of the keys whose value stands in the question.
        longest: Of text: characters that an answer may have.
    """

    kind: Literal["label", "json", "text"]
    labels: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    copied: tuple[str, ...] = ()
    longest: int = 0

    def fault(self, answer: str, question: str | None = None) -> str | None:
        """Say what is wrong with the form of an answer.

        Args:
            answer: From a row, or from a model.
            question: What was asked; None leaves out whether copied values stand in it.

        Returns:
            The reason, or None where the form is right. It says nothing about the content.

        Example:
            >>> AnswerForm("text", longest=40).fault(" ")
            'the answer is empty'
        """
        if not answer.strip():
            return "the answer is empty"
        if self.kind == "label":
            known = answer in self.labels
            return None if known else f"{answer!r} is none of the labels {', '.join(self.labels)}"
        if self.kind == "text":
            size = len(answer)
            return f"{size} characters, more than {self.longest}" if size > self.longest else None
        said = _object(answer)
        if said is None:
            return "the answer is no JSON object"
        if tuple(said) != self.keys:
            return f"its keys are {', '.join(said) or 'none'}, not {', '.join(self.keys)}"
        for key in self.copied if question is not None else ():
            if not _stands_in(said[key], str(question)):
                return f"{key} {said[key]!r} does not stand in the question"
        return None

    def scores(self, answers: Sequence[str], references: Sequence[str]) -> NDArray[np.float64]:
        """Score answers row by row, as fits the form.

        Args:
            answers: What a model wrote.
            references: What it should have written, in the same order.

        Returns:
            1 or 0 for labels and JSON (the whole answer is right or it is not), chrF from 0 to 1
            for text.

        Raises:
            CourseError: The two differ in length.

        Example:
            >>> AnswerForm("label", labels=("down", "up")).scores(["up"], ["down"]).tolist()
            [0.0]
        """
        if self.kind == "text":
            from course_lib.evaluation.overlap import chrf

            return chrf(answers, references)
        return exact_matches(answers, references).astype(float)


def answer_form(questions: Sequence[str], answers: Sequence[str]) -> AnswerForm:
    """Find out what form the answers of a set have.

    Args:
        questions: What was asked, row by row.
        answers: What was answered, in the same order.

    Returns:
        JSON where four answers in five are objects with the same keys; labels where a few short
        answers come again and again; else text.

    Raises:
        CourseError: There are no rows, or not one answer a question.

    Example:
        >>> rows = [f"Tavo pays {n} yen." for n in range(5)]
        >>> answer_form(rows, [f'{{"sum": "{n} yen"}}' for n in range(5)]).copied
        ('sum',)
    """
    if len(questions) != len(answers) or not answers:
        raise CourseError(
            f"{len(questions)} questions and {len(answers)} answers: give one answer for each "
            "question, and at least one."
        )
    objects = [_object(answer) for answer in answers]
    shapes = Counter(tuple(said) for said in objects if said is not None)
    if shapes and shapes.most_common(1)[0][1] >= _MOST * len(answers):
        keys = shapes.most_common(1)[0][0]
        pairs = [
            (said, question)
            for said, question in zip(objects, questions, strict=True)
            if said is not None and tuple(said) == keys
        ]
        copied = [
            key
            for key in keys
            if sum(_stands_in(said[key], asked) for said, asked in pairs) >= _MOST * len(pairs)
        ]
        return AnswerForm("json", keys=keys, copied=tuple(copied))
    counts = Counter(answers)
    labels = [label for label, n in counts.items() if n >= _RARE * len(answers) / len(counts)]
    repeated = sum(counts[label] for label in labels if counts[label] > 1)
    short = max(map(len, labels)) <= _LONGEST_LABEL
    if short and len(counts) <= len(answers) / 2 and repeated >= _MOST * len(answers):
        return AnswerForm("label", labels=tuple(sorted(labels)))
    return AnswerForm("text", longest=round(_ROOM * max(map(len, answers))))


def _object(text: str) -> dict[str, object] | None:
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _stands_in(value: object, question: str) -> bool:
    return isinstance(value, str) and bool(value) and normalised(value) in normalised(question)
