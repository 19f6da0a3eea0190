"""The same question with answers that cannot both be right.

Two agents may word an answer differently; that is welcome. But "30 days" beside "45 days", or
label A beside label B, teaches the model to toss a coin. If most of the set sides with one
answer (`votes.py`), the few others are handed back; if not, no rule can know which is right, and
every row of the group is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from itertools import product

from course_lib.cleaning.normalise import jaccard, letters, normalised, trigrams
from course_lib.cleaning.rule import Found, Messages, SetCheck, answers, prompt
from course_lib.cleaning.votes import difference, outvoted, stated

_COMPARED = 50
_NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen", "twenty",
)  # fmt: skip
_WORDS = {word: str(number) for number, word in enumerate(_NUMBER_WORDS)}
_KANJI = {character: str(number) for number, character in enumerate("〇一二三四五六七八九")}
_NUMBER = re.compile(r"[0-9]+(?:[.,:][0-9]+)*")
_NO = re.compile(
    r"(?i)\b(?:no|not|never|cannot|can't|won't|don't|isn't|aren't|doesn't)\b|ません|ない"
)


def asked_and_stated(sets: list[Messages]) -> list[str]:
    """What each row asks, in letters and digits alone, and the sentences of its answers, as lines.

    >>> from course_lib.cleaning.rule import chat
    >>> asked_and_stated([chat("Where's my tent?", "In the box. Look!")])
    ['wheresmytent\nin the box\nlook']
    """
    return [
        "\n".join([letters(prompt(messages)), *sentences])
        for messages, sentences in zip(sets, stated(sets), strict=True)
    ]


def contradictory(sets: list[Messages], facts: Sequence[str] | None = None) -> dict[int, Found]:
    """Find rows that contradict the rest of the set.

    Where the set clearly sides with one answer, only the rows that say otherwise are found;
    where two rows stand against each other, both are.
    """
    facts = asked_and_stated(sets) if facts is None else facts
    found = outvoted(sets, (lines.split("\n")[1:] for lines in facts))
    groups: dict[str, list[int]] = defaultdict(list)
    for position, lines in enumerate(facts):
        asked = lines.partition("\n")[0]
        if asked and position not in found:
            groups[asked].append(position)
    for members in groups.values():
        if len(members) == 1:
            continue
        said: dict[str, list[int]] = defaultdict(list)
        for position in members:
            said[answers(sets[position])[-1]].append(position)
        # The commonest answers first: of a prompt that thousands of rows share ("Summarise:"),
        # each answer is held against those only.
        common = sorted(said, key=lambda text: -len(said[text]))[:_COMPARED]
        for first, second in product(common, said):
            if first != second and (why := disagree(first, second)):
                reason = f"the same question is answered otherwise: {why}"
                for position in said[second]:
                    found.setdefault(position, Found(reason, said[first][0]))
                for position in said[first]:
                    found.setdefault(position, Found(reason, said[second][0]))
    return found


def disagree(first: str, second: str) -> str | None:
    """Say in what two answers to one question disagree, None where only the wording differs.

    Args:
        first: One answer.
        second: Another answer to the same question.

    Returns:
        The difference in words, or None.

    Example:
        >>> disagree("Within 30 days.", "You have 45 days.")
        '30 against 45'
    """
    one, two = normalised(first), normalised(second)
    if letters(one) == letters(two):
        return None
    numbers = _numbers(one), _numbers(two)
    if numbers[0] and numbers[1] and not (numbers[0] <= numbers[1] or numbers[1] <= numbers[0]):
        here, there = (", ".join(sorted(side)[:3]) for side in numbers)
        return f"{here} against {there}"
    if max(len(one), len(two)) <= 24 and max(len(one.split()), len(two.split())) <= 4:
        # Labels: any difference counts.
        return f"{one!r} against {two!r}"
    single = not any(re.search(r"[.!?。！？].", text) for text in (one, two))
    values = difference(one.rstrip(".!?。"), two.rstrip(".!?。")) if single else None
    if values:
        return f"{values[0]!r} against {values[1]!r}"
    alike = jaccard(one, two)
    if bool(_NO.search(one)) != bool(_NO.search(two)) and alike >= 0.4:
        return "one denies what the other says"
    if 0.45 <= alike < 1 and _new_words(one, two) and _new_words(two, one):
        return "the same sentence with another value"
    return None


def _numbers(text: str) -> set[str]:
    found = {number.replace(",", "") for number in _NUMBER.findall(text)}
    found |= {_WORDS[word] for word in re.findall(r"[a-z]+", text) if word in _WORDS}
    found |= {_KANJI[c] for c in re.findall(r"([一二三四五六七八九])[日週月年回個本円人つ]", text)}
    return found


def _new_words(text: str, other: str) -> bool:
    """Whether a text has a content word of which the other knows hardly a trace."""
    known = trigrams(other)
    words = re.findall(r"[a-z]{4,}|[\u30a1-\u30fc]{2,}|[\u4e00-\u9fff]{1,}", text)
    return any(word not in other and not (trigrams(word) & known) for word in words)


CONTRADICTION = SetCheck(
    name="contradiction",
    reason="Two answers that cannot both be right teach the model to toss a coin.",
    before="How long may I keep it? -> 30 days / How long may I keep it? -> 45 days",
    after=None,
    check_all=contradictory,
    facts=asked_and_stated,
)
