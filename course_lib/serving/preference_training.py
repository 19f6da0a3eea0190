"""A DPO job's trainer: the course's own, with OpenAI's hyperparameters as its settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from course_lib.errors import CourseError
from course_lib.formats import read, to_dataset
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
from course_lib.training.dpo import SIDES, dpo_config, dpo_trainer
from course_lib.training.models import load_model
from course_lib.training.recipe import fit_batches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from datasets import Dataset
    from transformers import TrainerCallback
    from trl.trainer.dpo_trainer import DPOTrainer

    from course_lib.runtime import Runtime

# "auto": lesson 11's. More passes push both answers down.
_EPOCHS = 3


class _Pairs(NamedTuple):
    """Pairs that fit, the tokens of both their sides, and those of the longest side."""

    rows: Dataset
    tokens: int
    longest: int


@dataclass(frozen=True)
class PreferenceHyperparameters(Hyperparameters):
    """Those of a DPO job, each a number.

    Attributes:
        beta: How dear it is to leave the model that the job began with.
    """

    beta: float


def preference_trainer(
    source: str,
    runtime: Runtime,
    training_file: Path,
    validation_file: Path | None,
    settings: Mapping[str, Any],
    *,
    seed: int,
    output_dir: Path,
    callbacks: Sequence[TrainerCallback] = (),
    warn: Callable[[str], None] = print,
) -> tuple[DPOTrainer, PreferenceHyperparameters, int]:
    """Build the trainer of a DPO job: LoRA on every linear layer, measured against its beginning.

    Args:
        source: The model, as `load_model` takes it; an adapter is trained on.
        runtime: The machine.
        training_file: Pairs of answers.
        validation_file: More of them, held out; None without.
        settings: Hyperparameters, each a number or "auto".
        seed: Decides the order of the rows and the adapter's first weights.
        output_dir: Where the run's own checkpoints go.
        callbacks: Such as the one that writes events.
        warn: Told of pairs that are too long. They are left out: cut, they would teach answers
            that have no end.

    Returns:
        TRL's trainer, the hyperparameters as numbers, and the tokens of one epoch, both sides of a
        pair with its prompt.

    Raises:
        Unusable: The model or the pairs cannot be used.

    Example:
        >>> trainer, used, tokens = preference_trainer(
        ...     "pocket", runtime, Path("pairs.jsonl"), None, {"beta": 0.1},
        ...     seed=0, output_dir=Path("build/run"))  # doctest: +SKIP
    """
    with blaming("model"):
        model, tokenizer = load_model(source, runtime)
    limit = int(model.config.get_text_config().max_position_embeddings)
    parts = of_each_file(
        training_file,
        validation_file,
        lambda path, name: _fitting(_pairs(path), tokenizer, limit, name, warn),
    )
    train, held_out = parts["training"], parts.get("validation")
    base = dpo_config(runtime, output_dir)
    used = _chosen(settings, len(train.rows), base.beta)
    at_once = even_batches(used.batch_size, base.per_device_train_batch_size)
    config = dpo_config(
        runtime,
        output_dir,
        seed=seed,
        num_train_epochs=used.n_epochs,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=used.batch_size // at_once,
        learning_rate=base.learning_rate * used.learning_rate_multiplier,
        beta=used.beta,
        max_length=limit,
        logging_steps=1,
        eval_strategy="no" if held_out is None else "epoch",
        **CHECKPOINTS_OF_A_RUN,
    )
    if runtime.device == "cpu":
        as_rows: Any = config  # what is set of it stands in both configs
        fit_batches(as_rows, 2 * max(part.longest for part in parts.values()))
    if held_out is not None:
        most = config.per_device_eval_batch_size
        config.per_device_eval_batch_size = even_batches(len(held_out.rows), most)
    with blaming("training_file"):
        trainer = dpo_trainer(
            model,
            tokenizer,
            train.rows,
            None if held_out is None else held_out.rows,
            config=config,
            peft_config=None if hasattr(model, "peft_config") else lora_config(),
            callbacks=callbacks,
        )
    return trainer, used, train.tokens


def _chosen(asked: Mapping[str, Any], rows: int, beta: float) -> PreferenceHyperparameters:
    used = chosen({**asked, "n_epochs": number(asked, "n_epochs", _EPOCHS)}, rows)
    return PreferenceHyperparameters(**vars(used), beta=number(asked, "beta", beta))


def _pairs(path: Path) -> Dataset:
    pairs = []
    for row in read(path, format="openai_preference").rows:
        if row.messages is None or row.rejected is None:
            raise CourseError(f"line {row.line}: {row.problem}")
        length = row.prompt_length or 0
        prompt, answer = row.messages[:length], row.messages[length:]
        pairs.append(
            {"line": row.line, "prompt": prompt, "chosen": answer, "rejected": row.rejected}
        )
    return to_dataset({"messages": [], **pair} for pair in pairs).remove_columns("messages")


def _fitting(
    pairs: Dataset, tokenizer: Any, limit: int, name: str, warn: Callable[[str], None]
) -> _Pairs:
    sizes = list(zip(*(_lengths(pairs, side, tokenizer) for side in SIDES[1:]), strict=True))
    long = [i for i, size in enumerate(sizes) if max(size) > limit]
    if len(long) == len(pairs):
        raise CourseError(f"all {len(pairs):,} {name} pairs are longer than {limit:,} tokens")
    if long:
        lines = lines_named([pairs[i]["line"] for i in long])
        warn(
            f"{len(long):,} {name} pair(s) have a side longer than the model's {limit:,} tokens "
            f"and are not used ({lines})."
        )
    kept = [i for i in range(len(pairs)) if i not in set(long)]
    tokens = sum(sum(sizes[i]) for i in kept)
    return _Pairs(pairs.select(kept), tokens, max(max(sizes[i]) for i in kept))


def _lengths(pairs: Dataset, side: str, tokenizer: Any) -> list[int]:
    whole = [[*pair["prompt"], *pair[side]] for pair in pairs]
    encoded = apply_template(tokenizer, whole, [None] * len(whole))
    return [len(ids) for ids in encoded["input_ids"]]
