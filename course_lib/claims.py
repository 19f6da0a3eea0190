"""A claim is a sentence, the value measured for it, and the bound that the value must keep.

Every lesson ends with its claims. While a learner works, a claim that does not hold is printed and
the lesson goes on, because a surprising figure is worth looking at. Under CI (``COURSE_STRICT=1``,
or ``CI=true``) it raises, so that a sentence the course prints can never quietly become untrue.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.language import translated

if TYPE_CHECKING:
    import pandas as pd

_remembered: dict[str, dict[str, object]] = {}


class ClaimFailed(AssertionError):
    """A claim did not hold while the course was run strictly."""


def claim(
    statement: str,
    value: float,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> bool:
    """State something, show the measured value beside its bound, and remember the outcome.

    Args:
        statement: What is claimed, as a sentence a learner can read on its own. Stating the same
            sentence again (a cell run twice) replaces the earlier outcome.
        value: The measured value, in the unit that the statement names.
        at_least: The smallest value with which the statement still holds.
        at_most: The largest value with which the statement still holds. Give exactly one bound.

    Returns:
        Whether the claim holds. A value that is not a number never does.

    Raises:
        ClaimFailed: The claim does not hold and the run is strict.
        ValueError: No bound, or both bounds, were given.

    Example:
        >>> claim("LoRA trains few of the parameters (share)", 0.04, at_most=0.1)
        ✓ LoRA trains few of the parameters (share): 0.04 (at most 0.1)
        True
    """
    if (at_least is None) == (at_most is None):
        raise ValueError(f"claim({statement!r}): give exactly one of at_least and at_most")
    number = float(value) + 0.0  # a minus zero becomes a zero
    if at_least is not None:
        bound, threshold = "at least", float(at_least)
        held = number >= threshold
    else:
        assert at_most is not None
        bound, threshold = "at most", float(at_most)
        held = number <= threshold

    limit = translated(f"{bound} {shown(threshold)}")
    line = f"{translated(statement)}: {shown(number)} ({limit})"
    record: dict[str, object] = {
        "statement": statement,
        "value": number if math.isfinite(number) else None,  # JSON knows no NaN
        "bound": bound,
        "threshold": threshold,
        "held": held,
    }
    _remembered[statement] = record
    _append(record)
    print(f"{'✓' if held else '✗'} {line}")
    if not held and _strict():
        raise ClaimFailed(line)
    return held


def claims() -> pd.DataFrame:
    """Return every claim of this session, in the order in which they were first stated.

    Returns:
        One row a claim with the columns ``statement``, ``value`` (as text: four digits are read
        more easily than seven), ``threshold`` (in words, such as "at least 0.8") and ``held``,
        named in the language of this session.

    Example:
        >>> claims()[["statement", "held"]]  # doctest: +SKIP
    """
    import pandas as pd

    rows = [
        {
            **record,
            "statement": translated(str(record["statement"])),
            "value": translated("no number")
            if record["value"] is None
            else shown(float(str(record["value"]))),
            "threshold": translated(f"{record['bound']} {shown(float(str(record['threshold'])))}"),
        }
        for record in _remembered.values()
    ]
    table = pd.DataFrame(rows, columns=["statement", "value", "threshold", "held"])
    return table.rename(columns=translated)


def shown(number: float) -> str:
    """Write a number with four significant digits, thousands with commas, as claims are shown.

    Args:
        number: A measured value or a bound.

    Example:
        >>> shown(0.123456), shown(15123.4)
        ('0.1235', '15,123')
    """
    if abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.4g}"


def _strict() -> bool:
    """COURSE_STRICT decides where it is set; without it, running under CI does."""
    asked = os.environ.get("COURSE_STRICT")
    if asked is not None:
        return asked not in ("", "0")
    return os.environ.get("CI", "").lower() in ("1", "true")


def _append(record: dict[str, object]) -> None:
    """Write the claim down for `make course`, which reads it from outside this process."""
    ledger = os.environ.get("COURSE_CLAIMS")
    if ledger:
        with Path(ledger).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(record, ensure_ascii=False) + "\n")
