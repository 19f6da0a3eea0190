"""The whole cleaner: every rule in its order, every row accounted for.

The order matters. Structure first, because nothing else can be asked of a broken row. Then the
repairs, so that later rules see the text as it will be trained. Then the checks of single rows,
and last what needs the whole set, so that a row is never dropped as the duplicate of a row that
was itself rejected.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from tqdm import tqdm

from course_lib.cleaning import (
    boilerplate,
    contradictions,
    duplicates,
    labels,
    language,
    lengths,
    markdown,
    placeholders,
    preferences,
    privacy,
    quality,
    schema,
    scripts,
    spelling,
    style,
    text,
    topics,
)
from course_lib.cleaning.contamination import contamination_rule
from course_lib.cleaning.lengths import OVER_LONG, over_long_rule
from course_lib.cleaning.places import Name, find, namer
from course_lib.cleaning.report import (
    Change,
    CleaningReport,
    Kept,
    Noticed,
    Rejection,
    RuleCount,
)
from course_lib.cleaning.row_rules import Rewrite, RowRules, examine, examine_all
from course_lib.cleaning.rule import (
    Check,
    Facts,
    Found,
    Messages,
    Notice,
    PairCheck,
    Repair,
    Rule,
    SetCheck,
)
from course_lib.errors import CourseError
from course_lib.formats import Row, Source, read
from course_lib.language import translated

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

STRUCTURE: tuple[Check, ...] = (schema.ROLE, schema.TURNS)
REPAIRS: tuple[Repair, ...] = (
    text.MOJIBAKE,
    text.CONTROL,
    text.HTML,
    markdown.MARKDOWN,
    text.WIDTH,
    *privacy.REPAIRS,
    privacy.NAME,
)
DAMAGE: tuple[Check, ...] = (text.LOSSY_MOJIBAKE, quality.EMPTY, quality.REPETITION)
# Before the checks of meaning: the stump of a sentence has neither language nor style.
CUT: tuple[SetCheck, ...] = (quality.TRUNCATED,)
MEANING: tuple[Check, ...] = (
    quality.REFUSAL,
    boilerplate.MODEL_LEAK,
    placeholders.UNFILLED,
    scripts.SCRIPT,
    language.LANGUAGE,
    style.STYLE,
)
OTHERS: tuple[SetCheck, ...] = (
    contamination_rule([]),
    duplicates.EXACT,
    contradictions.CONTRADICTION,
    duplicates.NEAR,
)
PAIRS: tuple[PairCheck, ...] = preferences.PAIR_RULES
NOTICES: tuple[Notice, ...] = (
    lengths.LENGTH,
    labels.RARE_LABEL,
    labels.RARE_LANGUAGE,
    style.STYLE_ACROSS,
    style.HOUSE_PHRASE,
    boilerplate.BOILERPLATE,
    spelling.TYPO,
    topics.TOPIC,
)
# Rows that the reader could not turn into a conversation: nobody can switch these off.
READING: tuple[Rule, ...] = (
    Rule("json", "A line that is no JSON cannot be trained on.", '{"messages": [', None),
    Rule("schema", "A row needs messages with a role and text.", '{"messages": "Hi"}', None),
)
RULES: tuple[Rule, ...] = (
    *READING,
    *STRUCTURE,
    *REPAIRS,
    *DAMAGE,
    *PAIRS,
    *CUT,
    *MEANING,
    OVER_LONG,
    *OTHERS,
    *NOTICES,
)
R = TypeVar("R", bound=Rule)
PRIVACY = (*privacy.DETECTORS, privacy.NAME.name)
# Off unless asked for: without a dictionary of names it finds only those that are introduced.
EXTRAS = frozenset({privacy.NAME.name})


@dataclass(slots=True)
class _Work:
    """One row on its way through the rules."""

    row: Row
    messages: Messages
    rejected_answer: Messages | None = None
    fault: tuple[str, str] | None = None
    meaning: tuple[str, str] | None = None
    rewrites: Sequence[Rewrite] = ()
    excused: bool = False
    facts: tuple[Any, ...] = ()


def clean(
    source: Source | str | Path,
    *,
    rules: Sequence[str | Rule] | None = None,
    test: Source | str | Path | Iterable[Messages] | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    max_length: int | None = None,
    duplicates_in: duplicates.Field = "both",
    put_back: Iterable[Name] = (),
    num_proc: int = 1,
    progress: bool = False,
) -> CleaningReport:
    """Clean a set of conversations, losing no row: each is kept, or rejected with its reason.

    Args:
        source: A file, or what `course_lib.formats.read` made of it.
        rules: Names of the rules to apply (see `rule_table`), in any order. None applies all but
            the extra "name", which masks names of people.
            Rows that cannot be read at all are rejected in any case. A `Repair`, `Check` or
            `SetCheck` of your own takes the place of the rule of its name, so that an answer
            key can score it.
        test: A held-out test (a file, a source, or conversations) whose questions must not be
            in the training data. None leaves the contamination rule without work.
        tokenizer: The one that will be trained; with `max_length`, rows that are too long for
            it are rejected. None leaves the rule over_long without work.
        max_length: Tokens a row may have, chat template included. Training would cut the rest
            off silently.
        duplicates_in: What near duplicates must share: "both" question and answer, "prompt" or
            "answer".
        put_back: Lines that no rule may reject, because a person has looked at them: numbers;
            (file, line) where several files were read; (file, line, position), as the columns of
            `report.rejected`, where several rows begin on one line. These rows are repaired and
            masked as all are.
        num_proc: Processes for the rules of single rows, and for what the other rules want to know
            of each row. One does a small file at once; from some ten thousand rows on more are
            worth their start.
        progress: Show a bar on standard error.

    Returns:
        The report: `.kept` is a `datasets.Dataset`, the rest says what happened and why.

    Raises:
        CourseError: The file cannot be read, a rule does not exist, a rule of your own cannot
            stand in for the one it is named after, or a line cannot be put back or names several
            rows.

    Example:
        >>> clean("support.jsonl", rules=["html", "email"]).summary    # doctest: +SKIP
        {'rows_in': 1200, 'kept': 1141, 'changed': 96, 'rejected': 59, ...}
    """
    with _without_collector():
        return _clean(
            source if isinstance(source, Source) else read(source),
            *_active(rules),
            test=_conversations(test),
            over_long=[over_long_rule(tokenizer, max_length)]
            if tokenizer is not None and max_length is not None
            else [],
            duplicates_in=duplicates_in,
            put_back=put_back,
            num_proc=num_proc,
            progress=progress,
        )


@contextmanager
def _without_collector() -> Iterator[None]:
    """Switch Python's cyclic garbage collector off: it walks all rows over and over in vain.

    Nothing here makes cycles; reference counts free what is no longer needed, as ever.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _clean(
    source: Source,
    active: frozenset[str],
    own: Mapping[str, Rule],
    *,
    test: list[Messages],
    over_long: list[Check],
    duplicates_in: duplicates.Field,
    put_back: Iterable[Name],
    num_proc: int,
    progress: bool,
) -> CleaningReport:
    counts = {rule.name: RuleCount() for rule in RULES if rule.name in active}
    work = [_Work(row, row.messages or [], row.rejected) for row in source.rows]
    _excuse(work, put_back)
    _reject_unread(work, counts)
    readable = _left(work)
    comparing = _chosen(_comparing(test, duplicates_in), active, own)
    notices = _chosen(NOTICES, active, own)
    # One process gains nothing where a rule is asked only once, and saves the memory.
    asked: list[SetCheck | Notice] = [*comparing, *(notices if num_proc > 1 else [])]
    wanted = {rule.name: rule.facts for rule in asked if rule.facts is not None}
    build = partial(_with_facts, active, own, tuple(wanted.values()))
    with tqdm(total=len(readable), unit=" rows", disable=not progress) as bar:
        _apply_row_rules(readable, build, num_proc, counts, bar)
    name_of = namer(source.rows)
    ask = partial(_ask, tuple(wanted))
    _check_sets(work, _chosen(CUT, active, own), counts, ask, name_of)
    _apply_meaning(_left(work), _chosen(MEANING, active, own), counts)
    for rule in over_long if OVER_LONG.name in active else []:
        counts[rule.name] = _check_lengths(_left(work), rule)
    _check_sets(work, comparing, counts, ask, name_of)
    left = _left(work)
    sets = [item.messages for item in left]
    noticed = {rule.name: ask(rule, rule.look, left) for rule in notices}
    for item in work:
        item.facts = ()  # the report is what takes most memory
    for name, found in noticed.items():
        counts[name] = RuleCount(seen=len(left), noticed=len(found))
    of_rows = row_rules(active, own)
    return CleaningReport.build(
        source=source,
        kept=[
            Kept(item.row, item.messages, item.rejected_answer, bool(item.rewrites))
            for item in left
        ],
        rejected=[
            _rejection(item, *item.fault, of_rows) for item in work if item.fault is not None
        ],
        changes=[Change(item.row, rewrite) for item in work for rewrite in item.rewrites],
        noticed=[
            Noticed(left[position].row, name, found.reason, sets[position])
            for name, rows in noticed.items()
            for position, found in rows.items()
        ],
        counts=counts,
        reasons={rule.name: own.get(rule.name, rule).reason for rule in RULES},
        masked=[name for name in PRIVACY if name in active],
    )


def _with_facts(
    active: frozenset[str], own: Mapping[str, Rule], facts: tuple[Facts, ...]
) -> RowRules:
    return replace(row_rules(active, own), facts=facts)


def _ask(
    wanted: tuple[str, ...],
    rule: Rule,
    question: Callable[..., dict[int, Found]],
    left: list[_Work],
) -> dict[int, Found]:
    """Ask a rule about the rows that are left, and give it their facts if it wants any."""
    sets = [item.messages for item in left]
    if rule.name not in wanted:
        return question(sets)
    place = wanted.index(rule.name)
    return question(sets, [item.facts[place] for item in left])


def _comparing(test: list[Messages], duplicates_in: duplicates.Field) -> list[SetCheck]:
    """The rules that compare rows, for this test and this field."""
    special = {
        rule.name: rule for rule in (contamination_rule(test), duplicates.near_rule(duplicates_in))
    }
    # The cut answers are sought once more: what the other rules took may tip the balance.
    return [*CUT, *(special.get(rule.name, rule) for rule in OTHERS)]


def rule_table() -> list[dict[str, Any]]:
    """Every rule in its order with its reason and example, as rows for a DataFrame.

    Returns:
        One mapping a rule: rule, does ("repairs", "rejects" or "shows"; "(extra)" behind it if it
        is off by default), reason, before, after.

    Example:
        >>> [row["rule"] for row in rule_table()][:3]
        ['json', 'schema', 'role']
    """
    return [
        {
            "rule": rule.name,
            "does": translated(_does(rule)),
            "reason": translated(rule.reason),
            "before": rule.before,
            "after": rule.after or ("(shown)" if isinstance(rule, Notice) else "(rejected)"),
        }
        for rule in RULES
    ]


def _does(rule: Rule) -> str:
    if isinstance(rule, Repair):
        return "repairs (extra)" if rule.name in EXTRAS else "repairs"
    return "shows" if isinstance(rule, Notice) else "rejects"


def _chosen(rules: Iterable[R], active: Set[str], own: Mapping[str, Rule]) -> list[R]:
    # A learner's rule is of the same kind as the one it replaces: `_stand_in` has seen to it.
    return [cast(R, own.get(rule.name, rule)) for rule in rules if rule.name in active]


def _active(rules: Sequence[str | Rule] | None) -> tuple[frozenset[str], dict[str, Rule]]:
    """The names of the rules to apply, and the learner's own rules by name."""
    known = {rule.name: rule for rule in RULES}
    if isinstance(rules, str):
        raise CourseError(f"rules must be a list of names, such as rules=[{rules!r}].")
    if rules is None:
        return frozenset(known) - EXTRAS, {}
    names = [rule if isinstance(rule, str) else rule.name for rule in rules]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CourseError(f"There is no rule {unknown[0]!r}. The rules are: {', '.join(known)}.")
    own = [rule for rule in rules if isinstance(rule, Rule)]
    return frozenset({*names, *(rule.name for rule in READING)}), {
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
    return [item for item in work if item.fault is None]


def _excuse(work: list[_Work], put_back: Iterable[Name]) -> None:
    """Mark the rows that no rule may reject."""
    rows = [item.row for item in work]
    for index in find(rows, put_back):
        if rows[index].problem:
            raise CourseError(
                f"{namer(rows)(rows[index])} cannot be put back: {rows[index].problem}. Mend it in "
                "the file and clean again."
            )
        work[index].excused = True


def _reject_unread(work: list[_Work], counts: dict[str, RuleCount]) -> None:
    for rule in READING:
        for item in _left(work):
            counts[rule.name].seen += 1
            if item.row.problem and item.row.rule == rule.name:
                item.fault = rule.name, item.row.problem
                counts[rule.name].rejected += 1


def row_rules(active: frozenset[str], own: Mapping[str, Rule]) -> RowRules:
    """Gather the active rules of single rows.

    Args:
        active: Names of the active rules.
        own: The learner's rules, by the name of the rule they replace.

    Returns:
        The rules, each kind in its order.

    Example:
        >>> [rule.name for rule in row_rules(frozenset({"html", "role"}), {}).repairs]
        ['html']
    """
    return RowRules(
        structure=tuple(_chosen(STRUCTURE, active, own)),
        repairs=tuple(_chosen(REPAIRS, active, own)),
        damage=tuple(_chosen(DAMAGE, active, own)),
        pairs=tuple(_chosen(PAIRS, active, own)),
        meaning=tuple(_chosen(MEANING, active, own)),
    )


def _apply_row_rules(
    work: list[_Work],
    build: Callable[[], RowRules],
    num_proc: int,
    counts: dict[str, RuleCount],
    bar: tqdm[Any],
) -> None:
    entries = (
        (item.messages, item.rejected_answer, item.row.prompt_length or 0, item.excused)
        for item in work
    )
    items = iter(work)
    for outcomes, seen in examine_all(entries, build, num_proc):
        for outcome, item in zip(outcomes, items, strict=False):
            item.messages, item.rejected_answer = outcome.messages, outcome.rejected_answer
            item.fault, item.meaning = outcome.fault, outcome.meaning
            item.rewrites, item.facts = outcome.rewrites, outcome.facts
        bar.update(len(outcomes))
        for (name, what), number in seen.items():
            setattr(counts[name], what, getattr(counts[name], what) + number)


def _apply_meaning(work: list[_Work], rules: Sequence[Check], counts: dict[str, RuleCount]) -> None:
    for rule in rules:
        counts[rule.name].seen = sum(item.fault is None for item in work)
        for item in work:
            if item.meaning and item.meaning[0] == rule.name:
                item.fault = item.meaning
                counts[rule.name].rejected += 1


def _check_lengths(work: list[_Work], rule: Check) -> RuleCount:
    count = RuleCount(seen=len(work))
    for item in work:
        reason = None if item.excused else rule.check(item.messages)
        if reason:
            item.fault = rule.name, reason
            count.rejected += 1
    return count


def _check_sets(
    work: list[_Work],
    rules: list[SetCheck],
    counts: dict[str, RuleCount],
    ask: Callable[[Rule, Callable[..., dict[int, Found]], list[_Work]], dict[int, Found]],
    name_of: Callable[[Row], str],
) -> None:
    """Run the set checks until none of them rejects anything more.

    A rule is not asked again where its answer is known. Rows only fall, so as many rows as before
    are the same rows, and of those it has rejected none. What a settled rule has left it leaves
    again, unless a row that it found stays because a person has put it back.
    """
    left = _left(work)
    put_back = any(item.excused for item in left)
    quiet: dict[str, int] = {}  # of each rule, how many rows were left when it rejected none
    asked: set[str] = set()
    while True:
        before = len(left)
        for rule in rules:
            if quiet.get(rule.name) == len(left):
                continue
            if rule.settled and rule.name in asked and not put_back:
                continue
            asked.add(rule.name)
            # Seen once, however often it is asked.
            counts[rule.name].seen = counts[rule.name].seen or len(left)
            found = ask(rule, rule.check_all, left)
            found = {position: f for position, f in found.items() if not left[position].excused}
            for position, (reason, other) in found.items():
                where = "" if other is None else f" ({name_of(left[other].row)})"
                left[position].fault = rule.name, reason + where
            counts[rule.name].rejected += len(found)
            if found:
                left = _left(left)
            else:
                quiet[rule.name] = len(left)
        if len(left) == before:
            return


def _rejection(item: _Work, rule: str, reason: str, rules: RowRules) -> Rejection:
    """A row that was turned away, as it is to be kept if a person puts it back."""
    if item.row.problem:
        return Rejection(item.row, rule, reason)
    messages, answer, failed = item.messages, item.rejected_answer, rule
    if any(check.name == rule for check in rules.structure):
        # Rejected before any repair or mask: both are made up for, whatever the structure.
        made = examine((messages, answer, item.row.prompt_length or 0, True), rules, Counter())
        messages, answer = made.messages, made.rejected_answer
        failed = made.fault[0] if made.fault else rule
    if any(repair.name == failed for repair in rules.repairs):
        return Rejection(item.row, rule, reason)  # its repairs never settle
    return Rejection(item.row, rule, reason, messages, answer)
