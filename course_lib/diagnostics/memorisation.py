"""Does the model recite its training rows word for word?

Loss says how sure a model is; recitation says what a customer would read. A model that gives back
a training answer to the training question has at least learned it. One that gives back the
*whole row* from its first few words has memorised it, and would give away whatever was in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from course_lib.errors import CourseError
from course_lib.evaluation.generation import continue_tokens, prompts, references
from course_lib.tokenization.conversation import apply_template, tools_of


@dataclass(frozen=True)
class Recitation:
    """How much of some rows a model recites.

    Attributes:
        rate: share of rows whose rest was recited word for word, between 0 and 1.
        recited: one boolean a row.
        completions: what the model wrote, one text a row.
        expected: what the row says there, one text a row.
    """

    rate: float
    recited: list[bool]
    completions: list[str]
    expected: list[str]


def memorised(
    model: Any,
    tokenizer: Any,
    rows: Iterable[Mapping[str, Any]],
    *,
    shown: float = 0.5,
    batch_size: int = 32,
) -> Recitation:
    """Show the model the beginning of each answer and see whether it recites the rest.

    Run it on training rows and on held-out rows of the same kind: what is recited of rows that
    were never trained is guessing, and only the difference is memory.

    Args:
        model: a causal LM.
        tokenizer: its tokenizer, with a chat template.
        rows: rows with `messages`, each ending with the assistant's answer.
        shown: share of the answer's tokens that the model is shown. Half leaves enough to
            recite, and enough to know which row is meant.
        batch_size: rows completed together.

    Returns:
        The rate and, row by row, what was written and what was expected.

    Raises:
        CourseError: there are no rows, a row has no answer or one without text, or `shown` is
            not in [0, 1).

    Example:
        >>> memorised(model, tokenizer, train_rows).rate  # doctest: +SKIP
        0.94
    """
    if not 0 <= shown < 1:
        raise CourseError(f"shown is {shown}; expected a share from 0 up to, not including, 1.")
    kept = list(rows)
    if not kept:
        raise CourseError("there are no rows to recite: pass at least one.")
    tools = [tools_of(row) for row in kept]
    starts = apply_template(tokenizer, prompts(kept), tools, add_generation_prompt=True)[
        "input_ids"
    ]
    answers = tokenizer(references(kept), add_special_tokens=False)["input_ids"]
    silent = next((number for number, answer in enumerate(answers) if not answer), None)
    if silent is not None:
        raise CourseError(
            f"row {silent} has an answer without text (a call of a tool, perhaps), of which there "
            "is nothing to recite. Leave the row out."
        )
    cuts = [int(len(answer) * shown) for answer in answers]
    rests = [answer[cut:] for answer, cut in zip(answers, cuts, strict=True)]
    heads = [s + a[:c] for s, a, c in zip(starts, answers, cuts, strict=True)]
    longest = max(len(rest) for rest in rests)
    written = continue_tokens(
        model, tokenizer, heads, max_new_tokens=longest, batch_size=batch_size
    )
    written = [mine[: len(rest)] for mine, rest in zip(written, rests, strict=True)]
    recited = [mine == theirs for mine, theirs in zip(written, rests, strict=True)]
    return Recitation(
        rate=sum(recited) / len(recited),
        recited=recited,
        completions=tokenizer.batch_decode(written, skip_special_tokens=True),
        expected=tokenizer.batch_decode(rests),
    )
