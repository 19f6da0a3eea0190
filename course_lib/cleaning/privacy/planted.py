"""How many planted private values a masker finds, and how often it takes a number for one.

from course_lib.cleaning.privacy.planted import false_alarms, score

score()                        # recall by language and kind, as a DataFrame
false_alarms()                 # the hard negatives that were changed, as a DataFrame
score(my_own_masker)           # the same for any function text -> text

The set has two halves: texts written by hand, and values drawn by seed into sentences.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from random import Random
from typing import Any, NamedTuple

import pandas as pd

from course_lib.cleaning.privacy.glance import fold
from course_lib.cleaning.privacy.masking import DETECTORS, mask_all
from course_lib.cleaning.privacy.planted_values import MAKERS

LANGUAGES = ("en", "ja")
_EACH = 24  # values of each kind and language that are drawn one to a text
_PAIRS = 40  # texts of each language with two values
_WIDE = 0.3  # share of the Japanese values that are typed full-width
_DRAWS = 5  # hard negatives drawn from each pattern
_MARKED = re.compile(r"⟦(\w+)\|(.*?)⟧", re.DOTALL)


class Planted(NamedTuple):
    """A text with private values in it.

    Attributes:
        lang: "en" or "ja".
        source: "hand" for written by a person, "drawn" for put together by seed.
        around: The text before, between and behind the values: one piece more than values.
        values: Kind and value, in their order.
    """

    lang: str
    source: str
    around: tuple[str, ...]
    values: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        """The text as it stands in the data."""
        return self._filled([value for _, value in self.values])

    @property
    def masked(self) -> str:
        """The text as it should become."""
        return self._filled([DETECTORS[kind].placeholder for kind, _ in self.values])

    def _filled(self, values: list[str]) -> str:
        pieces = [piece for pair in zip(self.around, values, strict=False) for piece in pair]
        return "".join([*pieces, self.around[-1]])


class Negative(NamedTuple):
    """A text without anything private, full of what looks like it."""

    lang: str
    source: str
    text: str


def planted(seed: int = 0) -> list[Planted]:
    """The planted set.

    Args:
        seed: Draws the values and their sentences; the texts written by hand stay the same.

    Returns:
        About 800 texts, English first.

    Example:
        >>> planted()[0].text[:20]
        'hey, its bob. email '
    """
    by_hand = _data("planted.toml")["values"]
    found = [_parse(line, lang, "hand") for lang in LANGUAGES for line in _lines(by_hand[lang])]
    for lang in LANGUAGES:
        draw = Random(f"{seed} {lang}")
        frames = _data("frames.toml")["frames"][lang]
        pairs = _data("frames.toml")["pairs"][lang]
        kinds = list(frames)
        found += [_one(draw, lang, kind, frames) for kind in kinds for _ in range(_EACH)]
        for _ in range(_PAIRS):
            first, second = (_one(draw, lang, kind, frames) for kind in draw.sample(kinds, 2))
            found.append(_joined(draw.choice(pairs), first, second))
    return found


def negatives(seed: int = 0) -> list[Negative]:
    """The hard negatives: order numbers, prices, dates, versions, code, and their kin.

    Args:
        seed: Draws the digits of half of them.

    Returns:
        About 800 texts.

    Example:
        >>> negatives()[0].text
        'Order 4155550132 shipped on 2024-01-15.'
    """
    by_hand = _data("planted.toml")["negatives"]
    found = [Negative(lang, "hand", line) for lang in LANGUAGES for line in _lines(by_hand[lang])]
    for lang in LANGUAGES:
        draw = Random(f"{seed} negative {lang}")
        for pattern in _data("frames.toml")["negatives"][lang]:
            found += [Negative(lang, "drawn", _drawn(draw, pattern)) for _ in range(_DRAWS)]
    return found


def score(masker: Callable[[str], str] = mask_all, seed: int = 0) -> pd.DataFrame:
    """Measure a masker on the planted set.

    Args:
        masker: Text -> masked text, with the placeholders of `DETECTORS`.
        seed: See `planted`.

    Returns:
        One row for each language and kind, and one "all" for each language: lang, kind, planted,
        found (the whole value, and nothing but the value, became the placeholder of its kind),
        leaked (a part of the value is still there), recall (found / planted).

    Example:
        >>> float(score(lambda text: text)["recall"].max())
        0.0
    """
    rows = [
        {"lang": item.lang, "kind": kind, "planted": 1, "found": hit, "leaked": leak}
        for item in planted(seed)
        for kind, hit, leak in _judged(item, masker(item.text))
    ]
    frame = pd.DataFrame(rows)
    kinds = frame.groupby(["lang", "kind"], as_index=False, sort=False).sum()
    every = frame.drop(columns="kind").groupby("lang", as_index=False).sum().assign(kind="all")
    table = pd.concat([kinds, every[kinds.columns]], ignore_index=True)
    return table.assign(recall=table["found"] / table["planted"])


def misses(masker: Callable[[str], str] = mask_all, seed: int = 0) -> pd.DataFrame:
    """The planted values that were not found, to be read.

    Args:
        masker: Text -> masked text.
        seed: See `planted`.

    Returns:
        lang, source, kind, value, leaked, text, masked: one row for each value.

    Example:
        >>> misses(lambda text: text).columns[:4].tolist()
        ['lang', 'source', 'kind', 'value']
    """
    rows = [
        (item.lang, item.source, kind, value, leak, item.text, masked)
        for item in planted(seed)
        for masked in [masker(item.text)]
        for (kind, value), (_, hit, leak) in zip(item.values, _judged(item, masked), strict=True)
        if not hit or leak
    ]
    return pd.DataFrame(
        rows, columns=["lang", "source", "kind", "value", "leaked", "text", "masked"]
    )


def false_alarms(masker: Callable[[str], str] = mask_all, seed: int = 0) -> pd.DataFrame:
    """The hard negatives that a masker changed.

    Args:
        masker: Text -> masked text.
        seed: See `negatives`.

    Returns:
        lang, source, text, masked: one row for each text that should have stayed as it was.

    Example:
        >>> len(false_alarms(lambda text: text))
        0
    """
    rows = [(*item, masker(item.text)) for item in negatives(seed)]
    frame = pd.DataFrame(rows, columns=["lang", "source", "text", "masked"])
    return frame[frame["text"] != frame["masked"]].reset_index(drop=True)


def leaks(kind: str, value: str, masked: str, around: str = "") -> bool:
    """Whether a part of a value is still in a masked text.

    Args:
        kind: The kind of the value.
        value: The value as it was written.
        masked: The text that should not hold it.
        around: What stands around the value in any case: parts found there do not count.

    Returns:
        True where four digits of a number of it, six characters of it in a row, or the local part
        of an e-mail address are still there, whatever their width.

    Example:
        >>> leaks("phone", "090-1234-5678", "call [PHONE]-5678")
        True
    """
    value, masked, around = (fold(text).lower() for text in (value, masked, around))
    parts = {value[start : start + 6] for start in range(max(1, len(value) - 5))}
    for number in re.findall("[0-9]{4,}", value):
        parts |= {number[start : start + 4] for start in range(len(number) - 3)}
    if kind == "email":
        parts.add(re.split(r"\W*(?:@|[\[(]|アット|あっと|★| at )", value)[0])
    return any(part in masked for part in parts if part.strip() and part not in around)


def _judged(item: Planted, masked: str) -> list[tuple[str, bool, bool]]:
    """Kind, found and leaked for each value of a text."""
    judged = []
    # The ends of the text are marked, so that a value there must be found to its last character.
    around = ["\0" + item.around[0], *item.around[1:-1], item.around[-1] + "\0"]
    for place, (kind, value) in enumerate(item.values):
        before, behind = around[place][-6:], around[place + 1][:6]
        hit = before + DETECTORS[kind].placeholder + behind in f"\0{masked}\0"
        judged.append((kind, hit, leaks(kind, value, masked, item.masked)))
    return judged


@lru_cache
def _data(name: str) -> dict[str, Any]:
    return tomllib.loads((files(__package__) / name).read_text(encoding="utf-8"))


def _lines(text: str) -> list[str]:
    return [line.replace("⏎", "\n") for line in text.split("\n") if line]


def _parse(line: str, lang: str, source: str) -> Planted:
    line = line.replace("‖", "")
    values = tuple((match.group(1), match.group(2)) for match in _MARKED.finditer(line))
    around = tuple(_MARKED.sub("\0", line).split("\0"))
    return Planted(lang, source, around, values)


def _one(draw: Random, lang: str, kind: str, frames: dict[str, list[str]]) -> Planted:
    value = MAKERS[kind](draw, lang)
    if lang == "ja" and draw.random() < _WIDE:
        value = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in value)
    before, behind = draw.choice(frames[kind]).split("{}")
    return Planted(lang, "drawn", (before, behind), ((kind, value),))


def _joined(pattern: str, first: Planted, second: Planted) -> Planted:
    start, middle, end = pattern.split("{}")
    around = (
        start + first.around[0],
        first.around[1] + middle + second.around[0],
        second.around[1] + end,
    )
    return Planted(first.lang, "drawn", around, first.values + second.values)


def _drawn(draw: Random, pattern: str) -> str:
    alphabets = {
        "□": "0123456789",
        "■": "123456789",
        "△": "ABCDEFGHJKLMNPRSTUVWXYZ",
        "◇": "0123456789abcdef",
    }
    return "".join(draw.choice(alphabets[sign]) if sign in alphabets else sign for sign in pattern)
