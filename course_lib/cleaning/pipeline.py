"""The whole cleaner: every rule in its order, every row accounted for.

The order matters. Structure first, because nothing else can be asked of a broken row. Then the
repairs, so that later rules see the text as it will be trained. Then the checks of single rows,
and last what needs the whole set, so that a row is never dropped as the duplicate of a row that
was itself rejected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, cast

from course_lib.cleaning import (
    contradictions,
    duplicates,
    language,
    privacy,
    quality,
    schema,
    style,
    text,
)
from course_lib.cleaning.contamination import contamination_rule
from course_lib.cleaning.report import Change, CleaningReport, Rejection, RuleCount
from course_lib.cleaning.rule import Check, Messages, Repair, Rule, SetCheck
from course_lib.errors import CourseError
from course_lib.formats import Row, Source, read

STRUCTURE: tuple[Check, ...] = (schema.ROLE, schema.TURNS)
REPAIRS: tuple[Repair, ...] = (
    text.MOJIBAKE,
    text.CONTROL,
    text.HTML,
    text.WIDTH,
    privacy.EMAIL,
    privacy.API_KEY,
    privacy.CARD,
    privacy.PHONE,
)
DAMAGE: tuple[Check, ...] = (text.LOSSY_MOJIBAKE, quality.EMPTY, quality.REPETITION)
# Before the checks of meaning: the stump of a sentence has neither language nor style.
CUT: tuple[SetCheck, ...] = (quality.TRUNCATED,)
MEANING: tuple[Check, ...] = (
    quality.REFUSAL,
    language.LANGUAGE,
    style.STYLE,
)
OTHERS: tuple[SetCheck, ...] = (
    contamination_rule([]),
    duplicates.EXACT,
    contradictions.CONTRADICTION,
    duplicates.NEAR,
)
# Rows that the reader could not turn into a conversation: nobody can switch these off.
READING: tuple[Rule, ...] = (
    Rule("json", "A line that is no JSON cannot be trained on.", '{"messages": [', None),
    Rule("schema", "A row needs messages with a role and text.", '{"messages": "Hi"}', None),
)
RULES: tuple[Rule, ...] = (*READING, *STRUCTURE, *REPAIRS, *DAMAGE, *CUT, *MEANING, *OTHERS)
R = TypeVar("R", bound=Rule)
PRIVACY = tuple(privacy.DETECTORS)
# A repair may uncover work for another (an entity that hides a tag). Ten rounds are far more
# than any real text needs; what has not settled by then is hostile, and is rejected.
_ROUNDS = 10


@dataclass
class _Work:
    """One row on its way through the rules."""

    row: Row
    messages: Messages
    rejected_by: str | None = None
    reason: str = ""
    changed_by: dict[str, None] = field(default_factory=dict)

    def reject(self, rule: str, reason: str) -> None:
        self.rejected_by, self.reason = rule, reason


def clean(
    source: Source | str | Path,
    *,
    rules: Sequence[str | Rule] | None = None,
    test: Source | str | Path | Iterable[Messages] | None = None,
) -> CleaningReport:
    """Clean a set of conversations, losing no row: each is kept, or rejected with its reason.

    Args:
        source: A file, or what `course_lib.formats.read` made of it.
        rules: Names of the rules to apply (see `rule_table`), in any order. None applies all.
            Rows that cannot be read at all are rejected in any case. A `Repair`, `Check` or
            `SetCheck` of your own takes the place of the rule of its name, so that an answer
            key can score it.
        test: A held-out test (a file, a source, or conversations) whose questions must not be
            in the training data. None leaves the contamination rule without work.

    Returns:
        The report: `.kept` is a `datasets.Dataset`, the rest says what happened and why.

    Raises:
        CourseError: The file cannot be read, a rule does not exist, or a rule of your own
            cannot stand in for the one it is named after.

    Example:
        >>> clean("support.jsonl", rules=["html", "email"]).summary    # doctest: +SKIP
        {'rows_in': 1200, 'kept': 1141, 'changed': 96, 'rejected': 59, ...}
    """
    source = source if isinstance(source, Source) else read(source)
    active, own = _active(rules)
    work = [_Work(row, [dict(m) for m in row.messages or []]) for row in source.rows]
    counts = {rule.name: RuleCount() for rule in RULES if rule.name in active}
    changes: list[Change] = []
    _reject_unread(work, counts)
    _check_rows(work, _chosen(STRUCTURE, active, own), counts)
    _repair_rows(work, _chosen(REPAIRS, active, own), counts, changes)
    _check_rows(work, _chosen(DAMAGE, active, own), counts)
    _check_sets(work, _chosen(CUT, active, own), counts)
    _check_rows(work, _chosen(MEANING, active, own), counts)
    leaks = contamination_rule(_conversations(test))
    others = [leaks if rule.name == leaks.name else rule for rule in OTHERS]
    # The cut answers are sought once more: what the other rules took may tip the balance.
    _check_sets(work, _chosen((*CUT, *others), active, own), counts)
    masked = [name for name in PRIVACY if name in active]
    return CleaningReport.build(
        source=source,
        kept=[(item.row, item.messages, bool(item.changed_by)) for item in _left(work)],
        rejected=[
            Rejection(item.row, item.rejected_by, item.reason)
            for item in work
            if item.rejected_by is not None
        ],
        changes=changes,
        counts=counts,
        masked=masked,
    )


def rule_table() -> list[dict[str, Any]]:
    """Every rule in its order with its reason and example, as rows for a DataFrame.

    Returns:
        One mapping a rule: rule, does ("repairs" or "rejects"), reason, before, after.

    Example:
        >>> [row["rule"] for row in rule_table()][:3]
        ['json', 'schema', 'role']
    """
    return [
        {
            "rule": rule.name,
            "does": "repairs" if isinstance(rule, Repair) else "rejects",
            "reason": rule.reason,
            "before": rule.before,
            "after": rule.after or "(rejected)",
        }
        for rule in RULES
    ]


def _chosen(rules: Iterable[R], active: set[str], own: Mapping[str, Rule]) -> list[R]:
    # A learner's rule is of the same kind as the one it replaces: `_stand_in` has seen to it.
    return [cast(R, own.get(rule.name, rule)) for rule in rules if rule.name in active]


def _active(rules: Sequence[str | Rule] | None) -> tuple[set[str], dict[str, Rule]]:
    """The names of the rules to apply, and the learner's own rules by name."""
    known = {rule.name: rule for rule in RULES}
    if isinstance(rules, str):
        raise CourseError(f"rules must be a list of names, such as rules=[{rules!r}].")
    if rules is None:
        return set(known), {}
    names = [rule if isinstance(rule, str) else rule.name for rule in rules]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CourseError(f"There is no rule {unknown[0]!r}. The rules are: {', '.join(known)}.")
    own = [rule for rule in rules if isinstance(rule, Rule)]
    return {*names, *(rule.name for rule in READING)}, {
        rule.name: _stand_in(rule, known[rule.name]) for rule in own
    }


def _stand_in(own: Rule, ours: Rule) -> Rule:
    """Check that a learner's rule can be asked what the rule it replaces is asked."""
    if type(own) is not type(ours):
        raise CourseError(
            f"Your rule {own.name!r} is a {type(own).__name__}, but the rule of that name is a "
            f"{type(ours).__name__}: make it one, or give it the name of another rule."
        )
    return own


def _conversations(test: Source | str | Path | Iterable[Messages] | None) -> list[Messages]:
    if test is None:
        return []
    if isinstance(test, (str, Path)):
        test = read(test)
    if isinstance(test, Source):
        return [row.messages for row in test.rows if row.messages]
    return [list(messages) for messages in test]


def _left(work: list[_Work]) -> list[_Work]:
    return [item for item in work if item.rejected_by is None]


def _reject_unread(work: list[_Work], counts: dict[str, RuleCount]) -> None:
    for rule in READING:
        for item in _left(work):
            counts[rule.name].seen += 1
            if item.row.problem and item.row.rule == rule.name:
                item.reject(rule.name, item.row.problem)
                counts[rule.name].rejected += 1


def _check_rows(work: list[_Work], rules: list[Check], counts: dict[str, RuleCount]) -> None:
    for rule in rules:
        for item in _left(work):
            counts[rule.name].seen += 1
            reason = rule.check(item.messages)
            if reason:
                item.reject(rule.name, reason)
                counts[rule.name].rejected += 1


def _repair_rows(
    work: list[_Work], rules: list[Repair], counts: dict[str, RuleCount], changes: list[Change]
) -> None:
    for item in _left(work):
        for rule in rules:
            counts[rule.name].seen += 1
        last = None
        for _ in range(_ROUNDS):
            found = [change for rule in rules for change in _repair_once(item, rule)]
            changes += found
            if not found:
                break
            last = found[-1].rule
        else:
            item.reject(last or "", "the text still changes after ten repairs of itself")
            counts[last or ""].rejected += 1
        for name in item.changed_by:
            counts[name].changed += 1


def _repair_once(item: _Work, rule: Repair) -> Iterable[Change]:
    for number, message in enumerate(item.messages, start=1):
        before = message["content"]
        after = rule.repair(before)
        if after != before:
            message["content"] = after
            item.changed_by[rule.name] = None
            yield Change(item.row.line, rule.name, number, message["role"], before, after)


def _check_sets(work: list[_Work], rules: list[SetCheck], counts: dict[str, RuleCount]) -> None:
    """Run the set checks until none of them rejects anything more."""
    while True:
        before = len(_left(work))
        for rule in rules:
            left = _left(work)
            # Seen once, however often it is asked.
            counts[rule.name].seen = counts[rule.name].seen or len(left)
            found = rule.check_all([item.messages for item in left])
            for position, (reason, other) in found.items():
                where = "" if other is None else f" (line {left[other].row.line})"
                left[position].reject(rule.name, reason + where)
            counts[rule.name].rejected += len(found)
        if len(_left(work)) == before:
            return
