"""Accuracy by skill on the general probes: what fine-tuning may have cost the model.

A row asks one question of one skill and says what the answer must be, exactly:

    {"messages": [{"role": "user", "content": "What is 7 + 5?"}], "answer": "12", "skill": "sums"}
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from course_lib.errors import CourseError
from course_lib.evaluation.generation import generate, prompts
from course_lib.tokenization.conversation import tools_of


def skills(
    model: Any,
    tokenizer: Any,
    rows: Iterable[Mapping[str, Any]],
    *,
    max_new_tokens: int = 48,
    batch_size: int = 32,
) -> dict[str, float]:
    """Greedy exact-match accuracy of each skill.

    Args:
        model: a causal LM, tuned or not.
        tokenizer: its tokenizer.
        rows: rows with `messages`, `answer` and `skill`.
        max_new_tokens: longest answer, in tokens.
        batch_size: conversations answered together.

    Returns:
        Accuracy between 0 and 1 by skill, in the order in which skills first appear. The
        plain mean of the values is the model's general level, each skill counting the same.

    Raises:
        CourseError: there are no rows, or a row lacks a column.

    Example:
        >>> skills(model, tokenizer, probes)  # doctest: +SKIP
        {'sums': 0.95, 'opposites': 1.0}
    """
    from course_lib.evaluation.metrics import exact_matches

    probes = list(rows)
    _check(probes)
    answers = generate(
        model,
        tokenizer,
        prompts(probes),
        tools=list(map(tools_of, probes)),
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
    )
    right = exact_matches(answers, [probe["answer"] for probe in probes])
    by_skill: dict[str, list[bool]] = {}
    for probe, hit in zip(probes, right, strict=True):
        by_skill.setdefault(probe["skill"], []).append(bool(hit))
    return {skill: sum(hits) / len(hits) for skill, hits in by_skill.items()}


def _check(rows: list[Mapping[str, Any]]) -> None:
    if not rows:
        raise CourseError("there are no probes to answer: pass at least one row.")
    for number, row in enumerate(rows):
        for column in ("messages", "answer", "skill"):
            if column not in row:
                raise CourseError(
                    f"probe {number} has no column {column!r}: a probe needs messages, "
                    "answer and skill."
                )
