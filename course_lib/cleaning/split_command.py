"""`python -m course_lib split IN --out DIR`: train, validation and test without leaks."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.cleaning.splits import ASIDE, NAMES, assignment, contaminated_rows, shares
from course_lib.errors import CourseError
from course_lib.formats import Source, read, to_dataset, write_jsonl

if TYPE_CHECKING:
    import datasets


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
    arguments = _parser().parse_args(argv)
    source = read(arguments.input)
    refuse_broken(source)
    rows = [{"messages": row.messages, **row.extra} for row in source.rows]
    earlier = _earlier(arguments.previous) if arguments.previous else {}
    # One dataset of old rows and new: a column gets one type for all of them.
    everything = to_dataset([*rows, *(row for side in earlier.values() for row in side)])
    dataset = everything.select(range(len(rows)))
    stratify = arguments.stratify
    table = assignment(
        dataset,
        group=arguments.group,
        stratify=stratify,
        previous=_parts(everything, len(rows), earlier) if earlier else None,
        seed=arguments.seed,
    )
    places = {
        name: [place for place, side in enumerate(table["side"]) if side == name]
        for name in (*NAMES, ASIDE)
    }
    parts = {name: dataset.select(places[name]) for name in (*NAMES, ASIDE)}
    _write(source, rows, places, table["reason"].tolist(), arguments.out)
    counts = {name: len(places[name]) for name in NAMES}
    off = shares(parts, stratify=stratify)
    result = {
        **counts,
        "groups": int(table["group"].nunique()),
        "contaminated": contaminated_rows(parts),
        "aside": len(places[ASIDE]),
        "off": {side: round(float(off["off"][off["side"] == side].sum()), 1) for side in NAMES},
        "strata": int(off["stratum"].nunique()),
        "furthest_off": round(float(off["off"].abs().max()), 1),
    }
    print(json.dumps(result) if arguments.json else _for_people(result, arguments.out))
    if result["contaminated"]:
        print("some rows of validation or test have a near twin in train", file=sys.stderr)
    return 1 if result["contaminated"] else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_lib split",
        description="Split into train, validation and test. Near duplicates and rows that share "
        "a passage always stay together.",
    )
    parser.add_argument("input", metavar="IN", help="JSON Lines, JSON, CSV or TSV")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where to write")
    parser.add_argument("--group", metavar="COLUMN", help="keep rows with equal values together")
    parser.add_argument(
        "--stratify",
        metavar="COLUMN",
        action="append",
        help="spread its values evenly; may be repeated. 'label' is the answer and 'language' the "
        "question's language where there is no such column",
    )
    parser.add_argument(
        "--previous",
        type=Path,
        metavar="DIR",
        help="an earlier split, whose rows keep their sides; new rows that would leak on any side "
        "go to aside.jsonl",
    )
    parser.add_argument("--seed", type=int, default=0, help="which groups go where (default 0)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def refuse_broken(source: Source) -> None:
    """Stop at a file with rows that cannot be read.

    Args:
        source: What `read` returned.

    Raises:
        CourseError: A row has a problem; the first is named with its line.

    Example:
        >>> refuse_broken(Source("a.jsonl", "openai_chat", "utf-8", []))
    """
    broken = [row for row in source.rows if row.problem]
    if broken:
        raise CourseError(
            f"{source.path}, line {broken[0].line}: {broken[0].problem}. {len(broken)} of "
            f"{len(source.rows)} rows cannot be read: run `python -m course_lib clean` first."
        )


def _earlier(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of each side that an earlier run wrote."""
    if not (folder / "train.jsonl").is_file():
        raise CourseError(
            f"{folder} holds no train.jsonl: name the folder that an earlier "
            "`python -m course_lib split` wrote."
        )
    sides: dict[str, list[dict[str, Any]]] = {}
    for name in NAMES:
        path = folder / f"{name}.jsonl"
        # A side that was asked to be empty, or is missing, remembers nothing.
        if path.is_file() and path.stat().st_size:
            source = read(path)
            refuse_broken(source)
            sides[name] = [{"messages": row.messages, **row.extra} for row in source.rows]
    return sides


def _parts(
    everything: datasets.Dataset, start: int, earlier: dict[str, list[dict[str, Any]]]
) -> dict[str, datasets.Dataset]:
    parts = {}
    for name, rows in earlier.items():
        parts[name] = everything.select(range(start, start + len(rows)))
        start += len(rows)
    return parts


def _write(
    source: Source,
    rows: list[dict[str, Any]],
    places: dict[str, list[int]],
    reasons: list[str],
    folder: Path,
) -> None:
    # The rows themselves are written, not the dataset's: a column that Arrow had to turn into
    # text stays as it was read.
    try:
        for name in NAMES:
            write_jsonl((rows[place] for place in places[name]), folder / f"{name}.jsonl")
        aside = folder / f"{ASIDE}.jsonl"
        if places[ASIDE]:
            told = (
                {"line": source.rows[place].line, "reason": reasons[place], "row": rows[place]}
                for place in places[ASIDE]
            )
            write_jsonl(told, aside)
        else:
            # What an earlier run put aside is not the result of this one.
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise CourseError(f"{folder} cannot be written ({error.strerror}).") from error


def _for_people(result: dict[str, Any], folder: Path) -> str:
    sizes = ", ".join(f"{name} {result[name]}" for name in NAMES)
    text = (
        f"{sizes}: {result['groups']} groups kept whole, {result['contaminated']} rows "
        f"contaminated\nat most {result['furthest_off']:g} rows off the share asked for"
    )
    if result["strata"] > 1:
        text += f", in any of {result['strata']} strata"
    if result["aside"]:
        text += f"\n{result['aside']} new rows put aside: see the reasons in aside.jsonl"
    return f"{text}\nwritten to {folder}"
