"""Splits: no group on two sides, the same split for the same seed, no old row that moves."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.cleaning import clean, contaminated_rows, split
from course_lib.cleaning.allocation import allocate, quotas
from course_lib.cleaning.continuity import settle
from course_lib.cleaning.duplicates import near_pairs
from course_lib.cleaning.groups import asked, strata
from course_lib.cleaning.normalise import jaccard
from course_lib.cleaning.rule import Messages, chat
from course_lib.cleaning.similarity import bare
from course_lib.cleaning.split_command import main
from course_lib.cleaning.splits import assignment, group_labels, shares
from course_lib.errors import CourseError
from course_lib.formats import read, to_dataset, write_jsonl

SYLLABLES = ["ka", "lo", "mi", "ten", "ru", "sha", "vo", "pel", "nu", "dri", "gos", "wex"]
INSTRUCTION = "Read the passage with care and answer with one letter of the alphabet only."


def _reading_test(folder: Path) -> Path:
    """Twelve passages with four questions each, in the shape of an OpenAI evals file."""
    rows = []
    draw = random.Random(0)
    for number in range(12):
        # Invented words: passages that differ as much as real ones do.
        words = ["".join(draw.choices(SYLLABLES, k=3)) for _ in range(30)]
        passage = f"Passage: {' '.join(words[:15])}. {' '.join(words[15:])}."
        for question in ("walks first", "rests last", "carries the tent", "has no boots"):
            text = f"{passage}Question: Which one of the hikers {question}?\nA. X\nB. Y\nAnswer:"
            system = {"role": "system", "content": INSTRUCTION}
            rows.append(
                {"input": [system, {"role": "user", "content": text}], "ideal": "AB"[number % 2]}
            )
    return write_jsonl(rows, folder / "reading.jsonl")


def test_no_passage_is_on_two_sides(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = _reading_test(tmp_path)
    report = clean(path)
    assert report.summary["kept"] == 48
    report.save(tmp_path / "clean")
    out = tmp_path / "split"
    kept = str(tmp_path / "clean" / "kept.jsonl")
    assert main([kept, "--out", str(out), "--json", "--group", "passage"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["groups"] == 12
    assert result["contaminated"] == 0
    assert result["train"] + result["validation"] + result["test"] == 48
    sides = {
        name: {
            row.messages[1]["content"].split()[1]
            for row in read(out / f"{name}.jsonl").rows
            if row.messages
        }
        for name in ("train", "validation", "test")
    }
    assert not sides["train"] & (sides["validation"] | sides["test"])
    assert all(sides.values())


def test_a_random_split_is_seen_to_leak(tmp_path: Path) -> None:
    dataset = clean(_reading_test(tmp_path)).kept
    parts = dataset.train_test_split(test_size=0.2, seed=0)
    assert contaminated_rows(parts) == parts["test"].num_rows


def test_groups_of_a_column_stay_together_and_seeds_decide() -> None:
    words = ["tent", "stove", "lamp", "rope", "boot", "cup", "map", "hat", "bag", "pan"]
    rows = [
        {"messages": chat(f"Is the {word} number {n * 37} in stock?", word), "customer": n % 7}
        for word in words
        for n in range(7)
    ]
    dataset = to_dataset(rows)
    parts = split(dataset, group="customer", seed=3)
    seen = [set(part["customer"]) for part in parts.values()]
    assert sum(map(len, seen)) == 7
    assert {name: part["customer"][:] for name, part in parts.items()} == {
        name: part["customer"][:] for name, part in split(dataset, group="customer", seed=3).items()
    }
    with pytest.raises(CourseError, match="no column 'shop'"):
        split(dataset, group="shop")
    with pytest.raises(CourseError, match="add up to 1"):
        split(dataset, fractions=(0.5, 0.1, 0.1))


def _sentence(draw: random.Random, words: int = 6) -> str:
    return " ".join("".join(draw.choices(SYLLABLES, k=3)) for _ in range(words))


def _rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Chats of which a third are reworded copies, with a label, a language and a customer."""
    draw = random.Random(seed)
    texts: list[str] = []
    for _ in range(count):
        if texts and draw.random() < 0.3:
            texts.append(draw.choice(texts) + draw.choice(["?", "!", " ok", "？"]))
        elif draw.random() < 0.3:
            texts.append("".join(draw.choices("テントはどこでいつ買えますか返品修理山川", k=14)))
        else:
            texts.append(_sentence(draw))
    return [
        {
            "messages": chat(text, draw.choice("AAAABBC")),
            "customer": draw.choice([None, *range(400)]),
            "shop": draw.choice(["Kyoto", "Nara"]),
        }
        for text in texts
    ]


def _sides(parts: datasets.DatasetDict) -> dict[str, str]:
    """The side of each row by the text of its question, which must be unique to be asked for."""
    return {
        json.dumps(messages, sort_keys=True): name
        for name, part in parts.items()
        for messages in part["messages"]
    }


def test_no_pair_that_is_alike_is_torn_apart_and_no_row_is_lost() -> None:
    dataset = to_dataset(_rows(600))
    parts = split(dataset, group="customer")
    assert sum(part.num_rows for part in parts.values()) == 600
    assert contaminated_rows(parts) == 0
    side = assignment(dataset, group="customer")["side"]
    assert side.value_counts().to_dict() == {name: part.num_rows for name, part in parts.items()}
    pairs = near_pairs([asked(messages) for messages in dataset["messages"]])
    assert len(pairs) > 100
    assert all(side[one] == side[two] for one, two in pairs)
    customers = [{c for c in part["customer"] if c is not None} for part in parts.values()]
    assert len(set.union(*customers)) == sum(map(len, customers))


def test_the_order_of_rows_does_not_matter_and_the_seed_does() -> None:
    rows = _rows(300)
    parts = _sides(split(to_dataset(rows)))
    shuffled = random.Random(1).sample(rows, len(rows))
    assert _sides(split(to_dataset(shuffled))) == parts
    assert _sides(split(to_dataset(rows), seed=1)) != parts


def test_rows_of_a_side_stay_in_their_order() -> None:
    dataset = to_dataset([{**row, "n": n} for n, row in enumerate(_rows(120))])
    for part in split(dataset).values():
        assert part["n"][:] == sorted(part["n"])


@pytest.mark.parametrize("stratify", ["label", "language", "shop", ["label", "language"]])
def test_every_stratum_is_divided_as_asked(stratify: str | list[str]) -> None:
    dataset = to_dataset(_rows(900))
    parts = split(dataset, stratify=stratify)
    table = shares(parts, stratify=stratify)
    assert table["rows"].sum() == 900
    assert set(table["stratum"]) == set(strata(dataset, stratify)) != {""}
    # Groups of two or three rows with several labels: a row or two off, no more.
    assert table["off"].abs().max() <= 2
    assert (table["rows"][table["asked"] >= 3] > 0).all()
    whole = shares(parts)
    assert whole["off"].abs().max() <= 1
    plain = shares(split(dataset), stratify=stratify)
    assert plain["off"].abs().max() > table["off"].abs().max()


def test_a_column_goes_before_the_label_and_missing_values_are_a_stratum() -> None:
    rows = [{"messages": chat("Why?", "A"), "label": label} for label in ("x", None, "")]
    assert strata(to_dataset(rows), "label") == ["x", "(none)", "(none)"]
    told = [{"messages": chat("どこでテントを買えますか？", answer)} for answer in ("A ", "")]
    assert strata(to_dataset(told), ["label", "language"]) == ["A, ja", "(none), ja"]
    with pytest.raises(CourseError, match=r"no column 'topic' to stratify by.*last answer"):
        split(to_dataset(told), stratify="topic")


def test_free_answers_as_labels_still_fill_every_side() -> None:
    draw = random.Random(0)
    rows = [{"messages": chat(_sentence(draw), _sentence(draw))} for _ in range(200)]
    parts = split(to_dataset(rows), stratify="label")
    assert {name: part.num_rows for name, part in parts.items()} == {
        "train": 160,
        "validation": 20,
        "test": 20,
    }


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=30),
    st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.25, 0.25), (0.9, 0, 0.1), (0, 0.5, 0.5), (1, 0, 0)]),
)
def test_quotas_add_up_in_both_directions(
    counts: list[int], fractions: tuple[float, float, float]
) -> None:
    rows = np.array(counts)
    wanted = quotas(rows, fractions)
    assert (wanted >= 0).all()
    assert wanted.sum(axis=0).tolist() == counts
    for side, fraction in zip(wanted, fractions, strict=True):
        assert abs(side.sum() - fraction * rows.sum()) < 1.001
        assert (abs(side - fraction * rows) < 2).all()
        assert fraction > 0 or not side.any()


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(
        st.dictionaries(st.integers(0, 2), st.integers(1, 7), min_size=1, max_size=3),
        min_size=3,
        max_size=25,
    ),
    st.sampled_from([(0.8, 0.1, 0.1), (0.4, 0.3, 0.3), (0.1, 0.8, 0.1)]),
)
def test_each_group_gets_a_side_and_no_side_is_empty(
    groups: list[dict[int, int]], fractions: tuple[float, float, float]
) -> None:
    sides = allocate(groups, fractions, np.zeros((3, 3), np.int64))
    assert len(sides) == len(groups)
    assert set(sides) == {0, 1, 2}


def test_swaps_reach_what_taking_alone_does_not() -> None:
    # Six rows are wanted. The first group fits, and then neither of five does: 6 = 5 + 1 or 6.
    groups = [{0: 4}, {0: 5}, {0: 5}, {0: 1}, {0: 9}, {0: 36}]
    sides = allocate(groups, (0.9, 0, 0.1), np.zeros((3, 1), np.int64))
    assert sum(group[0] for group, side in zip(groups, sides, strict=True) if side == 2) == 6


def test_a_group_larger_than_a_side_goes_to_train() -> None:
    draw = random.Random(0)
    rows = [{"messages": chat(f"Where is my tent{'?' * n}", str(n))} for n in range(1, 61)]
    rows += [{"messages": chat(_sentence(draw), "A")} for _ in range(40)]
    parts = split(to_dataset(random.Random(0).sample(rows, 100)))
    assert {name: part.num_rows for name, part in parts.items()} == {
        "train": 80,
        "validation": 10,
        "test": 10,
    }
    assert sum("tent" in asked(m) for m in parts["train"]["messages"]) == 60
    # So large that the others come out too large or too small: said, not hidden.
    few = split(to_dataset([*rows[:60], *rows[60:62]]))
    assert [part.num_rows for part in few.values()] == [60, 1, 1]
    assert shares(few)["off"].round(1).tolist() == [10.4, -5.2, -5.2]


def test_all_alike_two_rows_and_no_rows() -> None:
    twins = to_dataset([{"messages": chat("Where is my tent?", str(n))} for n in range(9)])
    with pytest.raises(CourseError, match=r"9 rows make 1 independent groups, too few for 3 sets"):
        split(twins)
    assert split(twins, fractions=(1, 0, 0))["train"].num_rows == 9
    two = to_dataset([{"messages": chat(text, "A")} for text in ("Where is it?", "Any stoves?")])
    with pytest.raises(CourseError, match="2 independent groups"):
        split(two)
    halves = split(two, fractions=(0.5, 0, 0.5))
    assert [halves[name].num_rows for name in ("train", "validation", "test")] == [1, 0, 1]
    with pytest.raises(CourseError, match="the dataset is empty"):
        split(two.select([]))


def test_empty_questions_are_compared_by_what_is_said_otherwise() -> None:
    draw = random.Random(0)
    told: list[Messages] = [
        [{"role": "user", "content": ""}, {"role": "assistant", "content": _sentence(draw)}]
        for _ in range(30)
    ]
    spoken: list[Messages] = [[{"role": "assistant", "content": _sentence(draw)}]]
    empty: list[Messages] = [chat("", ""), chat("  ", "")]
    dataset = to_dataset([{"messages": row} for row in (*told, *spoken, told[3], *empty)])
    labels = group_labels(dataset)
    assert labels == [*range(31), 3, 32, 32]
    assert contaminated_rows(split(dataset)) == 0


def test_what_is_no_dataset_of_conversations_is_refused() -> None:
    with pytest.raises(CourseError, match=r"no column 'messages'.*text"):
        split(datasets.Dataset.from_dict({"text": ["Hi"]}))
    parts = split(to_dataset(_rows(50)))
    with pytest.raises(CourseError, match=r"no column 'messages'.*train"):
        split(parts)
    with pytest.raises(CourseError, match=r"Row 1 \(counted from 0\) has no messages"):
        split(to_dataset([{"messages": chat("Hi", "Ho")}, {"messages": None}]))
    with pytest.raises(CourseError, match="no 'train' among the parts test"):
        contaminated_rows(datasets.DatasetDict(test=parts["test"]))
    for fractions in ((0.5, 0.1, 0.1), (1.2, -0.1, -0.1), (0.5, 0.5)):
        with pytest.raises(CourseError, match="three shares that add up to 1"):
            split(parts["train"], fractions=fractions)  # type: ignore[arg-type]


def test_missing_values_of_the_group_tie_nothing() -> None:
    draw = random.Random(0)
    values = [None, "", " ", float("nan"), 7, "7", [7], [7], {"a": 1}]
    labels = []
    for value in values:
        rows = [{"messages": chat(_sentence(draw), "A"), "who": value} for _ in range(2)]
        labels.append(group_labels(to_dataset(rows), "who"))
    assert labels == [[0, 1]] * 4 + [[0, 0]] * 5
    mixed = to_dataset(
        [{"messages": chat(_sentence(draw), "A"), "who": who} for who in (7, "7", 7, [7])]
    )
    assert group_labels(mixed, "who") == [0, 1, 0, 3]


# Rows that come later.


def _grown(old: list[dict[str, Any]], new: list[dict[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The new rows put among the old at random places."""
    draw = random.Random(seed)
    rows = list(old)
    for row in new:
        rows.insert(draw.randint(0, len(rows)), row)
    return rows


@pytest.mark.parametrize("count", [1, 10, 1000])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_old_row_moves_when_rows_are_added_anywhere(count: int, seed: int) -> None:
    old = [{**row, "n": n} for n, row in enumerate(_rows(400, seed))]
    parts = split(to_dataset(old), group="customer", stratify="label", seed=seed)
    draw = random.Random(seed + 9)
    new: list[dict[str, Any]] = [{**row, "n": -1} for row in _rows(count, seed + 100)]
    for row in new:
        # Copies, rows like old ones, and bridges from one old row to the customer of another.
        kind, like = draw.randrange(4), draw.choice(old)
        if kind:
            text = asked(like["messages"]) + draw.choice(["", "!", " ?"])
            row["messages"] = chat(text, draw.choice("ABC"))
            row["customer"] = draw.choice([like["customer"], None, row["customer"]])
    grown = split(
        to_dataset(_grown(old, new, seed)),
        group="customer",
        stratify="label",
        previous=parts,
        seed=seed,
    )
    before = {n: name for name, part in parts.items() for n in part["n"]}
    after = {n: name for name, part in grown.items() for n in part["n"] if n >= 0}
    assert after == before
    assert sum(part.num_rows for part in grown.values()) == 400 + count
    assert contaminated_rows(grown) == 0
    kept = [grown[name] for name in ("train", "validation", "test")]
    customers = [{c for c in part["customer"] if c is not None} for part in kept]
    assert len(set.union(*customers)) == sum(map(len, customers))
    if count == 1000:
        assert grown["aside"].num_rows > 10
        assert all("on any side it would leak" in reason for reason in grown["aside"]["reason"])
        # A third split remembers the second, and thinks of what was put aside in the same way.
        again = split(
            to_dataset(_grown(old, new, seed + 1)), group="customer", previous=grown, seed=7
        )
        assert {name: sorted(part["n"]) for name, part in again.items()} == {
            name: sorted(part["n"]) for name, part in grown.items()
        }
        assert _sides(again) == _sides(grown)


def test_without_the_earlier_split_old_rows_do_move() -> None:
    # Why `previous` is needed: a thousand rows change what fits where.
    old, new = _rows(400), _rows(1000, 1)
    before = _sides(split(to_dataset(old)))
    after = _sides(split(to_dataset([*old, *new])))
    moved = sum(after[row] != side for row, side in before.items())
    assert 0 < moved < 0.2 * len(before)


def test_only_new_rows_may_be_given_and_removed_rows_are_remembered() -> None:
    old = _rows(300)
    parts = split(to_dataset(old))
    twins = [
        {"messages": chat(asked(messages) + "!", "B")}
        for name in ("test", "validation", "train")
        for messages in parts[name]["messages"][:5]
    ]
    alone = split(to_dataset(twins), previous=parts, seed=5)
    assert [alone[name].num_rows for name in ("test", "validation", "train")] == [5, 5, 5]
    one = split(to_dataset([{"messages": chat("Quite another thing?", "A")}]), previous=parts)
    assert sorted(part.num_rows for part in one.values()) == [0, 0, 1]


def test_new_rows_make_up_for_what_old_ones_lack() -> None:
    rows = [{"messages": row["messages"]} for row in _rows(200)]
    alone = to_dataset(rows)
    labels = group_labels(alone)
    old = [place for place in range(100) if labels[place] < 100]
    lopsided = datasets.DatasetDict(
        train=alone.select([place for place in old if labels[place] < 10]),
        test=alone.select([place for place in old if labels[place] >= 10]),
    )
    grown = split(alone, previous=lopsided)
    assert grown["validation"].num_rows == 20
    # The test has far too many rows already: it gets only those that belong with its own.
    known = {labels[place] for place in old if labels[place] >= 10}
    assert grown["test"].num_rows == sum(label in known for label in labels)


def test_near_with_punctuation_or_without_is_near() -> None:
    pairs = [
        ("Are there top up charges for US cards?", "What are the top up charges for US cards?"),
        (
            "Why was I charged a fee for withdrawing money?",
            "Why was I charged a fee for withdrawing cash?",
        ),
    ]
    with_marks = [jaccard(*pair) >= 0.8 for pair in pairs]
    without_marks = [jaccard(bare(one), bare(two)) >= 0.8 for one, two in pairs]
    assert (with_marks, without_marks) == ([True, False], [False, True])
    for pair in pairs:
        rows = to_dataset([{"messages": chat(text, "A")} for text in pair])
        assert group_labels(rows) == [0, 0]
        assert (
            contaminated_rows(datasets.DatasetDict(train=rows.select([0]), test=rows.select([1])))
            == 1
        )


def test_a_bridge_is_put_aside_and_what_hung_on_it_is_free() -> None:
    texts = ["Where is the blue tent of the guide?", "Any stove that burns wet wood?"]
    parts = datasets.DatasetDict(
        train=to_dataset([{"messages": chat(texts[0], "A"), "who": "one"}]),
        test=to_dataset([{"messages": chat(texts[1], "B"), "who": "two"}]),
    )
    new = [
        {"messages": chat("where is the blue tent of the guide", "A"), "who": "two"},
        {"messages": chat("How deep is the lake in winter?", "C"), "who": "three"},
        {"messages": chat("How deep is the lake in winter??", "C"), "who": "one"},
        {"messages": chat("How deep is the lake in the winter?", "C"), "who": "four"},
        {"messages": chat("Who mends a broken paddle?", "D"), "who": "four"},
    ]
    rows = to_dataset([row for part in parts.values() for row in part] + new)
    grown = split(rows, group="who", previous=parts, fractions=(0.5, 0, 0.5))
    assert sorted(grown["aside"]["who"]) == ["two"]
    assert "rows of train and test" in grown["aside"]["reason"][0]
    assert sorted(grown["train"]["who"]) == ["four", "four", "one", "one", "three"]
    assert grown["test"]["who"][:] == ["two"]


def test_a_chain_is_cut_where_it_would_leak_and_nowhere_else() -> None:
    texts = ["a very long question about tents", "a rather odd remark on stoves"]
    # one - x - y - two: x may follow one, y may not then follow two.
    sides = settle(
        [*texts, "x y z", "p q r"],
        ["1", "2", "1", "2"],
        ["train", "test", None, None],
        set(),
        "train",
    )
    assert sides == ["train", "test", "train", "test"]
    chain = settle(
        [*texts, "some unlike words", "some unlike words!"],
        ["1", "2", "1", "2"],
        ["train", "test", None, None],
        set(),
        "train",
    )
    assert chain == ["train", "test", "train", None]
    free = settle(
        [*texts, texts[0], "unlike", "unlike!"],
        ["1", "2", "2", "3", "3"],
        ["train", "test", None, None, None],
        set(),
        "train",
    )
    assert free == ["train", "test", None, "train", "train"]


def test_a_new_column_or_name_called_reason_is_not_overwritten() -> None:
    parts = datasets.DatasetDict(
        train=to_dataset([{"messages": chat("Where is my tent?", "A"), "reason": "x"}]),
        test=to_dataset([{"messages": chat("Where is my tent!", "A"), "reason": "y"}]),
    )
    rows = [*parts["train"], *parts["test"], {"messages": chat("where is my tent", "B")}]
    grown = split(to_dataset(rows), previous=parts, fractions=(0.5, 0, 0.5))
    # The earlier split leaked. Its rows stay all the same, and that is said.
    assert (grown["train"]["reason"][:], grown["test"]["reason"][:]) == (["x"], ["y"])
    assert contaminated_rows(grown) == 1
    assert grown["aside"]["reason"][:] == [None]
    assert "would leak" in grown["aside"]["reason_"][0]


def test_an_earlier_split_with_other_sides_is_refused() -> None:
    dataset = to_dataset(_rows(50))
    with pytest.raises(CourseError, match="has a part 'dev'"):
        split(dataset, previous=datasets.DatasetDict(train=dataset, dev=dataset))


def test_old_rows_may_lack_the_columns_of_new_ones() -> None:
    rows = _rows(60)
    parts = split(to_dataset([{"messages": row["messages"]} for row in rows]))
    later = to_dataset([*rows[20:], *_rows(20, 5)])
    grown = split(later, group="customer", stratify="shop", previous=parts)
    before, after = _sides(parts), _sides(grown)
    assert all(after[row] == side for row, side in before.items() if row in after)
    assert sum(row in after for row in before) >= 30


# The command.


def _told(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def test_command_splits_again_beside_an_earlier_split(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {**row, "position": n, "tag": [n, "x", None][n % 3]} for n, row in enumerate(_rows(200))
    ]
    first = write_jsonl(rows, tmp_path / "one.jsonl")
    common = ["--stratify", "label", "--stratify", "language", "--group", "tag", "--json"]
    assert main([str(first), "--out", str(tmp_path / "a"), *common]) == 0
    result = _told(capsys)
    assert [result[name] for name in ("contaminated", "aside")] == [0, 0]
    assert result["train"] + result["validation"] + result["test"] == 200
    assert result["strata"] >= 6
    more = [{**row, "position": f"new {n}", "tag": n} for n, row in enumerate(_rows(80, 3))]
    # A bridge: the question of a test row, the tag of all those in train.
    side = {
        name: [json.loads(line) for line in (tmp_path / "a" / f"{name}.jsonl").open("rb")]
        for name in ("train", "validation", "test")
    }
    where = next(name for name, part in side.items() if any(row["tag"] == "x" for row in part))
    other = next(name for name in ("test", "validation") if name != where)
    bridge = {"messages": side[other][0]["messages"], "tag": "x", "position": "bridge"}
    bridge["messages"] = chat(bridge["messages"][0]["content"] + "!!", "Z")
    second = write_jsonl(_grown(rows, [*more, bridge], 0), tmp_path / "two.jsonl")
    again = ["--previous", str(tmp_path / "a"), "--out", str(tmp_path / "b")]
    assert main([str(second), *again, *common]) == 0
    grown = _told(capsys)
    assert grown["contaminated"] == 0
    for name, part in side.items():
        now = [json.loads(line) for line in (tmp_path / "b" / f"{name}.jsonl").open("rb")]
        # Every column as it was read, those of mixed types as well.
        assert [row for row in now if isinstance(row["position"], int)] == sorted(
            part, key=lambda row: int(row["position"])
        )
    aside = [json.loads(line) for line in (tmp_path / "b" / "aside.jsonl").open("rb")]
    assert grown["aside"] == len(aside) >= 1
    assert {"line", "reason", "row"} == set(aside[0])
    lines = second.read_text("utf-8").splitlines()
    assert all(json.loads(lines[row["line"] - 1]) == row["row"] for row in aside)
    assert "bridge" in {row["row"]["position"] for row in aside}
    # The earlier split may be written over.
    assert (
        main(
            [str(second), "--previous", str(tmp_path / "a"), "--out", str(tmp_path / "a"), *common]
        )
        == 0
    )
    assert _told(capsys) == grown
    for path in (tmp_path / "b").iterdir():
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()
    # Written over an earlier result, nothing old is left behind.
    assert main([str(first), "--out", str(tmp_path / "b")]) == 0
    assert not (tmp_path / "b" / "aside.jsonl").exists()
    assert "groups kept whole" in capsys.readouterr().out


def test_command_tells_a_leak_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"messages": chat(f"Where is my tent{'!' * n}", "A")} for n in range(4)]
    for name, part in (("train", rows[:2]), ("test", rows[2:])):
        write_jsonl(part, tmp_path / "leaky" / f"{name}.jsonl")
    draw = random.Random(0)
    path = write_jsonl(
        [*rows, *({"messages": chat(_sentence(draw), "A")} for _ in range(9))], tmp_path / "t.jsonl"
    )
    arguments = [str(path), "--out", str(tmp_path / "o"), "--previous", str(tmp_path / "leaky")]
    assert main([*arguments, "--json"]) == 1
    assert _told(capsys)["contaminated"] == 2
    assert main(arguments) == 1
    assert "near twin in train" in capsys.readouterr().err


def test_command_refuses_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"messages": chat("Hi", "Ho")}) + "\n{\n", encoding="utf-8")
    out = ["--out", str(tmp_path / "out")]
    with pytest.raises(CourseError, match="line 2: not JSON"):
        main([str(path), *out])
    good = write_jsonl(_rows(60), tmp_path / "good.jsonl")
    with pytest.raises(CourseError, match="no column 'position' to group by"):
        main([str(good), *out, "--group", "position"])
    with pytest.raises(CourseError, match=r"holds no train\.jsonl"):
        main([str(good), *out, "--previous", str(tmp_path)])
    (tmp_path / "train.jsonl").write_bytes(path.read_bytes())
    with pytest.raises(CourseError, match=r"train\.jsonl, line 2: not JSON"):
        main([str(good), *out, "--previous", str(tmp_path)])
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(CourseError, match="cannot be written"):
        main([str(good), "--out", str(tmp_path / "file")])


def test_labels_of_a_file_are_counted_once(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    draw = random.Random(0)
    lines = [f"{_sentence(draw)},{draw.choice('AB')}" for _ in range(100)]
    path.write_text("text,category\n" + "\n".join(lines), encoding="utf-8")
    assert main([str(path), "--out", str(tmp_path / "out"), "--stratify", "label"]) == 0
    found = Counter(
        (row.messages or [])[-1]["content"]
        for name in ("train", "validation", "test")
        for row in read(tmp_path / "out" / f"{name}.jsonl").rows
    )
    assert found == Counter(line[-1] for line in lines)
