"""`python -m course_lib split IN --out DIR`: train, validation and test without leaks."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from course_lib.cleaning.splits import contaminated_rows, group_labels, split
from course_lib.errors import CourseError
from course_lib.formats import Source, read, to_dataset, write_jsonl


def main(argv: list[str]) -> int:
    """Split a file and write train.jsonl, validation.jsonl and test.jsonl.

    Args:
        argv: The command line after the verb.

    Returns:
        0 when no row of validation or test leaks into train, else 1.

    Raises:
        CourseError: Bad input.

    Example:
        >>> main(["kept.jsonl", "--out", "build/split"])               # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_lib split",
        description="Split into train, validation and test. Near duplicates and rows that share "
        "a passage always stay together.",
    )
    parser.add_argument("input", metavar="IN", help="JSON Lines, JSON, CSV or TSV")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write")
    parser.add_argument("--group", metavar="COLUMN", help="keep rows with equal values together")
    parser.add_argument("--seed", type=int, default=0, help="which groups go where (default 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    source = read(arguments.input)
    _refuse_broken(source)
    rows = [{"messages": row.messages, **row.extra} for row in source.rows]
    # Positions, not the dataset's own rows, choose what is written: a column that Arrow had to
    # turn into text is then written as it was read.
    dataset = to_dataset(rows).add_column("position", list(range(len(rows))))
    if arguments.group == "position" and not any("position" in row for row in rows):
        raise CourseError("There is no column 'position' to group by.")
    parts = split(dataset, group=arguments.group, seed=arguments.seed)
    try:
        for name, part in parts.items():
            chosen = (rows[position] for position in part["position"])
            write_jsonl(chosen, arguments.out / f"{name}.jsonl")
    except OSError as error:
        raise CourseError(f"{arguments.out} cannot be written ({error.strerror}).") from error
    counts = {name: part.num_rows for name, part in parts.items()}
    result = {
        **counts,
        "groups": len(set(group_labels(dataset, arguments.group))),
        "contaminated": contaminated_rows(parts),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        sizes = ", ".join(f"{name} {count}" for name, count in counts.items())
        print(
            f"{sizes}: {result['groups']} groups kept whole, {result['contaminated']} rows "
            f"contaminated\nwritten to {arguments.out}"
        )
    if result["contaminated"]:
        print("some rows of validation or test have a near twin in train", file=sys.stderr)
    return 1 if result["contaminated"] else 0


def _refuse_broken(source: Source) -> None:
    broken = [row for row in source.rows if row.problem]
    if broken:
        raise CourseError(
            f"{source.path}, line {broken[0].line}: {broken[0].problem}. {len(broken)} of "
            f"{len(source.rows)} rows cannot be read: run `python -m course_lib clean` first."
        )
