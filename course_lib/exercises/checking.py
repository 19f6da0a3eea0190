"""Say whether an answer is right, and if not, which misconception is behind it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from course_lib.errors import CourseError
from course_lib.exercises.record import remember
from course_lib.exercises.texts import exercises
from course_lib.language import translated

# What was solved in this session.
_solved: set[str] = set()


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
    outcome = None if answer is None or answer is ... else judged(exercise, answer)
    if outcome is None:
        print(translated(f"… {name}: not attempted yet. hint({name!r}) gives a start."))
        return
    remember(exercise["lesson"], name, solved=outcome == "")
    if outcome == "":
        _solved.add(name)
        print(translated(f"✓ {name}: right.") + f" {exercise['solution'].strip()}")
    else:
        helps = translated(f"hint({name!r}) helps.")
        print(translated(f"✗ {name}: not yet.") + f" {outcome} {helps}")


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
        told = f"{name} has hints of level 1 to {len(hints)}, not {level}."
        raise CourseError(translated(told))
    print(hints[level - 1].strip())
    if level < len(hints):
        # A lesson imports check and hint, and always course_lib.
        answer = f"course_lib.solution({name!r})"
        more = f"hint({name!r}, {level + 1})"
        print(translated(f"(More: {more}; the answer: {answer}.)"))


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
    if exercise["kind"] == "function":
        print(f"{text}\n\n{exercise['code'].rstrip()}")
    else:
        print(f"{exercise['answer']}. {text}")


def confirm_solved(*names: str) -> None:
    """Stop unless these exercises were solved in this session: the end of every solution edition.

    Args:
        names: The exercises.

    Raises:
        CourseError: One of them was not; the message names it.

    Example:
        >>> check("accumulation", 16)
        ✓ accumulation: right. 2 rows times 16 micro-batches are 32 rows for each update.
        >>> confirm_solved("accumulation")
    """
    if left := [name for name in names if name not in _solved]:
        raise CourseError(f"no solution passed its check: {', '.join(left)}.")


def _exercise(name: str) -> dict[str, Any]:
    if name not in exercises():
        told = f"there is no exercise {name!r}. There are: {', '.join(exercises())}."
        raise CourseError(translated(told))
    return exercises()[name]


def judged(exercise: Mapping[str, Any], answer: object) -> str | None:
    """Judge an answer.

    Args:
        exercise: The exercise, as `exercises` gives it.
        answer: What was answered.

    Returns:
        "" for right, None for not attempted, and a sentence for not yet.

    Example:
        >>> judged(exercises()["accumulation"], 16)
        ''
    """
    judge = {"number": _judge_number, "choice": _judge_choice, "function": _judge_function}
    return judge[exercise["kind"]](exercise, answer)


def _judge_number(exercise: Mapping[str, Any], answer: object) -> str | None:
    given = _as_number(answer)
    if given is None:
        return translated(f"The answer is a number; this is {answer!r}.")
    tolerance = float(exercise["tolerance"])
    if math.isclose(given, float(exercise["answer"]), rel_tol=0, abs_tol=tolerance):
        return ""
    for wrong in exercise["wrong"]:
        if math.isclose(given, float(wrong["answer"]), rel_tol=0, abs_tol=tolerance):
            return str(wrong["because"])
    return translated(f"{given:g} is not it.")


def _as_number(answer: object) -> float | None:
    """An answer as a number: a figure of numpy's or torch's is one, a text and True are none."""
    if isinstance(answer, bool) or not hasattr(answer, "__float__"):
        return None
    try:
        return float(answer)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # of many numbers, or too large
        return None


def _judge_choice(exercise: Mapping[str, Any], answer: object) -> str | None:
    given = str(answer).strip().casefold()
    if given == str(exercise["answer"]).casefold():
        return ""
    for wrong in exercise["wrong"]:
        if given == str(wrong["answer"]).casefold():
            return str(wrong["because"])
    choices = [exercise["answer"], *(wrong["answer"] for wrong in exercise["wrong"])]
    listed = ", ".join(sorted(map(repr, choices)))
    return translated(f"Answer one of {listed}; this is {answer!r}.")


def _judge_function(exercise: Mapping[str, Any], answer: object) -> str | None:
    if not callable(answer):
        return translated(f"The answer is a function; this is {answer!r}.")
    function: Callable[..., object] = answer
    results = []
    for case in exercise["case"]:
        call = ", ".join(map(repr, case["inputs"]))
        try:
            # A copy: a function that changes what it is given changes no exercise.
            results.append(_plain(function(*deepcopy(case["inputs"]))))
        # Whatever a learner's function does wrong is an answer to be told, not a crash.
        except Exception as error:
            raised = f"{type(error).__name__}: {error}"
            return translated(f"Called with {call} it raised {raised}.")
    if all(result is None or result is ... for result in results):
        return None
    for case, result in zip(exercise["case"], results, strict=True):
        if not _same(result, case["output"]):
            call = ", ".join(map(repr, case["inputs"]))
            told = translated(f"Called with {call} it gave {result!r}.")
            return f"{told} {case['because']}"
    return ""


def _plain(result: object) -> object:
    """A result as Python's own: an array or a tuple is a list."""
    if hasattr(result, "tolist"):
        result = result.tolist()
    return list(result) if isinstance(result, tuple) else result


def _same(result: object, wanted: object) -> bool:
    """Whether a result is the one wanted; two ways to reckon may differ in the last digits."""
    if isinstance(result, list) and isinstance(wanted, list):
        return len(result) == len(wanted) and all(map(_same, result, wanted))
    if isinstance(wanted, float) and isinstance(result, int | float):
        return math.isclose(result, wanted, rel_tol=1e-6, abs_tol=1e-9)
    return bool(result == wanted)
