"""Finance headlines with a desk's own calls: the first track of the capstone.

The desk has a rule of its own, which no model was taught: a rumour means "wait", whatever else the
headline says; else the outlook outweighs the result; and only where there is no outlook does the
result decide.

>>> import random
>>> headline(random.Random(3))["call"] in CALLS
True
"""

from __future__ import annotations

import random
from typing import Any

from course_lib.capstone import defects
from course_lib.capstone.defects import Entry
from course_lib.capstone.phrases import PHRASES
from course_lib.pocket.lexicon import CAPITALS, MONTHS, OBJECTS, name

CALLS = ("up", "down", "flat", "wait")
SYSTEM = "Give the desk's call for this headline: up, down, flat or wait."

_BANK: dict[str, Any] = PHRASES["headlines"]
# What a headline tells: only a result, only an outlook, both, or a rumour beside a result or alone.
_SHAPES = ("result", "outlook", "both", "both", "both", "rumour", "rumour")
# What a headline says beside the news: it must be read past.
_COMPANIES = (
    "{c}", "{c} {e}", "{c} {e}", "{c} of {p}", "{g} maker {c}", "{g} maker {c}",
    "{p} {g} maker {c}",
)  # fmt: skip
_ENDINGS = ("Group", "Bank", "Ltd", "Oyj")
_SOURCES = ("The Morning Post", "L’Écho", "Börse am Abend", "Desk – own notes")
_MISSPELT = ("Up", "UP?", "dwn", "down.", "n/a", "Flat", "see note")

CLEAN = 420
# Rows of each defect. The labels that are silently wrong are found by no rule.
PLAN = {
    "html": 8, "mojibake": 8, "private": 9, "empty_label": 6, "misspelt_label": 10,
    "wrong_label": 8, "duplicate": 12, "near_duplicate": 12, "second_opinion": 10, "leak": 12,
}  # fmt: skip


def headline(draw: random.Random, *, new: bool = False) -> dict[str, str]:
    """Invent a headline and the desk's call.

    Args:
        draw: The only source of chance.
        new: Use wordings that no training row has.

    Returns:
        headline, call, and decided_by: "result", "outlook" or "rumour".

    Example:
        >>> headline(random.Random(1))["headline"]  # doctest: +SKIP
        'Tavo Group beats forecasts but cuts its outlook'
    """
    bank = _BANK["new"] if new else _BANK
    shape = draw.choice(_SHAPES)
    company = _company(draw)
    result_call, result = _phrase(bank["result"], draw)
    if shape == "result":
        text, call = f"{company} {result}{_when(draw)}", result_call
    elif shape == "outlook":
        call, outlook = _phrase(bank["outlook"], draw)
        text = f"{company} {outlook}{_when(draw)}"
    else:
        call, last = _phrase(bank["outlook" if shape == "both" else "rumour"], draw)
        beside = shape == "both" or draw.random() < 0.6
        text = _joined(company, result, last, draw) if beside else f"{company} {last}"
    decided_by = "outlook" if shape == "both" else shape
    return {"headline": text, "call": call, "decided_by": decided_by}


def _phrase(bank: dict[str, list[str]], draw: random.Random) -> tuple[str, str]:
    call = draw.choice(list(bank))
    return call, draw.choice(bank[call])


def _company(draw: random.Random) -> str:
    text = draw.choice(_COMPANIES).format(
        c=name(draw),
        e=draw.choice(_ENDINGS),
        p=draw.choice(list(CAPITALS.values())),
        g=draw.choice(OBJECTS).one,
    )
    return text[0].upper() + text[1:]


def _when(draw: random.Random) -> str:
    return draw.choice(("", f" in {draw.choice(MONTHS)}", f" in {draw.randint(2019, 2026)}"))


def _joined(company: str, result: str, last: str, draw: random.Random) -> str:
    """The weaker part and the one that decides, in either order."""
    return draw.choice(
        (
            f"{company} {result} but {last}",
            f"{company} {result} and {last}",
            f"{company} {last} after it {result}",
            f"{company} {last} although it {result}",
            f"{company} {result}; it {last}",
        )
    )


def held_out_rows(seed: int = 17) -> list[dict[str, str]]:
    """Draw the held-out test: three rows in four in the wordings of the export, one in new ones.

    Args:
        seed: Decides the rows.

    Returns:
        headline, label, wording ("known" or "new") and decided_by.

    Example:
        >>> len(held_out_rows())
        120
    """
    draw = random.Random(f"headlines test {seed}")
    rows = []
    for place in range(120):
        new = place % 4 == 3
        drawn = headline(draw, new=new)
        rows.append(
            {
                "headline": drawn["headline"],
                "label": drawn["call"],
                "wording": "new" if new else "known",
                "decided_by": drawn["decided_by"],
            }
        )
    return rows


def export(seed: int = 16) -> list[Entry]:
    """Draw the desk's messy export.

    Args:
        seed: Decides rows, defects and order.

    Returns:
        Entries with id, source, headline and label, in the order of the file.

    Example:
        >>> len(export()) == CLEAN + sum(PLAN[kind] for kind in defects.ADDED)
        True
    """
    draw = random.Random(f"headlines {seed}")
    clean = [_entry(headline(draw), draw) for _ in range(CLEAN)]
    added = defects.plant(clean, PLAN, "headline", _spoil, _second_opinion, draw)
    for row in draw.sample(held_out_rows(), PLAN["leak"]):
        added.append(defects.leaked(_entry({**row, "call": row["label"]}, draw), draw, "headline"))
    entries = [*clean, *added]
    draw.shuffle(entries)
    for number, entry in enumerate(entries, start=1):
        entry.fields = {"id": f"h{number:04d}", **entry.fields}
    return entries


def _entry(drawn: dict[str, str], draw: random.Random) -> Entry:
    source = draw.choice(_SOURCES)
    return Entry({"source": source, "headline": drawn["headline"], "label": drawn["call"]})


def _spoil(entry: Entry, kind: str, draw: random.Random) -> None:
    if kind == "html":
        defects.markup(entry, "headline")
    elif kind == "mojibake":
        defects.mojibake(entry, "headline")
    elif kind == "private":
        defects.private(entry, "headline", draw)
    elif kind == "wrong_label":
        entry.mark(kind, f"should be {entry.fields['label']}")
        entry.fields["label"] = _other_call(entry, draw)
    else:
        entry.mark(kind, f"should be {entry.fields['label']}")
        entry.fields["label"] = "" if kind == "empty_label" else draw.choice(_MISSPELT)


def _second_opinion(entry: Entry, draw: random.Random) -> Entry:
    """The same headline as somebody else has called it."""
    other = entry.again()
    other.fields["label"] = _other_call(entry, draw)
    other.mark("second_opinion", f"another row says {entry.fields['label']}")
    entry.mark("second_opinion", f"another row says {other.fields['label']}")
    return other


def _other_call(entry: Entry, draw: random.Random) -> str:
    return draw.choice([call for call in CALLS if call != entry.fields["label"]])
