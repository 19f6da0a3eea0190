"""Splits: no group on two sides, the same split for the same seed."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from course_lib.cleaning import clean, contaminated_rows, split
from course_lib.cleaning.rule import chat
from course_lib.cleaning.split_command import main
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


def test_too_few_groups_and_broken_rows_are_refused(tmp_path: Path) -> None:
    twins = to_dataset([{"messages": chat("Where is my tent?", str(n))} for n in range(9)])
    with pytest.raises(CourseError, match="1 independent groups"):
        split(twins)
    path = tmp_path / "t.jsonl"
    path.write_text(json.dumps({"messages": chat("Hi", "Ho")}) + "\n{\n", encoding="utf-8")
    with pytest.raises(CourseError, match="line 2: not JSON"):
        main([str(path), "--out", str(tmp_path / "out")])
