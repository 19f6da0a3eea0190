"""Plant in the capstone's rows what a real export has, and write down what was planted.

>>> entry = Entry({"headline": "Tavo & Bo meet forecasts", "label": "flat"})
>>> markup(entry, "headline")
>>> entry.fields["headline"], entry.kinds
('<b>Tavo &amp; Bo meet forecasts</b>', ['html'])
"""

from __future__ import annotations

import html
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

ADDED = ("duplicate", "near_duplicate", "second_opinion", "leak")
"""Defects that are rows of their own; the others befall clean rows."""

# Numbers and domains that are kept for examples, so that nobody's real ones stand in the data.
_PRIVATE = (
    "call +1 415 555 01{n:02d}",
    "call (312) 555-01{n:02d}",
    "mail hana{n}@example.com",
    "mail j.mori{n}@example.org",
)
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass
class Entry:
    """One row of an export, with the kinds of its defects and a note on them."""

    fields: dict[str, str]
    kinds: list[str] = field(default_factory=list)
    note: str = ""

    def mark(self, kind: str, note: str) -> None:
        """Write a planted defect down.

        Args:
            kind: Its name.
            note: What exactly was done.
        """
        self.kinds.append(kind)
        self.note = note

    def again(self) -> Entry:
        """The same row once more, without its marks."""
        return Entry(dict(self.fields))


def plant(
    clean: Sequence[Entry],
    plan: Mapping[str, int],
    column: str,
    spoil: Callable[[Entry, str, random.Random], None],
    second_opinion: Callable[[Entry, random.Random], Entry],
    draw: random.Random,
) -> list[Entry]:
    """Carry a plan out on clean rows, each of which takes part in one defect at the most.

    Args:
        clean: The rows; those that are drawn are changed.
        plan: How many rows of each defect. Leaks are left to the caller, who knows the test.
        column: What is asked.
        spoil: Plants a defect in one row.
        second_opinion: From a row to the same one as somebody else has answered it.
        draw: The only source of chance.

    Returns:
        The rows that come on top: copies and second opinions.
    """
    untouched = list(clean)
    draw.shuffle(untouched)
    for kind, count in plan.items():
        if kind not in ADDED:
            for _ in range(count):
                spoil(untouched.pop(), kind, draw)
    added = [
        copied(untouched.pop(), draw, column, near=kind == "near_duplicate")
        for kind in ("duplicate", "near_duplicate")
        for _ in range(plan[kind])
    ]
    return added + [second_opinion(untouched.pop(), draw) for _ in range(plan["second_opinion"])]


def markup(entry: Entry, column: str) -> None:
    """Leave the markup of a web page in a text."""
    entry.fields[column] = f"<b>{html.escape(entry.fields[column], quote=False)}</b>"
    entry.mark("html", "tags or entities in the text")


def mojibake(entry: Entry, column: str) -> None:
    """Read a text with typographic characters in the wrong encoding."""
    text = f"{entry.fields[column]} – the wire’s view"
    entry.fields[column] = text.encode("utf-8").decode("cp1252")
    entry.mark("mojibake", "utf-8 read as cp1252, can be undone")


def private(entry: Entry, column: str, draw: random.Random) -> None:
    """Add somebody's phone number or address, as notes to oneself have it."""
    told = draw.choice(_PRIVATE).format(n=draw.randrange(100))
    entry.fields[column] = f"{entry.fields[column]} ({told})"
    entry.mark("private", "a phone number or an e-mail address")


def full_width(entry: Entry, column: str) -> None:
    """Type digits full-width, as some keyboards do."""
    entry.fields[column] = entry.fields[column].translate(_FULL_WIDTH)
    entry.mark("full_width", "full-width digits")


def copied(entry: Entry, draw: random.Random, column: str, *, near: bool) -> Entry:
    """Copy a row: letter for letter, or with other capitals, spaces and punctuation."""
    copy = entry.again()
    if near:
        text = copy.fields[column]
        copy.fields[column] = draw.choice((f"{text} !", text.upper(), f"{text} - update"))
    for one in (entry, copy):
        one.mark("near_duplicate" if near else "duplicate", "one of two copies")
    return copy


def leaked(entry: Entry, draw: random.Random, column: str) -> Entry:
    """Copy a row of the held-out test, word for word or in capitals."""
    copy = entry.again()
    if draw.random() < 0.4:
        copy.fields[column] = copy.fields[column].upper()
    copy.mark("leak", "a row of the held-out test")
    return copy
