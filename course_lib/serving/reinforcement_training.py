"""A reinforcement job's trainer: the course's own, with OpenAI's grader as its reward."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from course_lib.errors import CourseError
from course_lib.evaluation import grader
from course_lib.formats import read, to_dataset
from course_lib.serving.graders import FORMULA_FAILS
from course_lib.serving.training import (
    CHECKPOINTS_OF_A_RUN,
    Hyperparameters,
    blaming,
    chosen,
    even_batches,
    lines_named,
    number,
    of_each_file,
)
from course_lib.tokenization.conversation import apply_template
from course_lib.training.adapters import lora_config
from course_lib.training.grpo import grpo_config, grpo_trainer
from course_lib.training.models import load_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from datasets import Dataset
    from transformers import TrainerCallback
    from trl.trainer.grpo_trainer import GRPOTrainer

    from course_lib.evaluation.graders import Grade
    from course_lib.runtime import Runtime

# "auto": a reward that can be learnt has been after some forty steps; more invite hacking it.
_STEPS_WANTED, _MOST_EPOCHS = 40, 20
# Tokens of an answer. One that rambles holds up all others of its step; cut, it is graded as it is.
_LONGEST_ANSWER = {"cpu": 48, "cuda": 256}


class _Questions(NamedTuple):
    """Questions that leave room for an answer, and the uploaded rows, which the grader sees."""

    rows: Dataset
    items: list[dict[str, Any]]


@dataclass(frozen=True)
class ReinforcementHyperparameters(Hyperparameters):
    """Those of a reinforcement job, each a number.

    Attributes:
        compute_multiplier: Times the eight answers that are drawn for each question.
        eval_interval: Steps from one look at the validation questions to the next.
        eval_samples: Answers drawn for each validation question.
    """

    compute_multiplier: float
    eval_interval: int
    eval_samples: int


def reinforcement_trainer(
    source: str,
    runtime: Runtime,
    training_file: Path,
    validation_file: Path | None,
    settings: Mapping[str, Any],
    *,
    definition: Mapping[str, Any],
    seed: int,
    output_dir: Path,
    callbacks: Sequence[TrainerCallback] = (),
    warn: Callable[[str], None] = print,
) -> tuple[GRPOTrainer, ReinforcementHyperparameters, None]:
    """Build the trainer of a reinforcement job: GRPO, with LoRA on every linear layer.

    Args:
        source: The model, as `load_model` takes it; an adapter is trained on.
        runtime: The machine.
        training_file: Questions, each with the columns that the grader compares.
        validation_file: More of them, held out; None without.
        settings: Hyperparameters, each a number or "auto".
        definition: The grader, as in the request.
        seed: Decides the order of the questions, the adapter's first weights and the answers drawn.
        output_dir: Where the run's own checkpoints go.
        callbacks: Such as the one that writes events.
        warn: Told of questions that are left out, and of answers that the grader fails on.

    Returns:
        TRL's trainer, the hyperparameters as numbers, and None: how many tokens are trained on,
        the answers decide.

    Raises:
        Unusable: The model, the questions or the grader cannot be used.

    Example:
        >>> trainer, used, _ = reinforcement_trainer(
        ...     "pocket", runtime, Path("questions.jsonl"), None, {"n_epochs": 3},
        ...     definition={"type": "string_check", "operation": "eq"},
        ...     seed=0, output_dir=Path("build/run"))  # doctest: +SKIP
    """
    with blaming("method.reinforcement.grader"):
        grade = grader(definition)
    with blaming("model"):
        model, tokenizer = load_model(source, runtime)
    context = int(model.config.get_text_config().max_position_embeddings)
    answer = min(_LONGEST_ANSWER[runtime.device], context // 2)
    parts = of_each_file(
        training_file,
        validation_file,
        lambda path, name: _fitting(path, tokenizer, context - answer, name, warn),
    )
    train, held_out = parts["training"], parts.get("validation")
    base = grpo_config(runtime, output_dir)
    used = _chosen(settings, len(train.rows))
    if settings.get("reasoning_effort") not in (None, "default"):
        warn("reasoning_effort changes nothing: no model of this server reasons before it answers.")
    left_out = len(train.rows) % used.batch_size
    if left_out:
        warn(
            f"A step takes {used.batch_size} questions: {left_out} of {len(train.rows):,} are left "
            "out of each epoch, others each time."
        )
    answers = max(2, round((base.num_generations or 1) * used.compute_multiplier))
    at_once = even_batches(used.batch_size, max(1, base.per_device_train_batch_size // answers))
    config = grpo_config(
        runtime,
        output_dir,
        seed=seed,
        num_train_epochs=used.n_epochs,
        num_generations=answers,
        per_device_train_batch_size=at_once * answers,
        gradient_accumulation_steps=used.batch_size // at_once,
        learning_rate=base.learning_rate * used.learning_rate_multiplier,
        max_completion_length=answer,
        **_looks(held_out, used, base.per_device_eval_batch_size),
        **CHECKPOINTS_OF_A_RUN,
    )
    items = {"training": train.items, "validation": held_out.items if held_out else []}
    with blaming("training_file"):
        trainer = grpo_trainer(
            model,
            tokenizer,
            train.rows,
            _reward(grade, items, warn),
            validation=None if held_out is None else held_out.rows,
            config=config,
            peft_config=None if hasattr(model, "peft_config") else lora_config(),
            callbacks=callbacks,
        )
    return trainer, used, None


def _chosen(asked: Mapping[str, Any], rows: int) -> ReinforcementHyperparameters:
    # A step cannot take more questions than there are.
    used = chosen({**asked, "n_epochs": 1}, rows)
    batch_size = min(used.batch_size, rows)
    an_epoch = rows // batch_size
    epochs = min(_MOST_EPOCHS, math.ceil(_STEPS_WANTED / an_epoch))
    return ReinforcementHyperparameters(
        n_epochs=int(number(asked, "n_epochs", epochs)),
        batch_size=batch_size,
        learning_rate_multiplier=used.learning_rate_multiplier,
        compute_multiplier=number(asked, "compute_multiplier", 1.0),
        eval_interval=int(number(asked, "eval_interval", an_epoch)),
        eval_samples=int(number(asked, "eval_samples", 1)),
    )


def _looks(
    held_out: _Questions | None, used: ReinforcementHyperparameters, most: int
) -> dict[str, Any]:
    if held_out is None:
        return {"eval_strategy": "no"}
    questions = even_batches(len(held_out.rows), max(1, most // used.eval_samples))
    return {
        "eval_strategy": "steps",
        "eval_steps": used.eval_interval,
        "num_generations_eval": used.eval_samples,
        "per_device_eval_batch_size": questions * used.eval_samples,
    }


def _fitting(
    path: Path, tokenizer: Any, limit: int, name: str, warn: Callable[[str], None]
) -> _Questions:
    found = read(path, format="openai_chat").rows
    for row in found:
        if row.messages is None:
            raise CourseError(f"line {row.line}: {row.problem}")
    encoded = apply_template(
        tokenizer,
        [row.messages or [] for row in found],
        [None] * len(found),
        add_generation_prompt=True,
    )
    lengths = [len(ids) for ids in encoded["input_ids"]]
    fitting = [i for i, length in enumerate(lengths) if length <= limit]
    if not fitting:
        raise CourseError(f"all {len(found):,} {name} questions are longer than {limit:,} tokens")
    if len(fitting) < len(found):
        lines = lines_named([found[i].line for i, n in enumerate(lengths) if n > limit])
        warn(
            f"{len(found) - len(fitting):,} {name} question(s) are longer than the {limit:,} "
            f"tokens that leave room for an answer, and are not used ({lines})."
        )
    # As they were uploaded: a table's columns would give all rows one shape.
    items: list[Any] = [found[i].raw for i in fitting]
    prompts = to_dataset({"messages": found[i].messages} for i in fitting)
    rows = prompts.rename_column("messages", "prompt")
    rows = rows.add_column("file", [name] * len(items)).add_column("item", list(range(len(items))))
    return _Questions(rows, items)


def _reward(
    grade: Grade, items: Mapping[str, Sequence[dict[str, Any]]], warn: Callable[[str], None]
) -> Callable[..., list[float]]:
    told = False

    def grader_reward(
        completions: Sequence[Any], file: Sequence[str], item: Sequence[int], **_: Any
    ) -> list[float]:
        return [
            scored(said[-1]["content"], items[name][number])
            for said, name, number in zip(completions, file, item, strict=True)
        ]

    def scored(answer: str, row: dict[str, Any]) -> float:
        nonlocal told
        try:
            value = grade(answer, row)
            if math.isfinite(value):
                return value
            problem = f"it gives {value}"
        except FORMULA_FAILS as error:
            problem = str(error)
        if not told:
            warn(f"The grader fails on some answers, which count as 0: {problem}")
            told = True
        return 0.0

    return grader_reward
