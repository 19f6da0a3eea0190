"""How long rows are, what the maximum length cuts off, and what training costs in tokens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from course_lib.errors import CourseError
from course_lib.tokenization.conversation import encode, render_row, tools_of, trained_mask

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def lengths(dataset: Iterable[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase) -> pd.Series:
    """Count the tokens of every row, template included.

    Args:
        dataset: Rows with ``messages``, such as a `datasets.Dataset`.
        tokenizer: The tokenizer that will be trained.

    Returns:
        Tokens by row number.

    Raises:
        CourseError: A row without messages, or one that the template refuses.

    Example:
        >>> lengths(train, tokenizer).quantile(0.95)  # doctest: +SKIP
        61.0
    """
    counts = [
        len(encode(tokenizer, render_row(tokenizer, row, number))[0])
        for number, row in enumerate(dataset)
    ]
    return pd.Series(counts, name="tokens", dtype="int64").rename_axis("row")


def truncation(
    dataset: Iterable[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase, max_length: int
) -> pd.DataFrame:
    """List the rows that ``max_length`` would cut, and what each of them loses.

    TRL keeps the beginning of a row and drops the rest without a word. What is dropped is the end
    of the answer, and with it the token that teaches the model to stop.

    Args:
        dataset: Rows with ``messages``.
        tokenizer: The tokenizer that will be trained.
        max_length: ``SFTConfig.max_length``, in tokens.

    Returns:
        One line a cut row: ``row``, ``tokens``, ``lost``, ``trained``, ``trained_lost`` and
        ``what`` in words. Empty where nothing is cut.

    Raises:
        CourseError: A length below 1, a row without messages, or one that the template refuses.

    Example:
        >>> len(truncation(train, tokenizer, 256))  # doctest: +SKIP
        0
    """
    if max_length < 1:
        raise CourseError(f"max_length is {max_length}: it must be at least 1 token")
    cut = []
    for number, row in enumerate(dataset):
        tokens = len(encode(tokenizer, render_row(tokenizer, row, number))[0])
        if tokens <= max_length:
            continue
        mask = trained_mask(tokenizer, row["messages"], tokens, tools=tools_of(row))
        trained, lost = sum(mask), sum(mask[max_length:])
        if not lost:
            what = "nothing that is trained"
        elif lost == trained:
            what = "every trained token: the row teaches nothing"
        else:
            what = f"the last {lost} of {trained} trained tokens, the stop token among them"
        cut.append((number, tokens, tokens - max_length, trained, lost, what))
    columns = ["row", "tokens", "lost", "trained", "trained_lost", "what"]
    return pd.DataFrame(cut, columns=columns)


def training_cost(
    dataset: Iterable[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase, *, epochs: float = 1
) -> pd.Series:
    """Count what a training run costs in tokens, the unit of time here and of money at a provider.

    Args:
        dataset: Rows with ``messages``.
        tokenizer: The tokenizer that will be trained.
        epochs: Passes over the data.

    Returns:
        ``rows``, ``tokens`` (one pass), ``trained`` (those with a loss), ``share_trained`` and
        ``total`` (tokens × epochs: what a provider bills).

    Raises:
        CourseError: A row without messages, or one that the template refuses.

    Example:
        >>> training_cost(train, tokenizer, epochs=3)["total"]  # doctest: +SKIP
        11958.0
    """
    rows = tokens = trained = 0
    for number, row in enumerate(dataset):
        count = len(encode(tokenizer, render_row(tokenizer, row, number))[0])
        rows, tokens = rows + 1, tokens + count
        trained += sum(trained_mask(tokenizer, row["messages"], count, tools=tools_of(row)))
    return pd.Series(
        {
            "rows": rows,
            "tokens": tokens,
            "trained": trained,
            "share_trained": trained / tokens if tokens else 0.0,
            "total": tokens * epochs,
        }
    )


def tokens_per_character(tokenizer: PreTrainedTokenizerBase, texts: Iterable[str]) -> float:
    """Say how dearly a tokenizer writes a language: tokens for each character of text.

    Args:
        tokenizer: Any tokenizer.
        texts: Sentences of the language.

    Returns:
        Tokens divided by characters (English about 0.25; Japanese from 0.6 to more than 2).

    Raises:
        CourseError: There is no text.

    Example:
        >>> tokens_per_character(tokenizer, ["テントを返品したいです。"])  # doctest: +SKIP
        0.83
    """
    texts = list(texts)
    characters = sum(len(text) for text in texts)
    if not characters:
        raise CourseError("There is no text to count: give at least one non-empty string")
    tokens = sum(len(tokenizer(text, add_special_tokens=False)["input_ids"]) for text in texts)
    return tokens / characters
