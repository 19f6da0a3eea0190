"""Supervised fine-tuning: TRL's own config and trainer, with their traps defused.

``SFTConfig`` and ``SFTTrainer`` come back as TRL made them. What is chosen differently from TRL's
defaults is written down in ``sft_config`` with its reason; every choice can be overridden there.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.training.rows import LongRows, tokenize_rows
from course_lib.training.trainers import (
    build_config,
    build_trainer,
    check_folder,
    longest,
    machine_settings,
    refuse_quantised_whole,
    stop_ids,
)

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
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
        **machine_settings(runtime, output_dir),
        # Only the answers are learnt; the questions are given.
        "assistant_only_loss": True,
        # The most tokens in a row. The trainer refuses longer ones instead of cutting them.
        "max_length": 1024,
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
    }
    settings.update(overrides)
    return build_config(SFTConfig, runtime, settings)


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
    refuse_quantised_whole(model, peft_config)
    _check_plan(config, validation, callbacks)
    check_folder(config)
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
    padding_free = _saves_padding(model, config, peft_config)
    trainer_config.padding_free |= padding_free
    return build_trainer(
        _trainer_class(config, padding_free=padding_free),
        model,
        trainer_config,
        peft_config,
        callbacks,
        train_dataset=train_rows,
        eval_dataset=validation_rows,
        processing_class=tokenizer,
    )


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
        # NEFTune scales its noise by the length of the row that it is added to: with all rows one
        # behind another it would be a fraction of what was asked for.
        and not config.neftune_noise_alpha
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


def _check_plan(
    config: SFTConfig, validation: Dataset | None, callbacks: Sequence[TrainerCallback]
) -> None:
    from transformers import EarlyStoppingCallback

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
