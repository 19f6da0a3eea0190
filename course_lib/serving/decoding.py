"""Answers token by token: several at once, sampled, stopped, constrained, with their likelihoods.

``model.generate`` with a streamer takes one answer at a time and hands out neither likelihoods nor
a place to stop within a token's text; the API promises all of them, so the loop stands here. What
changes the likelihoods (temperature, top_p) is transformers' own, and JSON is llguidance's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

_UNFINISHED = "�"


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn.

    Attributes:
        n: How many answers.
        max_tokens: The longest answer.
        temperature: 0 takes the likeliest token always.
        top_p: Draws from the likeliest tokens that together have this share.
        stop: Texts at which an answer ends; they are no part of it.
        seed: The same seed draws the same answers; None draws others each time.
        top_logprobs: How many of the likeliest tokens are told for each; None tells none.
        schema: A JSON schema that each answer must follow; None lets it be text.
    """

    n: int = 1
    max_tokens: int = 256
    temperature: float = 1.0
    top_p: float = 1.0
    stop: Sequence[str] = ()
    seed: int | None = None
    top_logprobs: int | None = None
    schema: dict[str, Any] | None = None


@dataclass(frozen=True)
class Token:
    """A token, its log-likelihood before temperature and top_p, and the likeliest in its place."""

    text: str
    bytes: list[int]
    logprob: float
    top: list[tuple[str, list[int], float]] = field(default_factory=list)


@dataclass(frozen=True)
class Piece:
    """What came of one answer in one step.

    Attributes:
        index: Which answer.
        text: New text; may be empty while a character or a stop text is incomplete.
        tokens: New tokens, where likelihoods are wanted.
        finish_reason: stop or length with the last piece, else None.
        count: Tokens of this answer so far.
    """

    index: int
    text: str
    tokens: list[Token]
    finish_reason: str | None
    count: int


def decode(
    model: Any, tokenizer: Any, prompt: Sequence[int], sampling: Sampling
) -> Iterator[Piece]:
    """Answer a prompt.

    Args:
        model: A causal LM.
        tokenizer: Its tokenizer.
        prompt: Token ids, ending where the answer begins.
        sampling: How.

    Yields:
        Pieces as they come; each answer's last has its finish reason.

    Example:
        >>> "".join(piece.text for piece in decode(model, tokenizer, ids, Sampling()))
        ... # doctest: +SKIP
        'We open at ten.'
    """
    import torch

    answers = [_Answer(index, tokenizer, sampling, _ends(model)) for index in range(sampling.n)]
    generator = torch.Generator("cpu")
    if sampling.seed is None:
        generator.seed()
    else:
        generator.manual_seed(sampling.seed)
    warpers = _warpers(sampling)
    ids = torch.tensor([list(prompt)] * sampling.n, device=model.device)
    cache: Any = None
    while any(answer.finish_reason is None for answer in answers):
        with torch.inference_mode():
            output = model(input_ids=ids, past_key_values=cache, use_cache=True)
        cache, logits = output.past_key_values, output.logits[:, -1].float().cpu()
        for answer in answers:
            answer.allow(logits[answer.index])
        likelihoods = logits.log_softmax(-1)
        scores = logits
        for warper in warpers:
            scores = warper(None, scores)
        chosen = _draw(scores, sampling.temperature, generator)
        for answer in answers:
            if answer.finish_reason is None:
                yield answer.take(int(chosen[answer.index]), likelihoods[answer.index])
        ids = chosen[:, None].to(model.device)


def _draw(scores: torch.Tensor, temperature: float, generator: torch.Generator) -> torch.Tensor:
    import torch

    if temperature == 0:
        return scores.argmax(-1)
    return torch.multinomial(scores.softmax(-1), 1, generator=generator)[:, 0]


def _warpers(sampling: Sampling) -> list[Any]:
    from transformers import TemperatureLogitsWarper, TopPLogitsWarper

    warpers: list[Any] = []
    if sampling.temperature not in (0, 1):
        warpers.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_p < 1 and sampling.temperature > 0:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    return warpers


def _ends(model: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return {ends} if isinstance(ends, int) else set(ends or ())


class _Answer:
    """One answer as it grows."""

    def __init__(self, index: int, tokenizer: Any, sampling: Sampling, ends: set[int]) -> None:
        self.index = index
        self.finish_reason: str | None = None
        self._tokenizer, self._sampling = tokenizer, sampling
        self._ends = ends | {tokenizer.eos_token_id}
        self._ids: list[int] = []
        self._given = 0  # characters that were handed out
        self._matcher = None if sampling.schema is None else _matcher(tokenizer, sampling.schema)

    def allow(self, logits: torch.Tensor) -> None:
        """Rule out, in place, what the schema does not allow next."""
        if self._matcher is None or self.finish_reason is not None:
            return
        import llguidance.torch as guidance

        mask = guidance.allocate_token_bitmask(1, logits.shape[-1])
        guidance.fill_next_token_bitmask(self._matcher, mask)
        guidance.apply_token_bitmask_inplace(logits[None], mask)

    def take(self, token: int, likelihoods: torch.Tensor) -> Piece:
        """Add a token, and say what text there is more."""
        if self._matcher is not None:
            self._matcher.consume_token(token)
        if token in self._ends:
            return self._piece([], "stop")
        self._ids.append(token)
        tokens = self._told(token, likelihoods)
        text = self._text()
        stopped = min(
            (at for stop in self._sampling.stop if (at := text.find(stop)) >= 0), default=-1
        )
        if stopped >= 0:
            return self._piece(tokens, "stop", text[:stopped])
        if self._matcher is not None and self._matcher.is_stopped():
            return self._piece(tokens, "stop")
        return self._piece(
            tokens, "length" if len(self._ids) >= self._sampling.max_tokens else None
        )

    def _piece(self, tokens: list[Token], finish: str | None, text: str | None = None) -> Piece:
        text = self._text() if text is None else text
        self.finish_reason = finish
        end = len(text) if finish else self._sure(text)
        new, self._given = text[self._given : end], max(self._given, end)
        return Piece(self.index, new, tokens, finish, len(self._ids))

    def _text(self) -> str:
        text: str = self._tokenizer.decode(self._ids, skip_special_tokens=True)
        return text

    def _sure(self, text: str) -> int:
        """How much of the text no later token can change or make part of a stop text."""
        end = len(text.rstrip(_UNFINISHED))
        for stop in self._sampling.stop:
            for length in range(min(len(stop) - 1, end), 0, -1):
                if text[:end].endswith(stop[:length]):
                    end -= length
                    break
        return max(end, self._given)

    def _told(self, token: int, likelihoods: torch.Tensor) -> list[Token]:
        if self._sampling.top_logprobs is None:
            return []
        best = (
            likelihoods.topk(self._sampling.top_logprobs) if self._sampling.top_logprobs else None
        )
        top = (
            []
            if best is None
            else [
                (*self._shown(int(other)), _finite(float(value)))
                for value, other in zip(best.values, best.indices, strict=True)
            ]
        )
        return [Token(*self._shown(token), _finite(float(likelihoods[token])), top)]

    def _shown(self, token: int) -> tuple[str, list[int]]:
        text: str = self._tokenizer.decode([token])
        return text, list(text.encode())


def _finite(logprob: float) -> float:
    # What a schema ruled out has no likelihood at all, and JSON no infinity; the API says -9999.
    return max(logprob, -9999.0)


@lru_cache(maxsize=4)
def _vocabulary(tokenizer: Any) -> Any:
    import llguidance.hf

    return llguidance.hf.from_tokenizer(tokenizer)


def _matcher(tokenizer: Any, schema: dict[str, Any]) -> Any:
    import json

    from llguidance import LLMatcher

    grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema))
    return LLMatcher(_vocabulary(tokenizer), grammar)
