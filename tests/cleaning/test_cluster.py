"""The rules of single rows on two real workers of datatrove."""

from __future__ import annotations

import gc
import json
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor

from course_lib.cleaning import clean
from course_lib.cleaning.cluster import CleanRows, ReadRows, WriteRows
from course_lib.cleaning.pipeline import DAMAGE, MEANING, REPAIRS, STRUCTURE
from course_lib.cleaning.rule import chat
from course_lib.formats import write_jsonl

ROWS: list[dict[str, Any]] = [
    {"messages": chat("Where is the <b>tent</b>?", "It ships on Monday."), "id": 1},
    {
        "messages": chat("Write to mina@example.com", "We have written."),
        "id": 2,
        "cc": "rin@example.com",
    },
    {"messages": chat("How do I fold it?", ""), "id": 3},
    {"messages": chat("テントはどこですか。", "It is in the box, we think."), "id": 4},
    {"messages": "call 090-1234-5678", "id": 5},
]


def _lines(folder: Path) -> list[dict[str, Any]]:
    files = sorted(folder.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def test_two_workers_do_what_one_process_does(tmp_path: Path) -> None:
    for number in range(4):
        rows = [{**row, "batch": number} for row in ROWS]
        write_jsonl(rows, tmp_path / "export" / f"{number}.jsonl")
    steps = [ReadRows(tmp_path / "export"), CleanRows(tmp_path), WriteRows(tmp_path)]
    executor = LocalPipelineExecutor(
        steps, tasks=2, workers=2, logging_dir=str(tmp_path / "logs"), start_method="spawn"
    )
    executor.run()
    kept, rejected = _lines(tmp_path / "kept"), _lines(tmp_path / "rejected")
    assert len(list((tmp_path / "kept").iterdir())) == 2, "one file of each worker"
    assert len(kept) + len(rejected) == 20
    names = [rule.name for rule in (*STRUCTURE, *REPAIRS, *DAMAGE, *MEANING) if rule.name != "name"]
    alone = clean(tmp_path / "export", rules=names)
    assert sorted(map(_key, kept)) == sorted(map(_key, alone.kept_rows))
    columns = ["file", "line", "position", "rule", "reason"]
    told = sorted([row[name] for name in columns] for row in rejected)
    frame = alone.rejected[columns]
    assert told == sorted(frame.to_numpy().tolist())
    assert "@example.com" not in json.dumps([kept, rejected]), "nor in another column"
    assert "090-1234" not in json.dumps(rejected)


def _key(row: dict[str, Any]) -> str:
    return json.dumps({name: row[name] for name in ("messages", "id", "batch")})


def test_a_task_holds_some_rows_at_a_time(tmp_path: Path) -> None:
    """Rows go through one behind the other, and a file appears when it is whole."""
    rows = [{**row, "number": number} for number in range(1_500) for row in ROWS]
    write_jsonl(rows, tmp_path / "export" / "rows.jsonl")
    read = ReadRows(tmp_path / "export").run()
    steps = WriteRows(tmp_path).run(CleanRows(tmp_path).run(read))
    files = [tmp_path / name / "00000.jsonl" for name in ("kept", "rejected")]
    most = kept = 0
    for document in steps:
        kept += bool(document)
        if kept % 500 == 1:
            most = max(most, sum(type(o) is Document for o in gc.get_objects()))
            assert not any(path.exists() for path in files)
            assert not list(tmp_path.glob("kept/[!.]*")), "nothing that could be taken for data"
    assert 1 < most < 4_200, "of 7,500 that were read"
    lines = [len(path.read_text("utf-8").splitlines()) for path in files]
    assert lines == [kept, len(rows) - kept]


def test_a_task_that_fails_leaves_no_half_file(tmp_path: Path) -> None:
    write_jsonl(ROWS, tmp_path / "export" / "rows.jsonl")

    def failing() -> Iterator[Document]:
        yield from ReadRows(tmp_path / "export").run()
        raise OSError("the disk is gone")

    def run(data: Iterator[Document]) -> None:
        deque(WriteRows(tmp_path).run(CleanRows(tmp_path).run(data)), maxlen=0)

    with pytest.raises(OSError, match="the disk is gone"):
        run(failing())
    assert not [*(tmp_path / "kept").iterdir(), *(tmp_path / "rejected").iterdir()]
    run(ReadRows(tmp_path / "export").run())
    assert len(_lines(tmp_path / "kept")) == 2
    assert len(_lines(tmp_path / "rejected")) == 3
