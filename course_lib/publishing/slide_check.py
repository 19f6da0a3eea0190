"""Look at every slide of a deck in Chromium, as big as a projector and as big as a screen.

A fault is content that runs off a slide or is cut off, text of less than 18 pixels, a missing
image, an error on the console, or anything asked of the network. In passing each deck becomes a
PDF, one page a slide.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from course_lib.errors import CourseError
from course_lib.publishing.pages import TEMPLATES

SIZES = ((1280, 720), (1920, 1080))
_START_MILLISECONDS = 60_000


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
        >>> isinstance(why_not(), str)
        True
    """
    if find_spec("playwright") is None:
        return "playwright is missing: `python -m pip install -c constraints.txt -e .[lab,test]`."
    if chromium() is None:
        return "no Chromium or Chrome is here; install one, such as by `apt-get install chromium`."
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

    Raises:
        CourseError: A deck does not start.

    Example:
        >>> look_at([Path("build/slides/00_start_here.html")])  # doctest: +SKIP
    """
    if why_not():
        return {}
    # In a thread of its own: Playwright refuses one in which an event loop runs already.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(_look_at, decks).result()


def _look_at(decks: Sequence[Path]) -> dict[Path, Seen]:
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
        browser: Playwright's Chromium.
        deck: The HTML file.

    Raises:
        CourseError: The deck does not start.

    Example:
        >>> look_at_deck(browser, Path("build/slides/00_start_here.html"))  # doctest: +SKIP
    """
    from playwright.sync_api import TimeoutError as PlaywrightTimeout

    page = browser.new_page()
    faults = _listen(page)
    try:
        return _seen(page, deck, faults)
    except PlaywrightTimeout:
        raise CourseError(f"{deck}: the slides do not start. {'; '.join(faults)}") from None
    finally:
        page.close()


def _seen(page: Any, deck: Path, faults: list[str]) -> Seen:
    slides, smallest = 0, float("inf")
    for size in SIZES:
        found, smallest_here, slides = _look(page, deck, size)
        where = "at {}x{}".format(*size)
        faults += [f"slide {number} {where}: {fault}" for number, fault in found]
        smallest = min(smallest, smallest_here)
    pdf = deck.with_suffix(".pdf")
    _open(page, f"{deck.resolve().as_uri()}?print-pdf")
    page.wait_for_selector(".pdf-page", state="attached")
    page.pdf(path=pdf, prefer_css_page_size=True, print_background=True)
    return Seen(slides, round(smallest, 1), list(dict.fromkeys(faults)), pdf)


def _listen(page: Any) -> list[str]:
    """The list to which the page's errors, and what it asks of the network, will be added."""
    faults: list[str] = []

    def on_console(message: Any) -> None:
        if message.type == "error":
            faults.append(f"on the console: {message.text}")

    def on_request(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            faults.append(f"asks the network for {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: faults.append(f"on the console: {error}"))
    page.on("request", on_request)
    return faults


def _look(page: Any, deck: Path, size: tuple[int, int]) -> tuple[list[tuple[int, str]], float, int]:
    page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
    _open(page, deck.resolve().as_uri())
    check = (TEMPLATES / "course_slides" / "check.js").read_text(encoding="utf-8")
    found, smallest, slides = page.evaluate(check)
    return found, smallest, slides


def _open(page: Any, address: str) -> None:
    page.goto(address)
    # Laying out takes a second or two; a script that failed would let it wait for ever.
    page.wait_for_function("window.Reveal && Reveal.isReady()", timeout=_START_MILLISECONDS)
