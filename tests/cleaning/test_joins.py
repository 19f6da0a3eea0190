"""The exact joins: the same pairs as comparing each with each, at every threshold."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.cleaning.joins import merged
from course_lib.cleaning.normalise import jaccard, normalised
from course_lib.cleaning.passages import (
    boilerplate,
    passage_pairs,
    sentences,
    shared_passages,
)
from course_lib.cleaning.similarity import bare, similar_groups, similar_pairs

# Few letters, so that chance makes texts of every similarity; some Japanese, some odd ones.
LETTERS = "abc de. テント?é"
TEXTS = st.lists(st.text(LETTERS, max_size=24).map(normalised), max_size=14)
THRESHOLDS = st.sampled_from([0.1, 0.3, 0.5, 0.55, 0.7, 0.8, 0.9, 1.0])


def _variants(count: int, seed: int) -> list[str]:
    """Sentences and copies of them with a letter or two changed: every similarity occurs."""
    draw = random.Random(seed)
    texts: list[str] = []
    while len(texts) < count:
        if texts and draw.random() < 0.6:
            letters = list(draw.choice(texts))
            for _ in range(draw.randint(1, 3)):
                letters[draw.randrange(len(letters))] = draw.choice("abcdeテ ")
            texts.append("".join(letters))
        else:
            texts.append("".join(draw.choices("abcdefghij テントは", k=draw.randint(3, 40))))
    return [normalised(text) for text in texts]


def _joined(size: int, pairs: list[tuple[int, int]]) -> list[int]:
    """Groups by brute force: spread the smallest position until nothing changes."""
    labels = list(range(size))
    changed = True
    while changed:
        changed = False
        for one, two in pairs:
            least = min(labels[one], labels[two])
            changed = changed or labels[one] != least or labels[two] != least
            labels[one] = labels[two] = least
    return labels


@settings(max_examples=300, deadline=None, derandomize=True)
@given(TEXTS, TEXTS, THRESHOLDS)
def test_no_similar_pair_is_missed_or_invented(
    first: list[str], second: list[str], threshold: float
) -> None:
    pairs, similarity = similar_pairs(first, second, threshold)
    expected = {
        (i, j): jaccard(one, two)
        for i, one in enumerate(first)
        for j, two in enumerate(second)
        if one and two and jaccard(one, two) >= threshold
    }
    assert dict(zip(zip(*pairs.tolist(), strict=True), similarity.tolist(), strict=True)) == (
        expected
    )
    assert pairs.T.tolist() == sorted(pairs.T.tolist())


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.8, 0.9])
def test_pairs_of_a_larger_set_are_those_of_brute_force(threshold: float) -> None:
    first, second = _variants(300, 1), _variants(200, 1)
    pairs, _ = similar_pairs(first, second, threshold)
    expected = [
        [i, j]
        for i, one in enumerate(first)
        for j, two in enumerate(second)
        if jaccard(one, two) >= threshold
    ]
    assert len(expected) > 100
    assert pairs.T.tolist() == expected


@settings(max_examples=200, deadline=None, derandomize=True)
@given(TEXTS, THRESHOLDS)
def test_groups_are_what_similar_pairs_connect(texts: list[str], threshold: float) -> None:
    pairs = [
        (i, j)
        for (i, one), (j, two) in combinations(enumerate(texts), 2)
        if jaccard(one, two) >= threshold
    ]
    assert similar_groups(texts, threshold).tolist() == _joined(len(texts), pairs)


@pytest.mark.parametrize(
    "outsider",
    [
        "here is parcel number 0007 of my large orde",
        "a where is parcel number 0007 of my large order a",
    ],
)
def test_large_groups_are_compared_with_the_rest(outsider: str) -> None:
    # More than 500 alike are taken as one block, against what is shorter and what is longer. The
    # filler keeps the outsider from being a neighbour in the alphabet, read from either end.
    block = [f"where is parcel number {n:04} of my large order" for n in range(700)]
    filler = "i am unlike anything from them"
    for end in (1, -1):
        assert sorted([outsider[::end], filler[::end], block[7][::end]])[1] == filler[::end]
    assert max(jaccard(outsider, text) for text in block) >= 0.8
    assert similar_groups([filler, *block, outsider], 0.8).tolist() == [0, *[1] * 701]


def test_known_groups_are_kept() -> None:
    labels = np.array([0, 1, 0, 1])
    assert similar_groups(["a tent", "a stove", "a lamp", "a tent"], 0.9, labels).tolist() == [
        0,
        0,
        0,
        0,
    ]


@pytest.mark.parametrize("threshold", [0.0, -1.0, 1.5])
def test_a_threshold_out_of_range_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        similar_pairs(["a"], ["a"], threshold)


def test_nothing_and_next_to_nothing() -> None:
    assert similar_pairs([], [], 0.8)[0].shape == (2, 0)
    assert similar_pairs([""], ["", "a"], 0.8)[0].shape == (2, 0)
    assert similar_pairs(["a", "ab"], ["ab", "b"], 0.8)[0].tolist() == [[1], [0]]
    assert similar_groups([], 0.8).tolist() == []
    assert similar_groups(["", "a", ""], 0.8).tolist() == [0, 1, 0]
    assert similar_pairs(["\ud800abc"], ["\ud800abc"], 1.0)[0].tolist() == [[0], [0]]


def test_bare_texts_keep_what_is_part_of_a_word() -> None:
    assert bare("I’ve got  １２ PINs!") == "ive got 12 pins"
    assert bare("हिन्दी में।") == "हिन्दी में"
    assert bare("ガイド、テント。") == "ガイドテント"
    assert bare("👍") != bare("?")
    assert bare(bare("Where's  my TENT?!")) == bare("Where's  my TENT?!")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
def test_merged_labels_name_the_first_of_each_group(pairs: list[tuple[int, int]]) -> None:
    table = np.array(pairs, np.int64).reshape(-1, 2).T
    assert merged(np.arange(10), table).tolist() == _joined(10, pairs)


def _reading(seed: int) -> list[str]:
    """Texts that share some of 12 sentences, among them commonplaces that most of them hold."""
    draw = random.Random(seed)
    said = [
        "".join(draw.choices("abcdefgh ", k=draw.randint(18, 70))).strip() + "x" for _ in range(12)
    ]
    weights = [9, 7, *[1] * 10]
    return [
        "。".join(draw.choices(said, weights, k=draw.randint(1, 6))) + f". Question {n}?"
        for n in range(30)
    ]


@pytest.mark.parametrize("seed", range(25))
def test_passages_are_those_of_brute_force(seed: int) -> None:
    texts = _reading(seed)
    common = boilerplate(texts)
    said = [set(sentences(text)) - common for text in texts]
    pairs = [
        (i, j)
        for (i, one), (j, two) in combinations(enumerate(said), 2)
        if sum(map(len, one & two)) >= 120
    ]
    assert shared_passages(texts).tolist() == _joined(len(texts), pairs)
    across = [[i, j - 12] for i, j in pairs if i < 12 <= j]
    assert passage_pairs(texts[:12], texts[12:], common).T.tolist() == across


def test_a_quoted_sentence_does_not_hide_a_passage() -> None:
    passage = [f"the {word} stands in the {word} house by the road" for word in ("red", "old")]
    passage.append("nobody but the miller has ever crossed the bridge at night")
    whole = ". ".join(passage)
    quoted = passage[0]
    texts = [f"{whole}. Who?", f"{quoted}. What of it?", f"{whole}. When?"]
    assert shared_passages(texts).tolist() == [0, 1, 0]


def test_an_instruction_is_no_passage_and_a_long_sentence_is_one() -> None:
    instruction = "Read the following message of a customer with care and name its intent " * 2
    assert shared_passages([f"{instruction}. Item {n}" for n in range(20)]).tolist() == (
        list(range(20))
    )
    assert shared_passages([instruction, "Hello", instruction + ". Why?"]).tolist() == [0, 1, 0]
    japanese = "この町の古い図書館は、毎週火曜日と金曜日の午後にだけ開いており、" * 4
    assert shared_passages([f"{japanese}。なぜ？", "はい", f"{japanese}。いつ？"]).tolist() == [
        0,
        1,
        0,
    ]
