"""The site, of two small lessons: what is shown, what is folded, what is found."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lxml import html
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_lib.errors import CourseError
from course_lib.exercises.texts import exercises
from course_lib.publishing.links import check_links
from course_lib.publishing.site import build_site, main
from course_lib.publishing.site_pages import part_of_readme, write_lesson
from course_lib.publishing.site_search import BilingualSearch

WIDE = "<table><tr>" + "".join(f"<td>column{number}</td>" for number in range(60)) + "</tr></table>"
PIXEL = base64.b64encode(
    bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
        "1f15c4890000000d49444154789c63606060f80f00010401005fe5c34b0000000049454e44ae426082"
    )
).decode()
TEXTS = {
    "en": (
        "# 90 · A small lesson\n\nThe rank is $r$.\n\n$$\\frac{\\alpha}{r}$$",
        "## The *steep* curve\n\nA marmalade of rows. See [the other](91_not_run.ipynb).",
    ),
    "ja": (
        "# 90 · 小さなレッスン\n\nランクは$r$です。",
        "## 急な曲線\n\n行が足りないと過学習になります。",
    ),
}


def lesson(language: str) -> Any:
    """A lesson with all that a page has to show, or to leave out."""
    title, text = TEXTS[language]
    cells = [
        new_code_cell("import bootstrap_only", metadata={"tags": ["bootstrap"]}),
        new_markdown_cell(title, metadata={"speaker_notes": "SPOKEN"}),
        new_markdown_cell(
            "[![Colab](data:image/svg+xml;base64,PHN2Zy8+)](https://example.org/colab)",
            metadata={"tags": ["launch"]},
        ),
        new_markdown_cell(text),
        new_code_cell("draw()"),
        new_code_cell('answer = ...\ncheck("accumulation", answer)'),
    ]
    notebook = new_notebook(cells=cells)
    if language != "en":
        notebook.metadata["lang"] = language
    return notebook


def with_outputs(notebook: Any) -> Any:
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "0"}, "text/html": WIDE}
    notebook.cells[4].outputs = [
        new_output("display_data", {"image/png": PIXEL, "text/plain": "<Figure>"}),
        new_output("display_data", widget),
    ]
    notebook.cells[5].outputs = [new_output("stream", text="… accumulation: not attempted yet.\n")]
    return notebook


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lessons, one of them run and translated, and the site made of them."""
    folder = tmp_path_factory.mktemp("site")
    for language, below in (("en", ""), ("ja", "ja")):
        for kind in ("notebooks", "build/course"):
            (folder / kind / below).mkdir(parents=True, exist_ok=True)
        nbformat.write(lesson(language), folder / "notebooks" / below / "90_small.ipynb")
        ran = folder / "build/course" / below / "90_small.ipynb"
        nbformat.write(with_outputs(lesson(language)), ran)
    other = new_notebook(cells=[new_markdown_cell("# 91 · Not run"), new_code_cell("1 + 1")])
    nbformat.write(other, folder / "notebooks/91_not_run.ipynb")
    (folder / "build/slides").mkdir()
    (folder / "build/slides/90_small.html").write_text("<p>a deck", encoding="utf-8")
    _, warnings = build_site(sorted((folder / "notebooks").glob("*.ipynb")), folder / "build")
    assert warnings == []
    return folder


def page(folder: Path, name: str) -> Any:
    return html.parse(str(folder / "build/site" / name)).getroot()


def test_no_link_is_dead(folder: Path) -> None:
    links = check_links(folder / "build/site", skip=("slides", "_static"))
    assert links.dead == []
    assert links.pages == 10, "two start pages, three lessons, three guides, two of search"
    assert "https://example.org/colab" in links.external


def test_nothing_is_loaded_from_elsewhere(folder: Path) -> None:
    for path in (folder / "build/site").rglob("*.html"):
        if "_static" in path.parts:
            continue
        root = html.parse(str(path)).getroot()
        loaded = [element.get("src", "") for element in root.iter("script", "img")]
        loaded += [element.get("href", "") for element in root.iter("link")]
        assert not [address for address in loaded if address.startswith(("http", "//"))], path


@pytest.mark.parametrize(("below", "language"), [("", "en"), ("ja/", "ja")])
def test_a_lesson_is_shown_without_what_only_an_instructor_needs(
    folder: Path, below: str, language: str
) -> None:
    root = page(folder, f"{below}lessons/90_small.html")
    text = root.text_content()
    assert root.get("lang") == language
    assert "not attempted yet" in text
    assert "SPOKEN" not in text
    assert "bootstrap_only" not in text
    assert "widget-view" not in html.tostring(root, encoding="unicode")
    assert len(root.xpath("//td[text()='column59']")) == 1, "the widget's static form"
    (badge,) = root.xpath("//a[@href='https://example.org/colab']/img")
    assert badge.get("alt") == "Colab"
    assert root.xpath("//*[local-name()='math']"), "formulas need no script"


def test_a_figure_says_what_it_is_about(folder: Path) -> None:
    (alt,) = page(folder, "lessons/90_small.html").xpath("//img[contains(@src, '_images')]/@alt")
    assert alt == "Figure of the section: The steep curve"
    (alt,) = page(folder, "ja/lessons/90_small.html").xpath("//img[contains(@src, '_images')]/@alt")
    assert alt == "図(節:急な曲線)"


@pytest.mark.parametrize("language", ["en", "ja"])
def test_hints_and_solutions_are_folded(folder: Path, language: str) -> None:
    known = exercises(language)["accumulation"]
    below = "" if language == "en" else "ja/"
    root = page(folder, f"{below}lessons/90_small.html")
    hints = root.xpath("//details[@class='hint']/p")
    assert [" ".join(hint.text_content().split()) for hint in hints] == [
        " ".join(hint.split()) for hint in known["hints"]
    ]
    (solution,) = root.xpath("//details[@class='solution']")
    assert not root.xpath("//details[@open]")
    assert 'check("accumulation"' in solution.text_content()
    assert len(solution.xpath(".//li")) == len(known["wrong"])


def test_a_lesson_that_was_not_run_says_so(folder: Path) -> None:
    assert "Shown without outputs" in page(folder, "lessons/91_not_run.html").text_content()
    assert "Shown without outputs" not in page(folder, "lessons/90_small.html").text_content()


def test_outputs_of_other_code_are_not_shown(folder: Path, tmp_path: Path) -> None:
    changed = lesson("en")
    changed.cells[4].source = "draw(2)"
    nbformat.write(changed, tmp_path / "90_small.ipynb")
    assert not write_lesson(tmp_path / "90_small.ipynb", folder / "build", tmp_path / "to").ran
    changed = lesson("en")
    changed.cells[3].source = "Other words."
    nbformat.write(changed, tmp_path / "90_small.ipynb")
    assert write_lesson(tmp_path / "90_small.ipynb", folder / "build", tmp_path / "to").ran


def test_a_page_leads_to_its_twin(folder: Path) -> None:
    def twin(name: str) -> str:
        (address,) = page(folder, name).xpath("//a[contains(@class, 'twin')]/@href")
        return str(address)

    assert twin("lessons/90_small.html") == "../ja/lessons/90_small.html"
    assert twin("ja/lessons/90_small.html") == "../../lessons/90_small.html"
    assert twin("lessons/91_not_run.html") == "../ja/index.html", "it has no translation"
    assert twin("index.html") == "ja/index.html"
    assert twin("ja/search.html") == "../search.html"


def test_the_start_page_lists_lessons_and_decks(folder: Path) -> None:
    root = page(folder, "index.html")
    assert root.xpath("//td//a[@href='lessons/90_small.html']")
    assert root.xpath("//a[@href='slides/90_small.html']")
    assert root.xpath("//a[contains(@href, 'colab') and contains(@href, '90_small.ipynb')]")
    assert (folder / "build/site/slides/90_small.html").is_file()
    assert page(folder, "ja/index.html").xpath("//a[@href='../lessons/91_not_run.html']")


def test_a_dead_link_fails_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = '# A\n\n<a href="nowhere.html">x</a> [y](away.md)'
    nbformat.write(new_notebook(cells=[new_markdown_cell(text)]), "90_dead.ipynb")
    assert main(["90_dead.ipynb", "--out", "out", "--json"]) == 1
    record = json.loads(capsys.readouterr().out)
    assert sorted(record["dead"]) == [
        "lessons/90_dead.html: #away.md: no such anchor",
        "lessons/90_dead.html: nowhere.html: no such file",
    ]
    (warning,) = record["warnings"]
    assert "away.md" in warning
    assert record["not_run"] == ["90_dead.ipynb"]
    assert "https://github.com" in Path("out/site_links.txt").read_text(encoding="utf-8")

    assert main(["90_dead.ipynb", "--out", "out"]) == 1
    said = capsys.readouterr().out
    assert "✗ lessons/90_dead.html" in said
    assert "no outputs: 90_dead.ipynb" in said


def test_a_lesson_without_a_title_is_refused(tmp_path: Path) -> None:
    nbformat.write(new_notebook(cells=[new_markdown_cell("no title")]), tmp_path / "a.ipynb")
    with pytest.raises(CourseError, match="no title"):
        write_lesson(tmp_path / "a.ipynb", tmp_path, tmp_path / "to")


def test_a_readme_without_its_parts_is_refused() -> None:
    with pytest.raises(CourseError, match="## Start"):
        part_of_readme("# A\n", "Start")


def test_a_text_is_cut_into_words_and_pairs() -> None:
    split = BilingualSearch({}).split
    assert split("Fine-tuning: 12 steps") == ["Fine", "tuning", "12", "steps"]
    assert split("「検証、損失」") == ["検", "証", "検証", "損", "失", "損失"]
    assert "パラ" in split("LoRAのパラメーター")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The site, served below a path as it is on GitHub Pages."""
    published = folder / "published"
    shutil.copytree(folder / "build/site", published / "course")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=published)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/course/"
        server.shutdown()


@pytest.fixture(params=["served", "file"])
def reader(request: pytest.FixtureRequest, browser: Any, folder: Path) -> Iterator[Any]:
    """A page in a browser, and where the site begins; what goes wrong fails the test at its end."""
    if request.param == "served":
        start = request.getfixturevalue("address")
    else:
        start = (folder / "build/site").as_uri() + "/"
    faults: list[str] = []
    seen = browser.new_page(viewport={"width": 1280, "height": 900})

    def on_console(said: Any) -> None:
        if said.type in ("error", "warning"):
            faults.append(said.text)

    def on_request(asked: Any) -> None:
        if not asked.url.startswith((start, "data:", "blob:")):
            faults.append(f"asks {asked.url}")

    seen.on("console", on_console)
    seen.on("pageerror", lambda error: faults.append(str(error)))
    seen.on("request", on_request)
    yield seen, start
    seen.close()
    assert faults == []


@pytest.mark.browser
def test_a_solution_opens_by_a_click(reader: Any) -> None:
    seen, start = reader
    seen.goto(start + "index.html")
    seen.click("td a:has-text('90 · A small lesson')")
    solution = seen.locator("details.solution")
    assert not solution.locator("ul").is_visible()
    solution.locator("summary").click()
    assert solution.locator("ul").is_visible()
    seen.click("a.twin")
    assert seen.url == start + "ja/lessons/90_small.html"
    assert seen.locator("details.solution > summary").inner_text() == "解答"


@pytest.mark.browser
@pytest.mark.parametrize(
    ("edition", "query", "found"),
    [
        ("", "marmalades", "90 · A small lesson"),
        ("ja/", "過学習", "90 · 小さなレッスン"),
        ("ja/", "急な曲線 ランク", "90 · 小さなレッスン"),
    ],
)
def test_search_finds_a_page(reader: Any, edition: str, query: str, found: str) -> None:
    seen, start = reader
    seen.goto(f"{start}{edition}index.html")
    seen.locator("button.search-button__button:visible").first.click()
    seen.keyboard.type(query)
    seen.keyboard.press("Enter")
    result = seen.locator("#search-results li a", has_text=found)
    result.first.wait_for(timeout=20_000)
    assert "search.html" in seen.url
    result.first.click()
    assert "/lessons/90_small.html" in seen.url


@pytest.mark.browser
def test_search_finds_no_word_that_stands_nowhere(reader: Any) -> None:
    seen, start = reader
    seen.goto(f"{start}ja/search.html?q=天動説")
    seen.locator("#search-results p.search-summary", has_text="見つかりません").wait_for(
        timeout=20_000
    )
    assert seen.locator("#search-results li").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_no_page_is_wider_than_its_window(reader: Any, width: int) -> None:
    seen, start = reader
    seen.set_viewport_size({"width": width, "height": 844})
    for name in ("index", "claims", "instructors", "lessons/90_small", "ja/lessons/90_small"):
        seen.goto(f"{start}{name}.html")
        assert seen.evaluate("document.documentElement.scrollWidth") <= width, name
        assert seen.locator("a.twin").is_visible()
        box = seen.locator("a.twin").bounding_box()
        assert box["y"] >= 0
        assert box["x"] + box["width"] <= width
