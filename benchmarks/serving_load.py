"""Hundreds of reads at once from the service while a job trains: how long each takes.

Beside it, in the same run: the same reads while nothing trains, and from a FastAPI route that does
nothing at all, with and without the job, so that the share of the service, of the job and of the
machine can be told apart. Each server is a process of its own; the client is one, too, and all of
them share the machine's cores.

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
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import aiohttp
import httpx
import numpy as np
import psutil
import uvicorn
from fastapi import FastAPI

from course_lib.runtime import data_path


class Reads(NamedTuple):
    """Seconds of each read, of all, and of the server's processor."""

    taken: list[float]
    seconds: float
    processor: float


def main() -> None:
    """Measure, and print one line for each part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reads", type=int, default=4000)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--bare", action="store_true", help="only serve the route of nothing")
    options = parser.parse_args()
    if options.bare:
        serve_nothing()
        return
    with tempfile.TemporaryDirectory() as folder:
        serve = ["-m", "course_lib", "serve", "--port", "0", "--home", folder]
        with started(serve) as server, started([__file__, "--bare"]) as bare:
            measure(server, bare, options.reads, options.in_flight)


@contextmanager
def started(arguments: list[str]) -> Iterator[tuple[str, psutil.Process]]:
    """Start a server.

    Yields:
        The first line that it prints, and its process.
    """
    command = [sys.executable, *arguments]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        yield server.stdout.readline().strip(), psutil.Process(server.pid)
    finally:
        server.terminate()
        server.wait()


def measure(
    server: tuple[str, psutil.Process], bare: tuple[str, psutil.Process], reads: int, in_flight: int
) -> None:
    """Read from both with a job, and from both without."""
    _, url, _, key, _ = server[0].split('"')
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=url, headers=headers, timeout=60) as client:
        while not _answers(client):
            time.sleep(0.1)
        job_id, file_id = _create(client)
        job = f"fine_tuning/jobs/{job_id}"
        paths = ["models", "files", f"files/{file_id}", "fine_tuning/jobs", job, f"{job}/events"]
        while not client.get(f"{job}/checkpoints").json()["data"]:
            time.sleep(0.2)  # until it trains, and has a page of events
        for when in ("a job trains", "no job"):
            least = read(bare[0], bare[1], {}, ["nothing"], reads, in_flight)
            ours = read(url, server[1], headers, paths, reads, in_flight)
            if when == "a job trains":
                status = client.get(job).json()["status"]
                assert status == "running", "the job ended before the reads did"
                client.post(f"{job}/cancel").raise_for_status()
                time.sleep(1)
            of_bare, of_ours = show(f"bare route, {when}", least), show(f"service, {when}", ours)
            ratios = [a / b for a, b in zip(of_ours, of_bare, strict=True)]
            print("  times the bare route:", *(f"{ratio:.1f}" for ratio in ratios), flush=True)


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


def read(
    url: str,
    server: psutil.Process,
    headers: dict[str, str],
    paths: list[str],
    reads: int,
    in_flight: int,
) -> Reads:
    """Keep so many reads in flight until all are done, each on a connection that is kept."""
    taken: list[float] = []
    left = iter([paths[i % len(paths)] for i in range(reads)])

    async def all_of_them() -> None:
        # httpx would be the slowest part: it looks through all connections for each request.
        pool = aiohttp.TCPConnector(limit=in_flight)
        async with aiohttp.ClientSession(f"{url}/", headers=headers, connector=pool) as client:

            async def reader() -> None:
                for path in left:
                    began = time.perf_counter()
                    async with client.get(path) as answer:
                        await answer.read()
                        taken.append(time.perf_counter() - began)
                        answer.raise_for_status()

            await asyncio.gather(*(reader() for _ in range(in_flight)))

    began, before = time.perf_counter(), sum(server.cpu_times()[:2])
    asyncio.run(all_of_them())
    return Reads(taken, time.perf_counter() - began, sum(server.cpu_times()[:2]) - before)


def serve_nothing() -> None:
    """The least that FastAPI can do: a route that answers with a constant."""
    app = FastAPI()

    @app.get("/nothing")
    def nothing() -> dict[str, str]:
        return {"object": "nothing"}

    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_keep_alive=75)
    uvicorn.Server(config).run(sockets=[listener])


def show(what: str, reads: Reads) -> tuple[float, float, float]:
    """Print one line.

    Returns:
        p50, p99 and the server's processor time for a read, in milliseconds.
    """
    p50, p99 = (float(value) * 1000 for value in np.percentile(reads.taken, [50, 99]))
    each = reads.processor / len(reads.taken) * 1000
    print(
        f"{what:24} {len(reads.taken):,} reads  p50 {p50:6.0f} ms  p99 {p99:6.0f} ms  "
        f"{len(reads.taken) / reads.seconds:6,.0f} a second  {each:5.2f} ms of processor each",
        flush=True,
    )
    return p50, p99, each


if __name__ == "__main__":
    main()
