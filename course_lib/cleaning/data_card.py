"""report.html: what a person who was not there needs to know about a cleaned set."""

from __future__ import annotations

from collections import Counter
from html import escape
from statistics import median
from typing import TYPE_CHECKING, Any

from course_lib.cleaning import privacy
from course_lib.cleaning.labels import balance, labels_of
from course_lib.cleaning.language import language_of
from course_lib.cleaning.preferences import conversation, length_bias
from course_lib.cleaning.rule import Messages, answers, prompt

if TYPE_CHECKING:
    import pandas as pd

    from course_lib.cleaning.report import CleaningReport

_STYLE = """
body { font: 18px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: #1b1b1b; background: #fff; }
table { border-collapse: collapse; width: 100%; margin: 1em 0; }
th, td { border-bottom: 1px solid #ccc; padding: .3em .6em; text-align: left;
         vertical-align: top; overflow-wrap: anywhere; }
td.name, td.number, th.name, th.number { white-space: nowrap; overflow-wrap: normal; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
del { background: #fde0c5; text-decoration: none; }
ins { background: #cfe8f3; text-decoration: none; }
"""
_EXAMPLES = 2
# Prices differ between providers and models, and change: the card gives a scale.
_PRICES = (1, 5, 25)


def data_card(report: CleaningReport, cost: pd.Series | None = None) -> str:
    """Write the card: what was kept, what it costs to train on, what each rule did, and examples.

    Args:
        report: What `clean` returned.
        cost: What `course_lib.tokenization.training_cost` counted for the kept rows with the
            tokenizer that will be trained. None leaves the costs out, since tokens counted with
            another tokenizer would mislead.

    Returns:
        One HTML page that needs nothing else.

    Example:
        >>> data_card(clean("support.jsonl"))[:15]                     # doctest: +SKIP
        '<!DOCTYPE html>'
    """
    summary = report.summary
    rows = [conversation(row) for row in report.kept_rows]
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
        f"{_balance(rows)}{_pairs(report)}{_costs(cost)}"
        f"<h2>What was masked</h2>{_masked(report.ledger)}"
        f"<h2>What each rule did</h2>{_ledger(report.ledger)}"
        f"<h2>Changed: examples</h2>{_changes(report.changes)}"
        f"<h2>Rejected: examples</h2>{_rejected(report.rejected)}"
        f"<h2>For a person to look at: examples</h2>{_rejected(report.review)}</body></html>\n"
    )


def _balance(rows: list[Messages]) -> str:
    if labels_of(rows) is None:
        return ""
    frame = balance(rows)
    counts = [[escape(str(r.label)), int(r.rows), f"{r.share:.0%}"] for r in frame.itertuples()]
    return f"<h2>Labels</h2>{_table(['label', 'rows', 'share'], counts)}"


def _pairs(report: CleaningReport) -> str:
    """Of preference pairs: is the chosen answer mostly the longer one?"""
    pairs = [
        (row["prompt"], row["chosen"], row["rejected"])
        for row in report.kept_rows
        if "messages" not in row
    ]
    if not pairs:
        return ""
    table = [
        [escape(row["language"]), row["pairs"], f"{row['share']:.0%}",
         f"{row['low']:.0%} to {row['high']:.0%}"]
        for row in length_bias(pairs).to_dict("records")
    ]  # fmt: skip
    head = ["preference pairs asked in", "pairs", "chosen answer is the longer", "95% interval"]
    return f"<h2>Length of the chosen answers</h2>{_table(head, table)}"


def _costs(cost: pd.Series | None) -> str:
    if cost is None:
        return ""
    tokens, total = int(cost["tokens"]), float(cost["total"])
    lines = [
        f"<p>{int(cost['rows'])} rows are <b>{tokens:,}</b> tokens, {cost['share_trained']:.0%} of "
        f"them answers that are trained; {total:,.0f} tokens over all epochs.</p>",
        "<p>On a machine of one's own that is time: <code>python -m course_lib plan</code> says "
        "how many tokens a second a card does. At a provider it is money:</p>",
    ]
    prices = [[f"{price:.2f}", f"{price * total / 1e6:,.2f}"] for price in _PRICES]
    return "<h2>What training on it costs</h2>" + "".join(lines) + _table(
        ["price of a million training tokens", "all epochs"], prices
    )  # fmt: skip


def _masked(ledger: pd.DataFrame) -> str:
    rows = [
        [escape(entry["rule"]), int(entry["changed"])]
        for entry in ledger.to_dict("records")
        if entry["rule"] in privacy.DETECTORS and entry["changed"]
    ]
    return _table(["private values", "rows"], rows) if rows else "<p>Nothing.</p>"


def _table(head: list[str], rows: list[list[Any]], names: int = 1) -> str:
    """A table; its first columns hold names, which are not broken over lines."""

    def cell(tag: str, value: Any, place: int) -> str:
        number = bool(rows) and isinstance(rows[0][place], (int, float))
        kind = "number" if number else "name" if place < names else ""
        return f"<{tag} class='{kind}'>{value}</{tag}>"

    header = "".join(cell("th", escape(text), place) for place, text in enumerate(head))
    body = "".join(
        f"<tr>{''.join(cell('td', value, place) for place, value in enumerate(row))}</tr>"
        for row in rows
    )
    return f"<table><tr>{header}</tr>{body}</table>"


def _languages(rows: list[Messages]) -> list[list[Any]]:
    counts = Counter(language_of(prompt(row)) or "too short to tell" for row in rows)
    return [[f"asked in: {n}", c, f"{c / len(rows):.0%}"] for n, c in counts.most_common()]


def _lengths(rows: list[Messages]) -> list[list[Any]]:
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
    """The rules that did something as a table, the others in a sentence."""
    did = ("changed", "rejected", "noticed")
    busy = (ledger[list(did)] > 0).any(axis=1)
    rows = [
        [escape(entry["rule"]), *(int(entry[name]) for name in ("seen", *did))]
        for entry in ledger[busy].to_dict("records")
    ]
    idle = escape(", ".join(ledger[~busy]["rule"]))
    table = _table(["rule", "seen", "changed", "rejected", "shown"], rows) if rows else ""
    return f"{table}<p>Found nothing: {idle}.</p>"


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
    return _table(["line", "rule", "before", "after"], rows, names=2)


def _rejected(rejected: pd.DataFrame) -> str:
    rows = [
        [int(row["line"]), escape(row["rule"]), _short(row["reason"]), _short(_said(row["row"]))]
        for row in rejected.groupby("rule", sort=False).head(_EXAMPLES).to_dict("records")
    ]
    return _table(["line", "rule", "reason", "row"], rows, names=2)


def _said(row: Any) -> str:
    """A conversation as one reads it; anything else as it is."""
    turns = row.get("messages") if isinstance(row, dict) else row
    if isinstance(turns, list) and all(isinstance(t, dict) and "content" in t for t in turns):
        return " / ".join(f"{turn.get('role')}: {turn['content']}" for turn in turns)
    return str(row)


def _short(text: str, limit: int = 240) -> str:
    cut = text if len(text) <= limit else text[:limit] + "…"
    return escape(cut.encode("utf-8", errors="backslashreplace").decode("utf-8"))
