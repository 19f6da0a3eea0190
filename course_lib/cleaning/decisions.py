"""What a person decided about findings: one JSON line each, written at once, never rewritten.

    {"finding": "3f2a…", "kind": "rejected", "rule": "refusal", "file": "support.jsonl",
     "line": 7, "position": 7, "decision": "keep"}
    {"finding": "91bc…", "kind": "changed", …, "decision": "fix", "row": {"messages": …}}
    {"finding": "91bc…", "decision": "undo"}

A finding is known by its name alone, which is made of its content: kind, rule, file, line and
position are for people, and a file without them counts all the same. The file is the only memory:
close the notebook, open it again, and go on. Give every person a file of their own.
"""

from __future__ import annotations

import json
import operator
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.errors import CourseError

DECISIONS = ("keep", "fix", "reject")
COLUMNS = ("finding", "kind", "rule", "file", "line", "position", "decision", "row")
# Where a corrected row has its messages: a conversation, or a preference pair.
_PARTS = (("messages",), ("prompt", "chosen", "rejected"))


def record(path: str | Path, decision: Mapping[str, Any]) -> None:
    """Append one decision to the file, on the disk before this function returns.

    A last line that was cut off (the process was killed while it wrote) is put right first: what
    there is of it moves to a file beside this one, named `….broken`, and a warning says so.

    Args:
        path: The JSON Lines file; made, with its folder, if it is missing.
        decision: "finding" (its name) and "decision": "keep", "fix", "reject", or "undo", which
            takes back the latest decision on that finding. A fix has "row", the whole corrected
            row. "kind", "rule", "file", "line" and "position" help whoever reads the file.

    Raises:
        CourseError: The decision is incomplete, or the file cannot be written.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mina.jsonl"
        >>> record(path, {"finding": "3f2a", "decision": "keep"})
        >>> path.read_text("utf-8")
        '{"finding": "3f2a", "decision": "keep"}\\n'
    """
    path = Path(path)
    problem = _problem(decision)
    if problem:
        raise CourseError(f"This decision cannot be recorded: {problem}.")
    try:
        # operator.index lets the whole numbers of a DataFrame pass, and nothing else.
        text = json.dumps(
            dict(decision), ensure_ascii=False, allow_nan=False, default=operator.index
        )
    except (TypeError, ValueError) as error:
        raise CourseError(f"This decision cannot be recorded: it is no JSON ({error}).") from error
    # A lone surrogate has no UTF-8; escaped, JSON carries it.
    data = text.encode("utf-8", errors="backslashreplace") + b"\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _mend(path)
        with path.open("ab") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise CourseError(
            f"{path} cannot be written ({error.strerror}): the decision is not recorded. Name a "
            "file in a folder of your own, or free some space, and decide again."
        ) from error


def decisions(path: str | Path) -> pd.DataFrame:
    """Read what counts: the latest decision on each finding, what was undone left out.

    Args:
        path: A file that `record` wrote. One that does not exist yet holds no decisions.

    Returns:
        One row a finding, in the order in which they were decided: finding, kind, rule, file,
        line, position, decision, row (of a fix: the corrected row); None where the file does not
        say. A last line that was cut off is left out, with a warning; `record` puts it right.

    Raises:
        CourseError: The file cannot be read, or a line of it is no decision.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mina.jsonl"
        >>> for decision in ("keep", "reject", "undo"):
        ...     record(path, {"finding": "3f2a", "decision": decision})
        >>> decisions(path)["decision"].tolist()
        ['keep']
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        data = b""
    except OSError as error:
        raise CourseError(f"{path} cannot be read ({error.strerror}).") from error
    *lines, last = data.split(b"\n")
    entries: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            entry, problem = _parsed(line)
            if entry is None:
                raise CourseError(
                    f"{path}, line {number}, is no decision: {problem}. Mend or delete that line."
                )
            entries.append(entry)
    if last.strip():
        entry, _ = _parsed(last)
        if entry is None:
            warnings.warn(
                f"{path}, line {len(lines) + 1}, was cut off while it was written: that row has "
                "to be decided again.",
                stacklevel=2,
            )
        else:
            entries.append(entry)
    rows = [{name: entry.get(name) for name in COLUMNS} for entry in _standing(entries)]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def _standing(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Undo takes the latest decision on a finding off its pile; the top of each pile counts."""
    piles: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        pile = piles.setdefault(entry["finding"], [])
        if entry["decision"] != "undo":
            pile.append(place)
        elif pile:
            pile.pop()
    return [entries[place] for place in sorted(pile[-1] for pile in piles.values() if pile)]


def _problem(entry: object) -> str | None:
    """What keeps an entry from being a decision, None where nothing does."""
    if not isinstance(entry, Mapping):
        return f"it is not an object but {type(entry).__name__}"
    finding, decision, row = entry.get("finding"), entry.get("decision"), entry.get("row")
    if not isinstance(finding, str) or not finding:
        return "it has no 'finding'"
    if decision not in (*DECISIONS, "undo"):
        return f"'decision' is {decision!r}, not keep, fix, reject or undo"
    if decision == "fix":
        parts = next((parts for parts in _PARTS if _has(row, parts)), ())
        if not parts or not isinstance(row, Mapping):
            return "a fix needs 'row' with the corrected 'messages' (or prompt, chosen, rejected)"
        if not all(_is_message(message) for part in parts for message in row[part]):
            return "every message of a fix needs a 'role' and a 'content'"
    return None


def _has(row: object, parts: tuple[str, ...]) -> bool:
    return isinstance(row, Mapping) and all(
        isinstance(row.get(part), list) and row[part] for part in parts
    )


def _is_message(message: object) -> bool:
    return isinstance(message, Mapping) and all(
        isinstance(message.get(key), str) for key in ("role", "content")
    )


def _parsed(line: bytes) -> tuple[dict[str, Any] | None, str]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        return None, f"it is no JSON ({error})"
    problem = _problem(entry)
    return (None, problem) if problem else (entry, "")


def _mend(path: Path) -> None:
    """See to a last line without its end: whoever wrote it was stopped in the middle."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        if not file.seek(0, os.SEEK_END):
            return
        file.seek(-1, os.SEEK_END)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        data = file.read()
        start = data.rfind(b"\n") + 1
        if _parsed(data[start:])[0] is not None:
            file.write(b"\n")  # only the line feed was missing: the decision is whole
            return
        # First into the other file, then out of this one: stopped in between, nothing is lost.
        aside = path.with_name(path.name + ".broken")
        with aside.open("ab") as store:
            store.write(data[start:] + b"\n")
            store.flush()
            os.fsync(store.fileno())
        file.truncate(start)
    warnings.warn(
        f"The last line of {path} was cut off while it was written, and is now in {aside.name}: "
        "that row has to be decided again.",
        stacklevel=3,
    )
