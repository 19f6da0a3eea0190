"""Prompt, retrieve or fine-tune: which way suits a case, and why.

Eight questions about the case, each of which speaks for one of two things: *reading* (facts that
change belong into pages, which are put before the question) and *training* (a voice, a form and a
judgement that must not waver belong into the weights). Little data or little money speaks against
training. The rules are few and open, so that anybody who disagrees can say with which one.
"""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.errors import CourseError

# Fewer rows than this teach a voice but hardly a policy; lesson 08 measures it.
ENOUGH_ROWS = 50
# As many examples as fit beside a question.
FEW_ROWS = 3

WAYS = ("system prompt", "few-shot", "RAG", "fine-tuning", "fine-tuning + RAG")

# What speaks for training, and why.
_FOR_TRAINING = {
    "fixed_style": "a fixed style is the same in every row, and is learnt first and best",
    "no_wavering": "training leaves fewer different answers to one question",
    "fixed_format": "a fixed format, trained, needs no instruction and no examples in the prompt",
    "own_rules": "rules of your own judgement are shown by examples better than written down",
    "stable": "what stays the same for years is trained once and asked for long",
}


@dataclass(frozen=True)
class Approach:
    """A way to go, and what each criterion said.

    Attributes:
        way: One of `WAYS`.
        reasons: A sentence for each thing that spoke for or against it.
    """

    way: str
    reasons: tuple[str, ...]


def choose_approach(
    *,
    fixed_style: bool = False,
    no_wavering: bool = False,
    fixed_format: bool = False,
    own_rules: bool = False,
    stable: bool = False,
    fresh_facts: bool = False,
    small_budget: bool = False,
    rows: int = 0,
) -> Approach:
    """Choose one of five ways for a case, and say why.

    Args:
        fixed_style: Every answer must have one voice.
        no_wavering: The same question in other words must get the same answer.
        fixed_format: Every answer must have one form, such as a JSON schema.
        own_rules: Answers follow a judgement that is your own, such as which clause is a risk.
        stable: What the answers should be stays the same for a year or more.
        fresh_facts: Answers hold facts that change by the month, or must name their source.
        small_budget: There is little money or time for a project: a single reason to train is
            then not enough.
        rows: Good examples of a question and its answer that exist or can be written.

    Returns:
        The way and its reasons.

    Raises:
        CourseError: A number of rows below 0.

    Example:
        >>> choose_approach(fixed_style=True, fresh_facts=True, rows=300).way
        'fine-tuning + RAG'
        >>> choose_approach(fresh_facts=True).way
        'RAG'
    """
    if rows < 0:
        raise CourseError(f"rows is {rows}: give the number of examples, 0 or more.")
    asked = {
        "fixed_style": fixed_style,
        "no_wavering": no_wavering,
        "fixed_format": fixed_format,
        "own_rules": own_rules,
        "stable": stable,
    }
    reasons = [f"for training: {_FOR_TRAINING[name]}" for name, wanted in asked.items() if wanted]
    # Stability makes training last; it is no reason to begin.
    worth = sum(wanted for name, wanted in asked.items() if name != "stable")
    train = worth > small_budget and rows >= ENOUGH_ROWS
    if worth and not train:
        reasons.append(f"against training: {_why_not(worth, rows)}")
    if fresh_facts:
        reasons.append("for reading: a page is changed in a minute, weights are not")
    if train:
        way = "fine-tuning + RAG" if fresh_facts else "fine-tuning"
    elif fresh_facts:
        way = "RAG"
    else:
        way = "few-shot" if worth and rows >= FEW_ROWS else "system prompt"
    if not train and not fresh_facts:
        reasons.append("to begin with: a prompt costs nothing and shows what is missing")
    return Approach(way, tuple(reasons))


def _why_not(worth: int, rows: int) -> str:
    if rows < ENOUGH_ROWS:
        return f"{rows} rows are few; write {ENOUGH_ROWS} or more first"
    count = "one reason is" if worth == 1 else f"{worth} reasons are"
    return f"{count} not enough for a small budget"
