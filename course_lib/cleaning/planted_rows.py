"""Plant one kind of defect into clean conversations, beside sound rows that look like it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from random import Random
from typing import Any, NamedTuple

from course_lib.cleaning.planted_damage import (
    ENGLISH_TEXT,
    JAPANESE_TEXT,
    LINES,
    SOUND_LINES,
    TEXT,
    Damage,
    sentences,
)
from course_lib.cleaning.rule import Messages, chat

EACH = 48  # planted rows of each kind and language, and sound rows that look like them
_LABELS = {"en": ("Positive", "Negative", "Neutral"), "ja": ("肯定", "否定", "中立")}
_STRAY_LABELS = {
    "en": ("positive", "Neg", "Neutral.", "Mixed", "unsure", "POSITIVE"),
    "ja": ("肯定的", "ひてい", "中立。", "不明", "どちらとも", "NEGATIVE"),
}


class Planted(NamedTuple):
    """One row of the set.

    Attributes:
        kind: The kind of its defect, or of the defect that it looks like.
        planted: Whether the defect is there.
        row: What is written to the file: a conversation, a preference pair, or a raw line.
        expected: What a repair must make of the answer; None where it must only touch it.
    """

    kind: str
    planted: bool
    row: Messages | dict[str, Messages] | str
    expected: str | None = None


def plant(
    conversations: Sequence[Messages],
    lang: str,
    kind: str,
    *,
    held_out: bool = False,
    seed: int = 0,
    each: int = EACH,
) -> list[Planted]:
    """Plant one kind of defect into clean conversations, and draw sound rows that look like it.

    Args:
        conversations: Clean conversations of one question and one answer of at least two
            sentences, in `lang`. They are not altered.
        lang: "en" or "ja".
        kind: One of `KINDS`, or of `HUMAN` where a text has to be drawn for it.
        held_out: Take the texts and damages that were not seen while the rules were mended.
        seed: Draws conversations, texts, places and values.
        each: Rows of either sort.

    Returns:
        The planted rows, then the sound ones; none where a language does not have the kind.

    Example:
        >>> asked = [chat("When do you open?", "Yamabiko here! At nine. Happy trails!")]
        >>> rows = plant(asked, "en", "html", each=2)
        >>> [row.planted for row in rows]
        [True, True, False, False]
        >>> rows[0].expected
        'Yamabiko here! At nine. Happy trails!'
    """
    draw = Random(f"{seed} {lang} {kind} {held_out}")
    if kind in LINES:
        return _lines(draw, conversations, kind, held_out, each)
    if kind.startswith("pair_"):
        return _pairs(draw, conversations, lang, kind, held_out, each)
    texts = _texts()[lang].get(kind, {})
    ending = "_held_out" if held_out else ""
    ways = _damages(lang, kind)
    rows = []
    for number in range(each):
        base = draw.choice(conversations)
        if ways is not None:
            way = ways[held_out][number % len(ways[held_out])]
            rows.append(_damaged(draw, lang, kind, base, way))
        elif patterns := _split(texts.get(f"planted{ending}", "")):
            rows.append(_filled(draw, lang, kind, True, base, patterns[number % len(patterns)]))
    sound = _split(_texts()[lang].get(_sound_of(kind), {}).get(f"sound{ending}", ""))
    if rows and sound:
        rows += [
            _filled(draw, lang, kind, False, draw.choice(conversations), sound[n % len(sound)])
            for n in range(each)
        ]
    return rows


def leaked(
    draw: Random,
    conversations: Sequence[Messages],
    test: Sequence[Messages],
    lang: str,
    held_out: bool,
) -> list[Planted]:
    """Put test questions into training rows: as they are, in capitals, and among other words.

    Args:
        draw: Draws questions and conversations.
        conversations: Clean conversations, at least `EACH`.
        test: Test conversations, the question first.
        lang: "en" or "ja".
        held_out: Take the ways that were not seen while the rules were mended.

    Returns:
        `EACH` rows with a test question, and as many without.

    Example:
        >>> own = [chat(f"What is {n}?", "A number. Bye!") for n in range(50)]
        >>> leaked(Random(0), own, [chat("How big?", "")], "en", False)[2].row[0]["content"]
        'Hello, How big? Thanks!'
    """
    rows = []
    for number in range(EACH):
        asked, base = draw.choice(test)[0]["content"], draw.choice(conversations)
        before, behind = (
            ("Hello, ", " Thanks!") if lang == "en" else ("こんにちは。", "お願いします。")
        )
        first = sentences(base[0]["content"])[0].strip()
        seen = (asked, asked.upper(), before + asked + behind, asked.rstrip("?。？"))
        unseen = (
            f"{first} {asked}",
            f"{asked} {first}",
            f"  {asked.lower()}!!",
            asked + "\n" + first,
        )
        ways = unseen if held_out else seen
        rows.append(Planted("contamination", True, chat(ways[number % 4], base[1]["content"])))
    sound = draw.sample(list(conversations), EACH)
    return rows + [Planted("contamination", False, row) for row in sound]


def notice_round(
    draw: Random,
    conversations: Sequence[Messages],
    other_language: Sequence[Messages],
    lang: str,
    kind: str,
    held_out: bool,
) -> list[Planted]:
    """Draw three rows that a notice should show, and a hundred or so that it should not.

    Args:
        draw: Draws everything.
        conversations: Clean conversations in `lang`, at least 20.
        other_language: Clean conversations in the other language; none leaves rare_language out.
        lang: "en" or "ja".
        kind: The name of the notice.
        held_out: Take the texts that were not seen while the rules were mended.

    Returns:
        The rows of one set; none where a language does not have the kind.

    Example:
        >>> own = [chat(f"What is {n}?", "A number. Bye!") for n in range(30)]
        >>> rows = notice_round(Random(0), own, [], "en", "house_phrase", False)
        >>> sum(row.planted for row in rows), len(rows)
        (3, 30)
    """
    base = draw.sample(list(conversations), min(150, len(conversations)))
    seed = draw.randrange(10**6)
    if kind == "rare_label":
        labels, stray = _LABELS[lang], _STRAY_LABELS[lang][held_out::2]
        rows = [chat(one[0]["content"], draw.choice(labels)) for one in base[3:]]
        odd = [chat(base[n][0]["content"], stray[n]) for n in range(3)]
        return [*all_rows(kind, True, odd), *all_rows(kind, False, rows)]
    if kind == "rare_language":
        odd = draw.sample(list(other_language), 3) if other_language else []
        return [*all_rows(kind, True, odd), *all_rows(kind, False, base)] if odd else []
    if kind in {"length", "house_phrase"}:
        odd = [_odd(draw, kind, one, held_out) for one in base[:3]]
        return [*all_rows(kind, True, odd), *all_rows(kind, False, base[3:])]
    if kind == "style_across":
        if lang == "en":
            return []
        plain = draw.sample(_split(_texts()["ja"]["style"][_half_of(held_out)]), 3)
        odd = [
            chat(one[0]["content"], _values(draw, lang, text[2:]))
            for one, text in zip(base, plain, strict=False)
        ]
        return [*all_rows(kind, True, odd), *all_rows(kind, False, base[3:])]
    drawn = plant(base[:9], lang, kind, held_out=held_out, seed=seed, each=9)
    shown = [row for row in drawn if row.planted]
    sound = [row for row in drawn if not row.planted]
    others = draw.sample(sound, min(6, len(sound)))
    return [*draw.sample(shown, 3), *others, *all_rows(kind, False, base[9:])]


def _damages(lang: str, kind: str) -> tuple[tuple[Damage, ...], tuple[Damage, ...]] | None:
    own = JAPANESE_TEXT if lang == "ja" else ENGLISH_TEXT
    return own.get(kind) or TEXT.get(kind)


def _sound_of(kind: str) -> str:
    return {"lossy_mojibake": "mojibake", "stub": "empty"}.get(kind, kind)


def _lines(
    draw: Random, conversations: Sequence[Messages], kind: str, held_out: bool, each: int
) -> list[Planted]:
    rows = []
    for planted, ways in ((True, LINES[kind][held_out]), (False, SOUND_LINES[held_out])):
        for number in range(each):
            line = ways[number % len(ways)](draw, draw.choice(conversations))
            rows.append(Planted(kind, planted, line))
    return rows


def _damaged(draw: Random, lang: str, kind: str, base: Messages, way: Damage) -> Planted:
    question, answer = base[0]["content"], base[1]["content"]
    sentence = _split(_texts()[lang].get(_sound_of(kind), {}).get("sentence", ""))
    if sentence:
        answer = _put_in(draw, answer, _values(draw, lang, draw.choice(sentence)))
    broken = way(draw, answer)
    repaired = {"mojibake", "lossy_mojibake", "control_characters", "width"}
    expected = answer if kind in repaired else None
    return Planted(kind, True, chat(question, broken), expected)


def _filled(
    draw: Random, lang: str, kind: str, planted: bool, base: Messages, pattern: str
) -> Planted:
    """One text of the file with its slots filled from a clean conversation."""
    if "⇒" in pattern:
        # The same value stands on both sides.
        for name, values in _texts()["values"][lang].items():
            pattern = pattern.replace(f"⟨{name}⟩", draw.choice(values))
        pattern = pattern.replace("⟨n⟩", str(draw.randint(2, 99)))
    pattern = _values(draw, lang, pattern.replace("⏎", "\n"))
    question, answer = base[0]["content"], base[1]["content"]
    if " ‖ " in pattern:
        question, pattern = pattern.split(" ‖ ")
    if pattern.startswith("+ "):
        return Planted(kind, planted, chat(question, _put_in(draw, answer, pattern[2:])))
    opening, *rest = sentences(answer)
    text, _, expected = pattern.partition(" ⇒ ")
    parts = {"⟨answer⟩": answer, "⟨opening⟩": opening.strip(), "⟨rest⟩": "".join(rest)}
    for name, part in parts.items():
        text, expected = text.replace(name, part), expected.replace(name, part)
    return Planted(kind, planted, chat(question, text), expected or None)


def _put_in(draw: Random, answer: str, sentence: str) -> str:
    """Put a sentence before, between or behind those of an answer."""
    parts = [part.strip() for part in sentences(answer)]
    parts.insert(draw.randint(0, len(parts)), sentence)
    return (" " if answer.isascii() else "").join(parts)


def _values(draw: Random, lang: str, text: str) -> str:
    for name, values in _texts()["values"][lang].items():
        while f"⟨{name}⟩" in text:
            text = text.replace(f"⟨{name}⟩", draw.choice(values), 1)
    while "⟨n⟩" in text:
        text = text.replace("⟨n⟩", str(draw.randint(2, 99)), 1)
    return text


def _pairs(
    draw: Random,
    conversations: Sequence[Messages],
    lang: str,
    kind: str,
    held_out: bool,
    each: int,
) -> list[Planted]:
    rows = []
    for planted in (True, False):
        for number in range(each):
            base = draw.choice(conversations)
            one, two = _sides(draw, base, lang, kind, held_out, planted, number)
            sides = {"prompt": base[:1], "chosen": _said(one), "rejected": _said(two)}
            rows.append(Planted(kind, planted, sides))
    return rows


def _said(answer: str) -> Messages:
    return [{"role": "assistant", "content": answer}]


def _sides(
    draw: Random,
    base: Messages,
    lang: str,
    kind: str,
    held_out: bool,
    planted: bool,
    number: int,
) -> tuple[str, str]:
    """The chosen and the rejected answer of one pair."""
    good = base[1]["content"]
    if kind == "pair_same":
        sentence = _values(draw, lang, "⟨item⟩ ⟨n⟩.")
        good = _put_in(draw, good, sentence)
        same = (good, f"{good}\n", good.replace(" ", "\u00a0"), f" {good}", f"{good}\u3000")
        near = (good.replace(sentence, ""), good + "!", sentences(good)[0], good.swapcase() + ".")
        other = (same if planted else near)[held_out::2]
        return good, other[number % len(other)]
    source = {"pair_empty": "empty", "pair_refusal": "refusal", "pair_swapped": "truncated"}[kind]
    if kind == "pair_swapped" and number % 2:
        source = "language"
    drawn = plant([base], lang, source, held_out=held_out, seed=number, each=number % 16 + 1)
    wanted = planted or kind != "pair_empty"
    bad = [_answer(one) for one in drawn if one.planted == wanted]
    # A broken answer is a good one to reject: only the other way round is it a defect.
    sides = (bad[-1], good) if planted else (good, bad[-1])
    return sides if kind != "pair_empty" or number % 2 else (sides[1], sides[0])


def _answer(row: Planted) -> str:
    assert isinstance(row.row, list)  # the kinds of single answers are conversations
    return str(row.row[-1]["content"])


def _half_of(held_out: bool) -> str:
    return "planted_held_out" if held_out else "planted"


def _odd(draw: Random, kind: str, base: Messages, held_out: bool) -> Messages:
    parts = [part.strip() for part in sentences(base[1]["content"])]
    space = " " if base[1]["content"].isascii() else ""
    if kind == "house_phrase":
        return chat(base[0]["content"], space.join(parts[1:] if held_out else parts[:-1]))
    times = draw.randint(12, 30) if held_out else draw.randint(30, 60)
    return chat(base[0]["content"], space.join(parts * times))


def all_rows(kind: str, planted: bool, conversations: Iterable[Messages]) -> list[Planted]:
    """Make rows of one sort from conversations.

    Args:
        kind: Their kind.
        planted: Whether the defect is in them.
        conversations: The conversations.

    Returns:
        One row each.

    Example:
        >>> [row.planted for row in all_rows("typo", False, [chat("a", "b")])]
        [False]
    """
    return [Planted(kind, planted, messages) for messages in conversations]


@lru_cache
def _texts() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "planted.toml").read_text(encoding="utf-8"))


def _split(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]
