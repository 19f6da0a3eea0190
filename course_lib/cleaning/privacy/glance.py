"""One look at a text: may it hold anything private at all, and what does it look like folded?

Most messages hold neither a digit nor an at sign nor a password, and one look clears them of
every kind at once. The rest are folded for matching: full-width becomes plain, one character for
one, so that a span of the folded text is a span of the text itself. (NFKC is not used: it makes
the list mark ① a digit of the telephone number behind it, and moves everything after ㈱.)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

Span = tuple[int, int]


class Glance(NamedTuple):
    """A text folded for matching, with what the screens of the detectors ask about it.

    Attributes:
        text: The folded text, as long as the original.
        low: The same in lower case, for looking words up.
        digits: The most digits that stand together in one number, separators allowed.
        numbers: Start, end and digits of each number of seven digits and more.
    """

    text: str
    low: str
    digits: int
    numbers: tuple[tuple[int, int, int], ...] = ()


class Detector(NamedTuple):
    """One kind of private value.

    Attributes:
        placeholder: What is written in its place.
        find: Says where its values are in a folded text.
        digits: The fewest digits together that a value has: a text with fewer is not searched.
    """

    placeholder: str
    find: Callable[[Glance], Iterable[Span]]
    digits: int = 0


_FOLD: dict[int, int | str] = {
    **{code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)},
    **{0x1D7CE + place: ord("0") + place % 10 for place in range(50)},  # 𝟎 and its kin
    **dict.fromkeys([0xA0, 0x202F, 0x3000, *range(0x2000, 0x200B)], " "),
    **dict.fromkeys([*range(0x2010, 0x2016), 0x2212, 0xFE58, 0xFE63, 0xFF0D], "-"),
    **dict.fromkeys([ord(sign) for sign in "『【〔《〈"], "「"),
    **dict.fromkeys([ord(sign) for sign in "』】〕》〉"], "」"),
    **dict.fromkeys([0x2018, 0x2019], "'"),
    **dict.fromkeys([0x201C, 0x201D], '"'),
}
# `translate` alone is slow on characters that are not in the table: only those in it are shown.
_UNFOLDED = re.compile("[" + "".join(map(chr, _FOLD)) + "]+")
# Long vowel marks and rules that stand for a dash, but only between the digits of a number.
_DASHES = re.compile(r"[ー─━ｰ](?<=[0-9)].)(?=[0-9(])")
_MARKS = re.compile("[0-9@０-９＠]")
_NUMBER = re.compile(r"[0-9](?:[ ().の・/-]{0,3}[0-9])*")
_NO_DIGIT = re.compile("[^0-9]+")
_DIGITS_AND_AT = b"0123456789@"


@lru_cache(maxsize=512)
def glance(text: str) -> Glance | None:
    """Look at a text once, whatever the number of detectors that ask.

    Args:
        text: Any text.

    Returns:
        The folded text, or None where nothing private can be: no digit, no at sign, and none of
        the few words that announce a value without them.

    Example:
        >>> glance("Where is my tent?") is None
        True
        >>> glance("ＴＥＬ０９０ー１２３４")
        Glance(text='TEL090-1234', low='tel090-1234', digits=7, numbers=((3, 11, 7),))
    """
    if text.isascii():
        raw = text.encode()
        if len(raw.translate(None, _DIGITS_AND_AT)) == len(raw) and not _may_tell(text.lower()):
            return None
        folded = text
    else:
        if _MARKS.search(text) is None and not _may_tell(text.lower()):
            return None
        folded = fold(text)
    most, numbers = 0, []
    for number in _NUMBER.finditer(folded):
        size = number.end() - number.start()
        if size > most or size >= 7:
            size = len(_NO_DIGIT.sub("", number.group()))
            most = max(most, size)
            if size >= 7:
                numbers.append((*number.span(), size))
    return Glance(folded, folded.lower(), most, tuple(numbers))


def fold(text: str) -> str:
    """Make full-width characters and the dashes of numbers plain, one character for one.

    Args:
        text: Any text.

    Returns:
        The folded text, of the same length.

    Example:
        >>> fold("Ｔ０ー１")
        'T0-1'
    """
    if text.isascii():
        return text
    return _DASHES.sub("-", _UNFOLDED.sub(lambda run: run.group().translate(_FOLD), text))


def _may_tell(low: str) -> bool:
    """A password, a written-out address, a key block, a house number in kanji: no digit, no @."""
    return (
        "pass" in low
        or "pwd" in low
        or "://" in low
        or "at)" in low
        or "at]" in low
        or "at}" in low
        or "(a)" in low
        or " dot " in low
        or "-----begin" in low
        or (
            not low.isascii()
            and (
                "ａｔ" in low
                or "at）" in low
                or "（a）" in low
                or "at］" in low
                or "パス" in low
                or "ｐａｓｓ" in low
                or "アット" in low
                or "あっと" in low
                or "★" in low
                or "☆" in low
                or "丁目" in low
                or "番地" in low
                or "ｐｗｄ" in low
                or "：／／" in low
            )
        )
    )
