"""Plan a training run before anything is downloaded: does it fit, and how long does it take?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.memory import configs
from course_lib.memory.cards import HOURS_AS_OF, KAGGLE_HOURS_A_WEEK, LENT_BY_KAGGLE, Card, card
from course_lib.memory.method import ROWS_FOR_FULL
from course_lib.memory.reasons import why_fits, why_length, why_method, why_settings
from course_lib.memory.resolve import resolve
from course_lib.memory.search import (
    METHODS_TRIED,
    Job,
    Trial,
    cuts_of,
    first_that_fits,
    table,
    undominated,
)

if TYPE_CHECKING:
    import pandas as pd
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig, PretrainedConfig
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.sft_config import SFTConfig

    from course_lib.catalog import ModelShape

# What `sft_config` takes, on a CPU and on a T4.
ROWS_PER_STEP, SEQ_LEN, EPOCHS = 8, 1024, 3.0
# Where rows of full length do not fit: the shares of them that are tried, from the most.
_SHARES = (0.99, 0.95, 0.9, 0.75, 0.5)


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
        steps: Steps of the whole run; None where the number of rows is not known.
        seconds: The predicted time of all of them.
        hours: The same in hours.
        quota_share: The share of Kaggle's weekly hours, for the cards that Kaggle lends.
        trainer: ``sft``, ``dpo`` or ``grpo``.
        trials: Every setting that was tried: the chosen one, then the best first.
    """

    peak_gib: float
    parts: dict[str, float]
    fits: bool
    seconds_per_step: float
    settings: dict[str, Any]
    reasons: dict[str, str]
    steps: int | None = None
    seconds: float | None = None
    hours: float | None = None
    quota_share: float | None = None
    trainer: str = "sft"
    trials: tuple[Trial, ...] = field(default=(), repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data, rounded to what the figures are worth."""
        names = [name for name in self.__dataclass_fields__ if name != "trials"]
        data = {name: getattr(self, name) for name in names}
        data["peak_gib"] = round(self.peak_gib, 3)
        data["parts"] = {name: round(value, 4) for name, value in self.parts.items()}
        for name in ("seconds_per_step", "seconds", "hours", "quota_share"):
            if data[name] is not None:
                data[name] = float(f"{data[name]:.3g}")
        return data

    def training_config(self, output_dir: str | Path) -> SFTConfig | DPOConfig | GRPOConfig:
        """TRL's own config with the plan's settings.

        Args:
            output_dir: Where checkpoints go, see `course_lib.output_path`.

        Returns:
            A plain ``trl.SFTConfig``, ``DPOConfig`` or ``GRPOConfig``; also for a card that this
            machine does not have.

        Example:
            >>> plan("pocket", "cpu").training_config("build/runs/first")  # doctest: +SKIP
        """
        return configs.training_config(self.trainer, self.settings, output_dir)

    def lora_config(self) -> LoraConfig | None:
        """PEFT's own config; None for full fine-tuning."""
        return configs.lora_config(self.settings)

    def quantization_config(self) -> BitsAndBytesConfig | None:
        """The config of bitsandbytes for `load_model`; None unless the method is QLoRA."""
        return configs.quantization_config(self.settings)

    def tried(self) -> pd.DataFrame:
        """Every setting that was tried: what it needs, what it takes, whether it fits."""
        return table(self.trials)

    def frontier(self) -> pd.DataFrame:
        """The settings that none other beats: each needs less memory than the ones above it."""
        return table(undominated(self.trials))


def plan(
    model: str | Path | ModelShape | PretrainedConfig,
    gpu: str | Card = "t4",
    method: str | None = None,
    rows: int | None = None,
    seq_len: int | None = None,
    batch: int | None = None,
    *,
    trainer: str = "sft",
    epochs: float = EPOCHS,
    lengths: Sequence[int] = (),
    completion_len: int | None = None,
    rows_per_step: int | None = None,
    accumulation: int | None = None,
    rank: int = 16,
    checkpointing: bool | None = None,
    optimizer: str | None = None,
    attention: str | None = None,
) -> Plan:
    """Search the settings for the fastest that fits, and give the reason of every choice.

    What is given stays as it is; what is not is searched. The rows of an update are equal in all
    settings that are tried, because they decide how training goes. LoRA and QLoRA compete for
    time; full fine-tuning is another training, and is taken only for much data (or if asked for).

    Args:
        model: A catalog name, a local folder with ``config.json``, a config or a shape.
        gpu: A card or its name (see `cards.names`).
        method: ``full``, ``lora`` or ``qlora``; None: the search decides.
        rows: Rows of training data (pairs for DPO, prompts for GRPO), for the time of the whole
            run; None takes the number of `lengths`.
        seq_len: Tokens a row; None: the longest of `lengths`, and less only where that does not
            fit, with the share of rows it loses; without lengths 1024.
        batch: Rows a micro-batch (pairs for DPO, answers for GRPO).
        trainer: ``sft``, ``dpo`` or ``grpo``.
        epochs: Passes over the rows; three, as transformers does.
        lengths: Tokens of each row, from the data: with them, padding is counted.
        completion_len: Tokens of a row that are the answer; None: all, for GRPO half.
        rows_per_step: Rows an update; None: batch × accumulation if both are given, the batch
            if it alone is, else 8 as in `sft_config` (or the next multiple of accumulation).
        accumulation: Micro-batches a step.
        rank: The adapter's rank; 16, because quality hardly moves with it.
        checkpointing: Recompute activations.
        optimizer: transformers' name for it.
        attention: ``efficient``, ``flash`` or ``math``, see `estimate`.

    Returns:
        The plan; where nothing fits, of what needs least, and ``reasons["fits"]`` names a setting
        that does fit, if there is one.

    Raises:
        CourseError: An unknown name, a size below 1, or rows of an update that cannot be cut so.

    Example:
        >>> found = plan("Qwen2.5-1.5B-Instruct", "t4", rows=2000, seq_len=1024)
        >>> found.settings["method"], found.fits, found.steps
        ('lora', True, 750)
    """
    ordered = tuple(sorted(lengths))
    rows = len(ordered) or None if rows is None else rows
    asked = {"rows": rows, "seq_len": seq_len, "batch": batch, "accumulation": accumulation}
    asked |= {"rows_per_step": rows_per_step, "shortest of lengths": min(ordered, default=None)}
    _check(asked, epochs)
    shape = resolve(model)
    where = gpu if isinstance(gpu, Card) else card(gpu)
    cuts = _cuts(rows_per_step, batch, accumulation)
    if trainer == "grpo" and configs.generations(cuts[0][0] * cuts[0][1]) < 2:
        raise CourseError(
            f"grpo with {cuts[0][0] * cuts[0][1]} answers an update: it compares 2 to "
            f"{configs.GENERATIONS} answers to a prompt, so take a number that one of these divides"
        )
    job = Job(shape, where, trainer, rank, completion_len, ordered)
    chosen, trials = _search(
        job,
        seq_len,
        cuts,
        method,
        rows,
        checkpointing=checkpointing,
        optimizer=optimizer,
        attention=attention,
    )
    given: dict[str, object] = {"batch": batch, "checkpointing": checkpointing}
    given |= {"optimizer": optimizer, "attention": attention}
    fixed = [name for name, value in given.items() if value is not None]
    # In the order of what they give up; LoRA where a card has no 4-bit kernels.
    others = {
        "full": ("full", "lora", "qlora"),
        "lora": ("lora", "qlora"),
        "qlora": ("qlora", "lora"),
    }
    proposal = None
    if not chosen.fits:
        asked_for = chosen.setting
        if batch is None:
            asked_for = replace(asked_for, batch=cuts[0][0], accumulation=cuts[0][1])
        proposal = first_that_fits(job, asked_for, others[asked_for.method])
    settings, reasons = configs.settings_of(job, chosen.setting, epochs)
    length, lost = why_length(
        chosen.setting.seq_len, ordered, asked=seq_len is not None, context=shape.context
    )
    reasons = {
        "fits": why_fits(job, chosen, proposal),
        "method": why_method(job, chosen, trials, rows, asked=method is not None),
        "max_length": length,
        **why_settings(job, chosen, trials, fixed),
        "seconds_per_step": _why_seconds(where, trainer),
        "dtype": configs.why_dtype(where.dtype),
        **{name: why for name, why in reasons.items() if name != "max_length"},
    }
    own = [trial for trial in trials if trial is not chosen]
    own = [chosen, *(trial for trial in own if method in (None, trial.setting.method))]
    return Plan(
        chosen.memory.peak_gib,
        chosen.memory.parts,
        chosen.fits,
        chosen.seconds,
        settings,
        reasons,
        trainer=trainer,
        trials=tuple(own),
        **_duration(chosen, where, trainer, rows, lost, epochs, reasons),
    )


def _check(sizes: dict[str, int | None], epochs: float) -> None:
    for name, size in sizes.items():
        if size is not None and size < 1:
            raise CourseError(f"{name} is {size}: it must be 1 or more")
    if epochs <= 0:
        raise CourseError(f"epochs is {epochs}: it must be more than 0")


def _cuts(
    rows_per_step: int | None, batch: int | None, accumulation: int | None
) -> list[tuple[int, int]]:
    """The ways to cut an update into micro-batches that the learner has left open."""
    if batch is not None and (accumulation is not None or rows_per_step is None):
        pieces = accumulation or 1
        if rows_per_step not in (None, batch * pieces):
            raise CourseError(
                f"rows_per_step is {rows_per_step}, but batch × accumulation is {batch * pieces}: "
                "leave one of the three out"
            )
        return [(batch, pieces)]
    pieces = accumulation or 1
    every = cuts_of(rows_per_step or pieces * ceil(ROWS_PER_STEP / pieces))
    found = [cut for cut in every if batch in (None, cut[0]) and accumulation in (None, cut[1])]
    if not found:
        name, size = ("batch", batch) if batch is not None else ("accumulation", accumulation)
        total = every[0][0]
        raise CourseError(
            f"{name} is {size}, which does not divide the {total} rows of an update: take one of "
            f"{', '.join(str(cut[0]) for cut in reversed(every))}, or another rows_per_step"
        )
    return found


def _search(
    job: Job,
    seq_len: int | None,
    cuts: list[tuple[int, int]],
    method: str | None,
    rows: int | None,
    **fixed: Any,
) -> tuple[Trial, list[Trial]]:
    """The best trial, and all of them: for the longest rows with which anything fits."""
    # The other methods are tried even where one is asked for, to tell what it costs.
    methods = METHODS_TRIED if method in (None, *METHODS_TRIED) else (str(method),)
    need = seq_len or max(job.lengths, default=SEQ_LEN)
    first: tuple[Trial, list[Trial]] | None = None
    for length in [need] if seq_len else _needs(job.lengths, need):
        trials = job.trials(methods=methods, seq_len=length, cuts=cuts, **fixed)
        chosen = _chosen(trials, method, rows)
        if chosen.fits:
            return chosen, trials
        first = first or (chosen, trials)
    assert first is not None
    return first


def _needs(lengths: Sequence[int], need: int) -> list[int]:
    shorter = [lengths[ceil(share * len(lengths)) - 1] for share in _SHARES] if lengths else []
    return list(dict.fromkeys([need, *shorter]))


def _chosen(trials: list[Trial], method: str | None, rows: int | None) -> Trial:
    if method is not None:
        allowed: tuple[str, ...] = (method,)
    elif rows is not None and rows >= ROWS_FOR_FULL:
        allowed = ("full",)
        if not any(trial.fits and trial.setting.method == "full" for trial in trials):
            allowed = ("lora", "qlora")
    else:
        allowed = ("lora", "qlora")
    return next(trial for trial in trials if trial.setting.method in allowed)


def _duration(
    chosen: Trial,
    where: Card,
    trainer: str,
    rows: int | None,
    lost: float,
    epochs: float,
    reasons: dict[str, str],
) -> dict[str, Any]:
    """Steps, seconds and hours of the run, as far as the number of rows is known."""
    if rows is None:
        return {}
    a_step = chosen.setting.batch * chosen.setting.accumulation
    kept = max(1, round(rows * (1 - lost)))
    if trainer == "grpo":
        kept *= configs.generations(a_step)
    steps = ceil(epochs * ceil(kept / a_step))
    seconds = steps * chosen.seconds
    hours, share = seconds / 3600, None
    told = f"{steps:,} steps of {chosen.seconds:.3g} s; loading, evaluating and saving are extra"
    if where.name in LENT_BY_KAGGLE:
        share = hours / KAGGLE_HOURS_A_WEEK
        told += (
            f". {share:.0%} of the {KAGGLE_HOURS_A_WEEK} GPU hours a week that Kaggle lent "
            f"({HOURS_AS_OF}); Colab promises no hours at all"
        )
    reasons["hours"] = told
    return {"steps": steps, "seconds": seconds, "hours": hours, "quota_share": share}


def _why_seconds(where: Card, trainer: str) -> str:
    told = (
        f"FLOPs at {where.tflops * where.sustained:.3g} TFLOP/s, {where.calibrated}; take it as "
        "right within a factor of two"
    )
    if where.dtype == "float16":
        told += (
            " for fp16 and tuned kernels, and as a lower bound for anything else: plain TRL in "
            "bf16, which a T4 emulates, took five times as long there"
        )
    if trainer == "grpo":
        told += ". Generating is counted as if every answer were as long as it may be"
    return told
