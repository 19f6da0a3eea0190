"""New rows beside an earlier split.

Old rows never move: a test that changes measures nothing over time. No formula can promise that,
because a new row may tie two old rows together which stand on two sides, and then a formula that
looks at groups has to move one of them. So the earlier split itself is the memory. A new row
joins the side of the old rows it belongs with; one that belongs with two sides is put aside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from course_lib.cleaning.duplicates import THRESHOLD
from course_lib.cleaning.normalise import normalised
from course_lib.cleaning.passages import passage_pairs, without
from course_lib.cleaning.rule import Messages
from course_lib.cleaning.similarity import bare, similar_pairs

if TYPE_CHECKING:
    from course_lib.cleaning.joins import Integers

_Said = tuple[tuple[str, str], ...]
_Old = tuple[str, int, _Said, str | None]


def remembered(
    rows: Sequence[tuple[Messages, str | None]],
    earlier: Mapping[str, Sequence[tuple[Messages, str | None]]],
) -> tuple[list[str | None], dict[str, list[int]]]:
    """Find the old rows among the rows.

    An old row is known by what is said in it, role by role, and by its value in the column to
    group by; then, if that value was changed, by what is said alone. Other columns do not count.

    Args:
        rows: The conversations to be split, each with its value.
        earlier: The same of each side of the earlier split.

    Returns:
        For each row the side it had, None if it is new; and for each side the positions of the
        old rows that are no longer there. Of several copies as many are old as there were.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> remembered([(chat("Hi", "Hello!"), None), (chat("Why?", "So."), None)],
        ...            {"train": [(chat("Why?", "So."), None), (chat("Who?", "I."), None)]})
        ([None, 'train'], {'train': [1]})
    """
    old: list[_Old] = [
        (side, position, _said(messages), key)
        for side, part in earlier.items()
        for position, (messages, key) in enumerate(part)
    ]
    held: list[str | None] = [None] * len(rows)
    new = [(place, _said(messages), key) for place, (messages, key) in enumerate(rows)]
    for exact in (True, False):
        waiting: dict[object, list[_Old]] = defaultdict(list)
        for item in reversed(old):
            waiting[item[2:] if exact else item[2]].append(item)
        left = []
        for place, said, key in new:
            copies = waiting.get((said, key) if exact else said)
            if copies:
                held[place] = copies.pop()[0]
            else:
                left.append((place, said, key))
        new = left
        old = [item for copies in waiting.values() for item in copies]
    gone: dict[str, list[int]] = {side: [] for side in earlier}
    for side, position, *_ in old:
        gone[side].append(position)
    return held, {side: sorted(positions) for side, positions in gone.items()}


def _said(messages: Messages) -> _Said:
    return tuple((message["role"], message["content"] or "") for message in messages)


def settle(
    texts: Sequence[str],
    keys: Sequence[str | None],
    held: Sequence[str | None],
    common: set[str],
    rest: str,
) -> list[str | None]:
    """Place the new rows of a group whose old rows stand on two sides or more.

    Rows are taken one by one, as if each had come by itself. One that belongs, directly, with
    rows of one side joins them. One that belongs with rows of two sides stays out: wherever it
    went, it would leak. What it alone connected is thereby free again, and goes to `rest`, where
    it leaks nothing.

    Args:
        texts: What is asked in each row of the group, new rows in the order to take them in.
        keys: The value of the column to group by, None where there is none.
        held: The side of each old row, None for a new one.
        common: Sentences that are no content.
        rest: The side of rows that belong with no other row, usually "train".

    Returns:
        The side of each row; None for those that stay out.

    Example:
        >>> settle(["Where is the blue tent?", "Any stove?", "Any stoves?", "Any lamp?"],
        ...        [None, "1", "2", "2"], ["test", "train", None, None], set(), "train")
        ['test', 'train', 'train', 'train']
        >>> settle(["Hello", "Hi", "Bye"], ["1", "1", "1"], ["test", "train", None], set(), "train")
        ['test', 'train', None]
    """
    new = [position for position, side in enumerate(held) if side is None]
    plain = [without(text, common) for text in texts]
    ties = _ties(texts, plain, new, common)
    # Rows with one value or one wording are tied through it, not in pairs.
    marks = [
        [("text", normalised(text)), *([] if key is None else [("key", key)])]
        for key, text in zip(keys, plain, strict=True)
    ]
    sides = list(held)
    seen: dict[tuple[str, str], set[str]] = defaultdict(set)
    for position, side in enumerate(held):
        if side is not None:
            for mark in marks[position]:
                seen[mark].add(side)
    while new:
        waiting = []
        for position in new:
            near = {sides[other] for other in ties[position]} - {None}
            near = near.union(*(seen[mark] for mark in marks[position]))
            if not near:
                waiting.append(position)
            elif len(near) == 1:
                sides[position] = near.pop()
                for mark in marks[position]:
                    seen[mark].add(str(sides[position]))
        if len(waiting) == len(new):
            # No row of a side is near any of them: the first is placed, others may follow it.
            first = waiting.pop(0)
            sides[first] = rest
            for mark in marks[first]:
                seen[mark].add(rest)
        new = waiting
    return sides


def _ties(
    texts: Sequence[str], plain: Sequence[str], new: Sequence[int], common: set[str]
) -> dict[int, Integers]:
    """For each new row the rows that are nearly the same or share its passage."""
    found = [passage_pairs([texts[position] for position in new], texts, common)]
    for view in (normalised, bare):
        folded = [view(text) for text in plain]
        found.append(similar_pairs([folded[position] for position in new], folded, THRESHOLD)[0])
    pairs = np.concatenate(found, axis=1)
    pairs = pairs[:, np.argsort(pairs[0], kind="stable")]
    starts = np.searchsorted(pairs[0], np.arange(len(new) + 1))
    return {
        position: pairs[1, starts[number] : starts[number + 1]]
        for number, position in enumerate(new)
    }
