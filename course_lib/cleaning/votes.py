"""Let the rows of a set vote on what is so.

"The warranty lasts 10 years", say thirty answers; "The warranty lasts 3 years", says one. The
two sentences are the same but for one value, and the set clearly sides with the first. Customers
word the question in a hundred ways, so it is the answers that are compared.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from itertools import pairwise

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
_LATIN_WORD = re.compile(r"[a-z]{3,}")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_WORD = re.compile(r"[a-z0-9.,-]")


def outvoted(sets: list[Messages]) -> dict[int, Found]:
    """Find rows with a statement that most rows make with another value.

    Args:
        sets: The conversations.

    Returns:
        The rows outvoted, each with the values and the votes.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat(f"{n}: how long is the warranty?", "It lasts 10 years.") for n in "abcdef"]
        >>> rows += [chat(f"{n}: where is my tent?", f"In box {n}.") for n in "abcdefg"]
        >>> outvoted([*rows, chat("What warranty is there?", "It lasts 3 years.")])[13].reason
        "'3' stands against '10' in 6 other rows: 'it lasts 10 years'"
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
    subjects = [_subjects(prompt(messages)) for messages in sets]
    found: dict[int, Found] = {}
    for leader in (sentence for sentence in rows if len(rows[sentence]) >= _VOTES):
        rivals = _rivals(leader, ends)
        family = rows[leader].union(*(rows[rival] for rival in rivals))
        if len(family) == len(rows[leader]) or len(rows[leader]) < _SHARE * len(family):
            continue
        topic = _topic(subjects, family)
        for rival, (ours, theirs) in rivals.items():
            for position in rows[rival] - rows[leader]:
                # A value that the customer brought up is the subject, not the answer.
                own = letters(theirs) in letters(prompt(sets[position]))
                if topic & subjects[position] and not own:
                    votes = f"{len(rows[leader])} other rows: {leader!r}"
                    reason = f"{theirs!r} stands against {ours!r} in {votes}"
                    found.setdefault(position, Found(reason))
    return found


def _subjects(text: str) -> frozenset[str]:
    """What a question may be about: its words, and pairs of Japanese characters."""
    folded = normalised(text)
    return frozenset(_LATIN_WORD.findall(folded)) | frozenset(
        first + second
        for first, second in pairwise(folded)
        if _JAPANESE.match(first) and _JAPANESE.match(second)
    )


def _is_japanese(subjects: frozenset[str]) -> bool:
    return any(_JAPANESE.match(word) for word in subjects)


def _topic(subjects: list[frozenset[str]], family: set[int]) -> set[str]:
    """The words that tell a family's questions from all others; none for mere pleasantries.

    "Thanks for asking" is said to any question, so its rows have no subject in common.
    """
    inside = Counter(word for position in family for word in subjects[position])
    # Rows in the other language have none of these words: comparing with them proves nothing.
    japanese = any(_is_japanese(subjects[position]) for position in family)
    outside = [
        words
        for position, words in enumerate(subjects)
        if position not in family and _is_japanese(words) == japanese
    ]
    if len(outside) < len(family):
        return set()  # said in most rows: a house phrase, or too little to compare with
    beyond = Counter(word for words in outside for word in words & inside.keys())
    topic = set()
    for word, count in inside.items():
        here = count / len(family)
        there = beyond[word] / len(outside)
        if here >= 0.25 and here >= 4 * there:
            topic.add(word)
    covered = sum(bool(topic & subjects[position]) for position in family)
    return topic if covered >= 0.7 * len(family) else set()


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
