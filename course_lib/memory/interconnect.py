"""Predict what devices send each other in a step, and how long their links take for it.

Devices in a ring pass pieces on until everybody has what they need: to gather or to sum up ``B``
bytes over ``N`` devices, each sends ``B x (N - 1) / N``. What is sent depends on the strategy, how
fast on the slowest link of the ring.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.memory.sharding import base_weights, check_strategy

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape
    from course_lib.memory.cards import Card


@dataclass(frozen=True)
class Interconnect:
    """How the cards of a machine, and the machines of a cluster, are joined.

    Args:
        name: What the link inside a machine is called.
        link: GB/s of one card's link, each way, from the data sheet.
        share: The share of it that summing up and gathering reach; assumed, not measured.
        network: GB/s of one machine's network, each way, as such machines are usually rented.
        cards: Cards in one machine.
    """

    name: str
    link: float
    share: float
    network: float
    cards: int


# Without a direct path between two cards each byte crosses PCIe twice, by way of the host's memory.
_PCIE3 = Interconnect("PCIe 3.0, by way of the host", 16, 0.35, 1.25, 2)
_PCIE4 = Interconnect("PCIe 4.0, by way of the host", 32, 0.35, 12.5, 4)
_INTERCONNECTS = {
    "T4": _PCIE3,
    "P100": _PCIE3,
    "3 GB laptop card": _PCIE3,
    "L4": Interconnect("PCIe 4.0 x8, by way of the host", 16, 0.35, 12.5, 4),
    "A10G": _PCIE4,
    # Eight network adapters a machine, one for each card.
    "A100 40 GB": Interconnect("NVLink 3", 300, 0.7, 200, 8),
    "A100 80 GB": Interconnect("NVLink 3", 300, 0.7, 200, 8),
    "H100 80 GB": Interconnect("NVLink 4", 450, 0.7, 400, 8),
}
# Each hop of a ring costs this much, however few bytes there are; assumed.
HOP_SECONDS = 5e-6

# US dollars an hour and card, rented on demand in the middle of what providers asked in May 2026;
# they change every month, and long contracts cost less.
PRICES_AS_OF = "May 2026"
_DOLLARS_AN_HOUR = {
    "T4": 0.35,
    "L4": 0.70,
    "A10G": 1.00,
    "A100 40 GB": 1.10,
    "A100 80 GB": 1.30,
    "H100 80 GB": 3.00,
}


def interconnect(card: Card) -> Interconnect:
    """Return how cards of this kind are usually joined.

    Args:
        card: The card.

    Returns:
        Its links.

    Raises:
        CourseError: The CPU, or a card that the course knows no links of.

    Example:
        >>> from course_lib.memory.cards import card
        >>> interconnect(card("t4")).name
        'PCIe 3.0, by way of the host'
    """
    if card.name not in _INTERCONNECTS:
        raise CourseError(
            f"{card.name}: its links are not known here; use one of {', '.join(_INTERCONNECTS)}"
        )
    return _INTERCONNECTS[card.name]


def dollars_an_hour(card: Card) -> float:
    """Return what an hour of one card costs on demand (see ``PRICES_AS_OF``).

    Args:
        card: The card.

    Returns:
        US dollars.

    Raises:
        CourseError: A card that nobody rents out.

    Example:
        >>> from course_lib.memory.cards import card
        >>> dollars_an_hour(card("h100"))
        3.0
    """
    if card.name not in _DOLLARS_AN_HOUR:
        raise CourseError(
            f"{card.name}: no price is known here; there is one for {', '.join(_DOLLARS_AN_HOUR)}"
        )
    return _DOLLARS_AN_HOUR[card.name]


def bytes_sent(
    shape: ModelShape,
    strategy: str,
    devices: int,
    *,
    method: str,
    rank: int = 16,
    accumulation: int = 1,
    floating_storage: bool = True,
) -> float:
    """Bytes that each device sends in one step of the optimiser.

    Args:
        shape: The model's shape.
        strategy: One of `sharding.STRATEGIES`.
        devices: How many devices train together.
        method: ``full``, ``lora`` or ``qlora``.
        rank: The adapter's rank.
        accumulation: Micro-batches a step. DDP and ZeRO-1 wait for the last one; whoever cuts
            gradients or weights sends them for each.
        floating_storage: See `sharding.base_weights`.

    Returns:
        Bytes.

    Raises:
        CourseError: An unknown strategy, or no device.

    Example:
        >>> from course_lib.catalog import shape
        >>> one = shape("Qwen3-8B")
        >>> ddp = bytes_sent(one, "ddp", 2, method="lora")
        >>> ddp < 0.02 * bytes_sent(one, "fsdp_full_shard", 2, method="lora")
        True
    """
    check_strategy(strategy, devices)
    base = base_weights(shape, method=method, rank=rank, floating_storage=floating_storage)
    gradients = 2.0 * base.trainable
    if strategy == "ddp":
        # Summing up is a reduce-scatter and a gather, of fp32 gradients.
        whole = 2 * 4.0 * base.trainable
    elif strategy == "zero1":
        whole = gradients + 2.0 * base.trainable
    elif strategy == "zero2":
        whole = accumulation * gradients + 2.0 * base.trainable
    else:
        # Gathered for the forward pass, and again for the backward pass unless they are kept.
        passes = 1 if strategy == "fsdp_shard_grad_op" else 2
        whole = accumulation * (passes * base.gathered + gradients)
    return whole * (devices - 1) / devices


def seconds_to_send(
    sent: float, card: Card, devices: int, *, collectives: int, machines: int | None = None
) -> float:
    """How long the links take for what each device sends in a step.

    Args:
        sent: Bytes of each device, from `bytes_sent`.
        card: The card.
        devices: How many devices train together.
        collectives: How many times a step something is gathered or summed up.
        machines: How many machines the devices stand in; None fills each.

    Returns:
        Seconds, with nothing else going on.

    Example:
        >>> from course_lib.memory.cards import card
        >>> round(seconds_to_send(5.6e9, card("t4"), 2, collectives=1), 2)
        1.0
    """
    if devices == 1:
        return 0.0
    joined = interconnect(card)
    machines = machines_of(card, devices) if machines is None else machines
    slowest = joined.link * joined.share
    hops = devices - 1
    if machines > 1:
        slowest = min(slowest, joined.network * joined.share)
    return sent / (slowest * 1e9) + collectives * hops * HOP_SECONDS


def machines_of(card: Card, devices: int) -> int:
    """How many machines it takes to hold so many cards.

    Args:
        card: The card.
        devices: How many of them.

    Returns:
        Machines.

    Example:
        >>> from course_lib.memory.cards import card
        >>> machines_of(card("h100"), 1024)
        128
    """
    return -(-devices // interconnect(card).cards)


def collectives_a_step(shape: ModelShape, strategy: str, accumulation: int) -> int:
    """How many times a step something is gathered or summed up.

    Args:
        shape: The model's shape; FSDP and ZeRO-3 work layer by layer.
        strategy: One of `sharding.STRATEGIES`.
        accumulation: Micro-batches a step.

    Returns:
        The number.

    Example:
        >>> from course_lib.catalog import shape
        >>> collectives_a_step(shape("Qwen3-8B"), "fsdp_full_shard", 1)
        108
    """
    if strategy in ("ddp", "zero1"):
        return 2
    if strategy == "zero2":
        return accumulation + 1
    passes = 2 if strategy == "fsdp_shard_grad_op" else 3
    return accumulation * passes * shape.layers
