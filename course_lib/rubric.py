"""A rubric that fills itself in: what a run has measured, and which criteria that meets.

The criteria are data (`rubric.toml`). A lesson records each measure where it is taken; the order
counts, because a baseline that is taken after training proves nothing. What was not recorded does
not hold.

>>> evidence = Evidence()
>>> evidence.record(leaked_rows=3)
>>> table = rubric(evidence)
>>> table.set_index("criterion").loc["no leak", "evidence"]
'3 rows leaked'
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

# Fewer words than this are no reason ("because it works"); nor is one word said five times.
_WORDS = 5
# Japanese has no spaces between words; a word of it has two characters or so.
_JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
# The capstone asks for so many decisions. One that was left out has no reason either.
_DECISIONS = 5


@dataclass(frozen=True)
class Criterion:
    """One question of the rubric.

    Attributes:
        name: What is asked for, in a few words.
        question: The same as a question.
        measure: The name under which the answer is recorded.
        points: What it is worth.
        told: How the measure is told; one place for its value.
        do: What to do when it does not hold.
        at_least: The lowest value with which it holds; None: no lower bound.
        at_most: The highest one.
        before: Another measure that must not have been recorded earlier; None: no matter.
    """

    name: str
    question: str
    measure: str
    points: int
    told: str
    do: str
    at_least: float | None = None
    at_most: float | None = None
    before: str | None = None


@lru_cache
def criteria() -> tuple[Criterion, ...]:
    """The criteria of the course's rubric, in their order.

    Example:
        >>> sum(criterion.points for criterion in criteria())
        100
    """
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return tuple(Criterion(**entry) for entry in tomllib.loads(text)["criterion"])


class Evidence:
    """What a run has measured and decided, in the order in which it happened.

    Example:
        >>> evidence = Evidence()
        >>> evidence.decide("base", "pocket", because="it is all that fits this laptop")
        'pocket'
        >>> evidence.measured("decisions_without_reason")
        4.0
    """

    def __init__(self) -> None:
        """Begin with nothing: a run that measures nothing proves nothing."""
        self.events: list[tuple[str, float]] = []
        self.decisions: dict[str, tuple[Any, str]] = {}

    def record(self, **measures: float) -> None:
        """Write measures down; a measure taken again stands behind its earlier value.

        Args:
            **measures: By the names that the rubric knows, see `criteria`.

        Raises:
            CourseError: A value is no number.

        Example:
            >>> Evidence().record(leaked_rows=0)
        """
        for name, value in measures.items():
            try:
                self.events.append((name, float(value)))
            except (TypeError, ValueError):
                raise CourseError(f"{name} is {value!r}: a measure is a number.") from None

    def decide(self, what: str, choice: Any, *, because: str) -> Any:
        """Write a decision down, with its reason.

        Args:
            what: What was to be decided.
            choice: What you chose.
            because: Why, in your own words.

        Returns:
            The choice, so that a knob can be set by the same line.

        Example:
            >>> Evidence().decide("epochs", 4, because="")
            4
        """
        self.decisions[what] = choice, because
        reasons = [reason for _, reason in self.decisions.values()]
        good = sum(_says_why(reason) for reason in reasons)
        self.record(decisions_without_reason=max(_DECISIONS, len(reasons)) - good)
        return choice

    def measured(self, name: str, before: str | None = None) -> float | None:
        """The latest value of a measure, or None where it was never taken.

        Args:
            name: The measure.
            before: Count only what was recorded before this other one was recorded first.

        Returns:
            The value.
        """
        events = self.events
        if before is not None:
            names = [event for event, _ in events]
            events = events[: names.index(before)] if before in names else events
        return next((value for event, value in reversed(events) if event == name), None)

    def save(self, path: str | Path) -> Path:
        """Write measures and decisions as JSON, for whoever marks the work.

        Args:
            path: The file.

        Returns:
            The file.
        """
        path = Path(path)
        decided = [
            {"what": what, "choice": str(choice), "because": because}
            for what, (choice, because) in self.decisions.items()
        ]
        measured = [{"measure": name, "value": value} for name, value in self.events]
        text = json.dumps({"decisions": decided, "measures": measured}, indent=2)
        path.write_text(text + "\n", encoding="utf-8")
        return path


def rubric(evidence: Evidence, asked: Sequence[Criterion] | None = None) -> pd.DataFrame:
    """Fill the rubric in.

    Args:
        evidence: What the run has recorded.
        asked: The criteria; None: those of the course.

    Returns:
        One row a criterion: criterion, question, evidence (in words), met, points (reached), of
        (how many there are), do (empty where it holds). `points` and `of` add up to the mark.

    Example:
        >>> rubric(Evidence())["points"].sum()
        np.int64(0)
    """
    import pandas as pd

    rows = []
    for criterion in criteria() if asked is None else asked:
        value = evidence.measured(criterion.measure, criterion.before)
        met = value is not None and _holds(criterion, value)
        rows.append(
            {
                "criterion": criterion.name,
                "question": criterion.question,
                "evidence": _told(criterion, value, evidence),
                "met": met,
                "points": criterion.points if met else 0,
                "of": criterion.points,
                "do": "" if met else criterion.do,
            }
        )
    return pd.DataFrame(rows)


def times_tested(ledger: str | Path, weights: Mapping[str, Any]) -> int:
    """Remember that a model has answered the test, and count how many different ones have.

    The same weights asked again count once: running the notebook again changes nothing. Other
    weights are another model, and the second one that is tried on the test has been chosen by it.

    Args:
        ledger: A file that outlives the session, beside the run.
        weights: The trained tensors, such as the adapter's state dict.

    Returns:
        The number of different models, this one included.

    Example:
        >>> times_tested(ledger, get_peft_model_state_dict(model))  # doctest: +SKIP
        1
    """
    digest = blake2b(digest_size=16)
    for name in sorted(weights):
        digest.update(name.encode())
        digest.update(weights[name].detach().cpu().float().numpy().tobytes())
    ledger = Path(ledger)
    known = ledger.read_text(encoding="utf-8").split() if ledger.is_file() else []
    if digest.hexdigest() not in known:
        known.append(digest.hexdigest())
        ledger.write_text("\n".join(known) + "\n", encoding="utf-8")
    return len(known)


def _holds(criterion: Criterion, value: float) -> bool:
    above = criterion.at_least is None or value >= criterion.at_least
    below = criterion.at_most is None or value <= criterion.at_most
    return math.isfinite(value) and above and below


def _told(criterion: Criterion, value: float | None, evidence: Evidence) -> str:
    if value is not None:
        return criterion.told.format(value)
    late = evidence.measured(criterion.measure) is not None
    return "measured too late" if late else "not measured"


def _says_why(reason: str) -> bool:
    words, characters = set(reason.lower().split()), set(_JAPANESE.findall(reason))
    return len(words) >= _WORDS or len(characters) >= 2 * _WORDS
