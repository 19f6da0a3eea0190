"""Name the step at which optimising a stand-in began to cost what it stood for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from course_lib.errors import CourseError


class Break(NamedTuple):
    """The best look, and the first one from which on the answers are surely worse.

    Attributes:
        best: the step of the best look.
        broken: the step at which the fall is sure; None where there is none.
    """

    best: int
    broken: int | None


def behaviour_break(looks: Mapping[int, Sequence[bool]]) -> Break:
    """Find the step at which held-out answers break, whatever loss and reward say.

    A look breaks if, question by question, it is worse than the best look before it by more than
    luck explains: the 95% interval of the paired bootstrap lies below zero.

    Args:
        looks: for each step, in order, whether each held-out question was answered well.

    Returns:
        The step of the best look up to the break, and the step of the break.

    Raises:
        CourseError: there are no looks.

    Example:
        >>> behaviour_break({0: [False] * 8, 5: [True] * 8, 10: [True] * 2 + [False] * 6})
        Break(best=5, broken=10)
    """
    from course_lib.evaluation.comparison import paired_bootstrap

    if not looks:
        raise CourseError("there are no looks: watch at least one step.")
    best, *later = looks
    for step in later:
        if paired_bootstrap(looks[best], looks[step]).high < 0:
            return Break(best, step)
        if sum(looks[step]) > sum(looks[best]):
            best = step
    return Break(best, None)
