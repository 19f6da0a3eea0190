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

import pytest
from jupyterlab_page import Lab

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
