"""`python -m course_lib contamination FIRST SECOND`: what two sets give away of each other."""

from __future__ import annotations

import argparse
import json

from course_lib.cleaning.contamination import KINDS, contamination
from course_lib.cleaning.groups import asked
from course_lib.cleaning.split_command import refuse_broken
from course_lib.formats import read

_SHOWN = 5


def main(argv: list[str]) -> int:
    """Compare two files and list the pairs of rows that are alike.

    Args:
        argv: The command line after the verb.

    Returns:
        0 when no row of SECOND is known from FIRST, else 1.

    Raises:
        CourseError: Bad input.

    Example:
        >>> main(["train.jsonl", "test.jsonl"])                        # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_lib contamination",
        description="List the rows of SECOND (a test, a benchmark) that FIRST (training data) "
        "gives away.",
    )
    parser.add_argument("first", metavar="FIRST", help="JSON Lines, JSON, CSV or TSV")
    parser.add_argument("second", metavar="SECOND", help="the held-out rows")
    parser.add_argument(
        "--threshold",
        type=float,
        default=0.8,
        help="similarity from which two questions are near, up to 1 (default 0.8)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    first, second = read(arguments.first), read(arguments.second)
    for source in (first, second):
        refuse_broken(source)
    table = contamination(first, second, threshold=arguments.threshold)
    strongest = table.assign(rank=table["kind"].map(KINDS.index)).sort_values(
        ["rank", "second", "first"]
    )
    each = strongest.drop_duplicates("second")
    kinds = {kind: int((each["kind"] == kind).sum()) for kind in KINDS}
    if arguments.json:
        result = {
            "first": len(first.rows),
            "second": len(second.rows),
            "threshold": arguments.threshold,
            "contaminated": len(each),
            "kinds": kinds,
            "pairs": json.loads(table.to_json(orient="records")),
        }
        print(json.dumps(result, ensure_ascii=False))
        return 1 if len(each) else 0
    counts = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    print(
        f"{len(each)} of {len(second.rows)} rows of {second.path} are known from {first.path}"
        + (f": {counts}" if counts else "")
    )
    for pair in each.head(_SHOWN).itertuples():
        one, two = (
            _clipped(asked(source.rows[place].messages or []))
            for source, place in ((first, pair.first), (second, pair.second))
        )
        print(
            f"\n{pair.kind}, similarity {pair.similarity:.2f}\n"
            f"  line {pair.first_line} of FIRST:  {one}\n"
            f"  line {pair.second_line} of SECOND: {two}"
        )
    if len(each) > _SHOWN:
        print(f"\n… and {len(each) - _SHOWN} more: --json lists every pair")
    return 1 if len(each) else 0


def _clipped(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 100 else text[:99] + "…"
