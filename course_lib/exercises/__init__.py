"""Exercises: check an answer, give a hint, show the solution, remember what was solved.

The exercises stand in ``en/NN.toml`` beside this module, one file a lesson, and in Japanese in
``ja/NN.toml``. A wrong answer that many people give is planned there together with the
misconception behind it, so that "not yet" can say *why*. The same file holds the solution, from
which the solution edition of a lesson is made (`course_lib.publishing.editions`), and the lesson's
closing quiz. A notebook runs from top to bottom with nothing answered: an answer left as ``...`` is
told as such and never stops the run.

    answer = ...
    check("lora_parameters", answer)     # … lora_parameters: not attempted yet
    check("lora_parameters", 262_144)    # ✗ lora_parameters: not yet. That is the full matrix …
    check("lora_parameters", 20_480)     # ✓ lora_parameters: right. …
"""

from course_lib.exercises.checking import check, confirm_solved, hint, question, solution
from course_lib.exercises.record import lesson_progress, progress
from course_lib.exercises.texts import exercises, quiz_of

__all__ = [
    "check",
    "confirm_solved",
    "exercises",
    "hint",
    "lesson_progress",
    "progress",
    "question",
    "quiz_of",
    "solution",
]
