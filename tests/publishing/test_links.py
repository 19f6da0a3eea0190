"""What leads nowhere in a folder of pages is found, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from course_lib.publishing.links import check_links

GOOD = """<html><head><link rel="stylesheet" href="style.css?v=2"></head><body id="whole">
<a href="#whole">here</a> <a href="#">top</a> <a name="old">old</a> <a href="#old">by name</a>
<a href="below/other.html#%E5%9B%B3">there</a> <a href="below/">a folder</a>
<a href="https://example.org/x">elsewhere</a> <a href="mailto:a@example.org">write</a>
<img src="data:image/png;base64,AA=="></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "below").mkdir()
    (tmp_path / "slides").mkdir()
    (tmp_path / "index.html").write_text(GOOD, encoding="utf-8")
    (tmp_path / "style.css").write_text("", encoding="utf-8")
    for name in ("other", "index"):
        page = '<meta charset="utf-8"><p id="図">図</p><a href="../index.html#whole">back</a>'
        (tmp_path / "below" / f"{name}.html").write_text(page, encoding="utf-8")
    (tmp_path / "slides" / "deck.html").write_text('<a href="#/2">next</a>', encoding="utf-8")
    return tmp_path


def test_a_sound_site(site: Path) -> None:
    found = check_links(site, skip=("slides",))
    assert found.dead == []
    assert found.pages == 3
    assert found.checked == 8
    assert found.external == ["https://example.org/x"]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ('<a href="absent.html">x</a>', "no such file"),
        ('<img src="absent.png">', "no such file"),
        ('<script src="absent.js"></script>', "no such file"),
        ('<a href="#absent">x</a>', "no such anchor"),
        ('<a href="below/other.html#whole">x</a>', "no such anchor"),
        ('<a href="../outside.html">x</a>', "leaves the site"),
        ('<a href="/index.html">x</a>', "begins at the root"),
        ('<a href="//index.html/x y">x</a>', None),
    ],
)
def test_what_leads_nowhere(site: Path, written: str, said: str | None) -> None:
    (site.parent / "outside.html").write_text("<p>", encoding="utf-8")
    (site / "more.html").write_text(written, encoding="utf-8")
    dead = check_links(site, skip=("slides",)).dead
    if said is None:
        assert dead == [], "an address of the web"
    else:
        (line,) = dead
        assert line.startswith("more.html: ")
        assert said in line


def test_a_folder_that_is_not_skipped_is_read(site: Path) -> None:
    assert check_links(site).dead == ["slides/deck.html: #/2: no such anchor"]
