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
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.cleaning.places import Place, namer, place
from course_lib.cleaning.preferences import conversation
from course_lib.cleaning.report import written_row
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.cleaning.report import CleaningReport

COLUMNS = (
    "finding",
    "kind",
    "rule",
    "found",
    "file",
    "line",
    "position",
    "where",
    "reason",
    "messages",
    "changes",
    "row",
    "other",
)
# The rule that a person's own rejections and fixes are booked under.
BY_HAND = "by_hand"
_CHANGE = ("message", "role", "before", "after")


def findings(report: CleaningReport) -> pd.DataFrame:
    """Everything that the rules did or noticed: one row for each rule at work on a row.

    Repairs of rows that another rule turned away afterwards are left out: the row is gone, and
    its rejection is the finding to judge.

    Args:
        report: What `clean` returned.

    Returns:
        finding (its name), kind ("rejected", "changed" or "review"), rule, found (findings of
        this rule in the whole report), file, line, position, where ("line 7", with position and
        file where the line is not enough), reason, messages (the conversation as it stands after
        the repairs, of a preference pair with the chosen answer; None where the row is no
        conversation), changes (of a repair: message, role, before, after), row (the whole row),
        other (the messages of the other row that the reason names, as a duplicate's does).

    Raises:
        CourseError: The same file was read more than once, so that nothing names one row of it.

    Example:
        >>> findings(clean("support.jsonl"))["rule"].value_counts()    # doctest: +SKIP
        html     17
        empty     6
    """
    _require_a_place_each(report)
    kept = kept_by_place(report)
    rejected = _rejected(report)
    name_of = namer(report.source.rows)
    names = {place(row): name_of(row) for row in report.source.rows}
    told = {names[where]: conversation(row) for where, row in kept.items()}
    told |= {names[_place(entry)]: entry["messages"] for entry in rejected if entry["messages"]}
    entries = [*rejected, *_changed(report, kept), *_shown(report, kept)]
    found = Counter(entry["rule"] for entry in entries)
    times: Counter[str] = Counter()
    for entry in entries:
        entry["where"] = names[_place(entry)]
        entry["other"] = _other(entry["reason"], told)
        entry["found"] = found[entry["rule"]]
        name = _digest([entry[part] for part in ("kind", "rule", "changes", "row")])
        times[name] += 1
        # Rows that are the same letter for letter are counted, so that each has a name.
        entry["finding"] = name if times[name] == 1 else f"{name}-{times[name]}"
    # Objects throughout: a column of texts would be handed to Arrow, which has no half characters.
    frame = pd.DataFrame(entries, columns=list(COLUMNS), dtype=object)
    return frame.astype(dict.fromkeys(("line", "position", "found"), "int64"))


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


def kept_by_place(report: CleaningReport) -> dict[Place, dict[str, Any]]:
    """The kept rows, each under its file and its position there.

    Args:
        report: What `clean` returned.

    Returns:
        (file, position) -> {"messages": [...], other columns}.

    Example:
        >>> kept_by_place(clean("support.jsonl"))["support.jsonl", 1]["messages"]  # doctest: +SKIP
        [{'role': 'user', 'content': 'Hi'}, {'role': 'assistant', 'content': 'Hello!'}]
    """
    return dict(zip(map(place, report.kept_from), report.kept_rows, strict=True))


def _require_a_place_each(report: CleaningReport) -> None:
    places = Counter(map(place, report.source.rows))
    shared = [file for (file, _), rows in places.items() if rows > 1]
    if shared:
        raise CourseError(
            f"{shared[0]} was read more than once, so that nothing names one row of it. Read each "
            "file once, and clean again."
        )


def _rejected(report: CleaningReport) -> list[dict[str, Any]]:
    """The rows turned away, with the conversation as the repairs left it."""
    turned_away = {place(rejection.row): rejection for rejection in report.rejections}
    entries = []
    for entry in report.rejected.to_dict("records"):
        if entry["rule"] == BY_HAND:
            continue
        rejection, row = turned_away[_place(entry)], entry["row"]
        messages = rejection.messages
        if messages is not None:
            row = written_row(rejection.row, messages, rejection.rejected_answer, report.masked)
        entries.append(_entry("rejected", entry, messages, [], row))
    return entries


def _changed(report: CleaningReport, kept: dict[Place, dict[str, Any]]) -> list[dict[str, Any]]:
    """The repairs of kept rows: all that one rule did to one row is one finding."""
    entries: dict[tuple[Place, str], dict[str, Any]] = {}
    for change in report.changes.to_dict("records"):
        where, rule = _place(change), change["rule"]
        if where in kept and rule != BY_HAND:
            row = kept[where]
            entry = entries.setdefault(
                (where, rule), _entry("changed", change, conversation(row), [], row)
            )
            entry["changes"].append({name: change[name] for name in _CHANGE})
    return list(entries.values())


def _shown(report: CleaningReport, kept: dict[Place, dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows that a notice wants a person to look at."""
    return [
        _entry("review", entry, conversation(kept[_place(entry)]), [], kept[_place(entry)])
        for entry in report.review.to_dict("records")
        if _place(entry) in kept
    ]


def _place(entry: dict[Any, Any]) -> Place:
    return entry["file"], int(entry["position"])


def _other(reason: str, told: dict[str, Any]) -> Any:
    """The conversation that a reason names at its end, such as "… an earlier row (line 7)"."""
    ends = (reason[match.end() : -1] for match in re.finditer(r" \(", reason))
    return next((told[end] for end in ends if end in told), None)


def _entry(
    kind: str, told: dict[Any, Any], messages: object, changes: list[Any], row: object
) -> dict[str, Any]:
    return {
        "kind": kind,
        "rule": told["rule"],
        "file": told["file"],
        "line": int(told["line"]),
        "position": int(told["position"]),
        "reason": told["reason"] or "",
        "messages": messages,
        "changes": changes,
        "row": row,
    }


def _digest(value: object) -> str:
    # JSON in ASCII, so that half a character (a lone surrogate) has bytes too.
    return hashlib.sha256(json.dumps(value, default=str).encode("ascii")).hexdigest()[:16]
