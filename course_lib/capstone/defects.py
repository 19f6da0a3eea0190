"""Plant in the capstone's rows what a real export has, and write down what was planted.

>>> entry = Entry({"headline": "Tavo & Bo meet forecasts", "label": "flat"})
>>> markup(entry, "headline")
>>> entry.fields["headline"], entry.kinds
('<b>Tavo &amp; Bo meet forecasts</b>', ['html'])
"""

from __future__ import annotations

import html
import random
from dataclasses import dataclass, field

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
