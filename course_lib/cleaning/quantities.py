"""Quantities in a text, by kind: 14 days are two weeks, 7 p.m. is 19:00, 30 days are not 45.

Two answers may each name a number of its own (30 days; 500 yen) and both be right. Only numbers of
one kind can contradict each other.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

_NUMBER_WORDS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen", "twenty",
)  # fmt: skip
_TENS = ("thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_WORDS = {
    **{word: number for number, word in enumerate(_NUMBER_WORDS)},
    **{word: 10 * number for number, word in enumerate(_TENS, start=3)},
}
_KANJI = {character: number for number, character in enumerate("〇一二三四五六七八九")}
# Hours of a duration. A month counts as 30 days, as people count.
_HOURS = {
    "minute": 1 / 60, "min": 1 / 60, "hour": 1, "day": 24, "week": 168, "month": 720, "year": 8640,
    "分": 1 / 60, "時間": 1, "日": 24, "週": 168, "月": 720, "年": 8640,
}  # fmt: skip
_UNIT = (
    r"(?P<duration>minute|min|hour|day|week|month|year)s?(?![a-z])|(?P<hours>時間)"
    r"|(?P<clock_ja>時)|(?P<duration_ja>分|日|週|(?:[ヶかカヵ箇])?月|年)"
    r"|(?P<kind>yen|円|dollars?|usd|euros?|eur|pounds?|%|percent|パーセント|km|kg|mm|cm|ml|[mgl](?![a-z])"
    r"|people|persons?|人|名|個|点|本|回|degrees|度)"
)
_AMOUNT = re.compile(
    r"(?P<before>(?:午後|午前|[$€£¥])\s?)?"
    r"(?P<number>[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?::[0-9]{2})?"
    rf"|(?<![a-z])(?:{'|'.join(_WORDS)})(?![a-z])|[〇一二三四五六七八九十百]+)"
    r"[\s-]?(?P<meridiem>[ap]\.?m\b\.?)?(?:business |working |営業)?"
    rf"(?:(?:{_UNIT})(?P<half>半)?)?"
)
_SAME = {
    "yen": "円", "¥": "円", "$": "dollar", "dollars": "dollar", "usd": "dollar", "€": "euro",
    "euros": "euro", "eur": "euro", "£": "pound", "pounds": "pound", "percent": "%",
    "パーセント": "%", "people": "人", "person": "人", "persons": "人", "名": "人", "度": "degrees",
}  # fmt: skip


def differing_quantities(first: str, second: str) -> tuple[str, str] | None:
    """Find quantities of one kind that two texts give differently.

    Args:
        first: A text, normalised.
        second: Another.

    Returns:
        The quantities of that kind as each text writes them; None where one has all those of
        the other, or they have no kind in common.

    Example:
        >>> differing_quantities("within two weeks", "you have 14 days")
        >>> differing_quantities("at 9:00, for 30 days", "for 45 days")
        ('30 days', '45 days')
    """
    ours, theirs = _quantities(first), _quantities(second)
    for kind in sorted(ours.keys() & theirs.keys()):
        here, there = ours[kind], theirs[kind]
        if not (here.keys() <= there.keys() or there.keys() <= here.keys()):
            return _shown(here, there), _shown(there, here)
    bare = [side.get("", {}) for side in (ours, theirs)]
    for number, others, swapped in ((bare[0], theirs, False), (bare[1], ours, True)):
        # A number without a unit may be of any kind, so all that the other text has is asked.
        known = {value for kind in others.values() for value in kind}
        if number and others and "" not in others and not known & number.keys():
            other = next(iter(others.values()))
            pair = _shown(number, other), _shown(other, number)
            return pair[::-1] if swapped else pair
    return None


def share_quantity(first: str, second: str) -> bool:
    """Whether two texts have a quantity in common that has a unit.

    Args:
        first: A text, normalised.
        second: Another.

    Returns:
        True if they do: then they speak of the same thing.

    Example:
        >>> share_quantity("30 days", "it is 30 days"), share_quantity("7", "7")
        (True, False)
    """
    ours, theirs = _quantities(first), _quantities(second)
    return any(ours[kind].keys() & theirs[kind].keys() for kind in ours.keys() & theirs if kind)


def _shown(these: dict[float, str], those: dict[float, str]) -> str:
    return ", ".join(text for value, text in sorted(these.items()) if value not in those)


@lru_cache(maxsize=4096)
def _quantities(text: str) -> dict[str, dict[float, str]]:
    """Value -> wording of each quantity, by kind; "" for numbers without a unit."""
    found: dict[str, dict[float, str]] = defaultdict(dict)
    for match in _AMOUNT.finditer(text):
        kind, value = _measured(match)
        if value is not None:
            found[kind].setdefault(value, match.group().strip())
    return dict(found)


def _measured(match: re.Match[str]) -> tuple[str, float | None]:
    number, before = match["number"], (match["before"] or "").strip()
    duration = (
        match["duration"] or match["hours"] or (match["duration_ja"] or "").lstrip("ヶかカヵ箇")
    )
    unit = duration or match["clock_ja"] or match["kind"] or match["meridiem"]
    written = not number[0].isdigit()
    if written and not unit:
        return "", None  # "one" is mostly a pronoun, 一 mostly part of a word
    hour, _, minutes = number.partition(":")
    value = _value(hour) + (int(minutes) / 60 if minutes else 0) + (0.5 if match["half"] else 0)
    if match["meridiem"] or match["clock_ja"] or minutes:
        afternoon = (match["meridiem"] or "").startswith("p") or before == "午後"
        return "clock", value % 12 + 12 if afternoon else value
    if duration:
        value *= _HOURS[duration]
        return "time", 8640 if value == 365 * 24 else round(value, 3)
    kind = match["kind"] or (before if before in _SAME else "")
    return _SAME.get(kind, kind), value


def _value(number: str) -> float:
    if number in _WORDS:
        return _WORDS[number]
    if number[0].isdigit():
        return float(number.replace(",", ""))
    total, digits = 0, 0
    for character in number:
        if character in "十百":
            total += (digits or 1) * (10 if character == "十" else 100)
            digits = 0
        else:
            digits = 10 * digits + _KANJI[character]
    return total + digits
