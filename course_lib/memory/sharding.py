"""Predict the memory of each device when several train one model: DDP, ZeRO-1/2/3, FSDP.

A strategy decides what is whole on every device and what is cut into one piece a device:

====================  ===========  ===========  ===========
strategy              weights      gradients    optimiser
====================  ===========  ===========  ===========
ddp                   whole        whole        whole
zero1                 whole        whole        cut
zero2                 whole        cut          cut
zero3                 cut          cut          cut
fsdp_shard_grad_op    cut, but whole in 16 bits while a step runs   (the rest cut)
fsdp_full_shard       cut          cut          cut
====================  ===========  ===========  ===========

ZeRO-1 and ZeRO-2 cut what is *trained* only: LoRA's frozen base stays whole on every device.
Activations are never cut: each device has rows of its own.

The pieces, and what is whole for a while, are checked against torch's `fully_shard` and its memory
tracker; the states against the table of the ZeRO paper (arXiv 1910.02054). What DeepSpeed gathers
is taken to be what FSDP does. The step is that of SFT; a reference model (DPO) or a key-value cache
(GRPO) is not planned for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.memory.estimate import GIB, NF4_BITS, estimate
from course_lib.memory.layers import adapter_parameters

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape

STRATEGIES = ("ddp", "zero1", "zero2", "zero3", "fsdp_shard_grad_op", "fsdp_full_shard")
# What can move its state to the host's memory: DeepSpeed's optimiser (ZeRO-2), and everything.
OFFLOADING = ("zero2", "zero3", "fsdp_shard_grad_op", "fsdp_full_shard")

_STATE_PARTS = ("weights", "weights_4bit", "adapters", "gradients", "optimizer")


@dataclass(frozen=True)
class DeviceMemory:
    """What one device, and the machine it stands in, have to hold.

    Args:
        parts: GiB of each part on one device at the peak of a step.
        host_gib: GiB of the host's memory that one device's offloaded state takes.
    """

    parts: dict[str, float]
    host_gib: float

    @property
    def peak_gib(self) -> float:
        """The peak of one device, everything included."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class BaseWeights:
    """The bytes of a model's weights, by what a strategy can do with them.

    Args:
        trainable: How many parameters are trained.
        frozen: Bytes of frozen weights that can be cut.
        whole: Bytes that no strategy cuts: the scales of 4-bit weights.
    """

    trainable: int
    frozen: float
    whole: float

    @property
    def gathered(self) -> float:
        """Bytes of the weights that a forward pass computes with, frozen and trained."""
        return self.frozen + 2.0 * self.trainable


def model_states(
    strategy: str, *, trainable: float, frozen: float, devices: int
) -> dict[str, float]:
    """Bytes of weights, gradients and optimiser on each device: the table of the ZeRO paper.

    Sixteen bytes a trained parameter before anything is cut. Under DDP and FSDP they are an fp32
    weight, an fp32 gradient and Adam's two averages; DeepSpeed in 16 bits keeps a 16-bit weight and
    gradient, and an fp32 weight beside Adam's averages in its optimiser.

    Args:
        strategy: One of `STRATEGIES`.
        trainable: How many parameters are trained.
        frozen: Bytes of the frozen weights.
        devices: How many devices there are.

    Returns:
        ``weights``, ``gradients`` and ``optimizer``.

    Raises:
        CourseError: No such strategy, or no device.

    Example:
        >>> paper = model_states("zero2", trainable=7.5e9, frozen=0, devices=64)
        >>> round(sum(paper.values()) / 1e9, 1)
        16.6
    """
    check_strategy(strategy, devices)
    if strategy == "ddp":
        held = {"weights": 4.0, "gradients": 4.0, "optimizer": 8.0}
        cut: tuple[str, ...] = ()
    elif strategy.startswith("zero"):
        held = {"weights": 2.0, "gradients": 2.0, "optimizer": 12.0}
        cut = ("optimizer", "gradients", "weights")[: int(strategy[-1])]
    else:
        held = {"weights": 4.0, "gradients": 4.0, "optimizer": 8.0}
        cut = tuple(held)
    states = {
        part: size * trainable / (devices if part in cut else 1) for part, size in held.items()
    }
    states["weights"] += frozen / (devices if "weights" in cut else 1)
    return states


def base_weights(
    shape: ModelShape, *, method: str, rank: int = 16, floating_storage: bool = True
) -> BaseWeights:
    """Count what is trained, what is frozen and can be cut, and what stays whole on every device.

    Args:
        shape: The model's shape.
        method: ``full``, ``lora`` or ``qlora``.
        rank: The adapter's rank, on all linear layers.
        floating_storage: Whether the 4-bit weights lie in tensors of a floating type
            (``bnb_4bit_quant_storage``). In bytes, the default of bitsandbytes, FSDP leaves them
            out and every device holds them all.

    Returns:
        The counts. The scales of the 4-bit blocks are no parameters, so nothing cuts them.

    Example:
        >>> from course_lib.catalog import shape
        >>> base_weights(shape("Qwen2.5-0.5B-Instruct"), method="lora").trainable
        8798208
    """
    if method == "full":
        return BaseWeights(shape.parameters, 0.0, 0.0)
    trainable = adapter_parameters(shape, rank, "all-linear")
    if method == "lora":
        return BaseWeights(trainable, 2.0 * shape.parameters, 0.0)
    packed = shape.linear_parameters * 4 / 8
    scales = shape.linear_parameters * (NF4_BITS[True] - 4) / 8
    others = 2.0 * (shape.parameters - shape.linear_parameters)
    if floating_storage:
        return BaseWeights(trainable, packed + others, scales)
    return BaseWeights(trainable, others, packed + scales)


def memory_per_device(
    shape: ModelShape,
    strategy: str,
    devices: int,
    *,
    method: str,
    seq_len: int,
    batch: int,
    rank: int = 16,
    checkpointing: bool = True,
    dtype: str = "float16",
    accumulation: int = 1,
    offload: bool = False,
    floating_storage: bool = True,
) -> DeviceMemory:
    """Predict the peak memory of each device in a training step.

    Args:
        shape: The model's shape, from `resolve` or the catalog.
        strategy: One of `STRATEGIES`.
        devices: How many devices train together.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row, padding included.
        batch: Rows a micro-batch, on each device.
        rank: The adapter's rank, on all linear layers.
        checkpointing: Recompute activations in the backward pass.
        dtype: The compute type, ``float16`` or ``bfloat16``.
        accumulation: Micro-batches a step.
        offload: Keep the state in the host's memory: with ``zero2`` the optimiser and the
            gradients, with ``zero3`` and FSDP the weights too.
        floating_storage: See `base_weights`.

    Returns:
        The prediction.

    Raises:
        CourseError: An unknown name, a size below 1, or a strategy that offloads nothing.

    Example:
        >>> from course_lib.catalog import shape
        >>> eight = shape("Qwen3-8B")
        >>> settings = {"method": "lora", "seq_len": 1024, "batch": 1}
        >>> whole = memory_per_device(eight, "ddp", 2, **settings).peak_gib
        >>> halves = memory_per_device(eight, "fsdp_full_shard", 2, **settings).peak_gib
        >>> whole > 14.56 > halves
        True
    """
    check_strategy(strategy, devices)
    if offload and strategy not in OFFLOADING:
        raise CourseError(
            f"{strategy} cannot offload its state: use one of {', '.join(OFFLOADING)}"
        )
    sharded = strategy != "ddp"
    single = estimate(
        shape,
        method=method,
        seq_len=seq_len,
        batch=batch,
        rank=rank,
        checkpointing=checkpointing,
        dtype=dtype,
        # FSDP and DeepSpeed compute with 16-bit weights, so autocast makes no copies of its own.
        trainable_dtype=dtype if sharded and method == "full" else "float32",
        # Where state is cut, a step peaks with its activations, and pieces of gradients are there.
        accumulation=max(accumulation, 2) if sharded else accumulation,
    ).parts
    if strategy == "ddp":
        if devices == 1:
            return DeviceMemory(single, 0.0)
        # DDP adds the buckets that gradients are summed up in, as large as all gradients.
        trained = base_weights(shape, method=method, rank=rank).trainable
        return DeviceMemory(single | {"buckets": 4.0 * trained / GIB}, 0.0)
    base = base_weights(shape, method=method, rank=rank, floating_storage=floating_storage)
    states = model_states(strategy, trainable=base.trainable, frozen=base.frozen, devices=devices)
    kept, moved = _offloaded(strategy, states) if offload else (states, 0.0)
    kept["weights"] += base.whole
    parts = {name: size / GIB for name, size in kept.items()}
    parts |= {name: size for name, size in single.items() if name not in _STATE_PARTS}
    parts["gathered"] = _gathered(shape, strategy, base, method) / GIB
    parts["gradients"] += _whole_head_gradient(single, base.trainable, method)
    return DeviceMemory(parts, moved / GIB)


def check_strategy(strategy: str, devices: int) -> None:
    """Refuse a strategy that the course does not know.

    Args:
        strategy: A name.
        devices: How many devices there are.

    Raises:
        CourseError: No such strategy, or no device.

    Example:
        >>> check_strategy("ddp", 2)
    """
    if strategy not in STRATEGIES:
        raise CourseError(f"No strategy '{strategy}': use one of {', '.join(STRATEGIES)}")
    if devices < 1:
        raise CourseError(f"devices is {devices}: it must be 1 or more")


def layer_bytes(shape: ModelShape, method: str, *, bits: float = 16) -> float:
    """Bytes of one decoder layer's matrices as they are gathered: 16 bits, or 4 under QLoRA.

    Args:
        shape: The model's shape.
        method: ``full``, ``lora`` or ``qlora``.
        bits: Of a weight that is not quantised.

    Returns:
        Bytes.

    Example:
        >>> from course_lib.catalog import shape
        >>> one = shape("Qwen3-8B")
        >>> layer_bytes(one, "lora") == 4 * layer_bytes(one, "qlora")
        True
    """
    return shape.linear_parameters / shape.layers * (4 if method == "qlora" else bits) / 8


def _offloaded(strategy: str, states: dict[str, float]) -> tuple[dict[str, float], float]:
    leaving = ("gradients", "optimizer") if strategy == "zero2" else tuple(states)
    moved = sum(states[part] for part in leaving)
    return {part: 0.0 if part in leaving else size for part, size in states.items()}, moved


def _whole_head_gradient(single: dict[str, float], trainable: int, method: str) -> float:
    """What TRL's fused head sums its gradient up in, before anything can be cut, in GiB."""
    if method != "full":
        return 0.0
    return max(0.0, single["gradients"] - 2.0 * trainable / GIB)


def _gathered(shape: ModelShape, strategy: str, base: BaseWeights, method: str) -> float:
    """Whole weights and gradients that are on the device only while they are computed with.

    Held against torch's own tracker of FSDP's memory in the tests.
    """
    layer = layer_bytes(shape, method)
    head = 2.0 * shape.vocab * shape.hidden
    if strategy in ("zero1", "zero2"):
        # Gradients leave in buckets of hidden x hidden, one being filled while one is sent.
        return 2 * 2.0 * shape.hidden**2
    if strategy == "fsdp_shard_grad_op":
        # Everything, and the buffers through which the largest piece comes in and its gradient
        # leaves.
        return base.gathered + max(head, layer) * (2 if method == "full" else 1)
    # The head; the layer at work and the next one; the buffer of a layer that comes in or whose
    # gradient leaves.
    return head + 3 * layer
