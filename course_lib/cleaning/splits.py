"""Split into train, validation and test without a leak.

Rows that are nearly the same, share a passage, or agree in a group column always land on the
same side. A random split of a set with seven questions to a passage leaks every passage.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.cleaning.duplicates import near_pairs
from course_lib.cleaning.passages import Groups, boilerplate, shared_passages, without
from course_lib.cleaning.rule import prompt
from course_lib.errors import CourseError

if TYPE_CHECKING:
    import datasets

NAMES = ("train", "validation", "test")


def group_labels(dataset: datasets.Dataset, group: str | None = None) -> list[int]:
    """Name, for every row, the group that must stay together.

    Args:
        dataset: Rows with a `messages` column.
        group: A column whose equal values belong together. None uses the text alone.
            "passage", where there is no such column, names what is done anyway.

    Returns:
        For each row the position of the first row of its group.

    Raises:
        CourseError: There is no such column.

    Example:
        >>> from datasets import Dataset
        >>> rows = [{"messages": [{"role": "user", "content": text}], "customer": n}
        ...         for text, n in (("Where is my tent?", 1), ("Any stoves?", 2), ("Hello", 1))]
        >>> group_labels(Dataset.from_list(rows), "customer")
        [0, 1, 0]
    """
    prompts = [prompt(messages) for messages in dataset["messages"]]
    groups = Groups(len(prompts))
    for position, first in enumerate(shared_passages(prompts)):
        groups.join(position, first)
    for first, second in _alike(prompts):
        groups.join(first, second)
    if group in dataset.column_names:
        seen: dict[str, int] = {}
        for position, value in enumerate(dataset[group]):
            # A missing value is not a group of its own: such rows have nothing in common.
            if value is not None:
                key = json.dumps(value, sort_keys=True, default=str)
                groups.join(position, seen.setdefault(key, position))
    elif group not in (None, "passage"):
        raise CourseError(
            f"There is no column {group!r} to group by. The columns are: "
            f"{', '.join(dataset.column_names)}."
        )
    return groups.labels()


def split(
    dataset: datasets.Dataset,
    *,
    group: str | None = None,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> datasets.DatasetDict:
    """Split a dataset so that no group has rows on two sides.

    Args:
        dataset: Rows with a `messages` column, such as `clean(...).kept`.
        group: A column that must not be torn apart, such as the customer.
        fractions: Shares of train, validation and test; they are met as nearly as whole groups
            allow. 80 / 10 / 10 leaves enough to test on from a few hundred rows.
        seed: Decides which groups go where.

    Returns:
        A `DatasetDict` with train, validation and test, rows in their original order.

    Raises:
        CourseError: The dataset is empty, or has too few groups for the sides asked for.

    Example:
        >>> split(clean("support.jsonl").kept)["train"].num_rows       # doctest: +SKIP
        764
    """
    import datasets

    if min(fractions) < 0 or not 0.999 < sum(fractions) < 1.001:
        raise CourseError(f"The fractions {fractions} must be shares that add up to 1.")
    members: dict[int, list[int]] = defaultdict(list)
    for position, label in enumerate(group_labels(dataset, group)):
        members[label].append(position)
    wanted = sum(fraction > 0 for fraction in fractions)
    if len(members) < wanted:
        raise CourseError(
            f"{dataset.num_rows} rows make {len(members)} independent groups, too few for "
            f"{wanted} sets: rows that share a passage or nearly a question stay together. Add "
            "rows that differ."
        )
    sides = _share_out(list(members.values()), fractions, seed)
    return datasets.DatasetDict(
        {name: dataset.select(side) for name, side in zip(NAMES, sides, strict=True)}
    )


def contaminated_rows(parts: datasets.DatasetDict) -> int:
    """Count rows of validation and test that have a near duplicate or their passage in train.

    Args:
        parts: What `split` returned, or any split to be examined.

    Returns:
        The number of such rows; 0 is the only good one.

    Example:
        >>> contaminated_rows(split(clean("support.jsonl").kept))      # doctest: +SKIP
        0
    """
    prompts = {name: [prompt(m) for m in part["messages"]] for name, part in parts.items()}
    train = prompts["train"]
    texts = [*train, *(text for name in NAMES[1:] for text in prompts.get(name, []))]
    leaks = {second for first, second in _alike(texts) if first < len(train) <= second}
    labels = shared_passages(texts)
    known = set(labels[: len(train)])
    leaks |= {p for p, label in enumerate(labels) if p >= len(train) and label in known}
    return len(leaks)


def _alike(prompts: Sequence[str]) -> list[tuple[int, int]]:
    common = boilerplate(prompts)
    return near_pairs([without(text, common) for text in prompts])


def _share_out(
    groups: list[list[int]], fractions: tuple[float, float, float], seed: int
) -> list[list[int]]:
    """Give each group to the side that is furthest behind its share, in a seeded order."""
    total = sum(map(len, groups))
    order = sorted(groups)
    random.Random(seed).shuffle(order)
    # A group larger than a small side would fill it twice over: those are placed first.
    smallest = min(fraction for fraction in fractions if fraction > 0) * total
    order.sort(key=lambda members: len(members) <= smallest)
    sides: list[list[int]] = [[] for _ in fractions]
    for number, members in enumerate(order):
        left = len(order) - number
        empty = [i for i, fraction in enumerate(fractions) if fraction > 0 and not sides[i]]
        choices = empty if left <= len(empty) else [i for i in range(3) if fractions[i] > 0]
        gaps = {i: fractions[i] * total - len(sides[i]) for i in choices}
        fits = [i for i in choices if gaps[i] >= len(members)] or choices
        best = max(fits, key=lambda i: (gaps[i] / (fractions[i] * total), -i))
        sides[best] += members
    return [sorted(side) for side in sides]
