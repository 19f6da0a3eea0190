"""The route of chat completions, from base models, tuned ones and checkpoints."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, ConfigDict, Field

from course_lib.errors import CourseError
from course_lib.serving.database import new_id, now
from course_lib.serving.decoding import Piece, Sampling, Token, decode
from course_lib.serving.errors import ApiError, body, documented
from course_lib.serving.models import find_model
from course_lib.serving.service import Service, source_of

if TYPE_CHECKING:
    from course_lib.runtime import Runtime

# A base and the model tuned on it, to compare them, and one more.
_LOADED = 3
_DEFAULT_LENGTH = 256
_EVENTS = "text/event-stream"
_STREAMED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The answer", "content": {_EVENTS: {}}}
}


class _Part(BaseModel):
    type: Literal["text"]
    text: str


class Message(BaseModel):
    """A message; what a model called, and what came of it, may stand beside its text."""

    model_config = ConfigDict(extra="allow")
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[_Part] | None = None


class ResponseFormat(BaseModel):
    """Text, any JSON object, or JSON that follows a schema."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


class StreamOptions(BaseModel):
    """Whether the last chunk tells the usage."""

    include_usage: bool = False


class CreateCompletion(BaseModel):
    """The body of ``POST /v1/chat/completions``."""

    model_config = ConfigDict(extra="forbid")
    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: float = Field(default=1.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    n: int = Field(default=1, ge=1, le=16)
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: int | None = None
    logprobs: bool = False
    top_logprobs: int | None = Field(default=None, ge=0, le=20)
    response_format: ResponseFormat | None = None
    user: str | None = None


def router(service: Service) -> APIRouter:
    """The routes.

    Args:
        service: Whose models answer.
    """
    routes = APIRouter(prefix="/v1/chat")
    answerer = _Answerer(service)

    @routes.post(
        "/completions", response_model=ChatCompletion, responses=documented(404) | _STREAMED
    )
    async def create(request: CreateCompletion) -> Any:
        loop = asyncio.get_running_loop()
        # One answer at a time: the processor has nothing to gain from two that share it.
        prompt, pieces = await loop.run_in_executor(answerer.executor, answerer.begin, request)
        if request.stream:
            chunks = _chunks(request, len(prompt), answerer.stream(pieces))
            return StreamingResponse(chunks, media_type=_EVENTS)
        whole = await loop.run_in_executor(answerer.executor, list, pieces)
        return _completion(request, len(prompt), whole)

    return routes


class _Answerer:
    """Keeps a few models loaded, and answers with one at a time."""

    def __init__(self, service: Service) -> None:
        self.executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="answers")
        self._service = service
        self._runtime: Runtime | None = None
        self._models: OrderedDict[tuple[str, str], tuple[Any, Any]] = OrderedDict()

    def begin(self, request: CreateCompletion) -> tuple[list[int], Iterator[Piece]]:
        """Load the model and write the prompt; nothing is answered before it is asked for."""
        sampling_limit = request.max_completion_tokens or request.max_tokens
        model, tokenizer = self._load(request.model)
        prompt = _prompt(tokenizer, request)
        context = int(model.config.get_text_config().max_position_embeddings)
        if len(prompt) + (sampling_limit or 1) > context:
            raise ApiError(
                f"This model's maximum context length is {context} tokens; the messages have "
                f"{len(prompt)}, and {sampling_limit or 1} are wanted for the answer.",
                param="messages",
                code="context_length_exceeded",
            )
        longest = sampling_limit or min(_DEFAULT_LENGTH, context - len(prompt))
        return prompt, decode(model, tokenizer, prompt, _sampling(request, longest))

    async def stream(self, pieces: Iterator[Piece]) -> AsyncIterator[Piece]:
        """The pieces as they come, made in the answering thread."""
        loop = asyncio.get_running_loop()
        made: asyncio.Queue[Piece | BaseException | None] = asyncio.Queue()
        gone = threading.Event()

        def work() -> None:
            try:
                for piece in pieces:
                    if gone.is_set():
                        return
                    loop.call_soon_threadsafe(made.put_nowait, piece)
                loop.call_soon_threadsafe(made.put_nowait, None)
            except BaseException as error:
                loop.call_soon_threadsafe(made.put_nowait, error)

        self.executor.submit(work)
        try:
            while (piece := await made.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            gone.set()  # a client that went away is not answered to the end

    def _load(self, name: str) -> tuple[Any, Any]:
        from course_lib.runtime import start
        from course_lib.training.models import load_model

        # The first question waits for torch, so that the server need not.
        self._runtime = self._runtime or start()
        with self._service.sessions() as session:
            row = find_model(session, name, "model")
        source = source_of(self._service, row)
        key = (name, f"{row.number}")
        if key not in self._models:
            try:
                self._models[key] = load_model(source, self._runtime)
            except CourseError as error:
                raise ApiError(str(error), status=500, type="server_error") from error
            while len(self._models) > _LOADED:
                self._models.popitem(last=False)
        self._models.move_to_end(key)
        return self._models[key]


def _prompt(tokenizer: Any, request: CreateCompletion) -> list[int]:
    from course_lib.tokenization.conversation import apply_template

    messages = []
    for message in request.messages:
        given = message.model_dump(exclude_none=True)
        if isinstance(message.content, list):
            given["content"] = "".join(part.text for part in message.content)
        messages.append(given)
    try:
        encoded = apply_template(tokenizer, [messages], [None], add_generation_prompt=True)
    except Exception as error:
        raise ApiError(
            f"The model's chat template refuses the messages: {error}", param="messages"
        ) from error
    ids: list[int] = encoded["input_ids"][0]
    return ids


def _sampling(request: CreateCompletion, longest: int) -> Sampling:
    stop = [request.stop] if isinstance(request.stop, str) else request.stop or []
    if request.top_logprobs is not None and not request.logprobs:
        raise ApiError("top_logprobs needs logprobs=true.", param="top_logprobs")
    return Sampling(
        n=request.n,
        max_tokens=longest,
        temperature=request.temperature,
        top_p=request.top_p,
        stop=[text for text in stop if text],
        seed=request.seed,
        top_logprobs=(request.top_logprobs or 0) if request.logprobs else None,
        schema=_schema(request),
    )


def _schema(request: CreateCompletion) -> dict[str, Any] | None:
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_schema":
        schema = (wanted.json_schema or {}).get("schema")
        if not isinstance(schema, dict):
            raise ApiError("json_schema needs a 'schema'.", param="response_format.json_schema")
        return schema
    if not any("json" in str(message.content).lower() for message in request.messages):
        raise ApiError(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of "
            "type 'json_object'.",
            param="messages",
        )
    return {"type": "object"}


def _logprobs(request: CreateCompletion, tokens: list[Token]) -> dict[str, Any] | None:
    if not request.logprobs:
        return None
    content = [
        {
            "token": token.text,
            "bytes": token.bytes,
            "logprob": token.logprob,
            "top_logprobs": [
                {"token": text, "bytes": raw, "logprob": logprob}
                for text, raw, logprob in token.top
            ],
        }
        for token in tokens
    ]
    return {"content": content, "refusal": None}


def _usage(prompt: int, pieces: list[Piece]) -> CompletionUsage:
    answers: dict[int, int] = {}
    for piece in pieces:
        answers[piece.index] = piece.count
    total = sum(answers.values())
    return CompletionUsage(
        prompt_tokens=prompt, completion_tokens=total, total_tokens=prompt + total
    )


def _completion(request: CreateCompletion, prompt: int, pieces: list[Piece]) -> ChatCompletion:
    choices = []
    for index in range(request.n):
        own = [piece for piece in pieces if piece.index == index]
        tokens = [token for piece in own for token in piece.tokens]
        text = "".join(piece.text for piece in own)
        choices.append(
            {
                "index": index,
                "message": {"role": "assistant", "content": text, "refusal": None},
                "logprobs": _logprobs(request, tokens),
                "finish_reason": own[-1].finish_reason,
            }
        )
    return ChatCompletion.model_validate(
        {
            "id": new_id("chatcmpl-"),
            "object": "chat.completion",
            "created": now(),
            "model": request.model,
            "choices": choices,
            "usage": _usage(prompt, pieces).model_dump(),
        }
    )


async def _chunks(
    request: CreateCompletion, prompt: int, pieces: AsyncIterator[Piece]
) -> AsyncIterator[str]:
    head = {
        "id": new_id("chatcmpl-"),
        "object": "chat.completion.chunk",
        "created": now(),
        "model": request.model,
    }
    usage = request.stream_options is not None and request.stream_options.include_usage
    seen: list[Piece] = []

    def event(choices: list[dict[str, Any]], **more: Any) -> str:
        chunk = ChatCompletionChunk.model_validate({**head, "choices": choices, **more})
        return f"data: {chunk.model_dump_json(exclude_unset=True)}\n\n"

    for index in range(request.n):
        first = {"role": "assistant", "content": ""}
        yield event([{"index": index, "delta": first, "finish_reason": None}])
    try:
        async for piece in pieces:
            seen.append(piece)
            if piece.text or piece.tokens:
                delta = {"content": piece.text}
                logprobs = _logprobs(request, piece.tokens)
                choice = {"index": piece.index, "delta": delta, "logprobs": logprobs}
                yield event([{**choice, "finish_reason": None}])
            if piece.finish_reason:
                yield event(
                    [{"index": piece.index, "delta": {}, "finish_reason": piece.finish_reason}]
                )
    except Exception as error:
        # The status was sent long ago; the clients know an error among the events.
        yield f"data: {_json(body(str(error), type='server_error'))}\n\n"
        return
    if usage:
        yield event([], usage=_usage(prompt, seen).model_dump())
    yield "data: [DONE]\n\n"


def _json(value: Any) -> str:
    import json

    return json.dumps(value)
