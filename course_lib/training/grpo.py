"""Reinforcement fine-tuning: TRL's own GRPO config and trainer, with their traps defused.

``GRPOConfig`` and ``GRPOTrainer`` come back as TRL made them. What is chosen differently from TRL's
defaults is written down in ``grpo_config`` with its reason; every choice can be overridden there.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.tokenization.conversation import apply_template
from course_lib.training.trainers import (
    build_config,
    build_trainer,
    check_folder,
    machine_settings,
    refuse_quantised_whole,
)

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer

Reward = Callable[..., Sequence[float | None]]


def grpo_config(runtime: Runtime, output_dir: str | Path, **overrides: Any) -> GRPOConfig:
    """TRL's ``GRPOConfig`` with settings that run on this machine, each for a reason.

    Args:
        runtime: The machine, from ``course_lib.start()``.
        output_dir: Where checkpoints go, see ``course_lib.output_path``.
        **overrides: Any argument of ``GRPOConfig``; an override always wins over our choice.

    Returns:
        A plain ``trl.GRPOConfig``.

    Raises:
        CourseError: An override asks for a number format that this machine does not have.
        TypeError: An override is no argument of ``GRPOConfig``.

    Example:
        >>> config = grpo_config(runtime, "build/runs/grpo", max_steps=20)  # doctest: +SKIP
    """
    from trl.trainer.grpo_config import GRPOConfig

    pocket = runtime.device == "cpu"
    settings: dict[str, Any] = {
        **machine_settings(runtime, output_dir),
        # Answers to each prompt. The group's mean is what an answer is measured against, so a group
        # must hold good and bad ones: eight find both where the model is right one time in eight.
        "num_generations": 8,
        # Answers, not prompts! TRL's default of 8 is a single group: where that prompt is too easy
        # or too hard, the step learns nothing. Eight groups a step on a CPU, four on a T4.
        "per_device_train_batch_size": 64 if pocket else 8,
        "gradient_accumulation_steps": 1 if pocket else 4,
        "per_device_eval_batch_size": 64 if pocket else 8,
        # One rambling answer holds up its whole batch. TRL allows 512 tokens; our answers are a
        # name or a short line.
        "max_completion_length": 16 if pocket else 256,
        # A cut answer is a wrong answer here, and is to be pushed down. (Where long reasoning is
        # cut, True leaves it out of the loss instead, as DAPO does.)
        "mask_truncated_completions": False,
        # 1.0 samples what the model believes. Below 1, answers grow alike and groups lose their
        # spread, and the training's probabilities are those of another temperature than yours.
        "temperature": 1.0,
        # TRL's default 0.0 has no reference model, and logs no distance to it either. With LoRA the
        # reference is the same model with its adapter off: only one more pass forward.
        "beta": 0.01,
        # Advantages divided by the group's own spread: every group with a spread counts the same.
        # "none" (Dr. GRPO) lets middling groups count more.
        "scale_rewards": "group",
        # A mean over all tokens of the step, so that length alone is neither paid nor punished.
        # "grpo" takes the mean within each answer first, which favours long wrong answers.
        "loss_type": "dapo",
        # TRL's default 1e-6 is made for full training of large models over thousands of steps;
        # an adapter would not move.
        "learning_rate": 1e-3 if pocket else 2e-5,
        "lr_scheduler_type": "constant_with_warmup",
        "warmup_steps": 0.05,
        "logging_steps": 1,
    }
    settings.update(overrides)
    return build_config(GRPOConfig, runtime, settings)


def grpo_trainer(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    rewards: Reward | list[Reward],
    *,
    validation: Dataset | None = None,
    config: GRPOConfig,
    peft_config: PeftConfig | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> GRPOTrainer:
    """TRL's ``GRPOTrainer``, after a look at every prompt and a trial of every reward.

    Args:
        model: From ``load_model``. It is changed in place, as TRL does.
        tokenizer: From ``load_model``.
        train: Rows with ``prompt`` (messages); every other column is passed to the rewards.
        rewards: One function, or a list whose values are added up (``config.reward_weights``).
            Each gets ``prompts``, ``completions`` and the columns by name, and returns one number
            for each completion.
        validation: Held-out prompts; evaluated when ``config.eval_strategy`` says.
        config: From ``grpo_config``.
        peft_config: A ``LoraConfig``; None trains every weight, or the adapter the model has.
        callbacks: Trainer callbacks, such as ``TimeBudget``.

    Returns:
        TRL's ``GRPOTrainer``: call its ``train()``.

    Raises:
        CourseError: A quantised model without adapter, no prompts, prompts that end with an answer
            or are too long for the model, fewer prompts than one step needs, a reward that fails or
            returns something else than one number for each answer.

    Example:
        >>> trainer = grpo_trainer(model, tokenizer, train, reward, config=config)  # doctest: +SKIP
        >>> trainer.train()  # doctest: +SKIP
    """
    refuse_quantised_whole(model, peft_config)
    functions: list[Any] = rewards if isinstance(rewards, list) else [rewards]
    _check_prompts(model, tokenizer, train, config)
    for function in functions:
        _try_reward(function, train)
    if config.beta and peft_config is None and not hasattr(model, "peft_config"):
        warnings.warn(
            "all weights are trained and beta is not 0: TRL reads the reference model from the "
            "folder or hub name that this model was loaded from, without anything that was trained "
            "since. Pass peft_config to measure against the model as it is now",
            stacklevel=2,
        )
    check_folder(config)
    from course_lib.training.prompt_order import ResumableGRPOTrainer

    # TRL looks at the old name of gradient checkpointing at every generation, long after this call.
    warnings.filterwarnings("ignore", ".*gradient_checkpointing.*deprecated", FutureWarning)
    return build_trainer(
        ResumableGRPOTrainer,
        model,
        config,
        peft_config,
        callbacks,
        reward_funcs=functions,
        train_dataset=train,
        eval_dataset=validation,
        processing_class=tokenizer,
    )


def reward_curve(trainer: GRPOTrainer) -> pd.DataFrame:
    """The log of a GRPO run as a table, one row a step.

    Args:
        trainer: After ``train()``.

    Returns:
        Columns ``step``, ``reward`` (mean of the step's answers), ``flat_groups`` (share of
        prompts whose answers all got the same reward: nothing was learnt from them), ``kl`` (to
        the reference, nats a token; absent where ``beta`` is 0), ``entropy``, ``length`` (tokens
        of an answer), ``cut`` (share of answers that reached the limit), and one column for each
        reward function under its own name.

    Example:
        >>> reward_curve(trainer)["reward"].tail(3).mean()  # doctest: +SKIP
        0.71
    """
    import pandas as pd

    names = {
        "step": "step",
        "reward": "reward",
        "frac_reward_zero_std": "flat_groups",
        "kl": "kl",
        "entropy": "entropy",
        "completions/mean_length": "length",
        "completions/clipped_ratio": "cut",
        **{f"rewards/{name}/mean": name for name in trainer.reward_func_names},
    }
    log = pd.DataFrame([entry for entry in trainer.state.log_history if "reward" in entry])
    return log[[name for name in names if name in log]].rename(columns=names)


def _check_prompts(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    config: GRPOConfig,
) -> None:
    if "prompt" not in train.column_names:
        raise CourseError(
            f"GRPO needs a column `prompt` of messages; these rows have {train.column_names}"
        )
    for number, prompt in enumerate(train["prompt"]):
        if not prompt or prompt[-1]["role"] == "assistant":
            raise CourseError(
                f"row {number}: a prompt ends with what the model must answer, not with an answer"
            )
    answers = config.generation_batch_size or 0  # never None: GRPOConfig fills it in
    groups = answers // (config.num_generations or 1)
    if len(train) < groups:
        raise CourseError(
            f"{len(train)} prompts, but a step needs {groups} ({answers} "
            f"answers in groups of {config.num_generations}): TRL would train on nothing. Give "
            "more prompts, or lower per_device_train_batch_size"
        )
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    encoded = apply_template(
        tokenizer, list(train["prompt"]), [None] * len(train), add_generation_prompt=True
    )
    longest = max(len(ids) for ids in encoded["input_ids"])
    wanted = longest + (config.max_completion_length or 0)
    if context is not None and wanted > context:
        raise CourseError(
            f"the longest prompt has {longest} tokens, and {config.max_completion_length} may be "
            f"answered: more than the model's {context}. Lower max_completion_length"
        )


def _try_reward(reward: Reward, train: Dataset) -> None:
    # A reward with a mistake in it would fail after the first generation, or not at all.
    name = getattr(reward, "__name__", "the reward")
    row = train[0]
    columns = {key: [value] for key, value in row.items() if key != "prompt"}
    answer = [[{"role": "assistant", "content": ""}]]
    try:
        given = reward(prompts=[row["prompt"]], completions=answer, completion_ids=[[]], **columns)
        values = list(given)
        numbers = [value is None or isinstance(float(value), float) for value in values]
    except Exception as error:
        raise CourseError(
            f"{name} fails on an empty answer to row 0 ({type(error).__name__}: {error}). It must "
            "take prompts, completions and **columns, and survive any answer"
        ) from error
    if len(numbers) != 1:
        raise CourseError(
            f"{name} returned {len(numbers)} rewards for one answer: return a list with one number "
            "for each completion"
        )
