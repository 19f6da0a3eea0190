"""Rows that contain the questions of a held-out test.

A model that has seen the test question with its answer scores well and knows nothing. A row is
contaminated if one of its user messages is a test question, nearly is, or contains one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from course_lib.cleaning.duplicates import THRESHOLD, candidate_pairs
from course_lib.cleaning.normalise import jaccard, letters
from course_lib.cleaning.rule import Found, Messages, SetCheck, prompt

# Below this many letters a question ("Why?") says too little to be called leaked when contained.
_CONTAINED = 12


def contaminated(sets: list[Messages], test: list[Messages]) -> dict[int, Found]:
    """Find training rows that give a test question away.

    Args:
        sets: The training conversations.
        test: The held-out conversations.

    Returns:
        Position of each contaminated row, with the test question it holds.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> contaminated([chat("Hi! Where is the blue crate?", "Here.")],
        ...              [chat("Where is the blue crate?", "There.")])[0].reason
        "it holds the test question 'Where is the blue crate?'"
    """
    questions = list(dict.fromkeys(prompt(messages) for messages in test if prompt(messages)))
    found = _containing(sets, questions)
    turns = [(p, m["content"]) for p, row in enumerate(sets) for m in row if m["role"] == "user"]
    texts = [*questions, *(text for _, text in turns)]
    for first, second in candidate_pairs(texts):
        if first < len(questions) <= second and jaccard(texts[first], texts[second]) >= THRESHOLD:
            position = turns[second - len(questions)][0]
            found.setdefault(position, Found(f"nearly the test question {questions[first]!r}"))
    return found


def _containing(sets: list[Messages], questions: Iterable[str]) -> dict[int, Found]:
    """Look every position of every row up in a table of the questions' first letters."""
    starts: dict[str, list[tuple[str, str]]] = defaultdict(list)
    whole: dict[str, str] = {}
    for question in questions:
        folded = letters(question)
        whole[folded] = question
        if len(folded) >= _CONTAINED:
            starts[folded[:_CONTAINED]].append((folded, question))
    found: dict[int, Found] = {}
    for position, row in enumerate(sets):
        for message in row:
            if message["role"] != "user":
                continue
            text = letters(message["content"])
            hit = whole.get(text) or next(
                (
                    question
                    for i in range(len(text) - _CONTAINED + 1)
                    for folded, question in starts.get(text[i : i + _CONTAINED], ())
                    if text.startswith(folded, i)
                ),
                None,
            )
            if hit is not None:
                found.setdefault(position, Found(f"it holds the test question {hit!r}"))
    return found


def contamination_rule(test: list[Messages]) -> SetCheck:
    """Build the rule for one held-out test.

    Args:
        test: The held-out conversations; with none the rule finds nothing.

    Returns:
        The rule, ready for the pipeline.

    Example:
        >>> contamination_rule([]).name
        'contamination'
    """
    return SetCheck(
        name="contamination",
        reason="A model that has seen the test questions scores well and knows nothing.",
        before="a row that holds a question of the held-out test",
        after=None,
        check_all=lambda sets: contaminated(sets, test) if test else {},
    )
