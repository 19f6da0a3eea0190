"""Plan a run on several devices: which strategy, what each device holds, how well it scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.memory.cards import Card, card
from course_lib.memory.interconnect import (
    bytes_sent,
    collectives_a_step,
    interconnect,
    machines_of,
    seconds_to_send,
)
from course_lib.memory.method import why_not_4bit
from course_lib.memory.resolve import resolve
from course_lib.memory.sharding import OFFLOADING, check_strategy, memory_per_device
from course_lib.memory.speed import seconds_per_step

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from course_lib.catalog import ModelShape

# In the order in which they are tried: each cuts more than the one before, and sends more.
_TRIED = (
    ("ddp", False),
    ("fsdp_shard_grad_op", False),
    ("fsdp_full_shard", False),
    ("fsdp_full_shard", True),
)
_BECAUSE = {
    "ddp": "every card holds the whole model, and only gradients are sent",
    "zero1": "the optimiser is cut into one piece a card",
    "zero2": "the optimiser and the gradients are cut into one piece a card",
    "zero3": "weights, gradients and optimiser are cut into one piece a card",
    "fsdp_shard_grad_op": "weights, gradients and optimiser are cut into one piece a card, and the "
    "weights are gathered once a step",
    "fsdp_full_shard": "weights, gradients and optimiser are cut into one piece a card, and each "
    "layer's weights are gathered when they are needed",
}
# The host's memory beside each card, as machines are usually rented; Kaggle's two T4s share 31 GiB.
HOST_GIB = {"T4": 15, "L4": 48, "A10G": 48, "A100 40 GB": 85, "A100 80 GB": 170, "H100 80 GB": 200}


@dataclass(frozen=True)
class ParallelPlan:
    """A training run on several devices, on paper.

    Args:
        strategy: One of `sharding.STRATEGIES`.
        method: ``full``, ``lora`` or ``qlora``.
        devices: How many cards train together.
        machines: In how many machines they stand.
        offload: Whether the state lies in the host's memory.
        checkpointing: Whether activations are recomputed.
        parts: GiB of each part on one card.
        host_gib: GiB of offloaded state in each machine.
        fits: Whether the run is possible.
        rows_per_step: Rows that one step of the optimiser sees, over all cards.
        compute_seconds: Seconds of a step's arithmetic, which every card does on its own rows.
        sent_gb: GB that each card sends in a step.
        sending_seconds: How long its link takes for that.
        dtype: The cards' compute type.
        reasons: Why, in words.
    """

    strategy: str
    method: str
    devices: int
    machines: int
    offload: bool
    checkpointing: bool
    parts: dict[str, float]
    host_gib: float
    fits: bool
    rows_per_step: int
    compute_seconds: float
    sent_gb: float
    sending_seconds: float
    dtype: str
    reasons: dict[str, str]

    @property
    def peak_gib(self) -> float:
        """What one card has to hold."""
        return sum(self.parts.values())

    @property
    def seconds_per_step(self) -> float:
        """A step in which sending is hidden behind arithmetic wherever there is enough of it."""
        return max(self.compute_seconds, self.sending_seconds)

    @property
    def seconds_unhidden(self) -> float:
        """A step in which all sending waits for the arithmetic, and the arithmetic for it."""
        return self.compute_seconds + self.sending_seconds

    @property
    def efficiency(self) -> float:
        """The share of a step in which the cards compute, if all sending that can hide does."""
        return self.compute_seconds / self.seconds_per_step

    @property
    def efficiency_unhidden(self) -> float:
        """The same share if no sending is hidden: the truth lies between the two."""
        return self.compute_seconds / self.seconds_unhidden


def plan_parallel(
    model: str | Path | ModelShape | PretrainedConfig,
    gpu: str | Card = "t4",
    devices: int = 2,
    *,
    method: str = "lora",
    strategy: str | None = None,
    offload: bool | None = None,
    seq_len: int = 1024,
    batch: int = 1,
    accumulation: int = 1,
    rank: int = 16,
    checkpointing: bool | None = None,
) -> ParallelPlan:
    """Choose the strategy for some devices, predict memory and time, and say why.

    Args:
        model: A catalog name, a folder, a config or a shape.
        gpu: The card, or its name; all devices are of one kind.
        devices: How many there are.
        method: ``full``, ``lora`` or ``qlora``.
        strategy: One of `sharding.STRATEGIES`; None takes the one that sends least of those that
            fit, DDP or FSDP (the ZeRO stages do the same with one library more).
        offload: Keep the state in the host's memory; None only where nothing else fits.
        seq_len: Tokens a row.
        batch: Rows a micro-batch, on each device.
        accumulation: Micro-batches a step.
        rank: The adapter's rank.
        checkpointing: None: only where the run does not fit without it.

    Returns:
        The plan; where nothing fits, that of the strategy that needs least, with ``fits`` False.

    Raises:
        CourseError: An unknown name, a size below 1, or a pair that does not work together.

    Example:
        >>> plan_parallel("Qwen3-8B", "t4", 2, method="lora").strategy
        'fsdp_full_shard'
    """
    shape = resolve(model)
    where = gpu if isinstance(gpu, Card) else card(gpu)
    interconnect(where)
    tried: Sequence[tuple[str, bool]] = _TRIED
    if strategy is not None:
        check_strategy(strategy, devices)
        both = (False, True) if offload is None and strategy in OFFLOADING else (bool(offload),)
        tried = tuple((strategy, moved) for moved in both)
    elif offload is not None:
        tried = tuple(pair for pair in _TRIED if pair[1] == offload)
    _refuse(shape, where, method, strategy)
    plans = [
        _sized(
            shape, where, name, devices, method, moved, again, seq_len, batch, accumulation, rank
        )
        for name, moved in tried
        for again in ((False, True) if checkpointing is None else (checkpointing,))
    ]
    chosen = next((found for found in plans if found.fits), None)
    if chosen is None:
        chosen = min(plans, key=lambda found: found.peak_gib)
    one = memory_per_device(
        shape,
        "ddp",
        1,
        method=method,
        seq_len=seq_len,
        batch=batch,
        rank=rank,
        dtype=where.dtype,
    )
    if chosen.strategy.startswith("fsdp") and method != "qlora":
        chosen.reasons["loading"] = _why_loading(chosen, shape, where)
    return _explained(chosen, plans, one.peak_gib, where, accumulation)


def _sized(
    shape: ModelShape,
    where: Card,
    strategy: str,
    devices: int,
    method: str,
    offload: bool,
    checkpointing: bool,
    seq_len: int,
    batch: int,
    accumulation: int,
    rank: int,
) -> ParallelPlan:
    memory = memory_per_device(
        shape,
        strategy,
        devices,
        method=method,
        seq_len=seq_len,
        batch=batch,
        rank=rank,
        checkpointing=checkpointing,
        dtype=where.dtype,
        accumulation=accumulation,
        offload=offload,
    )
    sent = bytes_sent(shape, strategy, devices, method=method, rank=rank, accumulation=accumulation)
    computing = seconds_per_step(
        shape,
        where,
        method=method,
        seq_len=seq_len,
        batch=batch,
        rank=rank,
        checkpointing=checkpointing,
        accumulation=accumulation,
    )
    machines = machines_of(where, devices)
    host = memory.host_gib * min(devices, interconnect(where).cards)
    return ParallelPlan(
        strategy=strategy,
        method=method,
        devices=devices,
        machines=machines,
        offload=offload,
        checkpointing=checkpointing,
        parts=memory.parts,
        host_gib=host,
        fits=memory.peak_gib <= where.gib and host <= _host_room(where, devices),
        rows_per_step=devices * batch * accumulation,
        compute_seconds=computing,
        sent_gb=sent / 1e9,
        sending_seconds=seconds_to_send(
            sent,
            where,
            devices,
            collectives=collectives_a_step(shape, strategy, accumulation),
        ),
        dtype=where.dtype,
        reasons={},
    )


def _host_room(where: Card, devices: int) -> float:
    return HOST_GIB.get(where.name, 0) * min(devices, interconnect(where).cards)


def _refuse(shape: ModelShape, where: Card, method: str, strategy: str | None) -> None:
    if method == "qlora" and (unsupported := why_not_4bit(shape, where)):
        raise CourseError(unsupported)
    if method == "qlora" and strategy == "zero3":
        raise CourseError(
            "zero3 with qlora: transformers leaves a quantised base out of DeepSpeed's zero.Init, "
            "so every card holds all of it while it loads. Use fsdp_full_shard, whose 4-bit "
            "weights are cut when bnb_4bit_quant_storage is the compute type"
        )


def _explained(
    chosen: ParallelPlan,
    plans: list[ParallelPlan],
    alone_gib: float,
    where: Card,
    accumulation: int,
) -> ParallelPlan:
    reasons = chosen.reasons
    reasons["strategy"] = _why(chosen, plans, where)
    reasons["speed"] = _why_speed(chosen, where)
    if chosen.method != "full" and chosen.strategy in ("zero1", "zero2"):
        reasons["frozen"] = (
            f"{chosen.strategy} cuts what is trained; the frozen base stays whole on every card"
        )
    sharded = chosen.strategy.startswith("fsdp")
    if chosen.method == "qlora" and sharded:
        reasons["quantisation"] = (
            f"bnb_4bit_quant_storage=torch.{where.dtype}, the type of all other weights: FSDP "
            "leaves weights that are stored in bytes whole on every card"
        )
    if chosen.dtype == "float16" and chosen.strategy != "ddp":
        reasons["dtype"] = (
            "float16 with a loss scaler: the card has no bf16; FSDP2 lets all cards skip a step "
            "in which any of them finds an infinity"
        )
    if chosen.method == "full" and sharded and accumulation > 1:
        reasons["accumulation"] = (
            "accelerator_config={'gradient_accumulation_kwargs': {'sync_each_batch': True}}: "
            "otherwise every card keeps whole gradients until the last micro-batch, which is not "
            "planned for here"
        )
    if chosen.devices > 1 and alone_gib <= where.gib:
        reasons["one_card"] = (
            f"one card would do: with checkpointing {alone_gib:.1f} of its {where.gib:.2f} GiB. "
            "More cards save time, not memory"
        )
    return chosen


def _why(chosen: ParallelPlan, plans: list[ParallelPlan], where: Card) -> str:
    name = chosen.strategy + (" with offload" if chosen.offload else "")
    need = f"{chosen.peak_gib:.1f} of {where.gib:.2f} GiB on each of {chosen.devices} {where.name}"
    if chosen.offload:
        need += (
            f", and {chosen.host_gib:.0f} of about {_host_room(where, chosen.devices):.0f} GiB in "
            "the memory of each machine"
        )
    if not chosen.fits:
        return f"nothing fits: {name} needs least, {need}. Take more cards, or a lighter method"
    passed = plans[: plans.index(chosen)]
    others = {
        plan.strategy: plan.peak_gib
        for plan in passed
        if plan.strategy != chosen.strategy or plan.offload != chosen.offload
    }
    because = f"{name}: {_BECAUSE[chosen.strategy]} ({need})"
    if not others:
        return because
    refused = ", ".join(f"{other} would need {peak:.1f}" for other, peak in others.items())
    return f"{because}; {refused}"


def _why_loading(chosen: ParallelPlan, shape: ModelShape, where: Card) -> str:
    # Accelerate makes all that is trained fp32 before it is cut.
    whole = shape.parameters * (4 if chosen.method == "full" else 2) / 2**30
    processes = min(chosen.devices, interconnect(where).cards)
    room = _host_room(where, chosen.devices)
    said = (
        "every process reads the whole model into the host's memory before it is cut: "
        f"{processes} x {whole:.1f} of about {room:.0f} GiB in each machine"
    )
    if processes * whole > room:
        said += ". That is too much: take a machine with more memory, or QLoRA"
    return said


def _why_speed(chosen: ParallelPlan, where: Card) -> str:
    if chosen.devices == 1:
        return "one card sends nothing"
    joined = interconnect(where)
    link = (
        joined.name if chosen.machines == 1 else f"the network between {chosen.machines} machines"
    )
    return (
        f"{chosen.compute_seconds:.3g} s of arithmetic a step, {chosen.sending_seconds:.3g} s for "
        f"the {chosen.sent_gb:.3g} GB that each card sends over {link} (data sheet x "
        f"{joined.share:.0%}): {chosen.efficiency_unhidden:.0%} to {chosen.efficiency:.0%} of "
        f"{chosen.devices} cards' speed"
    )
