"""Loss on held-out rows, counted on the assistant's tokens only.

This is the figure that training minimises, so it is the first to ask for on rows that were not
trained. It is not the last: a model can grow surer and still say the wrong thing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd


def held_out_loss(
    model: Any,
    tokenizer: Any,
    rows: Iterable[Mapping[str, Any]],
    *,
    batch_size: int = 16,
) -> float:
    """Mean cross-entropy of the assistant's tokens, end token included.

    Every token counts the same, so a long answer weighs more than a short one. (A trainer's
    eval_loss is the mean of its batches' means, and so differs a little with the batch size.)

    Args:
        model: a causal LM.
        tokenizer: its tokenizer; where its chat template does not mark the assistant's tokens,
            the marked template that `trl` trains with is used.
        rows: rows with `messages` that contain at least one assistant message, and `tools` where
            the assistant may call some: they are scored as the trainer would train them.
        batch_size: rows scored together.

    Returns:
        Nats a token; lower is better, 0 is certainty.

    Raises:
        CourseError: there are no rows, a row has no assistant message, a row is too long for
            the model, or the chat template leaves a call of a tool out.

    Example:
        >>> held_out_loss(model, tokenizer, validation)  # doctest: +SKIP
        2.56
    """
    import torch
    from torch.nn.functional import cross_entropy

    encoded = _encode(tokenizer, list(rows), getattr(model.config, "max_position_embeddings", None))
    # Similar lengths share a batch, so that little padding is computed.
    encoded.sort(key=lambda row: len(row[0]))
    total, count = 0.0, 0
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(encoded), batch_size):
            ids, mask, labels = _right_pad(encoded[start : start + batch_size])
            with torch.no_grad():
                logits = model(
                    input_ids=ids.to(model.device), attention_mask=mask.to(model.device)
                ).logits
            wanted = labels[:, 1:].to(logits.device)
            # In float32, because a sum over thousands of half-precision losses loses digits.
            losses = cross_entropy(
                logits[:, :-1].float().flatten(0, 1), wanted.flatten(), reduction="sum"
            )
            total += float(losses)
            count += int((wanted != -100).sum())
    finally:
        model.train(was_training)
    return total / count


def token_scores(
    model: Any,
    tokenizer: Any,
    rows: Iterable[Mapping[str, Any]],
    *,
    batch_size: int = 16,
) -> pd.DataFrame:
    """Row by row, how the model rates the assistant's tokens, each after the right ones before it.

    Args:
        model: a causal LM.
        tokenizer: its tokenizer.
        rows: rows as for `held_out_loss`; put the model's own answer in place of the reference
            to ask how sure it was of that.
        batch_size: rows scored together.

    Returns:
        One row each, in the order given: `tokens` (their number, end token included), `loss`
        (mean nats a token), `right` (share of tokens that the model likes best) and `confidence`
        (probability of the whole answer, the product over its tokens).

    Raises:
        CourseError: as for `held_out_loss`.

    Example:
        >>> token_scores(model, tokenizer, test)["right"].mean()  # doctest: +SKIP
        0.97
    """
    import pandas as pd
    import torch

    encoded = _encode(tokenizer, list(rows), getattr(model.config, "max_position_embeddings", None))
    order = sorted(range(len(encoded)), key=lambda place: len(encoded[place][0]))
    found: list[dict[str, float]] = []
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(order), batch_size):
            batch = [encoded[place] for place in order[start : start + batch_size]]
            ids, mask, labels = (part.to(model.device) for part in _right_pad(batch))
            with torch.no_grad():
                logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
            for row, wanted in zip(logits, labels[:, 1:], strict=True):
                scored, tokens = row[wanted != -100], wanted[wanted != -100]
                logs = scored.log_softmax(-1).gather(1, tokens[:, None])
                hits = scored.argmax(-1) == tokens
                found.append(
                    {
                        "tokens": len(tokens),
                        "loss": -float(logs.mean()),
                        "right": float(hits.float().mean()),
                        "confidence": float(logs.sum().exp()),
                    }
                )
    finally:
        model.train(was_training)
    return pd.DataFrame(found, index=order).sort_index()


def perplexity(loss: float) -> float:
    """A loss as perplexity: among how many equally likely tokens the model hesitates.

    Args:
        loss: nats a token, as from `held_out_loss`.

    Returns:
        e to the power of the loss, at least 1.

    Example:
        >>> round(perplexity(2.56), 1)
        12.9
    """
    return math.exp(loss)


def _encode(
    tokenizer: Any, rows: list[Mapping[str, Any]], context: int | None
) -> list[tuple[list[int], list[int]]]:
    from course_lib.tokenization.conversation import apply_template, tools_of
    from course_lib.training.rows import training_template

    if not rows:
        raise CourseError("there are no rows to measure the loss on: pass at least one.")
    encoded = apply_template(
        tokenizer,
        [row["messages"] for row in rows],
        [tools_of(row) for row in rows],
        chat_template=training_template(tokenizer),
        return_assistant_tokens_mask=True,
    )
    pairs = list(zip(encoded["input_ids"], encoded["assistant_masks"], strict=True))
    for number, (ids, assistant) in enumerate(pairs):
        if not any(assistant):
            raise CourseError(
                f"row {number} has no assistant message, so nothing in it can be scored. Pass "
                "rows that end with the reference answer."
            )
        if context is not None and len(ids) > context:
            raise CourseError(
                f"row {number} takes {len(ids)} tokens, more than the model's {context}. "
                "Shorten it or leave it out."
            )
    return pairs


def _right_pad(rows: list[tuple[list[int], list[int]]]) -> tuple[Any, Any, Any]:
    import torch

    width = max(len(ids) for ids, _ in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    labels = torch.full((len(rows), width), -100, dtype=torch.long)
    for place, (tokens, assistant) in enumerate(rows):
        row = torch.tensor(tokens)
        ids[place, : len(tokens)] = row
        mask[place, : len(tokens)] = 1
        labels[place, : len(tokens)] = row.where(torch.tensor(assistant) == 1, -100)
    return ids, mask, labels
