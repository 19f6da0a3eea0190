"""Conversations as packed rows of tokens with loss weights, in the order that a recipe wants."""

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from course_lib.pocket.corpus import Conversation, conversations, render
from course_lib.pocket.tokenizer import END, PAD, ROLES

OTHER_TOKENS_WEIGHT = 0.05  # prompt tokens: enough to learn the words, too little to drown the rest


@dataclass(frozen=True)
class Recipe:
    """Every number of the pretraining.

    The two stages share `tokens_per_step`: short rows first, because attention to nearby text is
    learnt sooner and costs less; long rows then stretch it to whole pages.
    """

    steps: int = 2850
    tokens_per_step: int = 6272
    short_steps: int = 2200
    short_length: int = 192
    long_length: int = 448
    ramp_steps: int = 2200  # passages grow from three facts to eight meanwhile
    muon_lr: float = 0.02
    adam_lr: float = 3e-3
    warmup_steps: int = 100
    decay_steps: int = 350
    weight_decay: float = 0.01
    vocab_size: int = 3840
    tokenizer_conversations: int = 20_000  # what the merges are learnt from
    width: int = 256  # a multiple of 64: bitsandbytes' 4-bit blocks need that on a CPU
    layers: int = 6
    save_every: int = 250
    seed: int = 0


def encode(
    batch: list[Conversation], tokenizer: PreTrainedTokenizerFast
) -> list[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Turn conversations into token ids and a loss weight for each token."""
    backend = tokenizer.backend_tokenizer
    end = tokenizer.convert_tokens_to_ids(END)
    assistant = tokenizer.convert_tokens_to_ids(ROLES["assistant"])
    encoded = backend.encode_batch_fast([render(c) for c in batch], add_special_tokens=False)
    rows = []
    for conversation, encoding in zip(batch, encoded, strict=True):
        ids = np.array(encoding.ids, dtype=np.int64)
        weights = np.full(len(ids), OTHER_TOKENS_WEIGHT, dtype=np.float32)
        ends = np.flatnonzero(ids == end)
        starts = np.flatnonzero(ids == assistant)
        replies = [t for t in conversation if t["role"] == "assistant"]
        for start, reply in zip(starts, replies, strict=True):
            stop = ends[ends > start][0]
            if reply.get("train", True):
                weights[start + 1 : stop + 1] = 1.0
        rows.append((ids, weights))
    return rows


def packed_batches(
    tokenizer: PreTrainedTokenizerFast, *, seed: int, rows: int, length: int, most_facts: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Pack conversations into rows of equal length.

    Args:
        tokenizer: the pocket tokenizer.
        seed: of the stream.
        rows: rows a batch.
        length: tokens a row, plus one (inputs and targets are shifted views of it).
        most_facts: see `conversations`.

    Yields:
        Token ids and loss weights, each of shape (rows, length + 1); padding has weight 0.
    """
    stream = conversations(seed, most_facts)
    pad = tokenizer.convert_tokens_to_ids(PAD)
    pool: list[tuple[NDArray[np.int64], NDArray[np.float32]]] = []
    while True:
        ids = np.full((rows, length + 1), pad, dtype=np.int64)
        weights = np.zeros((rows, length + 1), dtype=np.float32)
        for i in range(rows):
            filled = 0
            while True:
                if len(pool) < 64:
                    fresh = encode([next(stream) for _ in range(256)], tokenizer)
                    pool += [r for r in fresh if len(r[0]) <= length]
                # First fit from the oldest: rows end up nearly full, nothing waits for long.
                fit = next((k for k in range(64) if len(pool[k][0]) <= length + 1 - filled), None)
                if fit is None:
                    break
                row_ids, row_weights = pool.pop(fit)
                ids[i, filled : filled + len(row_ids)] = row_ids
                weights[i, filled : filled + len(row_ids)] = row_weights
                filled += len(row_ids)
        yield ids, weights


def schedule(
    tokenizer: PreTrainedTokenizerFast, recipe: Recipe, start: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Make the batches of a whole pretraining in a thread, a few ahead of the training.

    The stream starts anew every 100 steps, so a resumed run can enter it at its place.

    Args:
        tokenizer: the pocket tokenizer.
        recipe: lengths of the rows, of the passages and of the run.
        start: the first step.

    Yields:
        Token ids and loss weights of one step.

    Example:
        >>> ids, weights = next(schedule(tokenizer, Recipe(), 0))  # doctest: +SKIP
    """
    ahead: queue.Queue[tuple[Tensor, Tensor] | Exception] = queue.Queue(maxsize=4)

    def produce() -> None:
        try:
            put_all()
        except Exception as error:  # a thread that died silently would leave the loop waiting
            ahead.put(error)

    def put_all() -> None:
        for chunk in range(start // 100, recipe.steps // 100 + 1):
            short = chunk * 100 < recipe.short_steps
            length = recipe.short_length if short else recipe.long_length
            ramp = min(1.0, chunk * 100 / recipe.ramp_steps)
            stream = packed_batches(
                tokenizer,
                seed=recipe.seed * 10**5 + chunk,
                rows=recipe.tokens_per_step // length,
                length=length,
                most_facts=3 + round(5 * ramp),
            )
            for step, (ids, weights) in zip(
                range(chunk * 100, chunk * 100 + 100), stream, strict=False
            ):
                if step >= start:
                    ahead.put((torch.from_numpy(ids), torch.from_numpy(weights)))

    threading.Thread(target=produce, daemon=True).start()
    while True:
        batch = ahead.get()
        if isinstance(batch, Exception):
            raise batch
        yield batch
