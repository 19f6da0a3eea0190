"""Plan a training run before anything is downloaded: does it fit, how long does a step take?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.memory.cards import Card, card
from course_lib.memory.estimate import MemoryEstimate, estimate
from course_lib.memory.method import choose_method, why_not_4bit
from course_lib.memory.resolve import resolve
from course_lib.memory.speed import seconds_per_step

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from course_lib.catalog import ModelShape


@dataclass(frozen=True)
class Plan:
    """A training run on paper.

    Args:
        peak_gib: The most memory a step needs, everything included.
        parts: What the peak is made of, in GiB.
        fits: Whether the run is possible on the card.
        seconds_per_step: The predicted time of one optimiser's step.
        settings: The arguments for TRL, PEFT and bitsandbytes, under their own names.
        reasons: Why each choice, in words.
    """

    peak_gib: float
    parts: dict[str, float]
    fits: bool
    seconds_per_step: float
    settings: dict[str, Any]
    reasons: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data, rounded to what the figures are worth."""
        data = asdict(self)
        data["peak_gib"] = round(self.peak_gib, 3)
        data["parts"] = {name: round(value, 4) for name, value in self.parts.items()}
        data["seconds_per_step"] = float(f"{self.seconds_per_step:.3g}")
        return data


def plan(
    model: str | Path | ModelShape | PretrainedConfig,
    gpu: str | Card = "t4",
    method: str | None = None,
    seq_len: int = 1024,
    batch: int = 1,
    *,
    rank: int = 16,
    checkpointing: bool | None = None,
    optimizer: str = "adamw_torch_fused",
    accumulation: int = 1,
) -> Plan:
    """Predict memory and time of a run, part by part, and give the reason of every choice.

    Args:
        model: A catalog name, a local folder with ``config.json``, a config or a shape.
        gpu: A card or its name (see `cards.names`).
        method: ``full``, ``lora`` or ``qlora``; None lets `choose_method` decide.
        seq_len: Tokens a row.
        batch: Rows a micro-batch.
        rank: The adapter's rank; 16, because quality hardly moves with it.
        checkpointing: None: only where the run does not fit without it.
        optimizer: transformers' name for it; fused AdamW is transformers' default.
        accumulation: Micro-batches a step.

    Returns:
        The plan; where it does not fit, ``reasons["fits"]`` names a setting that does.

    Raises:
        CourseError: An unknown model, card, method or optimiser, or a size below 1.

    Example:
        >>> plan("Qwen2.5-1.5B-Instruct", "t4", "lora", seq_len=1024, batch=4).fits
        True
    """
    shape = resolve(model)
    where = gpu if isinstance(gpu, Card) else card(gpu)
    reasons: dict[str, str] = {}
    if method is None:
        choice = choose_method(shape, where, seq_len=seq_len, batch=batch, rank=rank)
        method = choice.method or "qlora"
        reasons["method"] = choice.reason
    else:
        reasons["method"] = f"{method}: as asked"
    setting = {
        "method": method,
        "seq_len": seq_len,
        "batch": batch,
        "rank": rank,
        "optimizer": optimizer,
        "accumulation": accumulation,
    }
    if checkpointing is None:
        checkpointing = _predict(shape, where, checkpointing=False, **setting).peak_gib > where.gib
        reasons["gradient_checkpointing"] = (
            "on: without it the activations do not fit; it costs about a third more time"
            if checkpointing
            else "off: the activations fit, and recomputing them would cost about a third more time"
        )
    else:
        reasons["gradient_checkpointing"] = f"{'on' if checkpointing else 'off'}: as asked"
    found = _predict(shape, where, checkpointing=checkpointing, **setting)
    unsupported = why_not_4bit(shape, where) if method == "qlora" else None
    fits = found.peak_gib <= where.gib and unsupported is None
    reasons["fits"] = unsupported or _why(shape, where, found, checkpointing, setting)
    reasons["dtype"] = _why_dtype(where)
    reasons["seconds_per_step"] = (
        f"FLOPs at {where.tflops * where.sustained:.3g} TFLOP/s, "
        f"{where.calibrated}; take it as right within a factor of two"
    )
    seconds = seconds_per_step(
        shape,
        where,
        method=method,
        seq_len=seq_len,
        batch=batch,
        rank=rank,
        checkpointing=checkpointing,
        accumulation=accumulation,
    )
    settings = _settings(where, checkpointing, setting)
    return Plan(found.peak_gib, found.parts, fits, seconds, settings, reasons)


def _predict(
    shape: ModelShape, where: Card, *, checkpointing: bool, **setting: Any
) -> MemoryEstimate:
    return estimate(shape, dtype=where.dtype, checkpointing=checkpointing, **setting)


def _why(
    shape: ModelShape,
    where: Card,
    found: MemoryEstimate,
    checkpointing: bool,
    setting: dict[str, Any],
) -> str:
    free = where.gib - found.peak_gib
    largest = max(found.parts, key=lambda name: found.parts[name])
    made_of = f"the largest part is {largest} with {found.parts[largest]:.2f} GiB"
    if free >= 0:
        return (
            f"{found.peak_gib:.2f} GiB of {where.gib:.2f} on the {where.name}, {free:.2f} free; "
            + made_of
        )
    short = f"{-free:.2f} GiB too much for the {where.gib:.2f} of the {where.name}; {made_of}. "
    instead = _first_that_fits(shape, where, checkpointing, setting)
    return short + (f"This would fit: {instead}." if instead else "No smaller setting fits either.")


def _first_that_fits(
    shape: ModelShape, where: Card, checkpointing: bool, setting: dict[str, Any]
) -> str | None:
    """The least painful change that makes the run fit: in the order of what it costs the learner.

    Recomputing costs time, a smaller micro-batch nothing but a few more of them, another method
    some quality, shorter rows the ends of answers.
    """
    methods = {"full": ("full", "lora", "qlora"), "lora": ("lora", "qlora"), "qlora": ("qlora",)}
    for seq_len in _halvings(setting["seq_len"], 128):
        for method in methods[setting["method"]]:
            if method == "qlora" and why_not_4bit(shape, where):
                continue
            for batch in _halvings(setting["batch"], 1):
                tried = setting | {"method": method, "batch": batch, "seq_len": seq_len}
                if _predict(shape, where, checkpointing=True, **tried).peak_gib <= where.gib:
                    steps = setting["accumulation"] * setting["batch"] // batch
                    wait = f" with {steps} accumulation steps" if steps > 1 else ""
                    return f"{method}, {batch} × {seq_len} tokens, checkpointing on{wait}"
    return None


def _halvings(value: int, least: int) -> list[int]:
    values = [value]
    while values[-1] // 2 >= least:
        values.append(values[-1] // 2)
    return values


def _why_dtype(where: Card) -> str:
    return {
        "float32": "float32: a CPU computes it fastest and without loss",
        "float16": "float16: the card has no bf16 (capability below 8.0), though torch claims it",
        "bfloat16": "bfloat16: the card has it, and it needs no loss scaling",
    }[where.dtype]


def _settings(where: Card, checkpointing: bool, setting: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "method": setting["method"],
        "max_length": setting["seq_len"],
        "per_device_train_batch_size": setting["batch"],
        "gradient_accumulation_steps": setting["accumulation"],
        "gradient_checkpointing": checkpointing,
        "optim": setting["optimizer"],
        "fp16": where.dtype == "float16",
        "bf16": where.dtype == "bfloat16",
    }
    if setting["method"] != "full":
        settings |= {"r": setting["rank"], "target_modules": "all-linear"}
    if setting["method"] == "qlora":
        settings |= {
            "load_in_4bit": True,
            "bnb_4bit_quant_type": "nf4",
            "bnb_4bit_use_double_quant": True,
            "bnb_4bit_compute_dtype": where.dtype,
        }
    return settings
