"""A learner's own rule in the place of the one of its name."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.cleaning import clean, score_against_key
from course_lib.cleaning.rule import Check, Repair, chat
from course_lib.errors import CourseError
from course_lib.formats import write_jsonl

SHOUT = Repair("html", "Nobody reads tags.", "<b>", "B", str.upper)


def test_takes_the_place_of_the_rule_of_its_name(tmp_path: Path) -> None:
    path = write_jsonl([{"messages": chat("Is it <b>free</b>?", "YES, IT IS.")}], tmp_path / "a")
    report = clean(path, rules=["email", SHOUT])
    assert report.kept["messages"][0][0]["content"] == "IS IT <B>FREE</B>?"
    assert report.summary["rules"]["html"] == {
        "seen": 1,
        "changed": 1,
        "rejected": 0,
        "noticed": 0,
    }
    key = write_jsonl([{"line": 1, "kinds": ["html"], "lang": "en"}], tmp_path / "key")
    scores = score_against_key(report, key, language="en").set_index("kind")
    assert scores.loc["html", "recall"] == 1.0


def test_must_be_of_the_same_kind(tmp_path: Path) -> None:
    path = write_jsonl([{"messages": chat("Hi", "Hello.")}], tmp_path / "a")
    refuse = Check("html", "No tags.", "<b>", None, lambda messages: None)
    with pytest.raises(CourseError, match=r"'html' is a Check, .* is a Repair"):
        clean(path, rules=[refuse])
    with pytest.raises(CourseError, match="no rule 'tags'"):
        clean(path, rules=[Repair("tags", "No tags.", "<b>", "b", str)])
