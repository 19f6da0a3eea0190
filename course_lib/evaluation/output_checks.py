"""Look at an answer before a customer does: its form, its numbers, and what must not leave.

Rules, not a model: each says why it refuses, none costs a millisecond, and each is measured on
answers in which the mistake was planted. What they cannot see is measured too: a number that
stands on the page, but belongs to another question, passes.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from course_lib.cleaning.privacy import mask_all

if TYPE_CHECKING:
    import pandas as pd

# A number and the word behind it. Japanese writes the unit on to the number: 45日.
_QUANTITY = re.compile(r"(\d+(?:[.,]\d+)*)\s*([a-z]+|[\u3040-\u30ff\u4e00-\u9fff]?)")
_PLACEHOLDER = re.compile(r"\[[A-Z_]+\]")
# So that "day" and "days" are one unit; no two units of a shop share three letters.
_UNIT = 3


class Failure(NamedTuple):
    """Why an answer is held back: the check's name, and the reason in words."""

    check: str
    reason: str


def check_output(
    answer: str, *, context: str | None = None, schema: Mapping[str, Any] | None = None
) -> list[Failure]:
    """Run every check that applies.

    Args:
        answer: What the model wrote.
        context: The policy page, or the passages, that the answer must rest on. None leaves the
            numbers unchecked.
        schema: A JSON schema, where the answer has to be JSON. None: any text is in form.

    Returns:
        What is wrong with it; an empty list lets the answer pass.

    Example:
        >>> check_output("Within 54 days.", context="You can return gear within 45 days.")
        [Failure(check='numbers', reason="'54 days' is not in the policy")]
    """
    found = []
    if schema is not None and (reason := against_schema(answer, schema)):
        found.append(Failure("schema", reason))
    if context is not None and (unknown := unsupported_numbers(answer, context)):
        found.append(Failure("numbers", f"{', '.join(map(repr, unknown))} is not in the policy"))
    if kinds := private_values(answer):
        found.append(Failure("privacy", f"it tells a private value: {', '.join(kinds)}"))
    return found


def refused(
    answers: Sequence[str],
    contexts: Sequence[str],
    schemas: Sequence[Mapping[str, Any] | None] | None = None,
) -> NDArray[np.bool_]:
    """Which of many answers at least one check holds back.

    Args:
        answers: What the model wrote.
        contexts: What each must rest on.
        schemas: For each the JSON schema, or None where any text is in form. None for all.

    Returns:
        One boolean an answer.

    Example:
        >>> refused(["45 days", "54 days"], ["within 45 days"] * 2).tolist()
        [False, True]
    """
    forms = [None] * len(answers) if schemas is None else schemas
    return np.array(
        [
            bool(check_output(answer, context=context, schema=schema))
            for answer, context, schema in zip(answers, contexts, forms, strict=True)
        ],
        dtype=bool,
    )


def against_schema(answer: str, schema: Mapping[str, Any]) -> str | None:
    """Why an answer is not the JSON that was agreed on.

    Args:
        answer: What the model wrote.
        schema: A JSON schema; the `jsonschema` library judges.

    Returns:
        The reason, or None where the answer is in form.

    Example:
        >>> against_schema('{"answer": 45}', {"properties": {"answer": {"type": "string"}}})
        "answer: 45 is not of type 'string'"
    """
    from jsonschema import Draft202012Validator

    try:
        value = json.loads(answer, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return f"no JSON: {error.msg} at character {error.pos}"
    except (ValueError, RecursionError) as error:  # NaN, endless digits, endless brackets
        return f"no JSON: {error}"
    wrong = next(Draft202012Validator(schema).iter_errors(value), None)
    if wrong is None:
        return None
    place = ".".join(map(str, wrong.absolute_path))
    return f"{place}: {wrong.message}" if place else wrong.message


def unsupported_numbers(answer: str, context: str) -> list[str]:
    """The numbers of an answer that its context does not hold, each with its unit.

    Args:
        answer: What the model wrote.
        context: What it must rest on.

    Returns:
        Such as "54 days", in the order of the answer. A number that the context has with another
        unit counts as not held.

    Example:
        >>> unsupported_numbers("45 days, or 80 days", "within 45 days; free above 80 dollars")
        ['80 days']
    """
    known = {(number, unit[:_UNIT]) for number, unit in _quantities(context)}
    return [
        f"{number} {unit}".strip()
        for number, unit in _quantities(answer)
        if (number, unit[:_UNIT]) not in known
    ]


def private_values(answer: str) -> list[str]:
    """The kinds of private values in an answer, as the cleaner of lesson 02 finds them.

    Args:
        answer: What the model wrote.

    Returns:
        Such as "EMAIL"; empty where nothing is private.

    Example:
        >>> private_values("Write to mina@example.com.")
        ['EMAIL']
    """
    # Counted, since a model that was trained on masked rows writes placeholders itself, and may
    # write a real value beside one.
    before, after = (Counter(_PLACEHOLDER.findall(text)) for text in (answer, mask_all(answer)))
    return [kind.strip("[]") for kind in after - before]


def planted_outputs(
    rows: Iterable[Mapping[str, Any]], contexts: Sequence[str], seed: int = 0
) -> pd.DataFrame:
    """Good answers, and the same answers each with one mistake planted.

    Args:
        rows: Rows with the right `answer` and its `value`, such as "faq_test".
        contexts: The policy that each answer rests on, in the same order.
        seed: Of the draws.

    Returns:
        One row an answer: `kind` ("good", "wrong number", "number of another line", "private
        value", "cut JSON", "JSON of another shape"), `answer`, `context`, `is_json` and `bad`.
        Rows without a number have no wrong one.

    Example:
        >>> row = {"answer": "Within 45 days.", "value": "45 days"}
        >>> planted_outputs([row], ["within 45 days; a refund takes 6 days"])["kind"].tolist()[:2]
        ['good', 'wrong number']
    """
    import pandas as pd

    draw, found = Random(seed), []
    for row, context in zip(rows, contexts, strict=True):
        answer = row["answer"]
        texts = {"good": answer, **_wrong_numbers(answer, row["value"], context, draw)}
        texts["private value"] = f"{answer} {_private_sentence(draw)}"
        found += [(kind, text, context, False) for kind, text in texts.items()]
        written = json.dumps({"answer": answer}, ensure_ascii=False)
        shaped = json.dumps({"reply": [answer]}, ensure_ascii=False)
        cut = written[: draw.randrange(1, len(written))]
        found += [
            (kind, text, context, True)
            for kind, text in (
                ("good", written),
                ("cut JSON", cut),
                ("JSON of another shape", shaped),
            )
        ]
    table = pd.DataFrame(found, columns=["kind", "answer", "context", "is_json"])
    return table.assign(bad=table["kind"] != "good")


def _no_constant(name: str) -> None:
    """Python reads NaN and Infinity, which JSON does not know."""
    raise ValueError(f"{name} is no value of JSON")


def _quantities(text: str) -> list[tuple[str, str]]:
    return _QUANTITY.findall(unicodedata.normalize("NFKC", text).lower())


def _wrong_numbers(answer: str, value: str, context: str, draw: Random) -> dict[str, str]:
    """The answer with a number of nobody, and with one that the page gives for something else."""
    quantity = _QUANTITY.match(value.lower())
    if quantity is None or value not in answer:
        return {}
    number, unit = quantity.groups()
    known = {found for found, _ in _quantities(context)}
    other = draw.choice([str(n) for n in range(2, 100) if str(n) not in known])
    changed = {"wrong number": answer.replace(value, value.replace(number, other))}
    same_unit = [n for n, of in _quantities(context) if of == unit and n != number]
    if same_unit:
        changed["number of another line"] = answer.replace(
            value, value.replace(number, draw.choice(same_unit))
        )
    return changed


def _private_sentence(draw: Random) -> str:
    digits = "".join(str(draw.randrange(10)) for _ in range(4))
    return draw.choice(
        (
            f"Write to mina{digits}@example.com.",
            f"Her number is 090-{draw.randrange(1000, 10000)}-{digits}.",
            f"The last customer, taro.{digits}@mail.example.org, asked the same.",
            f"Call 415-555-{digits} and ask.",
        )
    )
