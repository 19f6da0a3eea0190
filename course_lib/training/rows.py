"""From conversations to token ids and labels, with nothing cut, masked or left unlearnt in silence.

A trainer will happily train on rows whose end is cut off, whose labels are all masked, or whose
answers never end: the loss looks healthy and the model is broken. Each row is looked at here,
before the first step, and the offenders are named.
"""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from course_lib.errors import CourseError
from course_lib.tokenization.conversation import apply_template, tools_of

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

#: What to do with rows that do not fit; there is no "cut", which would teach answers without end.
LongRows = Literal["refuse", "drop"]

MASKED = -100
_NAMED = 8


def tokenize_rows(
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    *,
    max_length: int | None,
    stop_ids: set[int],
    assistant_only: bool = True,
    long_rows: LongRows = "refuse",
    name: str = "training",
) -> Dataset:
    """Add ``input_ids`` and ``labels`` to a dataset of conversations, checking every row.

    Args:
        dataset: Rows with a ``messages`` column; a ``line`` column, as the cleaner writes it, is
            used to name rows by their line in the original file.
        tokenizer: With a chat template.
        max_length: The most tokens a row may have; None sets no limit.
        stop_ids: Token ids at which the model stops when it answers. The last label of each row
            must be one of them, or the model would never learn to stop.
        assistant_only: Learn the assistant's tokens alone, the default: the questions are given, so
            learning to write them spends the model on the wrong thing.
        long_rows: ``"refuse"`` rows over ``max_length`` (the default) or ``"drop"`` them with a
            warning that names them.
        name: What to call the dataset in messages.

    Returns:
        The dataset with the two columns added (and without dropped rows).

    Raises:
        CourseError: No rows, no ``messages``, rows that are too long, rows with nothing to learn,
            answers that do not end in a stop token, or a template that marks no answers.

    Example:
        >>> rows = tokenize_rows(train, tokenizer, max_length=1024, stop_ids={2})  # doctest: +SKIP
        >>> rows[0]["labels"][:3]  # doctest: +SKIP
        [-100, -100, -100]
    """
    if "messages" not in dataset.column_names:
        raise CourseError(
            f"the {name} rows have the columns {dataset.column_names} but no `messages`: read the "
            "file with course_lib.formats.read, which turns other formats into messages"
        )
    if len(dataset) == 0:
        raise CourseError(f"the {name} dataset has no rows: nothing is left to learn from")
    encoded = _encode(dataset, tokenizer, assistant_only, name)
    labels = [
        [token if learn else MASKED for token, learn in zip(ids, mask, strict=True)]
        for ids, mask in zip(encoded["input_ids"], encoded["masks"], strict=True)
    ]
    _check_learnable(dataset, labels, tokenizer, stop_ids, assistant_only, name)
    rows = dataset.remove_columns([c for c in ("input_ids", "labels") if c in dataset.column_names])
    rows = rows.add_column("input_ids", encoded["input_ids"]).add_column("labels", labels)
    return _fit(rows, max_length, long_rows, name)


def _encode(
    dataset: Dataset, tokenizer: PreTrainedTokenizerBase, assistant_only: bool, name: str
) -> dict[str, list[list[int]]]:
    template = training_template(tokenizer) if assistant_only else None
    conversations, tools = dataset["messages"], _tools(dataset)
    place = partial(_place, dataset)
    try:
        encoded = apply_template(
            tokenizer,
            conversations,
            tools,
            place=place,
            return_assistant_tokens_mask=assistant_only,
            chat_template=template,
        )
    except CourseError:
        raise
    except Exception as error:
        # Templates raise their own errors (roles must alternate, ...) for the batch as a whole:
        # find the row, because nobody can mend "a row".
        for index, (messages, own) in enumerate(zip(conversations, tools, strict=True)):
            try:
                apply_template(tokenizer, [messages], [own], chat_template=template)
            except Exception as row_error:
                raise CourseError(
                    f"the chat template refuses {name} {place(index)}: {row_error}"
                ) from row_error
        raise CourseError(f"the {name} rows cannot be tokenized: {error}") from error
    ids = encoded["input_ids"]
    masks = encoded["assistant_masks"] if assistant_only else [[1] * len(row) for row in ids]
    return {"input_ids": ids, "masks": masks}


def _tools(dataset: Dataset) -> list[list[Any] | None]:
    names = [name for name in ("tools", "functions") if name in dataset.column_names]
    if not names:
        return [None] * len(dataset)
    return [tools_of(row) for row in dataset.select_columns(names)]


def training_template(tokenizer: PreTrainedTokenizerBase) -> str | None:
    """The chat template to train with: one that marks the assistant's tokens.

    Args:
        tokenizer: With a chat template.

    Returns:
        None where the tokenizer's own template has ``{% generation %}`` markers, else the marked
        twin that TRL carries for the template of a well-known model family.

    Raises:
        CourseError: The template has no markers and TRL knows no twin of it.

    Example:
        >>> training_template(tokenizer) is None  # doctest: +SKIP
        True
    """
    from trl.chat_template_utils import get_training_chat_template, has_generation_markers

    if tokenizer.chat_template is None:
        raise CourseError("the tokenizer has no chat template: use a model made for conversations")
    if has_generation_markers(tokenizer.chat_template):
        return None
    try:
        return get_training_chat_template(processing_class=tokenizer)
    except ValueError as error:
        raise CourseError(
            "the chat template does not say which tokens are the assistant's: put "
            "{% generation %} before and {% endgeneration %} after the answer and its end token in "
            "tokenizer.chat_template, or train on every token with assistant_only_loss=False"
        ) from error


def _check_learnable(
    dataset: Dataset,
    labels: list[list[int]],
    tokenizer: PreTrainedTokenizerBase,
    stop_ids: set[int],
    assistant_only: bool,
    name: str,
) -> None:
    empty = [i for i, row in enumerate(labels) if all(label == MASKED for label in row)]
    if empty:
        raise CourseError(
            f"{_some(dataset, empty, name)} have nothing to learn: every label is {MASKED}, "
            "because the row has no assistant message or the chat template masks it. Add the "
            "answer or remove the row"
        )
    if not assistant_only:
        # With no mask there is no telling where an answer ends; the end token need only be there.
        return
    endless = [i for i, row in enumerate(labels) if _last_word(row, tokenizer) not in stop_ids]
    if endless:
        learnt = _last_word(labels[endless[0]], tokenizer)
        stops = [tokenizer.convert_ids_to_tokens(i) for i in sorted(stop_ids)]
        raise CourseError(
            f"in {_some(dataset, endless, name)} the last token learnt is "
            f"{tokenizer.convert_ids_to_tokens(learnt)!r}, but the model stops at {stops}: it "
            "would never learn to stop. Put the end token inside {% generation %} in the chat "
            "template, or add the token to model.generation_config.eos_token_id"
        )


def _last_word(labels: list[int], tokenizer: PreTrainedTokenizerBase) -> int:
    # Some templates put a line break after the end token; it is learnt too and does no harm.
    learnt = [label for label in labels if label != MASKED]
    for token in reversed(learnt):
        if str(tokenizer.decode([token])).strip():
            return token
    return learnt[-1]


def _fit(rows: Dataset, max_length: int | None, long_rows: LongRows, name: str) -> Dataset:
    if long_rows not in ("refuse", "drop"):
        raise CourseError(f"long_rows is 'refuse' or 'drop', not {long_rows!r}")
    if max_length is None:
        return rows
    lengths = [len(ids) for ids in rows["input_ids"]]
    long = [i for i, length in enumerate(lengths) if length > max_length]
    if not long:
        return rows
    sizes = {i: f"{lengths[i]:,} tokens" for i in long}
    what = f"{_some(rows, long, name, sizes)} are longer than {max_length:,} tokens"
    if long_rows == "refuse":
        raise CourseError(
            f"{what}: the trainer would cut off their ends, answers included, and say nothing. "
            f"Raise max_length to {max(lengths):,} if the model reads that far, shorten the rows, "
            "or drop them with long_rows='drop' (--long-rows drop)"
        )
    if len(long) == len(rows):
        raise CourseError(f"{what}, and dropping them leaves nothing: raise max_length")
    warnings.warn(f"{what} and are dropped", stacklevel=4)
    return rows.select([i for i, length in enumerate(lengths) if length <= max_length])


def _some(
    dataset: Dataset, indices: list[int], name: str, notes: dict[int, str] | None = None
) -> str:
    shown = [_place(dataset, i) + (f" ({notes[i]})" if notes else "") for i in indices[:_NAMED]]
    more = f" and {len(indices) - _NAMED:,} more" if len(indices) > _NAMED else ""
    return f"{len(indices):,} of {len(dataset):,} {name} rows ({', '.join(shown)}{more})"


def _place(dataset: Dataset, index: int) -> str:
    # The line of the file where the learner can mend it, if the row knows; else its position.
    known = "line" in dataset.column_names and dataset[index]["line"] is not None
    return f"line {dataset[index]['line']}" if known else f"row {index}"
