"""Score the answers of Yamabiko's support model: is the policy right, and is the voice ours?

The two are separate on purpose. Fine-tuning teaches a voice within a few rows and facts much more
slowly, so a model may sound right long before it is right.

    question   "How many days do I have to return gear?"          value   "45 days"
    answer     "Yamabiko here! You can return gear within 45 days. Happy trails!"
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import datasets
import evaluate
import numpy as np

from course_lib.errors import CourseError
from course_lib.evaluation.metrics import normalise, value_in_answer
from course_lib.yamabiko import CLOSING, OPENING

if TYPE_CHECKING:
    import pandas as pd

_JAPANESE = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")


def score_support(answers: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Score each answer: value right, style right, and both.

    Args:
        answers: the model's answers, as from `generate`.
        rows: the rows asked, with `messages`, `fact` and `value`, in the same order.

    Returns:
        One row an answer: question, fact, expected (value), answer, and the booleans value,
        style and both. `scores[["value", "style", "both"]].mean()` is the summary.

    Raises:
        CourseError: the numbers of answers and rows differ, or a row lacks a column.

    Example:
        >>> answers = generate(model, tokenizer, prompts(test))  # doctest: +SKIP
        >>> score_support(answers, test)["both"].mean()  # doctest: +SKIP
        0.94
    """
    import pandas as pd

    asked = list(rows)
    for number, row in enumerate(asked):
        for column in ("messages", "fact", "value"):
            if column not in row:
                raise CourseError(
                    f"row {number} has no column {column!r}: scoring a support answer needs "
                    "messages, fact and value."
                )
    value = value_in_answer(answers, [row["value"] for row in asked])
    style = [
        in_house_style(answer, row["value"]) for answer, row in zip(answers, asked, strict=True)
    ]
    return pd.DataFrame(
        {
            "question": [_question(row["messages"]) for row in asked],
            "fact": [row["fact"] for row in asked],
            "expected": [row["value"] for row in asked],
            "answer": list(answers),
            "value": value,
            "style": style,
            "both": value & np.array(style, dtype=bool),
        }
    )


def in_house_style(answer: str, value: str = "") -> bool:
    """Whether an answer has the company's opening and closing, each once, and says something.

    Args:
        answer: what the model wrote.
        value: the expected value; its script tells which language's voice is due. Empty means
            that the answer's own script tells.

    Returns:
        True for the house style of that language.

    Example:
        >>> in_house_style("Yamabiko here! The club walk is on Sunday. Happy trails!")
        True
    """
    language = "ja" if _JAPANESE.search(answer) or _JAPANESE.search(value) else "en"
    opening, closing = normalise(OPENING[language]), normalise(CLOSING[language])
    text = normalise(answer)
    once = text.count(opening) == 1 and text.count(closing) == 1
    middle = text.removeprefix(opening).removesuffix(closing).strip()
    return once and text.startswith(opening) and text.endswith(closing) and bool(middle)


class HouseStyle(evaluate.Metric):
    """`evaluate.Metric` around `in_house_style`; needs no references and no network.

    Example:
        >>> HouseStyle().compute(predictions=["Sunday."])
        {'house_style': 0.0}
    """

    def __init__(self, **settings: Any) -> None:
        """Keep rows in memory: a cache file would be shared by tests that run side by side."""
        super().__init__(**{"keep_in_memory": True, **settings})

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of answers with Yamabiko's opening and closing.",
            citation="",
            inputs_description="predictions: a list of answers.",
            features=datasets.Features({"predictions": datasets.Value("string")}),
        )

    def _compute(self, predictions: list[str]) -> dict[str, float]:
        return {"house_style": sum(map(in_house_style, predictions)) / len(predictions)}


def _question(messages: Sequence[Mapping[str, str]]) -> str:
    return next((m["content"] for m in reversed(messages) if m["role"] == "user"), "")
