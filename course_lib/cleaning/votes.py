"""Let the rows of a set vote on what is so.

"The warranty lasts 10 years", say thirty answers; "The warranty lasts 3 years", says one. The
two sentences are the same but for one value, and the set clearly sides with the first. Customers
word the question in a hundred ways, so it is the answers that are compared.
"""

from __future__ import annotations

import re
from collections import defaultdict

from course_lib.cleaning.normalise import letters, normalised
from course_lib.cleaning.rule import Found, Messages, answers, prompt

# Five rows of one opinion are a majority worth the name; below six in ten the set is undecided.
_VOTES = 5
_SHARE = 0.6
_ENDS = 5
_SENTENCE = re.compile(r"[^.!?。！？\n]+")
_WORDING = frozenset(
    re.findall(
        "[a-z]+",
        "i you we they he she it am is are was were be re s m ve ll d a an the this that my your "
        "our their so very really just also please can could will would do does did have has",
    )
)
_WORD = re.compile(r"[a-z0-9.,-]")


def outvoted(sets: list[Messages]) -> dict[int, Found]:
    """Find rows with a statement that most rows make with another value.

    Args:
        sets: The conversations.

    Returns:
        The rows outvoted, each with the values and the votes.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat(f"Question {n}?", "The warranty lasts 10 years.") for n in range(9)]
        >>> outvoted([*rows, chat("How long?", "The warranty lasts 3 years.")])[9].reason
        "'3' stands against '10' in 9 other rows: 'the warranty lasts 10 years'"
    """
    rows: dict[str, set[int]] = defaultdict(set)
    for position, messages in enumerate(sets):
        for text in answers(messages):
            for sentence in _SENTENCE.findall(text):
                rows[normalised(sentence)].add(position)
    ends: dict[str, list[str]] = defaultdict(list)
    for sentence in rows:
        for key in _keys(sentence):
            ends[key].append(sentence)
    found: dict[int, Found] = {}
    for leader in (sentence for sentence in rows if len(rows[sentence]) >= _VOTES):
        rivals = _rivals(leader, ends)
        against = set().union(*(rows[rival] for rival in rivals)) - rows[leader]
        if len(rows[leader]) < _SHARE * (len(rows[leader]) + len(against)):
            continue
        for rival, (ours, theirs) in rivals.items():
            for position in rows[rival] - rows[leader]:
                # A value that the customer brought up is the subject, not the answer.
                if letters(theirs) not in letters(prompt(sets[position])):
                    reason = (
                        f"{theirs!r} stands against {ours!r} in {len(rows[leader])} other rows: "
                        f"{leader!r}"
                    )
                    found.setdefault(position, Found(reason))
    return found


def _keys(sentence: str) -> set[str]:
    folded = letters(sentence)
    return {f"^{folded[:_ENDS]}", f"{folded[-_ENDS:]}$"} if len(folded) > _ENDS else set()


def _rivals(leader: str, ends: dict[str, list[str]]) -> dict[str, tuple[str, str]]:
    near = {sentence for key in _keys(leader) for sentence in ends[key]} - {leader}
    compared = {sentence: difference(leader, sentence) for sentence in sorted(near)}
    return {sentence: values for sentence, values in compared.items() if values}


def difference(first: str, second: str) -> tuple[str, str] | None:
    """The one value in which two sentences differ, None where they differ in more.

    Args:
        first: A sentence, normalised.
        second: Another.

    Returns:
        The two values, if the frame around them is the same and makes up half of it all.

    Example:
        >>> difference("the shop opens at 11 am", "the shop opens at 8 am")
        ('11', '8')
    """
    start, end = 0, 0
    shorter = min(len(first), len(second))
    while start < shorter and first[start] == second[start]:
        start += 1
    while end < shorter - start and first[-1 - end] == second[-1 - end]:
        end += 1
    # Do not cut words: Tuesday against Thursday, not "ue" against "hur".
    while start and _WORD.match(first[start - 1]) and _inside(first, second, start):
        start -= 1
    while end and _WORD.match(first[-end]) and _inside(first[::-1], second[::-1], end):
        end -= 1
    values = first[start : len(first) - end].strip(), second[start : len(second) - end].strip()
    frame = len(letters(first[:start] + first[len(first) - end :]))
    widest = max(len(letters(value)) for value in values)
    if (
        not all(map(_says_something, values))
        or frame < 5
        or widest > 24
        or frame < widest
        or frame + widest < 9
    ):
        return None
    return values


def _says_something(value: str) -> bool:
    """Whether a value is more than "I am" or "we're", which is wording."""
    words = re.findall(r"[^\W_]+", value)
    return any(word not in _WORDING for word in words)


def _inside(first: str, second: str, cut: int) -> bool:
    """Whether a cut falls into a word of either text."""
    return any(cut < len(text) and _WORD.match(text[cut]) is not None for text in (first, second))
