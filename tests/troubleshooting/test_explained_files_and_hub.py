"""Errors of rows, files, a hub and the local service; the last two on loopback."""

from __future__ import annotations

import socket
import textwrap
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub
import pytest
from huggingface_hub import constants
from learner import Case, Learner, changed

from course_lib import explain
from course_lib.publishing.hub_stand_in import hub_stand_in
from course_lib.serving.local import LocalServer, local_server

ROWS = [
    Case(
        "column_missing",
        """
        rows = Dataset.from_list([{"question": "hi"}])
        rows = rows.map(lambda row: {"length": len(row["questions"])})
        """,
        '"questions"',
    ),
    Case(
        "column_missing",
        """
        rows = Dataset.from_list([{"body": "hi"}])
        rows.filter(lambda row: row["text"])
        """,
    ),
    Case(
        "split_not_chosen",
        """
        rows = DatasetDict({"train": Dataset.from_list([{"text": "hi"}] * 4)})
        first = rows[0]
        """,
        "rows[0]",
    ),
    Case(
        "split_not_chosen",
        """
        rows = DatasetDict({"train": Dataset.from_list([{"text": "hi"}] * 4)})
        rows = rows.train_test_split(test_size=1)
        """,
        "train_test_split",
    ),
    Case(
        "map_lengths_differ",
        """
        rows = Dataset.from_list([{"text": "good day"}] * 4)
        words = rows.map(lambda batch: {"word": ["good", "day"] * 4}, batched=True)
        """,
        "batched=True",
    ),
    Case(
        "mixed_types",
        """
        given = [{"price": 12}, {"price": "about 12"}]
        rows = Dataset.from_list(given)
        """,
        "from_list",
    ),
]
FILES = [
    Case(
        "json_lines_as_json",
        """
        import json
        from pathlib import Path
        Path(folder, "rows.jsonl").write_text('{"a": 1}\\n{"a": 2}\\n')
        with open(f"{folder}/rows.jsonl", encoding="utf-8") as file:
            rows = json.load(file)
        """,
        "json.load(file)",
    ),
    Case(
        "json_lines_as_json",
        """
        import json
        text = '{"a": 1}\\n{"a": 2}\\n'
        rows = json.loads(text)
        """,
        "json.loads(text)",
    ),
    Case(
        "broken_json",
        """
        import json
        row = json.loads("{'question': 'hi'}")
        """,
    ),
    Case(
        "broken_json",
        """
        from pathlib import Path
        Path(folder, "rows.jsonl").write_text('{"a": 1}\\n{"a": 2\\n{"a": 3}\\n')
        rows = load_dataset("json", data_files=f"{folder}/rows.jsonl", cache_dir=folder)
        """,
    ),
    Case(
        "byte_order_mark",
        """
        import json
        from pathlib import Path
        Path(folder, "rows.json").write_text('{"a": 1}', encoding="utf-8-sig")
        with open(f"{folder}/rows.json", encoding="utf-8") as file:
            row = json.load(file)
        """,
        "with open(",
    ),
    Case(
        "file_in_cp932",
        """
        from pathlib import Path
        Path(folder, "rows.csv").write_text("質問,回答\\nテントは?,あります\\n", encoding="cp932")
        text = open(f"{folder}/rows.csv", encoding="utf-8").read()
        assert "テント" in text
        """,
        'encoding="utf-8"',
    ),
    Case(
        "file_in_cp932",
        """
        import pandas as pd
        from pathlib import Path
        Path(folder, "rows.csv").write_text("q,a\\nテントは?,あります\\n", encoding="cp932")
        frame = pd.read_csv(f"{folder}/rows.csv")
        assert frame["a"][0] == "あります"
        """,
        "read_csv",
    ),
    Case(
        "file_in_cp932",
        """
        from pathlib import Path
        Path(folder, "rows.csv").write_text("q,a\\nテントは?,あります\\n", encoding="cp932")
        rows = load_dataset("csv", data_files=f"{folder}/rows.csv", cache_dir=folder)
        """,
        "load_dataset",
    ),
    Case(
        "not_json_serialisable",
        """
        import json
        text = json.dumps({"loss": torch.tensor(0.5)})
        assert text == '{"loss": 0.5}'
        """,
        "json.dumps",
    ),
    Case(
        "disk_full",
        """
        with open("/dev/full", "w") as file:
            file.write("a checkpoint")
        """,
    ),
]
OFFLINE = [
    Case(
        "metric_needs_hub",
        """
        import evaluate
        metric = evaluate.load("rouge")
        """,
        "evaluate.load",
    ),
    Case("hub_unreachable", 'model = AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")'),
    Case("hub_unreachable", 'rows = load_dataset("imdb", cache_dir=folder)'),
    Case(
        "no_such_folder",
        """
        import shutil
        shutil.copytree(saved, f"{folder}/merged", dirs_exist_ok=True)
        model = AutoModelForCausalLM.from_pretrained(f"{folder}/mergd")
        """,
        "mergd",
    ),
    Case("no_such_folder", 'model = AutoModelForCausalLM.from_pretrained("./nowhere/at/all")'),
]


@pytest.mark.parametrize("case", [*ROWS, *FILES], ids=lambda case: case.name)
def test_rows_and_files(case: Case, learner: Learner) -> None:
    if case.name == "disk_full" and not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    learner.check(case)


@pytest.mark.parametrize("case", OFFLINE, ids=lambda case: case.name)
def test_without_a_network(case: Case, learner: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    learner.check(case)


def test_a_port_in_use(learner: Learner) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code = (
            f'import socket\nserver = socket.create_server(("127.0.0.1", {port}))\nserver.close()\n'
        )
        error = learner.run(code)
        assert error is not None
        explanation = explain(error)
        assert explanation is not None
        assert explanation.name == "port_in_use"
        assert learner.run(changed(code, explanation)) is None


# What looks like a known error and is none: a wrong guess is worse than none.
OTHERS = {
    "the learner's own table": """
        table, rows = {"a": 1}, Dataset.from_list([{"key": "b"}])
        rows.map(lambda row: {"value": table[row["key"]]})
    """,
    "the learner's own table, looked up by a word": """
        table, rows = {"a": 1}, Dataset.from_list([{"key": "b"}])
        rows.filter(lambda row: table["b"])
    """,
    "a split that is not there": """
        rows = DatasetDict({"train": Dataset.from_list([{"text": "hi"}])})
        rows["test"]
    """,
    "an error after one that was handled": """
        try:
            AutoModelForCausalLM.from_pretrained("Qwen/Qwen2.5-0.5B")
        except OSError:
            1 / 0
    """,
    "the learner's own class": """
        class Trainer:
            def __init__(self, model):
                self.model = model

        class Mine(Trainer):
            pass

        Mine(model=1, tokens=2)
    """,
    "an argument like no other": "TrainingArguments(folder, zzz=1)",
    "bytes that are no Japanese": 'b"\\xff\\xfe\\xfd".decode("utf-8")',
    "nothing in the place of JSON": 'import json; json.loads("")',
    "two values on one line": """
        import json
        json.loads('{"a": 1} {"a": 2}')
    """,
    "words in the place of tokens": 'new_model().generate("hi", max_new_tokens=1)',
    "a file that is not there": 'open(folder + "/none")',
    "a row that is not there": 'Dataset.from_list([{"text": "hi"}])[7]',
    "a function that iterates over None": "[row for row in None]",
    "a keyword that a function does not have": "torch.ones(2, shape=3)",
    "matrices that do not fit": "torch.ones(2, 3) @ torch.ones(2, 3)",
}


@pytest.mark.parametrize("code", OTHERS.values(), ids=OTHERS)
def test_what_is_not_known_gets_no_explanation(
    code: str, learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    error = learner.run(textwrap.dedent(code))
    assert error is not None
    assert not isinstance(error, SyntaxError)
    assert explain(error) is None


# ---- a hub on loopback ----


@pytest.fixture
def hub(learner: Learner, tmp_path: Path) -> Iterator[Learner]:
    """A learner who is online, with a hub that has one model."""
    with hub_stand_in(tmp_path / "hub") as api:
        api.create_repo("yamabiko/support")
        api.upload_folder(repo_id="yamabiko/support", folder_path=learner.scope["saved"])
        learner.scope |= {"cache": str(tmp_path / "cache")}
        yield learner


HUB = [
    Case(
        "repository_not_found",
        'AutoModelForCausalLM.from_pretrained("yamabiko/suport", cache_dir=cache)',
    ),
    Case(
        "revision_not_found",
        'AutoConfig.from_pretrained("yamabiko/support", revision="v9", cache_dir=cache)',
        'revision="v9"',
    ),
]


@pytest.mark.parametrize("case", HUB, ids=lambda case: case.name)
def test_a_hub_that_answers_no(case: Case, hub: Learner) -> None:
    assert "yamabiko/su" in str(hub.check(case))


def test_a_download_that_was_cut_short_is_fetched_again(hub: Learner) -> None:
    load = 'model = AutoModelForCausalLM.from_pretrained("yamabiko/support", cache_dir=cache)\n'
    assert hub.run(load) is None
    (weights,) = Path(hub.scope["cache"]).rglob("snapshots/*/model.safetensors")
    blob = weights.resolve()
    blob.write_bytes(blob.read_bytes()[:5000])
    explanation = hub.check(Case("weights_file_broken", load, "from_pretrained"))
    assert "model.safetensors (5,000 bytes)" in explanation.happened


class _Gated(BaseHTTPRequestHandler):
    """Answers as the hub does for a model whose terms nobody has accepted."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("X-Error-Code", "GatedRepo")
        self.send_header("X-Error-Message", "Access to this model is restricted.")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def test_a_gated_model(hub: Learner, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Gated)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    files = address + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", address)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", files)
    try:
        error = hub.run('AutoConfig.from_pretrained("meta-llama/Llama-3.1-8B", cache_dir=cache)')
    finally:
        server.shutdown()
        server.server_close()
        huggingface_hub.close_session()
    assert error is not None
    explanation = explain(error)
    assert explanation is not None
    assert explanation.name == "gated_repository"
    assert explanation.happened.startswith("meta-llama/Llama-3.1-8B is gated")
    assert explanation.write.startswith("from huggingface_hub import login\nlogin()\nAutoConfig")


# ---- the local service ----


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_PROFILE", "pocket")
        server = local_server(tmp_path_factory.mktemp("service"))
    yield server
    server.stop()


SERVICE = [
    Case(
        "wrong_key",
        """
        client = OpenAI(base_url=server.url, api_key="sk-mine", max_retries=0)
        models = client.models.list()
        """,
        "client = OpenAI",
    ),
    Case("no_key", "client = OpenAI()\nmodels = client.models.list()", "OpenAI()"),
    Case(
        "model_not_served",
        """
        client = OpenAI(base_url=server.url, api_key=server.key, max_retries=0)
        turns = [{"role": "user", "content": "hi"}]
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=turns)
        """,
    ),
    Case(
        "service_not_running",
        """
        client = OpenAI(base_url="http://127.0.0.1:9/v1", api_key="any", max_retries=0)
        models = client.models.list()
        """,
    ),
]


@pytest.mark.parametrize("case", SERVICE, ids=lambda case: case.name)
def test_the_local_service(
    case: Case, learner: Learner, service: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from openai import OpenAI

    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    names: dict[str, Any] = {"OpenAI": OpenAI, "server": service}
    learner.scope = {**learner.scope, **names}
    explanation = learner.check(case)
    if case.name == "model_not_served":
        assert '"gpt-4o-mini"' in explanation.happened
    if case.name == "service_not_running":
        assert "127.0.0.1:9" in explanation.happened
