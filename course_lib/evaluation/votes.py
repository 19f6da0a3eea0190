"""Votes of people who saw two answers and not whose they were: kept, and counted with an interval.

    {"pair": 7, "left": "second", "vote": "left"}

One JSON line a vote, written at once and never rewritten; a later vote on a pair replaces an
earlier one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from course_lib.errors import CourseError
from course_lib.evaluation.comparison import Share, share_interval

VOTES = ("left", "right", "same")


class Preference(NamedTuple):
    """What the votes say: wins of each model, ties, and the second's share of the decided."""

    first: int
    second: int
    same: int
    share: Share


def sides(count: int, seed: int) -> list[str]:
    """Whose answer stands on the left, pair by pair: each model's equally often, shuffled.

    Args:
        count: number of pairs.
        seed: of the shuffle. Take another than the training's, or a reader of this page may know.

    Returns:
        "first" or "second" for each pair.

    Example:
        >>> sorted(sides(4, seed=1))
        ['first', 'first', 'second', 'second']
    """
    left = [("first", "second")[place % 2] for place in range(count)]
    random.Random(seed).shuffle(left)
    return left


def record_vote(path: str | Path, pair: int, left: str, vote: str) -> None:
    """Append one vote to the file.

    Args:
        path: the JSON Lines file, made with its folder if it is missing.
        pair: number of the pair, from 0.
        left: whose answer stood on the left, "first" or "second".
        vote: "left", "right" or "same".

    Raises:
        CourseError: the vote is none of these.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mina.jsonl"
        >>> record_vote(path, 0, "second", "left")
        >>> votes(path)
        {0: 'second'}
    """
    if vote not in VOTES or left not in ("first", "second"):
        raise CourseError(f"{vote!r} on {left!r} is no vote: left, right or same on first/second.")
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"pair": pair, "left": left, "vote": vote}) + "\n")


def votes(path: str | Path) -> dict[int, str]:
    """Read the votes and lift the blindfold: which model won each pair.

    Args:
        path: a file of `record_vote`; one that does not exist holds no votes.

    Returns:
        "first", "second" or "same" by number of the pair.

    Raises:
        CourseError: a line is no vote.

    Example:
        >>> votes("no/such/file.jsonl")
        {}
    """
    path = Path(path)
    if not path.is_file():
        return {}
    won = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            entry = json.loads(line)
            pair, left, vote = int(entry["pair"]), entry["left"], entry["vote"]
            other = {"first": "second", "second": "first"}[left]
            won[pair] = {"left": left, "right": other, "same": "same"}[vote]
        except (ValueError, KeyError, TypeError) as error:
            raise CourseError(f"{path}, line {number}, is no vote: delete that line.") from error
    return won


def preference(won: Mapping[int, str] | Sequence[str]) -> Preference:
    """Count votes: how often is the second model preferred, where anybody preferred one?

    Args:
        won: what `votes` returned, or a list of "first", "second" and "same".

    Returns:
        The counts, and the second model's share of the decided pairs with Wilson's 95% interval.
        An interval that holds one half says: cannot tell.

    Raises:
        CourseError: no pair was decided.

    Example:
        >>> preference(["second"] * 9 + ["first", "same"])[:3]
        (1, 9, 1)
    """
    outcomes = list(won.values()) if isinstance(won, Mapping) else list(won)
    decided = [outcome == "second" for outcome in outcomes if outcome != "same"]
    if not decided:
        raise CourseError("no pair has a winner yet: vote left or right on at least one.")
    second = sum(decided)
    ties = len(outcomes) - len(decided)
    return Preference(len(decided) - second, second, ties, share_interval(decided))
