"""Every widget in a real JupyterLab: clicked, dragged and typed in, with what Python then holds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyterlab_page import Lab, LabNotebook, poor_contrasts

from course_lib.approach import choose_approach
from course_lib.evaluation.votes import sides
from course_lib.widgets import memory_sliders

pytestmark = pytest.mark.browser

# Each runs by itself: two workers share these tests out, each with a kernel of its own.
CELLS = {
    "planner": """\
import course_lib
runtime = course_lib.start()
from course_lib.widgets import memory_sliders
planner = memory_sliders("Qwen2.5-7B-Instruct", method="qlora")
planner""",
    "helper": """\
from course_lib.widgets import approach_chooser
helper = approach_chooser(fixed_style=True, rows=100)
helper""",
    "curves": """\
import course_lib
runtime = course_lib.start()
from course_lib.training import load_model, sft_config, sft_trainer
from course_lib.widgets import live_curves
from course_lib.yamabiko import load
model, tokenizer = load_model("pocket", runtime)
plan = {"max_steps": 40, "logging_steps": 2, "eval_strategy": "steps", "eval_steps": 10}
rows = [load(name).select(range(32)) for name in ("faq_train", "faq_validation")]
trainer = sft_trainer(model, tokenizer, *rows, config=sft_config(runtime, "runs", **plan))
curves = live_curves(trainer)
ended = trainer.train()""",
    "xray": """\
import course_lib
from course_lib.training import load_model
from course_lib.tokenization import xray
_, tokenizer = load_model("pocket", course_lib.start())
from course_lib.widgets import token_xray
asked = [{"role": "user", "content": "How long does delivery take?"}]
view = token_xray(tokenizer, [*asked, {"role": "assistant", "content": "2 days."}])
view""",
    "annotation": """\
from course_lib.cleaning import clean
from course_lib.cleaning.annotation import decisions, sample_findings
from course_lib.cleaning.rule import chat
from course_lib.formats import write_jsonl
from course_lib.widgets import annotate
told = [{"messages": chat(f"Where is <b>{thing}</b>?", "In the box, we think.")}
        for thing in ("the tent", "the rope", "the lamp")]
sample = sample_findings(clean(write_jsonl(told, "rows.jsonl"), rules=["html"]))
judge = annotate(sample, "mina.jsonl")
judge""",
    "blind": """\
from course_lib.evaluation.votes import votes
from course_lib.widgets import blind_ab
questions = [f"How long does delivery to city {n} take?" for n in range(4)]
pair = blind_ab(questions, ["one"] * 4, ["two"] * 4, "votes.jsonl")
pair""",
    # Questions of the test's own: those of the lessons may change.
    "quiz": """\
import os
from course_lib.exercises import texts
from course_lib.exercises.record import progress
from course_lib.widgets import quiz
os.environ["COURSE_PROGRESS"] = "progress.json"
options, because = ["The rows", "The rate"], ["Rows decide.", "A rate is a knob."]
texts._read("en")[1]["00"] = [
    {"question": f"What matters {n}?", "options": options, "answer": 1, "because": because}
    for n in ("most", "first")]
asked = quiz("00")
asked""",
    "job": """\
from openai import OpenAI
from course_lib.formats import write_jsonl
from course_lib.serving.local import local_server
from course_lib.widgets import watch_job
from course_lib.yamabiko import load
server = local_server("serve")
client = OpenAI(base_url=server.url, api_key=server.key)
told = [{"messages": row["messages"]} for row in load("faq_train").select(range(32))]
file = client.files.create(file=write_jsonl(told, "told.jsonl"), purpose="fine-tune")
plan = {"n_epochs": 6, "batch_size": 4}
job = client.fine_tuning.jobs.create(
    model="pocket", training_file=file.id, seed=0, hyperparameters=plan)
job = watch_job(client, job.id, every=0.5)""",
}


@pytest.fixture(scope="module")
def notebook(lab: Lab) -> Iterator[LabNotebook]:
    """One notebook with a cell for each widget, and one kernel: importing torch takes seconds."""
    notebook = lab.open("widgets", list(CELLS.values()))
    yield notebook
    notebook.page.close()


@pytest.fixture
def shown(notebook: LabNotebook, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    """The output of the test's own cell, which has to be readable to the end.

    Pictures of it and of the page are kept in tmp_path.
    """
    name = request.node.name.removeprefix("test_").split("_", 1)[0]
    shown = notebook.run(list(CELLS).index(name))
    yield shown
    shown.screenshot(path=tmp_path / f"{name}.png")
    notebook.page.screenshot(path=tmp_path / f"{name}_page.png")
    assert poor_contrasts(shown) == []
    wide = "node => [...node.querySelectorAll('.jupyter-widgets')].some(n => n.scrollWidth > 900)"
    assert not shown.evaluate(wide), "it runs out of a window 1000 pixels wide"


def drag(notebook: LabNotebook, handle: Any, by: int) -> None:
    """Pull a slider's handle with the mouse by so many pixels."""
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    notebook.page.mouse.move(x, y)
    notebook.page.mouse.down()
    notebook.page.mouse.move(x + by, y, steps=8)
    notebook.page.mouse.up()


def test_planner(notebook: LabNotebook, shown: Any) -> None:
    verdict = shown.locator("[role=status]")
    verdict.wait_for()
    assert "fits" in verdict.inner_text()
    drag(notebook, shown.get_by_role("slider", name="Tokens a row"), 400)
    notebook.until("planner.seq_len.value", 8192)
    assert (
        shown.get_by_role("slider", name="Tokens a row").get_attribute("aria-valuetext") == "8,192"
    )
    shown.get_by_role("slider", name="Rows at once").focus()
    notebook.page.keyboard.press("ArrowRight")
    notebook.until("planner.batch.value", 2)
    shown.get_by_label("Checkpointing").click()
    notebook.until("planner.checkpointing.value", False)
    shown.get_by_label("Method").select_option("lora")
    notebook.until("planner.method.value", "lora")
    moved = memory_sliders("Qwen2.5-7B-Instruct", method="lora", seq_len=8192, batch=2)
    moved.checkpointing.value = False
    wanted = f"{moved.estimate.peak_gib:.2f} of 14.56 GiB: does not fit"
    shown.locator("[role=status]", has_text=wanted).wait_for()
    assert notebook.ask("round(planner.estimate.peak_gib, 2)") == round(moved.estimate.peak_gib, 2)


def test_helper(notebook: LabNotebook, shown: Any) -> None:
    verdict = shown.locator("[role=status] > b")
    verdict.wait_for()
    assert verdict.inner_text() == "fine-tuning"
    shown.get_by_label("facts that change by the month").click()
    notebook.until("helper.approach.way", "fine-tuning + RAG")
    assert verdict.inner_text() == "fine-tuning + RAG"
    # By keyboard: Tab leads to the next box, the space bar ticks it.
    shown.get_by_label("stays the same for a year or more").focus()
    notebook.page.keyboard.press("Space")
    notebook.until("helper.boxes['stable'].value", True)
    # A letter typed here is no command of the notebook's: "x" would cut a cell.
    shown.get_by_label("small budget").focus()
    notebook.page.keyboard.press("x")
    assert notebook.page.locator(".jp-CodeCell").count() == len(CELLS) + 1
    drag(notebook, shown.get_by_role("slider", name="Examples"), -400)
    notebook.until("helper.rows.value", 0)
    way = choose_approach(rows=0, fixed_style=True, fresh_facts=True, stable=True).way
    assert notebook.ask("helper.approach.way") == way == verdict.inner_text()


def test_curves(notebook: LabNotebook, shown: Any) -> None:
    status = shown.locator("[role=status]")
    status.get_by_text("of 40: training loss").wait_for()
    assert notebook.ask("ended.global_step") == 40, "asked while it trained, answered after it"
    status.get_by_text("Step 40 of 40").wait_for()
    figure = shown.locator("img")
    assert "up to step 40: training loss" in figure.get_attribute("alt")
    assert notebook.ask("len(curves.losses)") == 20
    step = shown.get_by_role("slider", name="Step")
    drag(notebook, step, -1000)
    notebook.until("curves.step.value", 2)
    status.get_by_text("Step 2, epoch").wait_for()
    step.focus()
    for _ in range(4):
        notebook.page.keyboard.press("ArrowRight")
    notebook.until("curves.step.value", 10)
    row = notebook.ask("curves.losses.set_index('step').loc[10].to_dict()")
    wanted = f"training loss {row['train_loss']:.3f}, held-out loss {row['validation_loss']:.3f}"
    status.get_by_text(wanted).wait_for()


def test_xray(notebook: LabNotebook, shown: Any) -> None:
    said = shown.locator("[role=status]")
    said.wait_for()
    token = shown.get_by_role("button", name="·long")
    token.hover()
    assert token.get_attribute("title") == f"id {number(notebook, ' long')}, masked"
    token.click()
    notebook.until("view.tokens.token[view.chosen]", " long")
    assert token.get_attribute("aria-pressed") == "true"
    said.get_by_text(f"“·long”: id {number(notebook, ' long')}, masked").wait_for()
    # Tab leads to the next token, Enter chooses it.
    token.focus()
    notebook.page.keyboard.press("Tab")
    notebook.page.keyboard.press("Enter")
    notebook.until("view.tokens.token[view.chosen]", " does")
    trained = shown.get_by_role("button", name="·days")
    colour = "node => getComputedStyle(node).backgroundColor"
    assert trained.evaluate(colour) == "rgb(0, 114, 178)"
    assert token.evaluate(colour) == "rgb(228, 228, 228)"
    shown.get_by_label("assistant").click()
    notebook.page.keyboard.press("End")
    notebook.page.keyboard.type(" 山びこ")
    notebook.until("view.messages[1]['content']", "2 days. 山びこ")
    shown.get_by_role("button", name="山").wait_for()
    assert notebook.ask("view.tokens.equals(xray(tokenizer, view.messages))")
    assert trained_buttons(shown) == notebook.ask("view.tokens.trained.sum().item()")


def number(notebook: LabNotebook, token: str) -> int:
    """The id of a token of the conversation that the x-ray shows."""
    return int(notebook.ask(f"view.tokens.id[view.tokens.token == {token!r}].iloc[0].item()"))


def trained_buttons(shown: Any) -> int:
    """How many tokens are underlined."""
    lines = "nodes => nodes.map(node => getComputedStyle(node).textDecorationLine)"
    return int(shown.locator("button").evaluate_all(lines).count("underline"))


def test_annotation(notebook: LabNotebook, shown: Any) -> None:
    shown.locator(".question").wait_for()
    shown.get_by_role("button", name="Keep (k)").click()
    notebook.until("decisions('mina.jsonl').decision.tolist()", ["keep"])
    shown.get_by_text("Row 2 of 3").wait_for()
    shown.get_by_role("button", name="Fix (f)").click()
    area = shown.locator("textarea")
    area.fill("")
    area.press_sequentially("In the box, for sure.")
    shown.get_by_role("button", name="Save").click()
    shown.get_by_text("Row 3 of 3").wait_for()
    notebook.until("decisions('mina.jsonl').decision.tolist()", ["keep", "fix"])
    last = "decisions('mina.jsonl').row.tolist()[-1]['messages'][0]['content']"
    assert notebook.ask(last) == "In the box, for sure."
    shown.get_by_role("button", name="Undo (u)").click()
    notebook.until("decisions('mina.jsonl').decision.tolist()", ["keep"])
    shown.get_by_text("Row 2 is to be decided again").wait_for()


def test_blind(notebook: LabNotebook, shown: Any) -> None:
    shown.get_by_text("Pair 1 of 4").wait_for()
    left = sides(4, 0)
    shown.get_by_role("button", name="Left is better").click()
    shown.get_by_text("Pair 2 of 4").wait_for()
    notebook.until("votes('votes.jsonl')", {"0": left[0]})
    # The same by keyboard; then back, and another choice.
    shown.get_by_role("button", name="No difference").focus()
    notebook.page.keyboard.press("Enter")
    shown.get_by_text("Pair 3 of 4").wait_for()
    shown.get_by_role("button", name="Back").click()
    shown.get_by_text("Pair 2 of 4").wait_for()
    shown.get_by_role("button", name="Left is better").click()
    shown.get_by_text("Pair 3 of 4").wait_for()
    notebook.until("votes('votes.jsonl')", {"0": left[0], "1": left[1]})
    assert notebook.ask("pair.result().same") == 0


def test_quiz(notebook: LabNotebook, shown: Any) -> None:
    look = shown.get_by_role("button", name="Check my answers")
    look.click()
    shown.get_by_text("not answered yet").nth(1).wait_for()
    shown.get_by_label("The rate").nth(0).click()
    notebook.until("[choice.value for choice in asked.choices]", [2, None])
    look.click()
    shown.get_by_text("✗ A rate is a knob.").wait_for()
    # By keyboard: the space bar takes an option, an arrow key the next.
    second = shown.get_by_role("radiogroup", name="2. What matters first?")
    second.get_by_label("The rows").focus()
    notebook.page.keyboard.press("Space")
    notebook.until("[choice.value for choice in asked.choices]", [2, 1])
    shown.get_by_label("The rate").nth(0).focus()
    notebook.page.keyboard.press("ArrowUp")
    notebook.until("[choice.value for choice in asked.choices]", [1, 1])
    look.focus()
    notebook.page.keyboard.press("Enter")
    shown.get_by_role("status").get_by_text("2 of 2 right").wait_for()
    notebook.until("int(progress().loc['00', 'quiz'])", 2)


def test_job(notebook: LabNotebook, shown: Any) -> None:
    status = shown.locator("[role=status]")
    status.get_by_text("no step yet").wait_for()
    status.get_by_text(re.compile(r"running step \d+ of 48, about \d+ s left")).wait_for()
    figure = shown.locator("img")
    figure.wait_for()
    first = figure.get_attribute("alt")
    assert "running: step" in first
    # It moves while the job trains, and nobody has asked the kernel anything meanwhile.
    shown.locator(f'img[alt*="running"]:not([alt="{first}"])').wait_for()
    status.get_by_text("succeeded").wait_for()
    shown.locator('img[alt*="succeeded: step 48"]').wait_for()
    shown.get_by_text("The job has successfully completed").wait_for()
    assert notebook.ask("job.status") == "succeeded"
    assert shown.bounding_box()["height"] < 650, "status and figure in a window 800 pixels high"
    notebook.ask("server.stop()")
