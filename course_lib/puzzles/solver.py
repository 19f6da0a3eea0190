"""A solver that proves the answer of an ordering puzzle by looking at every order.

Six people have 720 orders, so trying them all takes a millisecond and *is* the proof. A constraint
library would find the same answers sooner on forty people, and nobody reads such a puzzle.

>>> from course_lib.puzzles.clues import Clue
>>> clues = (Clue("before", ("Ana", "Ben")), Clue("at", ("Cleo",), 0))
>>> puzzle = Puzzle(("Ana", "Ben", "Cleo"), clues, "who", 2)
>>> prove(puzzle)
Proof(answers=('Ben',), orders=1, redundant=())
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from itertools import permutations
from typing import Literal, NamedTuple

from course_lib.puzzles.clues import ORDINALS, Clue, Order

QuestionKind = Literal["who", "order", "possible", "must"]


@dataclass(frozen=True)
class Puzzle:
    """People in a row, clues about their order, and one question.

    Args:
        people: their names, in any order.
        clues: what is known.
        question: "who" stands at a place; the whole "order"; which offered order is "possible";
            which offered statement "must" be true.
        place: of a "who" question, counted from 0.
        options: of a "possible" question, orders; of a "must" question, clues.
        turned: of each clue, whether it is told the other way round.
    """

    people: tuple[str, ...]
    clues: tuple[Clue, ...]
    question: QuestionKind
    place: int = 0
    options: tuple[Order | Clue, ...] = ()
    turned: tuple[bool, ...] = ()

    def text(self) -> str:
        """The puzzle as it is put to a person or a model.

        Example:
            >>> clues = (Clue("before", ("Ana", "Ben")),)
            >>> Puzzle(("Ben", "Ana"), clues, "who", 0).text()
            'Ana is before Ben. Who is first?'
        """
        turned = self.turned or (False,) * len(self.clues)
        told = [
            clue.sentence(other_way) for clue, other_way in zip(self.clues, turned, strict=True)
        ]
        return " ".join([*told, self._asked()])

    def _asked(self) -> str:
        if self.question == "who":
            last = self.place == len(self.people) - 1
            return f"Who is {'last' if last else ORDINALS[self.place]}?"
        if self.question == "order":
            return "What is the order?"
        asked = "Which order is possible?" if self.question == "possible" else "What must be true?"
        offered = zip(string.ascii_uppercase, self.options, strict=False)
        return "\n".join(
            [asked, *(f"{letter}: {_shown(option)}" for letter, option in offered)],
        )


class Proof(NamedTuple):
    """What the solver found.

    `answers` are all right answers (a good puzzle has one), `orders` counts the orders that fit
    all clues, `redundant` lists the places of the clues without which the answers stay the same.
    """

    answers: tuple[str, ...]
    orders: int
    redundant: tuple[int, ...]


def fitting_orders(people: tuple[str, ...], clues: tuple[Clue, ...]) -> list[Order]:
    """Every order of the people in which all clues hold.

    Args:
        people: at most eight or so; their orders are all tried.
        clues: what must hold.

    Returns:
        The orders; empty where the clues contradict each other.

    Example:
        >>> fitting_orders(("Ana", "Ben"), (Clue("before", ("Ben", "Ana")),))
        [('Ben', 'Ana')]
    """
    return [order for order in permutations(people) if all(clue.holds(order) for clue in clues)]


def right_answers(puzzle: Puzzle, clues: tuple[Clue, ...] | None = None) -> tuple[str, ...]:
    """Every answer to the puzzle's question that the clues allow.

    Args:
        puzzle: the puzzle.
        clues: other clues than its own, to see what one of them is good for.

    Returns:
        Answers as a model is to give them: a name, an order as "Ana, Ben", or a letter.

    Example:
        >>> right_answers(Puzzle(("Ana", "Ben"), (), "who", 0))
        ('Ana', 'Ben')
    """
    orders = fitting_orders(puzzle.people, puzzle.clues if clues is None else clues)
    if puzzle.question == "who":
        return tuple(sorted({order[puzzle.place] for order in orders}))
    if puzzle.question == "order":
        return tuple(sorted(", ".join(order) for order in orders))
    offered = zip(string.ascii_uppercase, puzzle.options, strict=False)
    if puzzle.question == "possible":
        return tuple(letter for letter, option in offered if option in orders)
    return tuple(
        letter
        for letter, option in offered
        if isinstance(option, Clue) and all(option.holds(order) for order in orders)
    )


def prove(puzzle: Puzzle) -> Proof:
    """Find all right answers, and the clues that they do not need.

    Args:
        puzzle: the puzzle.

    Returns:
        The proof. The puzzle is sound when it has exactly one answer, and lean when no clue is
        redundant.

    Example:
        >>> clues = (Clue("at", ("Ana",), 0), Clue("before", ("Ana", "Ben")))
        >>> prove(Puzzle(("Ana", "Ben", "Cleo"), clues, "who", 0))
        Proof(answers=('Ana',), orders=2, redundant=(1,))
    """
    answers = right_answers(puzzle)
    clues = puzzle.clues
    redundant = tuple(
        place
        for place in range(len(clues))
        if right_answers(puzzle, clues[:place] + clues[place + 1 :]) == answers
    )
    return Proof(answers, len(fitting_orders(puzzle.people, clues)), redundant)


def structure(puzzle: Puzzle) -> str:
    """Name what is left of a puzzle when people are renamed and clues reordered.

    Two puzzles with the same structure are the same exercise in other names, so they must not
    stand on both sides of a split. Offered options do not count: the clues are the exercise.

    Args:
        puzzle: the puzzle; up to six people.

    Returns:
        The alphabetically first of all renamings, as text.

    Example:
        >>> ana = Puzzle(("Ana", "Ben"), (Clue("before", ("Ana", "Ben")),), "who", 0)
        >>> uma = Puzzle(("Uma", "Tom"), (Clue("before", ("Uma", "Tom")),), "who", 0, (), (True,))
        >>> structure(ana) == structure(uma)
        True
    """
    letters = string.ascii_lowercase[: len(puzzle.people)]
    named = []
    for people in permutations(puzzle.people):
        names = dict(zip(people, letters, strict=True))
        clues = [clue.renamed(names) for clue in puzzle.clues]
        named.append(
            "; ".join(sorted(f"{' '.join(c.people)} {c.kind} {c.number}" for c in clues)),
        )
    return f"{len(letters)} people: {min(named)}: {puzzle.question} {puzzle.place}"


def _shown(option: Order | Clue) -> str:
    return option.sentence() if isinstance(option, Clue) else ", ".join(option)
