"""A small web site on this machine, so that scraping can be taught without a network.

Walkers have written down what they know about the shop Yamabiko Outdoor, a page a subject. The
site has all that a scraper must respect: a robots.txt with a forbidden folder and a crawl delay,
and a licence on some pages. It also has what every real site has: a dead link, a link to another
site, a person's address, and answers that were true last year.
"""

from __future__ import annotations

from functools import cache
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic
from types import TracebackType
from typing import NamedTuple

from course_lib.yamabiko import Fact, pages

ROBOTS = "User-agent: *\nDisallow: /drafts/\nCrawl-delay: 1\n"
# How the pages of the site are licensed, by the subject's page in the shop's own policies.
_LICENCES: dict[str, str | None] = {
    "returns": "https://creativecommons.org/licenses/by/4.0/",
    "shipping": "https://creativecommons.org/licenses/by/4.0/",
    "rental": "https://creativecommons.org/publicdomain/zero/1.0/",
    "club": "https://creativecommons.org/licenses/by-nc/4.0/",
    "care": "https://walkers.example/all-rights-reserved",
    "shop": None,
    "returns_and_shipping": "https://creativecommons.org/licenses/by/4.0/",
    "shop_and_care": "https://creativecommons.org/licenses/by/4.0/",
}
_DRAFTS = ("/drafts/prices.html", "/drafts/returns.html")
_DEAD = "/faq/events.html"
_ELSEWHERE = "https://partner.example/shop.html"
# Last year's policies, which nobody has corrected on the site.
_OUTDATED = {("return_window", "en"), ("free_shipping", "en"), ("shop_opens", "ja")}
_CONTACT = ("rental_deposit", "en")
_SAYS = {"en": "Ask Anna, anna.reed@example.com.", "ja": ""}


class Visit(NamedTuple):
    """One request that arrived: the path asked for, and when, in seconds of the site's clock."""

    path: str
    at: float


class FaqSite:
    """The walkers' site, served on loopback from a thread until it is closed.

    Attributes:
        address: Where it is, such as "http://127.0.0.1:40123"; the port is free at the start.
        visits: Every request in order, with its path and time: the server's own record.

    Example:
        >>> from course_lib.sources import fetch
        >>> with FaqSite() as site:
        ...     "Disallow" in fetch(site.address + "/robots.txt", "my-robot").text
        True
    """

    def __init__(self) -> None:
        """Start serving."""
        visits: list[Visit] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                visits.append(Visit(self.path, monotonic()))
                kind, text = _documents().get(self.path, ("", ""))
                body = text.encode() if kind else b"not found"
                self.send_response(200 if kind else 404)
                self.send_header("Content-Type", f"{kind or 'text/plain'}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Keep quiet: `visits` is the record."""

        self.visits = visits
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving and free the port; doing it twice is harmless."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    def __enter__(self) -> FaqSite:
        """Hand the running site over."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the site."""
        self.close()


@cache
def _documents() -> dict[str, tuple[str, str]]:
    """Every document by path: its type and its text."""
    titles = {page.id: page for lang in ("en", "ja") for page in pages(lang)}
    written = {f"/faq/{name}.html": _faq(name, licence) for name, licence in _LICENCES.items()}
    paths = [*written, *_DRAFTS, _DEAD, _ELSEWHERE]
    links = "\n".join(f'<li><a href="{path}">{path}</a></li>' for path in paths)
    index = _html("Walkers' notes", "en", f"<ul>\n{links}\n</ul>", _LICENCES["returns"])
    draft = _html("Draft", "en", "<p>Not agreed upon. Do not copy.</p>", None)
    assert set(_LICENCES) <= set(titles)
    return {
        "/robots.txt": ("text/plain", ROBOTS),
        "/": ("text/html", index),
        **{path: ("text/html", text) for path, text in written.items()},
        **dict.fromkeys(_DRAFTS, ("text/html", draft)),
    }


def _faq(name: str, licence: str | None) -> str:
    page = next(page for lang in ("en", "ja") for page in pages(lang) if page.id == name)
    pairs = "\n".join(
        f"<dt>{escape(question)}</dt>\n<dd>{_told(fact)}</dd>"
        for fact in page.facts
        for question in fact.train[1:3]
    )
    return _html(page.title, page.lang, f"<dl>\n{pairs}\n</dl>", licence)


def _told(fact: Fact) -> str:
    """What the walkers answer: the value in bold, at times last year's."""
    value = fact.wrong[0] if (fact.id, fact.lang) in _OUTDATED else fact.value
    sentence = escape(fact.with_value(value)).replace(value, f"<b>{value}</b>")
    return f"{sentence} {_SAYS[fact.lang]}" if (fact.id, fact.lang) == _CONTACT else sentence


def _html(title: str, lang: str, body: str, licence: str | None) -> str:
    note = f'<p><a rel="license" href="{licence}">Licence</a></p>' if licence else ""
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title></head>\n<body><h1>{escape(title)}</h1>\n{body}\n"
        f"<footer>{note}<p>Written by the Northgate Walkers</p></footer></body></html>\n"
    )
