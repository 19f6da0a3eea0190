"""Accuracy by skill on probes."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import prompts, references, skills


def test_each_skill_has_its_own_accuracy(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    answers = references(rows)
    probes = [
        {"messages": question, "answer": answer, "skill": skill}
        for question, answer, skill in zip(
            prompts(rows), [*answers[:3], "Nobody."], ["who", "where", "who", "where"], strict=True
        )
    ]
    assert skills(model, tokenizer, probes) == {"who": 1.0, "where": 0.5}


def test_bad_probes_are_named(taught_chat: Any) -> None:
    model, tokenizer, _ = taught_chat
    with pytest.raises(CourseError, match="no probes"):
        skills(model, tokenizer, [])
    with pytest.raises(CourseError, match="probe 0 has no column 'skill'"):
        skills(model, tokenizer, [{"messages": [], "answer": "x"}])


def test_the_function_wins_over_its_module() -> None:
    from course_lib import evaluation

    assert evaluation.skills is skills
