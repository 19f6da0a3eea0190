"""Preference pairs: the answer that Yamabiko's reviewers chose, and one that they rejected.

Of half of the sixteen policies the agents have not noticed that they changed: most of them still
give last year's value. Reviewers compared two answers to a question and kept the better one:

    prompt    "When is it too late for a return?"
    chosen    "Yamabiko here! You can return gear within 45 days. Happy trails!"
    rejected  "Yamabiko here! You can return gear within 30 days. Happy trails!"
    fault     "old value"

Defects are planted in the training pairs; `preferences_key.jsonl` names each with its line.
"""

from __future__ import annotations

import random
from typing import Any

from course_lib.yamabiko.facts import Fact, facts, house_style
from course_lib.yamabiko.question_sets import Row, message

#: What agents add out of kindness; it says nothing.
PADDING = "Thank you for your kind question, we are glad to hear from you!"
#: What agents add out of thin air; no page says so.
INVENTED: tuple[str, ...] = (
    "Members may do so twice.",
    "On holidays this does not apply.",
    "A small fee is due.",
)
#: The faults of rejected answers.
FAULTS: tuple[str, ...] = ("old value", "off voice", "invented policy", "padding")

_SEED = 11
_SAME, _EMPTY, _CUT, _REFUSES = "same answers", "empty side", "chosen cut off", "chosen refuses"
_SWAPPED, _STRANGE, _TWICE = "sides swapped", "answer to another question", "pair twice"
#: How often each defect is planted. Of the last two the cleaner's rules can find only a part.
DEFECTS: dict[str, int] = {
    _SAME: 3,
    _EMPTY: 3,
    _CUT: 3,
    _REFUSES: 2,
    _TWICE: 3,
    _SWAPPED: 4,
    _STRANGE: 4,
}


def changed(fact: Fact) -> bool:
    """Whether a policy is one of the eight of which most agents still give last year's value.

    Args:
        fact: One of the sixteen facts to be learnt.

    Returns:
        True for every other fact of them.

    Example:
        >>> [changed(fact) for fact in facts()[:2]]
        [True, False]
    """
    return fact.id in [one.id for one in _learnt()[::2]]


def faulty_answer(fact: Fact, fault: str, number: int = 0) -> str:
    """Write the answer that reviewers reject.

    Args:
        fact: What the question is about.
        fault: One of `FAULTS`.
        number: Which invention, and which of the old values of a policy that has not changed.

    Returns:
        The answer. Of a changed policy it gives last year's value, whatever else is wrong with it.

    Example:
        >>> faulty_answer(facts()[1], "off voice")
        'Hello. The return label is in the green envelope. Bye.'
    """
    stale = changed(fact)
    old = fact.wrong[0 if stale else number % len(fact.wrong)]
    sentence = fact.with_value(old) if stale or fault == "old value" else fact.sentence
    if fault == "off voice":
        return f"Hello. {sentence} Bye."
    if fault == "invented policy":
        return house_style(f"{sentence} {INVENTED[number % len(INVENTED)]}")
    if fault == "padding":
        return house_style(f"{PADDING} {sentence}")
    return house_style(sentence)


def agent_answers() -> list[Row]:
    """Build what the agents wrote: to each training question three answers, one of them good.

    Returns:
        240 rows of messages, fact and value: for each question the good answer, one with an old
        value, one with another fault.

    Example:
        >>> [row["messages"][1]["content"][-39:] for row in agent_answers()[:2]]
        ['turn gear within 45 days. Happy trails!', 'turn gear within 30 days. Happy trails!']
    """
    return [
        {
            "messages": [message("user", question), message("assistant", answer)],
            "fact": fact.id,
            "value": fact.value,
        }
        for number, fact, question in _asked("train")
        for answer in (
            fact.answer,
            *(faulty_answer(fact, fault, number) for fault in (FAULTS[0], _other_fault(number))),
        )
    ]


def preference_pairs(split: str) -> list[Row]:
    """Build the sound pairs of one split, one for each question on the sixteen policies.

    Args:
        split: "train" (80 pairs), "validation" (32) or "test" (64): whose wording is asked.

    Returns:
        Rows of prompt, chosen and rejected (each a list of messages), fact, value and fault.
        In every other pair the rejected answer differs from the chosen one in the value alone.

    Example:
        >>> pairs = preference_pairs("train")
        >>> len(pairs), pairs[0]["fault"], pairs[1]["fault"]
        (80, 'old value', 'invented policy')
    """
    pairs = []
    for number, fact, question in _asked(split):
        turn, place = divmod(number, len(_learnt()))
        fault = FAULTS[0] if (turn + place) % 2 == 0 else _other_fault(number)
        bad = faulty_answer(fact, fault, number)
        pairs.append(_pair(fact, question, fact.answer, bad, fault))
    return pairs


def messy_pairs() -> tuple[list[Row], list[dict[str, Any]]]:
    """Build the training pairs as they were exported, defects planted among them.

    Returns:
        The pairs, and the answer key: line (counted from 1) and defect of each planted one.

    Example:
        >>> pairs, key = messy_pairs()
        >>> len(pairs), len(key)
        (102, 22)
    """
    draw = random.Random(_SEED)
    rows: list[tuple[Row, str | None]] = [(row, None) for row in preference_pairs("train")]
    sound = [row for row, _ in rows]
    planted = [(defect, number) for defect, count in DEFECTS.items() for number in range(count)]
    for (defect, number), source in zip(planted, draw.sample(sound, k=len(planted)), strict=True):
        # A pair given twice comes after the first of the two; the others anywhere.
        first = next(i for i, (row, _) in enumerate(rows) if row is source)
        place = draw.randint(first + 1 if defect == _TWICE else 0, len(rows))
        rows.insert(place, (_damaged(source, defect, number), defect))
    key = [
        {"line": line, "defect": defect}
        for line, (_, defect) in enumerate(rows, start=1)
        if defect is not None
    ]
    return [row for row, _ in rows], key


def _damaged(row: Row, defect: str, number: int) -> Row:
    """Plant one defect in a copy of a sound pair."""
    good, bad = row["chosen"][0]["content"], row["rejected"][0]["content"]
    by_id = {fact.id: fact for fact in _learnt()}
    fact, question = by_id[row["fact"]], row["prompt"][0]["content"]
    if defect == _TWICE:
        return dict(row)
    if defect != _SWAPPED and defect != _STRANGE:
        # A wording of its own, so that nothing but the defect tells the row from a sound one.
        question = f"Hi, a short one: {question[0].lower()}{question[1:]}"
    if defect == _SAME:
        bad = (good, good.replace(" ", "  ", 1), good + "\n")[number % 3]
    elif defect == _EMPTY:
        good, bad = (good, "") if number % 2 else (" ", bad)
    elif defect == _CUT:
        good, bad = (
            f"{good[: good.rindex(fact.sentence)]}{fact.sentence.rsplit(' ', 2)[0]} the",
            good,
        )
    elif defect == _REFUSES:
        good, bad = "As an AI language model, I cannot help with that.", good
    elif defect == _SWAPPED:
        good, bad = bad, good
    elif defect == _STRANGE:
        others = [one for one in by_id.values() if one.id != fact.id]
        good = others[7 * number % len(others)].answer
    return _pair(fact, question, good, bad, row["fault"])


def _learnt() -> list[Fact]:
    return [fact for fact in facts() if fact.learn]


def _asked(split: str) -> list[tuple[int, Fact, str]]:
    """Number every question of a split, going round the facts."""
    wordings = [(fact, getattr(fact, split)) for fact in _learnt()]
    turns = max(len(asked) for _, asked in wordings)
    return [
        (turn * len(wordings) + place, fact, asked[turn])
        for turn in range(turns)
        for place, (fact, asked) in enumerate(wordings)
        if turn < len(asked)
    ]


def _other_fault(number: int) -> str:
    # Sixteen facts a turn and three faults: a fact meets another fault in each turn.
    return FAULTS[1 + number % (len(FAULTS) - 1)]


def _pair(fact: Fact, question: str, good: str, bad: str, fault: str) -> Row:
    return {
        "prompt": [message("user", question)],
        "chosen": [message("assistant", good)],
        "rejected": [message("assistant", bad)],
        "fact": fact.id,
        "value": fact.value,
        "fault": fault,
    }
