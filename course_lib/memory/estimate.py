"""Predict the peak memory of a training step, part by part, from the model's shape alone.

Plain arithmetic over what the installed libraries keep alive: transformers' decoder layers under
autocast, PEFT's adapters, bitsandbytes' 4-bit weights and TRL's fused head. `trace` checks it.
A step peaks in one of a few phases, and the estimate is the largest of them:

- *generation*: GRPO only: the answers of a whole step are generated, with a key-value cache;
- *reference*: DPO only: the reference model reads the pairs while everything is stored;
- *loss*: everything the backward pass will need is stored, and the logits are there;
- *backward*: the first layer to go back through is recomputed (with checkpointing) and unrolled;
- *update*: the activations are gone, every gradient is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.memory.layers import linear_sizes, stored_per_token, target_names
from course_lib.memory.optimizers import scratch_bytes, state_bytes, trained_tensors

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape

GIB = 2**30

METHODS = ("full", "lora", "qlora")
TRAINERS = ("sft", "dpo", "grpo")
ATTENTION = ("efficient", "flash", "math")
SAVED = ("embed_tokens", "lm_head")

# Bits a parameter: 4 of its own, and the scale of its block of 64 as fp32 or as 8 bits with a
# scale of their own for every 256 blocks.
NF4_BITS = {False: 4 + 32 / 64, True: 4 + 8 / 64 + 32 / (64 * 256)}

# TRL's fused head works through the logits in tiles of at most this size.
TILE_TOKENS, TILE_VOCABULARY = 4096, 32768

# The CUDA context and the allocator's fragments, and on a CPU Python with the libraries loaded.
CUDA_OVERHEAD_GIB = 0.5
CPU_OVERHEAD_GIB = 0.6


@dataclass(frozen=True)
class MemoryEstimate:
    """The peak of a training step and what it is made of.

    Args:
        parts: GiB of each part at the moment of the peak; they add up to the peak.
        phase: The moment of the peak: ``loss``, ``backward``, ``update``, and for the trainers that
            have them ``reference`` or ``generation``.
        trainable: How many parameters are trained.
    """

    parts: dict[str, float]
    phase: str
    trainable: int

    @property
    def peak_gib(self) -> float:
        """The peak, everything included: what must be below the card's visible memory."""
        return sum(self.parts.values())

    @property
    def allocated_gib(self) -> float:
        """The peak without context and allocator: what ``max_memory_allocated`` reports."""
        return self.peak_gib - self.parts["context"]


def estimate(
    shape: ModelShape,
    *,
    method: str,
    seq_len: int,
    batch: int,
    rank: int = 16,
    targets: str | Sequence[str] = "all-linear",
    checkpointing: bool = True,
    optimizer: str = "adamw_torch_fused",
    dtype: str = "float16",
    trainable_dtype: str = "float32",
    double_quant: bool = True,
    accumulation: int = 1,
    fused_head: bool = True,
    attention: str = "efficient",
    trainer: str = "sft",
    completion_len: int | None = None,
    reference: bool | None = None,
    padding_free: bool = False,
    modules_to_save: Sequence[str] = (),
    dropout: float = 0.0,
) -> MemoryEstimate:
    """Predict the peak memory of one training step.

    Args:
        shape: The model's shape, from `resolve` or the catalog.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row, prompt and padding included.
        batch: Rows a micro-batch; pairs for DPO, answers for GRPO.
        rank: The adapter's rank; 16, because quality hardly moves with it.
        targets: Layers that get an adapter; all of them, because that is what matches full
            fine-tuning.
        checkpointing: Recompute activations in the backward pass (about a third more time).
        optimizer: transformers' name for the optimiser; its default is fused AdamW.
        dtype: The compute type: ``float16`` on a T4, ``float32`` on a CPU.
        trainable_dtype: The type of trained parameters; fp32, because fp16 ones cannot be trained.
        double_quant: Whether QLoRA quantises its scales as well.
        accumulation: Micro-batches a step; above 1, gradients stay while the next one runs, and
            GRPO generates the answers of all of them at once.
        fused_head: TRL's head; False is a plain `Trainer`, which holds all logits.
        attention: ``efficient`` for rows with a mask; ``flash`` where the card has such a kernel
            and no mask is needed; ``math`` where neither fits (bf16 on a T4) and the scores are
            held.
        trainer: ``sft``, ``dpo`` or ``grpo``: whose loss.
        completion_len: How many of a row's tokens are the answer, the only ones that a GPU's head
            scores; None: all, for GRPO half.
        reference: Whether the loss asks a reference model as it runs; None: DPO yes (no with
            ``precompute_ref_log_probs``), GRPO no (its beta is 0). Full fine-tuning keeps a copy of
            the model for it, an adapter is switched off instead.
        padding_free: One long row in place of a micro-batch, as SFT's ``packing`` makes; its mask
            is as wide as the whole micro-batch.
        modules_to_save: PEFT's: ``embed_tokens``, ``lm_head`` trained in full beside the adapter.
        dropout: The adapter's dropout; above 0, each layer keeps a thinned copy of what it reads.

    Returns:
        The estimate.

    Raises:
        CourseError: An unknown method, trainer, optimiser, kernel, module or target, or a size
            below 1.

    Example:
        >>> from course_lib.catalog import shape
        >>> e = estimate(shape("Qwen2.5-0.5B-Instruct"), method="lora", seq_len=384, batch=2)
        >>> e.phase, round(e.peak_gib, 1)
        ('update', 1.6)
    """
    answer = completion_len
    if answer is None:
        answer = max(1, seq_len // 2) if trainer == "grpo" else seq_len
    _check(
        method=method,
        trainer=trainer,
        attention=attention,
        modules_to_save=modules_to_save,
        sizes={
            "seq_len": seq_len,
            "batch": batch,
            "rank": rank,
            "accumulation": accumulation,
            "completion_len": answer,
        },
    )
    if shape.model_type == "gemma2":
        attention = "math"  # it caps its scores, which no fused kernel does
    names = target_names(shape, targets)
    full = method == "full"
    size = 4 if dtype == "float32" else 2
    trained_size = 4 if trainable_dtype == "float32" else 2
    reference = trainer == "dpo" if reference is None else reference
    rows = batch * (2 if trainer == "dpo" else 1)
    tokens = rows * seq_len
    trained = trained_tensors(shape, method, rank, names, modules_to_save)
    trainable = sum(group.count * group.elements for group in trained)
    linear = shape.linear_parameters

    fixed: dict[str, float] = {}
    if full:
        fixed["weights"] = shape.parameters * trained_size
    elif method == "lora":
        fixed["weights"] = shape.parameters * size
    else:
        fixed["weights_4bit"] = linear * NF4_BITS[double_quant] / 8
        # Embeddings, head, norms and biases are never quantised.
        fixed["weights"] = (shape.parameters - linear) * size
    if reference and full:
        fixed["reference"] = shape.parameters * trained_size
    fixed["adapters"] = 0 if full else trainable * trained_size
    fixed["optimizer"] = state_bytes(optimizer, trained, trained_size)

    # A trained embedding is fp32, and so is then the residual stream behind it.
    wide = max(trained_size, size) if full or "embed_tokens" in modules_to_save else size
    layer = tokens * stored_per_token(
        shape,
        method=method,
        seq_len=tokens if padding_free else seq_len,
        rank=rank,
        targets=list(linear_sizes(shape)) if full else names,
        size=size,
        attention=attention,
        casts=size < trained_size,
        dropout=dropout,
        wide=not full and wide > size,
    )
    # Checkpointing stores only what enters each layer.
    entering = tokens * shape.hidden * wide
    stored = shape.layers * (entering if checkpointing else layer)
    casts = linear * size if full and size < trained_size else 0
    gradients = float(trainable * trained_size)
    waiting = gradients if accumulation > 1 else 0.0
    table = shape.vocab * shape.hidden
    head_trained = full or "lm_head" in modules_to_save
    head_gradient = float(table * trained_size * head_trained)
    # The fused head sums its gradient up in fp32, and hands it over in the weight's own type.
    summing = head_trained * table * (4.0 if trained_size == 4 else 6.0)
    # A tied table has its gradient from the head on.
    last = (full and not shape.tied) or "embed_tokens" in modules_to_save
    last_gradient = table * trained_size if last and accumulation == 1 else 0
    unrolled = tokens * _unrolled(
        shape, size < trained_size and method != "qlora", seq_len, size, attention
    )
    if method == "qlora":  # one weight matrix, unpacked for its product
        unrolled += shape.hidden * shape.intermediate * size
    if dropout and method == "lora":  # what the widest adapter reads, in fp32
        unrolled += tokens * 4 * max(linear_sizes(shape)[name][0] for name in names)
    # The first layer unrolled is already among the stored ones when nothing is recomputed.
    again = layer if checkpointing else 0
    # On a CPU no kernel picks the answers' tokens out.
    scored = rows * answer if size == 2 else tokens
    logits = _logits(shape, method, tokens, scored, size, fused_head)

    phases = {
        "loss": {
            "gradients": waiting + (summing if fused_head else 0),
            "activations": stored + casts + (0 if fused_head or not casts else table * size),
            "logits": logits,
        },
        "backward": {
            # A head of its own has handed its gradient over; a tied one waits for the embedding's.
            "gradients": max(waiting, head_gradient) + (waiting > 0) * shape.tied * head_gradient,
            "activations": stored + again + unrolled + (0 if checkpointing else casts),
            "logits": 0.0,
        },
        "update": {
            "gradients": gradients,
            "activations": max(
                # The first layer is gone through before the embedding gets its gradient.
                entering + max(0, layer + unrolled - last_gradient),
                # What is there (counted above), the head's, the embedding's, and their sum.
                (2 + (waiting > 0)) * head_gradient if shape.tied else 0,
                scratch_bytes(optimizer, trained, trained_size),
            ),
            "logits": 0.0,
        },
    }
    if reference and trainer == "dpo":
        phases["reference"] = {
            "gradients": waiting,
            "activations": stored + (casts if checkpointing else 2 * casts),
            "logits": logits,
        }
    if trainer == "grpo":
        phases["generation"] = _generation(
            shape, full, rows * accumulation, seq_len, answer, size, wide, casts
        )
    phase = max(phases, key=lambda name: sum(phases[name].values()))
    parts = {name: value / GIB for name, value in (fixed | phases[phase]).items()}
    parts["context"] = CPU_OVERHEAD_GIB if dtype == "float32" else CUDA_OVERHEAD_GIB
    return MemoryEstimate(parts, phase, trainable)


def _logits(
    shape: ModelShape, method: str, tokens: int, scored: int, size: int, fused: bool
) -> float:
    if not fused:
        # fp32 logits, their log-softmax and its gradient, all alive at once.
        return 12.0 * tokens * shape.vocab
    rows, columns = min(scored, TILE_TOKENS), min(shape.vocab, TILE_VOCABULARY)
    # The tile is as wide as its limit, however small the vocabulary. On a CPU no kernel folds it in
    # place: seven copies of its used columns are alive together.
    copies = 0 if size == 2 else 7
    tile = rows * (TILE_VOCABULARY + copies * columns) * size
    hidden = tokens * shape.hidden * (4 + 4 + 3 * size)
    weight = columns * shape.hidden * size if method == "full" else 0
    return float(tile + hidden + weight)


def _generation(
    shape: ModelShape,
    full: bool,
    rows: int,
    seq_len: int,
    answer: int,
    size: int,
    wide: int,
    casts: float,
) -> dict[str, float]:
    """Generating: the cache grows by a token a step, and each layer's is copied as it does."""
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    per_token = keys * (wide + size)  # rotated keys are as wide as the residual stream
    cache, prompt = rows * seq_len * per_token, rows * max(seq_len - answer, 1)
    reading = prompt * (12 * shape.intermediate + 11 * shape.hidden + 3 * (seq_len - answer))
    # The last token: one layer's cache is copied as it grows, and its heads repeated.
    last = cache + rows * seq_len * 2 * queries * size
    last += rows * shape.vocab * (size + 4 + 4)  # logits, in fp32, their probabilities
    # A fully trained model speaks under autocast, which casts its head too.
    head = shape.vocab * shape.hidden * size if casts else 0
    begun, done = (shape.layers * count * per_token for count in (prompt, rows * seq_len))
    if begun + reading > done + last:
        return {"activations": casts + head + reading, "kv_cache": begun}
    return {"activations": casts + head + last, "kv_cache": done}


def _unrolled(shape: ModelShape, casts: bool, seq_len: int, size: int, attention: str) -> float:
    """Bytes a token of the gradients alive inside a layer: the MLP's, or those of held scores."""
    mlp = (4 if casts else 2) * shape.intermediate * size
    if attention != "math":
        return mlp
    # fp32 scores: their gradient before and after the softmax; the MLP's part is gone by then.
    return max(mlp, 2 * 4 * shape.heads * seq_len - mlp)


def _check(
    *,
    method: str,
    trainer: str,
    attention: str,
    modules_to_save: Sequence[str],
    sizes: dict[str, int],
) -> None:
    for kind, value, known in (
        ("method", method, METHODS),
        ("trainer", trainer, TRAINERS),
        ("attention", attention, ATTENTION),
        *(("module to save", name, SAVED) for name in modules_to_save),
    ):
        if value not in known:
            raise CourseError(f"No {kind} '{value}': use one of {', '.join(known)}")
    for name, count in sizes.items():
        if count < 1:
            raise CourseError(f"{name} is {count}: it must be 1 or more")
    if sizes["completion_len"] > max(1, sizes["seq_len"]):
        raise CourseError(
            f"completion_len is {sizes['completion_len']}: an answer is a part of its row, which "
            f"has {sizes['seq_len']} tokens"
        )
