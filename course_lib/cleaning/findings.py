"""What a cleaning run found, row by row, and a sample of it for a person to judge.

A *finding* is one rule at work on one row: it turned the row away, rewrote it, or only asks that
somebody looks. Its name is made of its content, so that a decision never strays to another row
when lines move or the file is exported again.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.cleaning.pipeline import RULES, clean
from course_lib.cleaning.rule import Repair
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.cleaning.report import CleaningReport

COLUMNS = (
    "finding",
    "kind",
    "rule",
    "found",
    "line",
    "reason",
    "messages",
    "changes",
    "row",
    "other",
)
# The rule that a person's own rejections and fixes are booked under.
BY_HAND = "by_hand"
_OTHER_LINE = re.compile(r"\(line ([0-9]+)\)$")
_CHANGE = ("message", "role", "before", "after")


def findings(report: CleaningReport) -> pd.DataFrame:
    """Everything that the rules did or noticed: one row for each rule at work on a row.

    Repairs of rows that another rule turned away afterwards are left out: the row is gone, and
    its rejection is the finding to judge.

    Args:
        report: What `clean` returned.

    Returns:
        finding (its name), kind ("rejected", "changed" or "review"), rule, found (findings of
        this rule in the whole report), line, reason, messages (the conversation as it stands
        after the repairs, None where the row is no conversation), changes (of a repair: message,
        role, before, after), row (the whole row), other (the messages of the other row that the
        reason names, as a duplicate's does).

    Raises:
        CourseError: Several rows begin on the same line, so that a line does not name one row.

    Example:
        >>> findings(clean("support.jsonl"))["rule"].value_counts()    # doctest: +SKIP
        html     17
        empty     6
    """
    _require_a_line_each(report)
    kept = kept_by_line(report)
    rejected = _rejected(report)
    conversations = {line: row["messages"] for line, row in kept.items()}
    conversations |= {entry["line"]: entry["messages"] for entry in rejected if entry["messages"]}
    entries = [*rejected, *_changed(report, kept), *_shown(report, kept)]
    found = Counter(entry["rule"] for entry in entries)
    times: Counter[str] = Counter()
    for entry in entries:
        other = _OTHER_LINE.search(entry["reason"])
        entry["other"] = conversations.get(int(other[1])) if other else None
        entry["found"] = found[entry["rule"]]
        name = _digest([entry[part] for part in ("kind", "rule", "changes", "row")])
        times[name] += 1
        # Rows that are the same letter for letter are counted, so that each has a name.
        entry["finding"] = name if times[name] == 1 else f"{name}-{times[name]}"
    # Objects throughout: a column of texts would be handed to Arrow, which has no half characters.
    frame = pd.DataFrame(entries, columns=list(COLUMNS), dtype=object)
    return frame.astype({"line": "int64", "found": "int64"})


def sample_findings(report: CleaningReport, *, per_rule: int = 20, seed: int = 0) -> pd.DataFrame:
    """Draw the same number of findings from every rule, at random, for a person to judge.

    The draw is simple random sampling without replacement within each rule: findings are put in
    the order of a hash of seed and name, and the first `per_rule` are taken. A larger sample
    begins with the smaller one, and whoever stops early has judged a random part of every rule.

    Args:
        report: What `clean` returned.
        per_rule: Findings to draw from each rule; a rule with fewer gives all it has. 20, because
            20 right of 20 judged shows a precision of at least 84% (Wilson's interval).
        seed: Of the draw.

    Returns:
        The columns of `findings`, in the order to judge them: first one of every rule, then a
        second of every rule, and so on.

    Raises:
        CourseError: `per_rule` is no positive whole number, or as `findings`.

    Example:
        >>> sample = sample_findings(clean("support.jsonl"), per_rule=10)  # doctest: +SKIP
        >>> sample["rule"].value_counts().max()                        # doctest: +SKIP
        10
    """
    if isinstance(per_rule, bool) or not isinstance(per_rule, int) or per_rule < 1:
        raise CourseError(f"per_rule must be a whole number of 1 or more, not {per_rule!r}.")
    frame = findings(report)
    places = {rule: place for place, rule in enumerate(report.ledger["rule"])}
    drawn = frame.assign(
        draw=[_digest([seed, name]) for name in frame["finding"]],
        place=[places.get(rule, len(places)) for rule in frame["rule"]],
    ).sort_values("draw")
    drawn["turn"] = drawn.groupby("rule").cumcount()
    drawn = drawn[drawn["turn"] < per_rule].sort_values(["turn", "place", "rule"], kind="stable")
    return drawn[list(COLUMNS)].reset_index(drop=True)


def kept_by_line(report: CleaningReport) -> dict[int, dict[str, Any]]:
    """The kept rows, each under its line of the source.

    Args:
        report: What `clean` returned.

    Returns:
        line -> {"messages": [...], other columns}.

    Example:
        >>> kept_by_line(clean("support.jsonl"))[1]["messages"]        # doctest: +SKIP
        [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello!'}]
    """
    # An empty dataset has no columns to ask for.
    lines = report.kept["line"] if len(report.kept) else []
    return {int(line): row for line, row in zip(lines, report.kept_rows, strict=True)}


def _require_a_line_each(report: CleaningReport) -> None:
    lines = Counter(row.line for row in report.source.rows)
    shared = [line for line, rows in lines.items() if rows > 1]
    if shared:
        raise CourseError(
            f"{report.source.path}: {lines[shared[0]]} rows begin on line {shared[0]} (several "
            "files, or JSON with many rows on one line), so that a line does not name one row. "
            "Write the rows with course_lib.write_jsonl, one a line, and clean that file."
        )


def _rejected(report: CleaningReport) -> list[dict[str, Any]]:
    """The rows turned away, with the conversation as the repairs left it."""
    records = [entry for entry in report.rejected.to_dict("records") if entry["rule"] != BY_HAND]
    lines = {int(entry["line"]) for entry in records}
    repairs = [
        rule.name
        for rule in RULES
        if isinstance(rule, Repair) and rule.name in report.summary["rules"]
    ]
    rows = [row for row in report.source.rows if row.line in lines]
    # The report holds these rows as they came. Repairs and masks are made again, no other rule.
    again = clean(replace(report.source, rows=rows), rules=repairs) if rows else None
    readable = kept_by_line(again) if again else {}
    entries = []
    for entry in records:
        row = readable.get(int(entry["line"]), entry["row"])
        messages = row["messages"] if int(entry["line"]) in readable else None
        entries.append(_entry("rejected", entry, messages, [], row))
    return entries


def _changed(report: CleaningReport, kept: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """The repairs of kept rows: all that one rule did to one row is one finding."""
    why = {rule.name: rule.reason for rule in RULES}
    entries: dict[tuple[int, str], dict[str, Any]] = {}
    for change in report.changes.to_dict("records"):
        line, rule = int(change["line"]), change["rule"]
        if line in kept and rule != BY_HAND:
            told = {"rule": rule, "line": line, "reason": why.get(rule, "")}
            row = kept[line]
            entry = entries.setdefault(
                (line, rule), _entry("changed", told, row["messages"], [], row)
            )
            entry["changes"].append({name: change[name] for name in _CHANGE})
    return list(entries.values())


def _shown(report: CleaningReport, kept: dict[int, dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that a notice wants a person to look at."""
    review = getattr(report, "review", None)
    if review is None:
        return []
    return [
        _entry("review", entry, kept[entry["line"]]["messages"], [], kept[entry["line"]])
        for entry in review.to_dict("records")
        if entry["line"] in kept
    ]


def _entry(
    kind: str, told: dict[Any, Any], messages: object, changes: list[Any], row: object
) -> dict[str, Any]:
    return {
        "kind": kind,
        "rule": told["rule"],
        "line": int(told["line"]),
        "reason": told["reason"] or "",
        "messages": messages,
        "changes": changes,
        "row": row,
    }


def _digest(value: object) -> str:
    # JSON in ASCII, so that half a character (a lone surrogate) has bytes too.
    return hashlib.sha256(json.dumps(value, default=str).encode("ascii")).hexdigest()[:16]
