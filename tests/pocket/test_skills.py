"""Every skill's answers are right, by a check that does not use the generator's own reckoning."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest

from course_lib.errors import CourseError
from course_lib.pocket import lexicon as lx
from course_lib.pocket import skills


def _arithmetic(question: str) -> str:
    a, b = (int(n) for n in re.findall(r"\d+", question))
    if "Subtract" in question:
        return str(b - a)
    return str(a + b if re.search(r"\+|plus|Add", question) else a - b)


def _sorting(question: str) -> str:
    numbers = sorted((int(n) for n in re.findall(r"\d+", question)), key=int)
    down = "largest to smallest" in question
    return ", ".join(str(n) for n in (reversed(numbers) if down else numbers))


def _counting(question: str) -> str:
    *_, items = sorted(re.findall(r"[a-z]+(?:, [a-z]+)+", question), key=len)
    if "does" in question:
        target = question.split(" does ")[1].split()[0]
    else:
        many = re.findall(r"(?:How many|Count the) (\w+)", question)[0]
        target = next(one for one in lx.THINGS if lx.PLURALS.get(one, one + "s") == many)
    return str(items.split(", ").count(target))


def _comparing(question: str) -> str:
    pair = [int(n) for n in re.findall(r"\d+", question)]
    return str(max(pair) if "larger" in question else min(pair))


def _ordering(question: str) -> str:
    clues = re.findall(r"(\w+) is (before|after) (\w+)\.", question)
    people = sorted({p for a, _, b in clues for p in (a, b)})
    rows = [
        row
        for row in itertools.permutations(people)
        if all((row.index(a) < row.index(b)) == (how == "before") for a, how, b in clues)
    ]
    assert len(rows) == 1, "a puzzle has one solution"
    return rows[0][0] if "Who is first?" in question else rows[0][-1]


def _reversing(question: str) -> str:
    return ", ".join(question.split(": ")[1].split(", ")[::-1])


def _opposites(question: str) -> str:
    both = lx.OPPOSITES | {b: a for a, b in lx.OPPOSITES.items()}
    # `not` before the asked word, or the question's last word that has an opposite.
    words = [w for w in re.findall(r"[a-z]+", question.lower()) if w in both]
    return both[words[0] if question.startswith("Not") else words[-1]]


def _plurals(question: str) -> str:
    words = set(re.findall(r"\w+", question))
    [asked] = [one for one in lx.PLURALS if one in words - {"form"}] or ["form"]
    return lx.PLURALS[asked]


def _capitals(question: str) -> str:
    [country] = [c for c in lx.CAPITALS if c in question]
    return lx.CAPITALS[country]


SOLVERS: dict[str, Callable[[str], str]] = {
    "arithmetic": _arithmetic,
    "sorting": _sorting,
    "opposites": _opposites,
    "plurals": _plurals,
    "capitals": _capitals,
    "counting": _counting,
    "comparing": _comparing,
    "ordering": _ordering,
    "reversing": _reversing,
}


@pytest.mark.parametrize("skill", skills.GENERAL)
@pytest.mark.parametrize("held_out", [True, False])
def test_answers_are_right(skill: str, held_out: bool) -> None:
    for row in skills.sample(skill, 150, seed=7, held_out=held_out):
        question = row["messages"][-1]["content"]
        assert row["answer"] == SOLVERS[skill](question), question


def test_headlines_say_what_their_label_says() -> None:
    up = re.compile(
        r"\b(rise|grow|jump|climb|increase|improve|record|beats|wins|raises|doubles|lifts|hires)"
    )
    down = re.compile(
        r"\b(fall|drop|sink|shrink|decrease|decline|loss|misses|loses|cuts|halves|hits|fires)"
    )
    for row in skills.sample("sentiment", 200, seed=3):
        text = row["messages"][-1]["content"]
        expected = "positive" if up.search(text) else "negative" if down.search(text) else "neutral"
        assert row["answer"] == expected, text


def test_sample_is_seeded_and_refuses_an_unknown_skill() -> None:
    assert skills.sample("sorting", 5, seed=1) == skills.sample("sorting", 5, seed=1)
    assert skills.sample("sorting", 5, seed=1) != skills.sample("sorting", 5, seed=2)
    with pytest.raises(CourseError, match="no skill 'juggling'"):
        skills.sample("juggling", 1, seed=0)


def test_instances_of_an_open_skill_differ() -> None:
    rows = skills.sample("sorting", 200, seed=0)
    assert len({r["messages"][0]["content"] for r in rows}) == 200
