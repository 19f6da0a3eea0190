"""What stands in the files of exercises, in the language of the session.

``en/NN.toml`` holds what an exercise is. One table an exercise:

    kind       "number" (answer, tolerance), "choice" (answer) or "function" (cases)
    form       what it asks of the learner: "predict" an output before it is shown, "reckon" a
               figure, "judge" a case, "write" a function, or change one "knob", look and explain
    question   what is asked, in full
    hints      two, the second stronger
    solution   the way to the answer
    work       the answer as a lesson computes it, an expression; without it, `answer` as it stands
    code       lines before the check in the solution edition: the function, where one is asked for
    then       lines after it
    wrong      planned wrong answers, each with the misconception behind it; a case of a function
               names the misconception itself, and `misled` is a function that has it

``[[quiz]]`` tables are the closing quiz: question, options, `answer` (the number of the right
option, from 1) and `because`, a sentence for each option. ``ja/NN.toml`` holds the same texts in
Japanese: question, hints, solution, `because` (a list, in the order of the wrong answers or of the
cases), and `source`, which says from which English they were translated.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from importlib import resources
from typing import Any

from course_lib.language import language


def exercises(to: str | None = None) -> dict[str, dict[str, Any]]:
    """Every exercise by name, as it stands in the files, with its lesson.

    Args:
        to: Another language than the session's.

    Returns:
        Tables with lesson, kind, form, question, hints, solution, and what is right and wrong, in
        the order of the lessons; in that language, where it has been translated.

    Example:
        >>> exercises()["accumulation"]["lesson"]
        '06'
    """
    return _read(to or language())[0]


def quiz_of(lesson: str, to: str | None = None) -> list[dict[str, Any]]:
    """The questions of a lesson's closing quiz.

    Args:
        lesson: Its number, such as "07" or "02b".
        to: Another language than the session's.

    Returns:
        Tables with question, options, answer (from 1) and because; empty without a quiz.

    Example:
        >>> quiz_of("no such lesson")
        []
    """
    return _read(to or language())[1].get(lesson, [])


def source_hash(table: Mapping[str, Any]) -> str:
    """What the texts of an exercise, or of a question of a quiz, were translated from.

    Args:
        table: The English table.

    Returns:
        Twelve hexadecimal digits that change with any of its texts.

    Example:
        >>> source_hash({"question": "Why?", "hints": [], "solution": "So."})
        'b6fb58ce005b'
    """
    texts = [table.get(key) for key in ("question", "hints", "solution", "options")]
    told = [entry["because"] for entry in planned(table)]
    text = json.dumps([*texts, told or table.get("because")], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def planned(table: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The planned mistakes of an exercise: wrong answers, or the cases of a function.

    Args:
        table: The exercise.

    Example:
        >>> planned({"wrong": [{"answer": 2, "because": "That is half of it."}]})
        [{'answer': 2, 'because': 'That is half of it.'}]
    """
    found: list[dict[str, Any]] = table.get("wrong") or table.get("case") or []
    return found


@cache
def files(of: str) -> dict[str, dict[str, Any]]:
    """The files of a language as they stand, by lesson.

    Args:
        of: "en" or "ja".

    Example:
        >>> sorted(files("en"))[:4]
        ['00', '01', '02', '02b']
    """
    folder = resources.files("course_lib.exercises").joinpath(of)
    found = sorted(folder.iterdir(), key=lambda file: file.name) if folder.is_dir() else []
    return {
        file.name.removesuffix(".toml"): tomllib.loads(file.read_text(encoding="utf-8"))
        for file in found
        if file.name.endswith(".toml")  # an editor may have left something beside them
    }


@cache
def _read(to: str) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    every: dict[str, dict[str, Any]] = {}
    quizzes: dict[str, list[dict[str, Any]]] = {}
    for lesson, tables in files("en").items():
        words = {} if to == "en" else files(to).get(lesson, {})
        english = deepcopy(tables)
        questions = english.pop("quiz", [])
        said = words.get("quiz", [])
        quizzes[lesson] = [
            {**question, **(said[place] if place < len(said) else {})}
            for place, question in enumerate(questions)
        ]
        for name, table in english.items():
            every[name] = {"lesson": lesson, **_with_words(table, words.get(name))}
    return every, quizzes


def _with_words(table: dict[str, Any], words: Mapping[str, Any] | None) -> dict[str, Any]:
    if words is None:
        return table
    table.update({key: words[key] for key in ("question", "hints", "solution")})
    for entry, because in zip(planned(table), words["because"], strict=True):
        entry["because"] = because
    return table
