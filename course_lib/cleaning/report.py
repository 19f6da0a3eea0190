"""What a cleaning run hands back: the kept rows, and an account of all the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.cleaning import privacy
from course_lib.cleaning.data_card import data_card
from course_lib.cleaning.differences import inline_diff
from course_lib.cleaning.places import namer
from course_lib.cleaning.row_rules import Rewrite
from course_lib.cleaning.rule import Messages
from course_lib.cleaning.schema import ROLES
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
    """One row that was turned away: by which rule and why, and as the repairs have left it.

    `messages` is None where the row is no conversation, or where its repairs never settle.
    """

    row: Row
    rule: str
    reason: str
    messages: Messages | None = None
    rejected_answer: Messages | None = None


@dataclass(frozen=True, slots=True)
class Noticed:
    """One row that a person should look at, and why."""

    row: Row
    rule: str
    reason: str
    messages: Messages


_WHERE = ["file", "line", "position", "rule", "reason"]
_CHANGES = [*_WHERE, "message", "role", "before", "after", "diff"]
_REJECTED = [*_WHERE, "messages", "row"]
_REVIEW = [*_WHERE, "row"]


@dataclass(frozen=True)
class CleaningReport:
    """The result of `clean`.

    Attributes:
        kept: The line of the source, messages (of preference pairs: prompt, chosen, rejected),
            and the source's other columns.
        rejected: file, line, position, rule, reason, messages (the conversation as the repairs
            have left it, None where there is none), row (as it came, but masked): what was turned
            away, so that it can be put back.
        changes: file, line, position, rule, reason (why the rule is there), message, role, before,
            after, diff ([-what went-]{+what came+}): every repair. Private values in "before" are
            blotted out, or the log would leak what the rule has masked.
        review: file, line, position, rule, reason, row: kept rows that a person should look at.
        ledger: rule, seen, changed, rejected, noticed, and an example line of each.
        summary: The same counts as one mapping, as `python -m course_lib clean --json` prints.
        source: What was cleaned.
        kept_rows: The kept rows, as kept.jsonl has them.
        kept_from: The row of the source that each of them was.
        rejections: The rows that the rules turned away, as they can be put back.
        masked: Names of the privacy rules that were active.

    A position is the number of the row within its file. It tells rows apart that begin on one line.
    """

    kept: datasets.Dataset
    rejected: pd.DataFrame
    changes: pd.DataFrame
    review: pd.DataFrame
    ledger: pd.DataFrame
    summary: dict[str, Any]
    source: Source
    kept_rows: list[dict[str, Any]] = field(repr=False)
    kept_from: list[Row] = field(repr=False)
    rejections: list[Rejection] = field(repr=False)
    masked: list[str]

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
        reasons: Mapping[str, str],
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
            reasons: Why each rule is there.
            masked: Names of the privacy rules that were active: what they mask is masked in
                the other columns, in the rejected rows and in the log as well.

        Returns:
            The report.

        Raises:
            CourseError: Some rows are preference pairs and others are not.
        """
        rows = [written_row(item.row, item.messages, item.rejected_answer, masked) for item in kept]
        _require_one_kind(source, kept)
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
            (*_where(r.row, r.rule), reason, _with_masked_columns(r.messages, masked), raw)
            for r in rejected
            for reason, raw in (privacy.mask_nested([r.reason, r.row.raw], masked),)
        ]
        names = privacy.NAME.name in masked
        hidden = partial(privacy.hide, names=names) if masked else str
        log = [
            (*_where(c.row, r.rule), reasons[r.rule], r.message, r.role, before, after,
             inline_diff(before, after))
            for c in changes
            for r in (c.rewrite,)
            for before, after in ((hidden(r.before), hidden(r.after)),)
        ]  # fmt: skip
        shown = [(*_where(n.row, n.rule), n.reason, n.messages) for n in noticed]
        return cls(
            kept=kept_dataset(rows, [item.row.line for item in kept]),
            rejected=pd.DataFrame(turned_away, columns=_REJECTED),
            changes=pd.DataFrame(log, columns=_CHANGES),
            review=pd.DataFrame(shown, columns=_REVIEW),
            ledger=_ledger(counts, turned_away, log, shown),
            summary=summary,
            source=source,
            kept_rows=rows,
            kept_from=[item.row for item in kept],
            rejections=rejected,
            masked=masked,
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


def _where(row: Row, rule: str) -> tuple[str, int, int, str]:
    return row.file, row.line, row.position, rule


def _with_masked_columns(messages: Messages | None, masked: Sequence[str]) -> Messages | None:
    """Mask what the repairs do not see: odd roles, and what stands beside role and content."""
    plain = all(len(m) == 2 and m["role"] in ROLES for m in messages or [])
    return messages if plain else privacy.mask_nested(messages, masked)


def _require_one_kind(source: Source, kept: list[Kept]) -> None:
    pairs = [item.rejected_answer is not None for item in kept]
    if any(pairs) and not all(pairs):
        name = namer(source.rows)
        one, other = kept[pairs.index(True)].row, kept[pairs.index(False)].row
        raise CourseError(
            f"{source.path}: {name(one)} is a preference pair and {name(other)} is not. Clean the "
            "two kinds one after the other: they are trained in different ways."
        )


def _ledger(
    counts: dict[str, RuleCount],
    *found: list[tuple[Any, ...]],
) -> pd.DataFrame:
    """One row a rule: what it did, and the first line where it did so."""
    first: dict[str, int] = {}
    for entries in found:
        for _, line, _, rule, *_ in entries:
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


def kept_dataset(rows: Iterable[Mapping[str, Any]], lines: list[int]) -> datasets.Dataset:
    """The kept rows as a dataset, with the line that each came from.

    Args:
        rows: As kept.jsonl has them: conversations, or preference pairs.
        lines: Their lines; a column of that name in the data becomes `original_line`.

    Returns:
        The dataset.

    Example:
        >>> kept_dataset([{"messages": [], "line": 9}], [1])[0]
        {'messages': [], 'original_line': 9, 'line': 1}
    """
    items = list(rows)
    if any("line" in row for row in items):
        items = [_renamed(row, "line") for row in items]
    if not items or "messages" in items[0]:
        return to_dataset(items).add_column("line", lines)
    named = [{"messages": row["prompt"], **_renamed(row, "messages")} for row in items]
    for row in named:
        del row["prompt"]
    dataset = to_dataset(named).rename_column("messages", "prompt")
    return dataset.add_column("line", lines)


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)]


def _renamed(row: Mapping[str, Any], ours: str) -> dict[str, Any]:
    """Make room for a column of our own where the source has one of that name."""
    return {(f"original_{ours}" if name == ours else name): value for name, value in row.items()}
