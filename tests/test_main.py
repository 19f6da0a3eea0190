"""The command line: exit codes, messages without a traceback, verbs that exist."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import course_lib
from course_lib.__main__ import VERBS, main


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {verb}" in out for verb in VERBS)


@pytest.mark.parametrize("argv", [[], ["fly"]])
def test_no_verb_or_an_unknown_one_is_bad_input(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    printed = capsys.readouterr()
    assert not printed.out
    assert "doctor" in printed.err


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_module(verb: str) -> None:
    assert find_spec(VERBS[verb][0]) is not None


def test_bad_input_is_one_message_and_exit_code_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COURSE_PROFILE", "t5")
    assert main(["doctor"]) == 2
    assert capsys.readouterr().err == (
        "course_lib doctor: COURSE_PROFILE is 't5': set it to one of pocket, t4\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="there is no `head` on Windows")
def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    script = f"{sys.executable} -m course_lib doctor | head -c 1"
    ended = subprocess.run(["sh", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert "Traceback" not in ended.stderr


def test_every_name_of_the_package_can_be_imported_and_is_no_module() -> None:
    for name in course_lib._HOME:
        assert getattr(course_lib, name) is not None
        assert find_spec(f"course_lib.{name}") is None, f"{name} is also a module"
    assert set(course_lib._HOME) <= set(dir(course_lib))
    with pytest.raises(AttributeError, match="no attribute 'magic'"):
        _ = course_lib.magic
