"""What one decoder layer is made of, and what it keeps for its backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from course_lib.catalog import ModelShape


def linear_sizes(shape: ModelShape) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of the linear layers in each decoder layer: what LoRA can adapt.

    Args:
        shape: The model's shape.

    Returns:
        Name to (inputs, outputs).

    Example:
        >>> from course_lib.catalog import shape
        >>> linear_sizes(shape("Qwen2.5-0.5B-Instruct"))["down_proj"]
        (4864, 896)
    """
    h, f = shape.hidden, shape.intermediate
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    if shape.model_type == "phi3":
        # One matrix for queries, keys and values, one for both halves of the gated MLP.
        attention, gated = {"qkv_proj": (h, q + 2 * kv)}, {"gate_up_proj": (h, 2 * f)}
    else:
        attention = {"q_proj": (h, q), "k_proj": (h, kv), "v_proj": (h, kv)}
        gated = {"gate_proj": (h, f), "up_proj": (h, f)}
    return attention | {"o_proj": (q, h)} | gated | {"down_proj": (f, h)}


def adapter_parameters(shape: ModelShape, rank: int, targets: str | Sequence[str]) -> int:
    """How many parameters LoRA trains: rank × (inputs + outputs) of every targeted layer.

    Args:
        shape: The model's shape.
        rank: The adapter's rank.
        targets: ``all-linear``, or names such as ``["q_proj", "v_proj"]``.

    Returns:
        The number of adapter parameters.

    Raises:
        CourseError: A target is none of the model's linear layers.

    Example:
        >>> from course_lib.catalog import shape
        >>> adapter_parameters(shape("Qwen2.5-0.5B-Instruct"), 16, "all-linear")
        8798208
    """
    sizes = linear_sizes(shape)
    return shape.layers * sum(rank * sum(sizes[name]) for name in target_names(shape, targets))


def target_names(shape: ModelShape, targets: str | Sequence[str]) -> list[str]:
    """Spell out which layers get an adapter.

    Args:
        shape: The model's shape.
        targets: ``all-linear``, one name, or several.

    Returns:
        The layers' names.

    Raises:
        CourseError: A name that is none of the model's linear layers.

    Example:
        >>> from course_lib.catalog import shape
        >>> target_names(shape("Qwen2.5-0.5B-Instruct"), "q_proj")
        ['q_proj']
    """
    linear = linear_sizes(shape)
    if targets == "all-linear":
        return list(linear)
    names = [targets] if isinstance(targets, str) else list(targets)
    for name in names:
        if name not in linear:
            raise CourseError(
                f"'{name}' is none of the model's linear layers: use 'all-linear', or some of "
                + ", ".join(linear)
            )
    return names


def stored_per_token(
    shape: ModelShape,
    *,
    method: str,
    seq_len: int,
    rank: int,
    targets: Sequence[str],
    size: int,
    attention: str = "efficient",
    casts: bool = True,
    dropout: float = 0.0,
    wide: bool = False,
) -> float:
    """Bytes that one decoder layer keeps for its backward pass, for each token.

    Args:
        shape: The model's shape.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens that a token is masked against: the mask (and the scores, under ``math``)
            grow with it.
        rank: The adapter's rank.
        targets: The layers that are trained or get an adapter.
        size: Bytes of the compute type.
        attention: ``efficient``, ``flash`` or ``math``.
        casts: Whether autocast has fp32 weights to cast for, and inputs with them.
        dropout: The adapter's dropout.
        wide: Whether a frozen base reads an fp32 residual stream (from a trained embedding).

    Returns:
        Bytes a token and layer.

    Example:
        >>> from course_lib.catalog import shape
        >>> stored_per_token(shape("Qwen2.5-0.5B-Instruct"), method="qlora", seq_len=1024,
        ...                  rank=16, targets=["q_proj", "v_proj"], size=2)
        47488
    """
    h, f = shape.hidden, shape.intermediate
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    # Norms work in fp32 on the residual stream and keep their input; trained, also their output.
    normed = h * (4 if shape.model_type in ("gemma2", "gemma3_text") else 2)
    if shape.model_type in ("qwen3", "olmo2", "olmo3", "gemma3_text"):
        normed += q + kv
    norms = 4 * normed * (2 if method == "full" else 1) + 8
    # Queries, keys, values (keys and values repeated for every head), the output, a log-sum a
    # head, and the mask.
    scores = 4 * q * size + 4 * shape.heads + seq_len * size
    if attention == "flash":  # no mask, and no key is repeated
        scores = 2 * (q + kv) * size + 4 * shape.heads
    if shape.model_type == "phi3" and kv == q:
        # The values are a view into the joint matrix product, and keep all of it alive.
        scores += (q + kv) * size
    if attention == "math":
        # In fp32; Gemma 2 also keeps their capped values and their 16-bit copy.
        copies = 2 if shape.model_type == "gemma2" else 1
        scores += copies * shape.heads * seq_len * 2 * size
    # What SiLU and the product with `up` need: gate, SiLU(gate), up.
    # PEFT's 4-bit layer answers in the type it was asked in.
    gated = 3 * f * (4 if wide and method == "qlora" else size)
    sizes = linear_sizes(shape)
    if dropout and method != "full":
        # A byte for each value that an adapter reads: whether it was dropped.
        norms += sum(sizes[name][0] for name in targets)
    if (dropout and method != "full") or (casts and size == 2 and (method != "qlora" or wide)):
        # Each layer keeps a 16-bit copy of its own of what it reads, even where several read the
        # same: autocast makes one a call. PEFT's 4-bit layer leaves the input as it is.
        own = [name for name in targets if method == "lora" or name != "o_proj"]
        inputs = sum(sizes[name][0] for name in own)
    else:
        # What several layers read is kept once; what `o_proj` reads is the attention's output.
        inputs = (
            h * _any(targets, "q", "k", "v")
            + h * _any(targets, "gate", "up")
            + (f if "down_proj" in targets else 0)
        )
    low_rank = 0 if method == "full" else rank * len(targets)
    return norms + scores + gated + size * (inputs + low_rank)


def _any(targets: Sequence[str], *starts: str) -> bool:
    return any(name.startswith(starts) for name in targets)
