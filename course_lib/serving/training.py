"""A job's trainer: the course's own, with OpenAI's hyperparameters as its settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from course_lib.errors import CourseError
from course_lib.formats import read, to_dataset
from course_lib.training.adapters import lora_config
from course_lib.training.models import load_model
from course_lib.training.recipe import epochs_for, fit_batches
from course_lib.training.rows import MASKED, tokenize_rows
from course_lib.training.sft import sft_config, sft_trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from datasets import Dataset
    from transformers import TrainerCallback
    from trl.trainer.sft_trainer import SFTTrainer

    from course_lib.runtime import Runtime

# "auto": eight rows a step learn quickly from a hundred rows.
_BATCH_SIZE = 8


class _Part(NamedTuple):
    """Rows of a file that fit, those that were cut; tokens of all and of the longest."""

    rows: Dataset
    cut: list[dict[str, list[int]]]
    tokens: int
    longest: int


@dataclass(frozen=True)
class Hyperparameters:
    """Those of a job, each a number.

    Attributes:
        n_epochs: Passes over the rows.
        batch_size: Rows a step.
        learning_rate_multiplier: Times the learning rate of `sft_config`.
    """

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float


def chosen(asked: Mapping[str, Any], rows: int) -> Hyperparameters:
    """Put a number where "auto" stands.

    Args:
        asked: The hyperparameters of the request.
        rows: How many rows there are to train on.

    Returns:
        Numbers: eight rows a step, about 200 steps, the course's own learning rate.

    Example:
        >>> chosen({"n_epochs": "auto", "batch_size": 4}, rows=100)
        Hyperparameters(n_epochs=8, batch_size=4, learning_rate_multiplier=1.0)
    """

    def number(name: str, otherwise: float) -> float:
        value = asked.get(name, "auto")
        return otherwise if value in ("auto", None) else float(value)

    batch_size = int(number("batch_size", min(_BATCH_SIZE, rows)))
    return Hyperparameters(
        n_epochs=int(number("n_epochs", epochs_for(rows, batch_size))),
        batch_size=batch_size,
        learning_rate_multiplier=number("learning_rate_multiplier", 1.0),
    )


def supervised_trainer(
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
) -> tuple[SFTTrainer, Hyperparameters, int]:
    """Build the trainer of a supervised job: LoRA on every linear layer, as in the lessons.

    Args:
        source: The model, as `load_model` takes it; an adapter is trained on.
        runtime: The machine.
        training_file: Conversations.
        validation_file: More of them, held out; None without.
        settings: Hyperparameters, each a number or "auto".
        seed: Decides the order of the rows and the adapter's first weights.
        output_dir: Where the run's own checkpoints go.
        callbacks: Such as the one that writes events.
        warn: Told of rows that were cut.

    Returns:
        TRL's trainer, the hyperparameters as numbers, and the tokens of one epoch.

    Raises:
        CourseError: The model or the rows cannot be used.

    Example:
        >>> trainer, used, tokens = supervised_trainer(
        ...     "pocket", runtime, Path("support.jsonl"), None, {"n_epochs": 3},
        ...     seed=0, output_dir=Path("build/run"))  # doctest: +SKIP
    """
    model, tokenizer = load_model(source, runtime)
    limit = int(model.config.get_text_config().max_position_embeddings)
    stops = _stops(model, tokenizer)
    parts = {
        name: _cut(_conversations(path), tokenizer, limit, stops, name, warn)
        for name, path in (("training", training_file), ("validation", validation_file))
        if path is not None
    }
    rows = len(parts["training"].rows) + len(parts["training"].cut)
    used = chosen(settings, rows)
    base_rate = sft_config(runtime, output_dir).learning_rate
    config = sft_config(
        runtime,
        output_dir,
        seed=seed,
        num_train_epochs=used.n_epochs,
        per_device_train_batch_size=used.batch_size,
        gradient_accumulation_steps=1,
        learning_rate=base_rate * used.learning_rate_multiplier,
        max_length=limit,
        logging_steps=1,
        eval_strategy="epoch" if "validation" in parts else "no",
        # To go on from after a crash; `JobProgress` adds some within a long epoch.
        save_strategy="epoch",
        save_total_limit=1,
    )
    if runtime.device == "cpu":
        fit_batches(config, max(part.longest for part in parts.values()))
    trainer = sft_trainer(
        model,
        tokenizer,
        parts["training"].rows,
        parts["validation"].rows if "validation" in parts else None,
        config=config,
        peft_config=None if hasattr(model, "peft_config") else lora_config(),
        callbacks=callbacks,
    )
    trainer.train_dataset = _joined(trainer.train_dataset, parts["training"].cut)
    if "validation" in parts:
        trainer.eval_dataset = _joined(trainer.eval_dataset, parts["validation"].cut)
    return trainer, used, parts["training"].tokens


def _conversations(path: Path) -> Dataset:
    source = read(path)
    return to_dataset(
        {"line": row.line, **row.extra, "messages": row.messages} for row in source.rows
    )


def _stops(model: Any, tokenizer: Any) -> set[int]:
    ends = model.generation_config.eos_token_id
    return {tokenizer.eos_token_id, *([ends] if isinstance(ends, int) else ends or ())}


def _cut(
    rows: Dataset,
    tokenizer: Any,
    limit: int,
    stops: set[int],
    name: str,
    warn: Callable[[str], None],
) -> _Part:
    """Part the rows into those that fit and those that must be cut; tokens go from the end.

    That is what OpenAI's API does with them. The course's own trainer refuses such rows, because a
    cut answer has no end; here as there it is said in an event.
    """
    encoded = tokenize_rows(rows, tokenizer, max_length=None, stop_ids=stops, name=name)
    lengths = [min(len(ids), limit) for ids in encoded["input_ids"]]
    long = [i for i, ids in enumerate(encoded["input_ids"]) if len(ids) > limit]
    if not long:
        return _Part(rows, [], sum(lengths), max(lengths))
    cut = [{key: encoded[i][key][:limit] for key in ("input_ids", "labels")} for i in long]
    kept = [row for row in cut if any(label != MASKED for label in row["labels"])]
    lines = ", ".join([str(rows[i]["line"]) for i in long[:5]] + ["…"] * (len(long) > 5))
    warn(
        f"{len(long):,} {name} example(s) are longer than the model's {limit:,} tokens and were "
        f"cut at their end (line {lines}). {len(cut) - len(kept):,} of them "
        "had no answer left and are not used."
    )
    fitting = rows.select([i for i in range(len(rows)) if i not in set(long)])
    if len(fitting) == 0:
        raise CourseError(f"all {len(rows):,} {name} examples are longer than {limit:,} tokens")
    return _Part(fitting, kept, sum(lengths), max(lengths))


def _joined(prepared: Any, cut: list[dict[str, list[int]]]) -> Any:
    if not cut:
        return prepared
    from datasets import Dataset, concatenate_datasets

    columns = ["input_ids", "labels"]
    whole = prepared.select_columns(columns)
    return concatenate_datasets([whole, Dataset.from_list(cut, features=whole.features)])
