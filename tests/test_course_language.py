"""The course's words in Japanese: whole texts, texts with figures in them, figures, claims."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from course_lib.errors import CourseError
from course_lib.language import catalogue, language, translated


def test_a_text_is_found_whole_or_by_its_pattern(tmp_path: Path) -> None:
    assert translated("validation loss", to="ja") == "検証損失"
    assert translated("validation\nloss", to="ja") == "検証損失", "broken into lines"
    assert translated("at least 0.8", to="ja") == "0.8以上"


def test_a_text_that_nobody_translated_is_shown_and_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missed = tmp_path / "missed.txt"
    monkeypatch.setenv("COURSE_UNTRANSLATED", str(missed))
    assert translated("a sentence of nobody's", to="ja") == "a sentence of nobody's"
    assert translated("12.5", to="ja") == "12.5"
    assert missed.read_text(encoding="utf-8") == "a sentence of nobody's\n"


def test_english_stays_english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COURSE_LANGUAGE", raising=False)
    assert translated("validation loss") == "validation loss"
    monkeypatch.setenv("COURSE_LANGUAGE", "ja")
    assert translated("validation loss") == "検証損失"


def test_a_language_that_the_course_does_not_speak_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COURSE_LANGUAGE", "fr")
    with pytest.raises(CourseError, match="COURSE_LANGUAGE=fr: the course speaks en and ja"):
        language()


def test_every_translation_names_the_parts_of_its_text() -> None:
    exact, patterns = catalogue("ja")
    assert exact
    assert patterns


DRAW = """
import os, sys
from course_lib.plotting.style import canvas
with canvas("validation loss") as (figure, axes):
    axes.bar(["step"], [-1])
figure.savefig(sys.argv[1])
print(axes.get_title(loc="left"), [label.get_text() for label in axes.get_xticklabels()])
"""


def test_a_figure_is_drawn_in_japanese_with_every_character(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COURSE_LANGUAGE", "ja")
    # A missing character is a warning of matplotlib's.
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", DRAW, str(tmp_path / "figure.png")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout == "検証損失 ['ステップ']\n"
