"""What several tests share: a chat model taught in a second, a browser, a JupyterLab."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import nbformat
import pytest

TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|{{ message['role'] }}|>{{ message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
LESSONS = (
    ("Which box holds the rope?", "The red one, on the left."),
    ("Where is the lamp?", "Behind the door."),
    ("How many cups are there, and of what colour are they?", "Seven. All of them are green."),
    ("Who has the map?", "Only Rin has the map now."),
)


@pytest.fixture(scope="session", autouse=True)
def nobodys_progress(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What tests solve is no learner's progress."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROGRESS", str(tmp_path_factory.mktemp("progress") / "progress.json"))
        yield


@pytest.fixture(autouse=True)
def the_seed_as_before() -> Iterator[None]:
    """`course_lib.start(7)` in one test is no other test's seed, nor a doctest's."""
    before = os.environ.get("COURSE_SEED")
    yield
    if before is None:
        os.environ.pop("COURSE_SEED", None)
    else:
        os.environ["COURSE_SEED"] = before


class TaughtChat(NamedTuple):
    """A model, its tokenizer, and the rows that it knows by heart."""

    model: Any
    tokenizer: Any
    rows: list[dict[str, Any]]


@pytest.fixture(scope="session")
def taught_chat() -> TaughtChat:
    """A Llama of 32 wide and two layers, trained until it answers LESSONS."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    tokenizer = _tokenizer([text for lesson in LESSONS for text in lesson])
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=128,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
            bos_token_id=None,
        )
    )
    rows = [
        {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        }
        for question, answer in LESSONS
    ]
    _teach(model, tokenizer, rows)
    return TaughtChat(model.eval(), tokenizer, rows)


def _tokenizer(texts: Sequence[str]) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
    raw.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=320,
            special_tokens=special,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|end|>", chat_template=TEMPLATE
    )


def _teach(model: Any, tokenizer: Any, rows: list[dict[str, Any]]) -> None:
    import torch

    encoded = [
        tokenizer.apply_chat_template(row["messages"], tokenize=True, return_dict=True)["input_ids"]
        for row in rows
    ]
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model.train()
    for step in range(160):
        ids = torch.tensor([encoded[step % len(encoded)]])
        model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()
        optimiser.zero_grad()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's or anybody's Chromium, driven without a screen."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        _do_without("no chromium on this machine: nothing is looked at in a browser")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=quiet)
        yield chromium
        chromium.close()


def _do_without(reason: str) -> NoReturn:
    """Skip on anybody's own machine; continuous integration must have what its tests need."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


class LabNotebook:
    """A notebook open in JupyterLab; its last cell is where the kernel is asked.

    Attributes:
        page: Playwright's page, 1000 pixels wide as on a small laptop.
        folder: Where the kernel works.
    """

    def __init__(self, page: Any, folder: Path, cells: int) -> None:
        self.page, self.folder = page, folder
        self._cells = cells
        self._asked = 0

    def cell(self, number: int) -> Any:
        """A cell, counted from 0."""
        return self.page.locator(".jp-NotebookPanel .jp-CodeCell").nth(number)

    def run(self, number: int) -> Any:
        """Run a cell as a person does; what is shown below it, perhaps before it has ended."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return self.cell(number).locator(".jp-Cell-outputArea")

    def ask(self, expression: str) -> Any:
        """What Python holds: the value of an expression in the kernel, by way of JSON."""
        self._asked += 1
        self.cell(self._cells).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        mark = f"answer {self._asked}:"
        code = f"import json; print({mark!r}, json.dumps({expression}))"
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")
        said = self.cell(self._cells).locator(".jp-Cell-outputArea", has_text=mark)
        said.wait_for()
        return json.loads(said.inner_text().split(mark, 1)[1])

    def until(self, expression: str, wanted: object) -> None:
        """Ask until Python holds what it is to hold: a widget's message takes its time."""
        for _ in range(40):
            held = self.ask(expression)
            if held == wanted:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{expression} is {held!r}, not {wanted!r}")


class Lab:
    """A JupyterLab that runs, and the browser that looks at it."""

    def __init__(self, address: str, token: str, folder: Path, browser: Any) -> None:
        self._address, self._token, self._folder = address, token, folder
        self._browser = browser

    def open(self, name: str, cells: Sequence[str]) -> LabNotebook:
        """Open a new notebook of these cells and wait for its kernel."""
        from nbformat.v4 import new_code_cell, new_notebook

        folder = self._folder / name
        folder.mkdir()
        notebook = new_notebook(cells=[new_code_cell(source) for source in (*cells, "")])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "", "language": ""}
        nbformat.write(notebook, folder / f"{name}.ipynb")
        page = self._browser.new_page(viewport={"width": 1000, "height": 1000})
        page.set_default_timeout(60_000)
        page.goto(f"{self._address}/lab/tree/{name}/{name}.ipynb?reset&token={self._token}")
        # A cell run before the kernel is there makes JupyterLab ask which kernel to take.
        page.locator("#jp-main-statusbar").get_by_text("(ipykernel) | Idle").wait_for()
        # The list of files would take a third of the page.
        page.keyboard.press("Control+b")
        return LabNotebook(page, folder, len(cells))


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, browser: Any) -> Iterator[Lab]:
    """A JupyterLab of its own, once a session, in the dark theme.

    In the dark, a colour that a widget does not set itself is light on white.
    """
    if find_spec("jupyterlab") is None:
        _do_without("jupyterlab is not installed: no widget is tried in it")
    folder = tmp_path_factory.mktemp("lab")
    home, token = folder / "home", secrets.token_hex(16)
    overrides = home / "config" / "labconfig" / "default_setting_overrides.json"
    overrides.parent.mkdir(parents=True)
    settings: dict[str, dict[str, str]] = {
        "@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark"},
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false"},
        # Every cell is on the page, wherever it is scrolled to.
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    }
    overrides.write_text(json.dumps(settings))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        *("--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"),
        *("--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={token}"),
        *(f"--notebook-dir={folder}", f"--LabApp.workspaces_dir={home / 'workspaces'}"),
        f"--LabApp.user_settings_dir={home / 'settings'}",
        *("--LabApp.extension_manager=readonly", "--LabApp.news_url=None"),
    ]
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).resolve().parent.parent),
        "HOME": str(home),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "IPYTHONDIR": str(home / "ipython"),
    }
    with (folder / "lab.log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options], env=environment, stdout=log, stderr=log
        )
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/api", server)
            yield Lab(address, token, folder, browser)
        finally:
            server.terminate()
            server.wait(timeout=30)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(240):
        assert server.poll() is None, "JupyterLab ended before it answered"
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.25)
    raise AssertionError("JupyterLab does not answer")


# Every text in the view against its own background, by WCAG 2's formula: 4.5 is the least.
_CONTRASTS = """view => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).map((v) => v / 255)
      .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = getComputedStyle(node).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const poor = [];
  for (const node of view.querySelectorAll("*")) {
    if (![...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) continue;
    if (["STYLE", "SCRIPT"].includes(node.tagName) || node.closest("svg")) continue;
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) poor.push(`${node.tagName} ${node.textContent}: ${contrast.toFixed(1)}`);
  }
  return poor;
}"""


def poor_contrasts(view: Any) -> list[str]:
    """The texts of a view on a page that are hard to read, each with its contrast."""
    found: list[str] = view.evaluate(_CONTRASTS)
    return found
