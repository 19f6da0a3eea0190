"""The other ways to use OpenAI's client: from the environment, async, raw, streamed, repeated."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from conftest import Server, faq, jsonl
from fastapi.testclient import TestClient
from openai import AsyncOpenAI, OpenAI
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from course_lib.serving import database
from course_lib.serving.app import create_app
from course_lib.serving.home import Home

GOOD = faq()[:12]
# The shortest answer that follows it takes some hundreds of tokens.
LONG: Any = {"type": "array", "minItems": 300, "items": {"type": "boolean"}}
JSON: Any = {"type": "json_schema", "json_schema": {"name": "long", "schema": LONG}}
QUESTION: Any = {"model": "pocket", "messages": [{"role": "user", "content": "Hello"}]}


def test_the_environment_is_all_that_a_client_needs(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", server.key)
    assert OpenAI().models.retrieve("pocket").id == "pocket"


def test_the_async_client_reads_many_pages_at_once(
    server: Server, upload: Callable[..., str]
) -> None:
    ids = [upload([*GOOD, {"messages": GOOD[0]["messages"], "async": n}]) for n in range(3)]

    async def main() -> None:
        async with AsyncOpenAI(base_url=server.url, api_key=server.key) as client:
            found = await asyncio.gather(*(client.files.retrieve(name) for name in ids))
            assert [file.id for file in found] == ids
            listed = [file.id async for file in client.files.list(limit=1)]
            assert [name for name in listed if name in ids] == ids[::-1]
            stream = await client.chat.completions.create(**QUESTION, max_tokens=3, stream=True)
            chunks = [chunk async for chunk in stream]
            assert chunks[-1].choices[0].finish_reason in ("length", "stop")

    # In a thread: a browser test in the same process leaves its event loop running.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, main()).result()


def test_raw_and_streamed_responses(client: OpenAI, upload: Callable[..., str]) -> None:
    file_id = upload([*GOOD, {"messages": GOOD[0]["messages"], "raw": True}])
    raw = client.files.with_raw_response.retrieve(file_id)
    assert raw.status_code == 200
    assert raw.parse().id == file_id
    with client.files.with_streaming_response.content(file_id) as response:
        streamed = b"".join(response.iter_bytes(100))
    assert streamed == client.files.content(file_id).content
    with client.chat.completions.with_streaming_response.create(**QUESTION, max_tokens=2) as said:
        assert said.parse().usage.completion_tokens <= 2


def test_a_file_is_ready_when_it_is_uploaded(client: OpenAI, upload: Callable[..., str]) -> None:
    file_id = upload([*GOOD, {"messages": GOOD[0]["messages"], "ready": True}])
    began = time.monotonic()
    assert client.files.wait_for_processing(file_id).status == "processed"
    assert time.monotonic() - began < 4  # it would look again after five seconds


def test_a_conflict_is_not_repeated(server: Server, upload: Callable[..., str]) -> None:
    rows = [*GOOD, {"messages": GOOD[0]["messages"], "conflict": True}]
    upload(rows)
    sent: list[Any] = []
    http = openai.DefaultHttpxClient(event_hooks={"request": [sent.append]})
    client = OpenAI(base_url=server.url, api_key=server.key, max_retries=3, http_client=http)
    with pytest.raises(openai.ConflictError):
        client.files.create(file=("again.jsonl", jsonl(rows)), purpose="fine-tune")
    assert len(sent) == 1


class Refusing:
    """In front of the service: refuses each request once, as a gateway or a busy server does."""

    def __init__(self, app: ASGIApp) -> None:
        self.app, self.status, self.refused = app, 0, 0
        self.headers: dict[str, str] = {}
        self.seen: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            self.seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
            if self.status and len(self.seen) % 2:
                self.refused += 1
                response = PlainTextResponse("not now", self.status, headers=self.headers)
                await response(scope, receive, send)
                return
        await self.app(scope, receive, send)


@pytest.fixture
def front(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Refusing, OpenAI, Home]:
    """The service in this process, with impatient writers, and a client that asks again."""
    monkeypatch.setattr(database, "_PATIENCE", 0.1)
    home = Home(tmp_path / "home")
    home.create()
    refusing = Refusing(create_app(home))
    url, http = "http://127.0.0.1", TestClient(refusing, base_url="http://127.0.0.1")
    client = OpenAI(
        base_url=f"{url}/v1", api_key=home.new_key(), max_retries=4, http_client=http, timeout=60
    )
    return refusing, client, home


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_was_refused_for_now_is_done_once(
    front: tuple[Refusing, OpenAI, Home], status: int
) -> None:
    refusing, client, _ = front
    refusing.status = status
    file = client.files.create(file=("rows.jsonl", jsonl(GOOD)), purpose="fine-tune")
    job = client.fine_tuning.jobs.create(model="pocket", training_file=file.id)
    assert [one.id for one in client.fine_tuning.jobs.list()] == [job.id]
    assert [one.id for one in client.files.list()] == [file.id]
    assert [sent["x-stainless-retry-count"] for sent in refusing.seen] == ["0", "1", "0", "1"]
    # With one, a create whose answer was lost on its way would not start a second job either.
    assert not any("idempotency-key" in sent for sent in refusing.seen)


def test_a_client_waits_as_long_as_it_is_told(front: tuple[Refusing, OpenAI, Home]) -> None:
    refusing, client, _ = front
    file = client.files.create(file=("rows.jsonl", jsonl(GOOD)), purpose="fine-tune")
    refusing.seen.clear()
    refusing.status, refusing.headers = 503, {"Retry-After": "2"}
    began = time.monotonic()
    client.fine_tuning.jobs.create(model="pocket", training_file=file.id)
    assert refusing.refused == 1
    assert time.monotonic() - began > 2  # by itself it would ask again after half a second


def test_a_server_that_cannot_write_yet_says_so_and_the_client_asks_again(
    front: tuple[Refusing, OpenAI, Home],
) -> None:
    refusing, client, home = front
    file = client.files.create(file=("rows.jsonl", jsonl(GOOD)), purpose="fine-tune")
    with database.writing(database.connect(home.database)):
        with pytest.raises(openai.InternalServerError, match="has changed nothing") as busy:
            client.with_options(max_retries=0).fine_tuning.jobs.create(
                model="pocket", training_file=file.id
            )
        assert busy.value.status_code == 503
        assert busy.value.response.headers["retry-after"] == "1"
        assert client.files.retrieve(file.id).id == file.id  # who reads does not wait
    other = database.connect(home.database)()
    other.connection().exec_driver_sql("BEGIN IMMEDIATE")
    threading.Timer(0.5, other.rollback).start()
    refusing.seen.clear()
    job = client.fine_tuning.jobs.create(model="pocket", training_file=file.id)
    assert len(refusing.seen) == 2
    assert [one.id for one in client.fine_tuning.jobs.list()] == [job.id]


def test_who_leaves_a_stream_does_not_hold_up_the_next(client: OpenAI) -> None:
    def ask(**more: Any) -> Any:
        return client.chat.completions.create(**QUESTION, temperature=0, **more)

    ask(max_tokens=1)  # loads the model
    began = time.monotonic()
    ask(max_tokens=10)
    ten = time.monotonic() - began
    with ask(max_tokens=900, stream=True, response_format=JSON) as stream:
        assert len([chunk for chunk, _ in zip(stream, range(3), strict=False)]) == 3
    began = time.monotonic()
    ask(max_tokens=10)
    assert time.monotonic() - began < 20 * ten  # all of it would take some sixty times as long


def test_a_client_that_gives_up_does_not_hold_the_server(client: OpenAI) -> None:
    client.chat.completions.create(**QUESTION, max_tokens=1)  # loads the model
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=0.1).chat.completions.create(
            **QUESTION, max_tokens=300, response_format=JSON
        )
    assert client.models.retrieve("pocket").id == "pocket"


def test_a_server_that_is_not_there_is_told_by_the_client() -> None:
    client = OpenAI(base_url="http://127.0.0.1:9/v1", api_key="sk-a", max_retries=1)
    with pytest.raises(openai.APIConnectionError):
        client.models.list()
