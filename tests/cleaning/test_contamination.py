"""What two sets give away of each other: every kind of pair, and nothing that is no leak."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from course_lib.cleaning.contamination import KINDS, contaminated, contamination
from course_lib.cleaning.contamination_command import main
from course_lib.cleaning.normalise import jaccard
from course_lib.cleaning.rule import Messages, chat
from course_lib.cleaning.similarity import bare
from course_lib.errors import CourseError
from course_lib.formats import read, to_dataset, write_jsonl

PASSAGE = (
    "Six students give their reports on three days of one week in May. Helen never speaks before "
    "Irving, who in turn speaks in the afternoon. Nobody speaks on the day after Nina has spoken. "
)
TRAIN = [
    chat("Any stoves?", "Yes."),
    chat("Where is the blue crate of the guide?", "Here."),
    chat("返品はできますか？", "はい"),
    chat("Good morning! Where can I leave the two broken paddles? Thank you.", "Outside."),
    chat(PASSAGE + "Who speaks first?", "A"),
    chat("Is the large lake frozen in the winter?", "No."),
]


def _kinds(train: list[Messages], test: list[Messages], **more: Any) -> list[tuple[int, int, str]]:
    table = contamination(train, test, **more)
    return list(table[["first", "second", "kind"]].itertuples(index=False, name=None))


def test_every_kind_is_told_apart() -> None:
    test = [
        chat("Where is the blue crate of the guide?", "There."),
        chat("ｗhere is  the blue crate, of the guide", "Here."),
        chat("返品は、できますか", "はい。"),
        chat("Where can I leave the two broken paddles?", "Inside."),
        chat(PASSAGE + "And which two of the others may give the very last report of all?", "B"),
        chat("Is the large lake frozen in winter?", "No."),
        chat("What does a lamp cost?", "10"),
    ]
    table = contamination(TRAIN, test)
    assert list(table[["first", "second", "kind"]].itertuples(index=False, name=None)) == [
        (1, 0, "exact"),
        (1, 1, "normalised"),
        (2, 2, "normalised"),
        (3, 3, "contained"),
        (4, 4, "same passage"),
        (5, 5, "near"),
    ]
    assert table["same_answer"].tolist() == [False, True, True, False, False, True]
    assert table["similarity"].tolist() == [
        jaccard(bare(TRAIN[one][0]["content"]), bare(test[two][0]["content"]))
        for one, two in zip(table["first"], table["second"], strict=True)
    ]
    assert set(table["kind"]) == set(KINDS)


def test_clean_sets_and_empty_ones_share_nothing() -> None:
    test = [chat("What does a lamp cost?", "10"), chat("", "Yes."), chat("?!", "Yes.")]
    assert _kinds(TRAIN, test) == []
    nothing = contamination([], [])
    assert len(nothing) == 0
    assert list(nothing) == list(contamination(TRAIN, TRAIN))
    # An empty question is compared by its answer, two empty rows by nothing.
    assert _kinds([chat("", "A stove.")], [chat(" ", "A stove.")]) == [(0, 0, "normalised")]
    assert _kinds([chat("", "")], [chat("", "")]) == []


def test_the_threshold_is_met_exactly() -> None:
    one, two = chat("abcdefgh", "A"), chat("abcdefghij", "A")
    assert jaccard("abcdefgh", "abcdefghij") == 0.75
    assert _kinds([one], [two], threshold=0.75) == [(0, 0, "near")]
    assert _kinds([one], [two], threshold=0.76) == []
    for threshold in (0, 1.01, float("nan")):
        with pytest.raises(CourseError, match="above 0 and at most 1"):
            contamination([one], [two], threshold=threshold)


def test_all_near_pairs_are_those_of_brute_force() -> None:
    draw = random.Random(0)
    words = ["card", "payment", "transfer", "refund", "account", "pin", "app", "カード", "返金"]
    texts = [" ".join(draw.choices(words, k=draw.randint(2, 7))) + "?" for _ in range(400)]
    first = [chat(text, "A") for text in texts[:250]]
    second = [chat(text, "B") for text in texts[250:]]
    table = contamination(first, second, threshold=0.7)
    near = table[table["similarity"] >= 0.7]
    expected = {
        (i, j)
        for i, one in enumerate(texts[:250])
        for j, two in enumerate(texts[250:])
        if jaccard(bare(one), bare(two)) >= 0.7
    }
    found = set(zip(near["first"], near["second"], strict=True))
    assert len(expected) > 100
    assert found <= expected
    # Copies of one text are paired through their first: each row is named all the same.
    assert {one for one, _ in found} == {one for one, _ in expected}
    assert {two for _, two in found} == {two for _, two in expected}


def test_copies_make_few_pairs_and_every_row_is_named() -> None:
    table = contamination(
        [chat("Where is my tent?", "A")] * 300, [chat("where is my tent", "B")] * 200
    )
    assert len(table) == 499
    assert set(table["first"]) == set(range(300))
    assert set(table["second"]) == set(range(200))


def test_turns_are_compared_one_by_one_and_as_a_whole() -> None:
    talk = [*chat("Hello", "Hi!"), *chat("Where is the blue crate of the guide?", "There.")]
    assert _kinds([talk], [chat("Where is the blue crate of the guide?", "X")]) == [(0, 0, "exact")]
    assert _kinds([talk], [talk]) == [(0, 0, "exact")]
    # The greeting alone is no question of the test.
    assert _kinds([chat("Hello", "Hi!")], [talk]) == []


def test_an_instruction_that_all_rows_share_hides_and_feigns_nothing() -> None:
    instruction = "Read the message of the customer below and name its intent in one word. " * 2
    draw = random.Random(0)
    words = [
        " ".join("".join(draw.choices("aeioukstnr", k=6)) for _ in range(4)) for _ in range(140)
    ]
    bench = [chat(f"{instruction}\n{text}", "A") for text in words]
    assert _kinds([chat(f"{instruction}\n{text}", "A") for text in words[:20]], bench[20:]) == []
    # Only the benchmark has the instruction: the bare question is found under it.
    plain = [chat(text[::-1], "B") for text in words]
    found = contamination([chat(words[0], "A"), *plain], bench)
    assert found[["first", "second", "kind"]].to_numpy().tolist() == [[0, 0, "near"]]
    assert found["similarity"].tolist() == [1.0]


def test_every_form_of_a_set_is_taken_and_lines_are_known(tmp_path: Path) -> None:
    text = "\n".join(["text,category", *(f'"{row[0]["content"]}",x' for row in TRAIN[:3]), ""])
    path = tmp_path / "train.csv"
    path.write_text(text, encoding="utf-8")
    broken = tmp_path / "test.jsonl"
    broken.write_text("{\n" + json.dumps({"messages": TRAIN[1]}) + "\n", encoding="utf-8")
    dataset = to_dataset([{"messages": TRAIN[1], "line": 7}])
    for test, second, line in (
        (str(broken), 1, 2),
        (broken, 1, 2),
        (read(broken), 1, 2),
        (dataset, 0, 7),
        (dataset.remove_columns("line"), 0, pd.NA),
        ([TRAIN[1]], 0, pd.NA),
        (iter([TRAIN[1]]), 0, pd.NA),
    ):
        table = contamination(path, test)
        assert table["first"].tolist() == [1]
        assert table["first_line"].tolist() == [3]
        assert table["second"].tolist() == [second]
        assert (
            table["second_line"].isna().all()
            if line is pd.NA
            else (table["second_line"].tolist() == [line])
        )
        assert table["same_answer"].tolist() == [False]
    asked = [[{"role": "user", "content": TRAIN[1][0]["content"]}]]
    assert contamination(path, asked)["same_answer"].isna().all()
    with pytest.raises(CourseError, match="no column 'messages'"):
        contamination(path, dataset.remove_columns("messages"))


def test_the_rule_finds_all_rows_that_hold_a_test_question() -> None:
    test = [chat("Where is the blue crate of the guide?", "A"), chat("👍", "B"), chat("", "C")]
    rows = [
        *TRAIN[:3],
        TRAIN[1],
        [*chat("Hello", "Hi!"), *chat("where's the blue crate of the guide?", "There.")],
        chat("!?", "D"),
        chat("👍", "E"),
        chat("", "F"),
    ]
    found = contaminated(rows, test)
    assert sorted(found) == [1, 3, 4, 6]
    assert found[4].reason.startswith("nearly the test question 'Where is the blue")
    assert found[3].reason.startswith("it holds the test question 'Where is the blue")
    assert contaminated(rows, []) == {}


def test_command_lists_pairs_and_tells_by_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = str(write_jsonl(({"messages": row} for row in TRAIN), tmp_path / "train.jsonl"))
    rows = [TRAIN[1], chat("where is the blue crate, of the guide", "A"), chat("Any lamps?", "B")]
    test = str(write_jsonl(({"messages": row} for row in rows), tmp_path / "test.jsonl"))
    assert main([train, test, "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert [result[name] for name in ("first", "second", "contaminated")] == [6, 3, 2]
    assert result["kinds"]["exact"] == result["kinds"]["normalised"] == 1
    assert [(p["first_line"], p["second_line"]) for p in result["pairs"]] == [(2, 1), (2, 2)]
    assert main([train, test]) == 1
    printed = capsys.readouterr().out
    assert "2 of 3 rows" in printed
    assert "line 2 of FIRST:  Where is the blue crate" in printed
    clean = str(write_jsonl([{"messages": rows[2]}], tmp_path / "clean.jsonl"))
    assert main([train, clean]) == 0
    assert main([train, clean, "--json"]) == 0
    assert "0 of 1 rows" in capsys.readouterr().out
    (tmp_path / "broken.jsonl").write_text(
        '{"messages": []}\n' + json.dumps({"messages": TRAIN[0]}) + "\n", encoding="utf-8"
    )
    with pytest.raises(CourseError, match=r"broken\.jsonl, line 1"):
        main([train, str(tmp_path / "broken.jsonl")])
    with pytest.raises(CourseError, match="threshold"):
        main([train, clean, "--threshold", "80"])
