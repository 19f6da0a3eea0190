"""What the trainers of SFT, DPO and GRPO have in common: the machine's settings, the same traps."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from course_lib.errors import CourseError, NotSaved
from course_lib.runtime import Runtime, seed
from course_lib.training.models import keep_4bit_trainable, without_renaming_notices

if TYPE_CHECKING:
    from peft import PeftConfig, PeftModel
    from torch import nn
    from transformers import (
        PreTrainedModel,
        PreTrainedTokenizerBase,
        Trainer,
        TrainerCallback,
        TrainingArguments,
    )
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.sft_config import SFTConfig

    AnyConfig = TypeVar("AnyConfig", bound=TrainingArguments)


def machine_settings(runtime: Runtime, output_dir: str | Path) -> dict[str, Any]:
    """What a machine asks of every trainer: number format, memory, saving, quiet logs.

    Args:
        runtime: The machine, from ``course_lib.start()``.
        output_dir: Where checkpoints go.

    Returns:
        Arguments of ``TrainingArguments``.

    Example:
        >>> machine_settings(runtime, "build/runs/first")["use_cpu"]  # doctest: +SKIP
        True
    """
    pocket = runtime.device == "cpu"
    return {
        "output_dir": str(output_dir),
        "seed": seed(),
        # Number format. TRL takes bf16 unless fp16 is set; a T4 has bf16 in emulation only and does
        # not refuse it, and a machine without GPU refuses a bare SFTConfig() altogether.
        "use_cpu": pocket,
        "bf16": runtime.dtype == "bfloat16" and not pocket,
        "fp16": runtime.dtype == "float16" and not pocket,
        # Recomputing activations saves memory and costs about a quarter of the speed: the pocket
        # model has memory to spare, a 14.56 GiB card has not.
        "gradient_checkpointing": not pocket,
        "max_grad_norm": 1.0,
        "logging_steps": 5,
        # Pocket runs take seconds; a T4 session may be taken away at any minute.
        "save_strategy": "no" if pocket else "steps",
        "save_steps": 50,
        # The last three, and the best one besides (see fault_tolerance): one to go on from, one in
        # case a network drive lost the newest, one to look back to. Each takes three times what is
        # trained: little for an adapter, some GB for a whole model.
        "save_total_limit": 3,
        "dataloader_pin_memory": not pocket,
        # One line a step buries a notebook; the log is drawn as a curve instead.
        "disable_tqdm": True,
        "report_to": "none",
    }


def build_config(kind: type[AnyConfig], runtime: Runtime, settings: dict[str, Any]) -> AnyConfig:
    """TRL's own config of settings that this machine can run.

    Args:
        kind: ``SFTConfig``, ``DPOConfig`` or ``GRPOConfig``.
        runtime: The machine.
        settings: Its arguments; where fp16 is asked for, our own bf16 is taken out.

    Returns:
        The config.

    Raises:
        CourseError: They ask for a number format that this machine does not have.
        TypeError: One of them is no argument of ``kind``.

    Example:
        >>> build_config(SFTConfig, runtime, settings)  # doctest: +SKIP
    """
    _check_number_format(runtime, settings)
    with without_renaming_notices():
        config = kind(**settings)
    # Kaggle lends two T4s. One process that sees both would wrap the model in DataParallel, which
    # TRL refuses; the second card needs `accelerate launch`.
    config._n_gpu = min(config.n_gpu, 1)
    return config


def build_trainer(
    trainer_class: Any,
    model: PreTrainedModel | PeftModel,
    config: TrainingArguments,
    peft_config: PeftConfig | None,
    callbacks: Sequence[TrainerCallback],
    **given: Any,
) -> Any:
    """TRL's own trainer, which loses no work, calls nobody, and trains in float32.

    Args:
        trainer_class: ``SFTTrainer``, ``DPOTrainer`` or ``GRPOTrainer``.
        model: Changed in place.
        config: From ``build_config``.
        peft_config: The adapter; None trains what ``model`` lets train.
        callbacks: Trainer callbacks.
        **given: The trainer's other arguments.

    Returns:
        The trainer.

    Example:
        >>> build_trainer(SFTTrainer, model, config, None, [],
        ...               train_dataset=rows)  # doctest: +SKIP
    """
    from transformers import PrinterCallback

    from course_lib.training.fault_tolerance import fault_tolerant

    keep_4bit_trainable(model)
    _send_nothing()
    built: Any = fault_tolerant(trainer_class)
    with without_renaming_notices():
        trainer: Trainer = built(
            model=model,
            args=config,
            peft_config=_all_linear(peft_config),
            callbacks=list(callbacks),
            **given,
        )
    if config.disable_tqdm:
        # Without a progress bar, transformers prints a dict for every logged step instead.
        trainer.remove_callback(PrinterCallback)
    _train_in_float32(model if trainer.model is None else trainer.model)
    return trainer


def refuse_quantised_whole(
    model: PreTrainedModel | PeftModel, peft_config: PeftConfig | None
) -> None:
    """Refuse to train every weight of a model that is kept in 4 or 8 bits.

    Args:
        model: From ``load_model``.
        peft_config: The adapter it will get, if any.

    Raises:
        CourseError: It has no adapter and will get none.

    Example:
        >>> refuse_quantised_whole(model, None)  # doctest: +SKIP
    """
    quantised = getattr(model, "is_quantized", False) or getattr(model, "is_loaded_in_4bit", False)
    if quantised and peft_config is None and not hasattr(model, "peft_config"):
        raise CourseError(
            "a quantised model cannot be trained as a whole: pass peft_config=LoraConfig(...) to "
            "train an adapter on it (QLoRA), or load it without quantization_config"
        )


def check_folder(config: TrainingArguments) -> None:
    """Make the folder for checkpoints.

    Args:
        config: Names it.

    Raises:
        NotSaved: It cannot be made.

    Example:
        >>> check_folder(config)  # doctest: +SKIP
    """
    try:
        Path(str(config.output_dir)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotSaved(
            f"checkpoints cannot be kept in {config.output_dir}: {error.strerror}. Mount the Drive "
            "first, or give another output_dir"
        ) from error


def longest(model: PreTrainedModel | PeftModel, config: SFTConfig | DPOConfig) -> int | None:
    """The most tokens that a row may have.

    Args:
        model: Its context is one limit.
        config: Its ``max_length`` is the other.

    Returns:
        The lower of the two; None where there is neither.

    Example:
        >>> longest(model, config)  # doctest: +SKIP
        1024
    """
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    limits = [limit for limit in (config.max_length, context) if limit is not None]
    return min(limits) if limits else None


def stop_ids(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    """The tokens at which a model stops when it answers.

    Args:
        model: Its generation config may name several.
        tokenizer: Its end-of-sequence token always counts.

    Returns:
        Their ids.

    Example:
        >>> stop_ids(model, tokenizer)  # doctest: +SKIP
        {2}
    """
    ends = model.generation_config.eos_token_id if model.generation_config is not None else None
    ids = {ends} if isinstance(ends, int) else set(ends or ())
    return ids | {tokenizer.eos_token_id}


def _check_number_format(runtime: Runtime, settings: dict[str, Any]) -> None:
    # First: on a T4 fp16 is our own choice, and telling the learner that both are on would name a
    # setting that they have not written.
    on_cpu = runtime.device == "cpu"
    if settings["bf16"] and runtime.dtype != "bfloat16" and not (on_cpu and _cpu_has_bfloat16()):
        where = "this CPU" if runtime.device == "cpu" else f"{runtime.gpu_name}"
        raise CourseError(
            f"bf16=True, but {where} does not compute in bfloat16 (a GPU needs capability 8.0; "
            "is_bf16_supported() counts emulation): leave bf16 out, the right type is chosen"
        )
    if settings["fp16"] and settings["bf16"]:
        settings["bf16"] = False  # the learner asked for fp16; bf16 was only our choice
    if settings["fp16"] and runtime.device == "cpu":
        raise CourseError("fp16=True needs a GPU: leave it out, on a CPU float32 is used")


def _cpu_has_bfloat16() -> bool:
    # AVX512-BF16 or AMX: about a third faster there, and slower than float32 on every other CPU.
    # Only on request, because the lessons' figures are to be the same on all machines.
    import torch

    known: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def _all_linear(peft_config: PeftConfig | None) -> PeftConfig | None:
    from peft import LoraConfig

    if not isinstance(peft_config, LoraConfig) or peft_config.target_modules is not None:
        return peft_config
    if peft_config.target_parameters:
        return peft_config
    warnings.warn(
        "LoraConfig names no target_modules; peft would adapt the query and value layers only. All "
        "linear layers are adapted instead: write target_modules='all-linear' to say so yourself",
        stacklevel=4,
    )
    chosen = copy.copy(peft_config)
    chosen.target_modules = "all-linear"
    return chosen


def _train_in_float32(model: nn.Module) -> None:
    # TRL casts QLoRA adapters to bf16, and a model loaded for a T4 is fp16. The loss scaler of fp16
    # training can handle neither as a trainable parameter: step 1 would die. Master weights in
    # float32 also keep updates that are too small for 16 bits to see.
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def _send_nothing() -> None:
    # TRL reports each trainer it builds to a server. A course must not call home, and a machine
    # without network should not try. The constant counts when the hub library is already imported.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True
