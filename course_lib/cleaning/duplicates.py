"""Exact and near duplicates.

Repeated rows are trained several times over and, split between training and test, they turn
the test into a memory game. Near duplicates are found in two steps: MinHash bands (rensa)
propose candidates in linear time, and each candidate is then *verified* by the exact Jaccard
similarity of character 3-grams, because unverified candidates cost good rows.

The exact join of `similarity.py` misses nothing at all, but every text must be held against those
that share some rare 3-grams with it: of 20,000 short chats in the same time, of 200,000 in
seventeen times as much (77 s instead of 4.5). A leaked test question is worth that; a repeated row
in a thousand is not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash

from course_lib.cleaning.calls import calls, results, said
from course_lib.cleaning.normalise import jaccard, letters, normalised, packed_trigrams
from course_lib.cleaning.rule import Found, Messages, SetCheck, answers, prompt
from course_lib.errors import CourseError

THRESHOLD = 0.8
_HASHES = 100
_SURE = 0.999  # a pair at the threshold is proposed with at least this probability
_LARGE = 64
_CHUNK = 1_000  # so many fit into a processor's cache: twice as fast as 20,000
_SENTENCE = re.compile(r"[^.!?。！？\n]+[.!?。！？]*\n?")


def bands(threshold: float) -> tuple[int, int]:
    """Choose how a MinHash sketch is cut into bands: the longest that lose next to nothing.

    A pair of similarity s agrees in a band of r hashes with probability s^r, and so in at least
    one of b bands with 1 - (1 - s^r)^b (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets,
    3.4). Long bands propose fewer pairs that are not alike.

    Args:
        threshold: The similarity that must not be missed.

    Returns:
        Number of bands and hashes a band; together at most 100 hashes.

    Example:
        >>> bands(0.8), bands(0.7)
        ((20, 5), (33, 3))
    """
    for rows in range(10, 1, -1):
        count = _HASHES // rows
        if 1 - (1 - threshold**rows) ** count >= _SURE:
            return count, rows
    return _HASHES, 1


def sketches(texts: Sequence[str], seed: int = 0) -> NDArray[np.uint16]:
    """Sketch every text by the smallest hashes of its character 3-grams (MinHash).

    Args:
        texts: The texts.
        seed: Seed of the hash functions.

    Returns:
        One row of 100 hashes a text. Two texts agree in each with a probability that is their
        Jaccard similarity.

    Example:
        >>> one, other = sketches(["Where is my tent?", "where is  my TENT?"])
        >>> bool((one == other).all())
        True
    """
    parts = [np.empty((0, _HASHES), np.uint16)]
    for start in range(0, len(texts), _CHUNK):
        hashes, offsets = _hashed_trigrams(texts[start : start + _CHUNK])
        rows = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, _HASHES, seed)
        # The lower half of each hash: two unequal ones agree in it once in 65,536 times.
        parts.append(np.array(rows.to_rows(), dtype=np.uint32).astype(np.uint16))
    return np.concatenate(parts)


def _hashed_trigrams(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The 3-grams of all texts as one array of 64-bit hashes, and where each text begins."""
    hashes, counts = packed_trigrams([normalised(text).ljust(3, "\0") for text in texts])
    # Fibonacci hashing (Knuth, TAOCP 6.4) and a fold: the grams of one script differ in few bits.
    hashes *= np.uint64(0x9E3779B97F4A7C15)
    hashes ^= hashes >> np.uint64(32)
    return hashes, np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)


def likely_pairs(
    matrix: NDArray[np.uint16], threshold: float = THRESHOLD
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of sketches that agree in a band and, by all hashes, may reach a threshold.

    Args:
        matrix: What `sketches` returned.
        threshold: Jaccard similarity, 0 to 1. A pair stays if its share of equal hashes is at
            most five standard errors below it.

    Returns:
        Positions of the first and of the second members, sorted, each pair once.

    Example:
        >>> [part.tolist() for part in likely_pairs(sketches(["my tent", "my tent", "stove"]))]
        [[0], [1]]
    """
    count, rows = bands(threshold)
    least = threshold - 5 * (threshold * (1 - threshold) / _HASHES) ** 0.5
    size = len(matrix)
    found = [np.empty(0, np.int64)]
    for band in range(count):
        columns = [(band * rows + extra) % _HASHES for extra in range(rows + 4)]
        for one, other in _bucket_pairs(matrix, columns, rows):
            for start in range(0, len(one), 500_000):
                here, there = one[start : start + 500_000], other[start : start + 500_000]
                alike = (matrix[here] == matrix[there]).mean(axis=1) >= least
                found.append(here[alike] * size + there[alike])
        if sum(map(len, found)) > 4_000_000:
            found = [np.unique(np.concatenate(found))]
    codes = np.unique(np.concatenate(found))
    return codes // max(size, 1), codes % max(size, 1)


def _bucket_pairs(
    matrix: NDArray[np.uint16], columns: list[int], rows: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """All pairs within the buckets of one band.

    A bucket of hundreds is cut up by further hashes. What then still stands together in hundreds
    is nearly the same text: each member is paired with the first and with the one before it.
    """
    keys = np.zeros(len(matrix), np.uint64)
    positions = np.arange(len(matrix))
    for number, column in enumerate(columns, start=1):
        keys = (keys ^ matrix[positions, column]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
        if number < rows:
            continue
        order = np.argsort(keys, kind="stable")
        keys, positions = keys[order], positions[order]
        starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        sizes = np.diff(np.append(starts, len(keys)))
        last = number == len(columns)
        for size in np.unique(sizes[(sizes > 1) & (sizes <= _LARGE)]):
            members = positions[starts[sizes == size][:, None] + np.arange(size)]
            one, other = np.triu_indices(size, 1)
            yield members[:, one].ravel(), members[:, other].ravel()
        large = sizes > _LARGE
        if not large.any():
            return
        if last:
            for start, size in zip(starts[large], sizes[large], strict=True):
                members = positions[start : start + size]
                yield np.repeat(members[:1], size - 1), members[1:]
                yield members[1:-1], members[2:]
        inside = np.repeat(large, sizes)
        keys, positions = keys[inside], positions[inside]


def candidate_pairs(
    texts: Sequence[str], threshold: float = THRESHOLD, seed: int = 0
) -> Iterator[tuple[int, int]]:
    """Propose pairs of texts that may be alike, each pair once, in no time quadratic in rows.

    Args:
        texts: The texts to compare.
        threshold: The similarity that must not be missed; see `bands`.
        seed: Seed of the hash functions.

    Yields:
        Positions (i, j), i < j. Not every pair is as alike as the threshold: callers verify.

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
    for one, two in zip(*likely_pairs(sketches(unique, seed), threshold), strict=True):
        here, there = copies[unique[one]], copies[unique[two]]
        pairs = {(here[0], other) for other in there} | {(there[0], other) for other in here}
        yield from {(min(pair), max(pair)) for pair in pairs}


def near_pairs(texts: Sequence[str], threshold: float = THRESHOLD) -> list[tuple[int, int]]:
    """Pairs of texts whose character 3-grams overlap by at least `threshold`, verified.

    Args:
        texts: The texts to compare.
        threshold: Jaccard similarity, 0 to 1. At .8 a changed word or two is forgiven.

    Returns:
        Positions (i, j), i < j, sorted. Copies of one text are paired with the first of them.

    Example:
        >>> near_pairs(["Where is my blue tent?", "where is my blue tent", "Any stoves?"])
        [(0, 1)]
    """
    found = candidate_pairs(texts, threshold)
    return sorted((i, j) for i, j in found if jaccard(texts[i], texts[j]) >= threshold)


def whole(messages: Messages) -> str:
    """What two rows must share to be duplicates: everything said, system message aside."""
    return "\n".join(said(m) for m in messages if m["role"] != "system")


def exact_duplicates(sets: list[Messages]) -> dict[int, Found]:
    """Find rows that say, letter for letter, what an earlier row says."""
    first: dict[tuple[tuple[str, str], ...], int] = {}
    found: dict[int, Found] = {}
    for position, messages in enumerate(sets):
        key = tuple((message["role"], said(message).strip()) for message in messages)
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
    return _near("both", sets)


Field = Literal["both", "prompt", "answer"]
_FIELDS: dict[Field, Callable[[Messages], str]] = {
    "both": whole,
    "prompt": prompt,
    "answer": lambda messages: "\n".join(said(m) for m in messages if m["role"] == "assistant"),
}


def near_rule(field: Field = "both") -> SetCheck:
    """Build the rule that finds near duplicates.

    Args:
        field: What must be alike: "both" (a repeated row, while another question with the same
            stock answer is none), "prompt" (one row a question), "answer" (one row an answer).

    Returns:
        The rule. Its facts are the sketches of the rows, as bytes.

    Raises:
        CourseError: There is no such field.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat("Where is my tent?", "It ships."), chat("Where is my tent??", "No idea.")]
        >>> list(near_rule("prompt").check_all(rows)), list(near_rule().check_all(rows))
        ([1], [])
    """
    if field not in _FIELDS:
        raise CourseError(f"duplicates are sought in one of {', '.join(_FIELDS)}, not {field!r}.")
    return replace(NEAR, check_all=partial(_near, field), facts=partial(_sketched, field))


def _sketched(field: Field, sets: list[Messages]) -> list[bytes]:
    return [row.tobytes() for row in sketches([_FIELDS[field](messages) for messages in sets])]


def _near(
    field: Field, sets: list[Messages], sketched: Sequence[bytes] | None = None
) -> dict[int, Found]:
    sketched = _sketched(field, sets) if sketched is None else sketched
    matrix = np.frombuffer(b"".join(sketched), np.uint16).reshape(-1, _HASHES)
    one, other = likely_pairs(matrix)
    found: dict[int, Found] = {}
    # Sorted so that whether the first of a pair stays is settled before the second is asked.
    order = np.lexsort((one, other))
    for first, second in zip(one[order].tolist(), other[order].tolist(), strict=True):
        if first in found or second in found:
            continue
        alike = jaccard(_FIELDS[field](sets[first]), _FIELDS[field](sets[second]))
        if alike >= THRESHOLD and (field != "both" or _same_row(sets[first], sets[second])):
            found[second] = Found(f"{alike:.0%} the same as an earlier row", first)
    return found


def _same_row(first: Messages, second: Messages) -> bool:
    """Tell a repeated row from a sibling: another question with the same answer or passage."""
    if results(first) != results(second) or _calls(first) != _calls(second):
        return False  # the same words about another order
    if letters(whole(first)) == letters(whole(second)) and _close(answers(first), answers(second)):
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


def _calls(messages: Messages) -> list[str]:
    return [said({**message, "content": ""}) for message in messages if calls(message)]


def _is_label(messages: Messages) -> bool:
    # A row that was put back may have no answer.
    return all(len(answer) < 12 for answer in answers(messages)[-1:])


def _close(first: list[str], second: list[str]) -> bool:
    # Short answers are labels: A is not nearly B.
    if max(map(len, [*first, *second]), default=0) < 12:
        return [letters(text) or text for text in first] == [
            letters(text) or text for text in second
        ]
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
    settled=True,  # no two of the rows that it leaves are the same
)

NEAR = SetCheck(
    name="near_duplicate",
    reason="A row that differs by a comma is still the same row.",
    before="Where's my tent?? / It ships today!",
    after=None,
    check_all=near_duplicates,
)
