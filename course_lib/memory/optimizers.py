"""What an optimiser keeps for each trained tensor, and what its step needs for a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.memory.layers import linear_sizes

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape

# bitsandbytes keeps 32 bits for smaller tensors, and an fp32 scale for every block of a state.
SMALL_TENSOR, BLOCK = 4096, 256

# transformers' names. States a parameter, and their bits; 0 bits: as wide as the parameter itself.
_STATES = {
    "adamw_torch_fused": (2, 0),
    "adamw_torch": (2, 0),
    "adamw_8bit": (2, 8),
    "adamw_bnb_8bit": (2, 8),
    "paged_adamw_8bit": (2, 8),
    "paged_adamw_32bit": (2, 32),
    "lion_8bit": (1, 8),
    "paged_lion_8bit": (1, 8),
    "adafactor": (0, 32),
    "sgd": (0, 0),
}


@dataclass(frozen=True)
class TrainedTensors:
    """Tensors of one shape that are trained.

    Args:
        count: How many of them.
        size: Rows and columns; one number for a vector.
        embedding: Whether it is an embedding's weight, for which transformers keeps 32-bit states.
    """

    count: int
    size: tuple[int, ...]
    embedding: bool = False

    @property
    def elements(self) -> int:
        """Elements of one of them."""
        return self.size[0] * (self.size[1] if len(self.size) == 2 else 1)


def trained_tensors(
    shape: ModelShape, method: str, rank: int, targets: Sequence[str], saved: Sequence[str] = ()
) -> list[TrainedTensors]:
    """List what is trained, tensors of one shape together.

    Args:
        shape: The model's shape.
        method: ``full``, ``lora`` or ``qlora``.
        rank: The adapter's rank.
        targets: Names of the layers with an adapter.
        saved: PEFT's ``modules_to_save``: ``embed_tokens``, ``lm_head``.

    Returns:
        The groups.

    Example:
        >>> from course_lib.catalog import shape
        >>> small = shape("Qwen2.5-0.5B-Instruct")
        >>> sum(t.count * t.elements for t in trained_tensors(small, "full", 0, []))
        494032768
    """
    table = (shape.vocab, shape.hidden)
    sizes = linear_sizes(shape)
    if method != "full":
        found = [
            TrainedTensors(shape.layers, size)
            for name in targets
            for size in ((rank, sizes[name][0]), (sizes[name][1], rank))
        ]
        return found + [TrainedTensors(1, table, name == "embed_tokens") for name in saved]
    found = [TrainedTensors(1, table, True)] + [TrainedTensors(1, table)] * (not shape.tied)
    found += [TrainedTensors(shape.layers, (outputs, inputs)) for inputs, outputs in sizes.values()]
    # Norms and biases are nearly all as long as the model is wide.
    vectors, rest = divmod(shape.small_parameters, shape.hidden)
    found.append(TrainedTensors(vectors, (shape.hidden,)))
    return found + [TrainedTensors(1, (rest,))] * (rest > 0)


def state_bytes(optimizer: str, trained: Sequence[TrainedTensors], trained_size: int) -> int:
    """Count the bytes of an optimiser's state.

    Paged states count as if they lay on the card: they leave it only where it is full.

    Args:
        optimizer: transformers' name for it.
        trained: What is trained, from `trained_tensors`.
        trained_size: Bytes of a trained parameter.

    Returns:
        Bytes.

    Raises:
        CourseError: An optimiser that the course does not know.

    Example:
        >>> state_bytes("adamw_8bit", [TrainedTensors(1, (1024, 1024))], 4)
        2129920
    """
    states, bits = _look_up(optimizer)
    total = 0
    for group in trained:
        if optimizer == "adafactor":
            # A mean of squares for every row and every column.
            total += group.count * 4 * sum(group.size)
        elif bits == 8 and not group.embedding and group.elements >= SMALL_TENSOR:
            scales = -(-group.elements // BLOCK) * 4
            total += group.count * states * (group.elements + scales)
        else:
            total += group.count * states * group.elements * (4 if bits else trained_size)
    return total


def scratch_bytes(optimizer: str, trained: Sequence[TrainedTensors], trained_size: int) -> int:
    """Count what the optimiser's step allocates for a moment.

    Args:
        optimizer: transformers' name for it.
        trained: What is trained, from `trained_tensors`.
        trained_size: Bytes of a trained parameter.

    Returns:
        Bytes.

    Raises:
        CourseError: An optimiser that the course does not know.

    Example:
        >>> scratch_bytes("adamw_torch_fused", [TrainedTensors(1, (1024, 1024))], 4)
        0
    """
    _look_up(optimizer)
    if optimizer == "adamw_torch":
        # The square roots of all second moments are alive together.
        return sum(group.count * group.elements for group in trained) * trained_size
    if optimizer == "adafactor":
        # One tensor at a time: its update, and the update's opposite.
        return 2 * 4 * max(group.elements for group in trained)
    return 0


def _look_up(optimizer: str) -> tuple[int, int]:
    if optimizer not in _STATES:
        raise CourseError(f"No optimiser '{optimizer}': use one of {', '.join(_STATES)}")
    return _STATES[optimizer]
