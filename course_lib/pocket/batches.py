"""Conversations as packed rows of tokens with loss weights, in the order that a recipe wants."""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from course_lib.pocket.corpus import PRACTISED, Conversation, conversations, render
from course_lib.pocket.tokenizer import END, PAD, ROLES

OTHER_TOKENS_WEIGHT = 0.05  # prompt tokens: enough to learn the words, too little to drown the rest

# What the late stages have on top of the mixture, and the skills that they practise: in each, what
# was weak when it began.
EARLIER = {"drills": 0.02, "practice": 0.2, "japanese": 0.08}
LATER = {
    "drills": 0.02, "practice": 0.17, "japanese": 0.06, "plain": 0.13, "japanese plain": 0.08,
    "spelling": 0.07,
}  # fmt: skip
STRANGE = {
    "practice": 0.20, "japanese": 0.04, "plain": 0.04, "japanese plain": 0.03, "strange": 0.14,
    "japanese strange": 0.07, "spelling": 0.07,
}  # fmt: skip
LAST_BUT_ONE = {
    "practice": 0.18, "japanese": 0.02, "plain": 0.04, "japanese plain": 0.02, "strange": 0.14,
    "japanese strange": 0.05, "spelling": 0.06, "examples": 0.08,
}  # fmt: skip
STRANGER = {
    "practice": 0.16, "strange": 0.20, "japanese strange": 0.10, "spelling": 0.05, "examples": 0.08,
}  # fmt: skip
LAST = {
    "practice": 0.22, "strange": 0.22, "japanese strange": 0.10, "spelling": 0.08, "examples": 0.04,
}  # fmt: skip
AGAIN = {
    "practice": 0.20, "strange": 0.26, "japanese strange": 0.13, "spelling": 0.06, "examples": 0.03,
}  # fmt: skip
CLAUSES = {
    "practice": 0.19, "strange": 0.10, "clauses": 0.22, "japanese strange": 0.05,
    "japanese clauses": 0.10, "spelling": 0.05, "examples": 0.03,
}  # fmt: skip
FORMS = {
    "practice": 0.20, "forms": 0.17, "strange": 0.06, "clauses": 0.15, "japanese strange": 0.03,
    "japanese clauses": 0.07, "spelling": 0.03, "examples": 0.02,
}  # fmt: skip
CLAUSES_AGAIN = {
    "practice": 0.16, "forms": 0.09, "strange": 0.08, "clauses": 0.25, "japanese strange": 0.04,
    "japanese clauses": 0.12, "examples": 0.02,
}  # fmt: skip
PAGES = {
    "practice": 0.10, "forms": 0.08, "strange": 0.08, "clauses": 0.34, "japanese strange": 0.02,
    "japanese clauses": 0.16, "examples": 0.01,
}  # fmt: skip
TYPES = {
    "practice": 0.09, "forms": 0.08, "strange": 0.06, "clauses": 0.35, "japanese strange": 0.02,
    "japanese clauses": 0.18, "examples": 0.01,
}  # fmt: skip
WEAK = (
    *("arithmetic", "sorting", "sorting", "sorting", "sorting"),
    *("counting", "counting", "ordering", "comparing", "comparing", "capitals"),
)
WEAKEST = (
    *("arithmetic", "arithmetic", "sorting", "sorting", "sorting", "ordering", "comparing"),
    *("counting", "counting", "counting", "counting", "capitals"),
)
NUMBERS = (
    *("arithmetic", "arithmetic", "arithmetic", "arithmetic"),
    *("sorting", "sorting", "sorting", "sorting"),
    *("counting", "counting", "counting", "counting", "capitals"),
)
COUNTING = (
    *("arithmetic", "arithmetic", "arithmetic", "sorting", "sorting", "sorting", "sorting"),
    *("counting", "counting", "counting", "counting", "counting", "capitals", "capitals"),
)
COUNTING_MORE = (
    *("arithmetic", "arithmetic", "arithmetic", "sorting", "sorting", "sorting", "capitals"),
    *("counting", "counting", "counting", "counting", "counting", "counting", "capitals"),
)
CAPITALS = (
    *("arithmetic", "arithmetic", "arithmetic", "arithmetic", "sorting", "sorting"),
    *("counting", "counting", "counting", "capitals", "capitals", "capitals", "capitals"),
)
CAPITALS_MORE = (
    *("arithmetic", "arithmetic", "sorting", "counting"),
    *("capitals", "capitals", "capitals", "capitals", "capitals", "capitals"),
)


@dataclass(frozen=True)
class Stage:
    """A stretch of the pretraining; the pairs go linearly from their first number to their second.

    Args:
        steps: optimizer steps.
        rows: rows of tokens a step.
        length: tokens a row.
        facts: facts in a passage at the most.
        muon_lr: learning rate of Muon; AdamW's is `Recipe.adam_share` of it.
        extra: see `conversations`.
        practised: see `conversations`.
    """

    steps: int
    rows: int
    length: int
    facts: tuple[int, int]
    muon_lr: tuple[float, float]
    extra: Mapping[str, float] = field(default_factory=dict)
    practised: tuple[str, ...] = PRACTISED


@dataclass(frozen=True)
class Recipe:
    """Every number of the pretraining.

    Short rows first, because attention to nearby text is learnt sooner and costs less; long rows
    then stretch it to whole pages. The first four stages learn the words, the forms and how to
    copy. Looking up a key is learnt from the fifth on, with smaller steps, a third of the learning
    rate and many drills.
    """

    stages: tuple[Stage, ...] = (
        Stage(100, 32, 192, (3, 3), (0.0, 0.02)),
        Stage(2100, 32, 192, (3, 8), (0.02, 0.02)),
        Stage(300, 14, 448, (8, 8), (0.02, 0.02)),
        Stage(350, 14, 448, (8, 8), (0.02, 0.0)),
        Stage(100, 12, 160, (3, 3), (0.0, 0.006), {"drills": 0.3, "practice": 0.1}),
        Stage(800, 12, 160, (3, 4), (0.006, 0.006), {"drills": 0.3, "practice": 0.1}),
        Stage(3250, 12, 192, (3, 4), (0.006, 0.006), {"drills": 0.05, "practice": 0.15}),
        Stage(4000, 12, 192, (4, 6), (0.006, 0.005), EARLIER),
        Stage(3000, 12, 192, (5, 7), (0.005, 0.004), LATER, WEAK),
        Stage(2000, 9, 256, (7, 7), (0.004, 0.003), STRANGE, WEAK),
        Stage(3500, 9, 256, (7, 8), (0.003, 0.00175), LAST_BUT_ONE, WEAKEST),
        Stage(2000, 9, 256, (8, 8), (0.00175, 0.00113), STRANGER, WEAKEST),
        Stage(3500, 9, 256, (8, 8), (0.00113, 0.0003), LAST, NUMBERS),
        Stage(500, 5, 448, (8, 8), (0.0003, 0.0), LAST, NUMBERS),
        Stage(100, 9, 256, (8, 8), (0.0, 0.003), AGAIN, NUMBERS),
        Stage(1900, 9, 256, (8, 8), (0.003, 0.00262), AGAIN, NUMBERS),
        Stage(6500, 9, 256, (8, 8), (0.00262, 0.00168), CLAUSES, COUNTING),
        Stage(6000, 9, 256, (8, 8), (0.00168, 0.00082), FORMS, COUNTING_MORE),
        Stage(7000, 9, 256, (8, 8), (0.00082, 0.0001), CLAUSES_AGAIN, CAPITALS),
        Stage(500, 5, 448, (8, 8), (0.0001, 0.0), CLAUSES_AGAIN, CAPITALS),
        Stage(100, 9, 256, (8, 8), (0.0, 0.001), PAGES, CAPITALS_MORE),
        Stage(2400, 9, 256, (8, 8), (0.001, 0.0), PAGES, CAPITALS_MORE),
        Stage(100, 9, 256, (8, 8), (0.0, 0.0014), TYPES, CAPITALS_MORE),
        Stage(5900, 9, 256, (8, 8), (0.0014, 0.0), TYPES, CAPITALS_MORE),
    )
    adam_share: float = 0.15
    weight_decay: float = 0.01
    vocab_size: int = 3840
    tokenizer_conversations: int = 20_000  # what the merges are learnt from
    width: int = 256  # a multiple of 64: bitsandbytes' 4-bit blocks need that on a CPU
    layers: int = 6
    save_every: int = 500
    seed: int = 0

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    def at(self, step: int) -> tuple[Stage, float]:
        """Find a step's stage, and how far through that stage it is, from 0 to 1.

        Example:
            >>> stage, share = Recipe().at(1150)
            >>> stage.length, share
            (192, 0.5)
        """
        for stage in self.stages:
            if step < stage.steps:
                return stage, step / stage.steps
            step -= stage.steps
        raise IndexError("the recipe has no such step")

    def tokens(self, start: int, stop: int) -> int:
        """Count the tokens of some steps, padding included."""
        total = 0
        for stage in self.stages:
            total += max(0, min(stop, stage.steps) - max(start, 0)) * stage.rows * stage.length
            start, stop = start - stage.steps, stop - stage.steps
        return total


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
    tokenizer: PreTrainedTokenizerFast,
    *,
    seed: int,
    rows: int,
    length: int,
    most_facts: int,
    extra: Mapping[str, float] | None = None,
    practised: Sequence[str] = PRACTISED,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Pack conversations into rows of equal length.

    Args:
        tokenizer: the pocket tokenizer.
        seed: of the stream.
        rows: rows a batch.
        length: tokens a row, plus one (inputs and targets are shifted views of it).
        most_facts: see `conversations`.
        extra: see `conversations`.
        practised: see `conversations`.

    Yields:
        Token ids and loss weights, each of shape (rows, length + 1); padding has weight 0.
    """
    stream = conversations(seed, most_facts, extra=extra, practised=practised)
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

    The stream starts anew every 100 steps, so a resumed run can enter it at its place. Each hundred
    is of the stage that its first step belongs to.

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
        for first in range(start // 100 * 100, recipe.steps, 100):
            stage, share = recipe.at(first)
            low, high = stage.facts
            stream = packed_batches(
                tokenizer,
                seed=recipe.seed * 10**5 + first // 100,
                rows=stage.rows,
                length=stage.length,
                most_facts=low + round((high - low) * share),
                extra=stage.extra,
                practised=stage.practised,
            )
            for step, (ids, weights) in zip(range(first, first + 100), stream, strict=False):
                if step >= start:
                    ahead.put((torch.from_numpy(ids), torch.from_numpy(weights)))

    threading.Thread(target=produce, daemon=True).start()
    while True:
        batch = ahead.get()
        if isinstance(batch, Exception):
            raise batch
        yield batch
