"""A server for as long as a program runs, and the view of its job."""

from __future__ import annotations

import base64
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from conftest import PATIENCE, faq, jsonl
from openai import AuthenticationError, OpenAI
from openai.types.fine_tuning import FineTuningJob

from course_lib.errors import CourseError
from course_lib.runtime import detect
from course_lib.serving.costs import training_costs
from course_lib.serving.local import LocalServer, local_server
from course_lib.serving.metrics import job_metrics
from course_lib.training.models import load_tokenizer
from course_lib.widgets import JobView, watch_job

EPOCHS = 2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("local") / "home"


@pytest.fixture(scope="module")
def local(home: Path) -> Iterator[LocalServer]:
    server = local_server(home)
    yield server
    server.stop()
    assert server.process.poll() is not None
    assert "stopped" in repr(server)


@pytest.fixture(scope="module")
def client(local: LocalServer) -> OpenAI:
    return OpenAI(base_url=local.url, api_key=local.key, max_retries=0, timeout=PATIENCE)


@pytest.fixture(scope="module")
def watched(client: OpenAI) -> tuple[FineTuningJob, str]:
    """A job that was watched to its end, and what was shown."""
    create = client.files.create
    train = create(file=("train.jsonl", jsonl(faq()[:16])), purpose="fine-tune").id
    valid = create(file=("valid.jsonl", jsonl(faq("validation")[:8])), purpose="fine-tune").id
    settings: Any = {"n_epochs": EPOCHS, "batch_size": 4}
    job = client.fine_tuning.jobs.create(
        model="pocket", training_file=train, validation_file=valid, seed=1, hyperparameters=settings
    )
    assert "JobView" in repr(JobView(client, job.id))
    ended = watch_job(client, job.id, every=0.3)
    return ended, JobView(client, job.id).status.value


def test_it_tells_an_address_and_a_key(local: LocalServer, client: OpenAI) -> None:
    assert local.url.startswith("http://127.0.0.1:")
    assert local.key.startswith("sk-")
    assert local.key not in repr(local)
    assert [model.id for model in client.models.list()] == ["pocket"]
    assert httpx.get(local.page, auth=("", local.key), timeout=PATIENCE).status_code == 200


def test_what_was_estimated_is_billed(watched: tuple[FineTuningJob, str]) -> None:
    tokenizer = load_tokenizer("pocket", detect())
    estimate = training_costs(faq()[:16], tokenizer, {"mini": 1.0}, n_epochs=EPOCHS)
    assert watched[0].trained_tokens == estimate["tokens"][0]


def test_watching_ends_with_the_job(watched: tuple[FineTuningJob, str]) -> None:
    job, shown = watched
    assert job.status == "succeeded", job.error
    assert "succeeded" in shown
    assert shown.index("successfully completed") < shown.index("New fine-tuned model created")


def test_the_metrics_are_a_table(client: OpenAI, watched: tuple[FineTuningJob, str]) -> None:
    table = job_metrics(client.fine_tuning.jobs.list_events(watched[0].id, limit=3))
    assert table["step"].tolist() == list(range(1, 4 * EPOCHS + 1))
    assert table["full_valid_loss"].notna().tolist() == [False, False, False, True] * EPOCHS


def test_the_view_is_a_figure_too(client: OpenAI, watched: tuple[FineTuningJob, str]) -> None:
    view = JobView(client, watched[0].id)
    bundle = view._repr_mimebundle_()
    png = bundle["image/png"]
    assert base64.b64decode(png).startswith(b"\x89PNG")
    before = view.curves.value
    view.look()
    assert view.curves.value is before  # nothing new, nothing drawn


def test_a_failed_job_is_told_without_curves(client: OpenAI) -> None:
    row = {"messages": [{"role": "user", "content": "<b>Why?</b>"}]}
    file = client.files.create(file=("bad.jsonl", jsonl([row] * 10)), purpose="fine-tune").id
    created = client.fine_tuning.jobs.create(model="pocket", training_file=file)
    job = watch_job(client, created.id, every=0.2)
    assert job.status == "failed"
    view = JobView(client, job.id)
    assert "no message is the assistant&#x27;s" in view.status.value
    assert "image/png" not in view._repr_mimebundle_()


def test_the_key_can_be_kept_or_renewed(tmp_path: Path) -> None:
    first = local_server(tmp_path)
    first.stop()
    second = local_server(tmp_path, key=first.key)
    assert OpenAI(base_url=second.url, api_key=first.key).models.list().data
    second.stop()
    third = local_server(tmp_path)
    assert third.key != first.key
    with pytest.raises(AuthenticationError):
        OpenAI(base_url=third.url, api_key=first.key).models.list()
    third.stop()


def test_why_it_did_not_start_is_told(local: LocalServer, home: Path) -> None:
    with pytest.raises(CourseError, match="another server works in"):
        local_server(home)


def test_it_ends_with_the_program_that_started_it(tmp_path: Path) -> None:
    program = (
        "import os, signal; from course_lib.serving.local import local_server; "
        f"print(local_server({str(tmp_path)!r}).process.pid, flush=True); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    server = int(killed.stdout)
    for _ in range(300):
        if not psutil.pid_exists(server):
            return
        time.sleep(0.1)
    raise AssertionError("the server has outlived its program")
