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


def remembered(
    rows: Sequence[Messages], earlier: Mapping[str, Sequence[Messages]]
) -> tuple[list[str | None], dict[str, list[int]]]:
    """Find the old rows among the rows.

    An old row is known by what is said in it, role by role. Other columns may have changed.

    Args:
        rows: The conversations to be split.
        earlier: The conversations of each side of the earlier split.

    Returns:
        For each row the side it had, None if it is new; and for each side the positions of the
        old rows that are no longer there. Of several copies as many are old as there were.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> remembered([chat("Hi", "Hello!"), chat("Why?", "So.")],
        ...            {"train": [chat("Why?", "So."), chat("Who?", "I.")], "test": []})
        ([None, 'train'], {'train': [1], 'test': []})
    """
    waiting: dict[tuple[tuple[str, str], ...], list[tuple[str, int]]] = defaultdict(list)
    for side, conversations in earlier.items():
        for position, messages in enumerate(conversations):
            waiting[_said(messages)].append((side, position))
    held: list[str | None] = []
    for messages in rows:
        copies = waiting.get(_said(messages))
        held.append(copies.pop(0)[0] if copies else None)
    gone: dict[str, list[int]] = {side: [] for side in earlier}
    for copies in waiting.values():
        for side, position in copies:
            gone[side].append(position)
    return held, {side: sorted(positions) for side, positions in gone.items()}


def _said(messages: Messages) -> tuple[tuple[str, str], ...]:
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
