"""How many planted defects each rule finds, and how many sound texts it takes for one.

from course_lib.cleaning.planted import examine, marks

rows = examine(conversations, "en")    # every planted and sound row, and what became of it
marks(rows)                            # precision and recall by kind, as a DataFrame
rows.query("planted != found")         # what went wrong, to be read

The texts stand in `planted.toml`, the damage in `planted_damage`. Each kind has two halves: one
seen while the rules were mended, and one held out. Private values have a set of their own:
`course_lib.cleaning.privacy.planted`. The answer key of the course's data covers duplicates and
contradictions.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial
from importlib.resources import files
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pandas as pd

from course_lib.cleaning import pipeline
from course_lib.cleaning.planted_damage import (
    ENGLISH_TEXT,
    JAPANESE_TEXT,
    LINES,
    SOUND_LINES,
    TEXT,
    Damage,
    sentences,
)
from course_lib.cleaning.report import CleaningReport
from course_lib.cleaning.rule import Messages, Rule, chat

# The rules that answer for each kind.
KINDS: dict[str, tuple[str, ...]] = {
    **{kind: (kind,) for kind in ("json", "schema", "role", "turns")},
    # What one cannot repair the other rejects.
    **dict.fromkeys(("mojibake", "lossy_mojibake"), ("mojibake", "lossy_mojibake")),
    **{kind: (kind,) for kind in ("control_characters", "html")},
    # Comments of HTML are debris of Markdown too.
    "markdown": ("markdown", "html"),
    **{kind: (kind,) for kind in ("width", "empty", "repetition", "truncated")},
    "stub": ("empty",),
    # A model that refuses as a model leaks, too.
    **dict.fromkeys(("refusal", "model_leak"), ("refusal", "model_leak")),
    **{kind: (kind,) for kind in ("unfilled_template", "script", "language")},
    **{kind: (kind,) for kind in ("style", "contamination")},
    **{kind: (kind,) for kind in ("pair_same", "pair_empty", "pair_swapped", "pair_refusal")},
}
# A rule knows the common wordings of a stub ("to be written"); who reads short answers finds more.
OPEN = ("stub",)
# What only a person can decide: the rules show the rows and reject none.
HUMAN: tuple[str, ...] = (
    "length",
    "rare_label",
    "rare_language",
    "style_across",
    "house_phrase",
    "boilerplate",
    "typo",
    "thin_topic",
)
EACH = 48  # planted rows of each kind and language, and sound rows that look like them
_ROUNDS = 16  # of a notice, with three planted rows each: what it looks for is rare by definition
_SINGLES: tuple[str, ...] = (
    "json",
    "schema",
    "role",
    "turns",
    "mojibake",
    "lossy_mojibake",
    "control_characters",
    "html",
    "markdown",
    "width",
    "empty",
    "stub",
    "repetition",
    "refusal",
    "model_leak",
    "unfilled_template",
    "script",
    "language",
    "style",
)
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


def examine(
    conversations: Sequence[Messages],
    lang: str,
    *,
    test: Sequence[Messages] = (),
    other_language: Sequence[Messages] = (),
    held_out: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Plant every kind, clean, and say of each row what became of it.

    Args:
        conversations: Clean conversations of one question and one answer, in `lang`.
        lang: "en" or "ja".
        test: Questions that may not be in the training data; none leaves contamination out.
        other_language: Clean conversations in the other language, for the notice rare_language.
        held_out: See `plant`.
        seed: Draws everything.

    Returns:
        lang, kind, planted, found (a rule of the kind rejected, repaired or showed the row, and
        a repair made what it should), rules (every rule that touched the row), row: one row for
        each planted and each sound row.

    Example:
        >>> examine(conversations, "ja").query("planted and not found")  # doctest: +SKIP
    """
    drawn = partial(plant, conversations, lang, held_out=held_out, seed=seed)
    singles = [row for kind in _SINGLES for row in drawn(kind)]
    found = _judged(singles, [rule.name for rule in _row_rules()])
    # A cut answer shows against answers that end: the share of them must be that of real data.
    for part in _parts(drawn("truncated"), 6):
        found += _judged(part + _bed(conversations), ["truncated"])
    pairs = [row for kind in KINDS if kind.startswith("pair_") for row in drawn(kind)]
    found += _judged(pairs, [rule.name for rule in pipeline.PAIRS])
    if test:
        leaked = _leaked(Random(f"{seed} {lang} leaked"), conversations, test, lang, held_out)
        found += _judged(leaked, ["contamination"], test)
    for kind in HUMAN:
        for number in range(_ROUNDS):
            draw = Random(f"{seed} {lang} {kind} {held_out} {number}")
            rows = _round(draw, conversations, other_language, lang, kind, held_out)
            found += _judged(rows, [kind])
    frame = pd.DataFrame(found, columns=["kind", "planted", "found", "rules", "row"])
    return frame.assign(lang=lang)[["lang", *frame.columns]]


def marks(rows: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall of the rules by kind and language.

    Args:
        rows: What `examine` returned, of one language or of several.

    Returns:
        lang, kind, planted, found, sound (rows without this defect), alarms (of these, what the
        rules of the kind touched), precision (found / (found + alarms)), recall (found /
        planted). The sound rows are those that look like the kind and, for a rule that decides
        on its own, those of all other kinds of the language too.

    Example:
        >>> one = {"lang": "en", "kind": "html", "row": "", "rules": ("html",)}
        >>> marks(pd.DataFrame([one | {"planted": True, "found": True}]))["recall"].tolist()
        [1.0]
    """
    table = []
    for (lang, kind), own in rows.groupby(["lang", "kind"], sort=False):
        planted = own[own["planted"]]
        if planted.empty:
            continue
        sound = own[~own["planted"]]
        if kind in _SINGLES:
            sound = rows[(rows["lang"] == lang) & ~rows["planted"] & rows["kind"].isin(_SINGLES)]
        names = set(KINDS.get(kind, (kind,)))
        alarms = int(sound["rules"].map(lambda touched, own=names: bool(own & set(touched))).sum())
        hits = int(planted["found"].sum())
        table.append(
            {
                "lang": lang,
                "kind": kind,
                "planted": len(planted),
                "found": hits,
                "sound": len(sound),
                "alarms": alarms,
                "precision": hits / (hits + alarms) if hits + alarms else float("nan"),
                "recall": hits / len(planted),
            }
        )
    return pd.DataFrame(table)


def _row_rules() -> list[Rule]:
    rules = [*pipeline.STRUCTURE, *pipeline.REPAIRS, *pipeline.DAMAGE, *pipeline.MEANING]
    return [rule for rule in rules if rule.name not in pipeline.EXTRAS]


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


def _leaked(
    draw: Random,
    conversations: Sequence[Messages],
    test: Sequence[Messages],
    lang: str,
    held_out: bool,
) -> list[Planted]:
    """Test questions in training rows: as they are, in capitals, and among other words."""
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


def _round(
    draw: Random,
    conversations: Sequence[Messages],
    other_language: Sequence[Messages],
    lang: str,
    kind: str,
    held_out: bool,
) -> list[Planted]:
    """Three rows that a notice should show, and a hundred or so that it should not."""
    base = draw.sample(list(conversations), min(150, len(conversations)))
    seed = draw.randrange(10**6)
    if kind == "rare_label":
        labels, stray = _LABELS[lang], _STRAY_LABELS[lang][held_out::2]
        rows = [chat(one[0]["content"], draw.choice(labels)) for one in base[3:]]
        odd = [chat(base[n][0]["content"], stray[n]) for n in range(3)]
        return [*_all(kind, True, odd), *_all(kind, False, rows)]
    if kind == "rare_language":
        odd = draw.sample(list(other_language), 3) if other_language else []
        return [*_all(kind, True, odd), *_all(kind, False, base)] if odd else []
    if kind in {"length", "house_phrase"}:
        odd = [_odd(draw, kind, one, held_out) for one in base[:3]]
        return [*_all(kind, True, odd), *_all(kind, False, base[3:])]
    if kind == "style_across":
        if lang == "en":
            return []
        plain = draw.sample(_split(_texts()["ja"]["style"][_half_of(held_out)]), 3)
        odd = [
            chat(one[0]["content"], _values(draw, lang, text[2:]))
            for one, text in zip(base, plain, strict=False)
        ]
        return [*_all(kind, True, odd), *_all(kind, False, base[3:])]
    drawn = plant(base[:9], lang, kind, held_out=held_out, seed=seed, each=9)
    shown = [row for row in drawn if row.planted]
    sound = [row for row in drawn if not row.planted]
    others = draw.sample(sound, min(6, len(sound)))
    return [*draw.sample(shown, 3), *others, *_all(kind, False, base[9:])]


def _half_of(held_out: bool) -> str:
    return "planted_held_out" if held_out else "planted"


def _odd(draw: Random, kind: str, base: Messages, held_out: bool) -> Messages:
    parts = [part.strip() for part in sentences(base[1]["content"])]
    space = " " if base[1]["content"].isascii() else ""
    if kind == "house_phrase":
        return chat(base[0]["content"], space.join(parts[1:] if held_out else parts[:-1]))
    times = draw.randint(12, 30) if held_out else draw.randint(30, 60)
    return chat(base[0]["content"], space.join(parts * times))


def _all(kind: str, planted: bool, conversations: Iterable[Messages]) -> list[Planted]:
    return [Planted(kind, planted, messages) for messages in conversations]


def _bed(conversations: Sequence[Messages]) -> list[Planted]:
    return _all("", False, conversations)


def _parts(rows: list[Planted], number: int) -> list[list[Planted]]:
    return [rows[start::number] for start in range(number)]


def _judged(
    rows: list[Planted], rules: list[str], test: Sequence[Messages] = ()
) -> list[tuple[str, bool, bool, tuple[str, ...], Any]]:
    """Write the rows to a file, clean it, and read the report line by line."""
    if not rows:
        return []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "planted.jsonl"
        path.write_text("".join(f"{_written(row.row)}\n" for row in rows), encoding="utf-8")
        report = pipeline.clean(path, rules=rules, test=list(test) or None)
    touched, repaired = _touched(report)
    judged = []
    for line, row in enumerate(rows, 1):
        own, last = KINDS.get(row.kind, (row.kind,)), repaired.get(line)
        found = bool(touched.get(line, set()) & set(own))
        if found and row.expected is not None and last is not None:
            found = "".join(last.split()) == "".join(row.expected.split())
        judged.append((row.kind, row.planted, found, tuple(sorted(touched.get(line, ()))), row.row))
    return [one for one in judged if one[0]]


def _touched(report: CleaningReport) -> tuple[dict[int, set[str]], dict[int, str]]:
    """By line: the rules that did something, and the answer as the last repair left it."""
    touched: dict[int, set[str]] = {}
    for frame in (report.rejected, report.changes, report.review):
        for line, rule in zip(frame["line"], frame["rule"], strict=True):
            touched.setdefault(int(line), set()).add(rule)
    gone = set(report.rejected["line"])
    repaired = {
        int(change["line"]): change["after"]
        for change in report.changes.to_dict("records")
        if change["line"] not in gone and change["role"] == "assistant"
    }
    return touched, repaired


def _written(row: Messages | dict[str, Messages] | str) -> str:
    if isinstance(row, str):
        return row
    # Half characters and the like must survive the way through the file.
    return json.dumps(row if isinstance(row, dict) else {"messages": row})


@lru_cache
def _texts() -> dict[str, Any]:
    return tomllib.loads((files(__package__) / "planted.toml").read_text(encoding="utf-8"))


def _split(text: str) -> list[str]:
    return [line for line in text.split("\n") if line]
