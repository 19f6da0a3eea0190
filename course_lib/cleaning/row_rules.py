"""The rules that need one row only, applied to one row after the other, on one core or on several.

Structure is checked first, because nothing else can be asked of a broken row. Then the repairs,
so that later rules see the text as it will be trained. Then what is damaged beyond repair. The
checks of meaning are made here as well, but only the pipeline decides whether they count: a row
that turns out to be cut off has neither language nor style.

What the rules of the whole set want to know of each row by itself, their facts, is found here too:
once, while the row is at hand, and in the same processes.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from course_lib.cleaning.calls import rewritten_beside
from course_lib.cleaning.privacy import DETECTORS, NAME
from course_lib.cleaning.rule import Check, Facts, Messages, PairCheck, Repair, prompt
from course_lib.errors import CourseError

# A repair may uncover work for another (an entity that hides a tag). Ten rounds are far more
# than any real text needs; what has not settled by then is hostile, and is rejected.
_ROUNDS = 10
_ROWS_A_JOB = 2_000
# Names and arguments of calls are values for a program: private ones are masked, no more.
_MASKS = frozenset([*DETECTORS, NAME.name])


@dataclass(frozen=True)
class RowRules:
    """The active rules of single rows, in their order, and the facts that later rules want."""

    structure: tuple[Check, ...] = ()
    repairs: tuple[Repair, ...] = ()
    damage: tuple[Check, ...] = ()
    pairs: tuple[PairCheck, ...] = ()
    meaning: tuple[Check, ...] = ()
    facts: tuple[Facts, ...] = ()


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One message that one rule rewrote. `message` counts from 1 within its conversation."""

    rule: str
    message: int
    role: str
    before: str
    after: str


@dataclass(slots=True)
class Outcome:
    """What the rules of single rows made of one row.

    Attributes:
        messages: The conversation, repaired.
        rejected_answer: The rejected answer of a preference pair, repaired; None otherwise.
        fault: Rule and reason of the rejection, or None.
        meaning: Rule and reason of the first check of meaning that fails, or None.
        rewrites: Every repair, in its order.
        facts: What the rules of the whole set want to know of the row; empty where it has a fault.
    """

    messages: Messages
    rejected_answer: Messages | None = None
    fault: tuple[str, str] | None = None
    meaning: tuple[str, str] | None = None
    rewrites: Sequence[Rewrite] = field(default=())
    facts: tuple[Any, ...] = ()


# A conversation; of a preference pair the rejected answer and the length of the prompt; and
# whether the row is excused, that is only repaired.
Entry = tuple[Messages, Messages | None, int, bool]


def examine(entry: Entry, rules: RowRules, counts: Counter[tuple[str, str]]) -> Outcome:
    """Apply the rules to one row.

    Args:
        entry: The row.
        rules: The active rules.
        counts: Goes up by one at (rule, "seen" / "changed" / "rejected"); the checks of meaning
            are left to the caller.

    Returns:
        The outcome. The messages given are not altered; a repaired row has new ones.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> from course_lib.cleaning.text import HTML
        >>> counts = Counter()
        >>> entry = chat("Hi", "<b>Hello</b>"), None, 0, False
        >>> examine(entry, RowRules(repairs=(HTML,)), counts).messages[1]["content"]
        'Hello'
        >>> counts["html", "seen"], counts["html", "changed"]
        (1, 1)
    """
    messages, other, prompt_length, excused = entry
    out = Outcome(messages, other)
    if excused:
        _repaired(rules.repairs, out, counts)
        return out
    if _fails(rules.structure, out, counts) or not _repaired(rules.repairs, out, counts):
        return out
    if _fails(rules.damage, out, counts):
        return out
    if other is not None:
        prompt, chosen = out.messages[:prompt_length], out.messages[prompt_length:]
        for rule in rules.pairs:
            counts[rule.name, "seen"] += 1
            reason = rule.check_pair(prompt, chosen, out.rejected_answer or [])
            if reason:
                counts[rule.name, "rejected"] += 1
                out.fault = rule.name, reason
                return out
    for check in rules.meaning:
        reason = check.check(out.messages)
        if reason:
            out.meaning = check.name, reason
            break
    return out


def _fails(checks: tuple[Check, ...], out: Outcome, counts: Counter[tuple[str, str]]) -> bool:
    for rule in checks:
        counts[rule.name, "seen"] += 1
        reason = rule.check(out.messages)
        if reason:
            counts[rule.name, "rejected"] += 1
            out.fault = rule.name, reason
            return True
    return False


def _repaired(repairs: tuple[Repair, ...], out: Outcome, counts: Counter[tuple[str, str]]) -> bool:
    """Repair until nothing changes; False (and a fault) where that never comes."""
    for rule in repairs:
        counts[rule.name, "seen"] += 1
    rewrites: list[Rewrite] = []
    for _ in range(_ROUNDS):
        before = len(rewrites)
        out.messages = _rewritten(out.messages, 0, repairs, rewrites)
        if out.rejected_answer is not None:
            first = len(out.messages)
            asked = prompt(out.messages)
            repairs_of_answer = tuple(
                rule for rule in repairs if not (rule.about and rule.about.search(asked))
            )
            out.rejected_answer = _rewritten(
                out.rejected_answer, first, repairs_of_answer, rewrites
            )
        if len(rewrites) == before:
            break
    else:
        name = rewrites[-1].rule
        counts[name, "rejected"] += 1
        out.fault = name, "the text still changes after ten repairs of itself"
    if rewrites:
        out.rewrites = rewrites
        for name in {rewrite.rule for rewrite in rewrites}:
            counts[name, "changed"] += 1
    return out.fault is None


def _rewritten(
    messages: Messages, first: int, repairs: tuple[Repair, ...], rewrites: list[Rewrite]
) -> Messages:
    changed: Messages | None = None
    for index, message in enumerate(messages):
        text = message["content"]
        screen, clear = None, False
        for rule in repairs:
            if rule.screen is not screen:
                screen = rule.screen
                clear = screen is not None and not screen(text)
            if clear:
                continue
            after = rule.repair(text)
            if after != text and not (rule.about and rule.about.search(prompt(messages))):
                number = first + index + 1
                rewrites.append(Rewrite(rule.name, number, message["role"], text, after))
                text = after
        if text is not message["content"]:
            changed = changed or list(messages)
            changed[index] = {**message, "content": text}
        if len(message) > 2:
            changed = changed or list(messages)
            changed[index] = _masked_beside(changed[index], first + index + 1, repairs, rewrites)
    return changed or messages


def _masked_beside(
    message: dict[str, Any], number: int, repairs: tuple[Repair, ...], rewrites: list[Rewrite]
) -> dict[str, Any]:
    for rule in repairs:
        if rule.name in _MASKS:
            message, pairs = rewritten_beside(message, rule.repair)
            role = message["role"]
            rewrites += [Rewrite(rule.name, number, role, *pair) for pair in pairs]
    return message


def examine_all(
    entries: Iterable[Entry], build: Callable[[], RowRules], num_proc: int = 1
) -> Iterator[tuple[list[Outcome], Counter[tuple[str, str]]]]:
    """Apply the rules to many rows, in their order.

    Args:
        entries: The rows.
        build: Makes the active rules, once in every process: a function that can be pickled.
        num_proc: Processes; 1 works in this one. More pay from some ten thousand rows on.

    Yields:
        Outcomes of some thousand rows at a time, with their counts.

    Raises:
        CourseError: With several processes, a rule of your own that cannot be sent to them.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> entries = [(chat("a", "b"), None, 0, False)]
        >>> [len(outcomes) for outcomes, _ in examine_all(entries, RowRules)]
        [1]
    """
    jobs = iter(entries)
    batches = iter(lambda: list(islice(jobs, _ROWS_A_JOB)), [])
    if num_proc == 1:
        rules = build()
        yield from (_examine_batch(batch, rules) for batch in batches)
        return
    # A fresh interpreter each: a fork of a process that has threads (torch's) may hang.
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(num_proc, context, _remember, (build,)) as pool:
            waiting = [(batch, pool.submit(_job, batch)) for batch in islice(batches, 2 * num_proc)]
            while waiting:
                batch, job = waiting.pop(0)
                packed, counts = job.result()
                waiting += [(more, pool.submit(_job, more)) for more in islice(batches, 1)]
                yield [_unpacked(*pair) for pair in zip(packed, batch, strict=True)], counts
    except (AttributeError, TypeError) as error:
        if "pickle" not in str(error):
            raise
        raise CourseError(
            f"A rule of your own cannot be sent to {num_proc} processes ({error}): define its "
            "function in a module, or use num_proc=1."
        ) from error


def _examine_batch(
    batch: list[Entry], rules: RowRules
) -> tuple[list[Outcome], Counter[tuple[str, str]]]:
    counts: Counter[tuple[str, str]] = Counter()
    outcomes = [examine(entry, rules, counts) for entry in batch]
    sound = [outcome for outcome in outcomes if outcome.fault is None]
    sets = [outcome.messages for outcome in sound]
    for outcome, *facts in zip(sound, *(look(sets) for look in rules.facts), strict=True):
        outcome.facts = tuple(facts)
    return outcomes, counts


# An outcome on its way between processes: a plain tuple is the quickest, and a conversation that
# was not repaired stays where it is.
_Packed = tuple[
    Messages | None,
    Messages | None,
    tuple[str, str] | None,
    tuple[str, str] | None,
    Sequence[Rewrite],
    tuple[Any, ...],
]


def _packed(outcome: Outcome, entry: Entry) -> _Packed:
    messages = None if outcome.messages is entry[0] else outcome.messages
    other = None if outcome.rejected_answer is entry[1] else outcome.rejected_answer
    return messages, other, outcome.fault, outcome.meaning, outcome.rewrites, outcome.facts


def _unpacked(packed: _Packed, entry: Entry) -> Outcome:
    messages, other, fault, meaning, rewrites, facts = packed
    return Outcome(
        entry[0] if messages is None else messages,
        entry[1] if other is None else other,
        fault,
        meaning,
        rewrites,
        facts,
    )


_RULES: list[RowRules] = []


def _remember(build: Callable[[], RowRules]) -> None:
    _RULES[:] = [build()]


def _job(batch: list[Entry]) -> tuple[list[_Packed], Counter[tuple[str, str]]]:
    outcomes, counts = _examine_batch(batch, _RULES[0])
    return [_packed(*pair) for pair in zip(outcomes, batch, strict=True)], counts
