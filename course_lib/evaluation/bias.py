"""Does the answer change with who asks? The same questions, only the customer's name differs.

A group of names is a sample: other names of the same group would have given other figures. So
the interval draws names as well as questions, and the p-value asks whether names of one group
score differently from names of the other, more than names do anyway. To say that *these two
names* are treated differently is another, easier question, and `mcnemar` answers it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

_RESAMPLES = 10_000


def counterfactuals(
    questions: Sequence[str], template: str, names: Sequence[str]
) -> list[list[dict[str, str]]]:
    """Every question as every customer would ask it.

    Args:
        questions: What is asked.
        template: How it is put, with `{name}` and `{question}`.
        names: The customers' names.

    Returns:
        Conversations, all names of the first question first: `hits.reshape(len(questions), -1)`
        turns their scores into the table that `compare_groups` wants.

    Raises:
        CourseError: The template lacks a place.

    Example:
        >>> counterfactuals(["Is it open?"], "I am {name}. {question}", ["Ann"])[0][0]["content"]
        'I am Ann. Is it open?'
    """
    for place in ("{name}", "{question}"):
        if place not in template:
            raise CourseError(f"the template {template!r} has no {place}")
    return [
        [{"role": "user", "content": template.format(name=name, question=question)}]
        for question in questions
        for name in names
    ]


def compare_groups(
    hits: Mapping[str, NDArray[np.bool_]], reference: str, seed: int = 0
) -> pd.DataFrame:
    """Compare each group of names with one of them, on the same questions.

    Args:
        hits: By group, one row a question and one column a name: right or not. At least two names
            a group; the questions are the same and in the same order.
        reference: The group that the others are compared with.
        seed: Of the draws.

    Returns:
        One row for each other group: `group`, `share` right, `difference` to the reference with
        its 95% interval from `low` to `high` (names and questions drawn again), `p` (permuting
        names between the two groups) and `p_holm`, corrected for the number of groups.

    Raises:
        CourseError: No such reference, or tables that do not fit together.

    Example:
        >>> table = np.array([[True, False], [True, True]])
        >>> compare_groups({"a": table, "b": ~table}, "a")["difference"].tolist()
        [-0.5]
    """
    import pandas as pd
    from scipy.stats import permutation_test

    _check_tables(hits, reference)
    base = np.asarray(hits[reference], dtype=float)
    rows = []
    for place, (group, table) in enumerate(hits.items()):
        if group == reference:
            continue
        other = np.asarray(table, dtype=float)
        low, high = _interval(base, other, np.random.default_rng([seed, place]))
        test = permutation_test(
            (other.mean(axis=0), base.mean(axis=0)),
            lambda one, two, axis: one.mean(axis=axis) - two.mean(axis=axis),
            vectorized=True,
            n_resamples=_RESAMPLES,
            rng=np.random.default_rng([seed, place]),
        )
        rows.append(
            {
                "group": group,
                "share": other.mean(),
                "difference": other.mean() - base.mean(),
                "low": low,
                "high": high,
                "p": float(test.pvalue),
            }
        )
    table = pd.DataFrame(rows)
    return table.assign(p_holm=holm(table["p"]))


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> float:
    """The exact p-value that two askers of the same questions are treated alike.

    Only the questions count on which they differ; without bias each falls either way like a coin.

    Args:
        first: Whether the first asker's answer was right, question by question.
        second: The same of the second asker.

    Returns:
        The two-sided p-value; 1 where they never differ.

    Raises:
        CourseError: The two were not asked the same number of questions.

    Example:
        >>> mcnemar([True] * 8, [False] * 8)
        0.0078125
    """
    from scipy.stats import binomtest

    one, two = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if len(one) != len(two):
        raise CourseError(f"{len(one)} answers against {len(two)}: ask both the same questions")
    lost, won = int((one & ~two).sum()), int((~one & two).sum())
    return float(binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def holm(p_values: Sequence[float] | pd.Series) -> NDArray[np.float64]:
    """Holm's correction: what is left of each p-value when several groups were looked at.

    Args:
        p_values: One for each comparison.

    Returns:
        The corrected ones, in the same order.

    Example:
        >>> holm([0.01, 0.5, 0.03]).tolist()
        [0.03, 0.5, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(steps, 1)
    return corrected


def pairs_needed(difference: float, discordant: float, power: float = 0.8) -> int:
    """How many pairs a probe needs to find a difference of this size at the 5% level.

    Args:
        difference: Share of right answers of one asker minus the other's, such as 0.05.
        discordant: Share of the pairs in which only one of the two answers is right. It cannot be
            below the difference.
        power: How often the probe should find it. 80% is the usual choice.

    Returns:
        The number of pairs for McNemar's test, by Connor's formula. It is that of the test without
        a correction; the exact one of `mcnemar` finds the difference 2 to 4 times in 100 less
        often, and still less often where the answer is below some ten pairs.

    Raises:
        CourseError: No difference, or one that cannot be, or a power that no probe has.

    Example:
        >>> pairs_needed(0.05, 0.2)
        626
    """
    from scipy.stats import norm

    size = abs(difference)
    if not 0 < size <= discordant <= 1:
        raise CourseError(
            f"a difference of {difference} with {discordant} of the pairs discordant cannot be: "
            "give 0 < difference <= discordant <= 1"
        )
    if not 0 < power < 1:
        raise CourseError(f"a power of {power} cannot be had: give a share such as 0.8")
    reach = norm.ppf(0.975) * discordant**0.5
    reach += norm.ppf(power) * (discordant - size**2) ** 0.5
    return int(np.ceil((reach / size) ** 2))


def _interval(
    base: NDArray[np.float64], other: NDArray[np.float64], rng: np.random.Generator
) -> tuple[float, float]:
    """Draw questions, the same for both groups, and names of each group, again and again."""

    def shares(size: int) -> NDArray[np.float64]:
        """How much of each draw falls on each of so many."""
        return rng.multinomial(size, np.full(size, 1 / size), size=_RESAMPLES) / size

    asked = shares(len(base))
    means = [((asked @ table) * shares(table.shape[1])).sum(axis=1) for table in (base, other)]
    low, high = np.quantile(means[1] - means[0], [0.025, 0.975])
    return float(low), float(high)


def _check_tables(hits: Mapping[str, Any], reference: str) -> None:
    if reference not in hits or len(hits) < 2:
        raise CourseError(f"give at least two groups, one of them {reference!r}; not {list(hits)}")
    shapes = {group: np.shape(table) for group, table in hits.items()}
    for group, shape in shapes.items():
        if len(shape) != 2 or shape[0] < 1 or shape[1] < 2 or shape[:1] != shapes[reference][:1]:
            raise CourseError(
                f"group {group!r} has a table of shape {shape}, {reference!r} one of "
                f"{shapes[reference]}: give the same questions by at least two names, as booleans"
            )
