"""How many planted defects each rule finds, and how many sound texts it takes for one.

from course_lib.cleaning.planted import examine, marks

rows = examine(conversations, "en")    # every planted and sound row, and what became of it
marks(rows)                            # precision and recall by kind, as a DataFrame
rows.query("planted != found")         # what went wrong, to be read

At first sight 26 of 47 kinds (English and Japanese apart) were below .95. The rules were mended on
the seen half, and what was then looked at in the held-out half became seen and was replaced. Who
wrote the texts also mended the rules, so that these marks are no forecast for other data.

The texts stand in `planted.toml`, the damage in `planted_damage`. Each kind has two halves: one
seen while the rules were mended, and one held out. Private values have a set of their own:
`course_lib.cleaning.privacy.planted`. The answer key of the course's data covers duplicates and
contradictions.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from course_lib.cleaning import pipeline
from course_lib.cleaning.planted_rows import Planted, all_rows, leaked, notice_round, plant
from course_lib.cleaning.report import CleaningReport
from course_lib.cleaning.rule import Messages, Rule

# The rules that answer for each kind.
KINDS: dict[str, tuple[str, ...]] = {
    **{kind: (kind,) for kind in ("json", "schema", "role", "turns")},
    # What one cannot repair the other rejects.
    **dict.fromkeys(("mojibake", "lossy_mojibake"), ("mojibake", "lossy_mojibake")),
    **{kind: (kind,) for kind in ("control_characters", "html")},
    # Comments of HTML are debris of Markdown too.
    "markdown": ("markdown", "html"),
    **{kind: (kind,) for kind in ("width", "empty", "repetition", "truncated")},
    "stub": ("empty",),
    # A model that refuses as a model leaks, too.
    **dict.fromkeys(("refusal", "model_leak"), ("refusal", "model_leak")),
    **{kind: (kind,) for kind in ("unfilled_template", "script", "language")},
    **{kind: (kind,) for kind in ("style", "contamination")},
    **{kind: (kind,) for kind in ("pair_same", "pair_empty", "pair_swapped", "pair_refusal")},
}
# A rule knows the common wordings of a stub ("to be written"); who reads short answers finds more.
OPEN = ("stub",)
# What only a person can decide: the rules show the rows and reject none.
HUMAN: tuple[str, ...] = (
    "length",
    "rare_label",
    "rare_language",
    "style_across",
    "house_phrase",
    "boilerplate",
    "typo",
    "thin_topic",
)
_ROUNDS = 16  # of a notice, with three planted rows each: what it looks for is rare by definition
_SINGLES: tuple[str, ...] = (
    "json",
    "schema",
    "role",
    "turns",
    "mojibake",
    "lossy_mojibake",
    "control_characters",
    "html",
    "markdown",
    "width",
    "empty",
    "stub",
    "repetition",
    "refusal",
    "model_leak",
    "unfilled_template",
    "script",
    "language",
    "style",
)


def examine(
    conversations: Sequence[Messages],
    lang: str,
    *,
    test: Sequence[Messages] = (),
    other_language: Sequence[Messages] = (),
    held_out: bool = False,
    seed: int = 0,
) -> pd.DataFrame:
    """Plant every kind, clean, and say of each row what became of it.

    Args:
        conversations: Clean conversations of one question and one answer, in `lang`.
        lang: "en" or "ja".
        test: Questions that may not be in the training data; none leaves contamination out.
        other_language: Clean conversations in the other language, for the notice rare_language.
        held_out: See `plant`.
        seed: Draws everything.

    Returns:
        lang, kind, planted, found (a rule of the kind rejected, repaired or showed the row, and
        a repair made what it should), rules (every rule that touched the row), row: one row for
        each planted and each sound row.

    Example:
        >>> examine(conversations, "ja").query("planted and not found")  # doctest: +SKIP
    """
    drawn = partial(plant, conversations, lang, held_out=held_out, seed=seed)
    singles = [row for kind in _SINGLES for row in drawn(kind)]
    found = _judged(singles, [rule.name for rule in _row_rules()])
    # A cut answer shows against answers that end: the share of them must be that of real data.
    for part in _parts(drawn("truncated"), 6):
        found += _judged(part + _bed(conversations), ["truncated"])
    pairs = [row for kind in KINDS if kind.startswith("pair_") for row in drawn(kind)]
    found += _judged(pairs, [rule.name for rule in pipeline.PAIRS])
    if test:
        rows = leaked(Random(f"{seed} {lang} leaked"), conversations, test, lang, held_out)
        found += _judged(rows, ["contamination"], test)
    for kind in HUMAN:
        for number in range(_ROUNDS):
            draw = Random(f"{seed} {lang} {kind} {held_out} {number}")
            rows = notice_round(draw, conversations, other_language, lang, kind, held_out)
            found += _judged(rows, [kind])
    frame = pd.DataFrame(found, columns=["kind", "planted", "found", "rules", "row"])
    return frame.assign(lang=lang)[["lang", *frame.columns]]


def marks(rows: pd.DataFrame) -> pd.DataFrame:
    """Precision and recall of the rules by kind and language.

    Args:
        rows: What `examine` returned, of one language or of several.

    Returns:
        lang, kind, planted, found, sound (rows without this defect), alarms (of these, what the
        rules of the kind touched), precision (found / (found + alarms)), recall (found /
        planted). The sound rows are those that look like the kind and, for a rule that decides
        on its own, those of all other kinds of the language too.

    Example:
        >>> one = {"lang": "en", "kind": "html", "row": "", "rules": ("html",)}
        >>> marks(pd.DataFrame([one | {"planted": True, "found": True}]))["recall"].tolist()
        [1.0]
    """
    table = []
    for (lang, kind), own in rows.groupby(["lang", "kind"], sort=False):
        planted = own[own["planted"]]
        if planted.empty:
            continue
        sound = own[~own["planted"]]
        if kind in _SINGLES:
            sound = rows[(rows["lang"] == lang) & ~rows["planted"] & rows["kind"].isin(_SINGLES)]
        names = set(KINDS.get(kind, (kind,)))
        alarms = int(sound["rules"].map(lambda touched, own=names: bool(own & set(touched))).sum())
        hits = int(planted["found"].sum())
        table.append(
            {
                "lang": lang,
                "kind": kind,
                "planted": len(planted),
                "found": hits,
                "sound": len(sound),
                "alarms": alarms,
                "precision": hits / (hits + alarms) if hits + alarms else float("nan"),
                "recall": hits / len(planted),
            }
        )
    return pd.DataFrame(table)


def _row_rules() -> list[Rule]:
    rules = [*pipeline.STRUCTURE, *pipeline.REPAIRS, *pipeline.DAMAGE, *pipeline.MEANING]
    return [rule for rule in rules if rule.name not in pipeline.EXTRAS]


def _bed(conversations: Sequence[Messages]) -> list[Planted]:
    return all_rows("", False, conversations)


def _parts(rows: list[Planted], number: int) -> list[list[Planted]]:
    return [rows[start::number] for start in range(number)]


def _judged(
    rows: list[Planted], rules: list[str], test: Sequence[Messages] = ()
) -> list[tuple[str, bool, bool, tuple[str, ...], Any]]:
    """Write the rows to a file, clean it, and read the report line by line."""
    if not rows:
        return []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "planted.jsonl"
        path.write_text("".join(f"{_written(row.row)}\n" for row in rows), encoding="utf-8")
        report = pipeline.clean(path, rules=rules, test=list(test) or None)
    touched, repaired = _touched(report)
    judged = []
    for line, row in enumerate(rows, 1):
        own, last = KINDS.get(row.kind, (row.kind,)), repaired.get(line)
        found = bool(touched.get(line, set()) & set(own))
        if found and row.expected is not None and last is not None:
            found = "".join(last.split()) == "".join(row.expected.split())
        judged.append((row.kind, row.planted, found, tuple(sorted(touched.get(line, ()))), row.row))
    return [one for one in judged if one[0]]


def _touched(report: CleaningReport) -> tuple[dict[int, set[str]], dict[int, str]]:
    """By line: the rules that did something, and the answer as the last repair left it."""
    touched: dict[int, set[str]] = {}
    for frame in (report.rejected, report.changes, report.review):
        for line, rule in zip(frame["line"], frame["rule"], strict=True):
            touched.setdefault(int(line), set()).add(rule)
    gone = set(report.rejected["line"])
    repaired = {
        int(change["line"]): change["after"]
        for change in report.changes.to_dict("records")
        if change["line"] not in gone and change["role"] == "assistant"
    }
    return touched, repaired


def _written(row: Messages | dict[str, Messages] | str) -> str:
    if isinstance(row, str):
        return row
    # Half characters and the like must survive the way through the file.
    return json.dumps(row if isinstance(row, dict) else {"messages": row})
