"""Judges that say which of two answers is better, and a check of whether they can be trusted.

A judge is any function of (question, first answer, second answer) that returns "A" for the first,
"B" for the second, or "tie". One that prefers a place, a length or a tone will rank models by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

Judge = Callable[[str, str, str], str]

_QUESTION = """Which answer to the customer is better?

Question: {question}
Answer A: {first}
Answer B: {second}

Reply with one letter, A or B."""


def rubric_judge(question: str, first: str, second: str) -> str:
    """A judge by fixed rules that sees no reference, as people write it at first.

    A point for every word that takes up the question, one for every word that adds detail (at
    most 30), five for a full stop or "!" at the end. Equal points go to the first answer.

    Args:
        question: what the customer asked.
        first: answer A.
        second: answer B.

    Returns:
        "A" or "B".

    Example:
        >>> rubric_judge("How long?", "45 days.", "It is 45 days, all year round.")
        'B'
    """
    from course_lib.evaluation.overlap import WordsAndCharacters

    words = WordsAndCharacters().tokenize
    asked = set(words(question))

    def points(answer: str) -> int:
        said = words(answer)
        ends = answer.rstrip().endswith((".", "!", "。"))
        return len(asked & set(said)) + min(30, len(said)) + 5 * ends

    return "A" if points(first) >= points(second) else "B"


def reference_judge(value: str) -> Judge:
    """A judge by fixed rules that knows the right value: right before wrong, then the voice.

    Args:
        value: what a right answer states, such as "45 days".

    Returns:
        A judge. What it cannot tell apart is a tie, never a matter of place or length.

    Example:
        >>> reference_judge("45 days")("How long?", "It is 30 days, all year round.", "45 days.")
        'B'
    """
    from course_lib.evaluation.metrics import value_in_answer
    from course_lib.evaluation.support import in_house_style

    def judge(question: str, first: str, second: str) -> str:
        one, two = (
            (bool(value_in_answer([answer], [value])[0]), in_house_style(answer, value))
            for answer in (first, second)
        )
        return "tie" if one == two else "A" if one > two else "B"

    return judge


def model_judge(model: Any, tokenizer: Any) -> Judge:
    """A language model as the judge: it is asked for a letter, and the likelier of the two counts.

    Args:
        model: a causal LM large enough to follow such a question.
        tokenizer: its tokenizer, with a chat template.

    Returns:
        A judge that answers "A" or "B".

    Example:
        >>> judge = model_judge(model, tokenizer)  # doctest: +SKIP
        >>> judge("How long?", "45 days.", "Blue.")  # doctest: +SKIP
        'A'
    """
    import torch

    letters = [tokenizer.encode(letter, add_special_tokens=False)[0] for letter in "AB"]

    def judge(question: str, first: str, second: str) -> str:
        text = _QUESTION.format(question=question, first=first, second=second)
        prompt = tokenizer.apply_chat_template(
            [{"role": "user", "content": text}],
            add_generation_prompt=True,
            return_dict=True,
            return_tensors="pt",
        ).to(model.device)
        with torch.no_grad():
            logits = model(**prompt).logits[0, -1]
        return "AB"[int(logits[letters].argmax())]

    return judge


def judge_both_ways(
    judge: Judge, questions: Sequence[str], first: Sequence[str], second: Sequence[str]
) -> pd.DataFrame:
    """Ask a judge about each pair twice, the second time with the answers swapped.

    Args:
        judge: the judge.
        questions: what was asked.
        first: one model's answers, in the same order.
        second: the other model's.

    Returns:
        One row a pair: `shown` ("first", "second" or "tie", in the order given), `swapped` (the
        same, asked the other way round) and `agreed`, whether the two verdicts name one answer.

    Raises:
        CourseError: the lists differ in length, or the judge says something else.

    Example:
        >>> judge_both_ways(lambda q, a, b: "A", ["Why?"], ["Yes"], ["No"]).values.tolist()
        [['first', 'second', False]]
    """
    import pandas as pd

    if not len(questions) == len(first) == len(second):
        raise CourseError(
            f"{len(questions)} questions, {len(first)} and {len(second)} answers: pass one of each "
            "for every pair."
        )
    rows = []
    for question, one, two in zip(questions, first, second, strict=True):
        shown = _named(judge(question, one, two), "first", "second")
        swapped = _named(judge(question, two, one), "second", "first")
        rows.append({"shown": shown, "swapped": swapped, "agreed": shown == swapped})
    return pd.DataFrame(rows, columns=["shown", "swapped", "agreed"])


def _named(verdict: str, a: str, b: str) -> str:
    names = {"A": a, "B": b, "tie": "tie"}
    if verdict not in names:
        raise CourseError(f'the judge said {verdict!r}: a judge says "A", "B" or "tie".')
    return names[verdict]
