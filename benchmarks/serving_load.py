"""Hundreds of reads at once from the service while a job trains: how long each takes.

Beside it, in the same run: the same reads while nothing trains, and a FastAPI route that does
nothing at all, so that the share of the service, of the job and of the machine can be told apart.
All of it, the client too, shares the machine's cores.

    python benchmarks/serving_load.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time

import httpx
import numpy as np
import uvicorn
from fastapi import FastAPI

from course_lib.runtime import data_path


def main() -> None:
    """Measure, and print one line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=4000)
    parser.add_argument("--in-flight", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "course_lib", "serve", "--port", "0", "--home", folder],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            _, url, _, key, _ = server.stdout.readline().split('"')
            measure(url, {"Authorization": f"Bearer {key}"}, options.reads, options.in_flight)
        finally:
            server.terminate()
            server.wait()


def measure(url: str, headers: dict[str, str], reads: int, in_flight: int) -> None:
    """Read with no job, with a job, and from a bare route."""
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        while not _answers(client):
            time.sleep(0.1)
        job_id, file_id = _create(client)
        job = f"fine_tuning/jobs/{job_id}"
        paths = ["models", "files", f"files/{file_id}", "fine_tuning/jobs", job, f"{job}/events"]
        while not client.get(f"{job}/checkpoints").json()["data"]:
            time.sleep(0.2)  # until it trains, and has a page of events
        taken = asyncio.run(read(url, headers, paths, reads, in_flight))
        assert client.get(job).json()["status"] == "running", "the job ended before the reads did"
        show("while a job trains", taken)
        client.post(f"{job}/cancel").raise_for_status()
        time.sleep(1)
        show("no job", asyncio.run(read(url, headers, paths, reads, in_flight)))
    show("a bare route", bare(reads, in_flight))


def _answers(client: httpx.Client) -> bool:
    try:
        return client.get("models").is_success
    except httpx.TransportError:
        return False


def _create(client: httpx.Client) -> tuple[str, str]:
    with data_path("yamabiko", "faq_train.jsonl").open(encoding="utf-8") as file:
        rows = [json.dumps({"messages": json.loads(line)["messages"]}) for line in file]
    sent = {"file": ("rows.jsonl", "\n".join(rows[:100]).encode())}
    file = client.post("files", files=sent, data={"purpose": "fine-tune"}).json()
    settings = {"n_epochs": 50, "batch_size": 8}
    body = {"model": "pocket", "training_file": file["id"], "hyperparameters": settings}
    return client.post("fine_tuning/jobs", json=body).json()["id"], file["id"]


async def read(
    url: str, headers: dict[str, str], paths: list[str], reads: int, in_flight: int
) -> tuple[list[float], float]:
    """Keep so many reads in flight until all are done.

    Returns:
        Seconds of each, and of all.
    """
    taken: list[float] = []
    left = iter([paths[i % len(paths)] for i in range(reads)])
    limits = httpx.Limits(max_connections=in_flight)
    async with httpx.AsyncClient(
        base_url=url, headers=headers, limits=limits, timeout=60
    ) as client:

        async def reader() -> None:
            for path in left:
                began = time.perf_counter()
                answer = await client.get(path)
                taken.append(time.perf_counter() - began)
                answer.raise_for_status()

        began = time.perf_counter()
        await asyncio.gather(*(reader() for _ in range(in_flight)))
        return taken, time.perf_counter() - began


def bare(reads: int, in_flight: int) -> tuple[list[float], float]:
    """The same from a route of FastAPI's that answers with a constant."""
    app = FastAPI()

    @app.get("/nothing")
    def nothing() -> dict[str, str]:
        return {"object": "nothing"}

    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        return asyncio.run(read(url, {}, ["nothing"], reads, in_flight))
    finally:
        server.should_exit = True
        thread.join()


def show(what: str, measured: tuple[list[float], float]) -> None:
    """Print one line."""
    taken, seconds = measured
    p50, p99 = np.percentile(taken, [50, 99]) * 1000
    print(
        f"{what:20} {len(taken):,} reads  p50 {p50:6.0f} ms  p99 {p99:6.0f} ms  "
        f"{len(taken) / seconds:7,.0f} a second",
        flush=True,
    )


if __name__ == "__main__":
    main()
