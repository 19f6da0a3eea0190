"""What a job will train on, and what it would cost elsewhere, before it is created."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.tokenization.conversation import apply_template, tools_of

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedTokenizerBase


def training_costs(
    rows: Iterable[Mapping[str, Any]],
    tokenizer: PreTrainedTokenizerBase,
    prices: Mapping[str, float],
    *,
    n_epochs: int,
) -> pd.DataFrame:
    """Tokens that a provider would bill, times its price.

    Providers bill every token of every epoch. They count with a tokenizer of their own, so that
    another model's count is an estimate: within some ten percent for English, less well for
    Japanese.

    Args:
        rows: Conversations with ``messages``.
        tokenizer: What counts.
        prices: The price of a million training tokens by model, as you find it on the day.
        n_epochs: Passes over the rows.

    Returns:
        One row for each price: ``model``, ``price`` of a million tokens, ``tokens`` in all epochs,
        and ``cost`` in the price's currency.

    Raises:
        CourseError: A price is below zero, there are no epochs, or the template refuses a row.

    Example:
        >>> training_costs(rows, tokenizer, {"somebody's mini": 3.0}, n_epochs=3)  # doctest: +SKIP
                     model  price  tokens    cost
        0  somebody's mini    3.0   11238  0.0337
    """
    import pandas as pd

    if n_epochs < 1 or any(price < 0 for price in prices.values()):
        raise CourseError("give at least one epoch, and prices that are not below zero")
    rows = list(rows)
    conversations = [row["messages"] for row in rows]
    encoded = apply_template(tokenizer, conversations, [tools_of(row) for row in rows])
    tokens = n_epochs * sum(len(ids) for ids in encoded["input_ids"])
    return pd.DataFrame(
        {
            "model": list(prices),
            "price": list(prices.values()),
            "tokens": tokens,
            "cost": [price * tokens / 1e6 for price in prices.values()],
        }
    )
