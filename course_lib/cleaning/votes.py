"""Let the rows of a set vote on what is so.

"The warranty lasts 10 years", say thirty answers; "The warranty lasts 3 years", says one. The
two sentences are the same but for one value, and the set clearly sides with the first. Customers
word the question in a hundred ways, so it is the answers that are compared.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cached_property
from itertools import pairwise

from course_lib.cleaning.normalise import letters, normalised
from course_lib.cleaning.rule import Found, Messages, answers, prompt

# Five rows of one opinion are a majority worth the name; below six in ten the set is undecided.
_VOTES = 5
_SHARE = 0.6
_ENDS = (5, 10, 20, 40)
_SENTENCE = re.compile(r"[^.!?。！？\n]+")
_WORDING = frozenset(
    re.findall(
        "[a-z]+",
        "i you we they he she it am is are was were be re s m ve ll d a an the this that my your "
        "our their so very really just also please can could will would may might do does did "
        "have has",
    )
)
_LATIN_WORD = re.compile(r"[a-z]{3,}")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_WORD = re.compile(r"[a-z0-9.,-]")


def stated(sets: list[Messages]) -> list[list[str]]:
    """The sentences of the answers of each conversation, normalised.

    >>> stated([[{"role": "assistant", "content": "Yes! It lasts."}]])
    [['yes', 'it lasts']]
    """
    return [
        [normalised(text) for answer in answers(messages) for text in _SENTENCE.findall(answer)]
        for messages in sets
    ]


def outvoted(
    sets: list[Messages], sentences: Iterable[list[str]] | None = None
) -> dict[int, Found]:
    """Find rows with a statement that most rows make with another value.

    Args:
        sets: The conversations.
        sentences: What is `stated` in them; None finds it here.

    Returns:
        The rows outvoted, each with the values and the votes.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat(f"{n}: how long is the warranty?", "It lasts 10 years.") for n in "abcdef"]
        >>> rows += [chat(f"{n}: where is my tent?", f"In box {n}.") for n in "abcdefg"]
        >>> outvoted([*rows, chat("What warranty is there?", "It lasts 3 years.")])[13].reason
        "'3' stands against '10' in 6 other rows: 'it lasts 10 years'"
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for position, row in enumerate(stated(sets) if sentences is None else sentences):
        for sentence in dict.fromkeys(row):
            rows[sentence].append(position)
    leaders = [sentence for sentence in rows if len(rows[sentence]) >= _VOTES]
    ends = _sentences_by_end(rows, leaders)
    subjects = _Subjects(sets)
    found: dict[int, Found] = {}
    for leader in leaders:
        rivals = _rivals(leader, ends)
        ours_say = set(rows[leader])
        family = ours_say.union(*(rows[rival] for rival in rivals))
        if len(family) == len(ours_say) or len(ours_say) < _SHARE * len(family):
            continue
        topic = _topic(subjects, family)
        for rival, (ours, theirs) in rivals.items():
            for position in rows[rival]:
                if position in ours_say:
                    continue
                # A value that the row itself brought up is the subject, not the answer.
                own = letters(theirs) in letters(_given(sets[position]))
                if not own and topic & subjects.of(position):
                    votes = f"{len(ours_say)} other rows: {leader!r}"
                    reason = f"{theirs!r} stands against {ours!r} in {votes}"
                    found.setdefault(position, Found(reason))
    return found


def _given(messages: Messages) -> str:
    """What the answers of a row are made of: all that others say, the results of tools too."""
    return "\n".join(m["content"] for m in messages if m["role"] != "assistant")


class _Subjects:
    """What the questions of a set are about, counted once for the whole set."""

    def __init__(self, sets: list[Messages]) -> None:
        self._sets = sets

    def of(self, position: int) -> frozenset[str]:
        return _subjects(prompt(self._sets[position]))

    @cached_property
    def totals(self) -> dict[bool, tuple[int, Counter[str]]]:
        """Rows, and rows of each word, in Japanese (True) and in all other languages."""
        counted: dict[bool, tuple[int, Counter[str]]] = {}
        for japanese in (False, True):
            counted[japanese] = (0, Counter())
        for position in range(len(self._sets)):
            words = self.of(position)
            japanese = _is_japanese(words)
            rows, counter = counted[japanese]
            counter.update(words)
            counted[japanese] = (rows + 1, counter)
        return counted


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


def _topic(subjects: _Subjects, family: set[int]) -> set[str]:
    """The words that tell a family's questions from all others; none for mere pleasantries.

    "Thanks for asking" is said to any question, so its rows have no subject in common.
    """
    members = [subjects.of(position) for position in family]
    inside = Counter(word for words in members for word in words)
    # Rows in the other language have none of these words: comparing with them proves nothing.
    japanese = any(map(_is_japanese, members))
    alike = [words for words in members if _is_japanese(words) == japanese]
    rows, counter = subjects.totals[japanese]
    outside = rows - len(alike)
    if outside < len(family):
        return set()  # said in most rows: a house phrase, or too little to compare with
    own = Counter(word for words in alike for word in words)
    topic = set()
    for word, count in inside.items():
        here = count / len(family)
        there = (counter[word] - own[word]) / outside
        if here >= 0.25 and here >= 4 * there:
            topic.add(word)
    covered = sum(bool(topic & words) for words in members)
    return topic if covered >= 0.7 * len(family) else set()


def _ends_of(folded: str, length: int) -> tuple[str, str]:
    return f"^{folded[:length]}", f"{folded[-length:]}$"


def _frame_length(folded: str) -> int:
    # Two sentences that differ in one value share half of their letters, and so a quarter of
    # them at one end: the longer that end is, the fewer sentences have it.
    return max(length for length in _ENDS if length <= max(_ENDS[0], len(folded) // 4))


def _sentences_by_end(sentences: Iterable[str], leaders: Iterable[str]) -> dict[str, list[str]]:
    """The sentences that begin or end as one of the leaders does."""
    wanted: dict[str, list[str]] = {}
    for folded in map(letters, leaders):
        if len(folded) > _ENDS[0]:
            for end in _ends_of(folded, _frame_length(folded)):
                wanted[end] = []
    if not wanted:
        return wanted
    for sentence in sentences:
        folded = letters(sentence)
        for length in _ENDS:
            if len(folded) > length:
                for end in _ends_of(folded, length):
                    if end in wanted:
                        wanted[end].append(sentence)
    return wanted


def _rivals(leader: str, ends: dict[str, list[str]]) -> dict[str, tuple[str, str]]:
    folded = letters(leader)
    if len(folded) <= _ENDS[0]:
        return {}
    keys = _ends_of(folded, _frame_length(folded))
    near = {sentence for key in keys for sentence in ends[key]} - {leader}
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
