"""The annotation view: driven through its own widgets, through nbclient, and in JupyterLab."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import threading
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pandas as pd
import pytest
from jupyterlab_page import Lab, poor_contrasts
from nbformat.v4 import new_code_cell, new_notebook

from course_lib.cleaning import clean
from course_lib.cleaning.annotation import apply, decisions, record, sample_findings
from course_lib.cleaning.rule import chat
from course_lib.errors import CourseError
from course_lib.formats import write_jsonl
from course_lib.widgets import AnnotationView, annotate, approach_chooser, memory_sliders
from course_lib.widgets.cards import card, diff, table, text_html

ROOT = Path(__file__).resolve().parent.parent
EVIL = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
ROWS: list[dict[str, Any]] = [
    {"messages": chat("Where is the <b>tent</b>?", "It is in the box, we think."), "id": EVIL},
    {"messages": chat(f"What is {EVIL}?", "")},
    {"messages": chat("Where is the tent?", "It is in the box, we think.")},
    {"messages": chat("Ｗhere is the rope? テントは<b>どこ</b>？", "The rope is behind the door.")},
    {"messages": [{"role": "bot", "content": EVIL}]},
]


@pytest.fixture
def sample(tmp_path: Path) -> pd.DataFrame:
    path = write_jsonl(ROWS, tmp_path / "rows.jsonl")
    path.write_bytes(path.read_bytes() + f'{{"messages": {EVIL}\n'.encode())
    return sample_findings(clean(path))


@pytest.fixture
def view(sample: pd.DataFrame, tmp_path: Path) -> AnnotationView:
    return annotate(sample, tmp_path / "mina.jsonl")


def place(view: AnnotationView) -> str:
    """What the view says of how far the person is."""
    return re.sub(r"\s+", " ", re.sub("<[^>]+>", "", view.progress.value)).strip()


def rules(sample: pd.DataFrame) -> list[str]:
    return [str(rule) for rule in sample["rule"]]


def test_buttons_decide_and_the_file_knows_at_once(
    sample: pd.DataFrame, view: AnnotationView, tmp_path: Path
) -> None:
    path = tmp_path / "mina.jsonl"
    count = len(sample)
    assert place(view).startswith(f"Row 1 of {count} – 0 of {count} decided")
    assert not path.exists(), "looking decides nothing"
    assert view.undo.disabled
    kept = [row["messages"] is not None for row in sample.to_dict("records")]
    view.reject.click()
    assert decisions(path)["finding"].tolist() == sample["finding"].tolist()[:1]
    assert place(view).startswith(f"Row 2 of {count} – 1 of {count} decided: 0 kept, 0 fixed, 1")
    assert "Row 1 rejected" in view.note.value
    assert kept[1]
    view.keep.click()
    assert decisions(path)["decision"].tolist() == ["reject", "keep"]
    view.undo.click()
    assert place(view).startswith("Row 2 of")
    view.undo.click()
    assert place(view).startswith("Row 1 of")
    assert decisions(path).empty
    view.undo.click()
    assert "nothing to undo" in view.note.value
    assert len(path.read_text("utf-8").splitlines()) == 4


def test_one_letter_in_the_key_box_is_one_decision(view: AnnotationView, tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    for typed, standing in [
        ("r", 1),
        ("rR", 2),
        ("rRｒ", 3),  # a Japanese keyboard
        ("rRｒ ", 3),
        ("rRｒ x", 3),
        ("rRｒ xu", 2),
        ("rRｒ x", 2),  # a letter deleted is no letter typed
        ("rRｒ xrrr", 3),
        ("rRｒ xrrrあ", 3),
    ]:
        view.key.value = typed
        assert len(decisions(path)) == standing, typed
    view.key.value = "rRｒ xrrrあx"
    assert "no key &#x27;x&#x27;" in view.note.value
    view.key.value += "uu"
    assert len(decisions(path)) == 2
    assert "only the first counts" in view.note.value
    view.key.value = ""
    assert len(decisions(path)) == 2


def show(view: AnnotationView, rule: str) -> None:
    """Decide until the finding of a rule is shown."""
    for _ in range(20):
        if f"<b>{rule}</b>" in view.card.value:
            return
        view.reject.click()
    raise AssertionError(f"{rule} is not in the sample")


def test_a_fix_of_an_answer(view: AnnotationView, tmp_path: Path) -> None:
    show(view, "empty")
    before = len(decisions(tmp_path / "mina.jsonl"))
    assert view.editor.layout.display == "none"
    view.key.value = "f"
    (editor,) = view.editor.texts.children
    assert (editor.description, editor.value) == ("Message 2 (assistant):", "")
    assert view.editor.layout.display == ""
    view.key.value = "fk"
    assert "save or cancel it first" in view.note.value
    view.undo.click()
    assert "save or cancel it first" in view.note.value, "what was typed is not thrown away"
    assert view._deciding.layout.display == "none"
    view.editor.save.click()
    assert "Nothing was changed" in view.note.value
    editor.value = "  "
    view.editor.save.click()
    assert "answer is empty" in view.note.value
    assert len(decisions(tmp_path / "mina.jsonl")) == before
    editor.value = "A <b>tent</b>, and a rope.\n箱の中です。"
    view.editor.save.click()
    frame = decisions(tmp_path / "mina.jsonl")
    row = frame["row"].tolist()[-1]
    assert row["messages"][1]["content"] == "A <b>tent</b>, and a rope.\n箱の中です。"
    assert not view.editor.texts.children
    assert view.editor.layout.display == "none"
    view.undo.click()
    view.fix.click()
    view.editor.cancel.click()
    assert not view.editor.texts.children
    assert "<b>empty</b>" in view.card.value, "cancelled: the same row is still asked"
    view.editor.save.click()
    assert len(decisions(tmp_path / "mina.jsonl")) == before


def test_a_text_that_says_that_it_is_complete_is_saved(tmp_path: Path) -> None:
    """What the script sends on Ctrl+Enter: two texts, in any order, and no click at all."""
    row = {"messages": chat("Where is the <b>tent</b>?", "In the <i>box</i>, we think.")}
    report = clean(write_jsonl([row], tmp_path / "rows.jsonl"), rules=["html"])
    path = tmp_path / "mina.jsonl"
    view = annotate(sample_findings(report), path)
    view.fix.click()
    question, answer = view.editor.texts.children
    answer.value = "In the bag.\x03save\x03"
    assert not path.exists(), "the other text is still on its way"
    answer.value = " \x03save\x03"
    question.value = "\x03save\x03"
    assert "answer is empty" in view.note.value
    assert (question.value, answer.value) == ("", " "), "to be edited on, without the mark"
    answer.value = "In the bag.\x03save\x03"
    question.value = "Where is it?\x03save\x03"
    assert decisions(path)["row"].tolist() == [{"messages": chat("Where is it?", "In the bag.")}]


def test_a_row_that_is_no_conversation_is_written_anew(
    view: AnnotationView, tmp_path: Path
) -> None:
    show(view, "json")
    before = len(decisions(tmp_path / "mina.jsonl"))
    view.keep.click()
    assert "cannot be kept" in view.note.value
    view.fix.click()
    (editor,) = view.editor.texts.children
    assert editor.description == "The whole row, as JSON:"
    assert editor.value == f'{{"messages": {EVIL}'
    view.editor.save.click()
    assert "no JSON yet" in view.note.value
    assert editor in view.editor.texts.children, "what was written is still there"
    editor.value = json.dumps({"messages": chat("Hi", "Hello!"), "id": 7})
    view.editor.save.click()
    assert decisions(tmp_path / "mina.jsonl")["row"].tolist()[-1]["id"] == 7
    assert len(decisions(tmp_path / "mina.jsonl")) == before + 1


def test_a_second_fix_of_a_row_starts_from_the_first(tmp_path: Path) -> None:
    text = "Write to <b>mina@example.com</b>, we do."
    path = write_jsonl([{"messages": chat("Where to write?", text)}], tmp_path / "rows.jsonl")
    report = clean(path)
    view = annotate(sample_findings(report), tmp_path / "mina.jsonl")
    view.fix.click()
    view.editor.texts.children[0].value = "Write to us."
    view.editor.save.click()
    view.fix.click()
    assert view.editor.texts.children[0].value == "Write to us."
    view.editor.texts.children[0].value = "Write to us any time."
    view.editor.save.click()
    assert place(view).startswith("All rows are decided – 2 of 2 decided: 0 kept, 2 fixed")
    (row,) = apply(report, decisions(tmp_path / "mina.jsonl")).kept_rows
    assert row["messages"][1]["content"] == "Write to us any time."


def test_it_goes_on_where_it_stopped(sample: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    first = annotate(sample, path)
    first.reject.click()
    first.reject.click()
    # Killed in the middle of the third decision.
    with path.open("ab") as file:
        file.write(b'{"finding": "')
    with pytest.warns(UserWarning, match="line 3, was cut off"):
        second = annotate(sample, path)
    assert place(second).startswith("Row 3 of")
    with pytest.warns(UserWarning, match=r"mina\.jsonl\.broken"):
        second.reject.click()
    assert place(second).startswith("Row 4 of")
    # The other view of the same file takes note when it is used again.
    first.undo.click()
    assert place(first).startswith("Row 3 of")
    # A decision on something that is not in this sample is nobody's business here.
    record(path, {"finding": "elsewhere", "decision": "keep"})
    third = annotate(sample, path)
    third.undo.click()
    assert place(third).startswith("Row 2 of")
    assert "elsewhere" in decisions(path)["finding"].tolist()


def test_two_threads_of_the_kernel_do_not_decide_one_row_twice(
    sample: pd.DataFrame, view: AnnotationView, tmp_path: Path
) -> None:
    """ipykernel 7 handles messages of different widgets side by side."""
    barrier = threading.Barrier(len(sample))

    def click() -> None:
        barrier.wait()
        view.reject.click()

    threads = [threading.Thread(target=click) for _ in range(len(sample))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "mina.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["finding"] for line in lines] == sample["finding"].tolist()
    assert place(view).startswith("All rows are decided")


def test_at_the_end_only_undo_is_left(sample: pd.DataFrame, view: AnnotationView) -> None:
    for _ in range(len(sample)):
        view.reject.click()
    assert place(view).startswith("All rows are decided")
    assert view.card.value == ""
    assert view.keep.disabled
    assert view.fix.disabled
    assert view.reject.disabled
    assert not view.undo.disabled
    view.key.value = "k"
    assert "Every row is decided" in view.note.value
    view.key.value = "ku"
    assert place(view).startswith(f"Row {len(sample)} of")
    assert not view.keep.disabled


def test_an_empty_sample_has_nothing_to_ask(sample: pd.DataFrame, tmp_path: Path) -> None:
    view = annotate(sample[:0], tmp_path / "mina.jsonl")
    assert "no findings to judge" in place(view)
    view.key.value = "k"
    view.undo.click()
    assert not (tmp_path / "mina.jsonl").exists()
    assert "No findings" in view._repr_mimebundle_()["text/html"]


def test_what_goes_wrong_is_said_and_decides_nothing(sample: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"no column 'finding'.*sample_findings"):
        annotate(pd.DataFrame({"rule": ["html"]}), tmp_path / "mina.jsonl")
    with pytest.raises(CourseError, match="cannot be read"):
        annotate(sample, tmp_path)
    (tmp_path / "file").write_text("in the way")
    path = tmp_path / "file" / "mina.jsonl"
    with pytest.raises(CourseError, match="cannot be read"):
        annotate(sample, path)
    path = tmp_path / "mina.jsonl"
    view = annotate(sample, path)
    path.mkdir()
    view.reject.click()
    assert "cannot be written" in view.note.value
    assert place(view).startswith("Row 1 of")
    path.rmdir()
    view.reject.click()
    assert place(view).startswith("Row 2 of")
    path.write_text("spoilt by hand\n", "utf-8")
    view.undo.click()
    assert "line 1, is no decision" in view.note.value


class Tags(HTMLParser):
    """Which elements a piece of HTML really has."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


OURS = {
    *("p", "b", "br", "div", "span", "h4", "del", "ins", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
HOSTILE = ["", EVIL, "\ud800", "\x00\x1b[31m", "\u202eolleh", "'\"&", "</div></td>", "a" * 100_000]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", ["rejected", "changed", "review"])
def test_a_hostile_row_is_only_text(text: str, kind: str) -> None:
    change = {"message": 1, "role": text, "before": text, "after": text[::-1]}
    finding: dict[str, Any] = {
        "finding": "f",
        "kind": kind,
        "rule": text,
        "line": 3,
        "where": text,
        "reason": text,
        "messages": [{"role": text, "content": text}, *chat(text, text)],
        "changes": [change] if kind == "changed" else [],
        "row": {"messages": [], text: [text]},
        "other": chat(text, text),
    }
    for entry in (finding, {**finding, "messages": None, "row": text, "other": None}):
        for html in (card(entry), table([entry] * 30, {"f": "keep"})):
            tags = Tags(html)
            assert tags.seen <= OURS
            assert tags.attributes <= {"class", "scope"}
            assert len(html) < 300_000, "the page stays small however long a row is"
            html.encode("utf-8")
            assert not re.search("[\x00-\x08\x0b-\x1f\u202e]", html)


@pytest.mark.parametrize(
    ("before", "after", "html"),
    [
        ("same", "same", "same"),
        ("", "new", "<ins>new</ins>"),
        ("old", "", "<del>old</del>"),
        ("a\u200bb", "ab", 'a<del><span class="code">U+200B</span></del>b'),
        ("two  words", "two words", "two <del>·</del>words"),
        ("line\r\n", "line\n", "line<del>←</del>\n"),
        ("the cat sat", "the dog sat", "the <del>cat</del><ins>dog</ins> sat"),
        ("ＡＢ商店", "AB商店", "<del>ＡＢ</del><ins>AB</ins>商店"),
        ("1 < 2 & 3", "1 < 4 & 3", "1 &lt; <del>2</del><ins>4</ins> &amp; 3"),
    ],
)
def test_a_difference_is_marked(before: str, after: str, html: str) -> None:
    assert diff(before, after) == html


def test_a_difference_of_huge_texts_is_short_and_quick() -> None:
    start = time.perf_counter()
    middle = diff("a " * 200_000 + "old" + " b" * 200_000, "a " * 200_000 + "new" + " b" * 200_000)
    assert "<del>old</del><ins>new</ins>" in middle
    assert "399,700 characters" in middle
    assert len(middle) < 2_000
    apart = diff("x y " * 100_000, "z w " * 100_000)
    assert apart.startswith("<del>x y")
    assert "396,000 more characters" in apart or "395,9" in apart
    assert time.perf_counter() - start < 5
    assert text_html("b" * 5_000).endswith("… 1,000 more characters</span>")


def test_a_row_too_long_for_a_browser_is_not_edited_there(tmp_path: Path) -> None:
    row = {"messages": chat("Hi", "<b>word</b> and another word. " * 10_000)}
    report = clean(write_jsonl([row], tmp_path / "rows.jsonl"), rules=["html"])
    view = annotate(sample_findings(report), tmp_path / "mina.jsonl")
    assert len(view.card.value) < 60_000
    view.fix.click()
    assert "too long to edit" in view.note.value
    assert not view.editor.texts.children


# --- front ends ------------------------------------------------------------------------------


CELLS = """\
from course_lib.cleaning import clean
from course_lib.cleaning.annotation import sample_findings
from course_lib.widgets import annotate
sample = sample_findings(clean("rows.jsonl"))
view = annotate(sample, "mina.jsonl")
view"""
LIVE = "application/vnd.jupyter.widget-view+json"


def test_a_view_is_a_widget_with_a_table_behind_it(view: AnnotationView) -> None:
    bundle = view._repr_mimebundle_()
    assert bundle[LIVE]["model_id"] == view.model_id
    assert bundle["text/html"].startswith("<table>")
    assert EVIL not in bundle["text/html"]
    assert re.fullmatch(r"AnnotationView\(\d+ findings, 0 decided, .*mina\.jsonl\)", repr(view))


def executed(cells: list[str], folder: Path) -> Any:
    """A notebook of these cells, run in a real kernel by nbclient, as nbmake and nbconvert do."""
    nbclient = pytest.importorskip("nbclient")
    notebook = new_notebook(cells=[new_code_cell(source) for source in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": "python"}
    nbclient.NotebookClient(
        notebook,
        timeout=120,
        resources={"metadata": {"path": str(folder)}},
    ).execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    return notebook


def test_where_nobody_can_answer_it_is_a_table(sample: pd.DataFrame, tmp_path: Path) -> None:
    from nbconvert.exporters import HTMLExporter

    notebook = executed([CELLS, "view.key.value = 'r'"], tmp_path)
    (output,) = notebook.cells[0].outputs
    assert set(output["data"]) == {"text/plain", "text/html"}
    assert output["data"]["text/html"].count("<tr>") == len(sample) + 1
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert "not decided" in html
    assert EVIL not in html
    assert len(decisions(tmp_path / "mina.jsonl")) == 1, "from code it can be driven all the same"


@pytest.mark.browser
def test_in_jupyterlab_by_keyboard_alone(
    sample: pd.DataFrame, tmp_path: Path, lab: Lab, request: pytest.FixtureRequest
) -> None:
    # The second view has no script: the key box must do without.
    bare = "bare = annotate(sample, 'ken.jsonl')\nbare.children = bare.children[:-1]\nbare"
    notebook = lab.open("judge", [CELLS, bare])
    page, path = notebook.page, notebook.folder / "mina.jsonl"
    shutil.copy(tmp_path / "rows.jsonl", notebook.folder)
    request.addfinalizer(lambda: page.screenshot(path=tmp_path / "last.png"))
    notebook.run(0)
    view = page.locator(".course-annotation").first
    view.locator(".question").wait_for()
    page.wait_for_function("document.querySelector('.course-annotation').dataset.keys === 'on'")
    page.screenshot(path=tmp_path / "first.png")

    def until(standing: int, file: Path = path) -> None:
        for _ in range(200):
            if file.exists() and len(decisions(file)) == standing:
                return
            page.wait_for_timeout(50)
        raise AssertionError(f"{file.name} has {len(decisions(file))}, not {standing} decisions")

    def says(text: str, where: Any = view) -> None:
        where.locator("p", has_text=text).first.wait_for()

    box = view.get_by_label("Key:")
    box.focus()
    page.keyboard.press("r")
    until(1)
    says("Row 2 of")
    # Held down, a key decides once.
    page.keyboard.down("r")
    page.keyboard.down("r")
    page.keyboard.down("r")
    page.keyboard.up("r")
    until(2)
    says("Row 3 of")
    # With the focus on a button: in the notebook "r" would make the cell raw text.
    view.get_by_role("button", name="Keep (k)").focus()
    page.keyboard.press("u")
    until(1)
    says("Row 2 of")
    page.keyboard.press("r")
    until(2)
    page.wait_for_timeout(300)
    assert page.locator(".jp-CodeCell").count() == 3
    page.screenshot(path=tmp_path / "third.png")
    for _ in range(2, len(sample)):
        if "<b>empty</b>" in view.inner_html():
            break
        standing = len(decisions(path))
        page.keyboard.press("r")
        until(standing + 1)
        says(f"Row {standing + 2} of")
    standing = len(decisions(path))
    page.keyboard.press("f")
    area = view.locator("textarea")
    area.wait_for()
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    page.keyboard.type("It is rope, fork and knife.\nテントです。")
    page.screenshot(path=tmp_path / "fix.png")
    page.keyboard.press("Control+Enter")
    until(standing + 1)
    row = decisions(path)["row"].tolist()[-1]
    assert row["messages"][1]["content"] == "It is rope, fork and knife.\nテントです。"
    area.wait_for(state="detached")
    # The keyboard is back in the view at once. Escape leaves a fix as it was.
    page.keyboard.press("u")
    until(standing)
    says("is to be decided again")
    page.keyboard.press("f")
    area.wait_for()
    page.wait_for_function("document.activeElement.tagName === 'TEXTAREA'")
    page.keyboard.press("Escape")
    area.wait_for(state="detached")
    says("Nothing was changed")
    # Pressed twice before the kernel has answered: the second would hit a row not seen.
    page.evaluate("for (const _ of 'kk') document.querySelector('.annotation-reject').click()")
    until(standing + 1)
    says(f"Row {standing + 2} of")
    page.wait_for_timeout(300)
    assert len(decisions(path)) == standing + 1
    assert page.evaluate("window.hacked") is None, "a row ran a script"
    note = view.locator(".annotation-note")
    assert note.get_attribute("aria-live") == "polite"
    assert poor_contrasts(view) == []
    page.screenshot(path=tmp_path / "later.png")

    # Without the script, letters in the key box do the same, and Tab leads to the buttons.
    notebook.run(1)
    plain = page.locator(".course-annotation").nth(1)
    plain.locator(".question").wait_for()
    assert plain.get_attribute("data-keys") is None
    other = notebook.folder / "ken.jsonl"
    plain.get_by_label("Key:").focus()
    page.keyboard.press("r")
    until(1, other)
    says("Row 2 of", plain)
    page.keyboard.press("r")
    until(2, other)
    says("Row 3 of", plain)
    page.keyboard.press("u")
    until(1, other)
    says("is to be decided again", plain)
    for _ in range(1, len(sample)):
        if "<b>empty</b>" in plain.inner_html():
            break
        standing = len(decisions(other))
        page.keyboard.press("r")
        until(standing + 1, other)
        says(f"Row {standing + 2} of", plain)
    standing = len(decisions(other))
    page.keyboard.press("f")
    plain.locator("textarea").focus()
    page.keyboard.type("Every letter of this, kfru.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until(standing + 1, other)
    row = decisions(other)["row"].tolist()[-1]
    assert row["messages"][1]["content"] == "Every letter of this, kfru."


SLIDERS = """\
from course_lib.widgets import memory_sliders
view = memory_sliders("Qwen2.5-7B-Instruct", method="qlora")
view"""


def test_the_memory_sliders_say_what_the_estimate_says() -> None:
    view = memory_sliders("Qwen2.5-7B-Instruct", method="qlora")
    assert view.estimate.peak_gib < 14.56
    assert "fits" in view.bar.value
    light = view.estimate.peak_gib
    view.batch.value = 32
    view.checkpointing.value = False
    assert view.estimate.peak_gib > 3 * light
    assert f"{view.estimate.peak_gib:.2f} of 14.56 GiB: does not fit" in view.bar.value
    view.method.value = "full"
    assert view.rank.disabled
    assert ElementTree.fromstring(view.bar.value).tag == "div", "well-formed, as a browser reads it"


def test_a_slider_is_drawn_within_a_tenth_of_a_second() -> None:
    view = memory_sliders()
    began = time.perf_counter()
    for value in (128, 8192) * 10:
        view.seq_len.value = value
    assert (time.perf_counter() - began) / 20 < 0.1


def test_where_nobody_can_move_a_slider_it_is_a_figure(tmp_path: Path) -> None:
    notebook = executed([SLIDERS, "view.rank.value = 64"], tmp_path)
    (output,) = notebook.cells[0].outputs
    assert set(output["data"]) == {"text/plain", "image/png"}
    assert base64.b64decode(output["data"]["image/png"]).startswith(b"\x89PNG")


def test_the_chooser_says_what_the_rules_say() -> None:
    view = approach_chooser(fixed_style=True, rows=100)
    assert "<b>fine-tuning</b>" in view.verdict.value
    view.boxes["fresh_facts"].value = True
    assert view.approach.way == "fine-tuning + RAG"
    view.rows.value = 10
    assert "<b>RAG</b>" in view.verdict.value
    assert "10 rows are few" in view.verdict.value
    assert ElementTree.fromstring(view.verdict.value).tag == "div", "well-formed"
    assert repr(view).startswith("one fixed style in every answer; facts that change")


def test_an_unknown_criterion_is_told() -> None:
    with pytest.raises(TypeError, match="fixed_stile"):
        approach_chooser(fixed_stile=True)
