"""Does a model say the same to everybody who asks the same, whatever the words?

A person who asks twice in other words should hear the same answer. How far answers spread over
the wordings of one question is a measure of its own: a model can be steady and wrong.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.evaluation.metrics import normalise

if TYPE_CHECKING:
    import pandas as pd


def consistency(
    answers: Sequence[str], questions: Sequence[Hashable], right: Sequence[bool]
) -> pd.DataFrame:
    """How far the answers to one question spread over its wordings.

    Args:
        answers: the model's answers.
        questions: what each wording asks for, such as the column `fact` of `score_support`:
            wordings of one question share it.
        right: whether each answer is right, in the same order.

    Returns:
        One row a question, in the order of first appearance: wordings, different (answers, up to
        width and white space), agreement (share of the wordings that got the most frequent
        answer) and always_right.

    Raises:
        CourseError: the three differ in length, or are empty.

    Example:
        >>> said = ["45 days", "45 days", "6 days", "Sunday"]
        >>> asked = ["returns", "returns", "returns", "walk"]
        >>> consistency(said, asked, [True, True, False, True])["different"].to_dict()
        {'returns': 2, 'walk': 1}
    """
    import pandas as pd

    if not len(answers) == len(questions) == len(right):
        raise CourseError(
            f"{len(answers)} answers, {len(questions)} questions and {len(right)} marks: pass one "
            "of each for every wording."
        )
    if not len(answers):
        raise CourseError("there are no answers to compare: pass at least one.")
    said = pd.DataFrame(
        {"answer": [normalise(answer) for answer in answers], "right": [bool(r) for r in right]}
    )
    asked = said.groupby(list(questions), sort=False)
    return pd.DataFrame(
        {
            "wordings": asked["answer"].size(),
            "different": asked["answer"].nunique(),
            "agreement": asked["answer"].agg(lambda each: each.value_counts(normalize=True).max()),
            "always_right": asked["right"].all(),
        }
    )
