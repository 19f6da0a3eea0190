"""Choose between full fine-tuning, LoRA and QLoRA for a model and a card, and say why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.memory.cards import Card, card
from course_lib.memory.estimate import METHODS, MemoryEstimate, estimate
from course_lib.memory.resolve import resolve
from course_lib.memory.speed import seconds_per_step

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from course_lib.catalog import ModelShape

# Below this many rows LoRA learns as well as full fine-tuning and forgets less; with far more, a
# small adapter runs out of room (2405.09673: r=16 stays behind on 100k+ rows, r=256 does not).
ROWS_FOR_FULL = 50_000


@dataclass(frozen=True)
class MethodChoice:
    """The method for a model on a card.

    Args:
        method: ``full``, ``lora`` or ``qlora``; None where not even QLoRA fits.
        checkpointing: Whether the choice needs gradient checkpointing to fit.
        reason: Why, in words, with the figures it rests on.
        estimates: The peak of each method, each with the checkpointing it would need.
    """

    method: str | None
    checkpointing: bool
    reason: str
    estimates: dict[str, MemoryEstimate]


def choose_method(
    model: str | Path | ModelShape | PretrainedConfig,
    gpu: str | Card = "t4",
    *,
    seq_len: int = 1024,
    batch: int = 1,
    rank: int = 16,
    rows: int = 1000,
) -> MethodChoice:
    """Choose the method for a model and a card.

    LoRA wherever a 16-bit base fits; QLoRA only where it is what makes the model fit; full
    fine-tuning only for much data and on a card that holds it.

    Args:
        model: A catalog name, a folder, a config or a shape.
        gpu: A card or its name.
        seq_len: Tokens a row.
        batch: Rows a micro-batch; 1, so that the question is whether the model fits at all.
        rank: The adapter's rank.
        rows: Rows of training data.

    Returns:
        The choice with its reason; its ``method`` is None where nothing fits.

    Raises:
        CourseError: An unknown model or card.

    Example:
        >>> choose_method("Qwen2.5-7B-Instruct", "t4").method
        'qlora'
    """
    shape = resolve(model)
    where = gpu if isinstance(gpu, Card) else card(gpu)
    needs = {
        name: _lightest_that_fits(shape, where, name, seq_len=seq_len, batch=batch, rank=rank)
        for name in METHODS
    }
    peaks = {name: found.peak_gib for name, (found, _) in needs.items()}
    fits = {name: peak <= where.gib for name, peak in peaks.items()}
    unsupported = why_not_4bit(shape, where)

    def chosen(method: str | None, reason: str) -> MethodChoice:
        checkpointing = needs[method][1] if method else True
        if method and checkpointing:
            reason += f" ({method} needs gradient checkpointing for that.)"
        return MethodChoice(
            method, checkpointing, reason, {name: found for name, (found, _) in needs.items()}
        )

    room = f"{where.gib:.2f} GiB of the {where.name}"
    if rows >= ROWS_FOR_FULL and fits["full"]:
        return chosen(
            "full",
            f"Full: {peaks['full']:.2f} GiB fit in the {room}, and with {rows:,} rows a small "
            "adapter may run out of room to learn. Expect it to forget more than LoRA does.",
        )
    if fits["lora"]:
        full = (
            f"full fine-tuning would need {peaks['full']:.2f} GiB"
            + ("" if fits["full"] else " and does not fit")
            + (
                f"; with {rows:,} rows it would hardly learn more, and would forget more"
                if rows < ROWS_FOR_FULL
                else f"; with {rows:,} rows it might learn more, and a higher rank may help"
            )
        )
        return chosen(
            "lora",
            f"LoRA: {peaks['lora']:.2f} GiB fit in the {room}; {full}. "
            + why_not_qlora(shape, where, needs["lora"], needs["qlora"], seq_len, batch, rank),
        )
    if fits["qlora"] and not unsupported:
        return chosen(
            "qlora",
            f"QLoRA: its {peaks['qlora']:.2f} GiB fit in the {room}, LoRA's "
            f"{peaks['lora']:.2f} GiB do not: quantising the base is what makes this model fit. "
            "It is slower, because the weights are unpacked in every pass.",
        )
    least = min(peaks, key=lambda name: peaks[name])
    return chosen(
        None,
        f"None: even {least} needs {peaks[least]:.2f} GiB at {batch} × {seq_len} tokens, and the "
        f"room is the {room}. Shorten the rows, take a smaller model or a larger card."
        if not unsupported or not fits["qlora"]
        else f"None: LoRA's {peaks['lora']:.2f} GiB exceed the {room}, and {unsupported}.",
    )


def why_not_4bit(shape: ModelShape, where: Card) -> str | None:
    """Say why bitsandbytes cannot quantise this model on this card, or None if it can.

    Args:
        shape: The model's shape.
        where: The card.

    Returns:
        A clause in words, or None.

    Example:
        >>> why_not_4bit(resolve("Qwen3-8B"), card("t4")) is None
        True
    """
    if (0, 0) < where.capability < (7, 5):
        return (
            f"QLoRA does not run here: the {where.name} (capability "
            f"{where.capability[0]}.{where.capability[1]}) is dropped by today's CUDA 13 wheels"
        )
    if where.capability == (0, 0) and (shape.hidden % 64 or shape.intermediate % 64):
        return (
            "QLoRA does not run here: on a CPU bitsandbytes needs widths that are multiples of "
            f"64, and this model's are {shape.hidden} and {shape.intermediate}"
        )
    return None


def why_not_qlora(
    shape: ModelShape,
    where: Card,
    lora: tuple[MemoryEstimate, bool],
    qlora: tuple[MemoryEstimate, bool],
    seq_len: int,
    batch: int,
    rank: int,
) -> str:
    """Say what QLoRA would save and cost where LoRA fits already.

    Args:
        shape: The model's shape.
        where: The card.
        lora: LoRA's estimate, and whether it checkpoints.
        qlora: QLoRA's, likewise.
        seq_len: Tokens a row.
        batch: Rows a micro-batch.
        rank: The adapter's rank.

    Returns:
        One or two sentences.

    Example:
        >>> choice = choose_method("Qwen2.5-0.5B-Instruct", "t4")
        >>> "QLoRA is the wrong choice" in choice.reason
        True
    """
    unsupported = why_not_4bit(shape, where)
    if unsupported:
        return f"{unsupported}."
    (light, again), (lighter, again_4bit) = lora, qlora
    seconds = {
        name: seconds_per_step(
            shape, where, method=name, seq_len=seq_len, batch=batch, rank=rank, checkpointing=ck
        )
        for name, ck in (("lora", again), ("qlora", again_4bit))
    }
    slower = seconds["qlora"] / seconds["lora"] - 1
    saved = light.peak_gib - lighter.peak_gib
    if slower < 0:
        # LoRA has to recompute where QLoRA has room for the activations.
        return (
            f"QLoRA could be tried: with {lighter.peak_gib:.2f} GiB it needs no checkpointing, "
            f"and its step is predicted {-slower:.0%} faster."
        )
    if saved <= 0:
        # Only where it can do without the checkpointing that LoRA needs.
        return (
            f"QLoRA is no gain here: it could do without checkpointing, but would then need "
            f"{lighter.peak_gib:.2f} GiB and a predicted {slower:.0%} more time a step."
        )
    return (
        f"QLoRA is the wrong choice here: it would save {saved:.2f} GiB that nothing else needs, "
        f"at a predicted {slower:.0%} more time a step and some quality, on small models the most."
    )


def _lightest_that_fits(
    shape: ModelShape, where: Card, method: str, *, seq_len: int, batch: int, rank: int
) -> tuple[MemoryEstimate, bool]:
    """Without checkpointing where that fits, since it costs a second forward pass; else with."""
    for checkpointing in (False, True):
        found = estimate(
            shape,
            method=method,
            seq_len=seq_len,
            batch=batch,
            rank=rank,
            checkpointing=checkpointing,
            dtype=where.dtype,
        )
        if found.peak_gib <= where.gib:
            break
    return found, checkpointing
