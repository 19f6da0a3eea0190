"""Predict the peak memory of a training step, part by part, from the model's shape alone.

Plain arithmetic over what the installed libraries keep alive: transformers' decoder layers under
autocast, PEFT's adapters, bitsandbytes' 4-bit weights and TRL's fused head. `trace` checks it.
A step peaks in one of three phases, and the estimate is the largest of them:

- *loss*: everything the backward pass will need is stored, and the logits are there;
- *backward*: the first layer to go back through is recomputed (with checkpointing) and unrolled;
- *update*: the activations are gone, every gradient is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.memory.layers import (
    adapter_parameters,
    linear_sizes,
    stored_per_token,
    target_names,
)

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape

GIB = 2**30

METHODS = ("full", "lora", "qlora")

# Bits a parameter: 4 of its own, and the scale of its block of 64 as fp32 or as 8 bits with a
# scale of their own for every 256 blocks.
NF4_BITS = {False: 4 + 32 / 64, True: 4 + 8 / 64 + 32 / (64 * 256)}

# TRL's fused head works through the logits in tiles of at most this size.
TILE_TOKENS, TILE_VOCABULARY = 4096, 32768

# The CUDA context and the allocator's fragments, and on a CPU Python with the libraries loaded.
CUDA_OVERHEAD_GIB = 0.5
CPU_OVERHEAD_GIB = 0.6

# State bytes a trainable parameter, in multiples of the parameter's own size, and in bytes.
_OPTIMISERS = {
    "adamw_torch": (2, 0),
    "adamw_torch_fused": (2, 0),
    "adamw_8bit": (0, 2),
    "paged_adamw_8bit": (0, 2),
    "sgd": (0, 0),
}


@dataclass(frozen=True)
class MemoryEstimate:
    """The peak of a training step and what it is made of.

    Args:
        parts: GiB of each part at the moment of the peak; they add up to the peak.
        phase: The moment of the peak: ``loss``, ``backward`` or ``update``.
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
) -> MemoryEstimate:
    """Predict the peak memory of one training step.

    Args:
        shape: The model's shape, from `resolve` or the catalog.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row, padding included.
        batch: Rows a micro-batch.
        rank: The adapter's rank; 16, because quality hardly moves with it.
        targets: Layers that get an adapter; all of them, because that is what matches full
            fine-tuning.
        checkpointing: Recompute activations in the backward pass (about a third more time).
        optimizer: transformers' name for the optimiser; its default is fused AdamW.
        dtype: The compute type: ``float16`` on a T4, ``float32`` on a CPU.
        trainable_dtype: The type of trained parameters; fp32, because fp16 ones cannot be trained.
        double_quant: Whether QLoRA quantises its scales as well.
        accumulation: Micro-batches a step; above 1, gradients stay while the next one runs.
        fused_head: TRL's head; False is a plain `Trainer`, which holds all logits.
        attention: ``efficient``, or ``math`` where no kernel fits and the scores are held.

    Returns:
        The estimate.

    Raises:
        CourseError: An unknown method, optimiser or target, or a size below 1.

    Example:
        >>> from course_lib.catalog import shape
        >>> e = estimate(shape("Qwen2.5-0.5B-Instruct"), method="lora", seq_len=384, batch=2)
        >>> e.phase, round(e.peak_gib, 1)
        ('update', 1.6)
    """
    _check(method, optimizer, seq_len=seq_len, batch=batch, rank=rank, accumulation=accumulation)
    names = target_names(shape, targets)
    size = 4 if dtype == "float32" else 2
    trained_size = 4 if trainable_dtype == "float32" else 2
    tokens = batch * seq_len
    adapters = 0 if method == "full" else adapter_parameters(shape, rank, names)
    trainable = shape.parameters if method == "full" else adapters
    linear = shape.linear_parameters

    weights: dict[str, float] = {}
    if method == "full":
        weights["weights"] = shape.parameters * trained_size
    elif method == "lora":
        weights["weights"] = shape.parameters * size
    else:
        weights["weights_4bit"] = linear * NF4_BITS[double_quant] / 8
        # Embeddings, head, norms and biases are never quantised.
        weights["weights"] = (shape.parameters - linear) * size
    per_weight, flat = _OPTIMISERS[optimizer]
    fixed = weights | {
        "adapters": adapters * trained_size,
        "optimizer": trainable * (per_weight * trained_size + flat),
    }

    layer = tokens * stored_per_token(
        shape,
        method=method,
        seq_len=seq_len,
        rank=rank,
        targets=list(linear_sizes(shape)) if method == "full" else names,
        size=size,
        attention=attention,
    )
    # Checkpointing stores only what enters each layer. Autocast leaves a fully trained model's
    # residual stream in fp32.
    entering = tokens * shape.hidden * (4 if method == "full" else size)
    stored = shape.layers * (entering if checkpointing else layer)
    casts = linear * size if method == "full" and size < trained_size else 0
    gradients = float(trainable * trained_size)
    waiting = gradients if accumulation > 1 else 0.0
    head_gradient = _head_gradient(shape, method)
    unrolled = _backward_extra(shape, method, tokens, size)
    # The first layer unrolled is already among the stored ones when nothing is recomputed.
    again = layer if checkpointing else 0

    phases = {
        "loss": {
            "gradients": max(waiting, head_gradient),
            "activations": stored + casts,
            "logits": _logits(shape, method, tokens, size, fused_head),
        },
        "backward": {
            "gradients": max(waiting, head_gradient),
            "activations": stored + again + unrolled + (0 if checkpointing else casts),
            "logits": 0.0,
        },
        "update": {
            "gradients": gradients,
            "activations": max(entering + layer + unrolled, 2 * head_gradient if shape.tied else 0),
            "logits": 0.0,
        },
    }
    phase = max(phases, key=lambda name: sum(phases[name].values()))
    parts = {name: value / GIB for name, value in (fixed | phases[phase]).items()}
    parts["context"] = CPU_OVERHEAD_GIB if dtype == "float32" else CUDA_OVERHEAD_GIB
    return MemoryEstimate(parts, phase, trainable)


def _logits(shape: ModelShape, method: str, tokens: int, size: int, fused: bool) -> float:
    if not fused:
        # fp32 logits, their log-softmax and its gradient, all alive at once.
        return 12.0 * tokens * shape.vocab
    rows, columns = min(tokens, TILE_TOKENS), min(shape.vocab, TILE_VOCABULARY)
    # The tile is as wide as its limit, however small the vocabulary. On a CPU no kernel folds it in
    # place: seven copies of its used columns are alive together.
    copies = 0 if size == 2 else 7
    tile = rows * (TILE_VOCABULARY + copies * columns) * size
    hidden = tokens * shape.hidden * (4 + 4 + 3 * size)
    weight = min(shape.vocab, TILE_VOCABULARY) * shape.hidden * size if method == "full" else 0
    return float(tile + hidden + weight)


def _head_gradient(shape: ModelShape, method: str) -> float:
    return 4.0 * shape.vocab * shape.hidden if method == "full" else 0.0


def _backward_extra(shape: ModelShape, method: str, tokens: int, size: int) -> float:
    """Gradients alive inside a layer, and QLoRA's one weight matrix unpacked for its product."""
    extra = tokens * shape.intermediate * 4 * size
    if method == "qlora":
        extra += shape.hidden * shape.intermediate * size
    return extra


def _check(method: str, optimizer: str, **sizes: int) -> None:
    if method not in METHODS:
        raise CourseError(f"No method '{method}': use one of {', '.join(METHODS)}")
    if optimizer not in _OPTIMISERS:
        raise CourseError(f"No optimiser '{optimizer}': use one of {', '.join(_OPTIMISERS)}")
    for name, value in sizes.items():
        if value < 1:
            raise CourseError(f"{name} is {value}: it must be 1 or more")
