"""What is committed is what the code writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.runtime import data_path
from course_lib.yamabiko import load
from course_lib.yamabiko.__main__ import main


def test_regenerates_byte_for_byte(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    fresh = {p.relative_to(tmp_path): p for p in tmp_path.rglob("*") if p.is_file()}
    committed = {
        path.relative_to(data_path()): path
        for folder in ("yamabiko", "probes")
        for path in data_path(folder).rglob("*")
        if path.is_file()
    }
    assert sorted(fresh) == sorted(committed)
    for name, path in fresh.items():
        assert path.read_bytes() == committed[name].read_bytes(), name
        assert b"\r" not in path.read_bytes(), name


def test_load_hands_back_a_dataset() -> None:
    rows = load("faq_test")
    assert rows.num_rows == 64
    assert rows[0]["messages"][-1]["role"] == "user"


def test_general_probes_take_turns() -> None:
    rows = load("general")
    assert rows.num_rows == 9 * 24
    assert len(set(rows["skill"][:9])) == 9
    assert not any("amabiko" in row["messages"][-1]["content"] for row in rows)


def test_load_says_what_there_is() -> None:
    with pytest.raises(CourseError, match="faq_train"):
        load("no_such_thing")


def test_a_folder_that_cannot_be_written_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    assert main(["--out", str(tmp_path / "data")]) == 2
    assert "Cannot write" in capsys.readouterr().err
