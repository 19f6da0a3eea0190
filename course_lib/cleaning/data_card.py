"""report.html: what a person who was not there needs to know about a cleaned set."""

from __future__ import annotations

from collections import Counter
from html import escape
from statistics import median
from typing import TYPE_CHECKING, Any

from course_lib.cleaning.language import language_of
from course_lib.cleaning.rule import answers, prompt

if TYPE_CHECKING:
    import pandas as pd

    from course_lib.cleaning.report import CleaningReport

_STYLE = """
body { font: 18px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: #1b1b1b; background: #fff; }
table { border-collapse: collapse; width: 100%; margin: 1em 0; }
th, td { border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left;
         vertical-align: top; overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
del { background: #fde0c5; text-decoration: none; }
ins { background: #cfe8f3; text-decoration: none; }
"""
_EXAMPLES = 2


def data_card(report: CleaningReport) -> str:
    """Write the card: counts, languages, lengths, the ledger, and examples of every rule.

    Args:
        report: What `clean` returned.

    Returns:
        One HTML page that needs nothing else.

    Example:
        >>> data_card(clean("support.jsonl"))[:15]                     # doctest: +SKIP
        '<!DOCTYPE html>'
    """
    summary = report.summary
    rows = [row["messages"] for row in report.kept_rows]
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.source.notes)
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>Data card</title>"
        f"<style>{_STYLE}</style></head><body><h1>Data card</h1>"
        f"<p>{escape(report.source.path)} (format {escape(summary['format'])}, encoding "
        f"{escape(summary['encoding'])})</p>{notes}"
        f"<p><b>{summary['rows_in']}</b> rows in = <b>{summary['kept']}</b> kept "
        f"({summary['changed']} of them changed) + <b>{summary['rejected']}</b> rejected.</p>"
        f"<h2>What was kept</h2>{_table(['', 'rows', 'share'], _languages(rows))}"
        f"{_table(['characters', 'shortest', 'median', 'longest'], _lengths(rows))}"
        f"<h2>What each rule did</h2>{_ledger(report.ledger)}"
        f"<h2>Changed: examples</h2>{_changes(report.changes)}"
        f"<h2>Rejected: examples</h2>{_rejected(report.rejected)}</body></html>\n"
    )


def _table(head: list[str], rows: list[list[Any]]) -> str:
    def cell(tag: str, value: Any, number: bool) -> str:
        attribute = " class='number'" if number else ""
        return f"<{tag}{attribute}>{value}</{tag}>"

    numbers = [bool(rows) and isinstance(value, (int, float)) for value in (rows or [head])[0]]
    header = "".join(cell("th", escape(h), n) for h, n in zip(head, numbers, strict=True))
    body = "".join(
        f"<tr>{''.join(cell('td', v, n) for v, n in zip(row, numbers, strict=True))}</tr>"
        for row in rows
    )
    return f"<table><tr>{header}</tr>{body}</table>"


def _languages(rows: list[list[dict[str, str]]]) -> list[list[Any]]:
    counts = Counter(language_of(prompt(row)) or "too short to tell" for row in rows)
    return [[f"asked in: {n}", c, f"{c / len(rows):.0%}"] for n, c in counts.most_common()]


def _lengths(rows: list[list[dict[str, str]]]) -> list[list[Any]]:
    sides = {
        "question": [len(prompt(row)) for row in rows],
        "answer": [sum(map(len, answers(row))) for row in rows],
    }
    return [
        [name, min(sizes), round(median(sizes)), max(sizes)]
        for name, sizes in sides.items()
        if sizes
    ]


def _ledger(ledger: pd.DataFrame) -> str:
    rows = [
        [escape(e["rule"]), int(e["seen"]), int(e["changed"]), int(e["rejected"])]
        for e in ledger.to_dict("records")
    ]
    return _table(["rule", "seen", "changed", "rejected"], rows)


def _changes(changes: pd.DataFrame) -> str:
    rows = [
        [
            int(change["line"]),
            escape(change["rule"]),
            f"<del>{_short(change['before'])}</del>",
            f"<ins>{_short(change['after'])}</ins>",
        ]
        for change in changes.groupby("rule", sort=False).head(_EXAMPLES).to_dict("records")
    ]
    return _table(["line", "rule", "before", "after"], rows)


def _rejected(rejected: pd.DataFrame) -> str:
    rows = [
        [int(row["line"]), escape(row["rule"]), _short(row["reason"]), _short(str(row["row"]))]
        for row in rejected.groupby("rule", sort=False).head(_EXAMPLES).to_dict("records")
    ]
    return _table(["line", "rule", "reason", "row"], rows)


def _short(text: str, limit: int = 240) -> str:
    cut = text if len(text) <= limit else text[:limit] + "…"
    return escape(cut.encode("utf-8", errors="backslashreplace").decode("utf-8"))
