"""Where one machine ends: the rules of single rows as steps of a datatrove pipeline.

Some ten million short chats are a night's work for one machine and more than its memory, because
the rules that compare rows hold them all. datatrove (Hugging Face, Apache-2.0) runs the same steps
in one process, on the cores of one machine, on Slurm or on Ray, and goes on where a task failed:

    from datatrove.executor import LocalPipelineExecutor      # or SlurmPipelineExecutor, Ray...
    steps = [ReadRows("export"), CleanRows("cleaned"), WriteRows("cleaned")]
    LocalPipelineExecutor(steps, tasks=64, workers=8, logging_dir="logs").run()

Each task takes its share of the files, and holds some thousand rows at a time; what it writes
appears under its name when the task is done. The rules of single rows need nothing else. What
compares rows comes after: `clean("cleaned/kept")` where the kept rows fit one machine, else
datatrove's own MinHash steps on the documents' texts. Needs `pip install course_lib[cluster]`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from course_lib.cleaning.duplicates import whole
from course_lib.cleaning.pipeline import EXTRAS, RULES, row_rules
from course_lib.cleaning.privacy import DETECTORS, mask_nested
from course_lib.cleaning.report import written_row
from course_lib.cleaning.row_rules import Entry, examine_all
from course_lib.errors import CourseError
from course_lib.formats import Row, stream
from course_lib.formats.dataset import jsonl_writer

try:
    from datatrove.data import Document
    from datatrove.pipeline.base import PipelineStep
except ImportError as error:  # the rest of the cleaner does without
    raise CourseError(
        "The steps for a cluster need datatrove: pip install 'course_lib[cluster]'."
    ) from error

Write = Callable[[Mapping[str, Any]], None]


class ReadRows(PipelineStep):
    """Read a folder of data files, each task its share of them, as documents.

    Args:
        folder: Files in any format that `course_lib.formats` reads.
    """

    name, type = "course_lib rows", "READER"

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self.folder = Path(folder)

    def run(self, data: Any = None, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield one document a row; its metadata hold the row.

        Args:
            data: Documents of an earlier step, which come first.
            rank: Number of this task.
            world_size: Tasks in all.

        Yields:
            Documents. A row that could not be read is one too, so that none is lost.

        Example:
            >>> next(ReadRows("export").run()).metadata["row"].line       # doctest: +SKIP
            1
        """
        yield from data or ()
        files = sorted(path for path in self.folder.rglob("*") if path.is_file())
        if not files:
            raise CourseError(f"{self.folder} holds no file: name the folder of the export.")
        for path in files[rank::world_size]:
            for row in stream(path).rows:
                self.stat_update("rows")
                text = whole(row.messages) if row.messages else ""
                yield Document(text=text, id=f"{path}:{row.position}", metadata={"row": row})


class CleanRows(PipelineStep):
    """Apply the rules of single rows; what they reject is written, with rule and reason.

    Args:
        out: Folder for rejected/RANK.jsonl.
    """

    name, type = "course_lib rules of single rows", "FILTER"

    def __init__(self, out: str | Path) -> None:
        super().__init__()
        self.out = Path(out)

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Yield the documents that stay, repaired.

        Args:
            data: Documents from `ReadRows`.
            rank: Number of this task; names its file of rejected rows.
            world_size: Tasks in all.

        Yields:
            Documents whose text and messages are repaired.
        """
        with jsonl_writer(self.out / "rejected" / f"{rank:05d}.jsonl") as write:
            yield from self._cleaned(data, write)

    def _cleaned(self, data: Iterable[Document], write: Write) -> Iterator[Document]:
        waiting: deque[Document] = deque()

        def entries() -> Iterator[Entry]:
            for document in data:
                row: Row = document.metadata["row"]
                if row.problem:
                    self._reject(document, row.rule or "schema", row.problem, write)
                    continue
                waiting.append(document)
                yield row.messages or [], row.rejected, row.prompt_length or 0, False

        everything = partial(row_rules, frozenset(r.name for r in RULES) - EXTRAS, {})
        for outcomes, counts in examine_all(entries(), everything):
            self._count(counts)
            for outcome in outcomes:
                document = waiting.popleft()
                fault = outcome.fault or outcome.meaning
                if fault:
                    self._reject(document, *fault, write)
                    continue
                self.stat_update("kept")
                document.text = whole(outcome.messages)
                document.metadata["messages"] = outcome.messages
                document.metadata["rejected"] = outcome.rejected_answer
                yield document

    def _count(self, counts: Counter[tuple[str, str]]) -> None:
        for (rule, what), number in counts.items():
            if what != "seen":
                self.stat_update(f"{rule}: {what}", value=number)

    def _reject(self, document: Document, rule: str, reason: str, write: Write) -> None:
        row: Row = document.metadata["row"]
        self.stat_update("rejected")
        reason, raw = mask_nested([reason, row.raw], tuple(DETECTORS))
        told = {"file": row.file, "line": row.line, "position": row.position}
        write({**told, "rule": rule, "reason": reason, "row": raw})


class WriteRows(PipelineStep):
    """Write the rows that stay as JSON Lines, one file a task.

    Args:
        out: Folder for kept/RANK.jsonl.
    """

    name, type = "course_lib rows", "WRITER"

    def __init__(self, out: str | Path) -> None:
        super().__init__()
        self.out = Path(out)

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Document]:
        """Write the documents, and hand them on.

        Args:
            data: Documents from `CleanRows`.
            rank: Number of this task; names its file.
            world_size: Tasks in all.

        Yields:
            The same documents.
        """
        with jsonl_writer(self.out / "kept" / f"{rank:05d}.jsonl") as write:
            for document in data:
                write(_row(document))
                yield document


def _row(document: Document) -> dict[str, Any]:
    kept = document.metadata
    return written_row(kept["row"], kept["messages"], kept["rejected"], tuple(DETECTORS))
