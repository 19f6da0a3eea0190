"""The answer key tells the truth: what it names is broken, and what it does not is clean."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

from course_lib.yamabiko import CLOSING, OPENING, facts
from course_lib.yamabiko.support import support_threads
from course_lib.yamabiko.threads import alike, grams

KINDS_EN = {
    "exact_duplicate", "near_duplicate", "broken_json", "wrong_role", "empty_answer",
    "truncated_answer", "mojibake", "html", "full_width", "phone", "email", "card_number",
    "api_key", "refusal", "wrong_language", "contradictory_answer", "leaked_test_question",
}  # fmt: skip
KANA = re.compile("[\u3041-\u30ff]")


@pytest.fixture(scope="module")
def export() -> tuple[list[str], list[dict[str, Any]]]:
    return support_threads()


@pytest.fixture(scope="module")
def lines(export: tuple[list[str], list[dict[str, Any]]]) -> list[str]:
    return export[0]


@pytest.fixture(scope="module")
def key(export: tuple[list[str], list[dict[str, Any]]]) -> dict[int, dict[str, Any]]:
    return {row["line"]: row for row in export[1]}


@pytest.fixture(scope="module")
def rows(lines: list[str], key: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    return {
        number: json.loads(line)
        for number, line in enumerate(lines, start=1)
        if "broken_json" not in key.get(number, {"kinds": ()})["kinds"]
    }


@pytest.fixture(scope="module")
def clean(
    rows: dict[int, dict[str, Any]], key: dict[int, dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    return {number: row for number, row in rows.items() if number not in key}


def text(row: dict[str, Any]) -> str:
    return " ".join(turn["content"] for turn in row["messages"])


def asked(row: dict[str, Any]) -> list[str]:
    return [turn["content"] for turn in row["messages"] if turn["role"] == "user"]


def test_size_and_mixture(lines: list[str], key: dict[int, dict[str, Any]]) -> None:
    assert 1150 <= len(lines) <= 1250
    assert 0.35 <= len(key) / len(lines) <= 0.45
    japanese = sum('"lang": "ja"' in line or "'lang': 'ja'" in line for line in lines)
    assert 0.25 <= japanese / len(lines) <= 0.35


def test_every_kind_is_planted_often_enough(key: dict[int, dict[str, Any]]) -> None:
    both = Counter((kind, row["lang"]) for row in key.values() for kind in row["kinds"])
    for kind in KINDS_EN:
        assert both[kind, "en"] >= 6
        assert both[kind, "ja"] >= 6
        assert both[kind, "en"] + both[kind, "ja"] >= 15
    assert both["mixed_politeness", "ja"] >= 15
    assert {kind for kind, _ in both} == KINDS_EN | {"mixed_politeness"}


def test_broken_lines_are_broken(lines: list[str], key: dict[int, dict[str, Any]]) -> None:
    for number, row in key.items():
        if "broken_json" in row["kinds"]:
            with pytest.raises(json.JSONDecodeError):
                json.loads(lines[number - 1])
    assert all(len(line.splitlines()) == 1 for line in lines)


def test_clean_threads_are_sound(clean: dict[int, dict[str, Any]]) -> None:
    for row in clean.values():
        lang, turns = row["lang"], row["messages"]
        assert [turn["role"] for turn in turns] == ["user", "assistant"] * (len(turns) // 2)
        assert bool(KANA.search(text(row))) == (lang == "ja")
        assert "{" not in text(row)
        for turn in turns[1::2]:
            assert turn["content"].startswith(OPENING[lang])
            assert turn["content"].endswith(CLOSING[lang])
        assert not re.search(r"[<>&@]|[0-9]{5}|[Ａ-Ｚａ-ｚ０-９ｦ-ﾟ]|[\x7f-\xff]", text(row))


def test_clean_threads_never_give_a_stale_value(clean: dict[int, dict[str, Any]]) -> None:
    for row in clean.values():
        told = " ".join(turn["content"] for turn in row["messages"][1::2])
        for fact in facts(row["lang"]):
            assert not any(fact.with_value(stale) in told for stale in fact.wrong)


def test_only_named_rows_are_alike(
    rows: dict[int, dict[str, Any]], key: dict[int, dict[str, Any]]
) -> None:
    cut = [(number, grams(text(row))) for number, row in rows.items()]

    def root(number: int) -> int:
        original = key[number]["original"] if number in key else None
        return number if original is None else root(original)

    for place, (one, left) in enumerate(cut):
        for other, right in cut[:place]:
            if alike(left, right, 0.8):
                assert root(one) == root(other), (one, other)


def test_copies_come_after_their_original(
    rows: dict[int, dict[str, Any]], key: dict[int, dict[str, Any]]
) -> None:
    for number, row in key.items():
        if "exact_duplicate" in row["kinds"]:
            assert row["original"] < number
            assert rows[number]["messages"] == rows[row["original"]]["messages"]
        if "near_duplicate" in row["kinds"]:
            assert row["original"] < number
            assert rows[number]["messages"] != rows[row["original"]]["messages"]
            assert alike(grams(text(rows[number])), grams(text(rows[row["original"]])), 0.8)


def test_contradictions_name_the_truth(
    rows: dict[int, dict[str, Any]], key: dict[int, dict[str, Any]]
) -> None:
    for number, row in key.items():
        if "contradictory_answer" in row["kinds"]:
            fact = next(f for f in facts(row["lang"]) if f.id == row["fact"])
            answer = rows[number]["messages"][-1]["content"]
            assert row["true_value"] == fact.value
            assert fact.value not in answer
            assert any(stale in answer for stale in fact.wrong)


def test_private_values_stand_in_their_rows_only(
    rows: dict[int, dict[str, Any]], key: dict[int, dict[str, Any]]
) -> None:
    for number, row in key.items():
        if set(row["kinds"]) & {"phone", "email", "card_number", "api_key"}:
            assert row["planted"]
            assert all(value in text(rows[number]) for value in row["planted"])
        else:
            assert not row["planted"]


def test_only_leaks_ask_held_out_questions(
    rows: dict[int, dict[str, Any]], key: dict[int, dict[str, Any]]
) -> None:
    held = {lang: [grams(q) for f in facts(lang) for q in f.test] for lang in ("en", "ja")}
    for number, row in rows.items():
        leaked = "leaked_test_question" in key.get(number, {"kinds": ()})["kinds"]
        close = [
            question
            for question in asked(row)
            if any(alike(grams(question), test, 0.8) for test in held[row["lang"]])
        ]
        assert bool(close) == leaked, (number, close)


def test_cut_answers_lost_their_closing(
    rows: dict[int, dict[str, Any]], key: dict[int, dict[str, Any]]
) -> None:
    for number, row in key.items():
        answer = rows[number]["messages"][-1]["content"] if number in rows else ""
        if "truncated_answer" in row["kinds"]:
            assert not answer.endswith((".", "!", "。"))
        if "empty_answer" in row["kinds"]:
            assert not answer.strip()
