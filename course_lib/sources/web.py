"""Fetch a page and read a list of questions and answers from it, with the standard library."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

_SECONDS = 10


@dataclass(frozen=True)
class Reply:
    """What a server said: its status (200 is a page, 404 is none) and the text."""

    address: str
    status: int
    text: str


@dataclass
class FaqPage:
    """What stands on a page: title, language, licence, links, and questions with answers."""

    title: str = ""
    lang: str = ""
    licence: str | None = None
    links: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)


def fetch(address: str, agent: str) -> Reply:
    """Ask a server for one document, past any proxy.

    Args:
        address: Its whole address.
        agent: Who asks: a name and a way to reach you, so that the site's owner can complain.

    Returns:
        The reply; a page that does not exist is a reply too, with status 404.

    Raises:
        URLError: No server answers at this address.

    Example:
        >>> fetch("http://127.0.0.1:8000/robots.txt", "my-robot").status  # doctest: +SKIP
        200
    """
    request = Request(address, headers={"User-Agent": agent})
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_SECONDS) as answer:
            charset = answer.headers.get_content_charset() or "utf-8"
            return Reply(address, answer.status, answer.read().decode(charset))
    except HTTPError as error:
        with error:
            return Reply(address, error.code, "")


def parse_faq(html: str) -> FaqPage:
    """Read a page of questions and answers (dt and dd), its licence (rel="license") and its links.

    Args:
        html: The page.

    Returns:
        What was found. A page that names no licence has None: that is no permission.

    Example:
        >>> parse_faq("<dl><dt>When?</dt><dd>On <b>Sunday</b>.</dd></dl>").pairs
        [('When?', 'On Sunday.')]
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


class _Reader(HTMLParser):
    """Collects text by the element that it stands in."""

    def __init__(self) -> None:
        super().__init__()
        self.page = FaqPage()
        self._inside = ""
        self._text = ""
        self._question = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.page.lang = given.get("lang") or ""
        elif tag == "a" and given.get("href"):
            if given.get("rel") == "license":
                self.page.licence = given["href"]
            else:
                self.page.links.append(str(given["href"]))
        elif tag in ("title", "dt", "dd"):
            self._inside, self._text = tag, ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag != self._inside:
            return
        text = " ".join(self._text.split())
        if tag == "title":
            self.page.title = text
        elif tag == "dt":
            self._question = text
        else:
            self.page.pairs.append((self._question, text))
        self._inside = ""
