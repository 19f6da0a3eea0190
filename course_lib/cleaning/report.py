"""What a cleaning run hands back: the kept rows, and an account of all the others."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.cleaning import privacy
from course_lib.cleaning.data_card import data_card
from course_lib.cleaning.rule import Messages
from course_lib.formats import Row, Source, to_dataset, write_jsonl

if TYPE_CHECKING:
    import datasets


@dataclass
class RuleCount:
    """How many rows a rule saw, changed and rejected."""

    seen: int = 0
    changed: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Change:
    """One message that a rule rewrote. `message` counts from 1 within its conversation."""

    line: int
    rule: str
    message: int
    role: str
    before: str
    after: str


@dataclass(frozen=True)
class Rejection:
    """One row that was turned away, by which rule and why."""

    row: Row
    rule: str
    reason: str


@dataclass(frozen=True)
class CleaningReport:
    """The result of `clean`.

    Attributes:
        kept: Messages, the line of the source, and the source's other columns.
        rejected: line, rule, reason, row: what was turned away, so that it can be put back.
        changes: line, rule, message, role, before, after: every repair. Private values in
            "before" are blotted out, or the log would leak what the rule has masked.
        ledger: rule, seen, changed, rejected.
        summary: The same counts as one mapping, as `python -m course_lib clean --json` prints.
    """

    kept: datasets.Dataset
    rejected: pd.DataFrame
    changes: pd.DataFrame
    ledger: pd.DataFrame
    summary: dict[str, Any]
    source: Source
    kept_rows: list[dict[str, Any]] = field(repr=False)

    @classmethod
    def build(
        cls,
        *,
        source: Source,
        kept: list[tuple[Row, Messages, bool]],
        rejected: list[Rejection],
        changes: list[Change],
        counts: dict[str, RuleCount],
        masked: list[str],
    ) -> CleaningReport:
        """Put the account together from what the pipeline found.

        Args:
            source: What was cleaned.
            kept: Row, cleaned messages, and whether they changed.
            rejected: The rows turned away.
            changes: The repairs, in their order.
            counts: Seen, changed and rejected for each rule that was active.
            masked: Names of the privacy rules that were active: what they mask is masked in
                the other columns, in the rejected rows and in the log as well.

        Returns:
            The report.
        """
        rows = [{"messages": messages, **_masked(row.extra, masked)} for row, messages, _ in kept]
        lined = [
            {**_renamed(item), "line": row.line}
            for item, (row, _, _) in zip(rows, kept, strict=True)
        ]
        summary = {
            "rows_in": len(source.rows),
            "kept": len(kept),
            "changed": sum(changed for _, _, changed in kept),
            "rejected": len(rejected),
            "rules": {name: asdict(count) for name, count in counts.items()},
            "format": source.format,
            "encoding": source.encoding,
        }
        turned_away = [
            {
                "line": item.row.line,
                "rule": item.rule,
                "reason": _masked(item.reason, masked),
                "row": _masked(item.row.raw, masked),
            }
            for item in rejected
        ]
        log = [asdict(change) for change in changes]
        for entry in log:
            for side in ("before", "after"):
                entry[side] = privacy.hide(entry[side]) if masked else entry[side]
        names = ["line", "rule", "message", "role", "before", "after"]
        return cls(
            kept=to_dataset(lined),
            rejected=pd.DataFrame(turned_away, columns=["line", "rule", "reason", "row"]),
            changes=pd.DataFrame(log, columns=names),
            ledger=pd.DataFrame(
                [{"rule": name, **asdict(count)} for name, count in counts.items()]
            ),
            summary=summary,
            source=source,
            kept_rows=rows,
        )

    def save(self, directory: str | Path) -> Path:
        """Write kept.jsonl, rejected.jsonl, changes.jsonl and report.html.

        Args:
            directory: The folder; made if missing, files of the same names overwritten.

        Returns:
            The folder.

        Example:
            >>> clean("support.jsonl").save("build/clean")             # doctest: +SKIP
            PosixPath('build/clean')
        """
        folder = Path(directory)
        # kept.jsonl has no line numbers: cleaning it again gives the same file, byte for byte.
        write_jsonl(self.kept_rows, folder / "kept.jsonl")
        write_jsonl(_records(self.rejected), folder / "rejected.jsonl")
        write_jsonl(_records(self.changes), folder / "changes.jsonl")
        (folder / "report.html").write_text(data_card(self), encoding="utf-8")
        return folder


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _renamed(row: dict[str, Any]) -> dict[str, Any]:
    """Make room for our own `line` column where the source has one."""
    return {("original_line" if name == "line" else name): value for name, value in row.items()}


def _masked(value: Any, rules: list[str]) -> Any:
    """Mask private values in every text of a nested value."""
    if isinstance(value, str):
        before = None
        while value != before:  # a placeholder may part what stood too close to be recognised
            before = value
            for name in rules:
                value = privacy.mask(value, name)
        return value
    if isinstance(value, list):
        return [_masked(item, rules) for item in value]
    if isinstance(value, dict):
        return {_masked(key, rules): _masked(item, rules) for key, item in value.items()}
    return value
