"""Chat completions through the client: each setting, the stream, and the client's own types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.chat_completion_token_logprob import ChatCompletionTokenLogprob

ASKED: Any = [{"role": "user", "content": "What is the opposite of hot?"}]
PERSON = {
    "type": "object",
    "properties": {"name": {"enum": ["Ana", "Ben"]}, "old": {"type": "boolean"}},
    "required": ["name", "old"],
    "additionalProperties": False,
}


def ask(client: OpenAI, **settings: Any) -> ChatCompletion:
    """An answer, strictly of the client's own type."""
    given = {"model": "pocket", "messages": ASKED, "max_tokens": 12} | settings
    raw = client.chat.completions.with_raw_response.create(**given)
    return ChatCompletion.model_validate_json(raw.text, strict=True)


def stream(client: OpenAI, **settings: Any) -> list[ChatCompletionChunk]:
    """The pieces of an answer, each strictly of the client's own type."""
    given = {"model": "pocket", "messages": ASKED, "max_tokens": 12} | settings
    chunks = client.chat.completions.create(**given, stream=True)
    return [ChatCompletionChunk.model_validate(chunk.model_dump(), strict=True) for chunk in chunks]


def said(completion: ChatCompletion) -> list[str | None]:
    return [choice.message.content for choice in completion.choices]


def test_an_answer_tells_its_usage_and_its_end(client: OpenAI) -> None:
    whole, cut = ask(client, temperature=0), ask(client, temperature=0, max_tokens=1)
    assert whole.choices[0].finish_reason == "stop"
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert whole.usage is not None
    assert cut.usage.completion_tokens == 1
    assert cut.usage.prompt_tokens == whole.usage.prompt_tokens > 5
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    text = said(whole)[0]
    assert text
    assert text.startswith(said(cut)[0] or "?")
    assert said(ask(client, temperature=0, max_completion_tokens=1)) == said(cut)


def test_a_seed_repeats_what_is_drawn(client: OpenAI) -> None:
    drawn: Any = {"n": 4, "temperature": 1.8, "max_tokens": 20}
    first, again, other = (said(ask(client, seed=seed, **drawn)) for seed in (1, 1, 2))
    assert len(first) == 4
    assert first == again != other
    assert len(set(first)) > 1
    likeliest = said(ask(client, temperature=0))
    assert said(ask(client, temperature=1.8, top_p=1e-6, n=2)) == likeliest * 2


def test_an_answer_ends_before_a_stop(client: OpenAI) -> None:
    text = said(ask(client, temperature=0))[0] or ""
    stop = text[len(text) // 2 :][:2]
    stopped = ask(client, temperature=0, stop=[stop, "\n\n\n"])
    assert said(stopped)[0] == text[: text.index(stop)]
    assert stopped.choices[0].finish_reason == "stop"


def test_likelihoods_are_told(client: OpenAI) -> None:
    answer = ask(client, temperature=0, logprobs=True, top_logprobs=3)
    told = answer.choices[0].logprobs
    assert told is not None
    assert told.content
    assert "".join(token.token for token in told.content).strip() == said(answer)[0]
    for token in told.content:
        assert token.logprob <= 0
        assert len(token.top_logprobs) == 3
        assert token.top_logprobs[0].token == token.token  # the likeliest was taken
        assert token.top_logprobs[0].logprob == pytest.approx(token.logprob)
        ChatCompletionTokenLogprob.model_validate(token.model_dump(), strict=True)


def test_json_follows_its_schema(client: OpenAI) -> None:
    messages = [{"role": "user", "content": "Ana is old. As JSON:"}]
    schema = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}
    person = json.loads(
        said(ask(client, messages=messages, response_format=schema, max_tokens=60))[0] or ""
    )
    assert set(person) == {"name", "old"}
    assert person["name"] in ("Ana", "Ben")
    free = ask(client, messages=messages, response_format={"type": "json_object"}, max_tokens=200)
    if free.choices[0].finish_reason == "stop":
        assert isinstance(json.loads(said(free)[0] or ""), dict)
    else:
        assert (said(free)[0] or "").lstrip().startswith("{")


@pytest.mark.parametrize("settings", [{"temperature": 0}, {"n": 2, "seed": 3, "temperature": 1.5}])
def test_a_stream_says_what_the_whole_answer_says(client: OpenAI, settings: Any) -> None:
    whole = ask(client, logprobs=True, **settings)
    usage = {"include_usage": True}
    chunks = stream(client, logprobs=True, stream_options=usage, **settings)
    assert len({chunk.id for chunk in chunks}) == 1
    for choice in whole.choices:
        own = [one for chunk in chunks for one in chunk.choices if one.index == choice.index]
        assert own[0].delta.role == "assistant"
        assert "".join(one.delta.content or "" for one in own) == choice.message.content
        assert [one.finish_reason for one in own if one.finish_reason] == [choice.finish_reason]
        tokens = [token for one in own if one.logprobs for token in one.logprobs.content or []]
        assert choice.logprobs is not None
        assert tokens == choice.logprobs.content
    assert chunks[-1].choices == []
    assert chunks[-1].usage == whole.usage


def test_parts_and_roles_are_taken_as_the_client_sends_them(client: OpenAI) -> None:
    parts = [{"type": "text", "text": "What is the "}, {"type": "text", "text": "opposite of hot?"}]
    assert said(ask(client, messages=[{"role": "user", "content": parts}], temperature=0)) == said(
        ask(client, temperature=0)
    )
