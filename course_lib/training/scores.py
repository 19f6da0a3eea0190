"""What a training run changed, on rows that it has not seen: the same figures before and after."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase
    from trl.trainer.sft_trainer import SFTTrainer

_LETTER = re.compile(r"[A-E]")
# Room for an answer that is longer than the reference, so that it is seen to be wrong.
_MARGIN = 8
_LONGEST_ANSWER = 256


def score(
    trainer: SFTTrainer, tokenizer: PreTrainedTokenizerBase, rows: Dataset
) -> dict[str, float | int]:
    """Score greedy answers and loss on held-out rows.

    Args:
        trainer: Holds the model; its own loss is used, so that it compares with the curve.
        tokenizer: The model's.
        rows: From ``prepare_rows``, each ending with the reference answer.

    Returns:
        ``rows``, ``exact_match`` (share of answers equal to the reference, up to spaces and
        width), ``loss`` (nats a token), and where every answer is one letter from A to E also
        ``chance`` and ``majority``, see `letter_baselines`.

    Example:
        >>> score(trainer, tokenizer, test)  # doctest: +SKIP
        {'rows': 48, 'exact_match': 0.94, 'loss': 0.21}
    """
    from course_lib.evaluation import exact_match, generate, prompts, references
    from course_lib.tokenization.conversation import tools_of

    expected = references(rows)
    trained: Any = trainer.train_dataset
    asked = prompts(rows)
    answers = generate(
        trainer.model,
        tokenizer,
        asked,
        tools=list(map(tools_of, rows)),
        max_new_tokens=_room(trainer.model, tokenizer, rows, expected),
        batch_size=2 * trainer.args.per_device_eval_batch_size,
    )
    loss = trainer.evaluate(eval_dataset=rows, metric_key_prefix="test")["test_loss"]
    return {
        "rows": len(expected),
        "exact_match": exact_match(answers, expected),
        "loss": float(loss),
        **letter_baselines(expected, references(trained)),
    }


def letter_baselines(expected: Sequence[str], trained: Sequence[str]) -> dict[str, float]:
    """What a model that understands nothing reaches where answers are letters from A to E.

    Args:
        expected: The reference answers of the held-out rows.
        trained: Those of the training rows.

    Returns:
        ``chance``, one over the number of options, and ``majority``, the share reached by always
        giving the letter that is commonest in training; nothing where an answer is no letter.

    Example:
        >>> letter_baselines(["A", "B", "B", "D"], ["B", "C", "B"])
        {'chance': 0.25, 'majority': 0.5}
    """
    letters = [answer.strip() for answer in (*expected, *trained)]
    if not expected or not trained or not all(_LETTER.fullmatch(letter) for letter in letters):
        return {}
    # Options run from A without gaps, so the last letter seen says how many there are.
    options = ord(max(letters)) - ord("A") + 1
    commonest = Counter(answer.strip() for answer in trained).most_common(1)[0][0]
    reached = sum(answer.strip() == commonest for answer in expected)
    return {"chance": 1 / options, "majority": reached / len(expected)}


def _room(
    model: Any, tokenizer: PreTrainedTokenizerBase, rows: Dataset, expected: Sequence[str]
) -> int:
    longest = max(len(ids) for ids in tokenizer(list(expected))["input_ids"])
    room = min(longest + _MARGIN, _LONGEST_ANSWER)
    context = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    if context is None:
        return room
    # Rows hold question and answer and fit the context; what the longest leaves is room enough.
    left = context - max(_prompt_length(row["labels"]) for row in rows)
    return max(1, min(room, left))


def _prompt_length(labels: Sequence[int]) -> int:
    # Everything before the last answer: count back over it from the end of the row.
    end = len(labels)
    while end and labels[end - 1] == -100:
        end -= 1
    while end and labels[end - 1] != -100:
        end -= 1
    return end
