"""Slide decks: complete without a network, with speaker notes, and nothing off the screen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_output

from course_lib.errors import CourseError
from course_lib.publishing.slides import main


def test_a_deck_is_complete_in_its_folder(
    small_lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(small_lesson), "--out", str(tmp_path / "build"), "--json"]) == 0
    (deck,) = json.loads(capsys.readouterr().out)["decks"]
    assert deck["slides"] == 2
    assert not deck["outputs"]
    html = Path(deck["deck"]).read_text(encoding="utf-8")
    assert re.findall(r'<aside class="notes">', html) == ['<aside class="notes">'] * 3
    assert "Sixty megabytes." in html
    assert "Run it and go on." not in html, "a skipped cell is not on the slides"
    assert not re.search(r"""(src|href)=["']?https?:""", html), "the deck needs the network"
    for link in re.findall(r"""(?:src|href)="(reveal\.js/[^"]+)""", html):
        assert (Path(deck["deck"]).parent / link).is_file(), link


def test_outputs_are_shown_only_if_they_are_this_lessons(
    small_lesson: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ran = nbformat.read(small_lesson, as_version=4)
    ran.cells[2].outputs = [new_output("stream", text="measured just now")]
    folder = tmp_path / "build" / "course"
    folder.mkdir(parents=True)
    nbformat.write(ran, folder / small_lesson.name)
    deck = tmp_path / "build" / "slides" / "00_small.html"

    main([str(small_lesson), "--out", str(tmp_path / "build")])
    assert "measured just now" in deck.read_text(encoding="utf-8")

    changed = nbformat.read(small_lesson, as_version=4)
    changed.cells[2].source = "weight = 0"
    nbformat.write(changed, small_lesson)
    main([str(small_lesson), "--out", str(tmp_path / "build")])
    assert "measured just now" not in deck.read_text(encoding="utf-8")
    assert "no outputs" in capsys.readouterr().out


def test_a_lesson_without_slides_is_refused(small_lesson: Path, tmp_path: Path) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    for cell in notebook.cells:
        cell.metadata["slideshow"] = {"slide_type": "skip"}
    nbformat.write(notebook, small_lesson)
    with pytest.raises(CourseError, match="slide_type"):
        main([str(small_lesson), "--out", str(tmp_path / "build")])


@pytest.mark.browser
def test_in_a_browser_every_slide_fits_the_screen(
    small_lesson: Path, tmp_path: Path, browser: Any
) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    tall = new_code_cell("print(*range(40), sep='\\n')")
    tall.metadata = {"slideshow": {"slide_type": "slide"}, "speaker_notes": "A long list."}
    tall.outputs = [new_output("stream", text="\n".join(map(str, range(40))))]
    notebook.cells.append(tall)
    nbformat.write(notebook, small_lesson)
    main([str(small_lesson), "--out", str(tmp_path / "build")])

    page = browser.new_page(viewport={"width": 1280, "height": 720})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto((tmp_path / "build" / "slides" / "00_small.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    seen = 0
    while True:
        box = page.evaluate("Reveal.getCurrentSlide().getBoundingClientRect().toJSON()")
        assert box["top"] >= -1
        assert box["bottom"] <= 721, f"slide {seen} runs off the screen: {box}"
        seen += 1
        if page.evaluate("Reveal.isLastSlide()"):
            break
        page.evaluate("Reveal.next()")
    assert seen == 3
    assert all(url.startswith("file:") for url in asked)
    page.close()


@pytest.mark.browser
def test_in_a_browser_a_figure_gives_way_before_words_and_words_stand_left(
    small_lesson: Path, tmp_path: Path, browser: Any
) -> None:
    import pandas as pd
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure

    notebook = nbformat.read(small_lesson, as_version=4)
    figure = Figure(figsize=(10, 7))
    figure.add_subplot()
    picture = print_figure(figure, bbox_inches=None, base64=True)
    frame = pd.DataFrame({"rows": [12], "reason": ["said twice"]}, index=["copy"])
    cell = new_code_cell("draw()")
    cell.metadata = {"slideshow": {"slide_type": "slide"}, "speaker_notes": "Both."}
    cell.outputs = [
        new_output("display_data", {"text/html": frame.to_html()}),
        new_output("display_data", {"image/png": picture}),
    ]
    notebook.cells.append(cell)
    nbformat.write(notebook, small_lesson)
    main([str(small_lesson), "--out", str(tmp_path / "build")])

    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto((tmp_path / "build" / "slides" / "00_small.html").as_uri())
    page.wait_for_function("Reveal.isReady()")
    page.evaluate("Reveal.slide(Reveal.getTotalSlides() - 1)")
    page.wait_for_function("Reveal.getCurrentSlide().dataset.fitted")
    assert page.evaluate("Reveal.getCurrentSlide().dataset.fitted") == "1.00"
    assert 440 < page.evaluate("Reveal.getCurrentSlide().querySelector('img').clientHeight") < 640
    aligned = "[...document.querySelectorAll('td')].map(cell => getComputedStyle(cell).textAlign)"
    assert page.evaluate(aligned) == ["right", "left"]
    page.close()
