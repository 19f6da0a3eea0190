"""Slide decks: complete without a network, with notes and timings, solutions left out."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from course_lib.errors import CourseError
from course_lib.publishing import slide_check
from course_lib.publishing.slides import copy_reveal, main, make_decks, shown_cells, write_deck


def as_run(lesson: Path, build: Path, said: str, folder: str = "") -> None:
    """Write a run of a lesson, its third cell having said something, where `make course` would."""
    ran = nbformat.read(lesson, as_version=4)
    ran.cells[2].outputs = [new_output("stream", text=said)]
    (build / "course" / folder).mkdir(parents=True, exist_ok=True)
    nbformat.write(ran, build / "course" / folder / lesson.name)


def changed(lesson: Path, cell: int, source: str) -> None:
    notebook = nbformat.read(lesson, as_version=4)
    notebook.cells[cell].source = source
    nbformat.write(notebook, lesson)


def test_a_deck_is_complete_in_its_folder(
    small_lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(small_lesson), "--out", str(tmp_path / "build"), "--json"]) == 0
    (deck,) = json.loads(capsys.readouterr().out)["decks"]
    assert deck["minutes"] == 1
    assert [part["title"] for part in deck["parts"]] == ["A small lesson"]
    assert (deck["faults"], deck["error"]) == ([], None)
    html = Path(deck["deck"]).read_text(encoding="utf-8")
    assert re.findall(r'<aside class="notes">', html) == ['<aside class="notes">'] * 3
    assert "Sixty megabytes." in html
    assert "two is enough: 2" in html, "the lesson was not run"
    assert "Run it and go on." not in html, "a skipped cell is not on the slides"
    assert not re.search(r"""(src|href)=["']?https?:""", html), "the deck needs the network"
    for link in re.findall(r"""(?:src|href)="(reveal\.js/[^"]+)""", html):
        assert (Path(deck["deck"]).parent / link).is_file(), link


def test_without_a_browser_it_says_that_nothing_was_looked_at(
    small_lesson: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    as_run(small_lesson, tmp_path / "build", "said")
    assert main([str(small_lesson), "--out", str(tmp_path / "build")]) == 0
    assert "No PDF, and no slide was looked at: no Chromium" in capsys.readouterr().out


def test_a_run_serves_until_the_code_changes(small_lesson: Path, tmp_path: Path) -> None:
    as_run(small_lesson, tmp_path, "measured before")
    changed(small_lesson, 1, "# Said in other words")
    (deck,) = make_decks([small_lesson], tmp_path)
    html = deck.path.read_text(encoding="utf-8")
    assert "measured before" in html
    assert "Said in other words" in html

    changed(small_lesson, 2, 'print("measured", "now")')
    (deck,) = make_decks([small_lesson], tmp_path)
    html = deck.path.read_text(encoding="utf-8")
    assert "measured now" in html
    assert "measured before" not in html


def test_a_lesson_that_stops_is_told(
    small_lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(small_lesson, 2, 'raise ValueError("too few rows")')
    assert main([str(small_lesson), "--out", str(tmp_path)]) == 1
    assert "the lesson stopped: ValueError: too few rows" in capsys.readouterr().out


def test_a_lesson_without_slides_is_refused(small_lesson: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    for cell in notebook.cells:
        cell.metadata["slideshow"] = {"slide_type": "skip"}
    with pytest.raises(CourseError, match="slide_type"):
        write_deck(notebook, tmp_path / "00_small.html")


def test_an_exercise_is_asked_and_never_answered(small_lesson: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    asked = new_markdown_cell("## Exercise 1\n\nHow many are enough?")
    left_open = new_code_cell('check("enough", ...)')
    answered = new_code_cell('check("enough", 2)')
    for cell, tag in ((asked, "exercise"), (left_open, "exercise"), (answered, "solution")):
        cell.metadata = {"slideshow": {"slide_type": "fragment"}, "tags": [tag]}
        notebook.cells.append(cell)
    write_deck(notebook, tmp_path / "00_small.html")
    html = re.sub(r"<[^>]+>", "", (tmp_path / "00_small.html").read_text(encoding="utf-8"))
    assert "How many are enough?" in html
    assert 'check("enough", ...)' in html.replace("&quot;", '"').replace("&#34;", '"')
    assert "2)" not in html.split("How many are enough?")[1]


def test_a_translation_has_folders_of_its_own(small_lesson: Path, tmp_path: Path) -> None:
    as_run(small_lesson, tmp_path / "build", "measured in English")
    notebook = nbformat.read(small_lesson, as_version=4)
    notebook.metadata["lang"] = "ja"
    notebook.cells[1].source = "# 小さなレッスン"
    (tmp_path / "ja").mkdir()
    translated = tmp_path / "ja" / small_lesson.name
    nbformat.write(notebook, translated)
    as_run(translated, tmp_path / "build", "測った値", folder="ja")

    english, japanese = make_decks([small_lesson, translated], tmp_path / "build")
    assert japanese.path == tmp_path / "build" / "slides" / "ja" / "00_small.html"
    html = japanese.path.read_text(encoding="utf-8")
    assert '<html lang="ja">' in html
    assert "講義の目安：約1分" in html
    assert "測った値" in html
    assert "measured in English" not in html
    assert (japanese.path.parent / re.findall(r'src="([^"]+course\.js)"', html)[0]).is_file()
    assert '<html lang="en">' in english.path.read_text(encoding="utf-8")


def test_timings_stand_in_the_notes_and_on_the_first_slide(
    small_lesson: Path, tmp_path: Path
) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    notebook.cells[1].metadata["speaker_notes"] = "word " * 130 * 4
    later = new_markdown_cell("## Later")
    later.metadata = {"slideshow": {"slide_type": "slide"}, "speaker_notes": "word " * 130}
    notebook.cells.append(later)
    parts = write_deck(notebook, tmp_path / "00_small.html")
    assert [round(part.pace.seconds) for part in parts] == [243, 60]
    html = (tmp_path / "00_small.html").read_text(encoding="utf-8")
    assert "Taught in about 5 min." in html
    assert "The lesson: about 5 min" in html
    assert "<li>4:03 A small lesson</li>" in html
    assert "This part: about 1 min." in html


@pytest.mark.browser
def test_the_speakers_view_shows_notes_and_pace(
    small_lesson: Path, tmp_path: Path, browser: Any
) -> None:
    copy_reveal(tmp_path / "reveal.js")
    parts = write_deck(nbformat.read(small_lesson, as_version=4), tmp_path / "00_small.html")
    page = browser.new_page()
    page.goto((tmp_path / "00_small.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    whole = round(sum(part.pace.seconds for part in parts))
    assert page.evaluate("Reveal.getConfig().totalTime") == pytest.approx(whole, abs=2)
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    view = opened.value
    view.wait_for_selector(".speaker-controls-notes .value p")
    assert "Greet them." in view.inner_text(".speaker-controls-notes .value")
    view.wait_for_selector(".pacing", state="visible")
    view.close()
    page.close()


def test_where_there_is_a_browser_it_is_found() -> None:
    assert (slide_check.chromium() is None) == ("Chromium" in slide_check.why_not())


def test_what_an_output_folds_away_comes_on_the_slide_after_it(small_lesson: Path) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    answers = "<ol><li>So.</li></ol>"
    asked = f"<ol><li>Why?</li></ol><details><summary>Answers</summary>{answers}</details>"
    notebook.cells[2].outputs = [new_output("display_data", {"text/html": asked})]
    before, after = [
        cell for cell in shown_cells(notebook) if "Why?" in str(cell) or "So." in str(cell)
    ]
    assert "So." not in str(before)
    assert after.source == f"### Answers\n\n{answers}"
    assert after.metadata["slideshow"]["slide_type"] == "subslide"
    assert "details" in str(notebook), "the notebook stays as it is"
