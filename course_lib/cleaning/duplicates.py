"""Exact and near duplicates.

Repeated rows are trained several times over and, split between training and test, they turn
the test into a memory game. Near duplicates are found in two steps: MinHash bands (rensa)
propose candidates in linear time, and each candidate is then *verified* by the exact Jaccard
similarity of character 3-grams, because unverified candidates cost good rows.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np
from rensa import RMinHash

from course_lib.cleaning.normalise import jaccard, letters, trigrams
from course_lib.cleaning.rule import Found, Messages, SetCheck, answers, prompt

THRESHOLD = 0.8
_BANDS, _ROWS = 16, 4
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*\n?")


def candidate_pairs(texts: Sequence[str], seed: int = 0) -> Iterator[tuple[int, int]]:
    """Propose pairs of texts that may be alike, each pair once, in no time quadratic in rows.

    Args:
        texts: The texts to compare.
        seed: Seed of the hash functions.

    Yields:
        Positions (i, j), i < j. With 16 bands of 4 hashes a pair at similarity .8 is proposed
        with probability .9998, a pair at .4 with .34 (which is why callers verify).

    Example:
        >>> list(candidate_pairs(["my tent", "my tent", "stove"]))
        [(0, 1)]
    """
    copies: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        copies[text].append(position)
    for members in copies.values():
        # Copies of one text pair up with the first alone: a thousand copies, not a million pairs.
        yield from ((members[0], other) for other in members[1:])
    unique = list(copies)
    for one, two in _banded_pairs(unique, seed):
        here, there = copies[unique[one]], copies[unique[two]]
        pairs = {(here[0], other) for other in there} | {(there[0], other) for other in here}
        yield from {(min(pair), max(pair)) for pair in pairs}


def _banded_pairs(texts: list[str], seed: int) -> Iterator[tuple[int, int]]:
    if len(texts) < 2:
        return
    sketches = RMinHash.digest_matrix_from_token_sets(
        [sorted(trigrams(text)) for text in texts], _BANDS * _ROWS, seed
    )
    matrix = np.asarray(sketches.to_rows(), dtype=np.uint32)
    proposed: set[tuple[int, int]] = set()
    for band in range(_BANDS):
        buckets: dict[bytes, list[int]] = defaultdict(list)
        part = np.ascontiguousarray(matrix[:, band * _ROWS : (band + 1) * _ROWS])
        for position, row in enumerate(part):
            buckets[row.tobytes()].append(position)
        for members in buckets.values():
            for pair in combinations(members, 2):
                if pair not in proposed:
                    proposed.add(pair)
                    yield pair


def near_pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> list[tuple[int, int]]:
    """Pairs of texts whose character 3-grams overlap by at least `threshold`, verified.

    Args:
        texts: The texts to compare.
        threshold: Jaccard similarity, 0 to 1. At .8 a changed word or two is forgiven.

    Returns:
        Positions (i, j), i < j, sorted.

    Example:
        >>> near_pairs(["Where is my blue tent?", "where is my blue tent", "Any stoves?"])
        [(0, 1)]
    """
    found = (p for p in candidate_pairs(texts) if jaccard(texts[p[0]], texts[p[1]]) >= threshold)
    return sorted(found)


def whole(messages: Messages) -> str:
    """What two rows must share to be duplicates: everything said, system message aside."""
    return "\n".join(m["content"] for m in messages if m["role"] != "system")


def exact_duplicates(sets: list[Messages]) -> dict[int, Found]:
    """Find rows that say, letter for letter, what an earlier row says."""
    first: dict[tuple[tuple[str, str], ...], int] = {}
    found: dict[int, Found] = {}
    for position, messages in enumerate(sets):
        key = tuple((message["role"], message["content"].strip()) for message in messages)
        if key in first:
            found[position] = Found("letter for letter the same as an earlier row", first[key])
        else:
            first[key] = position
    return found


def near_duplicates(sets: list[Messages]) -> dict[int, Found]:
    """Find rows that nearly repeat an earlier row that stays.

    A row is measured against rows that stay, not against rows that fall: a chain of small
    changes must not carry off rows that are unlike the first.
    """
    texts = [whole(messages) for messages in sets]
    partners: dict[int, list[int]] = defaultdict(list)
    for first, second in near_pairs(texts):
        if _same_row(sets[first], sets[second]):
            partners[second].append(first)
    found: dict[int, Found] = {}
    for position in sorted(partners):
        kept = next((other for other in partners[position] if other not in found), None)
        if kept is not None:
            alike = jaccard(texts[kept], texts[position])
            found[position] = Found(f"{alike:.0%} the same as an earlier row", kept)
    return found


def _same_row(first: Messages, second: Messages) -> bool:
    """Tell a repeated row from a sibling: another question with the same answer or passage."""
    if letters(whole(first)) == letters(whole(second)):
        return True
    if jaccard(prompt(first), prompt(second)) < 0.6:
        return False  # the same stock answer to another question
    if not _close(answers(first)[-1:], answers(second)[-1:]):
        return False
    one, two = _without_shared(prompt(first), prompt(second))
    if min(len(one), len(two)) < 40:
        return True
    # Two questions about one passage differ in a word ("screen 1", "screen 2") and in their
    # answer letter, or by chance not even in that: with labels only sameness counts.
    if _is_label(first) and _is_label(second) and len(prompt(first)) - len(one) >= 120:
        return False
    return jaccard(one, two) >= 0.6


def _is_label(messages: Messages) -> bool:
    return len(answers(messages)[-1]) < 12


def _close(first: list[str], second: list[str]) -> bool:
    # Short answers are labels: A is not nearly B.
    if max(map(len, [*first, *second])) < 12:
        return [letters(text) for text in first] == [letters(text) for text in second]
    return jaccard("".join(first), "".join(second)) >= 0.5


def _without_shared(first: str, second: str) -> tuple[str, str]:
    """What is left of two texts when the long sentences that both contain are taken out."""
    one, two = (_SENTENCE.findall(text) for text in (first, second))
    shared = {sentence.strip() for sentence in one} & {sentence.strip() for sentence in two}
    shared = {sentence for sentence in shared if len(sentence) >= 40}
    rest = ["".join(s for s in side if s.strip() not in shared) for side in (one, two)]
    return rest[0].strip(), rest[1].strip()


EXACT = SetCheck(
    name="exact_duplicate",
    reason="A row trained twice counts double and leaks between training and test.",
    before="the same question and answer as an earlier row",
    after=None,
    check_all=exact_duplicates,
)

NEAR = SetCheck(
    name="near_duplicate",
    reason="A row that differs by a comma is still the same row.",
    before="Where's my tent?? / It ships today!",
    after=None,
    check_all=near_duplicates,
)
