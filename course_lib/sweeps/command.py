"""`python -m course_lib sweep`: run the full sweep of lesson 08 and write its table.

Every run is written down as soon as it has ended, and a run that stands in the table is not made
again: a sweep that was cut off goes on with the same command.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.runtime import data_path, detect
from course_lib.sweeps.knobs import Knobs, run
from course_lib.sweeps.plan import STUDIES, Planned, plan
from course_lib.sweeps.search import FRESH, SCREEN, SEARCH, search, tried, winner
from course_lib.sweeps.table import COLUMNS, knobs_of, read

if TYPE_CHECKING:
    import pandas as pd

WINNERS = "winners"


def main(argv: list[str]) -> int:
    """Make the runs that the table lacks.

    Args:
        argv: The command line after the verb.

    Returns:
        0 when the table is whole.

    Raises:
        CourseError: There is no such study.

    Example:
        >>> main(["--only", "rank", "--out", "build/knobs.csv"])  # doctest: +SKIP
        0
    """
    arguments = _parser().parse_args(argv)
    known = [*STUDIES, SEARCH, WINNERS]
    unknown = set(arguments.only) - set(known)
    if unknown:
        raise CourseError(f"no study {', '.join(sorted(unknown))}: take {', '.join(known)}")
    made = 0
    for study in arguments.only or known:
        made += _make(study, arguments.out, arguments.workers)
    total = len(read(arguments.out))
    if arguments.json:
        print(json.dumps({"made": made, "rows": total, "table": str(arguments.out)}))
    else:
        print(f"{made} runs made, {total} in {arguments.out}")
    return 0


def train(planned: Planned) -> list[dict[str, Any]]:
    """Make one run in a process of its own, on one thread, as in the table that is shipped.

    Args:
        planned: What to run.

    Returns:
        The row of the table, in a list.

    Example:
        >>> train(plan("rank")[0])[0]["test_loss"]  # doctest: +SKIP
        0.51
    """
    return [{"study": planned.study, "trial": "", **_train(planned.knobs, planned.seed)}]


def _search() -> list[dict[str, Any]]:
    found = search(partial(_train, seed=0))
    return [{"study": SEARCH, "trial": trial, **row} for trial, row in enumerate(found)]


def _train(knobs: Knobs, seed: int) -> dict[str, Any]:
    import torch

    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
        return run(knobs, seed, detect(), folder=folder)


def _make(study: str, path: Path, workers: int) -> int:
    table = read(path) if path.exists() else None
    tasks: list[Any] = [partial(train, planned) for planned in _missing(study, table)]
    if study == SEARCH and (table is None or SEARCH not in set(table["study"])):
        tasks = [_search]
    made = 0
    # A fresh process for each worker: a forked one would inherit torch's threads half-alive.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(task) for task in tasks]):
            rows = done.result()
            _append(path, rows)
            made += len(rows)
    return made


def _missing(study: str, table: pd.DataFrame | None) -> list[Planned]:
    if study == SEARCH:
        return []
    wanted = _winners(table) if study == WINNERS else plan(study)
    if table is None:
        return wanted
    done = {(row["study"], knobs_of(row), row["seed"]) for row in table.to_dict("records")}
    return [planned for planned in wanted if tuple(planned) not in done]


def _winners(table: pd.DataFrame | None) -> list[Planned]:
    if table is None or not {SEARCH, "learning rate"} <= set(table["study"]):
        raise CourseError(
            "there are no winners yet: run the studies search and learning rate first"
        )
    chosen = {contest: winner(tried(table, contest)) for contest in (SEARCH, SCREEN)}
    return [
        Planned(f"winner of the {contest}", knobs, seed)
        for contest, knobs in chosen.items()
        for seed in FRESH
    ]


def _append(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(rows)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_lib sweep",
        description="Make the runs of lesson 08: half an hour of one quiet core.",
    )
    parser.add_argument("--only", nargs="+", default=[], help="studies to run (default: all)")
    parser.add_argument(
        "--out", type=Path, default=data_path("sweeps", "knobs.csv"), help="the table"
    )
    parser.add_argument("--workers", type=int, default=2, help="processes, one thread each")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser
