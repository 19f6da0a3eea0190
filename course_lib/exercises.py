"""Exercises: check an answer, give a hint, show the solution.

The exercises themselves stand in `exercises.toml` beside this module, by lesson. A wrong answer
that many people give is planned there together with the misconception behind it, so that "not
yet" can say *why*. A notebook runs from top to bottom with nothing answered: an answer left as
`...` is told as such and never stops the run.

    answer = ...
    check("lora_parameters", answer)     # … lora_parameters: not attempted yet
    check("lora_parameters", 262_144)    # ✗ lora_parameters: not yet. That is the full matrix …
    check("lora_parameters", 20_480)     # ✓ lora_parameters: right. …
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from course_lib.errors import CourseError


def question(name: str) -> None:
    """Print what an exercise asks.

    Args:
        name: the exercise, such as "lora_parameters".

    Raises:
        CourseError: there is no such exercise.

    Example:
        >>> question("accumulation")
        A T4 holds a micro-batch of 2 rows. You want every update of the weights to see 32 rows.
        What is gradient_accumulation_steps?
    """
    print(_exercise(name)["question"].strip())


def check(name: str, answer: object) -> None:
    """Say whether an answer is right, and if not, what is behind the mistake.

    Args:
        name: the exercise, such as "lora_parameters".
        answer: a number, a word, or a function that the exercise asks for; `...` or None while
            it has not been attempted.

    Raises:
        CourseError: there is no such exercise. A wrong answer raises nothing.

    Example:
        >>> check("accumulation", 16)
        ✓ accumulation: right. 2 rows times 16 micro-batches are 32 rows for each update.
    """
    exercise = _exercise(name)
    if answer is None or answer is ...:
        print(f"… {name}: not attempted yet. hint({name!r}) gives a start.")
        return
    judge = {"number": _judge_number, "choice": _judge_choice, "function": _judge_function}
    outcome = judge[exercise["kind"]](exercise, answer)
    if outcome is None:
        print(f"… {name}: not attempted yet. hint({name!r}) gives a start.")
    elif outcome == "":
        print(f"✓ {name}: right. {exercise['solution'].strip()}")
    else:
        print(f"✗ {name}: not yet. {outcome} hint({name!r}) helps.")


def hint(name: str, level: int = 1) -> None:
    """Print a hint: the first points the way, the second goes half of it.

    Args:
        name: the exercise.
        level: 1, or 2 for the stronger hint.

    Raises:
        CourseError: there is no such exercise, or no hint of that level.

    Example:
        >>> hint("accumulation")
        How many rows does one update of the weights look at?
        (More: hint('accumulation', 2); the answer: course_lib.solution('accumulation').)
    """
    hints = _exercise(name)["hints"]
    if not 1 <= level <= len(hints):
        raise CourseError(f"{name} has hints of level 1 to {len(hints)}, not {level}.")
    print(hints[level - 1].strip())
    if level < len(hints):
        # A lesson imports check and hint, and always course_lib.
        answer = f"course_lib.solution({name!r})"
        print(f"(More: hint({name!r}, {level + 1}); the answer: {answer}.)")


def solution(name: str) -> None:
    """Print the answer and the way to it.

    Args:
        name: the exercise.

    Raises:
        CourseError: there is no such exercise.

    Example:
        >>> solution("accumulation")
        16. 2 rows times 16 micro-batches are 32 rows for each update.
    """
    exercise = _exercise(name)
    text = exercise["solution"].strip()
    if "code" in exercise:
        print(f"{text}\n\n{exercise['code'].rstrip()}")
    else:
        print(f"{exercise['answer']}. {text}")


@cache
def exercises() -> dict[str, dict[str, Any]]:
    """Every exercise by name, as it stands in `exercises.toml`.

    Returns:
        Tables with lesson, kind, question, hints, solution, and what is right and wrong.

    Example:
        >>> exercises()["accumulation"]["lesson"]
        '06'
    """
    text = resources.files("course_lib").joinpath("exercises.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _exercise(name: str) -> dict[str, Any]:
    if name not in exercises():
        raise CourseError(f"there is no exercise {name!r}. There are: {', '.join(exercises())}.")
    return exercises()[name]


# Each judge answers "" for right, None for not attempted, and a sentence for not yet.


def _judge_number(exercise: Mapping[str, Any], answer: object) -> str | None:
    if isinstance(answer, bool) or not hasattr(answer, "__float__"):
        return f"The answer is a number; this is {answer!r}."
    tolerance = float(exercise["tolerance"])
    given = float(answer)
    if math.isclose(given, float(exercise["answer"]), rel_tol=0, abs_tol=tolerance):
        return ""
    for wrong in exercise["wrong"]:
        if math.isclose(given, float(wrong["answer"]), rel_tol=0, abs_tol=tolerance):
            return str(wrong["because"])
    return f"{given:g} is not it."


def _judge_choice(exercise: Mapping[str, Any], answer: object) -> str | None:
    given = str(answer).strip().casefold()
    if given == str(exercise["answer"]).casefold():
        return ""
    for wrong in exercise["wrong"]:
        if given == str(wrong["answer"]).casefold():
            return str(wrong["because"])
    choices = [exercise["answer"], *(wrong["answer"] for wrong in exercise["wrong"])]
    return f"Answer one of {', '.join(sorted(map(repr, choices)))}; this is {answer!r}."


def _judge_function(exercise: Mapping[str, Any], answer: object) -> str | None:
    if not callable(answer):
        return f"The answer is a function; this is {answer!r}."
    function: Callable[..., object] = answer
    results = []
    for case in exercise["case"]:
        call = ", ".join(map(repr, case["inputs"]))
        try:
            results.append(function(*case["inputs"]))
        # Whatever a learner's function does wrong is an answer to be told, not a crash.
        except Exception as error:
            return f"Called with {call} it raised {type(error).__name__}: {error}."
    if all(result is None or result is ... for result in results):
        return None
    for case, result in zip(exercise["case"], results, strict=True):
        if result != case["output"]:
            call = ", ".join(map(repr, case["inputs"]))
            return f"Called with {call} it gave {result!r}. {case['because']}"
    return ""
