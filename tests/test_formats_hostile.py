"""Ten thousand files that nobody should have written: each is read to its last line or refused."""

from __future__ import annotations

import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hostile_files import HI, NAMES, hostile_file
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.cleaning import clean
from course_lib.errors import CourseError
from course_lib.formats import Source, read

CHUNKS, FILES = 21, 500


def _check_source(source: Source, data: bytes, seen: Counter[str]) -> None:
    """Every row is good or has a problem, and stands on a line that is there."""
    for row in source.rows:
        assert (row.messages is None) == bool(row.problem)
        assert row.rule in ((None,) if not row.problem else ("json", "schema"))
        assert row.file == source.path
        for message in [*(row.messages or []), *(row.rejected or [])]:
            assert isinstance(message["role"], str)
            assert isinstance(message["content"], str)
        if row.rejected is not None:
            assert row.messages is not None
            assert 0 < (row.prompt_length or 0) < len(row.messages)
        if not row.problem:
            stored = [row.messages, row.rejected, row.extra]
            json.dumps(stored, ensure_ascii=False, allow_nan=False).encode("utf-8")
        seen["problems" if row.problem else "good rows"] += 1
    assert [row.position for row in source.rows] == list(range(1, len(source.rows) + 1))
    numbers = [row.line for row in source.rows]
    assert numbers == sorted(numbers)
    assert min(numbers) >= 1
    if data.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1")):
        return
    end = "\r" if any("carriage return" in note for note in source.notes) else "\n"
    if source.encoding.startswith("iso2022"):  # each line begins unshifted
        lines = [line.decode(source.encoding, "replace") for line in data.split(end.encode())]
    else:
        lines = data.decode(source.encoding, "replace").split(end)
    filled = [number for number, line in enumerate(lines, start=1) if line.strip()]
    assert max(numbers) <= len(lines)
    if source.format == "csv":
        if '"' not in "".join(lines):
            assert numbers == filled[1:]
            seen["tables, line by line"] += 1
        return
    try:
        first = json.loads(lines[filled[0] - 1].strip().removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return
    if isinstance(first, dict):
        assert numbers == filled
        seen["JSON Lines, line by line"] += 1


def _check_file(path: Path, seen: Counter[str], cleaned: bool) -> None:
    source, refusal = None, ""
    start = time.process_time()
    try:
        source = read(path)
    except CourseError as error:
        refusal = str(error)
    assert time.process_time() - start < 5
    if source is None:
        assert str(path) in refusal
        assert len(refusal) > len(str(path)) + 20
        assert "\n" not in refusal.replace(str(path), "")
        seen["refused"] += 1
        return
    _check_source(source, path.read_bytes(), seen)
    seen[source.format] += 1
    if cleaned:
        summary = clean(source).summary
        assert summary["rows_in"] == summary["kept"] + summary["rejected"] == len(source.rows)
        seen["cleaned"] += 1


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_hostile_files_are_accounted_for(chunk: int, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    for number in range(FILES):
        rng = random.Random(chunk * FILES + number)
        name, data = hostile_file(rng)
        path = tmp_path / name
        path.write_bytes(data)
        try:
            _check_file(path, seen, cleaned=number % 8 == 0)
        except Exception as error:
            error.add_note(f"file {chunk * FILES + number}: {name} {data[:300]!r}")
            raise
    # The generator must not have run dry: whatever is checked has been there to be checked.
    assert seen["refused"] > 100, seen
    assert seen["good rows"] > 150, seen
    assert seen["problems"] > 150, seen
    assert seen["JSON Lines, line by line"] > 50, seen
    assert seen["tables, line by line"] > 3, seen
    assert seen["cleaned"] > 10, seen


@settings(
    max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8")),
    name=st.sampled_from(NAMES),
)
def test_any_bytes_at_all(data: bytes, name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        _check_file(path, Counter(), cleaned=False)


def _chat(text: str) -> str:
    return json.dumps({"messages": [{"role": "user", "content": text}, HI[1]]})


GOOD = _chat("Hi")


@pytest.mark.parametrize(
    ("make", "rows", "bad"),
    [
        (lambda: f"{GOOD}\n" + "[" * 200_000 + f"\n{GOOD}", 3, 1),
        (lambda: f"{GOOD}\n" + '{"a":' * 200_000 + f"\n{GOOD}", 3, 1),
        (lambda: f"{GOOD}\n" + "x" * 3_000_000 + f"\n{GOOD}", 3, 1),
        (lambda: f"{GOOD}\n" + '"' * 1_000_000 + f"\n{GOOD}", 3, 1),
        (lambda: f"{GOOD}\n" * 20_000 + "{", 20_001, 1),
        (lambda: f"{GOOD}\n" + "\n" * 1_000_000 + GOOD, 2, 0),
        (lambda: f"{GOOD}\n" + "1\n" * 50_000, 50_001, 50_000),
        (lambda: "[" + f"{GOOD}," * 20_000 + "]", 20_000, 0),
        (lambda: "[" + f"{GOOD},\n" * 20_000 + '{"messages": "', 20_001, 1),
        (lambda: "[" + f'{GOOD},{{"messages": [}},' * 2_000 + "]", 4_000, 2_000),
        (lambda: "text,label\n" + 'a,"\n' * 20_000, None, None),
        (lambda: "text,label\n" + 'a,"b"x\n' * 20_000, 20_000, 20_000),
        (lambda: "text,label\n" + ('"a\n' + "b,c\n" * 30) * 500, None, None),
    ],
    ids=[
        "deep list", "deep objects", "long word", "quotes", "cut off", "blanks", "numbers",
        "one line", "unclosed", "every second broken", "open quotes", "text behind quotes",
        "far quotes",
    ],
)  # fmt: skip
def test_large_hostile_files_are_read_in_time(
    make: Callable[[], str], rows: int | None, bad: int | None, tmp_path: Path
) -> None:
    text = make()
    path = tmp_path / ("t.csv" if text.startswith("text,label") else "t.json")
    path.write_text(text, encoding="utf-8")
    start = time.process_time()
    source = read(path)
    assert time.process_time() - start < 5
    if rows is not None:
        assert len(source.rows) == rows
        assert sum(bool(row.problem) for row in source.rows) == bad
    _check_source(source, path.read_bytes(), Counter())


def test_a_folder_of_hostile_files_loses_none(tmp_path: Path) -> None:
    alone: dict[str, int] = {}
    for number in range(150):
        name, data = hostile_file(random.Random(-1 - number))
        path = tmp_path / f"{number:03}-{name}"
        path.write_bytes(data)
        try:
            alone[str(path)] = len(read(path).rows)
        except CourseError:
            alone[str(path)] = 0
    source = read(tmp_path)
    rows = Counter(row.file for row in source.rows)
    assert rows == Counter(alone)
    for file, count in alone.items():
        told = any(note.startswith(f"{Path(file).name} was left out: ") for note in source.notes)
        assert told == (count == 0)
