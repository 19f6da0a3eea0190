"""SIGKILL to the server or to a job's process, at any moment: nothing is lost, the job goes on."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from conftest import (
    LIKE,
    PATIENCE,
    Server,
    Workshop,
    faq,
    jsonl,
    preferences,
    questions,
    start_server,
    wait,
)
from openai import OpenAI

STEPS = 18
TRAIN, HELD_OUT = faq()[:24], faq("validation")[:8]
SETTINGS: Any = {"n_epochs": 3, "batch_size": 4}


def create(client: OpenAI) -> str:
    train = client.files.create(file=("train.jsonl", jsonl(TRAIN)), purpose="fine-tune")
    valid = client.files.create(file=("valid.jsonl", jsonl(HELD_OUT)), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(
        model="pocket",
        training_file=train.id,
        validation_file=valid.id,
        seed=0,
        hyperparameters=SETTINGS,
    )
    return job.id


def metrics(client: OpenAI, job_id: str) -> list[dict[str, float]]:
    """What the job measured, without what depends on the clock, the oldest first."""
    events = list(client.fine_tuning.jobs.list_events(job_id, limit=100))
    return [event.data for event in reversed(events) if event.type == "metrics"]  # type: ignore[misc]


def weights(server: Server, job_id: str) -> bytes:
    return (server.home / "jobs" / job_id / "model" / "adapter_model.safetensors").read_bytes()


def state(client: OpenAI, job_id: str) -> dict[str, Any]:
    """Everything that must outlive a kill."""
    return {
        "files": {file.id: client.files.content(file.id).content for file in client.files.list()},
        "events": {event.id for event in client.fine_tuning.jobs.list_events(job_id, limit=100)},
        "checkpoints": {row.id for row in client.fine_tuning.jobs.checkpoints.list(job_id)},
    }


def kill_job(server: Server) -> bool:
    """Kill the job's process, if there is one."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    for child in children:
        child.send_signal(signal.SIGKILL)
    return bool(children)


def kill_server(server: Server) -> Server:
    """Kill the server alone, and start another in its folder."""
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    return start_server(server.home, server.key)


def wait_for_step(client: OpenAI, job_id: str, step: int) -> None:
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        if any(row["step"] >= step for row in metrics(client, job_id)):
            return
        time.sleep(0.05)
    raise AssertionError(f"step {step} was never reached")


@pytest.fixture(scope="module")
def undisturbed(workshop: Workshop) -> tuple[list[dict[str, float]], bytes]:
    """What the job gives where nothing dies, not even with a process of its own."""
    job = workshop.create(TRAIN, HELD_OUT, hyperparameters=SETTINGS)
    assert workshop.train(job).status == "succeeded"
    return metrics(workshop.client, job.id), workshop.weights(job)


def check(server: Server, job_id: str, undisturbed: tuple[Any, bytes]) -> None:
    client = server.client
    job = wait(client, job_id)
    assert job.status == "succeeded", job.error
    # Each step once, though some were computed twice; and the same weights, bit for bit.
    assert metrics(client, job_id) == undisturbed[0]
    assert weights(server, job_id) == undisturbed[1]
    kept = [row.step_number for row in client.fine_tuning.jobs.checkpoints.list(job_id)]
    assert kept == [18, 12, 6]


def test_a_job_outlives_its_process_and_its_server(tmp_path: Path, undisturbed: Any) -> None:
    server = start_server(tmp_path / "home")
    job_id = create(server.client)
    wait_for_step(server.client, job_id, 8)
    before = state(server.client, job_id)
    assert kill_job(server)
    wait_for_step(server.client, job_id, 13)
    server = kill_server(server)
    after = state(server.client, job_id)
    assert before["files"].items() <= after["files"].items()
    assert before["events"] <= after["events"]
    assert before["checkpoints"] <= after["checkpoints"]
    check(server, job_id, undisturbed)
    said = [
        event.message for event in server.client.fine_tuning.jobs.list_events(job_id, limit=100)
    ]
    assert any("was ended by SIGKILL" in text for text in said)
    assert any("The server was restarted" in text for text in said)
    server.stop()


def test_a_job_that_always_dies_fails_with_the_reason(tmp_path: Path) -> None:
    server = start_server(tmp_path / "home")
    job_id = create(server.client)
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        kill_job(server)
        job = server.client.fine_tuning.jobs.retrieve(job_id)
        if job.status == "failed":
            break
        time.sleep(0.02)
    assert job.status == "failed"
    assert job.error is not None
    assert "was ended by SIGKILL 3 times without getting further" in job.error.message
    # The queue goes on with the next one.
    again = server.client.fine_tuning.jobs.create(
        model="pocket", training_file=job.training_file, hyperparameters={"n_epochs": 1}
    )
    assert wait(server.client, again.id).status == "succeeded"
    server.stop()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_a_kill_at_any_moment_loses_nothing(tmp_path: Path, seed: int, undisturbed: Any) -> None:
    rng = random.Random(seed)
    server = start_server(tmp_path / "home")
    job_id = create(server.client)
    wait(server.client, job_id, until=("running",))
    # Some kills fall into the start of the process, some into a step, some into a checkpoint.
    wait_for_step(server.client, job_id, rng.randrange(1, STEPS - 1)) if seed % 4 else None
    time.sleep(rng.random() * 2)
    before = state(server.client, job_id)
    if rng.random() < 0.5:
        kill_job(server)
    else:
        server = kill_server(server)
    after = state(server.client, job_id)
    assert before["files"].items() <= after["files"].items()
    assert before["events"] <= after["events"]
    check(server, job_id, undisturbed)
    server.stop()


OTHERS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "dpo": (preferences()[:10], {}),
    "reinforcement": (questions(), {"grader": LIKE}),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", OTHERS)
def test_jobs_of_the_other_methods_outlive_a_kill(tmp_path: Path, kind: str) -> None:
    rows, more = OTHERS[kind]
    server = start_server(tmp_path / "home")
    client = server.client
    file = client.files.create(file=("rows.jsonl", jsonl(rows)), purpose="fine-tune")
    method: Any = {
        "type": kind, kind: {"hyperparameters": {"n_epochs": 3, "batch_size": 4}, **more}
    }  # fmt: skip
    whole, killed = (
        client.fine_tuning.jobs.create(
            model="pocket", training_file=file.id, seed=0, method=method
        ).id
        for _ in range(2)
    )
    assert wait(client, whole).status == "succeeded"
    wait_for_step(client, killed, 4)
    assert kill_job(server)
    assert wait(client, killed).status == "succeeded"
    said = client.fine_tuning.jobs.list_events(killed, limit=100)
    assert any("was ended by SIGKILL" in event.message for event in said)
    assert metrics(client, killed) == metrics(client, whole)
    assert weights(server, killed) == weights(server, whole)
    server.stop()
