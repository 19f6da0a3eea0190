"""What the train command chooses for the learner: model, method, epochs, batches, each with why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from course_lib.errors import CourseError
from course_lib.training.adapters import lora_config, qlora_config
from course_lib.training.models import load_model
from course_lib.training.rows import LongRows
from course_lib.training.sft import prepare_rows, sft_config, sft_trainer

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict
    from transformers import PreTrainedTokenizerBase, TrainerCallback
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    from course_lib.runtime import Runtime

# Few rows need many passes, many rows few: both come to about this many steps.
_STEPS_WANTED = 200
_FEWEST_EPOCHS, _MOST_EPOCHS = 3, 20
# Tokens in one pass on a CPU: more of them cost memory and time, and teach no faster.
_TOKENS_AT_ONCE = 2048
# Full fine-tuning changes every weight and needs about a tenth of LoRA's rate; the pocket model,
# being small, bears a third.
_FULL_RATE = {"cpu": 3e-4, "cuda": 2e-5}


def build(
    model: str,
    data: DatasetDict,
    runtime: Runtime,
    *,
    method: Literal["full", "lora", "qlora"],
    output_dir: Path,
    seed: int,
    epochs: float | None = None,
    max_length: int | None = None,
    long_rows: LongRows = "refuse",
    callbacks: Sequence[TrainerCallback] = (),
) -> tuple[SFTTrainer, PreTrainedTokenizerBase, Dataset | None]:
    """Load a model and build the trainer for one of the three methods.

    Args:
        model: A name or path, as for ``load_model``; the adapter of a checkpoint is trained on.
        data: ``train`` and, where there are any, ``validation`` and ``test``.
        runtime: The machine.
        method: Train every weight, an adapter, or an adapter on a 4-bit base.
        output_dir: Where checkpoints go.
        seed: Decides the order of the rows and an adapter's first weights.
        epochs: Passes over the rows; None makes it about 200 steps, between 3 and 20 epochs.
        max_length: The longest row in tokens; None takes the default of ``sft_config``.
        long_rows: ``"refuse"`` or ``"drop"`` longer rows.
        callbacks: Such as ``TimeBudget``.

    Returns:
        The trainer, the tokenizer, and the rows to score before and after: the test rows, else the
        validation rows, else None.

    Raises:
        CourseError: The model or the rows cannot be used; see ``load_model``, ``sft_trainer``.

    Example:
        >>> trainer, tokenizer, test = build("pocket", data, runtime, method="lora",
        ...     output_dir=Path("build/runs/mine"), seed=0)  # doctest: +SKIP
    """
    loaded, tokenizer = load_model(
        model,
        runtime,
        quantization_config=qlora_config(runtime) if method == "qlora" else None,
    )
    has_adapter = hasattr(loaded, "peft_config")
    if has_adapter and method == "full":
        raise CourseError(
            f"{model} is an adapter, and is trained on with --method lora or qlora; to train every "
            "weight, give the base model, or merge the adapter first (course_lib.training.merge)"
        )
    chosen: dict[str, Any] = {"seed": seed, "save_strategy": "steps"}
    if runtime.device != "cpu":
        # A learner's own rows differ in length, and padding is computed like any other token. On a
        # CPU the trainer does without padding, and rows in any order learn a little more.
        chosen["train_sampling_strategy"] = "group_by_length"
    if max_length is not None:
        chosen["max_length"] = max_length
    if method == "full":
        chosen["learning_rate"] = _FULL_RATE[runtime.device]
    if "validation" in data:
        chosen["eval_strategy"] = "epoch"
    config = sft_config(runtime, output_dir, **chosen)
    rows = {
        side: prepare_rows(part, loaded, tokenizer, config, long_rows, side)
        for side, part in data.items()
    }
    _choose_length(config, rows["train"].num_rows, epochs, on_cpu=runtime.device == "cpu")
    if runtime.device == "cpu":
        fit_batches(config, max(len(ids) for part in rows.values() for ids in part["input_ids"]))
    trainer = sft_trainer(
        loaded,
        tokenizer,
        rows["train"],
        rows.get("validation"),
        config=config,
        peft_config=None if method == "full" or has_adapter else lora_config(),
        callbacks=callbacks,
    )
    return trainer, tokenizer, rows.get("test", rows.get("validation"))


def epochs_for(rows: int, rows_a_step: int) -> int:
    """How many passes make about 200 steps, between 3 and 20 of them.

    Args:
        rows: Rows to train on.
        rows_a_step: Rows in one step.

    Returns:
        Epochs.

    Example:
        >>> epochs_for(80, 8), epochs_for(10_000, 8)
        (20, 3)
    """
    steps_an_epoch = -(-rows // rows_a_step)
    return min(max(round(_STEPS_WANTED / steps_an_epoch), _FEWEST_EPOCHS), _MOST_EPOCHS)


def _choose_length(config: SFTConfig, rows: int, epochs: float | None, *, on_cpu: bool) -> None:
    rows_a_step = config.per_device_train_batch_size * config.gradient_accumulation_steps
    steps_an_epoch = -(-rows // rows_a_step)
    if epochs is None:
        epochs = epochs_for(rows, rows_a_step)
        print(f"{epochs} epochs of {steps_an_epoch:,} steps: {rows:,} rows, {rows_a_step} a step")
    config.num_train_epochs = epochs
    steps = int(steps_an_epoch * epochs)
    config.logging_steps = max(1, min(int(config.logging_steps), steps // 10))
    _choose_checkpoints(config, steps, steps_an_epoch, on_cpu=on_cpu)


def _choose_checkpoints(
    config: SFTConfig, steps: int, steps_an_epoch: int, *, on_cpu: bool
) -> None:
    # A free GPU may be taken away: there it stays at about every 50 steps. On a CPU saving takes as
    # long as several steps of the pocket model, and about five checkpoints a run will do.
    often = int(config.save_steps)
    every = max(steps // 5, min(often, steps_an_epoch)) if on_cpu else often
    # Each checkpoint is to have its validation loss: it is saved where the trainer evaluates.
    if every >= steps_an_epoch:
        every -= every % steps_an_epoch
    elif config.eval_strategy == "epoch":
        config.eval_strategy, config.eval_steps = "steps", every
    config.save_steps = every


def fit_batches(config: SFTConfig, longest: int) -> None:
    """Cut a step into passes that a CPU computes quickly, with as many rows a step as before.

    Args:
        config: Changed in place: batch sizes and accumulation.
        longest: Tokens of the longest row.

    Example:
        >>> fit_batches(config, longest=700)  # doctest: +SKIP
    """
    rows_a_step = config.per_device_train_batch_size * config.gradient_accumulation_steps
    at_once = min(rows_a_step, max(1, _TOKENS_AT_ONCE // longest))
    while rows_a_step % at_once:
        at_once -= 1
    config.per_device_train_batch_size = at_once
    config.gradient_accumulation_steps = rows_a_step // at_once
    config.per_device_eval_batch_size = at_once
