"""Which file a capstone works on: two that the course brings along, or the learner's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from course_lib.capstone import clauses, headlines
from course_lib.errors import CourseError
from course_lib.runtime import data_path

NAMES = ("headlines", "clauses", "own")
# The test file, what the model is told, the group, and the task in words.
_OURS: dict[str, tuple[str, str, str | None, str]] = {
    "headlines": (
        "headlines_test.csv", headlines.SYSTEM, None,
        "Gives the desk's call for a finance headline: up, down, flat or wait.",
    ),
    "clauses": (
        "clauses_test.jsonl", clauses.SYSTEM, "contract",
        "Fills in the firm's form (kind, party, value) for a contract clause.",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Track:
    """What a capstone starts from.

    Attributes:
        name: One of `NAMES`.
        file: The raw file, as it came.
        test: Held-out rows that were put aside by somebody else; None: the split makes them.
        system: What the model is told before each question, base and tuned alike; may be empty.
        group: A column that must not be torn apart by the split, such as the contract.
        task: What the model shall do, in a sentence, for the model card.
    """

    name: str
    file: Path
    test: Path | None
    system: str
    group: str | None
    task: str


def track(name: str, own_file: str | Path | None = None) -> Track:
    """Look up a track.

    Args:
        name: "headlines", "clauses" or "own".
        own_file: The learner's file for "own": any format that `course_lib.formats` reads. None
            takes the example, a small table of questions and answers.

    Returns:
        The track.

    Raises:
        CourseError: There is no such track, or no such file.

    Example:
        >>> track("clauses").group
        'contract'
    """
    if name in _OURS:
        test, system, group, task = _OURS[name]
        raw = test.replace("_test", "_raw")
        file, held_out = data_path("capstone", raw), data_path("capstone", test)
        return Track(name, file, held_out, system, group, task)
    if name != "own":
        raise CourseError(f"there is no track {name!r}: take one of {', '.join(NAMES)}.")
    file = Path(own_file) if own_file else data_path("capstone", "own_example.csv")
    if not file.exists():
        raise CourseError(f"{file}: no such file. Give the path of your own file as OWN_FILE.")
    return Track(name, file, None, "", None, f"Answers as the rows of {file.name} do.")
