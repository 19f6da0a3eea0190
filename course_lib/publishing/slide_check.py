"""Look at every slide of a deck in Chromium, as big as a projector and as big as a screen.

A fault is content that runs off a slide or is cut off, text of less than 18 pixels, a missing
image, an error on the console, or anything asked of the network. In passing each deck becomes a
PDF, one page a slide.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from course_lib.publishing.pages import TEMPLATES

SIZES = ((1280, 720), (1920, 1080))


class Seen(NamedTuple):
    """What was seen of a deck.

    Args:
        slides: How many there are.
        smallest_text: The height in pixels of the smallest letters, at 1280 by 720.
        faults: Each with the slide's number and the size of the screen.
        pdf: The deck as a PDF.
    """

    slides: int
    smallest_text: float
    faults: list[str]
    pdf: Path


def why_not() -> str:
    """Say why slides cannot be looked at here, "" if they can.

    Example:
        >>> "chromium" in why_not() or "playwright" in why_not() or why_not() == ""
        True
    """
    if find_spec("playwright") is None:
        return "playwright is not installed. Run `python -m pip install -c constraints.txt -e .[test]`."
    if chromium() is None:
        return "no Chromium or Chrome here. Install one, such as `apt-get install chromium`."
    return ""


def chromium() -> str | None:
    """Return the path of Chromium or Chrome, None if there is neither.

    Example:
        >>> chromium()  # doctest: +SKIP
        '/usr/bin/chromium'
    """
    return shutil.which("chromium") or shutil.which("google-chrome")


def look_at(decks: Sequence[Path]) -> dict[Path, Seen]:
    """Look at every slide of decks, and write each as a PDF beside it.

    Args:
        decks: HTML files that `course_lib.publishing.slides` wrote.

    Returns:
        What was seen of each; nothing where there is no browser.

    Example:
        >>> look_at([Path("build/slides/00_start_here.html")])  # doctest: +SKIP
    """
    if why_not():
        return {}
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=quiet)
        seen = {deck: look_at_deck(browser, deck) for deck in decks}
        browser.close()
    return seen


def look_at_deck(browser: Any, deck: Path) -> Seen:
    """Look at every slide of one deck, and write it as a PDF beside it.

    Args:
        browser: Playwright's.
        deck: The HTML file.

    Example:
        >>> look_at_deck(browser, Path("build/slides/00_start_here.html"))  # doctest: +SKIP
    """
    page = browser.new_page()
    faults: list[str] = []
    page.on("console", lambda said: said.type == "error" and faults.append(f"console: {said.text}"))
    page.on("pageerror", lambda error: faults.append(f"error on the page: {error}"))
    page.on(
        "request",
        lambda asked: asked.url.startswith(("file:", "data:", "blob:"))
        or faults.append(f"asks the network: {asked.url}"),
    )
    slides, smallest = 0, float("inf")
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        _open(page, deck.as_uri())
        page.evaluate("Reveal.configure({fragments: false})")  # all of a slide is shown at once
        slides = page.evaluate("Reveal.getTotalSlides()")
        for number in range(slides):
            if number:
                page.evaluate("Reveal.next()")
            found, size = page.evaluate(_CHECK)
            faults += [f"slide {number + 1} at {width}x{height}: {fault}" for fault in found]
            smallest = min(smallest, size or smallest)
    pdf = deck.with_suffix(".pdf")
    _open(page, f"{deck.as_uri()}?print-pdf")
    page.wait_for_selector(".pdf-page")
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
    page.close()
    return Seen(slides, round(smallest, 1), faults, pdf)


_CHECK = (TEMPLATES / "course_slides" / "check.js").read_text(encoding="utf-8").split("\n", 1)[1]


def _open(page: Any, address: str) -> None:
    page.goto(address)
    page.wait_for_function("window.Reveal && Reveal.isReady()")
