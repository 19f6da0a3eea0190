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
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from course_lib.cleaning.normalise import normalised
from course_lib.errors import CourseError
from course_lib.evaluation.metrics import exact_matches, normalise

# A form is what most rows have; the others are the ones to look at.
_MOST = 0.8
_MOST_WORDS = 4
# A label that is this much rarer than the average one is a misspelling, not a class.
_RARE = 0.15
# Two texts that share so much (chrF) say the same, if their numbers agree.
_ALIKE = 0.8
_NUMBER = re.compile(r"\d+")
# Free text may be somewhat longer than any answer seen, not endless.
_ROOM = 1.5


@dataclass(frozen=True)
class AnswerForm:
    """What the answers of a set have in common.

    Attributes:
        kind: "label", "json" or "text".
        labels: Of labels: all of them, sorted.
        keys: Of JSON: the keys, as the first such row orders them.
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
        if set(said) != set(self.keys):
            return f"its keys are {', '.join(said) or 'none'}, not {', '.join(self.keys)}"
        for key in self.copied if question is not None else ():
            if not _stands_in(said[key], str(question)):
                return f"{key} {said[key]!r} does not stand in the question"
        return None

    def right(self, answers: Sequence[str], references: Sequence[str]) -> NDArray[np.bool_]:
        """Mark answers row by row, as fits the form.

        Labels and JSON are right as a whole or not at all; neither the order of JSON's keys nor its
        white space counts. Text is right if it says nearly the
        same (chrF of at least 0.8) with the same numbers: overlap alone would forgive "30 days"
        for "45 days".

        Args:
            answers: What a model wrote.
            references: What it should have written, in the same order.

        Returns:
            One boolean a row.

        Raises:
            CourseError: The two differ in length.

        Example:
            >>> form = AnswerForm("text", longest=90)
            >>> form.right(["Return it in 30 days."], ["Return it in 45 days."]).tolist()
            [False]
        """
        if self.kind == "label":
            return exact_matches(answers, references)
        if self.kind == "json":
            return exact_matches(*([_canonical(text) for text in x] for x in (answers, references)))
        from course_lib.evaluation.overlap import chrf

        same = [
            _NUMBER.findall(normalise(answer)) == _NUMBER.findall(normalise(reference))
            for answer, reference in zip(answers, references, strict=False)
        ]
        return (chrf(answers, references) >= _ALIKE) & np.array(same, dtype=bool)


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
    shapes = Counter(frozenset(said) for said in objects if said is not None)
    if shapes and shapes.most_common(1)[0][1] >= _MOST * len(answers):
        shape = shapes.most_common(1)[0][0]
        keys = next(tuple(said) for said in objects if said is not None and set(said) == shape)
        pairs = [
            (said, question)
            for said, question in zip(objects, questions, strict=True)
            if said is not None and set(said) == shape
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
    short = max(len(label.split()) for label in labels) <= _MOST_WORDS
    if short and len(counts) <= len(answers) / 2 and repeated >= _MOST * len(answers):
        return AnswerForm("label", labels=tuple(sorted(labels)))
    return AnswerForm("text", longest=round(_ROOM * max(map(len, answers))))


def _object(text: str) -> dict[str, object] | None:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):  # the latter where a model opens brackets without end
        return None
    return said if isinstance(said, dict) else None


def _canonical(text: str) -> str:
    """One spelling of a JSON object; what is none stays as it is."""
    said = _object(text)
    return text if said is None else json.dumps(said, ensure_ascii=False, sort_keys=True)


def _stands_in(value: object, question: str) -> bool:
    return isinstance(value, str) and bool(value) and normalised(value) in normalised(question)
