"""Preference pairs: sound ones are sound, planted ones are in the key."""

from __future__ import annotations

import pytest

from course_lib.evaluation import in_house_style
from course_lib.yamabiko import load
from course_lib.yamabiko.facts import facts
from course_lib.yamabiko.preferences import (
    DEFECTS,
    agent_answers,
    changed,
    messy_pairs,
    preference_pairs,
)


@pytest.mark.parametrize(("split", "count"), [("train", 80), ("validation", 32), ("test", 64)])
def test_sound_pairs(split: str, count: int) -> None:
    pairs = preference_pairs(split)
    assert len(pairs) == count
    for row in pairs:
        good, bad = row["chosen"][0]["content"], row["rejected"][0]["content"]
        assert row["value"] in good
        assert in_house_style(good)
        assert good != bad
        assert (row["value"] not in bad) or row["fault"] != "old value"
    assert {row["fault"] for row in pairs} == {
        "old value",
        "off voice",
        "invented policy",
        "padding",
    }


def test_splits_ask_in_other_words() -> None:
    asked = [
        {row["prompt"][0]["content"] for row in preference_pairs(split)}
        for split in ("train", "validation", "test")
    ]
    assert not asked[0] & asked[1]
    assert not asked[0] & asked[2]


def test_of_changed_policies_most_agents_give_the_old_value() -> None:
    for fact in facts():
        if fact.learn:
            said = [row["messages"][1]["content"] for row in agent_answers()]
            own = [
                text
                for text, row in zip(said, agent_answers(), strict=True)
                if row["fact"] == fact.id
            ]
            right = sum(fact.value in text for text in own) / len(own)
            assert right == pytest.approx(1 / 3 if changed(fact) else 2 / 3)


def test_the_key_names_every_planted_pair() -> None:
    pairs, key = messy_pairs()
    assert len(key) == sum(DEFECTS.values()) == len(pairs) - 80
    for defect, count in DEFECTS.items():
        assert sum(entry["defect"] == defect for entry in key) == count
    planted = {entry["line"] for entry in key}
    sound = [row for line, row in enumerate(pairs, start=1) if line not in planted]
    assert sound == preference_pairs("train")
    assert load("preferences").num_rows == len(pairs)
