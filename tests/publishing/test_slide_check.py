"""In a browser: whatever a lesson holds fits its slides, and what would not is found."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.errors import CourseError
from course_lib.publishing import slide_check
from course_lib.publishing.slides import copy_reveal, write_deck

pytestmark = pytest.mark.browser


def shown(*outputs: Any, source: str = "draw()", slide_type: str = "slide") -> Any:
    cell = new_code_cell(source, outputs=list(outputs))
    cell.metadata = {"slideshow": {"slide_type": slide_type}, "speaker_notes": f"About {source}."}
    return cell


def said(markdown: str, slide_type: str = "slide") -> Any:
    cell = new_markdown_cell(markdown)
    cell.metadata = {"slideshow": {"slide_type": slide_type}, "speaker_notes": "Said."}
    return cell


def html(text: str) -> Any:
    return new_output("display_data", {"text/html": text})


def table(rows: int, columns: int, word: str) -> Any:
    cells = [[f"{word} {row}.{column}." for column in range(columns)] for row in range(rows)]
    return html(pd.DataFrame(cells).to_html())


def grouped_table() -> Any:
    index = pd.MultiIndex.from_product([["first", "second", "third"], range(12)])
    return html(pd.DataFrame({"share": 0.5, "reason": "said twice"}, index=index).to_html())


def figure(height: float) -> Any:
    from IPython.core.pylabtools import print_figure
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(10, height), dpi=100)
    drawn.add_subplot().set_title("A figure")
    return new_output(
        "display_data", {"image/png": print_figure(drawn, bbox_inches=None, base64=True)}
    )


CARDS = """
<div style="display: flex; font-size: 11px"><div style="width: 50%">small <b>print</b></div>
<div style="width: 50%">beside it</div></div>
<svg viewBox="0 0 600 300" width="300"><text x="10" y="150" font-size="14">drawn</text></svg>
"""
LINES = "\n".join(f"line_{number} = {number}" for number in range(60))
HARD = [
    said(
        "# 難しい資料\n\n" + "山びこは、キャンプ用品の店です。返品は四十五日以内に承ります。" * 60
    ),
    said("## Long code"),
    shown(source=f'"""A text\n\nof three lines."""\n{LINES}', slide_type="fragment"),
    said("## Tall output"),
    shown(new_output("stream", text="\n".join(map(str, range(90)))), slide_type="fragment"),
    said("That was long.", "fragment"),
    said("## One line"),
    shown(new_output("stream", text="unbroken" * 700), slide_type="fragment"),
    said("## Wide tables"),
    shown(table(4, 26, "quantity"), table(3, 8, "words " * 12), slide_type="fragment"),
    said("## Tall tables"),
    shown(table(50, 2, "cell"), grouped_table(), slide_type="fragment"),
    said("## Figures\n\nBoth of them:"),
    shown(figure(5.5), figure(6.5), slide_type="fragment"),
    said("A last word about both.", "subslide"),
    said("## Cards"),
    shown(html(CARDS), slide_type="fragment"),
    said("## A formula\n\n$$\\frac{\\alpha}{r}W_{\\text{base}}^{2^n}$$\n\nIn a line: $x_{i_j}$."),
    said("## Points\n\n" + "\n".join(f"{number}. point" for number in range(1, 41))),
]


@pytest.fixture(scope="module")
def hard_deck(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deck_of(new_notebook(cells=HARD), tmp_path_factory.mktemp("slides") / "hard.html")


def deck_of(notebook: Any, path: Path) -> Path:
    copy_reveal(path.parent / "reveal.js")
    write_deck(notebook, path)
    return path


@pytest.fixture(scope="module")
def opened(hard_deck: Path, browser: Any) -> Any:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(hard_deck.as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    yield page
    page.close()


def of_each(page: Any, selector: str, value: str) -> list[Any]:
    """A value, written in JavaScript, of each element."""
    return page.evaluate(f"[...document.querySelectorAll({selector!r})].map(e => {value})")


def test_whatever_a_lesson_holds_fits_at_both_sizes(hard_deck: Path, browser: Any) -> None:
    seen = slide_check.look_at_deck(browser, hard_deck)
    assert seen.faults == []
    assert seen.smallest_text >= 18
    assert seen.slides >= 25, "what is long goes on to further slides"
    pages = re.findall(rb"/Type\s*/Page\b", seen.pdf.read_bytes())
    assert len(pages) == seen.slides, "one page a slide"


def test_paper_has_the_layout_of_the_screen(hard_deck: Path, browser: Any) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.goto(f"{hard_deck.as_uri()}?print-pdf")
    page.wait_for_selector(".pdf-page", state="attached")
    distances = of_each(
        page,
        ".pdf-page > section",
        "[...e.querySelectorAll('p, li, pre, table, .figure, h1, h2')]"
        ".filter(part => !part.closest('aside')).map(part => part.getBoundingClientRect())"
        ".map(box => [box.left, box.right, box.bottom - e.parentNode.getBoundingClientRect().top])",
    )
    assert len(distances) > 20
    for left, right, bottom in (part for slide in distances for part in slide):
        assert 39 <= left <= right <= 1241
        assert bottom <= 720
    page.close()


def test_nothing_is_lost_and_nothing_said_twice(opened: Any) -> None:
    text = "".join(opened.evaluate("document.querySelector('.slides').textContent").split())
    whole = Counter(re.findall(r"line_\d+", text))
    assert set(whole) == {f"line_{number}" for number in range(60)}
    for row in range(50):
        assert text.count(f"cell{row}.1.") == 1
    for column in range(26):
        assert text.count(f"quantity3.{column}.") == 1
    assert text.count("unbroken") == 700
    notes = opened.evaluate("document.querySelectorAll('aside.notes').length")
    assert notes == len(HARD)


def test_headings_are_carried_and_numbered(opened: Any) -> None:
    carried = of_each(opened, "h2.carried", "e.textContent")
    assert "Long code (2)" in carried
    assert {"Tall output (2)", "Tall output (3)"} <= set(carried)
    assert len(carried) == len(set(carried))


def test_a_table_that_goes_on_says_its_head_again(opened: Any) -> None:
    heads = of_each(opened, "table", "e.tHead?.rows.length ?? 0")
    assert len(heads) > 6
    assert 0 not in heads
    # No row of a group is parted from the cell that names the group.
    first = of_each(opened, "tbody", "e.rows[0].cells[0].rowSpan")
    assert first.count(12) >= 2


def test_numbers_of_a_list_go_on(opened: Any) -> None:
    starts = of_each(opened, "ol", "[e.start, e.children.length]")
    assert len(starts) > 1
    at = 1
    for start, length in starts:
        assert start == at
        at += length
    assert at == 41


SHOWN_AT_FIRST = """
[...Reveal.getCurrentSlide().querySelectorAll("p, pre, table, .figure, li, h1, h2:not(.carried)")]
  .filter(e => !e.closest("aside") && !e.closest(".fragment:not(.visible)")).length
"""


def test_a_slide_that_goes_on_is_not_empty_at_first_and_steps_keep_their_order(opened: Any) -> None:
    for number in range(opened.evaluate("Reveal.getTotalSlides()")):
        assert opened.evaluate(SHOWN_AT_FIRST), f"slide {number + 1} is empty at first"
        while opened.evaluate("Reveal.availableFragments().next"):
            opened.evaluate("Reveal.nextFragment()")
        opened.evaluate("Reveal.next()")
    order = [
        int(number)
        for number in re.findall(r"line_(\d+)", " ".join(of_each(opened, "pre", "e.textContent")))
    ]
    assert order == sorted(order)


def test_a_figure_is_as_large_as_its_slide_allows(opened: Any) -> None:
    widths = of_each(opened, "img", "parseFloat(e.style.width)")
    assert len(widths) == 2
    assert all(926 <= width <= 1200 for width in widths)


def test_words_stand_left_and_figures_right(
    small_lesson: Path, tmp_path: Path, browser: Any
) -> None:
    notebook = nbformat.read(small_lesson, as_version=4)
    frame = pd.DataFrame({"rows": [12], "reason": ["said twice"]}, index=["copy"])
    notebook.cells = [shown(html(frame.to_html()))]
    page = browser.new_page()
    page.goto(deck_of(notebook, tmp_path / "deck.html").as_uri())
    page.wait_for_function("window.Reveal && Reveal.isReady()")
    aligned = "[...document.querySelectorAll('td')].map(cell => getComputedStyle(cell).textAlign)"
    assert page.evaluate(aligned) == ["right", "left"]
    page.close()


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("<p style='font-size: 12px'>fine print</p>", "text of 12.0 px: fine print"),
        ("<p style='position: absolute; left: 1270px'>aside</p>", "runs off the slide: aside"),
        ("<p style='margin-top: 720px'>below</p>", "runs off the slide: below"),
        ("<div style='height: 9px; overflow: hidden'><p>cut</p></div>", "cut off: div cut"),
        ("<img src='nowhere.png'>", "missing image"),
        ("<script>console.error('oh no')</script>", "on the console: oh no"),
        (
            "<script>fetch('http://localhost:9/')</script>",
            "asks the network for http://localhost:9/",
        ),
    ],
)
def test_what_cannot_be_seen_or_read_is_found(
    small_lesson: Path, tmp_path: Path, browser: Any, broken: str, fault: str
) -> None:
    deck = deck_of(nbformat.read(small_lesson, as_version=4), tmp_path / "deck.html")
    # Put on the first slide after the slides were laid out, as a mistake of the layout's would be.
    late = (
        f"<template id='late'>{broken}</template><script>addEventListener('load', () => "
        "document.querySelector('.slides section section').append("
        "document.getElementById('late').content.cloneNode(true)));</script>"
    )
    deck.write_text(deck.read_text(encoding="utf-8") + late, encoding="utf-8")
    faults = slide_check.look_at_deck(browser, deck).faults
    assert any(fault in found for found in faults), faults


def test_a_deck_that_does_not_start_is_told(
    small_lesson: Path, tmp_path: Path, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    deck = deck_of(nbformat.read(small_lesson, as_version=4), tmp_path / "deck.html")
    (tmp_path / "reveal.js" / "pages.js").unlink()
    monkeypatch.setattr(slide_check, "_START_MILLISECONDS", 2000)
    with pytest.raises(CourseError, match=r"do not start.*pages\.js|do not start.*SlidePages"):
        slide_check.look_at_deck(browser, deck)
