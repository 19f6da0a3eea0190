"""Run one notebook in a kernel of its own, and measure its time, its memory and its claims."""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from course_lib.errors import CourseError

# Short enough that a loaded batch or a copied model is seen, long enough to cost nothing.
_SAMPLE_SECONDS = 0.05
# A lesson takes two minutes on a laptop and an hour on a T4; a cell that hangs must end somewhere.
_CELL_SECONDS = 3600


@dataclass
class NotebookRun:
    """What one run of a notebook gave.

    Args:
        name: The notebook's name, without its ending.
        notebook: The notebook with its outputs, complete up to an error.
        seconds: From starting the kernel to its end.
        peak_mb: The most memory (resident, in MB) that the kernel and its children held together.
        claims: Each with ``statement``, ``value``, ``bound``, ``threshold`` and ``held``.
        error: The last line of what stopped it, None where it ran to its end.
        seed: What it was run with.
    """

    name: str
    notebook: NotebookNode
    seconds: float
    peak_mb: float
    claims: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
    seed: int = 0

    @property
    def good(self) -> bool:
        """Whether it ran to its end and every claim held."""
        return self.error is None and all(claim["held"] for claim in self.claims)


def run_notebook(
    path: Path, seed: int = 0, *, on_cell: Callable[[int, int], None] | None = None
) -> NotebookRun:
    """Run a notebook in its own process; the file itself stays as it is.

    Args:
        path: The notebook.
        seed: The seed of the run.
        on_cell: Called after each cell with the number of cells done and of all cells.

    Returns:
        The measured run. A failing cell or claim is part of the result, not an exception.

    Raises:
        CourseError: The file is missing or is no notebook.

    Example:
        >>> run_notebook(Path("notebooks/00_start_here.ipynb")).seconds  # doctest: +SKIP
        41.7
    """
    notebook = read_notebook(path)
    total = len(notebook.cells)

    def report(cell: NotebookNode, cell_index: int) -> None:
        if on_cell is not None:
            on_cell(cell_index + 1, total)

    client = NotebookClient(
        notebook,
        kernel_name="python3",
        timeout=_CELL_SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,  # it would be drawn by scripts from the network
        on_cell_complete=report,
    )
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "claims.jsonl"
        environment = {
            # One computing thread, unless somebody asks for more: sums are added up in the same
            # order on any number of cores, so a figure does not depend on the machine's size.
            "OMP_NUM_THREADS": "1",
            **os.environ,
            "COURSE_CLAIMS": str(ledger),
            "COURSE_SEED": str(seed),
            # What a run of the course solves is no learner's progress.
            "COURSE_PROGRESS": str(Path(folder) / "progress.json"),
            # Not strict: a claim that fails belongs into the table, beside those after it.
            "COURSE_STRICT": "0",
        }
        start = time.perf_counter()
        error = None
        with _peak_memory(client) as peak:
            try:
                client.execute(env=environment)
            except CellExecutionError as stopped:
                error = f"{stopped.ename}: {stopped.evalue}"
            except (CellTimeoutError, DeadKernelError) as stopped:
                error = f"{type(stopped).__name__}: {str(stopped).strip().splitlines()[0]}"
        return NotebookRun(
            name=path.stem,
            notebook=notebook,
            seconds=time.perf_counter() - start,
            peak_mb=peak[0] / 1e6,
            claims=_read_claims(ledger),
            error=error,
            seed=seed,
        )


def read_notebook(path: Path) -> NotebookNode:
    """Read a notebook.

    Args:
        path: Its file.

    Raises:
        CourseError: The file is missing or is no notebook.

    Example:
        >>> len(read_notebook(Path("notebooks/00_start_here.ipynb")).cells)  # doctest: +SKIP
        48
    """
    try:
        return nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise CourseError(f"{path}: no such file. Give the path of a notebook (.ipynb).") from None
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise CourseError(f"{path}: not a notebook ({str(error)[:120]})") from error


def language_of(notebook: NotebookNode) -> str:
    """The language of an edition, which a translated notebook names in its metadata.

    Args:
        notebook: The notebook.

    Example:
        >>> language_of(nbformat.v4.new_notebook())
        'en'
    """
    return str(notebook.metadata.get("lang", "en"))


def edition_folder(folder: Path, notebook: NotebookNode) -> Path:
    """Where what is made of a notebook lies: English in the folder itself, others below it.

    Args:
        folder: The folder of the English edition.
        notebook: The notebook.

    Example:
        >>> edition_folder(Path("build"), nbformat.v4.new_notebook()).name
        'build'
    """
    language = language_of(notebook)
    return folder if language == "en" else folder / language


@contextmanager
def _peak_memory(client: NotebookClient) -> Iterator[list[int]]:
    """Watch the kernel from a thread; the one number in the list is the peak so far, in bytes."""
    peak, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(_SAMPLE_SECONDS):
            pid = getattr(getattr(client.km, "provisioner", None), "pid", None)
            if pid:
                peak[0] = max(peak[0], _resident(pid))

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()


def _resident(pid: int) -> int:
    """Memory of a process and of all below it, in bytes.

    What a library's file takes is in memory once, and in every process's own count: of those pages
    the largest count is taken. (Only Linux says how many they are.)
    """
    try:
        kernel = psutil.Process(pid)
        family = [kernel, *kernel.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    own, shared = 0, 0
    for process in family:
        try:
            memory = process.memory_info()
        except psutil.NoSuchProcess:  # it ended while it was being counted
            continue
        of_files = getattr(memory, "shared", 0)
        own += memory.rss - of_files
        shared = max(shared, of_files)
    return own + shared


def _read_claims(ledger: Path) -> list[dict[str, Any]]:
    """The claims in the order in which they were first stated; the last measurement counts."""
    if not ledger.exists():
        return []
    lines = ledger.read_text(encoding="utf-8").splitlines()
    latest = {claim["statement"]: claim for claim in map(json.loads, lines)}
    return list(latest.values())


def with_outputs(path: Path, executed: Path) -> NotebookNode | None:
    """Return a notebook with the outputs of its run, if it was run as it stands.

    Args:
        path: The notebook as it stands now.
        executed: Where a run of it was written, if there was one.

    Returns:
        The notebook, None if nothing lies there, or a run of other code. Text may have changed
        since.

    Raises:
        CourseError: One of the files is no notebook.

    Example:
        >>> with_outputs(Path("notebooks/00_start_here.ipynb"), Path("absent.ipynb")) is None
        True
    """
    if not executed.is_file():
        return None
    notebook = read_notebook(path)
    code, ran = _code(notebook), _code(read_notebook(executed))
    if [cell.source for cell in ran] != [cell.source for cell in code]:
        return None
    if any(output.output_type == "error" for cell in ran for output in cell.outputs):
        return None  # it stopped: not a run of the lesson
    for cell, before in zip(code, ran, strict=True):
        cell.outputs = before.outputs
        cell.metadata["execution"] = before.metadata.get("execution", {})
    return notebook


def _code(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]
