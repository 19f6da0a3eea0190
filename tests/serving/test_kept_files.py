"""What a kill may leave half done: a server that starts again clears it, and keeps the rest."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from conftest import Server, faq, jsonl, start_server
from fastapi.testclient import TestClient

from course_lib.serving.app import create_app
from course_lib.serving.database import Job, Model, connect, writing
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


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    running = start_server(tmp_path / "home")
    yield running
    running.stop()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Linux alone limits another process")
def test_a_full_disk_refuses_an_upload_and_keeps_the_server(server: Server) -> None:
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (200_000, 200_000))
    many = jsonl([{"messages": row["messages"], "n": n} for n in range(100) for row in faq()[:12]])
    assert len(many) > 200_000
    client = server.client
    with pytest.raises(openai.InternalServerError, match="no room") as refused:
        client.files.create(file=("many.jsonl", many), purpose="fine-tune")
    assert refused.value.status_code == 507
    assert client.files.list().data == []
    assert list((server.home / "files").iterdir()) == []
    client.files.create(file=("few.jsonl", ROWS), purpose="fine-tune")
