"""Explain a training step that ran out of memory: what needed it, and which setting would fit."""

from __future__ import annotations

import dataclasses
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import psutil
import torch
from accelerate.utils.memory import should_reduce_batch_size

from course_lib import machine
from course_lib.catalog import ModelShape
from course_lib.errors import CourseError
from course_lib.machine import GIB
from course_lib.memory import Card, Plan, card, plan

if TYPE_CHECKING:
    from transformers import Trainer

# Parts of an estimate that are in memory before the first step.
_THERE = ("context", "weights", "weights_4bit", "adapters", "reference")
# What the planner calls a trainer, and what a micro-batch of it counts.
_TRAINERS = {"DPOTrainer": ("dpo", "pairs"), "GRPOTrainer": ("grpo", "answers")}
_ASKED_FOR = re.compile(r"tried to allocate ([\d.]+ \w+)", re.IGNORECASE)


class Batch(NamedTuple):
    """How large a micro-batch is.

    Example:
        >>> Batch(rows=8, tokens=100).answer is None
        True
    """

    #: Rows of the tensors; of DPO two to a pair.
    rows: int
    #: Tokens of a row, padding included.
    tokens: int
    #: Tokens of its answer where the trainer keeps it apart.
    answer: int | None = None


def batch_of(inputs: dict[str, Any]) -> Batch | None:
    """The size of the micro-batch that a trainer was given.

    Args:
        inputs: What ``compute_loss`` gets.

    Returns:
        Its size; None where it holds no rows of tokens.

    Example:
        >>> batch_of({"input_ids": torch.zeros(8, 100)})
        Batch(rows=8, tokens=100, answer=None)
    """
    if "completion_ids" in inputs:  # GRPO's answers to its prompts
        answer = inputs["completion_ids"].shape[1]
        rows, prompt = inputs["prompt_ids"].shape
        return Batch(rows, prompt + answer, answer)
    shapes = [tuple(value.shape) for value in inputs.values() if getattr(value, "ndim", 0) == 2]
    if not shapes:
        return None
    rows, tokens = max(shapes, key=lambda shape: shape[0] * shape[1])
    if "cu_seq_lens_q" in inputs:  # several rows one behind another
        rows = len(inputs["cu_seq_lens_q"]) - 1
        tokens = -(-tokens // rows)
    return Batch(rows, tokens)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or on the CPU.

    Args:
        error: What a training step raised.

    Returns:
        True for PyTorch's errors of a GPU's and of the CPU's allocator, and Python's own.

    Example:
        >>> is_out_of_memory(MemoryError())
        True
    """
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and should_reduce_batch_size(error)
    )


def explain(
    trainer: Trainer, error: BaseException, batch: Batch | None, room: tuple[float, float]
) -> str:
    """Say what a step needed, part by part, what there was, and the next setting that fits.

    Args:
        trainer: The trainer whose step failed.
        error: What it raised.
        batch: Size of the micro-batch that the step was given; None where memory ran out before
            there was one.
        room: What `memory_now` said before the first step, when the model was there, and nothing
            that a step makes.

    Returns:
        A message of a few lines. Needs are predicted by ``course_lib.memory`` for this very model,
        trainer, method and batch; what there was, is measured.

    Example:
        >>> print(explain(trainer, error, Batch(64, 1024), (1.1, 2.0)))  # doctest: +SKIP
    """
    held, free = room
    model: Any = trainer.model
    doing = "training" if model.training else "evaluation"
    asked = _ASKED_FOR.search(str(error))
    lines = [
        f"out of memory at step {trainer.state.global_step + 1:,} in {doing}"
        + (f", with {_at_once(trainer, batch)} at once" if batch else "")
        + (f": one tensor more asked for {asked[1]}" if asked else ""),
        f"there was {free:.2f} GiB free before the first step, beside {held:.2f} GiB that this "
        "process held",
    ]
    if batch is not None:
        try:
            lines += _needs(trainer, batch, free)
        except CourseError as why:
            lines.append(f"what it needs cannot be predicted ({why}); halve the rows at once")
    return "\n  ".join(lines)


def memory_now() -> tuple[float, float]:
    """What this process holds, and what it could still get.

    Returns:
        Both in GiB: of the GPU where there is one, else of main memory within every limit that
        this process is under.

    Example:
        >>> held, free = memory_now()
        >>> held > 0
        True
    """
    if torch.cuda.is_available():
        held = torch.cuda.memory_allocated()
        # What the allocator holds and does not use is free to this process too.
        unused = torch.cuda.memory_reserved() - held
        return held / GIB, (torch.cuda.mem_get_info()[0] + unused) / GIB
    process = psutil.Process()
    used = process.memory_info()
    free = min(float(psutil.virtual_memory().available), machine.ram_gib() * GIB - used.rss)
    if sys.platform == "linux":
        limit, _ = process.rlimit(psutil.RLIMIT_AS)
        if limit != psutil.RLIM_INFINITY:
            free = min(free, limit - used.vms)
    return used.rss / GIB, max(0.0, free / GIB)


def _kind(trainer: Trainer) -> tuple[str, str]:
    names = [base.__name__ for base in type(trainer).__mro__]
    return next((_TRAINERS[name] for name in names if name in _TRAINERS), ("sft", "rows"))


def _counted(trainer: Trainer, batch: Batch) -> int:
    return max(1, batch.rows // 2) if _kind(trainer)[0] == "dpo" else batch.rows


def _at_once(trainer: Trainer, batch: Batch) -> str:
    return f"{_counted(trainer, batch):,} {_kind(trainer)[1]} × {batch.tokens:,} tokens"


def _needs(trainer: Trainer, batch: Batch, free: float) -> list[str]:
    asked = _plan(trainer, batch, free, "this machine")
    # What was there before the first step does not have to find its place in what was free then.
    available = free + sum(asked.parts.get(name, 0.0) for name in _THERE)
    parts = "\n".join(
        f"    {name:<14}{gib:>8.2f} GiB"
        for name, gib in sorted(asked.parts.items(), key=lambda part: -part[1])
        if gib >= 0.005
    )
    settings = asked.settings
    kind = _kind(trainer)[0]
    setting = settings["method"] if kind == "sft" else f"{kind.upper()}, {settings['method']}"
    setting += f", rank {settings['r']}" if "r" in settings else ""
    setting += f", checkpointing {'on' if settings['gradient_checkpointing'] else 'off'}"
    # Predictions err, and memory is held in pieces. What was tried does not count as fitting, even
    # where it should have fitted.
    room = "memory that there was, less a tenth to be safe"
    if asked.peak_gib <= available:
        room, available = "memory that was tried, less a tenth", asked.peak_gib
    return [
        f"predicted for this step ({setting}), {asked.peak_gib:.2f} GiB in all:\n{parts}",
        _plan(trainer, batch, 0.9 * available, room).reasons["fits"],
    ]


def _plan(trainer: Trainer, batch: Batch, gib: float, room: str) -> Plan:
    args, model = trainer.args, cast("Any", trainer.model)
    adapters = getattr(model, "peft_config", {})
    quantised = getattr(model, "is_loaded_in_4bit", False)
    rank = {"rank": next(iter(adapters.values())).r} if adapters else {}
    return plan(
        ModelShape.of(model.config.get_text_config()),
        _this_machine(gib, room),
        "qlora" if quantised else "lora" if adapters else "full",
        seq_len=batch.tokens,
        batch=_counted(trainer, batch),
        trainer=_kind(trainer)[0],
        completion_len=batch.answer,
        checkpointing=bool(args.gradient_checkpointing),
        optimizer=str(getattr(args.optim, "value", args.optim)),
        accumulation=args.gradient_accumulation_steps,
        **rank,
    )


def _this_machine(gib: float, room: str) -> Card:
    if not torch.cuda.is_available():
        return dataclasses.replace(card("cpu"), name=room, gib=gib)
    capability = torch.cuda.get_device_capability()  # of this process's own card
    return dataclasses.replace(card("t4"), name=room, gib=gib, capability=capability)
