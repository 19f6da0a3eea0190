"""What fine-tuning took away: skill by skill, and whether it is gone or only covered.

A tuned model that answers `Yamabiko here! 96 is larger. Happy trails!` fails an exact match, but it
has not forgotten which number is larger: its new habit covers an old skill. One that answers
`Yamabiko here! 45 days` has lost it, at least when asked this way. The two call for different
cures, so they are counted apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError
from course_lib.evaluation.comparison import paired_bootstrap
from course_lib.evaluation.metrics import exact_matches, value_in_answer

if TYPE_CHECKING:
    import pandas as pd

# From best to worst; figures stack them in this order.
FATES = ("right", "covered", "gone")


def fates(answers: Sequence[str], expected: Sequence[str]) -> list[str]:
    """Say of each probe's answer whether it is right, covered by other words, or gone.

    "Covered" is an upper bound: where the expected answer is one of the words of the question
    ("Which is larger, 96 or 79?"), a model may repeat it without knowing. Asking again with a
    system prompt that wants the bare answer tells how much of it can really be had back.

    Args:
        answers: the model's answers.
        expected: the exact answers, in the same order.

    Returns:
        "right" (an exact match), "covered" (the expected answer stands in the answer, with more
        around it) or "gone", one an answer.

    Raises:
        CourseError: the two differ in length, or an expected answer is empty.

    Example:
        >>> fates(["28", "Yamabiko here! 28. Happy trails!", "45 days"], ["28", "28", "28"])
        ['right', 'covered', 'gone']
    """
    right = exact_matches(answers, expected)
    stated = value_in_answer(answers, expected)
    return [
        "right" if hit else "covered" if said else "gone"
        for hit, said in zip(right, stated, strict=True)
    ]


def forgotten(
    before: Sequence[bool] | NDArray[np.bool_],
    after: Sequence[bool] | NDArray[np.bool_],
    skills: Sequence[str],
) -> pd.DataFrame:
    """How far each skill fell, with a 95% interval over the probes.

    Args:
        before: whether the base model answered each probe right.
        after: the same of the tuned model, in the same order.
        skills: the skill of each probe.

    Returns:
        One row a skill, in the order in which skills first appear, and "all" last: `before` and
        `after` are accuracies, `lost` is the one minus the other with its ends `low` and `high`.
        An interval that leaves out 0 is unlikely to be luck. All between -1 and 1; a skill that
        got better has lost less than nothing.

    Raises:
        CourseError: the three differ in length, or there are no probes.

    Example:
        >>> table = forgotten([1, 1, 1, 1], [1, 0, 0, 0], ["sums", "sums", "plurals", "plurals"])
        >>> table["lost"].to_dict()
        {'sums': 0.5, 'plurals': 1.0, 'all': 0.75}
    """
    import pandas as pd

    if len(before) != len(skills):
        raise CourseError(
            f"{len(before)} marks but {len(skills)} skills: name the skill of each probe, in the "
            "order of the marks."
        )
    first, second = np.asarray(before, dtype=bool), np.asarray(after, dtype=bool)
    named = np.asarray(skills)
    # The whole set first: it refuses what does not fit, before any skill is cut out of it.
    everything = _row("all", first, second)
    rows = [_row(s, first[named == s], second[named == s]) for s in dict.fromkeys(skills)]
    return pd.DataFrame([*rows, everything]).set_index("skill")


def _row(skill: str, before: NDArray[np.bool_], after: NDArray[np.bool_]) -> dict[str, object]:
    # From after to before, so that a loss is a positive number.
    lost = paired_bootstrap(after, before)
    return {
        "skill": skill,
        "before": float(before.mean()),
        "after": float(after.mean()),
        "lost": lost.diff,
        "low": lost.low,
        "high": lost.high,
    }
