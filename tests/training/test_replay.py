"""Replay rows: as many as asked for, of the skills asked for, and none that gives a probe away."""

from __future__ import annotations

import re

import pytest

from course_lib.cleaning.contamination import contamination
from course_lib.errors import CourseError
from course_lib.pocket.skills import GENERAL
from course_lib.training import replay_count, replay_rows
from course_lib.yamabiko import load


@pytest.mark.parametrize(
    ("rows", "share", "count"), [(300, 0.25, 100), (320, 0.1, 36), (320, 0.01, 3), (50, 0.0, 0)]
)
def test_the_share_is_of_the_mixture(rows: int, share: float, count: int) -> None:
    assert replay_count(rows, share) == count
    assert count / (rows + count) == pytest.approx(share, abs=0.5 / rows)


def test_no_share_above_the_whole() -> None:
    with pytest.raises(CourseError, match="give 0 to below 1"):
        replay_count(10, 1.0)


def test_skills_take_turns_and_the_seed_decides() -> None:
    rows = replay_rows(20, seed=0, apart_from=[])
    assert rows["skill"][:9] == list(GENERAL)
    assert len(rows) == 20
    assert rows["messages"] == replay_rows(20, seed=0, apart_from=[])["messages"]
    assert rows["messages"] != replay_rows(20, seed=1, apart_from=[])["messages"]


def test_only_the_skills_asked_for() -> None:
    assert set(replay_rows(9, 0, apart_from=[], skills=GENERAL[:2])["skill"]) == set(GENERAL[:2])


@pytest.mark.parametrize("seed", [0, 1])
def test_no_row_gives_a_probe_away(seed: int) -> None:
    probes = load("general")
    rows = replay_rows(150, seed, apart_from=probes)
    assert len(rows) == 150
    answered = [
        [*probe["messages"], {"role": "assistant", "content": probe["answer"]}] for probe in probes
    ]
    pairs = contamination(list(rows["messages"]), answered)
    assert not (pairs["kind"] == "exact").any()
    assert not pairs["same_answer"].any()


def test_no_word_of_a_closed_skill_is_shared_with_a_probe() -> None:
    probe = {
        "messages": [{"role": "user", "content": "What is the opposite of dry?"}],
        "answer": "wet",
        "skill": "opposites",
    }
    rows = replay_rows(60, 0, apart_from=[probe], skills=["opposites"])
    said = " ".join(turn["content"] for row in rows["messages"] for turn in row)
    assert not re.search(r"\b(dry|wet)\b", said)
    free = replay_rows(60, 0, apart_from=[], skills=["opposites"])
    assert re.search(r"\bwet\b", " ".join(t["content"] for r in free["messages"] for t in r))


def test_too_few_words_left_is_told() -> None:
    from course_lib.pocket.lexicon import CAPITALS

    probes = [
        {"messages": [{"content": f"Capital of {land}?"}], "answer": city, "skill": "capitals"}
        for land, city in CAPITALS.items()
    ]
    with pytest.raises(CourseError, match="only 0 replay rows of 'capitals'"):
        replay_rows(1, 0, apart_from=probes, skills=["capitals"])
