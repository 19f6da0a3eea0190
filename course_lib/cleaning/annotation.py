"""A person has the last word: judge a sample of what the rules did, and let it take effect.

report = clean("support.jsonl")
sample = sample_findings(report, per_rule=20)
annotate(sample, "decisions/mina.jsonl")       # course_lib.widgets, in a notebook
decided = decisions("decisions/mina.jsonl")
rule_precision(sample, decided)                # which rule can be trusted
apply(report, decided).save("build/clean")     # put back, fixed, rejected by hand
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.cleaning.agreement import Agreement as Agreement
from course_lib.cleaning.agreement import agreement as agreement
from course_lib.cleaning.agreement import require_columns
from course_lib.cleaning.agreement import rule_precision as rule_precision
from course_lib.cleaning.agreement import verdicts as verdicts
from course_lib.cleaning.corrections import row_from_text as row_from_text
from course_lib.cleaning.corrections import row_with_texts as row_with_texts
from course_lib.cleaning.corrections import texts_to_fix as texts_to_fix
from course_lib.cleaning.decisions import decisions as decisions
from course_lib.cleaning.decisions import record as record
from course_lib.cleaning.differences import inline_diff
from course_lib.cleaning.findings import BY_HAND, findings, kept_by_place
from course_lib.cleaning.findings import sample_findings as sample_findings
from course_lib.cleaning.places import Place, place
from course_lib.cleaning.preferences import conversation, rejected_side
from course_lib.cleaning.report import kept_dataset
from course_lib.cleaning.rule import Messages
from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.cleaning.report import CleaningReport


def apply(report: CleaningReport, decisions: pd.DataFrame) -> CleaningReport:
    """Let what a person decided take effect.

    A rejected row that was kept goes back to its place among the kept rows, as the repairs of the
    run left it. A fix replaces the whole row. A kept row that was rejected leaves, under the rule
    "by_hand". Keeping a repair, or rejecting what a rule had rejected, agrees with the rules and
    changes nothing. Where several findings are about one row, its latest fix or rejection counts.

    Args:
        report: What `clean` returned, for the data and rules that the decisions are about.
        decisions: What `decisions` read.

    Returns:
        A new report; the old one is not altered. Its counts add up as before: the ledger no
        longer books a row that was put back under the rule that had rejected it, and has the
        line "by_hand" (seen: rows on which a decision took effect; changed: fixed; rejected:
        rejected by hand).

    Raises:
        CourseError: A row that is no conversation was to be kept as it is, a fix made a
            conversation of a preference pair or the reverse, or as `findings`.

    Warns:
        UserWarning: Decisions are about findings that this report does not have: the data or the
            rules have changed since. They have no effect.

    Example:
        >>> report = clean("support.jsonl")                            # doctest: +SKIP
        >>> apply(report, decisions("mina.jsonl")).save("build/clean") # doctest: +SKIP
        PosixPath('build/clean')
    """
    require_columns(decisions, ("finding", "decision", "row"), "decisions", "decisions")
    known = {entry["finding"]: entry for entry in findings(report).to_dict("records")}
    entries = decisions.to_dict("records")
    stray = [entry for entry in entries if entry["finding"] not in known]
    if stray:
        warnings.warn(
            f"{len(stray)} of {len(entries)} decisions are about findings that this report does "
            f"not have (the first: rule {stray[0].get('rule')!r}, line {stray[0].get('line')}): "
            "the data or the rules have changed since. They have no effect.",
            stacklevel=2,
        )
    kept = kept_by_place(report)
    rejected = {_place(entry): entry for entry in report.rejected.to_dict("records")}
    effects = {
        _place(known[entry["finding"]]): (known[entry["finding"]], entry)
        for entry in entries
        if entry["finding"] in known and _has_effect(known[entry["finding"]], entry["decision"])
    }
    back: Counter[str] = Counter()
    log: list[dict[Any, Any]] = []
    for where, (finding, entry) in effects.items():
        if entry["decision"] == "reject":
            rejected[where] = _turned_away(finding, kept.pop(where))
            continue
        if where in rejected:
            back[rejected.pop(where)["rule"]] += 1
        kept[where] = _row_after(finding, entry)
        log += _edits(finding, kept[where])
    took = Counter(entry["decision"] for _, entry in effects.values())
    ledger = _ledger(
        report.ledger, back, seen=len(effects), changed=took["fix"], rejected=took["reject"]
    )
    return _with_rows(report, kept, rejected, log, ledger)


def _with_rows(
    report: CleaningReport,
    kept: dict[Place, dict[str, Any]],
    rejected: dict[Place, dict[Any, Any]],
    log: list[dict[Any, Any]],
    ledger: pd.DataFrame,
) -> CleaningReport:
    """The report with other rows kept and rejected, both in the order of the source."""
    kept_from = [row for row in report.source.rows if place(row) in kept]
    rows = [kept[place(row)] for row in kept_from]
    if len({"messages" in row for row in rows}) > 1:
        raise CourseError(
            "A fix made a conversation of a preference pair, or the reverse, and the two are not "
            "trained together: undo that fix, or write prompt, chosen and rejected as the others."
        )
    changes = _frame([*report.changes.to_dict("records"), *log], report.changes)
    changed = set(map(_place, changes.to_dict("records")))
    counts = ledger.drop(columns="example").set_index("rule").to_dict("index")
    order = map(place, report.source.rows)
    review = [entry for entry in report.review.to_dict("records") if _place(entry) in kept]
    return replace(
        report,
        kept=kept_dataset(rows, [row.line for row in kept_from]),
        kept_rows=rows,
        kept_from=kept_from,
        rejected=_frame([rejected[where] for where in order if where in rejected], report.rejected),
        changes=changes,
        review=_frame(review, report.review),
        ledger=ledger,
        summary={
            **report.summary,
            "kept": len(kept),
            "changed": len(changed & kept.keys()),
            "rejected": len(rejected),
            "rules": {
                name: {**report.summary["rules"].get(name, {}), **count}
                for name, count in counts.items()
            },
        },
    )


def _place(entry: Mapping[Any, Any]) -> Place:
    return entry["file"], int(entry["position"])


def _has_effect(finding: Mapping[Any, Any], decision: str) -> bool:
    """Whether a decision differs from what the rules did."""
    return decision != ("reject" if finding["kind"] == "rejected" else "keep")


def _row_after(finding: Mapping[Any, Any], entry: Mapping[Any, Any]) -> dict[str, Any]:
    """The row as it is to be kept."""
    if entry["decision"] == "fix":
        return dict(entry["row"])
    if finding["messages"] is None:
        raise CourseError(
            f"The row of {finding['where']} was kept, but is no conversation "
            f"({finding['reason']}): fix or reject it."
        )
    row: dict[str, Any] = finding["row"]
    return row


def _turned_away(finding: Mapping[Any, Any], row: dict[str, Any]) -> dict[str, Any]:
    reason = f"rejected by hand, shown for the rule {finding['rule']!r}"
    return {**_where(finding), "reason": reason, "messages": conversation(row), "row": row}


def _edits(finding: Mapping[Any, Any], row: dict[str, Any]) -> list[dict[str, Any]]:
    """A fix as the log of changes tells it, message by message."""
    nothing = {"role": "", "content": ""}
    before = _numbered(finding["row"]) if finding["messages"] else []
    return [
        {
            **_where(finding),
            "reason": "A person has put the row right.",
            "message": number,
            "role": new["role"] or old["role"],
            "before": old["content"],
            "after": new["content"],
            "diff": inline_diff(old["content"], new["content"]),
        }
        for number, (old, new) in enumerate(
            zip_longest(before, _numbered(row), fillvalue=nothing), start=1
        )
        if old != new
    ]


def _where(finding: Mapping[Any, Any]) -> dict[str, Any]:
    return {**{name: finding[name] for name in ("file", "line", "position")}, "rule": BY_HAND}


def _numbered(row: Mapping[str, Any]) -> Messages:
    return [*conversation(row), *rejected_side(row)]


def _frame(records: list[dict[Any, Any]], like: pd.DataFrame) -> pd.DataFrame:
    frame = pd.DataFrame(records, columns=list(like.columns), dtype=object)
    return frame.astype(
        {name: "int64" for name in ("line", "position", "message") if name in frame}
    )


def _ledger(ledger: pd.DataFrame, back: Counter[str], **by_hand: int) -> pd.DataFrame:
    """The ledger without the rows put back, and with what was done by hand."""
    entries = ledger.to_dict("records")
    for entry in entries:
        entry["rejected"] -= back[entry["rule"]]
    if BY_HAND not in set(ledger["rule"]):
        entries.append({"rule": BY_HAND, "seen": 0, "changed": 0, "rejected": 0, "noticed": 0})
    for name, count in by_hand.items():
        next(entry for entry in entries if entry["rule"] == BY_HAND)[name] += count
    return pd.DataFrame(entries, columns=list(ledger.columns)).astype({"example": "Int64"})
