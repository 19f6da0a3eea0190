"""The other ways to use OpenAI's client: from the environment, async, raw, streamed, repeated."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
from conftest import Server, faq, jsonl
from openai import AsyncOpenAI, OpenAI

GOOD = faq()[:12]
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


def test_a_client_that_gives_up_does_not_hold_the_server(client: OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.with_options(timeout=1e-5).models.list()
    assert client.models.retrieve("pocket").id == "pocket"


def test_a_server_that_is_not_there_is_told_by_the_client() -> None:
    client = OpenAI(base_url="http://127.0.0.1:9/v1", api_key="sk-a", max_retries=1)
    with pytest.raises(openai.APIConnectionError):
        client.models.list()
