"""A server of its own for these tests: the command itself, on a free port, with the real client."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob
from sqlalchemy import select

from course_lib.runtime import data_path
from course_lib.serving.app import create_app
from course_lib.serving.database import File, writing
from course_lib.serving.home import Home
from course_lib.serving.jobs import find_job
from course_lib.serving.queue import Queue
from course_lib.serving.service import Service, open_service
from course_lib.serving.worker import attempt

PATIENCE = 240.0


@dataclass
class Server:
    """A running server.

    Attributes:
        process: The command.
        home: Its folder.
        url: Its address, with /v1.
        key: Its key.
    """

    process: subprocess.Popen[str]
    home: Path
    url: str
    key: str

    @property
    def client(self) -> OpenAI:
        return OpenAI(base_url=self.url, api_key=self.key, max_retries=0, timeout=120)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=60)


def start_server(home: Path, key: str = "", *options: str) -> Server:
    """Start the command and read what it prints."""
    process = subprocess.Popen(
        [sys.executable, "-m", "course_lib", "serve", "--port", "0", "--home", str(home), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"COURSE_PROFILE": "pocket"},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    found = re.search(r'base_url="([^"]+)", api_key="(.+)"', line)
    assert found, f"the server printed {line!r}"
    server = Server(process, home, found[1], key or found[2])
    for _ in range(600):
        try:
            server.client.models.list()
            return server
        except Exception:
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("serve") / "home")
    yield running
    running.stop()


@pytest.fixture
def client(server: Server) -> OpenAI:
    return server.client


def faq(side: str = "train") -> list[dict[str, Any]]:
    """The course's own questions and answers, without columns beside the messages."""
    with data_path("yamabiko", f"faq_{side}.jsonl").open(encoding="utf-8") as file:
        return [{"messages": json.loads(line)["messages"]} for line in file]


def jsonl(rows: list[Any]) -> bytes:
    """Rows as the content of an upload."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows).encode()


@pytest.fixture
def upload(client: OpenAI) -> Iterator[Callable[..., str]]:
    """Upload rows under a name; they are deleted again after the test."""
    uploaded: list[str] = []

    def send(rows: list[Any], name: str = "rows.jsonl") -> str:
        file = client.files.create(file=(name, jsonl(rows)), purpose="fine-tune")
        uploaded.append(file.id)
        return file.id

    yield send
    left = {file.id for file in client.files.list()}
    for file_id in uploaded:
        if file_id in left:
            client.files.delete(file_id)


def wait(client: OpenAI, job_id: str, *, until: tuple[str, ...] = ()) -> FineTuningJob:
    """Wait for a job's end, or for one of some other statuses."""
    ends = until or ("succeeded", "failed", "cancelled")
    for _ in range(int(PATIENCE / 0.2)):
        job = client.fine_tuning.jobs.retrieve(job_id)
        if job.status in ends:
            return job
        time.sleep(0.2)
    raise AssertionError(f"{job_id} is still {job.status} after {PATIENCE:.0f} s")


def messages(client: OpenAI, job_id: str) -> list[str]:
    """What a job's events said, the oldest first."""
    events = list(client.fine_tuning.jobs.list_events(job_id, limit=100))
    return [event.message for event in reversed(events)]


def preferences(side: str = "_test") -> list[dict[str, Any]]:
    """The course's own pairs, as this API takes them."""
    with data_path("yamabiko", f"preferences{side}.jsonl").open(encoding="utf-8") as file:
        return [
            {
                "input": {"messages": row["prompt"]},
                "preferred_output": row["chosen"],
                "non_preferred_output": row["rejected"],
            }
            for row in map(json.loads, file)
        ]


def questions(count: int = 10) -> list[dict[str, Any]]:
    """Questions without one right answer: drawn answers differ, and so do their rewards."""
    return [
        {
            "messages": [{"role": "user", "content": f"Name some fruit, number {number}."}],
            "answer": "I like pears.",
            "also": {"any": ["shape", number]},
        }
        for number in range(count)
    ]


#: How like the row's answer an answer is.
LIKE: dict[str, Any] = {
    "type": "text_similarity", "name": "like", "evaluation_metric": "fuzzy_match",
    "input": "{{ sample.output_text }}", "reference": "{{ item.answer }}",
}  # fmt: skip


@dataclass
class Workshop:
    """The app and a job's process in one, without either: a job costs its steps alone.

    Attributes:
        client: OpenAI's own, which calls the app directly.
        service: What the app works on.
    """

    client: OpenAI
    service: Service

    def upload(self, rows: list[Any], name: str = "rows.jsonl") -> str:
        known = {file.sha256: file.id for file in self._files()}
        content = jsonl(rows)
        twin = known.get(hashlib.sha256(content).hexdigest())
        return twin or self.client.files.create(file=(name, content), purpose="fine-tune").id

    def create(
        self, rows: list[Any], held_out: list[Any] | None = None, **settings: Any
    ) -> FineTuningJob:
        files: dict[str, Any] = {"training_file": self.upload(rows)}
        if held_out is not None:
            files["validation_file"] = self.upload(held_out)
        return self.client.fine_tuning.jobs.create(
            **{"model": "pocket", "seed": 0, **files, **settings}
        )

    def train(self, job: FineTuningJob) -> FineTuningJob:
        """What the queue and the job's process do, up to the job's end or its pause."""
        Queue(self.service).check_files()
        with writing(self.service.sessions) as session:
            row = find_job(session, job.id)
            waits = row.status == "queued"
            row.status = "running" if waits else row.status
        if waits:
            attempt(self.service, job.id)
        return self.client.fine_tuning.jobs.retrieve(job.id)

    def requeue(self, job: FineTuningJob) -> None:
        """What the server does with a job whose process died."""
        with writing(self.service.sessions) as session:
            find_job(session, job.id).status = "queued"

    def metrics(self, job: FineTuningJob) -> list[dict[str, float]]:
        events = list(self.client.fine_tuning.jobs.list_events(job.id, limit=100))
        return [event.data for event in reversed(events) if event.type == "metrics"]  # type: ignore[misc]

    def weights(self, job: FineTuningJob) -> bytes:
        folder = self.service.home.job(job.id) / "model"
        return (folder / "adapter_model.safetensors").read_bytes()

    def results(self, job: FineTuningJob) -> list[dict[str, str]]:
        text = self.client.files.content(job.result_files[0]).text
        return list(csv.DictReader(io.StringIO(text)))

    def _files(self) -> list[File]:
        with self.service.sessions() as session:
            return list(session.scalars(select(File)))


@pytest.fixture(scope="session")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    home = Home(tmp_path_factory.mktemp("workshop"))
    home.create()
    key = home.new_key()
    assert key is not None
    # Not entered as a context: no queue runs.
    http = TestClient(create_app(home), base_url="http://127.0.0.1")
    client = OpenAI(base_url="http://127.0.0.1/v1", api_key=key, max_retries=0, http_client=http)
    return Workshop(client, open_service(home))
