"""The libraries' own settings and objects for a plan, each value with its reason.

The values that a search does not decide are those of `course_lib.training.sft_config`; a test holds
the two together. Nothing here imports a library before an object is asked for.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.memory.search import Job, Setting
from course_lib.runtime import seed

if TYPE_CHECKING:
    from peft import LoraConfig
    from transformers import BitsAndBytesConfig
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.sft_config import SFTConfig

# Settings of the model's loading, and of no config.
_LOADING = ("method", "attn_implementation")
_ADAPTER = ("r", "lora_alpha", "target_modules", "lora_dropout", "task_type")

# TRL's examples sample eight answers to a prompt: their mean is what each one is compared with.
GENERATIONS = 8

Values = dict[str, Any]
Reasons = dict[str, str]


def why_dtype(dtype: str) -> str:
    """Say why a card computes in its type.

    Args:
        dtype: ``float32``, ``float16`` or ``bfloat16``.

    Returns:
        The type and the reason.

    Example:
        >>> why_dtype("float16")[:7]
        'float16'
    """
    return {
        "float32": "float32: a CPU computes it fastest and without loss",
        "float16": "float16: the card has no bf16 (capability below 8.0), though torch claims it",
        "bfloat16": "bfloat16: the card has it, and it needs no loss scaling",
    }[dtype]


def generations(rows_per_step: int) -> int:
    """How many answers GRPO samples to a prompt: at most eight, and no group is split.

    Args:
        rows_per_step: Answers that an update sees.

    Returns:
        The number.

    Example:
        >>> generations(8), generations(12)
        (8, 6)
    """
    return max(count for count in range(1, GENERATIONS + 1) if rows_per_step % count == 0)


def settings_of(job: Job, setting: Setting, epochs: float) -> tuple[Values, Reasons]:
    """Write a setting down under the libraries' own names.

    Args:
        job: The model, the card and the trainer.
        setting: What the search chose.
        epochs: Passes over the rows.

    Returns:
        The values, and a reason for each that the search has not chosen.

    Example:
        >>> from course_lib.memory import card, resolve
        >>> job = Job(resolve("Qwen3-1.7B"), card("t4"))
        >>> chosen = Setting("qlora", 512, 4, 2, False, "adamw_torch_fused", "efficient")
        >>> settings_of(job, chosen, 3)[0]["bnb_4bit_quant_type"]
        'nf4'
    """
    values: Values = {
        "method": setting.method,
        "per_device_train_batch_size": setting.batch,
        "gradient_accumulation_steps": setting.accumulation,
        "gradient_checkpointing": setting.checkpointing,
        "optim": setting.optimizer,
        "attn_implementation": "eager" if setting.attention == "math" else "sdpa",
    }
    reasons: Reasons = {}
    groups = [_numbers(job), _schedule(job, setting, epochs), _saving(job)]
    groups.append(_of_trainer(job, setting))
    if setting.method != "full":
        groups.append(_adapter(job.rank))
    if setting.method == "qlora":
        groups.append(_four_bits(job.where.dtype))
    for group in groups:
        values |= {name: value for name, (value, _) in group.items()}
        reasons |= {name: why for name, (_, why) in group.items()}
    return values, reasons


Group = dict[str, tuple[Any, str]]


def _numbers(job: Job) -> Group:
    cpu, dtype = job.where.dtype == "float32", job.where.dtype
    why = why_dtype(dtype)
    found: Group = {
        "fp16": (dtype == "float16", why),
        "bf16": (dtype == "bfloat16", f"{why}; TRL's default is bf16 wherever fp16 is off"),
        "dataloader_pin_memory": (not cpu, "pinned memory speeds up copies to a GPU, nothing else"),
    }
    if cpu:
        found["use_cpu"] = (True, "there is no GPU; without it a bare config refuses this machine")
    return found


def _schedule(job: Job, setting: Setting, epochs: float) -> Group:
    cpu, full = job.where.dtype == "float32", setting.method == "full"
    if job.trainer != "sft":
        rate = 1e-6 if full else 1e-5
        why = "TRL's default" if full else "an adapter starts from zero: ten times TRL's default"
    elif full:
        rate = 3e-4 if cpu else 2e-5
        why = "every weight moves, so each step is about a tenth of LoRA's"
        why += "; the small models that a CPU trains bear a third" if cpu else ""
    else:
        rate = 1e-3 if cpu else 2e-4
        why = "an adapter starts from zero and takes about ten times the rate of full fine-tuning"
    return {
        "learning_rate": (rate, why),
        "num_train_epochs": (epochs, "as asked; three are the library's default"),
        "lr_scheduler_type": ("cosine", "small steps at the end, where they count"),
        "warmup_steps": (0.05, "a twentieth of all steps: without warm-up this rate can blow up"),
        "seed": (seed(), "the session's seed, so that a second run is the same one"),
    }


def _saving(job: Job) -> Group:
    cpu = job.where.dtype == "float32"
    found: Group = {
        "logging_steps": (5, "often enough to see a curve in a short run"),
        "disable_tqdm": (True, "one line a step buries a notebook"),
        "report_to": ("none", "nothing is sent to a server"),
        "save_strategy": (
            "no" if cpu else "steps",
            "a run on a CPU takes minutes"
            if cpu
            else "a lent session may be taken away at any minute",
        ),
        "save_steps": (50, "what is lost with a session is less than this many steps"),
        "save_total_limit": (3, "the last three: one to go on from, two to fall back on"),
        "per_device_eval_batch_size": (16 if cpu else 4, "no activations are kept in evaluation"),
    }
    return found


def _of_trainer(job: Job, setting: Setting) -> Group:
    if job.trainer == "sft":
        return {
            "assistant_only_loss": (True, "only the answers are learnt; the questions are given"),
            "max_length": (setting.seq_len, ""),
        }
    if job.trainer == "dpo":
        return {"max_length": (setting.seq_len, "")}
    answer = job.completion_len or max(1, setting.seq_len // 2)
    count = generations(setting.batch * setting.accumulation)
    return {
        "max_completion_length": (answer, f"of {setting.seq_len} tokens a row, prompt included"),
        "num_generations": (count, f"{count} answers to a prompt are compared with their mean"),
    }


def _adapter(rank: int) -> Group:
    return {
        "r": (rank, "quality hardly moves between 8 and 64"),
        "lora_alpha": (2 * rank, "alpha / r scales the update: twice the rank for every rank"),
        "target_modules": ("all-linear", "PEFT's default, two layers of each block, learns less"),
        "lora_dropout": (0.0, "PEFT's default"),
        "task_type": ("CAUSAL_LM", "the model writes text from left to right"),
    }


def _four_bits(dtype: str) -> Group:
    return {
        "load_in_4bit": (True, "linear layers are packed while they are loaded"),
        "bnb_4bit_quant_type": ("nf4", "the default, fp4, fits weights less well"),
        "bnb_4bit_use_double_quant": (True, "the scales are packed too: 4.13 bits a weight"),
        "bnb_4bit_compute_dtype": (dtype, why_dtype(dtype)),
    }


def training_config(
    trainer: str, settings: Values, output_dir: str | Path
) -> SFTConfig | DPOConfig | GRPOConfig:
    """Build TRL's config.

    Args:
        trainer: ``sft``, ``dpo`` or ``grpo``.
        settings: From `settings_of`.
        output_dir: Where checkpoints go.

    Returns:
        A plain config of TRL; also for a card that this machine does not have.

    Example:
        >>> training_config("sft", plan("pocket", "cpu").settings, "run")  # doctest: +SKIP
    """
    if trainer == "sft":
        from trl.trainer.sft_config import SFTConfig as Config
    elif trainer == "dpo":
        from trl.trainer.dpo_config import DPOConfig as Config  # type: ignore[assignment]
    else:
        from trl.trainer.grpo_config import GRPOConfig as Config  # type: ignore[assignment]
    others = (*_LOADING, *_ADAPTER)
    chosen = {name: value for name, value in settings.items() if name not in others}
    chosen = {name: value for name, value in chosen.items() if not name.startswith(_BITS)}
    with warnings.catch_warnings():
        # transformers 5 renames the switch, and still takes its old name.
        warnings.filterwarnings("ignore", message=".*gradient_checkpointing.*deprecated")
        # A machine without such a card refuses bf16, even in a plan for another machine.
        config = Config(output_dir=str(output_dir), **chosen | {"bf16": False})
    if chosen["bf16"]:
        config.bf16, config.mixed_precision = True, "bf16"
    # Kaggle lends two T4s; one process that sees both would wrap the model in DataParallel.
    config._n_gpu = min(config.n_gpu, 1)
    return config


_BITS = ("load_in_4bit", "bnb_4bit_")


def lora_config(settings: Values) -> LoraConfig | None:
    """Build PEFT's config.

    Args:
        settings: From `settings_of`.

    Returns:
        A plain ``peft.LoraConfig``; None for full fine-tuning.

    Example:
        >>> lora_config({"r": 8, "target_modules": "all-linear"}).r
        8
    """
    chosen = {name: settings[name] for name in _ADAPTER if name in settings}
    if not chosen:
        return None
    from peft import LoraConfig

    return LoraConfig(**chosen)


def quantization_config(settings: Values) -> BitsAndBytesConfig | None:
    """Build bitsandbytes' config.

    Args:
        settings: From `settings_of`.

    Returns:
        A plain ``transformers.BitsAndBytesConfig``; None unless the method is QLoRA.

    Example:
        >>> quantization_config({"method": "lora"}) is None
        True
    """
    chosen = {name: value for name, value in settings.items() if name.startswith(_BITS)}
    if not chosen:
        return None
    import torch
    from transformers import BitsAndBytesConfig

    chosen["bnb_4bit_compute_dtype"] = getattr(torch, chosen["bnb_4bit_compute_dtype"])
    return BitsAndBytesConfig(**chosen)
