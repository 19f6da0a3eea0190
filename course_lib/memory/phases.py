"""The moments of a training step at which memory can peak, and what is alive at each.

Bytes, by part: ``gradients``, ``activations``, ``logits`` and, where GRPO generates, ``kv_cache``.
Weights and the optimiser's state are there at every moment and are no part of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from course_lib.memory.layers import linear_sizes, stored_per_token

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape

# TRL's fused head works through the logits in tiles of at most this size.
TILE_TOKENS, TILE_VOCABULARY = 4096, 32768


@dataclass(frozen=True)
class Step:
    """A training step on paper.

    Args:
        shape: The model's shape.
        method: ``full``, ``lora`` or ``qlora``.
        trainer: ``sft``, ``dpo`` or ``grpo``.
        seq_len: Tokens a row.
        answer: How many of them are scored.
        rows: Rows of a micro-batch; a pair of DPO's is two.
        accumulation: Micro-batches.
        rank: The adapter's rank.
        targets: The layers with an adapter.
        saved: Modules trained in full beside it.
        dropout: The adapter's dropout.
        size: Bytes of the compute type.
        trained_size: Bytes of a trained parameter.
        trainable: How many parameters are trained.
        scratch: Bytes that the optimiser's step needs for a moment.
        checkpointing: Whether activations are recomputed.
        fused_head: TRL's head, or one that holds all logits.
        attention: ``efficient``, ``flash`` or ``math``.
        padding_free: Whether the micro-batch is one long row.
        reference: Whether a reference model is asked.

    Example:
        >>> from course_lib.memory import estimate
        >>> from course_lib.catalog import shape
        >>> estimate(shape("Qwen3-0.6B"), method="full", seq_len=512, batch=1).phase
        'update'
    """

    shape: ModelShape
    method: str
    trainer: str
    seq_len: int
    answer: int
    rows: int
    accumulation: int
    rank: int
    targets: Sequence[str]
    saved: Sequence[str]
    dropout: float
    size: int
    trained_size: int
    trainable: int
    scratch: int
    checkpointing: bool
    fused_head: bool
    attention: str
    padding_free: bool
    reference: bool

    def phases(self) -> dict[str, dict[str, float]]:
        """Return what is alive at each moment that this trainer has, in bytes by part."""
        found = {"loss": self._loss(), "backward": self._backward(), "update": self._update()}
        if self.reference and self.trainer == "dpo":
            found["reference"] = self._reference()
        if self.trainer == "grpo":
            found["generation"] = self._generation()
        return found

    def _loss(self) -> dict[str, float]:
        """Everything that the backward pass needs is stored, and the logits are there."""
        # A head that holds all logits runs under autocast and leaves its 16-bit copy.
        head = 0 if self.fused_head or not self.casts else self.table * self.size
        # The fused one sums its gradient up in fp32, and hands it over in the weight's own type.
        summing = self.head_trained * self.table * (4.0 if self.trained_size == 4 else 6.0)
        return {
            "gradients": self.waiting + (summing if self.fused_head else 0),
            "activations": self.stored + self.casts + head,
            "logits": self.logits,
        }

    def _backward(self) -> dict[str, float]:
        """The first layer to go back through is recomputed, if it has to be, and unrolled."""
        # A head of its own has handed its gradient over; a tied one waits for the embedding's.
        tied = self.shape.tied * self.head_gradient if self.waiting else 0.0
        # Where nothing is recomputed, the layer unrolled is already among the stored ones.
        again = self.layer if self.checkpointing else self.casts
        return {
            "gradients": max(self.waiting, self.head_gradient) + tied,
            "activations": self.stored + again + self.unrolled,
            "logits": 0.0,
        }

    def _update(self) -> dict[str, float]:
        """The activations are gone, every gradient is there."""
        # The first layer is gone through before the embedding gets its gradient; a tied table has
        # its own from the head on.
        late = (self.full and not self.shape.tied) or "embed_tokens" in self.saved
        missing = self.table * self.trained_size if late and not self.waiting else 0
        # Of a tied table: what is there is counted; the head's, the embedding's, and their sum.
        sums = (3 if self.waiting else 2) * self.head_gradient if self.shape.tied else 0.0
        return {
            "gradients": self.gradients,
            "activations": max(
                self.entering + max(0.0, self.layer + self.unrolled - missing), sums, self.scratch
            ),
            "logits": 0.0,
        }

    def _reference(self) -> dict[str, float]:
        """The reference model reads the pairs, with casts of its own, while all is stored."""
        own = self.casts * (1 if self.checkpointing else 2)
        return {"gradients": self.waiting, "activations": self.stored + own, "logits": self.logits}

    def _generation(self) -> dict[str, float]:
        """The answers of a whole step: reading the prompts, or the last token of the longest."""
        shape, rows = self.shape, self.rows * self.accumulation
        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        per_token = keys * (self.wide + self.size)  # rotated keys are as wide as the stream
        asked = max(self.seq_len - self.answer, 1)
        reading = rows * asked * (12 * shape.intermediate + 11 * shape.hidden + 3 * asked)
        # One layer's cache is copied as it grows, and repeated for its heads; then the logits, the
        # same in fp32, and their probabilities.
        last = rows * self.seq_len * (per_token + 2 * queries * self.size)
        last += rows * shape.vocab * (self.size + 4 + 4)
        # A fully trained model speaks under autocast, which casts its head too.
        casts = self.casts + (self.table * self.size if self.casts else 0)
        begun, done = (shape.layers * rows * n * per_token for n in (asked, self.seq_len))
        if begun + reading > done + last:
            return {"activations": casts + reading, "kv_cache": float(begun)}
        return {"activations": casts + last, "kv_cache": float(done)}

    @property
    def full(self) -> bool:
        """Whether every weight is trained."""
        return self.method == "full"

    @cached_property
    def tokens(self) -> int:
        """Tokens of a micro-batch."""
        return self.rows * self.seq_len

    @cached_property
    def width(self) -> int:
        """Tokens that each is masked against."""
        return self.tokens if self.padding_free else self.seq_len

    @cached_property
    def wide(self) -> int:
        """Bytes of the residual stream: a trained embedding's own type."""
        trained = self.full or "embed_tokens" in self.saved
        return max(self.trained_size, self.size) if trained else self.size

    @cached_property
    def casts(self) -> float:
        """Autocast's 16-bit copies of weights that are trained in fp32."""
        cast = self.full and self.size < self.trained_size
        return float(self.shape.linear_parameters * self.size) if cast else 0.0

    @cached_property
    def layer(self) -> float:
        """What one layer keeps for its backward pass."""
        return self.tokens * stored_per_token(
            self.shape,
            method=self.method,
            seq_len=self.width,
            rank=self.rank,
            targets=list(linear_sizes(self.shape)) if self.full else self.targets,
            size=self.size,
            attention=self.attention,
            casts=self.size < self.trained_size,
            dropout=self.dropout,
            wide=not self.full and self.wide > self.size,
        )

    @cached_property
    def entering(self) -> float:
        """What enters a layer: all that checkpointing stores of it."""
        return float(self.tokens * self.shape.hidden * self.wide)

    @cached_property
    def stored(self) -> float:
        """What all layers keep when the forward pass ends."""
        return self.shape.layers * (self.entering if self.checkpointing else self.layer)

    @cached_property
    def unrolled(self) -> float:
        """Gradients alive inside a layer: the MLP's, or those of scores that are held."""
        shape = self.shape
        casts = self.size < self.trained_size and self.method != "qlora"
        mlp = (4 if casts else 2) * shape.intermediate * self.size
        found = self.tokens * mlp
        if self.attention == "math":
            # fp32, before and after the softmax; the MLP's part is gone by then.
            found = max(found, self.tokens * (2 * 4 * shape.heads * self.width - mlp))
        if self.method == "qlora":  # one weight matrix, unpacked for its product
            found += shape.hidden * shape.intermediate * self.size
        if self.dropout and self.method == "lora":  # what the widest adapter reads, in fp32
            found += self.tokens * 4 * max(linear_sizes(shape)[name][0] for name in self.targets)
        return float(found)

    @property
    def table(self) -> int:
        """Parameters of the embedding, and of the head."""
        return self.shape.vocab * self.shape.hidden

    @property
    def head_trained(self) -> bool:
        """Whether the head gets a gradient."""
        return self.full or "lm_head" in self.saved

    @property
    def head_gradient(self) -> float:
        """The head's gradient, once it is handed over."""
        return float(self.table * self.trained_size * self.head_trained)

    @property
    def gradients(self) -> float:
        """All gradients."""
        return float(self.trainable * self.trained_size)

    @property
    def waiting(self) -> float:
        """Gradients that wait for the next micro-batch."""
        return self.gradients if self.accumulation > 1 else 0.0

    @cached_property
    def logits(self) -> float:
        """The head's tile of logits with what goes in, or all of them."""
        shape, size = self.shape, self.size
        if not self.fused_head:
            # fp32 logits, their log-softmax and its gradient, all alive at once.
            return 12.0 * self.tokens * shape.vocab
        # On a CPU no kernel picks the answers' tokens out.
        scored = self.rows * self.answer if size == 2 else self.tokens
        rows, columns = min(scored, TILE_TOKENS), min(shape.vocab, TILE_VOCABULARY)
        # The tile is as wide as its limit, however small the vocabulary. On a CPU no kernel folds
        # it in place: seven copies of its used columns are alive together.
        copies = 0 if size == 2 else 7
        tile = rows * (TILE_VOCABULARY + copies * columns) * size
        hidden = self.tokens * shape.hidden * (4 + 4 + 3 * size)
        weight = columns * shape.hidden * size if self.full else 0
        return float(tile + hidden + weight)
