"""What a kill may leave half done: a server that starts again clears it, and keeps the rest."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest
from conftest import PATIENCE, Server, faq, jsonl, messages, start_server, wait
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from course_lib.serving.app import create_app
from course_lib.serving.database import (
    Job,
    Model,
    cannot_be_written,
    connect,
    is_busy,
    writing,
)
from course_lib.serving.home import Home

ROWS = jsonl(faq()[:12])


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.create()
    return home


@pytest.fixture
def headers(home: Home) -> dict[str, str]:
    return {"Authorization": f"Bearer {home.new_key()}"}


def test_bytes_without_a_row_are_cleared_and_all_else_stays(
    home: Home, headers: dict[str, str]
) -> None:
    with TestClient(create_app(home), headers=headers) as client:
        sent = {"file": ("rows.jsonl", ROWS)}
        answer = client.post("/v1/files", files=sent, data={"purpose": "fine-tune"})
        kept = answer.json()["id"]
    ended, going = home.job("ftjob-ended"), home.job("ftjob-going")
    with writing(connect(home.database)) as session:
        for folder, status in ((ended, "cancelled"), (going, "paused")):
            session.add(
                Job(id=folder.name, status=status, model="pocket", training_file=kept, seed=0,
                    method={"type": "supervised"})
            )  # fmt: skip
        session.flush()
        session.add(Model(id="ft:kept", source=f"jobs/{ended.name}/step-3", job_id=ended.name))
    for folder in (ended, going):
        for name in ("step-3", "step-6", "model", "unfinished-step-9", "run"):
            (folder / name).mkdir(parents=True)
    home.file("unfinished-1").write_bytes(b"half")
    home.file("file-without-a-row").write_bytes(b"whole")
    with TestClient(create_app(home), headers=headers) as client:
        assert client.get(f"/v1/files/{kept}/content").content == ROWS
        assert [path.name for path in home.file("").iterdir()] == [kept]
    assert {path.name for path in ended.iterdir()} == {"step-3", "run"}
    assert len(list(going.iterdir())) == 5  # it will go on from what is there


def test_one_job_without_its_bytes_does_not_hold_up_the_others(
    home: Home, headers: dict[str, str]
) -> None:
    with TestClient(create_app(home), headers=headers) as client:

        def send(rows: bytes) -> str:
            sent = {"file": ("rows.jsonl", rows)}
            answer = client.post("/v1/files", files=sent, data={"purpose": "fine-tune"})
            return str(answer.json()["id"])

        def status(job_id: str, *ends: str) -> dict[str, object]:
            while True:
                job: dict[str, object] = client.get(f"/v1/fine_tuning/jobs/{job_id}").json()
                if job["status"] in ends:
                    return job

        lost, invalid = send(ROWS), send(b'{"messages": []}\n')
        home.file(lost).unlink()  # what a broken disk does
        jobs = [
            client.post("/v1/fine_tuning/jobs", json={"model": "pocket", "training_file": file})
            for file in (lost, invalid)
        ]
        first, second = (status(job.json()["id"], "failed") for job in jobs)
        assert "No such file" in str(first["error"])
        assert "must be a list" in str(second["error"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(tmp_path_factory.mktemp("full") / "home")
    yield running
    running.stop()


@contextmanager
def full_disk(server: Server, room: int) -> Iterator[None]:
    """Let neither the server nor its job write a file beyond a size."""
    process = psutil.Process(server.process.pid)
    limited = [process, *process.children(recursive=True)]
    before = {one: resource.prlimit(one.pid, resource.RLIMIT_FSIZE) for one in limited}
    for one in limited:
        resource.prlimit(one.pid, resource.RLIMIT_FSIZE, (room, before[one][1]))
    try:
        yield
    finally:
        for one in limited:
            if one.is_running():
                resource.prlimit(one.pid, resource.RLIMIT_FSIZE, before[one])


limits_others = pytest.mark.skipif(
    not hasattr(resource, "prlimit"), reason="Linux alone limits another process"
)


@limits_others
def test_a_full_disk_refuses_an_upload_and_keeps_the_server(server: Server) -> None:
    many = jsonl([{"messages": row["messages"], "n": n} for n in range(100) for row in faq()[:12]])
    assert len(many) > 200_000
    client = server.client
    with full_disk(server, room=200_000):
        with pytest.raises(openai.InternalServerError, match="no room") as refused:
            client.files.create(file=("many.jsonl", many), purpose="fine-tune")
        assert refused.value.status_code == 507
        assert client.files.list().data == []
        assert list((server.home / "files").iterdir()) == []
    few = client.files.create(file=("few.jsonl", ROWS), purpose="fine-tune")
    assert client.files.delete(few.id).deleted


@limits_others
def test_a_job_goes_on_when_its_disk_has_room_again(server: Server) -> None:
    client, jobs = server.client, server.client.fine_tuning.jobs
    file = client.files.create(file=("rows.jsonl", ROWS), purpose="fine-tune")
    settings: Any = {"n_epochs": 16, "batch_size": 4}
    job = jobs.create(model="pocket", training_file=file.id, seed=0, hyperparameters=settings)
    process = psutil.Process(server.process.pid)
    while not jobs.checkpoints.list(job.id).data:
        assert jobs.retrieve(job.id).status != "failed"
        time.sleep(0.05)
    with full_disk(server, room=1000):
        psutil.wait_procs(process.children(), timeout=PATIENCE)
        assert not process.children()
        before = messages(client, job.id)
        with pytest.raises(openai.InternalServerError, match="no room") as refused:
            jobs.cancel(job.id)
        assert refused.value.status_code == 507
        time.sleep(1)  # the server tries to write down that the process is gone
        assert messages(client, job.id) == before
        assert jobs.retrieve(job.id).status == "running"
    ended = wait(client, job.id)
    assert ended.status == "succeeded", ended.error
    said = messages(client, job.id)
    assert said[: len(before)] == before
    assert "The job's process ended with code 1; it goes on from its last checkpoint" in said
    assert [row.step_number for row in jobs.checkpoints.list(job.id)] == [48, 45, 42]
    told = [event for event in jobs.list_events(job.id, limit=100) if event.type == "metrics"]
    assert {event.data["step"] for event in told} == set(range(1, 49))


@pytest.mark.parametrize("pragma", ["max_page_count = 1", "query_only = ON"])
def test_what_sqlite_says_of_a_full_and_a_read_only_disk(home: Home, pragma: str) -> None:
    with connect(home.database)() as session:
        session.connection().exec_driver_sql(f"PRAGMA {pragma}")
        session.add(Model(id="m" * 10_000, source="pocket"))
        with pytest.raises(OperationalError) as caught:
            session.flush()
    assert cannot_be_written(caught.value)
    assert not is_busy(caught.value)
