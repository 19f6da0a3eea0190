"""Rows that contain the questions of a held-out test.

A model that has seen the test question with its answer scores well and knows nothing. Two views
of one thing: `contamination` lists every pair of rows from two sets that give each other away,
for a person; `contaminated` is the cleaner's rule, for which a row of the training data is
contaminated if one of its user messages is a test question, nearly is, or contains one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from course_lib.cleaning.duplicates import THRESHOLD
from course_lib.cleaning.groups import asked, conversations
from course_lib.cleaning.normalise import jaccard, letters
from course_lib.cleaning.passages import boilerplate, passage_pairs, without
from course_lib.cleaning.rule import Found, Messages, SetCheck, answers
from course_lib.cleaning.similarity import bare, similar_pairs
from course_lib.errors import CourseError
from course_lib.formats import Source, read

if TYPE_CHECKING:
    import datasets
    import pandas as pd

    Rows: TypeAlias = Source | datasets.Dataset | Iterable[Messages] | str | Path

# Strongest first: a pair is listed once, under the first kind that fits.
KINDS = ("exact", "normalised", "near", "contained", "same passage")
# Below this many letters a question ("Why?") says too little to be called leaked when contained.
_CONTAINED = 12
# What most rows of one set say is an instruction only if the set is too large for a few passages.
_LARGE = 100


class _Readable(NamedTuple):
    """The readable rows of a set: place, line, conversation."""

    positions: list[int]
    lines: list[int | None]
    messages: list[Messages]


def contamination(
    first: Rows,
    second: Rows,
    *,
    threshold: float = THRESHOLD,
) -> pd.DataFrame:
    """List the rows of two sets that give each other away.

    Args:
        first: The training data: a file, what `course_lib.formats.read` made of it, a
            `datasets.Dataset` with `messages`, or conversations.
        second: The test or the benchmark, in any of these forms.
        threshold: Jaccard similarity of character 3-grams, punctuation aside, from which two
            questions are "near", above 0 and up to 1. At .8 a changed word or two is forgiven;
            at .7 many pairs are merely alike in form, so read them before you drop them.

    Returns:
        A row for each pair, in the order of the second set:
        `first`, `second`: positions, counted from 0;
        `first_line`, `second_line`: lines of the files, missing where there is no file;
        `kind`: "exact" (letter for letter), "normalised" (but for case, width, punctuation and
        spaces), "near" (at the threshold), "contained" (a user message of the first set holds
        the whole question of the second) or "same passage" (120 characters of long sentences);
        `similarity`: the Jaccard similarity, 0 to 1, whatever the kind;
        `same_answer`: whether the last answers agree, missing where one has none.
        Sentences that most rows share are instructions and do not count. Rows in which the user
        says nothing are compared by all that is said; empty ones are left out. Of many copies
        of one text only the first is paired with each row of the other set, and each copy with
        the first there: every row that is concerned is listed, but a thousand copies on either
        side make two thousand pairs, not a million.

    Raises:
        CourseError: A file cannot be read, there is no `messages`, or the threshold is none.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> train = [chat("Any stoves?", "Yes."), chat("Where is the blue crate", "Here.")]
        >>> test = [chat("Where is the blue crate?", "There.")]
        >>> contamination(train, test)[["first", "second", "kind", "same_answer"]].values.tolist()
        [[1, 0, 'normalised', False]]
    """
    import pandas as pd

    if not 0 < threshold <= 1:
        raise CourseError(f"The threshold {threshold} must be above 0 and at most 1, such as 0.8.")
    here, there = _rows(first), _rows(second)
    owners = [
        (position, text)
        for position, row in enumerate(here.messages)
        for text in dict.fromkeys([asked(row), *_turns(row)])
    ]
    ours = _owners(owners)
    theirs = _owners(enumerate(asked(row) for row in there.messages))
    pairs = _pairs(list(ours), list(theirs), threshold)
    left = _listed(ours, "u", "first")
    right = _listed(theirs, "v", "second")
    table = pd.concat(
        [
            pairs.merge(left, on="u").merge(right.drop_duplicates("v"), on="v"),
            pairs.merge(left.drop_duplicates("u"), on="u").merge(right, on="v"),
        ]
    )
    table = table.sort_values(["second", "first", "rank", "similarity"], kind="stable")
    table = table.drop_duplicates(["second", "first"]).reset_index(drop=True)
    return pd.DataFrame(
        {
            "first": [here.positions[place] for place in table["first"]],
            "second": [there.positions[place] for place in table["second"]],
            "first_line": pd.array([here.lines[p] for p in table["first"]], dtype="Int64"),
            "second_line": pd.array([there.lines[p] for p in table["second"]], dtype="Int64"),
            "kind": [KINDS[rank] for rank in table["rank"]],
            "similarity": table["similarity"].astype(float),
            "same_answer": pd.array(
                [
                    _same_answer(here.messages[one], there.messages[two])
                    for one, two in zip(table["first"], table["second"], strict=True)
                ],
                dtype="boolean",
            ),
        }
    )


def _rows(data: Rows) -> _Readable:
    if isinstance(data, (str, Path)):
        data = read(data)
    if isinstance(data, Source):
        found = [(n, row.line, row.messages) for n, row in enumerate(data.rows) if row.messages]
        return _Readable(
            [place for place, _, _ in found],
            [line for _, line, _ in found],
            [messages for _, _, messages in found],
        )
    lines: list[int | None] = []
    if not isinstance(data, Iterable) or hasattr(data, "column_names"):
        dataset: Any = data
        rows: list[Messages] = conversations(dataset)
        if "line" in dataset.column_names:
            lines = [line if isinstance(line, int) else None for line in dataset["line"]]
    else:
        listed: Any = data
        rows = list(listed)
    return _Readable(list(range(len(rows))), lines or [None] * len(rows), rows)


def _turns(messages: Messages) -> list[str]:
    return [message["content"] or "" for message in messages if message["role"] == "user"]


def _owners(rows: Iterable[tuple[int, str]]) -> dict[str, list[int]]:
    """Each text once, with the positions of the rows that hold it."""
    owners: dict[str, list[int]] = defaultdict(list)
    for position, text in rows:
        if text.strip():
            owners[text].append(position)
    return owners


def _listed(owners: dict[str, list[int]], number: str, name: str) -> pd.DataFrame:
    import pandas as pd

    flat = [(n, position) for n, rows in enumerate(owners.values()) for position in rows]
    return pd.DataFrame(flat, columns=[number, name], dtype=np.int64)


def _pairs(ours: list[str], theirs: list[str], threshold: float) -> pd.DataFrame:
    """Pairs of different texts: u, v (positions in the lists), rank of the kind, similarity."""
    import pandas as pd

    common = boilerplate([*ours, *theirs])
    for side in (ours, theirs):
        if len(side) >= _LARGE:
            common |= boilerplate(side)
    left, right = ([bare(without(text, common)) for text in side] for side in (ours, theirs))
    near, alike = similar_pairs(left, right, threshold)
    found: dict[tuple[int, int], int] = {}
    for rank, pairs in (
        (0, _equal(ours, theirs)),
        (1, _equal([bare(text) for text in ours], [bare(text) for text in theirs])),
        (2, zip(near[0].tolist(), near[1].tolist(), strict=True)),
        (3, _containing(ours, theirs)),
        (4, zip(*passage_pairs(ours, theirs, common).tolist(), strict=True)),
    ):
        for one, two in pairs:
            found.setdefault((one, two), rank)
    known = dict(zip(zip(*near.tolist(), strict=True), alike.tolist(), strict=True))
    rows = [
        (one, two, rank, known.get((one, two)) or jaccard(left[one], right[two]))
        for (one, two), rank in found.items()
    ]
    table = pd.DataFrame(rows, columns=["u", "v", "rank", "similarity"])
    return table.astype({"u": np.int64, "v": np.int64, "rank": np.int64, "similarity": float})


def _equal(ours: Sequence[str], theirs: Sequence[str]) -> Iterable[tuple[int, int]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, text in enumerate(ours):
        places[text].append(place)
    for two, text in enumerate(theirs):
        yield from ((one, two) for one in places.get(text, ()))


def _same_answer(first: Messages, second: Messages) -> bool | None:
    one, two = ([text for text in answers(row)[-1:] if text] for row in (first, second))
    if not one or not two:
        return None
    return (letters(one[0]) or one[0]) == (letters(two[0]) or two[0])


def _containing(texts: Sequence[str], questions: Sequence[str]) -> Iterable[tuple[int, int]]:
    """Look every position of every text up in a table of the questions' first letters."""
    starts: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for number, question in enumerate(questions):
        folded = letters(question)
        if len(folded) >= _CONTAINED:
            starts[folded[:_CONTAINED]].append((folded, number))
    if not starts:
        return
    for place, original in enumerate(texts):
        text = letters(original)
        seen: set[int] = set()
        for i in range(len(text) - _CONTAINED + 1):
            for folded, number in starts.get(text[i : i + _CONTAINED], ()):
                if number not in seen and text.startswith(folded, i):
                    seen.add(number)
                    yield place, number


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
    questions = list(dict.fromkeys(asked(row) for row in test if asked(row).strip()))
    owners = _owners(
        (position, text)
        for position, row in enumerate(sets)
        for text in dict.fromkeys([asked(row), *_turns(row)])
    )
    texts = list(owners)
    folded = [[letters(text) or text for text in side] for side in (texts, questions)]
    holds = list(_equal(*folded))
    holds += _containing(texts, questions)
    found: dict[int, Found] = {}
    for place, number in holds:
        for position in owners[texts[place]]:
            reason = f"it holds the test question {questions[number]!r}"
            found.setdefault(position, Found(reason))
    near = similar_pairs([bare(t) for t in texts], [bare(q) for q in questions], THRESHOLD)[0]
    for place, number in zip(*near.tolist(), strict=True):
        for position in owners[texts[place]]:
            found.setdefault(position, Found(f"nearly the test question {questions[number]!r}"))
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
        settled=True,  # a row is held against the test, whatever the other rows are
    )
