"""`make course`: run every lesson, write it down as a page, and report time, memory and claims."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from course_lib import machine, runtime
from course_lib.errors import CourseError
from course_lib.publishing.claims_table import machine_kind, read_measured, renew
from course_lib.publishing.pages import write_page
from course_lib.publishing.running import NotebookRun, edition_folder, run_notebook

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str]) -> int:
    """Run lessons and report on them.

    Args:
        argv: Notebooks (all of the course's without any), ``--seeds S…``, ``--jobs N``,
            ``--claims DIR``, ``--out DIR``, ``--json``.

    Returns:
        0 if every lesson ran to its end and every claim held with every seed, else 1.

    Raises:
        CourseError: A notebook is missing or cannot be read, the record of claims cannot be read,
            or a number makes no sense.

    Example:
        >>> main(["notebooks/00_start_here.ipynb"])  # doctest: +SKIP
        0
    """
    options = _parser().parse_args(argv)
    notebooks = find_notebooks(options.notebooks)
    seeds = list(dict.fromkeys(options.seeds or [runtime.seed()]))
    jobs = default_jobs() if options.jobs is None else options.jobs
    if jobs < 1 or min(seeds) < 0:
        raise CourseError("--jobs takes a number from 1 on, --seeds takes numbers from 0 on.")
    if options.claims:
        read_measured(options.claims)  # a broken record is better found now than in twenty minutes

    started = time.perf_counter()
    runs = run_course(notebooks, options.out / "course", seeds=seeds, jobs=jobs)
    record = as_json(runs, time.perf_counter() - started)
    text = json.dumps(record, ensure_ascii=False, indent=1)
    (options.out / "course.json").write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        _print_table(runs, record["seconds"], jobs, options.out)
    if options.claims and not _in_pocket_profile():
        print("The table of claims is of the pocket profile: not renewed.", file=sys.stderr)
    elif options.claims:
        known = {path.stem for path in [*notebooks, *find_notebooks([])]}
        renew(options.claims, runs, machine_kind(jobs), known)
        print(f"Claims: {options.claims}", file=sys.stderr)
    return 0 if all(run.good for run in runs) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m course_lib course", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of the course's")
    parser.add_argument(
        "--seeds", nargs="+", type=int, metavar="S", help="run each with these; default: one seed"
    )
    parser.add_argument("--jobs", type=int, help="lessons at a time; default: from cores, memory")
    parser.add_argument("--claims", type=Path, help="folder of the table of claims to renew")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--json", action="store_true", help="print course.json instead of a table")
    return parser


def default_jobs() -> int:
    """Return how many lessons run at a time: one for two free cores, and one alone on a GPU.

    A lesson computes with one thread; the second core is for the processes that some lessons start
    themselves, and keeps the speeds that they compare from disturbing each other. Each may take two
    GB of memory. One GPU is not shared.

    Example:
        >>> default_jobs() >= 1
        True
    """
    if not _in_pocket_profile():
        return 1
    cores, _ = machine.free_cores()
    return max(1, min(cores // 2, int(machine.ram_gib() // 2)))


def _in_pocket_profile() -> bool:
    return runtime.detect().profile == "pocket"


def find_notebooks(asked: Sequence[Path]) -> list[Path]:
    """Return the notebooks asked for, or all English ones of the course in their order.

    Args:
        asked: Their paths; none for all.

    Raises:
        CourseError: One that was asked for is missing, or there are none at all.

    Example:
        >>> find_notebooks([])[0].name  # doctest: +SKIP
        '00_start_here.ipynb'
    """
    for path in asked:
        if not path.is_file():
            raise CourseError(f"{path}: no such file. Give the path of a notebook (.ipynb).")
    found = list(asked) or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not found:
        raise CourseError(f"{ROOT / 'notebooks'}: no notebooks there. Work from a full checkout.")
    return found


def every_notebook() -> list[Path]:
    """Return the course's notebooks in every language, the English ones first.

    Raises:
        CourseError: There are none at all.

    Example:
        >>> every_notebook()[0].name  # doctest: +SKIP
        '00_start_here.ipynb'
    """
    return [*find_notebooks([]), *sorted((ROOT / "notebooks").glob("[a-z][a-z]/*.ipynb"))]


def run_course(
    notebooks: Sequence[Path], folder: Path, *, seeds: Sequence[int] = (0,), jobs: int = 1
) -> list[NotebookRun]:
    """Run notebooks, each in its own process, under a progress bar.

    Args:
        notebooks: Their paths.
        folder: Where each is written with its outputs, as a page and as a notebook; those of a
            second seed and later in a folder ``seed_S`` below it, those of a translated lesson in
            one with its language's name.
        seeds: What each is run with. The seeds of one notebook follow each other, since they write
            to the same folders below ``build/runs``.
        jobs: Notebooks at a time. Seconds then mean "beside another lesson".

    Returns:
        One run for each seed and notebook: seeds first, then notebooks in the order given.

    Raises:
        CourseError: A notebook cannot be read.

    Example:
        >>> run_course(find_notebooks([]), Path("build/course"))  # doctest: +SKIP
    """
    with _progress() as bar_of, ThreadPoolExecutor(jobs) as pool:
        interrupted = threading.Event()

        def with_every_seed(path: Path) -> list[NotebookRun]:
            runs = []
            for seed in seeds:
                advance = bar_of(path.stem + (f", seed {seed}" if len(seeds) > 1 else ""))

                def on_cell(done: int, total: int, advance: Any = advance) -> None:
                    advance(done, total)
                    if interrupted.is_set():
                        raise CancelledError

                run = run_notebook(path, seed, on_cell=on_cell)
                _write(run, path, folder if seed == seeds[0] else folder / f"seed_{seed}")
                runs.append(run)
            return runs

        try:
            of_notebooks = list(pool.map(with_every_seed, notebooks))
        except BaseException:
            # Lessons that run end after their present cell; those that wait never start.
            interrupted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [runs[place] for place in range(len(seeds)) for runs in of_notebooks]


def _write(run: NotebookRun, path: Path, folder: Path) -> None:
    folder = edition_folder(folder, run.notebook)
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(run.notebook, folder / path.name)
    write_page(run.notebook, folder / f"{path.stem}.html")


@contextmanager
def _progress() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """A progress bar that gives each run a line, and a function that moves it on."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:

        def bar_of(name: str) -> Callable[[int, int], None]:
            task = progress.add_task(name, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield bar_of


def as_json(runs: Sequence[NotebookRun], seconds: float) -> dict[str, Any]:
    """Return what ``build/course.json`` holds.

    Args:
        runs: The runs.
        seconds: The whole course's time.

    Example:
        >>> as_json([], 0.0)
        {'notebooks': [], 'seconds': 0.0}
    """
    return {
        "notebooks": [
            {
                "name": run.name,
                "seed": run.seed,
                "seconds": round(run.seconds, 1),
                "peak_mb": round(run.peak_mb),
                "claims": run.claims,
                "error": run.error,
            }
            for run in runs
        ],
        "seconds": round(seconds, 1),
    }


def _print_table(runs: Sequence[NotebookRun], seconds: float, jobs: int, out: Path) -> None:
    at_a_time = "" if jobs == 1 else f", {jobs} lessons at a time"
    table = Table("notebook", title=f"the course, {seconds:.0f} seconds{at_a_time}")
    for heading in ("seed", "seconds", "peak MB", "claims held", "failed"):
        table.add_column(heading, justify="right")
    for run in runs:
        held = sum(claim["held"] for claim in run.claims)
        table.add_row(
            run.name, str(run.seed), f"{run.seconds:.1f}", f"{run.peak_mb:,.0f}", str(held),
            str(len(run.claims) - held), style=None if run.good else "red",
        )  # fmt: skip
    Console().print(table)
    for run in runs:
        for claim in run.claims:
            if not claim["held"]:
                limit = f"{claim['bound']} {claim['threshold']}"
                name = f"{run.name}, seed {run.seed}"
                print(f"✗ {name}: {claim['statement']}: {claim['value']} ({limit})")
        if run.error:
            print(f"✗ {run.name}, seed {run.seed}, stopped: {run.error}")
    print(f"Pages: {out / 'course'}   Figures: {out / 'course.json'}", file=sys.stderr)
