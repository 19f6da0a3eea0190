"""Ordering puzzles: proved, lean, dealt out without leaks, and unknown to the pocket model."""

from __future__ import annotations

import random
import re
from itertools import permutations

import pytest

from course_lib.errors import CourseError
from course_lib.pocket import skills
from course_lib.puzzles import (
    Clue,
    Puzzle,
    draw_puzzle,
    fitting_orders,
    pocket_structures,
    prove,
    puzzle_data,
    structure,
    supervised,
)
from course_lib.puzzles.clues import ORDINALS
from course_lib.puzzles.generation import which_set

ROW = ("Ana", "Ben", "Cleo", "Dan")


@pytest.mark.parametrize(
    ("clue", "true_of"),
    [
        (Clue("before", ("Ana", "Cleo")), lambda at: at["Ana"] < at["Cleo"]),
        (Clue("next to", ("Ben", "Ana")), lambda at: abs(at["Ana"] - at["Ben"]) == 1),
        (Clue("apart", ("Ana", "Ben"), 2), lambda at: abs(at["Ana"] - at["Ben"]) == 2),
        (Clue("at", ("Dan",), 3), lambda at: at["Dan"] == 3),
        (Clue("not at", ("Dan",), 0), lambda at: at["Dan"] != 0),
    ],
)
def test_a_clue_holds_where_it_says(clue: Clue, true_of: object) -> None:
    assert callable(true_of)
    for order in permutations(ROW):
        at = {person: place for place, person in enumerate(order)}
        assert clue.holds(order) == true_of(at)


def read(sentence: str) -> Clue:
    """A clue from its sentence: a second reader, to check what the first one wrote."""
    one, rest = sentence.rstrip(".").split(" ", 1)
    if found := re.fullmatch(r"is (before|after|next to) (\w+)", rest):
        pair = (found[2], one) if found[1] == "after" else (one, found[2])
        return Clue("next to" if found[1] == "next to" else "before", pair)
    if found := re.fullmatch(r"and (\w+) are exactly (\d) places apart", rest):
        return Clue("apart", (one, found[1]), int(found[2]))
    found = re.fullmatch(r"is (not )?(\w+)", rest)
    assert found, sentence
    return Clue("not at" if found[1] else "at", (one,), ORDINALS.index(found[2]))


@pytest.mark.parametrize("question", ["who", "order", "possible", "must"])
@pytest.mark.parametrize(("people", "clues"), [(3, 2), (4, 3), (5, 4)])
def test_a_drawn_puzzle_has_one_answer_and_needs_every_clue(
    question: str, people: int, clues: int
) -> None:
    rng = random.Random(1)
    for _ in range(5):
        puzzle = draw_puzzle(rng, people=people, clues=clues, question=question)  # type: ignore[arg-type]
        proof = prove(puzzle)
        assert len(proof.answers) == 1
        assert proof.redundant == ()
        assert proof.orders == len(fitting_orders(puzzle.people, puzzle.clues)) >= 1
        assert {person for clue in puzzle.clues for person in clue.people} == set(puzzle.people)


def test_what_a_puzzle_says_is_what_it_means() -> None:
    rng = random.Random(2)
    for _ in range(50):
        puzzle = draw_puzzle(rng, people=4, clues=3)
        told = re.findall(r"[^.?]+\.", puzzle.text())
        again = tuple(read(sentence.strip()) for sentence in told)
        assert set(fitting_orders(puzzle.people, again)) == set(
            fitting_orders(puzzle.people, puzzle.clues)
        )


def test_a_wrong_offer_breaks_exactly_one_clue() -> None:
    puzzle = draw_puzzle(random.Random(3), people=4, clues=3, question="possible")
    broken = sorted(
        sum(not clue.holds(option) for clue in puzzle.clues)  # type: ignore[arg-type]
        for option in puzzle.options
    )
    assert broken == [0, 1, 1, 1]


def test_contradicting_clues_leave_no_answer() -> None:
    clues = (Clue("before", ("Ana", "Ben")), Clue("before", ("Ben", "Ana")))
    assert prove(Puzzle(("Ana", "Ben"), clues, "who", 0)).answers == ()


def test_structure_forgets_names_and_the_order_of_clues_only() -> None:
    clues = (Clue("before", ("Ana", "Ben")), Clue("at", ("Cleo",), 0))
    puzzle = Puzzle(("Ana", "Ben", "Cleo"), clues, "who", 1)
    renamed = tuple(
        clue.renamed({"Ana": "Uma", "Ben": "Eva", "Cleo": "Tom"}) for clue in reversed(clues)
    )
    assert structure(Puzzle(("Tom", "Uma", "Eva"), renamed, "who", 1)) == structure(puzzle)
    assert structure(Puzzle(puzzle.people, clues, "who", 2)) != structure(puzzle)
    turned = (Clue("before", ("Ben", "Ana")), clues[1])
    other = Puzzle(puzzle.people, (turned[0], Clue("at", ("Ana",), 0)), "who", 1)
    assert structure(other) != structure(puzzle)


def test_no_structure_stands_in_two_sets_whatever_the_seed() -> None:
    first, second = (puzzle_data(train=40, validation=10, test=20, seed=seed) for seed in (0, 1))
    sets = {name: set(first[name]["structure"]) | set(second[name]["structure"]) for name in first}
    assert not sets["train"] & sets["test"]
    assert not sets["train"] & sets["validation"]
    assert not sets["validation"] & sets["test"]
    texts = [row["prompt"][0]["content"] for rows in first.values() for row in rows]
    assert len(texts) == len(set(texts)) == 70


def test_the_same_seed_gives_the_same_rows() -> None:
    one, two = (puzzle_data(train=5, validation=2, test=2, seed=4) for _ in range(2))
    assert {name: rows.to_list() for name, rows in one.items()} == {
        name: rows.to_list() for name, rows in two.items()
    }


def test_what_the_pocket_model_was_pretrained_on_is_in_no_set() -> None:
    rng = random.Random(0)
    pretrained = set()
    for _ in range(300):
        *told, asked = re.findall(r"[^.?]+[.?]", skills.ordering(rng).question)
        clues = tuple(read(sentence.strip()) for sentence in told)
        people = tuple({person for clue in clues for person in clue.people})
        place = 0 if "first" in asked else len(people) - 1
        pretrained.add(structure(Puzzle(people, clues, "who", place)))
    assert pretrained == pocket_structures()
    data = puzzle_data(train=60, validation=5, test=5, sizes=((3, 2),))
    assert not pretrained & {row["structure"] for rows in data.values() for row in rows}


def test_supervised_rows_end_with_the_proved_answer() -> None:
    rows = puzzle_data(train=3, validation=1, test=1, instruction=" Name only.")["train"]
    for row, plain in zip(supervised(rows), rows, strict=True):
        assert row["messages"][:-1] == plain["prompt"]
        assert row["messages"][-1] == {"role": "assistant", "content": plain["answer"]}
        assert row["messages"][0]["content"].endswith("? Name only.")


def test_sets_are_dealt_by_structure() -> None:
    rng = random.Random(5)
    names = [which_set(draw_puzzle(rng, people=4, clues=3)) for _ in range(100)]
    assert 50 < names.count("train") < 90
    assert names.count("test") > names.count("validation") > 0


def test_what_cannot_be_made_is_said() -> None:
    with pytest.raises(CourseError, match="no puzzle of 4 people with 1 needed clues"):
        draw_puzzle(random.Random(0), people=4, clues=1)
    with pytest.raises(CourseError, match="too few different puzzles"):
        puzzle_data(train=5, validation=5, test=5, sizes=((3, 2),), kinds=("before",))
