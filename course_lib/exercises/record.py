"""What this learner has solved so far: one small file in the course's own folder.

The file is ``progress.json`` in the course's folder (``COURSE_PROGRESS`` names another one). On
Colab and Kaggle it lies where results outlive the session (`course_lib.runtime.output_path`). It
leaves the machine only if somebody copies it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from course_lib.exercises.texts import exercises, files, quiz_of
from course_lib.language import translated

if TYPE_CHECKING:
    import pandas as pd


def progress() -> pd.DataFrame:
    """What has been solved, lesson by lesson.

    Returns:
        One row a lesson, with the lesson's number as index: exercises ``solved`` and how many there
        are (``of``), and in the closing quiz the most right answers in one go (``quiz``, no value
        before the first go) of how many (``quiz of``); named in the language of this session.

    Example:
        >>> bool(progress().loc["07", "of"] >= 3)
        True
    """
    import pandas as pd

    known = _read()
    rows = {}
    for lesson in files("en"):
        names = [name for name, table in exercises().items() if table["lesson"] == lesson]
        done = known["exercises"]
        rows[lesson] = {
            "solved": sum(done.get(name, {}).get("solved", False) for name in names),
            "of": len(names),
            "quiz": known["quizzes"].get(lesson),
            "quiz of": len(quiz_of(lesson)),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").astype({"quiz": "Int64"})
    return table.rename(columns=translated).rename_axis(translated("lesson"))


def lesson_progress(lesson: str) -> None:
    """Print, at the end of a lesson, what of it has been solved and what is open.

    Args:
        lesson: Its number, such as "07".

    Example:
        >>> lesson_progress("no such lesson")
        Lesson no such lesson has no exercises.
    """
    names = [name for name, table in exercises().items() if table["lesson"] == lesson]
    if not names:
        print(translated(f"Lesson {lesson} has no exercises."))
        return
    known = _read()
    left = [name for name in names if not known["exercises"].get(name, {}).get("solved")]
    print(
        translated(f"Lesson {lesson}: {len(names) - len(left)} of {len(names)} exercises solved.")
    )
    if left:
        print(translated(f"Still open: {', '.join(left)}."))
    if (best := known["quizzes"].get(lesson)) is not None:
        print(translated(f"Quiz: {best} of {len(quiz_of(lesson))} right."))


def remember(lesson: str, name: str, *, solved: bool) -> None:
    """Write down that an exercise was tried. What was solved once stays solved.

    Args:
        lesson: The lesson's number.
        name: The exercise.
        solved: Whether this try was right.

    Example:
        >>> remember("06", "accumulation", solved=True)  # doctest: +SKIP
    """

    def edit(known: dict[str, Any]) -> None:
        entry = known["exercises"].setdefault(name, {"lesson": lesson, "tries": 0, "solved": False})
        if not entry["solved"]:
            entry["tries"] += 1
            entry["solved"] = solved

    _change(edit)


def remember_quiz(lesson: str, right: int) -> None:
    """Write down how many questions of a quiz were right in one go; the best go counts.

    Args:
        lesson: The lesson's number.
        right: How many were right.

    Example:
        >>> remember_quiz("06", 4)  # doctest: +SKIP
    """

    def edit(known: dict[str, Any]) -> None:
        known["quizzes"][lesson] = max(right, known["quizzes"].get(lesson, 0))

    _change(edit)


def path() -> Path:
    """Where the file of this learner lies.

    Example:
        >>> path().name.endswith(".json")
        True
    """
    asked = os.environ.get("COURSE_PROGRESS")
    if asked:
        return Path(asked)
    from course_lib import machine
    from course_lib.runtime import output_path

    if machine.platform() in ("colab", "kaggle"):
        return output_path("progress") / "progress.json"
    return Path(__file__).resolve().parents[2] / "progress.json"


def _read() -> dict[str, Any]:
    empty: dict[str, Any] = {"exercises": {}, "quizzes": {}}
    try:
        known = json.loads(path().read_text(encoding="utf-8"))
        solved, quizzes = dict(known["exercises"]), dict(known["quizzes"])
        if not all(isinstance(entry, dict) for entry in solved.values()):
            raise ValueError("an exercise is no table")
        if not all(isinstance(best, int) for best in quizzes.values()):
            raise ValueError("a quiz has no number")
        return {"exercises": solved, "quizzes": quizzes}
    except FileNotFoundError:
        return empty
    except (OSError, ValueError, KeyError, TypeError):
        # Nothing of the learner's is thrown away: what cannot be read is put beside.
        aside = path().with_suffix(".unreadable.json")
        number = 1
        while aside.exists():
            number += 1
            aside = path().with_suffix(f".unreadable-{number}.json")
        print(translated(f"{path()} cannot be read; it is kept as {aside.name}."))
        with suppress(OSError):
            path().replace(aside)
        return empty


def _change(edit: Callable[[dict[str, Any]], None]) -> None:
    """Read, change and write whole, one process at a time; a full disk stops no lesson."""
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock", timeout=5):
            known = _read()
            edit(known)
            whole = file.with_suffix(".part")
            whole.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
            whole.replace(file)
    except (OSError, Timeout) as error:
        print(translated(f"Your progress could not be written down ({error})."))
