"""Replay: rows of what the model could do before, mixed into what it is to learn.

The pocket model's own world is at hand (`course_lib.pocket.skills`), so rows like those of its
pretraining can be drawn at will. For a model from a hub they cannot; there, questions of this kind
answered by the untuned model itself do the same job.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.pocket.skills import GENERAL, Row, sample

if TYPE_CHECKING:
    from datasets import Dataset

# A closed skill has a short list of words to know. Of these no word may be shared with a probe:
# another wording about the same country would teach the answer, not keep the skill.
_CLOSED = ("opposites", "plurals", "capitals")


def replay_count(rows: int, share: float) -> int:
    """How many replay rows make up a share of everything that is trained on.

    Args:
        rows: rows of the new task that the run will see, epochs counted.
        share: share of replay in the whole mixture, from 0 up to but not including 1.

    Returns:
        The number of replay rows to add.

    Raises:
        CourseError: the share is none.

    Example:
        >>> replay_count(300, 0.25)  # 100 of 400
        100
    """
    if not 0 <= share < 1:
        raise CourseError(f"a share of replay of {share} is none: give 0 to below 1, such as 0.1.")
    return round(rows * share / (1 - share))


def replay_rows(
    n: int,
    seed: int,
    *,
    apart_from: Iterable[Mapping[str, Any]],
    skills: Sequence[str] = GENERAL,
) -> Dataset:
    """Draw rows of general skills to train on, none of which gives a probe away.

    Questions come from the nine tenths of the pocket world that no probe is drawn from. In the
    closed skills (opposites, plurals, capitals) no word that a probe asks about is used at all.

    Args:
        n: how many; skills take turns.
        seed: of the draw; the same seed gives the same rows.
        apart_from: the probes to keep away from, with `messages`, `answer` and `skill`.
        skills: which skills to draw from.

    Returns:
        Rows with `messages` (the user's question and the short answer) and `skill`.

    Raises:
        CourseError: there is no such skill, or it has too few words that no probe asks about.

    Example:
        >>> row = replay_rows(1, seed=0, apart_from=[])[0]
        >>> row["messages"][-1]["role"], row["skill"]
        ('assistant', 'arithmetic')
    """
    from datasets import Dataset

    probes = list(apart_from)
    each = -(-n // len(skills)) if n else 0
    drawn = [_apart(skill, each, seed, probes) for skill in skills]
    turns = [row for turn in zip(*drawn, strict=True) for row in turn][:n]
    return Dataset.from_list([_with_answer(row) for row in turns])


def _apart(skill: str, n: int, seed: int, probes: Sequence[Mapping[str, Any]]) -> list[Row]:
    asked = [(p["messages"][-1]["content"], p["answer"]) for p in probes if p["skill"] == skill]
    # Some of what is drawn is turned away: draw more until enough is left.
    for enough in (2 * n + 20, 8 * n + 80):
        rows = [
            row
            for row in sample(skill, enough, seed, held_out=False)
            if not (skill in _CLOSED and _shares_a_word(row, asked))
        ]
        if len(rows) >= n:
            return rows[:n]
    raise CourseError(
        f"only {len(rows)} replay rows of {skill!r} share no word with the probes: ask for fewer."
    )


def _shares_a_word(row: Row, asked: Iterable[tuple[str, str]]) -> bool:
    # The opposite of "hot" gives away that of "cold": an answer must not be asked about either.
    word = re.compile(rf"\b{re.escape(row['answer'])}\b")
    return any(row["answer"] == answer or word.search(question) for question, answer in asked)


def _with_answer(row: Row) -> dict[str, Any]:
    reply = {"role": "assistant", "content": row["answer"]}
    return {"messages": [*row["messages"], reply], "skill": row["skill"]}
