"""`python -m course_lib clean IN… --out DIR`: the cleaner from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from course_lib.cleaning.pipeline import clean
from course_lib.cleaning.report import CleaningReport
from course_lib.errors import CourseError
from course_lib.formats import join, read


def main(argv: list[str]) -> int:
    """Clean files and write kept.jsonl, rejected.jsonl, changes.jsonl and report.html.

    Args:
        argv: The command line after the verb.

    Returns:
        0 when something was kept.

    Raises:
        CourseError: Bad input, or no row left (the rejected rows are written first).

    Example:
        >>> main(["support.jsonl", "--out", "build/clean"])            # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_lib clean", description="Clean conversations, losing no row."
    )
    parser.add_argument("inputs", nargs="+", metavar="IN", help="JSON Lines, JSON, CSV or TSV")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write")
    parser.add_argument("--test", metavar="FILE", help="held-out test that must not be trained on")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    source = join(read(path) for path in arguments.inputs)
    for note in source.notes:
        print(f"note: {note}", file=sys.stderr)
    report = clean(source, test=arguments.test)
    try:
        report.save(arguments.out)
    except OSError as error:
        raise CourseError(f"{arguments.out} cannot be written ({error.strerror}).") from error
    if not report.summary["kept"]:
        raise CourseError(_nothing_left(report, arguments.out))
    if arguments.json:
        print(json.dumps(report.summary, ensure_ascii=False))
    else:
        print(_for_people(report, arguments.out))
    return 0


def _nothing_left(report: CleaningReport, folder: Path) -> str:
    worst = report.ledger.sort_values("rejected", ascending=False).iloc[0]
    return (
        f"{report.source.path}: nothing is left after cleaning. All {report.summary['rows_in']} "
        f"rows were rejected, {worst['rejected']} of them by the rule {worst['rule']!r}. See the "
        f"reasons in {folder / 'rejected.jsonl'}."
    )


def _for_people(report: CleaningReport, folder: Path) -> str:
    summary = report.summary
    active = report.ledger[(report.ledger["changed"] > 0) | (report.ledger["rejected"] > 0)]
    table = active.to_string(index=False) if len(active) else "No rule had anything to do."
    return (
        f"{summary['rows_in']} rows in ({summary['format']}, {summary['encoding']}) = "
        f"{summary['kept']} kept ({summary['changed']} changed) + {summary['rejected']} rejected\n"
        f"\n{table}\n\nwritten to {folder}: kept.jsonl, rejected.jsonl, changes.jsonl, report.html"
    )
