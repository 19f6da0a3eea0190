"""`python -m course_lib clean IN… --out DIR`: the cleaner from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.cleaning.pipeline import EXTRAS, clean, rule_table
from course_lib.cleaning.places import Name
from course_lib.cleaning.report import CleaningReport
from course_lib.errors import CourseError
from course_lib.formats import join, read

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def main(argv: list[str]) -> int:
    """Clean files and write kept, rejected, changes and review as JSON Lines, and report.html.

    Args:
        argv: The command line after the verb.

    Returns:
        0 when something was kept; 1 when a larger share than `--max-rejected` was turned away.

    Raises:
        CourseError: Bad input, or no row left (the rejected rows are written first).

    Example:
        >>> main(["support.jsonl", "--out", "build/clean"])            # doctest: +SKIP
        0
    """
    arguments = _parser().parse_args(argv)
    source = join(
        read(
            path,
            format=arguments.format,
            encoding=arguments.encoding,
            question=arguments.question,
            answer=arguments.answer,
        )
        for path in arguments.inputs
    )
    for note in source.notes:
        print(f"note: {note}", file=sys.stderr)
    tokenizer = _tokenizer(arguments.model)
    report = clean(
        source,
        rules=_without(arguments.without, arguments.names),
        test=arguments.test,
        tokenizer=tokenizer,
        max_length=arguments.max_length,
        duplicates_in=arguments.duplicates_in,
        put_back=_lines(arguments.put_back),
        num_proc=arguments.num_proc,
        progress=sys.stderr.isatty(),
    )
    cost = None
    if tokenizer is not None and report.summary["kept"] and "messages" in report.kept.column_names:
        from course_lib.tokenization import training_cost

        cost = training_cost(report.kept, tokenizer, epochs=arguments.epochs)
    try:
        report.save(arguments.out, cost=cost, model=arguments.model)
    except OSError as error:
        raise CourseError(f"{arguments.out} cannot be written ({error.strerror}).") from error
    if not report.summary["kept"]:
        raise CourseError(_nothing_left(report, arguments.out))
    if arguments.json:
        print(json.dumps(report.summary, ensure_ascii=False))
    else:
        print(_for_people(report, arguments.out))
    share = report.summary["rejected"] / report.summary["rows_in"]
    if share > arguments.max_rejected:
        print(
            f"{share:.1%} of the rows were rejected, more than the {arguments.max_rejected:.1%} "
            f"allowed: see {arguments.out / 'rejected.jsonl'}.",
            file=sys.stderr,
        )
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_lib clean", description="Clean conversations, losing no row."
    )
    add = parser.add_argument
    add("inputs", nargs="+", metavar="IN", help="files or folders, in any format the course reads")
    add("--out", required=True, type=Path, metavar="DIR", help="where to write")
    add("--test", metavar="FILE", help="held-out test that must not be trained on")
    add("--without", action="append", default=[], metavar="RULE", help="switch a rule off")
    add("--names", action="store_true", help="mask names of people too, where one is introduced")
    add(
        "--put-back",
        type=Path,
        metavar="FILE",
        help="JSON Lines with the line (and file and position) of rows that no rule may reject: "
        "an edited rejected.jsonl",
    )
    add(
        "--duplicates-in",
        choices=("both", "prompt", "answer"),
        default="both",
        help="what near duplicates must share (default both)",
    )
    add("--model", metavar="NAME", help="count tokens with this model's tokenizer")
    add("--max-length", type=int, metavar="TOKENS", help="reject longer rows (needs --model)")
    add("--epochs", type=float, default=3, help="for the costs in report.html (default 3)")
    add(
        "--max-rejected",
        type=float,
        default=1.0,
        metavar="SHARE",
        help="exit with 1 if more than this share is rejected (default 1.0)",
    )
    add("--num-proc", type=int, default=1, metavar="N", help="processes (default 1)")
    add("--format", help="do not detect the format")
    add("--encoding", help="do not detect the encoding")
    add("--question", metavar="COLUMN", help="the question's column in a table (with --answer)")
    add("--answer", metavar="COLUMN", help="the answer's column in a table")
    add("--json", action="store_true", help="print one JSON object")
    return parser


def _without(names: list[str], people: bool) -> list[str]:
    known = [row["rule"] for row in rule_table()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CourseError(f"There is no rule {unknown[0]!r}. The rules are: {', '.join(known)}.")
    return [name for name in known if name not in names and (people or name not in EXTRAS)]


def _lines(path: Path | None) -> list[Name]:
    if path is None:
        return []
    try:
        texts = path.read_text("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read ({error}).") from error
    return [_line(path, number, text) for number, text in enumerate(texts, start=1) if text.strip()]


def _line(path: Path, number: int, text: str) -> Name:
    try:
        row = json.loads(text)
        line, file, position = int(row["line"]), row.get("file"), row.get("position")
        if not isinstance(file, str):
            return line
        return (file, line) if position is None else (file, line, int(position))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise CourseError(
            f"{path}, line {number}: every row needs the 'line' that is put back ({error!r})."
        ) from error


def _tokenizer(name: str | None) -> PreTrainedTokenizerBase | None:
    if name is None:
        return None
    # Loaded here, because cleaning without a model needs neither torch nor transformers.
    from course_lib.runtime import detect
    from course_lib.training.models import load_tokenizer

    return load_tokenizer(name, detect())


def _nothing_left(report: CleaningReport, folder: Path) -> str:
    worst = report.ledger.sort_values("rejected", ascending=False).iloc[0]
    return (
        f"{report.source.path}: nothing is left after cleaning. All {report.summary['rows_in']} "
        f"rows were rejected, {worst['rejected']} of them by the rule {worst['rule']!r}. See the "
        f"reasons in {folder / 'rejected.jsonl'}."
    )


def _for_people(report: CleaningReport, folder: Path) -> str:
    summary = report.summary
    active = report.ledger[(report.ledger[["changed", "rejected", "noticed"]] > 0).any(axis=1)]
    table = active.to_string(index=False) if len(active) else "No rule had anything to do."
    return (
        f"{summary['rows_in']} rows in ({summary['format']}, {summary['encoding']}) = "
        f"{summary['kept']} kept ({summary['changed']} changed) + {summary['rejected']} rejected\n"
        f"\n{table}\n\nwritten to {folder}: kept.jsonl, rejected.jsonl, changes.jsonl, "
        "review.jsonl, report.html"
    )
