"""report.html: what a person who was not there needs to know about a cleaned set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from math import ceil
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from course_lib.cleaning import privacy
from course_lib.cleaning.labels import balance, labels_of
from course_lib.cleaning.language import language_of
from course_lib.cleaning.preferences import conversation, length_bias
from course_lib.cleaning.rule import Messages, answers, prompt
from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

    from course_lib.cleaning.report import CleaningReport

_STYLE = """
body { font: 18px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em;
       color: #1b1b1b; background: #fff; }
h1 { margin-bottom: 0; }
h2 { margin-top: 2em; border-bottom: 3px solid #0072b2; }
table { border-collapse: collapse; margin: 1em 0; min-width: 50%; }
caption { text-align: left; font-weight: bold; padding: .3em 0; }
th, td { border-bottom: 1px solid #ccc; padding: .3em .8em .3em 0; text-align: left;
         vertical-align: top; overflow-wrap: anywhere; }
th { color: #444; font-weight: 600; }
td.name, td.number, th.name, th.number { white-space: nowrap; overflow-wrap: normal; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.bar { width: 12em; }
td.bar i { display: inline-block; height: .8em; background: #0072b2; }
dl { display: flex; flex-wrap: wrap; gap: 1em; }
dl div { border: 1px solid #ccc; border-top: 4px solid #0072b2; padding: .4em 1em; }
dt { color: #444; }
dd { margin: 0; font-size: 1.5em; font-variant-numeric: tabular-nums; }
del { background: #fde0c5; text-decoration: none; }
ins { background: #cfe8f3; text-decoration: none; }
.source { color: #444; }
@media (max-width: 40em) { td.name, th.name { white-space: normal; overflow-wrap: anywhere; } }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } }
"""
_EXAMPLES = 2
_LANGUAGES = {"en": "English", "ja": "Japanese", "zh": "Chinese", "ko": "Korean"}
# Prices differ between providers and models, and change: the card gives a scale.
PRICES = (1.0, 5.0, 25.0)
# For scale, beside the model that the learner chose.
_MODELS = ("Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct", "Qwen/Qwen2.5-7B-Instruct")
# As `course_lib.training.sft_config` sets on a T4: two gulps of four rows a step.
_BATCH, _ACCUMULATION = 4, 2
# What `course_lib.memory.plan` says of its own seconds.
_FACTOR = 2


def data_card(
    report: CleaningReport,
    cost: pd.Series | None = None,
    *,
    model: str | Path | None = None,
    prices: Sequence[float] = PRICES,
) -> str:
    """Write the card: what was kept, what it costs to train on, what each rule did, and examples.

    Args:
        report: What `clean` returned.
        cost: What `course_lib.tokenization.training_cost` counted for the kept rows with the
            tokenizer that will be trained. None leaves the costs out, since tokens counted with
            another tokenizer would mislead.
        model: The model that will be trained, a name of the catalog or a folder; its hours are
            given first. None gives only the models that stand for a size.
        prices: What a provider takes for a million training tokens, in any currency. The default
            is a scale: look the price of the day up.

    Returns:
        One HTML page that needs nothing else.

    Example:
        >>> data_card(clean("support.jsonl"))[:15]                     # doctest: +SKIP
        '<!DOCTYPE html>'
    """
    summary = report.summary
    rows = [conversation(row) for row in report.kept_rows]
    notes = "".join(f"<p>{escape(note)}</p>" for note in report.source.notes)
    counts = {
        "rows in": summary["rows_in"],
        "kept": summary["kept"],
        "of them changed": summary["changed"],
        "rejected": summary["rejected"],
    }
    tiles = "".join(f"<div><dt>{name}</dt><dd>{n:,}</dd></div>" for name, n in counts.items())
    return (
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'><title>Data card</title>"
        "<meta name='viewport' content='width=device-width'>"
        f"<style>{_STYLE}</style></head><body><h1>Data card</h1>"
        f"<p class='source'>{escape(report.source.path)} (format {escape(summary['format'])}, "
        f"encoding {escape(summary['encoding'])})</p>{notes}<dl>{tiles}</dl>"
        "<p>Each row that came in was kept, or rejected by a rule with its reason. The files "
        "beside this page hold them: kept.jsonl, rejected.jsonl, changes.jsonl, review.jsonl.</p>"
        f"<h2>What was kept</h2>{_languages(rows)}{_lengths(rows)}"
        f"{_balance(rows)}{_pairs(report)}{_costs(cost, model, prices)}"
        f"<h2>What was masked</h2>{_masked(report.ledger)}"
        f"<h2>What each rule did</h2>{_ledger(report.ledger)}"
        f"<h2>Changed: examples</h2>{_changes(report.changes)}"
        f"<h2>Rejected: examples</h2>{_rejected(report.rejected)}"
        f"<h2>For a person to look at: examples</h2>{_rejected(report.review)}</body></html>\n"
    )


def training_time(cost: pd.Series, model: str | Path, gpu: str = "t4") -> pd.Series:
    """Predict how long training on the kept rows takes on a card of one's own.

    Args:
        cost: What `course_lib.tokenization.training_cost` counted.
        model: A name of the catalog, or a folder with config.json.
        gpu: The card, see `course_lib.memory.card`; the T4 is the one that is lent for nothing.

    Returns:
        method (as `course_lib.memory.plan` chooses it), fits, hours (all epochs), and low and
        high, the factor of two that the prediction is right within. Rows of eight a step count
        with their mean length: padding is not in it.

    Raises:
        CourseError: The planner does not know the model or the card.

    Example:
        >>> import pandas as pd
        >>> cost = pd.Series({"rows": 1000, "tokens": 100_000, "total": 300_000.0})
        >>> found = training_time(cost, "Qwen2.5-0.5B-Instruct")
        >>> found["method"], 0 < found["low"] < found["hours"] < found["high"] < 0.2
        ('lora', True)
    """
    import pandas as pd

    # Loaded here, because cleaning alone plans nothing.
    from course_lib.memory import plan

    rows, tokens = int(cost["rows"]), float(cost["tokens"])
    length = ceil(tokens / rows)
    found = plan(model, gpu, seq_len=length, batch=_BATCH, accumulation=_ACCUMULATION, epochs=1)
    steps = float(cost["total"]) / length / (_BATCH * _ACCUMULATION)
    hours = steps * found.seconds_per_step / 3600
    return pd.Series(
        {
            "method": found.settings["method"],
            "fits": found.fits,
            "hours": hours,
            "low": hours / _FACTOR,
            "high": hours * _FACTOR,
        }
    )


def _balance(rows: list[Messages]) -> str:
    if labels_of(rows) is None:
        return ""
    counts = [(str(r.label), int(r.rows)) for r in balance(rows).itertuples()]
    return _table(["label", "rows", "share", ""], _shares(counts), caption="Balance of the labels")


def _shares(counts: list[tuple[str, int]]) -> list[list[Any]]:
    """Name, count, share, and the share as a bar whose scale is the largest."""
    total, most = sum(n for _, n in counts), max((n for _, n in counts), default=0)
    return [[escape(name), n, f"{n / total:.0%}", _Bar(n / most)] for name, n in counts]


class _Bar(float):
    """A share of the longest bar, 0 to 1."""


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
    return _table(head, table, caption="Is the chosen answer of a pair mostly the longer one?")


def _costs(cost: pd.Series | None, model: str | Path | None, prices: Sequence[float]) -> str:
    if cost is None or not cost["rows"]:
        return ""
    total = float(cost["total"])
    epochs = total / cost["tokens"]
    bills = [[float(price), price * total / 1e6] for price in prices]
    return (
        "<h2>What training on it costs</h2>"
        f"<p>{int(cost['rows']):,} rows are <b>{int(cost['tokens']):,}</b> tokens, "
        f"{cost['share_trained']:.0%} of them answers that are trained. In {epochs:g} epochs "
        f"<b>{total:,.0f}</b> tokens go through the model.</p>"
        + _table(
            ["model", "method", "time, all epochs", "likely between"],
            _times(cost, model),
            caption="On a machine of one's own: one T4, as Colab and Kaggle lend it",
        )
        + "<p>Predicted from the model's size and two published runs, right within a factor of "
        f"{_FACTOR}, and with the same tokens for each model. Loading, evaluation and padding come "
        "on top; <code>python -m course_lib plan</code> gives other cards and settings.</p>"
        + _table(
            ["price of a million tokens", "all epochs"],
            bills,
            caption="At a provider that trains for you",
        )
        + "<p>In the currency of the price. Prices change: look up that of the day.</p>"
    )


def _times(cost: pd.Series, model: str | Path | None) -> list[list[Any]]:
    table = []
    for name in dict.fromkeys([*([str(model)] if model else []), *_MODELS]):
        try:
            found = training_time(cost, name)
        except CourseError as error:
            table.append([escape(name), "?", "cannot be told", escape(str(error))])
            continue
        time = _spell(found["hours"]) if found["fits"] else "does not fit"
        between = f"{_spell(found['low'])} and {_spell(found['high'])}" if found["fits"] else "–"
        table.append([escape(name), found["method"], time, between])
    return table


def _spell(hours: float) -> str:
    if hours < 1 / 60:
        return "under a minute"
    return f"{hours * 60:.0f} min" if hours < 1 else f"{hours:.1f} h"


def _masked(ledger: pd.DataFrame) -> str:
    rows = [
        [escape(entry["rule"]), f"[{escape(entry['rule'].upper())}]", int(entry["changed"])]
        for entry in ledger.to_dict("records")
        if entry["rule"] in (*privacy.DETECTORS, privacy.NAME.name) and entry["changed"]
    ]
    if not rows:
        return "<p>Nothing: no private value was found.</p>"
    return _table(["private value", "written in its place", "rows"], rows)


def _table(head: list[str], rows: list[list[Any]], names: int = 1, caption: str = "") -> str:
    """A table; its first columns hold names, which are not broken over lines."""

    def cell(tag: str, value: Any, place: int) -> str:
        if isinstance(value, _Bar):
            return f"<{tag} class='bar'><i style='width:{value:.0%}'></i></{tag}>"
        number = bool(rows) and isinstance(rows[0][place], (int, float))
        kind = "number" if number else "name" if place < names else ""
        shown = value if isinstance(value, str) else f"{value:,}"
        if isinstance(value, float):
            shown = f"{value:,.2f}"
        return f"<{tag} class='{kind}'>{shown}</{tag}>"

    header = "".join(cell("th", escape(text), place) for place, text in enumerate(head))
    body = "".join(
        f"<tr>{''.join(cell('td', value, place) for place, value in enumerate(row))}</tr>"
        for row in rows
    )
    titled = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f"<table>{titled}<tr>{header}</tr>{body}</table>"


def _languages(rows: list[Messages]) -> str:
    counts = Counter(language_of(prompt(row)) or "too short to tell" for row in rows)
    named = [(_LANGUAGES.get(code, code), count) for code, count in counts.most_common()]
    head = ["language", "rows", "share", ""]
    return _table(head, _shares(named), caption="Language of the question")


def _lengths(rows: list[Messages]) -> str:
    sides = {
        "question": [len(prompt(row)) for row in rows],
        "answer": [sum(map(len, answers(row))) for row in rows],
    }
    table = [
        [name, min(sizes), round(median(sizes)), max(sizes)]
        for name, sizes in sides.items()
        if sizes
    ]
    return _table(["", "shortest", "median", "longest"], table, caption="Length in characters")


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
    return f"{table}<p>Rows, not places. Rules that found nothing: {idle}.</p>"


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
    if not rows:
        return "<p>Nothing.</p>"
    return _table(["line", "rule", "before", "after"], rows, names=2)


def _rejected(rejected: pd.DataFrame) -> str:
    rows = [
        [int(row["line"]), escape(row["rule"]), _short(row["reason"]), _short(_said(row["row"]))]
        for row in rejected.groupby("rule", sort=False).head(_EXAMPLES).to_dict("records")
    ]
    if not rows:
        return "<p>Nothing.</p>"
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
