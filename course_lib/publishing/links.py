"""Find what leads nowhere in a folder of pages: links, anchors and pictures.

Only what lies in the folder is looked up. Addresses of the web are listed and not asked: a site is
built where there is no network, and a page elsewhere that is down today is no fault of ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from lxml import html

# What each element is led by.
_LEADS = {
    "a": "href", "link": "href", "img": "src", "script": "src", "iframe": "src", "source": "src",
}  # fmt: skip


@dataclass
class Links:
    """What was found.

    Args:
        pages: How many pages were read.
        checked: How many links, anchors and pictures inside the folder were looked up.
        dead: One line each: the page, what it leads to, and what is wrong.
        external: Addresses of the web, each once, in order.
    """

    pages: int = 0
    checked: int = 0
    dead: list[str] = field(default_factory=list)
    external: list[str] = field(default_factory=list)


def check_links(folder: Path, *, skip: tuple[str, ...] = ()) -> Links:
    """Look up everything that the pages of a folder lead to.

    Args:
        folder: The site as it will be published.
        skip: Names of folders whose pages are not read, such as slides, which move by script. What
            leads into them is looked up all the same.

    Returns:
        Everything found; sound if ``dead`` is empty.

    Example:
        >>> check_links(Path("build/site")).dead  # doctest: +SKIP
        []
    """
    folder = folder.resolve()
    paths = [
        path
        for path in sorted(folder.rglob("*.html"))
        if not set(skip) & set(path.relative_to(folder).parts)
    ]
    documents = {path: html.parse(str(path)).getroot() for path in paths}
    anchors = {path: _anchors(document) for path, document in documents.items()}
    found = Links(pages=len(paths))
    external: set[str] = set()
    for path, document in documents.items():
        for address in _addresses(document):
            parts = urlsplit(address)
            if parts.scheme in ("data", "mailto", "javascript"):
                continue
            if parts.scheme or parts.netloc:
                external.add(address)
                continue
            found.checked += 1
            wrong = _wrong(path, unquote(parts.path), unquote(parts.fragment), folder, anchors)
            if wrong:
                found.dead.append(f"{path.relative_to(folder)}: {address}: {wrong}")
    found.external = sorted(external)
    return found


def _addresses(document: html.HtmlElement) -> Iterator[str]:
    for name, attribute in _LEADS.items():
        for element in document.iter(name):
            if (address := element.get(attribute)) is not None:
                yield address


def _anchors(document: html.HtmlElement) -> set[str]:
    named = {element.get("name") for element in document.iter("a")}
    return {element.get("id") for element in document.iter() if element.get("id")} | named - {None}


def _wrong(
    page: Path, path: str, anchor: str, folder: Path, anchors: dict[Path, set[str]]
) -> str | None:
    """What is wrong with a link inside the folder, None if it leads somewhere."""
    target = (page.parent / path).resolve() if path else page
    if path.startswith("/"):
        return "begins at the root, which is another one where the site is published below a path"
    if not target.is_relative_to(folder):
        return "leaves the site"
    if target.is_dir():
        target /= "index.html"
    if not target.is_file():
        return "no such file"
    # "#" and "#top" are the top of every page.
    if anchor and anchor != "top" and target in anchors and anchor not in anchors[target]:
        return "no such anchor"
    return None
