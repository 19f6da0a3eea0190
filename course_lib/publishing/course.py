"""`make course`: run every lesson, write it down as a page, and report time, memory and claims."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from course_lib.errors import CourseError
from course_lib.publishing.pages import write_page
from course_lib.publishing.running import NotebookRun, run_notebook

ROOT = Path(__file__).resolve().parents[2]


def main(argv: list[str]) -> int:
    """Run lessons and report on them.

    Args:
        argv: Notebooks (all of the course's without any), ``--out DIR``, ``--json``.

    Returns:
        0 if every lesson ran to its end and every claim held, else 1.

    Raises:
        CourseError: A notebook is missing or cannot be read.

    Example:
        >>> main(["notebooks/00_start_here.ipynb"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib course", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of the course's")
    parser.add_argument("--out", type=Path, default=ROOT / "build", help="default: build")
    parser.add_argument("--json", action="store_true", help="print course.json instead of a table")
    options = parser.parse_args(argv)

    started = time.perf_counter()
    runs = run_course(find_notebooks(options.notebooks), options.out / "course")
    record = as_json(runs, time.perf_counter() - started)
    text = json.dumps(record, ensure_ascii=False, indent=1)
    (options.out / "course.json").write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(json.dumps(record, ensure_ascii=False))
    else:
        _print_table(runs, record["seconds"], options.out)
    return 0 if all(run.good for run in runs) else 1


def find_notebooks(asked: Sequence[Path]) -> list[Path]:
    """Return the notebooks asked for, or all of the course's in their order.

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


def run_course(notebooks: Sequence[Path], folder: Path) -> list[NotebookRun]:
    """Run notebooks one after the other, each in its own process, under a progress bar.

    Args:
        notebooks: Their paths. One at a time, so that seconds and memory mean something.
        folder: Where each is written with its outputs, as a page and as a notebook.

    Returns:
        One run a notebook.

    Raises:
        CourseError: A notebook cannot be read.

    Example:
        >>> run_course(find_notebooks([]), Path("build/course"))  # doctest: +SKIP
    """
    folder.mkdir(parents=True, exist_ok=True)
    runs = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as progress:
        for number, path in enumerate(notebooks, start=1):
            task = progress.add_task(f"{number}/{len(notebooks)} {path.stem}", total=None)

            def advance(done: int, total: int, task: Any = task) -> None:
                progress.update(task, completed=done, total=total)

            run = run_notebook(path, on_cell=advance)
            nbformat.write(run.notebook, folder / path.name)
            write_page(run.notebook, folder / f"{path.stem}.html")
            runs.append(run)
    return runs


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
                "seconds": round(run.seconds, 1),
                "peak_mb": round(run.peak_mb),
                "claims": run.claims,
                "error": run.error,
            }
            for run in runs
        ],
        "seconds": round(seconds, 1),
    }


def _print_table(runs: Sequence[NotebookRun], seconds: float, out: Path) -> None:
    table = Table("notebook", title=f"the course, {seconds:.0f} seconds")
    for heading in ("seconds", "peak MB", "claims held", "failed"):
        table.add_column(heading, justify="right")
    for run in runs:
        held = sum(claim["held"] for claim in run.claims)
        table.add_row(
            run.name, f"{run.seconds:.1f}", f"{run.peak_mb:,.0f}", str(held),
            str(len(run.claims) - held), style=None if run.good else "red",
        )  # fmt: skip
    Console().print(table)
    for run in runs:
        for claim in run.claims:
            if not claim["held"]:
                limit = f"{claim['bound']} {claim['threshold']}"
                print(f"✗ {run.name}: {claim['statement']}: {claim['value']} ({limit})")
        if run.error:
            print(f"✗ {run.name} stopped: {run.error}")
    print(f"Pages: {out / 'course'}   Figures: {out / 'course.json'}", file=sys.stderr)
