"""How many ways of saying things a source has, and how much of it another source has already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from course_lib.cleaning.duplicates import THRESHOLD, near_pairs
from course_lib.cleaning.normalise import normalised
from course_lib.cleaning.rule import prompt

_WORD = re.compile(r"[a-z0-9']+")
_KANA = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def questions(rows: Iterable[Mapping[str, Any]], lang: str) -> list[str]:
    """What the users of one language say, one text a row.

    Args:
        rows: Rows with `messages`.
        lang: "en" or "ja": Japanese is what has kana or kanji.

    Returns:
        The questions, in order.

    Example:
        >>> questions([{"messages": [{"role": "user", "content": "When?"}]}], "en")
        ['When?']
    """
    asked = [prompt(row["messages"]) for row in rows]
    return [text for text in asked if bool(_KANA.search(text)) == (lang == "ja")]


def wording_growth(
    texts: Sequence[str], *, by: str = "word", n: int = 3, step: int = 20
) -> pd.DataFrame:
    """Count the different n-grams met while reading on: a narrow source soon has no new ones.

    Args:
        texts: The texts, in the order of reading; n-grams do not reach across them.
        by: "word", or "character" for Japanese, which has no spaces to cut words at.
        n: Units in an n-gram.
        step: Read this many n-grams between two counts.

    Returns:
        The columns read and distinct, both in n-grams.

    Example:
        >>> wording_growth(["my old tent", "my old tent"], step=1)["distinct"].tolist()
        [1, 1]
    """
    met: set[tuple[str, ...]] = set()
    counts = []
    for number, gram in enumerate(_ngrams(texts, by, n), start=1):
        met.add(gram)
        if number % step == 0:
            counts.append((number, len(met)))
    return pd.DataFrame(counts, columns=["read", "distinct"])


def distinct_share(texts: Sequence[str], first: int, *, by: str = "word", n: int = 3) -> float:
    """Share of different ones among the first n-grams of a source.

    The share falls with every n-gram that is read, so only equal numbers can be compared.

    Args:
        texts: As in `wording_growth`.
        first: How many n-grams to look at; fewer where there are not so many.
        by: As in `wording_growth`.
        n: As in `wording_growth`.

    Returns:
        Between 0 and 1. No text at all counts as 0.

    Example:
        >>> distinct_share(["my old tent", "my old tent"], first=2)
        0.5
    """
    grams = _ngrams(texts, by, n)[:first]
    return len(set(grams)) / len(grams) if grams else 0.0


def twins(
    rows: Iterable[Mapping[str, Any]],
    others: Iterable[Mapping[str, Any]],
    threshold: float = THRESHOLD,
) -> int:
    """Count the rows whose question nearly repeats a question of another source.

    Args:
        rows: Rows with `messages`.
        others: The rows of the other source.
        threshold: Jaccard similarity of character 3-grams, as in the rule near_duplicate.

    Returns:
        The number of rows, each counted once.

    Example:
        >>> row = {"messages": [{"role": "user", "content": "Where is my tent?"}]}
        >>> twins([row], [row])
        1
    """
    known = [prompt(row["messages"]) for row in others]
    asked = [prompt(row["messages"]) for row in rows]
    pairs = near_pairs([*known, *asked], threshold)
    return len({second for first, second in pairs if first < len(known) <= second})


def _ngrams(texts: Sequence[str], by: str, n: int) -> list[tuple[str, ...]]:
    grams: list[tuple[str, ...]] = []
    for text in texts:
        folded = normalised(text)
        units = list(folded) if by == "character" else _WORD.findall(folded)
        grams += [tuple(units[start : start + n]) for start in range(len(units) - n + 1)]
    return grams
