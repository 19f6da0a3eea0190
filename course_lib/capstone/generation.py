"""Write everything under `data/capstone`, the same bytes each time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_lib.capstone import clauses, faq, headlines
from course_lib.capstone.defects import Entry
from course_lib.yamabiko.jsonl import json_line


def generate(out: Path) -> list[Path]:
    """Write the capstone's files below a folder.

    The headlines are a CSV in an older encoding, the clauses JSON Lines in UTF-8: no two files in
    real life look alike.

    Args:
        out: The data folder; it is created if needed. Files of the same names are replaced.

    Returns:
        The files written, in the order of writing.

    Raises:
        OSError: If the folder cannot be written.

    Example:
        >>> import tempfile
        >>> len(generate(Path(tempfile.mkdtemp())))
        7
    """
    home = out / "capstone"
    home.mkdir(parents=True, exist_ok=True)
    calls, filed = headlines.export(), clauses.export()
    files = {
        "headlines_raw.csv": _csv([entry.fields for entry in calls]).encode("cp1252"),
        "headlines_test.csv": _csv(headlines.held_out_rows()).encode("utf-8"),
        # The header of the table is its first line.
        "headlines_key.jsonl": _lines(_key(calls, first=2)),
        "clauses_raw.jsonl": "".join(map(_line, filed)).encode("utf-8"),
        "clauses_test.jsonl": _lines(clauses.held_out_rows()),
        "clauses_key.jsonl": _lines(_key(filed, first=1)),
        "own_example.csv": _csv([entry.fields for entry in faq.export()]).encode("utf-8"),
    }
    for name, content in files.items():
        (home / name).write_bytes(content)
    return [home / name for name in files]


def _csv(rows: Sequence[Mapping[str, str]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return "".join(map(json_line, rows)).encode("utf-8")


def _line(entry: Entry) -> str:
    line = json_line(entry.fields)
    # As if the export had been broken off.
    return line[: 2 * len(line) // 3] + "\n" if "broken_json" in entry.kinds else line


def _key(entries: Sequence[Entry], *, first: int) -> list[dict[str, Any]]:
    """What was planted, line by line; a learner's cleaning can be scored with it."""
    return [
        {"line": line, "kinds": entry.kinds, "note": entry.note}
        for line, entry in enumerate(entries, start=first)
        if entry.kinds
    ]
