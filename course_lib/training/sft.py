"""Supervised fine-tuning: TRL's own config and trainer, with their traps defused.

``SFTConfig`` and ``SFTTrainer`` come back as TRL made them. What is chosen differently from TRL's
defaults is written down in ``sft_config`` with its reason; every choice can be overridden there.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError, NotSaved
from course_lib.runtime import Runtime, seed
from course_lib.training.models import keep_4bit_trainable, without_renaming_notices
from course_lib.training.rows import LongRows, tokenize_rows

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftConfig, PeftModel
    from torch import nn
    from transformers import (
        PreTrainedModel,
        PreTrainedTokenizerBase,
        TrainerCallback,
        TrainingArguments,
    )
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer


def sft_config(runtime: Runtime, output_dir: str | Path, **overrides: Any) -> SFTConfig:
    """TRL's ``SFTConfig`` with settings that run on this machine, each for a reason.

    Args:
        runtime: The machine, from ``course_lib.start()``.
        output_dir: Where checkpoints go, see ``course_lib.output_path``.
        **overrides: Any argument of ``SFTConfig``; an override always wins over our choice.

    Returns:
        A plain ``trl.SFTConfig``.

    Raises:
        CourseError: An override asks for a number format that this machine does not have.
        TypeError: An override is no argument of ``SFTConfig``.

    Example:
        >>> config = sft_config(runtime, "build/runs/first", num_train_epochs=5)  # doctest: +SKIP
    """
    from trl.trainer.sft_config import SFTConfig

    pocket = runtime.device == "cpu"
    settings: dict[str, Any] = {
        "output_dir": str(output_dir),
        "seed": seed(),
        # Number format. TRL takes bf16 unless fp16 is set; a T4 has bf16 in emulation only and does
        # not refuse it, and a machine without GPU refuses a bare SFTConfig() altogether.
        "use_cpu": pocket,
        "bf16": runtime.dtype == "bfloat16" and not pocket,
        "fp16": runtime.dtype == "float16" and not pocket,
        # Only the answers are learnt; the questions are given.
        "assistant_only_loss": True,
        # The most tokens in a row. The trainer refuses longer ones instead of cutting them.
        "max_length": 1024,
        # Recomputing activations saves memory and costs about a quarter of the speed: the pocket
        # model has memory to spare, a 14.56 GiB card has not.
        "gradient_checkpointing": not pocket,
        # Eight rows a step learn quickly from a hundred rows; a T4 reaches the same number of rows
        # in two gulps of four.
        "per_device_train_batch_size": 8 if pocket else 4,
        "gradient_accumulation_steps": 1 if pocket else 2,
        "per_device_eval_batch_size": 16 if pocket else 4,
        # Rows in any order, as every library does it. Where lengths differ much, a third of the
        # work of a GPU is padding (a CPU does without it, see padding_free.py): "group_by_length"
        # saves most of it for a held-out loss that is a few hundredths higher after one epoch
        # (benchmarks/README.md). The lessons do without.
        "train_sampling_strategy": "random",
        # LoRA's rates: ten times those of full fine-tuning. A small model takes larger steps.
        "learning_rate": 1e-3 if pocket else 2e-4,
        "lr_scheduler_type": "cosine",
        # A float below 1 is a share of all steps; without warm-up LoRA at this rate can blow up.
        "warmup_steps": 0.05,
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
    settings.update(overrides)
    check_number_format(runtime, settings)
    with without_renaming_notices():
        config = SFTConfig(**settings)
    # Kaggle lends two T4s. One process that sees both would wrap the model in DataParallel, which
    # TRL refuses; the second card needs `accelerate launch`.
    config._n_gpu = min(config.n_gpu, 1)
    return config


def sft_trainer(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset | None = None,
    *,
    config: SFTConfig,
    peft_config: PeftConfig | None = None,
    callbacks: Sequence[TrainerCallback] = (),
    long_rows: LongRows = "refuse",
) -> SFTTrainer:
    """TRL's ``SFTTrainer``, after a look at every row and every trainable parameter.

    Args:
        model: From ``load_model``. It is changed in place, as TRL does.
        tokenizer: From ``load_model``.
        train: Rows with ``messages``.
        validation: Held-out rows with ``messages``; evaluated when ``config.eval_strategy`` says.
        config: From ``sft_config``.
        peft_config: A ``LoraConfig`` for LoRA or QLoRA; None trains every weight.
        callbacks: Trainer callbacks, such as ``TimeBudget`` or ``EarlyStoppingCallback``.
        long_rows: What happens to rows over ``config.max_length`` or the model's context:
            ``"refuse"``, the default, or ``"drop"`` with a warning that names them.

    Returns:
        TRL's ``SFTTrainer``: call its ``train()``. Its checkpoints are whole or not there, and
        running out of disk or memory is told in words (see ``fault_tolerant``). The datasets that
        it holds have ``input_ids`` and ``labels`` to look at. On a CPU its steps compute no padding
        (``args.padding_free``), for the same loss.

    Raises:
        CourseError: Rows that would be cut or teach nothing, answers that never end, settings that
            contradict each other (early stopping that would keep the last model, a quantised model
            without adapter), a folder for checkpoints that cannot be made.

    Example:
        >>> lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")  # doctest: +SKIP
        >>> trainer = sft_trainer(model, tokenizer, train, config=config, peft_config=lora)
        ... # doctest: +SKIP
        >>> trainer.train()  # doctest: +SKIP
    """
    _check_plan(model, config, validation, peft_config, callbacks)
    check_folder(config)
    keep_4bit_trainable(model)
    train_rows = prepare_rows(train, model, tokenizer, config, long_rows, "training")
    validation_rows = validation
    if validation is not None:
        validation_rows = prepare_rows(
            validation, model, tokenizer, config, long_rows, "validation"
        )
    # Rows are known to fit by now. Left on, the limit would cut those given to evaluate() later.
    trainer_config = copy.copy(config)
    if not config.packing:
        trainer_config.max_length = None
    send_nothing()
    from transformers import PrinterCallback

    from course_lib.training.fault_tolerance import fault_tolerant

    padding_free = _saves_padding(model, config, peft_config)
    trainer_config.padding_free |= padding_free
    trainer_class: Any = _trainer_class(config, padding_free=padding_free)
    with without_renaming_notices():
        trainer = fault_tolerant(trainer_class)(
            model=model,
            args=trainer_config,
            train_dataset=train_rows,
            eval_dataset=validation_rows,
            processing_class=tokenizer,
            peft_config=all_linear(peft_config),
            callbacks=list(callbacks),
        )
    if config.disable_tqdm:
        # Without a progress bar, transformers prints a dict for every logged step instead.
        trainer.remove_callback(PrinterCallback)
    train_in_float32(model if trainer.model is None else trainer.model)
    return trainer


def prepare_rows(
    dataset: Dataset,
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    config: SFTConfig,
    long_rows: LongRows = "refuse",
    name: str = "test",
) -> Dataset:
    """Tokenize and check rows as ``sft_trainer`` does, for a set that is evaluated later.

    Args:
        dataset: Rows with ``messages``.
        model: Its context, and the tokens at which it stops, decide what a good row is.
        tokenizer: With a chat template.
        config: ``max_length`` and ``assistant_only_loss`` count.
        long_rows: ``"refuse"`` or ``"drop"`` rows that are too long.
        name: What to call the dataset in messages.

    Returns:
        The dataset with ``input_ids`` and ``labels``, for ``trainer.evaluate(...)``.

    Raises:
        CourseError: As ``tokenize_rows``.

    Example:
        >>> trainer.evaluate(prepare_rows(test, model, tokenizer, config))  # doctest: +SKIP
    """
    return tokenize_rows(
        dataset,
        tokenizer,
        max_length=longest(model, config),
        stop_ids=stop_ids(model, tokenizer),
        assistant_only=config.assistant_only_loss,
        long_rows=long_rows,
        name=name,
    )


def _saves_padding(
    model: PreTrainedModel | PeftModel, config: SFTConfig, peft_config: PeftConfig | None
) -> bool:
    from course_lib.training.padding_free import trains_without_padding

    return (
        config.per_device_train_batch_size > 1
        and config.train_sampling_strategy != "group_by_length"
        and not config.gradient_checkpointing
        and trains_without_padding(model, peft_config)
    )


def _trainer_class(config: SFTConfig, *, padding_free: bool) -> type[SFTTrainer]:
    if padding_free:
        from course_lib.training.padding_free import PaddingFreeTrainer

        return PaddingFreeTrainer
    from trl.trainer.sft_trainer import SFTTrainer

    if config.train_sampling_strategy != "group_by_length":
        return SFTTrainer
    from course_lib.training.length_grouping import LengthGroupedTrainer

    return LengthGroupedTrainer


def check_number_format(runtime: Runtime, settings: dict[str, Any]) -> None:
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


def _check_plan(
    model: PreTrainedModel | PeftModel,
    config: SFTConfig,
    validation: Dataset | None,
    peft_config: PeftConfig | None,
    callbacks: Sequence[TrainerCallback],
) -> None:
    from transformers import EarlyStoppingCallback

    quantised = getattr(model, "is_quantized", False) or getattr(model, "is_loaded_in_4bit", False)
    if quantised and peft_config is None and not hasattr(model, "peft_config"):
        raise CourseError(
            "a quantised model cannot be trained as a whole: pass peft_config=LoraConfig(...) to "
            "train an adapter on it (QLoRA), or load it without quantization_config"
        )
    if validation is None and config.eval_strategy != "no":
        raise CourseError(
            f"eval_strategy={str(config.eval_strategy)!r} needs validation rows: pass validation="
        )
    stops_early = any(isinstance(callback, EarlyStoppingCallback) for callback in callbacks)
    if stops_early and (not config.load_best_model_at_end or config.eval_strategy == "no"):
        raise CourseError(
            "early stopping needs load_best_model_at_end=True, eval_strategy and save_strategy "
            "set alike, and metric_for_best_model='eval_loss': without them it only warns, and "
            "the last, overfitted model is kept"
        )


def check_folder(config: TrainingArguments) -> None:
    try:
        Path(str(config.output_dir)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NotSaved(
            f"checkpoints cannot be kept in {config.output_dir}: {error.strerror}. Mount the Drive "
            "first, or give another output_dir"
        ) from error


def longest(model: PreTrainedModel | PeftModel, config: SFTConfig) -> int | None:
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    limits = [limit for limit in (config.max_length, context) if limit is not None]
    return min(limits) if limits else None


def stop_ids(model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase) -> set[int]:
    ends = model.generation_config.eos_token_id if model.generation_config is not None else None
    ids = {ends} if isinstance(ends, int) else set(ends or ())
    return ids | {tokenizer.eos_token_id}


def all_linear(peft_config: PeftConfig | None) -> PeftConfig | None:
    from peft import LoraConfig

    if not isinstance(peft_config, LoraConfig) or peft_config.target_modules is not None:
        return peft_config
    if peft_config.target_parameters:
        return peft_config
    warnings.warn(
        "LoraConfig names no target_modules; peft would adapt the query and value layers only. All "
        "linear layers are adapted instead: write target_modules='all-linear' to say so yourself",
        stacklevel=3,
    )
    chosen = copy.copy(peft_config)
    chosen.target_modules = "all-linear"
    return chosen


def train_in_float32(model: nn.Module) -> None:
    # TRL casts QLoRA adapters to bf16, and a model loaded for a T4 is fp16. The loss scaler of fp16
    # training can handle neither as a trainable parameter: step 1 would die. Master weights in
    # float32 also keep updates that are too small for 16 bits to see.
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()


def send_nothing() -> None:
    # TRL reports each trainer it builds to a server. A course must not call home, and a machine
    # without network should not try. The constant counts when the hub library is already imported.
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    from huggingface_hub import constants

    constants.HF_HUB_DISABLE_TELEMETRY = True
