"""The walkers' site: served, parsed, and honest about who came."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.error import URLError
from urllib.robotparser import RobotFileParser

import pytest

from course_lib.sources import FaqSite, fetch, parse_faq
from course_lib.yamabiko import facts

AGENT = "test-robot"


@pytest.fixture(scope="module")
def site() -> Iterator[FaqSite]:
    with FaqSite() as served:
        yield served


def test_its_robots_file_forbids_a_folder_and_asks_for_a_pause(site: FaqSite) -> None:
    robots = RobotFileParser()
    robots.parse(fetch(f"{site.address}/robots.txt", AGENT).text.splitlines())
    assert not robots.can_fetch(AGENT, f"{site.address}/drafts/prices.html")
    assert robots.can_fetch(AGENT, f"{site.address}/faq/returns.html")
    assert str(robots.crawl_delay(AGENT)) == "1"


def test_its_index_leads_to_pages_a_dead_link_and_elsewhere(site: FaqSite) -> None:
    links = parse_faq(fetch(f"{site.address}/", AGENT).text).links
    own = [link for link in links if link.startswith("/")]
    status = {link: fetch(site.address + link, AGENT).status for link in own}
    assert [link for link, code in status.items() if code == 404] == ["/faq/events.html"]
    assert [link for link in links if link not in own] == ["https://partner.example/shop.html"]


def test_its_pages_have_pairs_of_known_questions(site: FaqSite) -> None:
    known = {lang: {q for fact in facts(lang) for q in fact.train} for lang in ("en", "ja")}
    for name, lang in (("returns", "en"), ("shop_and_care", "ja")):
        page = parse_faq(fetch(f"{site.address}/faq/{name}.html", AGENT).text)
        assert page.lang == lang
        assert page.pairs
        assert {question for question, _ in page.pairs} <= known[lang]


def test_some_licences_allow_reuse_one_is_missing(site: FaqSite) -> None:
    licences = {
        name: parse_faq(fetch(f"{site.address}/faq/{name}.html", AGENT).text).licence
        for name in ("returns", "club", "shop")
    }
    assert "licenses/by/" in str(licences["returns"])
    assert "licenses/by-nc/" in str(licences["club"])
    assert licences["shop"] is None


def test_it_remembers_who_asked_for_what() -> None:
    with FaqSite() as site:
        fetch(f"{site.address}/robots.txt", AGENT)
        fetch(f"{site.address}/nowhere", AGENT)
        assert [visit.path for visit in site.visits] == ["/robots.txt", "/nowhere"]
        assert site.visits[0].at <= site.visits[1].at


def test_a_closed_site_is_gone() -> None:
    site = FaqSite()
    site.close()
    site.close()
    with pytest.raises(URLError):
        fetch(site.address, AGENT)


def test_text_is_read_without_tags_and_references() -> None:
    page = parse_faq(
        '<html lang="en"><title>Q &amp; A</title><dl><dt>Tents\n &amp; <i>tarps</i>?</dt>'
        '<dd>Yes,  <b>10</b>.</dd></dl><a href="/x">x</a><a href="/by" rel="license">L</a></html>'
    )
    assert page.title == "Q & A"
    assert page.pairs == [("Tents & tarps?", "Yes, 10.")]
    assert page.links == ["/x"]
    assert page.licence == "/by"
