"""Contract clauses with what a law firm wants to know of each: the second track of the capstone.

The answer is JSON: the kind of clause by the firm's own list, the party that is bound (two are
named in most clauses), and the value agreed on.

>>> import random
>>> row = clause(random.Random(0))
>>> sorted(json.loads(row["output"]))
['kind', 'party', 'value']
"""

from __future__ import annotations

import json
import random
from typing import Any

from course_lib.capstone import defects
from course_lib.capstone.defects import Entry
from course_lib.capstone.phrases import PHRASES
from course_lib.pocket.lexicon import MONEY, name

KINDS = ("exit", "fee", "cap", "secret", "late")
SYSTEM = "Fill in kind, party and value of this clause. Answer as JSON."

_BANK: dict[str, Any] = PHRASES["clauses"]
_SPANS = ("days", "weeks", "months", "years")

CLEAN = 340
# Rows of each defect. What the clause does not say, and the party that is not bound, no rule finds.
PLAN = {
    "html": 7, "full_width": 7, "private": 7, "empty_answer": 4, "truncated_answer": 8,
    "broken_json": 6, "unsupported_value": 9, "wrong_party": 6, "duplicate": 10,
    "near_duplicate": 10, "second_opinion": 8, "leak": 10,
}  # fmt: skip


def parties(draw: random.Random) -> tuple[str, str]:
    """Invent the two parties of a contract.

    Args:
        draw: The only source of chance.

    Returns:
        Two names that differ.

    Example:
        >>> len(set(parties(random.Random(0))))
        2
    """
    first = name(draw)
    second = name(draw)
    while second == first:
        second = name(draw)
    return first, second


def clause(
    draw: random.Random, both: tuple[str, str] | None = None, *, new: bool = False
) -> dict[str, str]:
    """Invent a clause of a contract.

    Args:
        draw: The only source of chance.
        both: The contract's parties; invented without them.
        new: Use wordings that no training row has.

    Returns:
        clause, output (the JSON that the firm wants) and kind.

    Example:
        >>> clause(random.Random(0))["clause"]  # doctest: +SKIP
        'Tavo pays 320 dollars for each month of service.'
    """
    sides = list(both or parties(draw))
    draw.shuffle(sides)
    kind = draw.choice(KINDS)
    wording = draw.choice((_BANK["new"] if new else _BANK)[kind])
    value = _value(kind, draw)
    text = wording.format(b=sides[0], o=sides[1], v=value)
    return {"clause": text, "output": filled(kind, sides[0], value), "kind": kind}


def filled(kind: str, party: str, value: str) -> str:
    """Write the answer as the firm's form has it.

    Args:
        kind: One of `KINDS`.
        party: Who is bound.
        value: What was agreed, as the clause says it.

    Returns:
        One line of JSON.

    Example:
        >>> filled("fee", "Tavo", "320 dollars")
        '{"kind": "fee", "party": "Tavo", "value": "320 dollars"}'
    """
    return json.dumps({"kind": kind, "party": party, "value": value})


def _value(kind: str, draw: random.Random) -> str:
    if kind in ("exit", "secret"):
        return f"{draw.randint(2, 90)} {draw.choice(_SPANS)}"
    number = draw.randint(2, 99) * draw.choice((1, 10, 100) if kind != "cap" else (100,))
    return f"{number} {draw.choice(MONEY)}"


def held_out_rows(seed: int = 17) -> list[dict[str, str]]:
    """Draw the held-out test: three rows in four in the wordings of the export, one in new ones.

    Args:
        seed: Decides the rows.

    Returns:
        prompt, completion, contract, wording ("known" or "new") and kind.

    Example:
        >>> len(held_out_rows())
        100
    """
    draw = random.Random(f"clauses test {seed}")
    rows = []
    for place in range(100):
        new = place % 4 == 3
        drawn = clause(draw, new=new)
        rows.append(
            {
                "prompt": drawn["clause"],
                "completion": drawn["output"],
                "contract": f"T-{place:03d}",
                "wording": "new" if new else "known",
                "kind": drawn["kind"],
            }
        )
    return rows


def export(seed: int = 16) -> list[Entry]:
    """Draw the firm's messy export: some four clauses of each contract.

    Args:
        seed: Decides rows, defects and order.

    Returns:
        Entries with contract, prompt and completion, in the order of the file. Where a line is
        to be no JSON, the entry's kinds say so.

    Example:
        >>> len(export()) == CLEAN + sum(PLAN[kind] for kind in defects.ADDED)
        True
    """
    draw = random.Random(f"clauses {seed}")
    clean: list[Entry] = []
    while len(clean) < CLEAN:
        contract, sides = f"C-{100 + len(clean)}", parties(draw)
        clean += [_entry(clause(draw, sides), contract) for _ in range(4)]
    added = defects.plant(clean, PLAN, "prompt", _spoil, _second_opinion, draw)
    held_out = [_entry({**r, "clause": r["prompt"], "output": r["completion"]}, "C-007")
                for r in held_out_rows()]  # fmt: skip
    added += [
        defects.leaked(entry, draw, "prompt") for entry in draw.sample(held_out, PLAN["leak"])
    ]
    entries = [*clean, *added]
    draw.shuffle(entries)
    return entries


def _entry(drawn: dict[str, str], contract: str) -> Entry:
    fields = {"contract": contract, "prompt": drawn["clause"], "completion": drawn["output"]}
    return Entry(fields)


def _spoil(entry: Entry, kind: str, draw: random.Random) -> None:
    answer = entry.fields["completion"]
    if kind == "html":
        defects.markup(entry, "prompt")
    elif kind == "full_width":
        defects.full_width(entry, "prompt")
    elif kind == "private":
        defects.private(entry, "prompt", draw)
    elif kind == "empty_answer":
        entry.fields["completion"] = ""
        entry.mark(kind, "no answer")
    elif kind == "truncated_answer":
        entry.fields["completion"] = answer[: draw.randrange(20, len(answer) - 3)]
        entry.mark(kind, "the answer is cut")
    elif kind == "broken_json":
        entry.mark(kind, "the line is no JSON")
    else:
        _mistake(entry, kind, draw)


def _mistake(entry: Entry, kind: str, draw: random.Random) -> None:
    """Fill in what the clause does not say: another value, or another party."""
    said = json.loads(entry.fields["completion"])
    if kind == "unsupported_value":
        said["value"] = _value(said["kind"], draw)
    else:
        said["party"] = name(draw)
    entry.mark(kind, f"should be {entry.fields['completion']}")
    entry.fields["completion"] = filled(**said)


def _second_opinion(entry: Entry, draw: random.Random) -> Entry:
    """The same clause as somebody else has filed it."""
    other = entry.again()
    said = json.loads(entry.fields["completion"])
    said["kind"] = draw.choice([kind for kind in KINDS if kind != said["kind"]])
    other.fields["completion"] = filled(**said)
    other.mark("second_opinion", f"another row says {entry.fields['completion']}")
    entry.mark("second_opinion", f"another row says {other.fields['completion']}")
    return other
