"""Score a cleaning run against an answer key of planted defects.

The key has one JSON object for each defective line: {"line": 17, "kinds": ["phone", "html"]}.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pandas as pd

from course_lib.cleaning.report import CleaningReport
from course_lib.errors import CourseError

# The rules that claim each kind of defect.
KINDS: dict[str, tuple[str, ...]] = {
    "exact_duplicate": ("exact_duplicate",),
    "near_duplicate": ("near_duplicate",),
    "broken_json": ("json",),
    "wrong_role": ("role", "turns"),
    "empty_answer": ("empty",),
    "truncated_answer": ("truncated",),
    "mojibake": ("mojibake", "lossy_mojibake"),
    "html": ("html",),
    "full_width": ("width",),
    "phone": ("phone",),
    "email": ("email",),
    "card_number": ("card",),
    "api_key": ("api_key",),
    "refusal": ("refusal",),
    "wrong_language": ("language",),
    "mixed_politeness": ("style",),
    "contradictory_answer": ("contradiction",),
    "leaked_test_question": ("contamination",),
}


def read_key(path: str | Path, language: str | None = None) -> dict[int, set[str]]:
    """Read an answer key.

    Args:
        path: A JSON Lines file with "line" (from 1) and "kinds".
        language: Only the lines whose "lang" is this; None reads all.

    Returns:
        The kinds planted on each line.

    Raises:
        CourseError: The file is missing or is no answer key.

    Example:
        >>> read_key("answer_key.jsonl")[17]                           # doctest: +SKIP
        {'phone', 'html'}
    """
    try:
        entries = [json.loads(line) for line in Path(path).read_text("utf-8").split("\n") if line]
        return {
            int(entry["line"]): set(entry["kinds"])
            for entry in entries
            if language in (None, entry.get("lang"))
        }
    except FileNotFoundError as error:
        raise CourseError(f"There is no answer key {path}: run `make data`.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path} is no answer key: every line needs 'line' and 'kinds'."
        ) from error


def score_against_key(
    report: CleaningReport, key_path: str | Path, *, language: str | None = None
) -> pd.DataFrame:
    """Compare what the rules found with what was planted.

    A kind counts as found on a line if one of its rules changed or rejected that line. A line
    that another of its own planted defects had rejected first is left out for the later kinds:
    no rule was asked about it any more.

    Args:
        report: What `clean` made of the messy file.
        key_path: The answer key of that file.
        language: "en" or "ja" scores only the lines that the key gives in that language; a find
            on a line that the key does not have counts against either. None scores all.

    Returns:
        One row a kind: kind, planted, found (planted and found), precision (share of what the
        rules found that was planted), recall (share of the planted that was found).

    Raises:
        CourseError: The key cannot be read, or names a kind that no rule knows.

    Example:
        >>> score_against_key(clean("support_raw.jsonl"), "answer_key.jsonl")  # doctest: +SKIP
                      kind  planted  found  precision  recall
        0  exact_duplicate       30     30        1.0     1.0
    """
    key = read_key(key_path)
    other_language = set(key) - set(read_key(key_path, language))
    unknown = {kind for kinds in key.values() for kind in kinds} - set(KINDS)
    if unknown:
        raise CourseError(f"{key_path}: no rule knows the kind {sorted(unknown)[0]!r}.")
    flagged: dict[str, set[int]] = defaultdict(set)
    for frame in (report.rejected, report.changes):
        for line, rule in zip(frame["line"], frame["rule"], strict=True):
            flagged[rule].add(int(line))
    rejected = {
        int(line): rule
        for line, rule in zip(report.rejected["line"], report.rejected["rule"], strict=True)
    }
    scores = []
    for kind, rules in KINDS.items():
        planted = {line for line, kinds in key.items() if kind in kinds} - other_language
        found = set().union(*(flagged[rule] for rule in rules)) - other_language
        planted -= {
            line
            for line in planted - found
            if rejected.get(line) in {r for other in key[line] - {kind} for r in KINDS[other]}
        }
        both = planted & found
        scores.append(
            {
                "kind": kind,
                "planted": len(planted),
                "found": len(both),
                "precision": len(both) / len(found) if found else float("nan"),
                "recall": len(both) / len(planted) if planted else float("nan"),
            }
        )
    return pd.DataFrame(scores)


def key_verdicts(sample: pd.DataFrame, key_path: str | Path) -> list[dict[str, Any]]:
    """Let the answer key judge findings in a person's place, as far as it can.

    It asks one thing: did the row have the defect that the rule is for? A rejection with it is
    agreed to, one without it is put back. A repair with it is kept, one without it costs the row,
    because a key can write no text. Whether a repair did its job well it cannot see.

    Args:
        sample: What `sample_findings` drew.
        key_path: The answer key of the cleaned file.

    Returns:
        One decision a finding, as `record` takes it: finding, kind, rule, line, decision.

    Raises:
        CourseError: The key cannot be read.

    Example:
        >>> for verdict in key_verdicts(sample, "answer_key.jsonl"):   # doctest: +SKIP
        ...     record("decisions/key.jsonl", verdict)
    """
    key = read_key(key_path)
    claimed: dict[str, set[str]] = defaultdict(set)
    for kind, rules in KINDS.items():
        for rule in rules:
            claimed[rule].add(kind)
    verdicts = []
    for entry in sample[["finding", "kind", "rule", "line"]].to_dict("records"):
        right = bool(claimed[entry["rule"]] & key.get(entry["line"], set()))
        # Only a repair is right when its row stays.
        decision = "keep" if right == (entry["kind"] == "changed") else "reject"
        verdicts.append({**entry, "decision": decision})
    return verdicts
