"""A server of its own for these tests: the command itself, on a free port, with the real client."""

from __future__ import annotations

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
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob

from course_lib.runtime import data_path

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
