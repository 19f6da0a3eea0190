"""Predict the seconds of a training step: its multiplications, and unpacking of 4-bit weights.

Against the three published T4 runs (predicted / published seconds):

| run | ratio |
| --- | --- |
| TinyLlama-1.1B, QLoRA, packed rows of 4,096 tokens, Unsloth: 2,441 tokens a second | 1.05 |
| Llama-3.1-8B, QLoRA, 480 Alpaca rows in pairs (110 tokens a row assumed), Unsloth: 462 s | 0.97 |
| Qwen3-14B, QLoRA, 120 rows cut at 1,024 tokens, plain TRL: 4,250 s | 0.20 |

The first two are what the model is calibrated on. The third is five times slower than predicted:
it ran in bf16, which a T4 only emulates, with activations moved to the computer's memory and back.
So a figure for a T4 is that of fp16 and tuned kernels, and a lower bound for anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_lib.memory.layers import adapter_parameters, linear_sizes

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape
    from course_lib.memory.cards import Card


def flops_per_token(
    shape: ModelShape, *, method: str, seq_len: int, rank: int = 16, checkpointing: bool = True
) -> float:
    """Count the multiplications and additions of a training step, for each token.

    Two for every weight and pass. A pass is the forward one, the gradient of the inputs, the
    gradient of the weights (of trained ones only), and the second forward of checkpointing.

    Args:
        shape: The model's shape.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row; attention grows with it.
        rank: The adapter's rank.
        checkpointing: Whether the forward pass is done twice.

    Returns:
        FLOPs a token.

    Example:
        >>> from course_lib.catalog import shape
        >>> tiny = shape("TinyLlama-1.1B-Chat-v1.0")
        >>> round(flops_per_token(tiny, method="qlora", seq_len=4096) / 1e9, 1)
        8.0
    """
    again = 1 if checkpointing else 0
    trained = 1 if method == "full" else 0
    linear = 2.0 * shape.linear_parameters * (2 + trained + again)
    # TRL's head never stores the logits and computes them a second time in the backward pass.
    head = 2.0 * shape.vocab * shape.hidden * (3 + trained)
    adapters = 0.0
    if method != "full":
        adapters = 2.0 * adapter_parameters(shape, rank, list(linear_sizes(shape))) * (3 + again)
    # Two products with the seq_len / 2 tokens that a token sees on average; backward costs 2.5.
    seen = seq_len / 2
    attention = 4.0 * seen * shape.heads * shape.head_dim * shape.layers * (3.5 + again)
    return linear + head + adapters + attention


def seconds_per_step(
    shape: ModelShape,
    card: Card,
    *,
    method: str,
    seq_len: int,
    batch: int,
    rank: int = 16,
    checkpointing: bool = True,
    accumulation: int = 1,
) -> float:
    """Predict how long an optimiser's step takes.

    Args:
        shape: The model's shape.
        card: The card it runs on, with the share of its peak that training reaches.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row, padding included.
        batch: Rows a micro-batch.
        rank: The adapter's rank.
        checkpointing: Whether the forward pass is done twice.
        accumulation: Micro-batches a step.

    Returns:
        Seconds; with fp16 and tuned kernels right within a factor of two, else a lower bound; and
        for comparing settings.

    Example:
        >>> from course_lib.catalog import shape
        >>> from course_lib.memory.cards import card
        >>> tiny = shape("TinyLlama-1.1B-Chat-v1.0")
        >>> t = seconds_per_step(tiny, card("t4"), method="qlora", seq_len=4096, batch=2)
        >>> 2200 < 2 * 4096 / t < 2700
        True
    """
    flops = flops_per_token(
        shape, method=method, seq_len=seq_len, rank=rank, checkpointing=checkpointing
    )
    computing = batch * seq_len * flops / (card.tflops * 1e12 * card.sustained)
    passes = 3 if checkpointing else 2
    # However small the batch, every weight is read once a pass.
    size = 4 if card.dtype == "float32" else 2
    reading = passes * shape.parameters * size / (card.bandwidth * 1e9)
    unpacking = 0.0
    if method == "qlora":
        # Each pass reads half a byte a weight and writes it out in the compute type.
        moved = shape.linear_parameters * (0.5 + size)
        unpacking = passes * moved / (card.bandwidth * 1e9 * card.unpacking)
    return accumulation * (max(computing, reading) + unpacking)
