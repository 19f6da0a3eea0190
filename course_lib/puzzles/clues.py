"""Clues about people in a row: what each says, and in which orders it holds."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")

Order = tuple[str, ...]
ClueKind = Literal["before", "next to", "apart", "at", "not at"]


@dataclass(frozen=True)
class Clue:
    """One fact about an order.

    Args:
        kind: "before", "next to" and "apart" speak of two people, "at" and "not at" of one.
        people: whom it speaks of. The order of the two counts for "before" only.
        number: the place, counted from 0, for "at" and "not at"; the distance for "apart".

    Example:
        >>> clue = Clue("before", ("Ana", "Ben"))
        >>> clue.holds(("Ana", "Cleo", "Ben")), clue.holds(("Ben", "Ana", "Cleo"))
        (True, False)
        >>> clue.sentence()
        'Ana is before Ben.'
    """

    kind: ClueKind
    people: tuple[str, ...]
    number: int = 0

    def holds(self, order: Order) -> bool:
        """Say whether the clue is true of an order.

        Example:
            >>> Clue("apart", ("Ana", "Ben"), 2).holds(("Ana", "Cleo", "Ben"))
            True
        """
        places = [order.index(person) for person in self.people]
        match self.kind:
            case "before":
                return places[0] < places[1]
            case "next to":
                return abs(places[0] - places[1]) == 1
            case "apart":
                return abs(places[0] - places[1]) == self.number
            case "at":
                return places[0] == self.number
            case _:
                return places[0] != self.number

    def sentence(self, turned: bool = False) -> str:
        """Say the clue in English.

        Args:
            turned: name the two people the other way round, which says the same.

        Example:
            >>> Clue("before", ("Ana", "Ben")).sentence(turned=True)
            'Ben is after Ana.'
        """
        one, two = (*self.people, "")[:2]
        if turned and two:
            one, two = two, one
        match self.kind:
            case "before":
                return f"{one} is {'after' if turned else 'before'} {two}."
            case "next to":
                return f"{one} is next to {two}."
            case "apart":
                return f"{one} and {two} are exactly {self.number} places apart."
            case "at":
                return f"{one} is {ORDINALS[self.number]}."
            case _:
                return f"{one} is not {ORDINALS[self.number]}."

    def renamed(self, names: dict[str, str]) -> Clue:
        """The same clue about other people, the two in alphabetical order where it may be so.

        Example:
            >>> Clue("next to", ("Ben", "Ana")).renamed({"Ana": "a", "Ben": "b"}).people
            ('a', 'b')
        """
        people = tuple(names[person] for person in self.people)
        return Clue(
            self.kind, people if self.kind == "before" else tuple(sorted(people)), self.number
        )


def draw_clue(rng: random.Random, order: Order, kinds: tuple[ClueKind, ...]) -> Clue:
    """Draw a clue that is true of an order.

    Args:
        rng: the only source of chance.
        order: at least three people.
        kinds: which kinds to draw from.

    Returns:
        A clue that holds.

    Example:
        >>> order = ("Ana", "Ben", "Cleo")
        >>> draw_clue(random.Random(0), order, ("before",)).holds(order)
        True
    """
    kind = rng.choice(kinds)
    size = len(order)
    if kind in ("at", "not at"):
        place = rng.randrange(size)
        person = order[place]
        if kind == "not at":
            place = rng.choice([other for other in range(size) if other != place])
        return Clue(kind, (person,), place)
    if kind == "before":
        one, two = sorted(rng.sample(range(size), 2))
        return Clue(kind, (order[one], order[two]))
    distance = 1 if kind == "next to" else rng.randint(2, size - 1)
    one = rng.randrange(size - distance)
    pair = tuple(sorted((order[one], order[one + distance])))
    return Clue(kind, pair, 0 if kind == "next to" else distance)
