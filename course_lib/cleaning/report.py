"""What a cleaning run hands back: the kept rows, and an account of all the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.cleaning import privacy
from course_lib.cleaning.data_card import data_card
from course_lib.cleaning.row_rules import Rewrite
from course_lib.cleaning.rule import Messages
from course_lib.errors import CourseError
from course_lib.formats import Row, Source, to_dataset, write_jsonl

if TYPE_CHECKING:
    import datasets


@dataclass
class RuleCount:
    """How many rows a rule saw, changed, rejected, and showed to a person."""

    seen: int = 0
    changed: int = 0
    rejected: int = 0
    noticed: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """One row that stays: its conversation, of a pair the rejected answer, whether it changed."""

    row: Row
    messages: Messages
    rejected_answer: Messages | None
    changed: bool


@dataclass(frozen=True, slots=True)
class Change:
    """One message that a rule rewrote."""

    row: Row
    rewrite: Rewrite


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that was turned away, by which rule and why."""

    row: Row
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Noticed:
    """One row that a person should look at, and why."""

    row: Row
    rule: str
    reason: str
    messages: Messages


_CHANGES = ["file", "line", "rule", "message", "role", "before", "after"]
_REJECTED = ["file", "line", "rule", "reason", "row"]


@dataclass(frozen=True)
class CleaningReport:
    """The result of `clean`.

    Attributes:
        kept: The line of the source, messages (of preference pairs: prompt, chosen, rejected),
            and the source's other columns.
        rejected: file, line, rule, reason, row: what was turned away, so that it can be put back.
        changes: file, line, rule, message, role, before, after: every repair. Private values in
            "before" are blotted out, or the log would leak what the rule has masked.
        review: file, line, rule, reason, row: kept rows that a person should look at.
        ledger: rule, seen, changed, rejected, noticed, and an example line of each.
        summary: The same counts as one mapping, as `python -m course_lib clean --json` prints.
    """

    kept: datasets.Dataset
    rejected: pd.DataFrame
    changes: pd.DataFrame
    review: pd.DataFrame
    ledger: pd.DataFrame
    summary: dict[str, Any]
    source: Source
    kept_rows: list[dict[str, Any]] = field(repr=False)

    @classmethod
    def build(
        cls,
        *,
        source: Source,
        kept: list[Kept],
        rejected: list[Rejection],
        changes: list[Change],
        noticed: list[Noticed],
        counts: dict[str, RuleCount],
        masked: list[str],
    ) -> CleaningReport:
        """Put the account together from what the pipeline found.

        Args:
            source: What was cleaned.
            kept: The rows that stay.
            rejected: The rows turned away.
            changes: The repairs, in their order.
            noticed: The kept rows that a person should look at.
            counts: What each active rule did.
            masked: Names of the privacy rules that were active: what they mask is masked in
                the other columns, in the rejected rows and in the log as well.

        Returns:
            The report.

        Raises:
            CourseError: Some rows are preference pairs and others are not.
        """
        rows = [written_row(item.row, item.messages, item.rejected_answer, masked) for item in kept]
        pairs = [item.rejected_answer is not None for item in kept]
        if any(pairs) and not all(pairs):
            one, other = kept[pairs.index(True)].row, kept[pairs.index(False)].row
            raise CourseError(
                f"{source.path}: line {one.line} is a preference pair and line {other.line} is "
                "not. Clean the two kinds one after the other: they are trained in different ways."
            )
        summary = {
            "rows_in": len(kept) + len(rejected),
            "kept": len(kept),
            "changed": sum(item.changed for item in kept),
            "rejected": len(rejected),
            "rules": {name: asdict(count) for name, count in counts.items()},
            "format": source.format,
            "encoding": source.encoding,
        }
        turned_away = [
            (
                r.row.file,
                r.row.line,
                r.rule,
                privacy.mask_nested(r.reason, masked),
                privacy.mask_nested(r.row.raw, masked),
            )
            for r in rejected
        ]
        hidden = privacy.hide if masked else str
        log = [
            (c.row.file, c.row.line, r.rule, r.message, r.role, hidden(r.before), hidden(r.after))
            for c in changes
            for r in (c.rewrite,)
        ]
        shown = [(n.row.file, n.row.line, n.rule, n.reason, n.messages) for n in noticed]
        return cls(
            kept=_dataset(rows, kept),
            rejected=pd.DataFrame(turned_away, columns=_REJECTED),
            changes=pd.DataFrame(log, columns=_CHANGES),
            review=pd.DataFrame(shown, columns=_REJECTED),
            ledger=_ledger(counts, turned_away, log, shown),
            summary=summary,
            source=source,
            kept_rows=rows,
        )

    def save(
        self,
        directory: str | Path,
        *,
        cost: pd.Series | None = None,
        model: str | Path | None = None,
    ) -> Path:
        """Write kept, rejected, changes and review as JSON Lines, and report.html.

        Args:
            directory: The folder; made if missing, files of the same names overwritten.
            cost: See `data_card`.
            model: See `data_card`.

        Returns:
            The folder.

        Example:
            >>> clean("support.jsonl").save("build/clean")             # doctest: +SKIP
            PosixPath('build/clean')
        """
        folder = Path(directory)
        # kept.jsonl has no line numbers: cleaning it again gives the same file, byte for byte.
        write_jsonl(self.kept_rows, folder / "kept.jsonl")
        for name in ("rejected", "changes", "review"):
            write_jsonl(_records(getattr(self, name)), folder / f"{name}.jsonl")
        (folder / "report.html").write_text(data_card(self, cost, model=model), encoding="utf-8")
        return folder


def _ledger(
    counts: dict[str, RuleCount],
    *found: list[tuple[Any, ...]],
) -> pd.DataFrame:
    """One row a rule: what it did, and the first line where it did so."""
    first: dict[str, int] = {}
    for entries in found:
        for _, line, rule, *_ in entries:
            first[rule] = min(line, first.get(rule, line))
    frame = pd.DataFrame([{"rule": name, **asdict(count)} for name, count in counts.items()])
    return frame.assign(example=pd.array([first.get(name) for name in counts], dtype="Int64"))


def written_row(
    row: Row, messages: Messages, rejected_answer: Messages | None, masked: Sequence[str]
) -> dict[str, Any]:
    """Write a row as kept.jsonl has it; a pair as TRL's preference trainers want it.

    Args:
        row: The row as it was read; its other columns go along.
        messages: Its conversation, cleaned.
        rejected_answer: Of a preference pair, the rejected answer, cleaned.
        masked: Names of the kinds of private values to mask in the other columns.

    Returns:
        The row's columns.

    Example:
        >>> row = Row(1, {}, [], {"from": "a@example.com"}, None)
        >>> written_row(row, [], None, ["email"])
        {'messages': [], 'from': '[EMAIL]'}
    """
    extra = privacy.mask_nested(row.extra, masked) if row.extra else {}
    if rejected_answer is None:
        return {"messages": messages, **extra}
    cut = row.prompt_length or 0
    return {
        "prompt": messages[:cut],
        "chosen": messages[cut:],
        "rejected": rejected_answer,
        **extra,
    }


def _dataset(rows: list[dict[str, Any]], kept: list[Kept]) -> datasets.Dataset:
    if any("line" in item.row.extra for item in kept):
        rows = [_renamed(row, "line") for row in rows]
    lines = [item.row.line for item in kept]
    if not kept or kept[0].rejected_answer is None:
        return to_dataset(rows).add_column("line", lines)
    named = [{"messages": row["prompt"], **_renamed(row, "messages")} for row in rows]
    for row in named:
        del row["prompt"]
    dataset = to_dataset(named).rename_column("messages", "prompt")
    return dataset.add_column("line", lines)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _renamed(row: dict[str, Any], ours: str) -> dict[str, Any]:
    """Make room for a column of our own where the source has one of that name."""
    return {(f"original_{ours}" if name == ours else name): value for name, value in row.items()}
