"""Preference pairs: answers that are the same, missing, or the wrong way round, and their length.

A pair teaches by its difference. Where there is none it teaches nothing, and where the sides are
swapped it teaches the fault. The rules of single answers (`quality`, `language`) are the evidence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from course_lib.cleaning.calls import said
from course_lib.cleaning.language import language_of, wrong_language
from course_lib.cleaning.quality import cut_off, empty_turn, refusal, runaway
from course_lib.cleaning.rule import Messages, PairCheck
from course_lib.cleaning.rule import prompt as asked
from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd


def conversation(row: Mapping[str, Any]) -> Messages:
    """The conversation of a kept row; of a preference pair, prompt and chosen answer.

    Args:
        row: {"messages": [...]} or {"prompt": [...], "chosen": [...], "rejected": [...]}, and
            other columns.

    Returns:
        Its messages.

    Example:
        >>> one = [{"role": "user", "content": "Hi"}]
        >>> len(conversation({"prompt": one, "chosen": one, "rejected": one}))
        2
    """
    return row["messages"] if "messages" in row else [*row["prompt"], *row["chosen"]]


def rejected_side(row: Mapping[str, Any]) -> Messages:
    """The rejected answer of a preference pair; none of any other row.

    Args:
        row: As for `conversation`.

    Returns:
        Its messages. In `report.changes` they are numbered on from those of `conversation`.

    Example:
        >>> rejected_side({"messages": [], "rejected": "a column of the data"})
        []
    """
    return [] if "messages" in row else row["rejected"]


def same_answers(prompt: Messages, chosen: Messages, rejected: Messages) -> str | None:
    """Find a pair whose two answers are the same, letter for letter or but for spaces and width.

    Capitals and punctuation count as a difference: a pair may well teach just that.

    >>> from course_lib.cleaning.rule import chat
    >>> question, *yes = chat("Is it 12 m?", "Yes, １２ m.")
    >>> same_answers([question], yes, [{"role": "assistant", "content": "Yes,  12 m. "}])
    'chosen and rejected are the same but for spaces and the width of letters'
    """
    one, two = _said(chosen), _said(rejected)
    if one == two:
        return "chosen and rejected are the same"
    # In ASCII nothing folds but spaces.
    fold = str.split if one.isascii() and two.isascii() else _folded
    if fold(one) == fold(two):
        return "chosen and rejected are the same but for spaces and the width of letters"
    return None


def empty_side(prompt: Messages, chosen: Messages, rejected: Messages) -> str | None:
    """Find a pair with a side that says nothing: no answer, a blank one, or a placeholder.

    >>> empty_side([], [{"role": "assistant", "content": " "}], [])
    'chosen: the answer (message 1) is empty'
    """
    for name, side in (("chosen", chosen), ("rejected", rejected)):
        said = [message for message in side if message["role"] == "assistant"]
        reason = empty_turn(said) if said else "there is no answer"
        if reason:
            return f"{name}: {reason}"
    return None


def swapped_pair(prompt: Messages, chosen: Messages, rejected: Messages) -> str | None:
    """Find a pair that is surely the wrong way round: the chosen answer broken, the other sound.

    Broken means: looping, cut off in the middle, or in another language than the question. A
    side that is merely worse, shorter or ruder is no evidence.

    >>> from course_lib.cleaning.rule import chat
    >>> question, *sound = chat("How long?", "You can send it back for 45 days.")
    >>> broken = [{"role": "assistant", "content": "You can send it back within the"}]
    >>> swapped_pair([question], broken, sound).partition(": ")[2]
    "the last word cannot be the last: …'ou can send it back within the'"
    """
    fault = _fault(prompt, chosen) or _stump(chosen, rejected)
    if not fault or _fault(prompt, rejected) or refusal(rejected) or empty_turn(_only(rejected)):
        return None
    return f"the chosen answer is broken, the rejected one is not: {fault}"


def refusal_chosen(prompt: Messages, chosen: Messages, rejected: Messages) -> str | None:
    """Find a pair that prefers a model's refusal to a sound answer.

    Pairs made for safety prefer a refusal on purpose. For those, leave this rule out.

    >>> from course_lib.cleaning.rule import chat
    >>> question, *sound = chat("When do you open?", "We open at nine.")
    >>> no = [{"role": "assistant", "content": "As an AI, I cannot say."}]
    >>> refusal_chosen([question], no, sound)
    "the chosen answer refuses, the rejected one answers: 'As an AI'"
    """
    reason = refusal(chosen)
    if not reason or refusal(rejected) or _fault(prompt, rejected) or empty_turn(_only(rejected)):
        return None
    return f"the chosen answer refuses, the rejected one answers: {reason.partition(': ')[2]}"


def _said(side: Messages) -> str:
    return "\n".join(said(message) for message in _only(side)).strip()


def _only(side: Messages) -> Messages:
    return [message for message in side if message["role"] == "assistant"]


def _folded(text: str) -> list[str]:
    return unicodedata.normalize("NFKC", text).split()


def _fault(prompt: Messages, side: Messages) -> str | None:
    """Why an answer is surely broken, or None. Signs that need a whole set are not looked for."""
    found = runaway(side)
    if not found:
        cut = cut_off([side])
        found = cut[0].reason if cut else None
    if not found and prompt:
        found = wrong_language([*prompt, *_only(side)])
    return found


def _stump(side: Messages, other: Messages) -> str | None:
    """Why one answer is the other one cut in a later sentence, or None; a short answer may be."""
    cut, whole = _said(side), _said(other)
    inner_end = re.search(r"[.!?]\s|[。！？](?=.)", cut)
    if not inner_end or cut == whole or not whole.startswith(cut) or not cut[-1].isalnum():
        return None
    return f"the answer is the other one, cut off: …{cut[-30:]!r}"


def length_bias(pairs: Iterable[tuple[Messages, Messages, Messages]]) -> pd.DataFrame:
    """Measure how often the chosen answer is the longer one, for the data card.

    DPO learns length where length tells the sides apart (Park et al. 2024, "Disentangling Length
    from Quality in Direct Preference Optimization"). A share near one half is what one hopes for.

    Args:
        pairs: Prompt, chosen and rejected of each pair. Lengths are counted in characters.

    Returns:
        One row for all pairs and one for each language of the questions, if there are several:
        `language`, `pairs`, `equal` (of the same length, left out of the share), `longer` (pairs
        whose chosen answer is longer), `share`, `low` and `high` (its 95% Wilson interval, E. B.
        Wilson, JASA 22, 1927) and `ratio` (median of chosen length / rejected length).

    Raises:
        CourseError: There are no pairs.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> question, *long = chat("Is it open?", "Yes, it is open until nine.")
        >>> pairs = [([question], long, [{"role": "assistant", "content": "Yes."}])] * 10
        >>> length_bias(pairs).round(2).loc[0, ["share", "low", "high"]].tolist()
        [1.0, 0.72, 1.0]
    """
    import pandas as pd

    sizes: dict[str, list[tuple[int, int]]] = {"all": []}
    for prompt, chosen, rejected in pairs:
        both = len(_said(chosen)), len(_said(rejected))
        sizes["all"].append(both)
        sizes.setdefault(language_of(asked(prompt)) or "?", []).append(both)
    if not sizes["all"]:
        raise CourseError("There are no preference pairs to measure: give at least one.")
    if len(sizes) == 2:
        sizes = {"all": sizes["all"]}
    return pd.DataFrame([{"language": name, **_bias(both)} for name, both in sizes.items()])


def _bias(sizes: list[tuple[int, int]]) -> dict[str, float]:
    from scipy.stats import binomtest

    longer = sum(chosen > rejected for chosen, rejected in sizes)
    equal = sum(chosen == rejected for chosen, rejected in sizes)
    told = len(sizes) - equal
    low, high = binomtest(longer, told).proportion_ci(method="wilson") if told else (0.0, 1.0)
    ratios = [chosen / rejected for chosen, rejected in sizes if rejected]
    return {
        "pairs": len(sizes),
        "equal": equal,
        "longer": longer,
        "share": longer / told if told else float("nan"),
        "low": float(low),
        "high": float(high),
        "ratio": median(ratios) if ratios else float("nan"),
    }


PAIR_SAME = PairCheck(
    name="pair_same",
    reason="A pair of the same two answers teaches nothing.",
    before="chosen: It ships today. / rejected: It ships  today.",
    after=None,
    check_pair=same_answers,
)

PAIR_EMPTY = PairCheck(
    name="pair_empty",
    reason="Against an empty answer anything wins; a chosen one teaches silence.",
    before="chosen: It ships today. / rejected: (nothing)",
    after=None,
    check_pair=empty_side,
)

PAIR_SWAPPED = PairCheck(
    name="pair_swapped",
    reason="A pair the wrong way round teaches the fault that it should cure.",
    before="chosen: You can send it back within the / rejected: You have 45 days.",
    after=None,
    check_pair=swapped_pair,
)

PAIR_REFUSAL = PairCheck(
    name="pair_refusal",
    reason="Preferring refusals to answers makes a model refuse; leave out for safety data.",
    before="chosen: As an AI, I cannot say. / rejected: We open at nine.",
    after=None,
    check_pair=refusal_chosen,
)

PAIR_RULES: tuple[PairCheck, ...] = (PAIR_SAME, PAIR_EMPTY, PAIR_SWAPPED, PAIR_REFUSAL)
