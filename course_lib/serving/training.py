"""A job's trainer: the course's own, with OpenAI's hyperparameters as its settings."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from course_lib.errors import CourseError, NotSaved, OutOfMemory
from course_lib.formats import read, to_dataset
from course_lib.training.adapters import lora_config
from course_lib.training.models import load_model
from course_lib.training.recipe import epochs_for, fit_batches
from course_lib.training.rows import MASKED, tokenize_rows
from course_lib.training.sft import sft_config, sft_trainer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from datasets import Dataset
    from transformers import TrainerCallback
    from trl.trainer.sft_trainer import SFTTrainer

    from course_lib.runtime import Runtime

Part = TypeVar("Part")

#: To go on from after a crash: at the end of every epoch, and `JobProgress` adds some within a long
#: one. What can be used and trained on is kept beside it.
CHECKPOINTS_OF_A_RUN: dict[str, Any] = {"save_strategy": "epoch", "save_total_limit": 1}

# "auto": eight rows a step learn quickly from a hundred rows.
_BATCH_SIZE = 8


class Unusable(CourseError):
    """Something that the client gave, and a job cannot train with.

    Args:
        message: What is wrong with it, and what to do.
        param: The parameter of the job that named it.
    """

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


@contextmanager
def blaming(param: str) -> Iterator[None]:
    """Say which parameter of the job was at fault when something cannot be used.

    Args:
        param: Such as ``training_file``.

    Yields:
        Nothing.

    Raises:
        Unusable: Where the block raised a `CourseError` that nobody has explained yet.

    Example:
        >>> with blaming("model"):  # doctest: +SKIP
        ...     model, tokenizer = load_model("nowhere", runtime)
    """
    try:
        yield
    except (NotSaved, OutOfMemory, Unusable):
        raise
    except CourseError as error:
        raise Unusable(str(error), param) from error


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

    batch_size = int(number(asked, "batch_size", min(_BATCH_SIZE, rows)))
    return Hyperparameters(
        n_epochs=int(number(asked, "n_epochs", epochs_for(rows, batch_size))),
        batch_size=batch_size,
        learning_rate_multiplier=number(asked, "learning_rate_multiplier", 1.0),
    )


def number(asked: Mapping[str, Any], name: str, otherwise: float) -> float:
    """A hyperparameter as a number.

    Args:
        asked: The hyperparameters of the request.
        name: Which.
        otherwise: What "auto" means.

    Returns:
        The number.

    Example:
        >>> number({"beta": "auto"}, "beta", 0.1), number({"beta": 1}, "beta", 0.1)
        (0.1, 1.0)
    """
    value = asked.get(name, "auto")
    return otherwise if value in ("auto", None) else float(value)


def even_batches(rows: int, most: int) -> int:
    """The largest batch that parts the rows evenly: a mean of its means is that of all rows.

    Args:
        rows: How many there are.
        most: The largest batch that the machine computes quickly.

    Returns:
        Rows in a batch.

    Example:
        >>> even_batches(20, 16), even_batches(7, 16), even_batches(17, 16)
        (10, 7, 1)
    """
    return next(size for size in range(min(rows, most), 0, -1) if rows % size == 0)


def lines_named(lines: Sequence[int]) -> str:
    """The first few lines of a file, for a message.

    Args:
        lines: Their numbers.

    Returns:
        Five of them at most.

    Example:
        >>> lines_named([3, 7])
        'line 3, 7'
    """
    return "line " + ", ".join([*map(str, lines[:5]), *["…"] * (len(lines) > 5)])


def of_each_file(
    training_file: Path, validation_file: Path | None, look: Callable[[Path, str], Part]
) -> dict[str, Part]:
    """Read a job's files, so that what is wrong with one is told as that one's.

    Args:
        training_file: There always.
        validation_file: None without.
        look: Reads one, given its path and what it is for.

    Returns:
        What it made of "training" and, where there is one, of "validation".

    Raises:
        Unusable: A file that cannot be used.

    Example:
        >>> of_each_file(Path("rows.jsonl"), None, lambda path, name: path.name)
        {'training': 'rows.jsonl'}
    """
    parts = {}
    for name, path in (("training", training_file), ("validation", validation_file)):
        if path is not None:
            with blaming(f"{name}_file"):
                parts[name] = look(path, name)
    return parts


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
        Unusable: The model or the rows cannot be used.

    Example:
        >>> trainer, used, tokens = supervised_trainer(
        ...     "pocket", runtime, Path("support.jsonl"), None, {"n_epochs": 3},
        ...     seed=0, output_dir=Path("build/run"))  # doctest: +SKIP
    """
    with blaming("model"):
        model, tokenizer = load_model(source, runtime)
    limit = int(model.config.get_text_config().max_position_embeddings)
    stops = _stops(model, tokenizer)
    parts = of_each_file(
        training_file,
        validation_file,
        lambda path, name: _cut(_conversations(path), tokenizer, limit, stops, name, warn),
    )
    rows = len(parts["training"].rows) + len(parts["training"].cut)
    used = chosen(settings, rows)
    base = sft_config(runtime, output_dir)
    at_once = even_batches(used.batch_size, base.per_device_train_batch_size)
    config = sft_config(
        runtime,
        output_dir,
        seed=seed,
        num_train_epochs=used.n_epochs,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=used.batch_size // at_once,
        learning_rate=base.learning_rate * used.learning_rate_multiplier,
        max_length=limit,
        logging_steps=1,
        eval_strategy="epoch" if "validation" in parts else "no",
        **CHECKPOINTS_OF_A_RUN,
    )
    if runtime.device == "cpu":
        fit_batches(config, max(part.longest for part in parts.values()))
    with blaming("training_file"):
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
    found = read(path, format="openai_chat").rows
    for row in found:
        if row.messages is None:
            raise CourseError(f"line {row.line}: {row.problem}")
    # The uploaded file's own line: a column of that name counts those of another file.
    return to_dataset({**row.extra, "line": row.line, "messages": row.messages} for row in found)


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
    lines = lines_named([rows[i]["line"] for i in long])
    warn(
        f"{len(long):,} {name} example(s) are longer than the model's {limit:,} tokens and were "
        f"cut at their end ({lines}). {len(cut) - len(kept):,} of them "
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
