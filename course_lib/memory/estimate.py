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
from course_lib.memory.layers import target_names
from course_lib.memory.optimizers import scratch_bytes, state_bytes, trained_tensors
from course_lib.memory.phases import Step

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
    size = 4 if dtype == "float32" else 2
    trained_size = 4 if trainable_dtype == "float32" else 2
    reference = trainer == "dpo" if reference is None else reference
    trained = trained_tensors(shape, method, rank, names, modules_to_save)
    trainable = sum(group.count * group.elements for group in trained)
    always = _weights(shape, method, size, trained_size, double_quant)
    if reference and method == "full":
        always["reference"] = shape.parameters * trained_size
    always["adapters"] = 0 if method == "full" else trainable * trained_size
    always["optimizer"] = state_bytes(optimizer, trained, trained_size)
    phases = Step(
        shape=shape,
        method=method,
        trainer=trainer,
        seq_len=seq_len,
        answer=answer,
        rows=batch * (2 if trainer == "dpo" else 1),
        accumulation=accumulation,
        rank=rank,
        targets=names,
        saved=modules_to_save,
        dropout=dropout,
        size=size,
        trained_size=trained_size,
        trainable=trainable,
        scratch=scratch_bytes(optimizer, trained, trained_size),
        checkpointing=checkpointing,
        fused_head=fused_head,
        attention=attention,
        padding_free=padding_free,
        reference=reference,
    ).phases()
    phase = max(phases, key=lambda name: sum(phases[name].values()))
    parts = {name: value / GIB for name, value in (always | phases[phase]).items()}
    parts["context"] = CPU_OVERHEAD_GIB if dtype == "float32" else CUDA_OVERHEAD_GIB
    return MemoryEstimate(parts, phase, trainable)


def _weights(
    shape: ModelShape, method: str, size: int, trained_size: int, double_quant: bool
) -> dict[str, float]:
    if method == "full":
        return {"weights": shape.parameters * trained_size}
    if method == "lora":
        return {"weights": shape.parameters * size}
    linear = shape.linear_parameters
    return {
        "weights_4bit": linear * NF4_BITS[double_quant] / 8,
        # Embeddings, head, norms and biases are never quantised.
        "weights": (shape.parameters - linear) * size,
    }


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
