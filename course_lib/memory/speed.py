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

# What Python and torch take to start the kernels of one layer in one pass, however few the tokens:
# 12 ms for the pocket model's LoRA, six layers forward and backward, measured on one core. With a
# GPU it is the host that spends it: the same figure is assumed there, not measured.
LAYER_SECONDS = 0.001


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
    attention: str = "efficient",
    trainer: str = "sft",
    completion_len: int | None = None,
) -> float:
    """Predict how long an optimiser's step takes.

    Args:
        shape: The model's shape.
        card: The card it runs on, with the share of its peak that training reaches.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row, padding included.
        batch: Rows a micro-batch; pairs for DPO, answers for GRPO.
        rank: The adapter's rank.
        checkpointing: Whether the forward pass is done twice.
        accumulation: Micro-batches a step.
        attention: ``math`` writes every score to memory and reads it again.
        trainer: ``sft``; ``dpo``, which reads each pair with a reference model too; or ``grpo``,
            which first generates a step's answers.
        completion_len: GRPO's answers in tokens; None: half of a row.

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
    tokens = batch * seq_len * (2 if trainer == "dpo" else 1)
    if trainer == "dpo":
        flops += 2.0 * shape.parameters
    computing = tokens * flops / (card.tflops * 1e12 * card.sustained)
    passes = 3 if checkpointing else 2
    # However small the batch, every weight is read once a pass.
    size = 4 if card.dtype == "float32" else 2
    if trainer == "dpo":
        passes += 1
    reading = passes * shape.parameters * size / (card.bandwidth * 1e9)
    unpacking = passes * _unpacking(shape, card, size) if method == "qlora" else 0.0
    scores = 0.0
    if attention == "math":
        # Mask, softmax and casts each read and write every score; backward twice as often.
        moved = 10.0 * size * shape.heads * shape.layers * seq_len * tokens
        scores = moved * (passes + 1) / (card.bandwidth * 1e9)
    pieces = _overlapped(card, max(computing, reading), passes * shape.layers * LAYER_SECONDS)
    seconds = accumulation * (pieces + scores + unpacking)
    if trainer == "grpo":
        answer = completion_len or max(1, seq_len // 2)
        seconds += _generating(shape, card, method, seq_len, answer, batch * accumulation)
    return seconds


def _overlapped(card: Card, working: float, starting: float) -> float:
    """A GPU works while its host starts the next kernels; a CPU does one thing after the other."""
    return working + starting if card.capability == (0, 0) else max(working, starting)


def _unpacking(shape: ModelShape, card: Card, size: int) -> float:
    """Each pass reads half a byte a weight and writes it out in the compute type."""
    return shape.linear_parameters * (0.5 + size) / (card.bandwidth * 1e9 * card.unpacking)


def _generating(
    shape: ModelShape, card: Card, method: str, seq_len: int, answer: int, rows: int
) -> float:
    """The prompts in one pass, then one pass for each token of the answers, all rows together."""
    size = 4 if card.dtype == "float32" else 2
    rate, bandwidth = card.tflops * 1e12 * card.sustained, card.bandwidth * 1e9
    prompt = max(1, seq_len - answer)
    cache = 2.0 * shape.layers * shape.kv_heads * shape.head_dim * size
    a_token = _overlapped(
        card,
        max(shape.parameters * size / bandwidth, rows * 2.0 * shape.parameters / rate),
        shape.layers * LAYER_SECONDS,
    )
    a_token += rows * (prompt + answer / 2) * cache / bandwidth
    unpacking = _unpacking(shape, card, size) if method == "qlora" else 0.0
    prompts = rows * prompt * 2.0 * shape.parameters / rate
    return prompts + answer * a_token + (answer + 1) * unpacking
