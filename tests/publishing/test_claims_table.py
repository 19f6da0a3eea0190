"""The table of claims: nothing lost, failures shown, and the committed one true to the lessons."""

from __future__ import annotations

import ast
import json
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest

from course_lib.errors import CourseError
from course_lib.publishing.claims_table import (
    DATA,
    PAGE,
    Measured,
    merge,
    outcomes,
    page,
    read_measured,
    renew,
    verdict,
    write_measured,
)
from course_lib.publishing.running import NotebookRun

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "data" / "claims"
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def claimed(statement: str, value: float | None, at_least: float = 1.0) -> dict[str, Any]:
    held = value is not None and value >= at_least
    return {
        "statement": statement, "value": value, "bound": "at least", "threshold": at_least,
        "held": held,
    }  # fmt: skip


def run(name: str, seed: int, *claims: dict[str, Any], error: str | None = None) -> NotebookRun:
    return NotebookRun(name, nbformat.v4.new_notebook(), 12.3, 456.7, list(claims), error, seed)


def table_rows(text: str) -> list[list[str]]:
    """The cells of the lessons' tables, without their headings."""
    _, *lessons = re.split(r"^## ", text, flags=re.MULTILINE)
    lines = [line for lesson in lessons for line in lesson.splitlines() if line.startswith("| ")]
    rows = [re.split(r"(?<!\\) ?\| ?", line)[1:-1] for line in lines]
    return [row for row in rows if row[0] not in ("statement", "---")]


def test_a_run_takes_the_place_of_its_own_seed_and_of_nothing_else() -> None:
    old = [run("01_b", 0, claimed("two", 2)), run("01_b", 1, claimed("two", 3))]
    before = merge({}, [*old, run("00_a", 0, claimed("one", 1))], "old machine")
    untouched = json.dumps(before)
    after = merge(before, [run("01_b", 1, claimed("three", 4))], "new machine")
    assert json.dumps(before) == untouched
    assert list(after) == ["00_a", "01_b"]
    assert after["00_a"] == before["00_a"]
    assert after["01_b"]["0"] == before["01_b"]["0"]
    assert [claim["statement"] for claim in after["01_b"]["1"]["claims"]] == ["three"]
    assert after["01_b"]["1"]["machine"] == "new machine"


def test_seeds_are_ordered_as_numbers() -> None:
    runs = [run("00_a", seed, claimed("one", 1)) for seed in (10, 2, 0)]
    assert list(merge({}, runs, "here")["00_a"]) == ["0", "2", "10"]


def test_the_spread_goes_from_the_lowest_value_to_the_highest() -> None:
    runs = [run("00_a", seed, claimed("one", value)) for seed, value in enumerate((5, 9, 3))]
    assert table_rows(page(merge({}, runs, "here"))) == [["one", "at least 1", "5", "3 – 9", "yes"]]


def test_a_claim_that_failed_with_one_seed_is_shown_with_its_value() -> None:
    runs = [run("00_a", 0, claimed("one", 5)), run("00_a", 1, claimed("one", 0.5))]
    text = page(merge({}, runs, "here"))
    assert table_rows(text) == [["one", "at least 1", "5", "0.5 – 5", "**no** (seed 1)"]]
    assert "| [00_a](#00_a) | 0, 1 | 12 | 457 | 1 | 0 |" in text


def test_a_value_that_is_no_number_is_said_to_be_none() -> None:
    runs = [run("00_a", 0, claimed("one", None)), run("00_a", 1, claimed("one", 2))]
    assert table_rows(page(merge({}, runs, "here"))) == [
        ["one", "at least 1", "no number", "no number among them", "**no** (seed 0)"]
    ]


def test_a_lesson_that_stopped_says_so_and_loses_the_claims_it_did_not_reach() -> None:
    whole = (claimed("one", 5), claimed("two", 6))
    before = merge({}, [run("00_a", 0, *whole), run("00_a", 1, *whole)], "here")
    error = "FileNotFoundError: [Errno 2] No such file or directory: '/home/somebody/x'"
    text = page(merge(before, [run("00_a", 0, claimed("one", 7), error=error)], "here"))
    assert "**Stopped with seed 0** by FileNotFoundError" in text
    assert "| 2 | 1, **stopped** (seed 0) |" in text
    assert "somebody" not in text
    assert table_rows(text) == [
        ["one", "at least 1", "7", "5 – 7", "yes"],
        ["two", "at least 1", "–", "6", "not measured (seed 0)"],
    ]


def test_a_lesson_that_stopped_before_its_first_claim_still_stands_in_the_table() -> None:
    text = page(merge({}, [run("00_a", 0, error="KeyError: 'x'")], "here"))
    assert "| [00_a](#00_a) | 0 | 12 | 457 | 0 | 0, **stopped** (seed 0) |" in text
    assert "**Stopped with seed 0** by KeyError" in text


def test_one_machine_is_named_once_and_several_with_their_runs() -> None:
    first = merge({}, [run("00_a", seed, claimed("one", 5)) for seed in (0, 1)], "a laptop")
    assert "Measured in the `pocket` profile on a laptop.\n" in page(first)
    text = page(merge(first, [run("01_b", 0, claimed("one", 5))], "a server"))
    assert "- a laptop: 00_a (seed 0, 1)\n- a server: 01_b (seed 0)\n" in text


def test_a_bar_in_a_statement_does_not_break_the_table() -> None:
    text = page(merge({}, [run("00_a", 0, claimed("a|b of max_length", 5))], "here"))
    assert r"| a\|b of max\_length | at least 1 |" in text
    assert [len(row) for row in table_rows(text)] == [5]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    measured = merge({}, [run("00_a", 0, claimed("山びこ", 5))], "here")
    write_measured(measured, tmp_path / "claims")
    assert read_measured(tmp_path / "claims") == measured
    assert (tmp_path / "claims" / PAGE).read_text(encoding="utf-8") == page(measured)


def test_courses_that_end_together_lose_nothing(tmp_path: Path) -> None:
    lessons = [f"{number:02d}_x" for number in range(8)]
    together = threading.Barrier(len(lessons))

    def end(lesson: str) -> None:
        together.wait()
        renew(tmp_path, [run(lesson, 0, claimed("one", 5))], "here", lessons)

    with ThreadPoolExecutor(len(lessons)) as pool:
        list(pool.map(end, lessons))
    assert list(read_measured(tmp_path)) == lessons


def test_what_cannot_be_written_whole_leaves_the_old_record(tmp_path: Path) -> None:
    write_measured(merge({}, [run("00_a", 0, claimed("one", 5))], "here"), tmp_path)
    before = (tmp_path / DATA).read_text("utf-8")
    (tmp_path / f"{DATA}.unfinished").mkdir()  # no file can be written there
    with pytest.raises(OSError, match="unfinished"):
        write_measured({}, tmp_path)
    assert (tmp_path / DATA).read_text("utf-8") == before


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"00_a": {"zero": {}}}', '{"00_a": {"0": {"claims": []}}}', '{"00_a": 3}'],
)
def test_a_broken_record_is_refused_with_the_command_that_mends_it(
    text: str, tmp_path: Path
) -> None:
    (tmp_path / DATA).write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=r'measured\.json: .*make course SEEDS="0 1 2"'):
        read_measured(tmp_path)


# The committed table.


@pytest.fixture(scope="module")
def committed() -> Measured:
    return read_measured(COMMITTED)


def mend(lesson: Path) -> str:
    return (
        "measure it again: .venv/bin/python -m course_lib course "
        f"notebooks/{lesson.name} --claims data/claims --seeds 0 1 2"
    )


def test_the_page_is_what_the_record_makes(committed: Measured) -> None:
    assert (COMMITTED / PAGE).read_text(encoding="utf-8") == page(committed), (
        "data/claims/README.md was edited by hand, or the way it is made has changed; write it "
        "again: .venv/bin/python -m course_lib course notebooks/00_*.ipynb --claims data/claims"
    )


def test_no_lesson_stands_there_that_the_course_has_not(committed: Measured) -> None:
    assert set(committed) <= {lesson.stem for lesson in LESSONS}


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_lesson_was_run_with_three_seeds_and_all_its_claims_held(
    lesson: Path, committed: Measured
) -> None:
    runs = committed.get(lesson.stem, {})
    assert {"0", "1", "2"} <= set(runs), f"{lesson.stem}: seeds {list(runs)}; {mend(lesson)}"
    for seed, one in runs.items():
        assert one["stopped"] is None, f"{lesson.stem} stopped with seed {seed}; {mend(lesson)}"
    for statement, of_seeds in outcomes(runs).items():
        assert verdict(of_seeds, list(runs)) == "yes", f"{statement!r}; {mend(lesson)}"


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_the_table_states_what_the_lesson_states(lesson: Path, committed: Measured) -> None:
    recorded = outcomes(committed.get(lesson.stem, {}))
    calls = claim_calls(lesson)
    for call in calls:
        pattern = statement_pattern(call)
        found = [statement for statement in recorded if re.fullmatch(pattern, statement)]
        assert found, f"not in the table: {ast.unparse(call)}; {mend(lesson)}"
        bound, threshold = literal_bound(call)
        for one in (claim for statement in found for claim in recorded[statement].values()):
            assert one["bound"] == bound, f"{one['statement']!r}; {mend(lesson)}"
            if threshold is not None:
                assert one["threshold"] == threshold, f"{one['statement']!r}; {mend(lesson)}"
    patterns = [statement_pattern(call) for call in calls]
    for statement in recorded:
        assert any(re.fullmatch(pattern, statement) for pattern in patterns), (
            f"the lesson no longer states {statement!r}; {mend(lesson)}"
        )


def claim_calls(lesson: Path) -> list[ast.Call]:
    cells = nbformat.read(lesson, as_version=4).cells
    nodes = [
        node
        for cell in cells
        if cell.cell_type == "code"
        for node in ast.walk(ast.parse(cell.source))
    ]
    return [
        node
        for node in nodes
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == "claim"
    ]


def statement_pattern(call: ast.Call) -> str:
    """What the statement must look like; an f-string's values may be any text on one line."""
    said = call.args[0]
    if isinstance(said, ast.Constant):
        return re.escape(str(said.value))
    assert isinstance(said, ast.JoinedStr), f"write the statement into {ast.unparse(call)}"
    return "".join(
        re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+"
        for part in said.values
    )


def literal_bound(call: ast.Call) -> tuple[str, float | None]:
    """The bound's kind, and its threshold where it stands in the call as a number."""
    (given,) = call.keywords
    assert given.arg is not None
    try:
        threshold = float(ast.literal_eval(given.value))
    except ValueError:
        threshold = None
    return given.arg.replace("_", " "), threshold
