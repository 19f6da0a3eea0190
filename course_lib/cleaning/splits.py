"""Split into train, validation and test without a leak.

Rows that are nearly the same, share a passage, or agree in a group column always land on the
same side. A random split of a set with seven questions to a passage leaks every passage.

The order in which groups are dealt out comes from a seeded hash of their questions, not from
their places: the same rows in another order are split in the same way. Rows that are added later
still change which groups fit where; `previous=` is the promise that no old row moves.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_lib.cleaning.allocation import allocate
from course_lib.cleaning.continuity import remembered, settle
from course_lib.cleaning.duplicates import THRESHOLD
from course_lib.cleaning.groups import (
    asked,
    conversations,
    group_keys,
    group_labels,
    strata,
    tied,
)
from course_lib.cleaning.normalise import normalised
from course_lib.cleaning.passages import boilerplate, passage_pairs, without
from course_lib.cleaning.similarity import bare, similar_pairs
from course_lib.errors import CourseError

if TYPE_CHECKING:
    import datasets
    import pandas as pd

__all__ = ["assignment", "contaminated_rows", "group_labels", "shares", "split"]

NAMES = ("train", "validation", "test")
ASIDE = "aside"


class _Rows(NamedTuple):
    """The rows to be split, and behind them the old rows that are no longer there."""

    texts: list[str]
    keys: list[str | None]
    strata: list[str]
    held: list[str | None]


def assignment(
    dataset: datasets.Dataset,
    *,
    group: str | None = None,
    stratify: str | Sequence[str] | None = None,
    previous: datasets.DatasetDict | None = None,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> pd.DataFrame:
    """Decide the side of each row, and say why where a row is put aside.

    Args:
        dataset: Rows with a `messages` column.
        group: As in `split`.
        stratify: As in `split`.
        previous: As in `split`.
        fractions: As in `split`.
        seed: As in `split`.

    Returns:
        A row for each row of the dataset: `side` ("train", "validation", "test" or "aside"),
        `group` (the position of the first row of its group), and `reason`, empty unless the row
        is put aside.

    Raises:
        CourseError: As in `split`.

    Example:
        >>> from datasets import Dataset
        >>> from course_lib.cleaning.rule import chat
        >>> texts = ["Where is my tent?", "Any stoves?", "where is my tent", "What is it worth?"]
        >>> rows = Dataset.from_list([{"messages": chat(text, "So.")} for text in texts])
        >>> assignment(rows)["group"].tolist()
        [0, 1, 0, 3]
    """
    import pandas as pd

    if len(fractions) != 3 or min(fractions) < 0 or not 0.999 < sum(fractions) < 1.001:
        raise CourseError(f"The fractions {fractions} must be three shares that add up to 1.")
    rows = _gather(dataset, group, stratify, previous)
    common = boilerplate(rows.texts)
    labels = tied(rows.texts, rows.keys, common)
    lots = [_lot(text, seed) for text in rows.texts]
    members: dict[int, list[int]] = defaultdict(list)
    for position, label in enumerate(labels.tolist()):
        members[label].append(position)
    sides = list(rows.held)
    reasons: dict[int, str] = {}
    free: list[list[int]] = []
    rest = NAMES[int(np.argmax(fractions))]
    for positions in members.values():
        old = {sides[position] for position in positions} - {None}
        if not old:
            free.append(positions)
        elif len(old) == 1:
            side = old.pop()
            for position in positions:
                sides[position] = side
        else:
            # The order of the file must not decide which of two rivals stays.
            positions.sort(key=lots.__getitem__)
            placed = settle(
                [rows.texts[p] for p in positions],
                [rows.keys[p] for p in positions],
                [rows.held[p] for p in positions],
                common,
                rest,
            )
            for position, chosen in zip(positions, placed, strict=True):
                sides[position] = chosen or ASIDE
                if chosen is None:
                    reasons[position] = _reason(old, group)
    _deal_out(free, sides, rows.strata, fractions, lots)
    count = dataset.num_rows
    return pd.DataFrame(
        {
            "side": sides[:count],
            "group": labels[:count],
            "reason": [reasons.get(position, "") for position in range(count)],
        }
    )


def split(
    dataset: datasets.Dataset,
    *,
    group: str | None = None,
    stratify: str | Sequence[str] | None = None,
    previous: datasets.DatasetDict | None = None,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
) -> datasets.DatasetDict:
    """Split a dataset so that no group has rows on two sides.

    Args:
        dataset: Rows with a `messages` column, such as `clean(...).kept`.
        group: A column that must not be torn apart, such as the customer. Rows without a value
            have nothing in common.
        stratify: A column whose values should be spread evenly over the sides, or several for
            their combinations. Where there is no such column, "label" is the last answer and
            "language" the language of the question.
        previous: An earlier split. Its rows keep their sides, whatever was added, and new rows
            join the old rows they belong with. Only so is a split stable: without it, added
            rows may change the sides of old ones.
        fractions: Shares of train, validation and test, of old rows and new ones together;
            they are met in each stratum as nearly as whole groups allow, see `shares`.
            80 / 10 / 10 leaves enough to test on from a few hundred rows.
        seed: Decides which groups go where.

    Returns:
        A `DatasetDict` with train, validation and test, rows in their original order. With
        `previous`, new rows that belong with old rows of two sides are in "aside", with a column
        `reason`; there is no such side where there are no such rows.

    Raises:
        CourseError: The dataset is empty, or has too few groups for the sides asked for; there
            is no such column; `previous` has other sides than these.

    Example:
        >>> parts = split(clean("support.jsonl").kept)                 # doctest: +SKIP
        >>> parts["train"].num_rows                                    # doctest: +SKIP
        764
        >>> grown = split(clean("grown.jsonl").kept, previous=parts)   # doctest: +SKIP
    """
    import datasets

    table = assignment(
        dataset,
        group=group,
        stratify=stratify,
        previous=previous,
        fractions=fractions,
        seed=seed,
    )
    places = {name: np.flatnonzero(table["side"] == name) for name in (*NAMES, ASIDE)}
    parts = {name: dataset.select(places[name]) for name in NAMES}
    if len(places[ASIDE]):
        column = "reason"
        while column in dataset.column_names:
            column += "_"
        told = dataset.add_column(column, table["reason"].tolist())
        parts[ASIDE] = told.select(places[ASIDE])
    return datasets.DatasetDict(parts)


def shares(
    parts: datasets.DatasetDict,
    *,
    stratify: str | Sequence[str] | None = None,
    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
) -> pd.DataFrame:
    """Show how near a split came to the fractions.

    Args:
        parts: What `split` returned.
        stratify: As in `split`.
        fractions: The shares that were asked for.

    Returns:
        A row for each stratum and side: `stratum`, `side`, `rows`, `asked` (rows, not whole) and
        `off` = rows - asked.

    Raises:
        CourseError: There is no such column.

    Example:
        >>> from datasets import Dataset, DatasetDict
        >>> from course_lib.cleaning.rule import chat
        >>> rows = Dataset.from_list([{"messages": chat("Any stoves?", "Yes.")}] * 10)
        >>> parts = DatasetDict(train=rows.select(range(9)), test=rows.select([9]))
        >>> shares(parts, fractions=(0.8, 0, 0.2))["off"].tolist()
        [1.0, 0.0, -1.0]
    """
    import pandas as pd

    counts = {
        name: Counter(strata(parts[name], stratify)) if name in parts else Counter[str]()
        for name in NAMES
    }
    rows = [
        {"stratum": stratum, "side": name, "rows": counts[name][stratum], "asked": share * total}
        for stratum, total in sorted(sum(counts.values(), Counter[str]()).items())
        for name, share in zip(NAMES, fractions, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["stratum", "side", "rows", "asked"])
    return table.assign(off=table["rows"] - table["asked"])


def contaminated_rows(parts: datasets.DatasetDict) -> int:
    """Count rows of validation and test that have a near duplicate or their passage in train.

    Args:
        parts: What `split` returned, or any split to be examined. `contamination` shows the
            pairs themselves.

    Returns:
        The number of such rows; 0 is the only good one.

    Raises:
        CourseError: There is no train, or a part has no `messages`.

    Example:
        >>> contaminated_rows(split(clean("support.jsonl").kept))      # doctest: +SKIP
        0
    """
    if "train" not in parts:
        raise CourseError(f"There is no 'train' among the parts {', '.join(parts)}.")
    texts = {name: [asked(row) for row in conversations(part)] for name, part in parts.items()}
    # What is an instruction is judged by all rows, also by those put aside: as in the split.
    common = boilerplate([text for side in texts.values() for text in side])
    train = list(dict.fromkeys(texts["train"]))
    held = [text for name in NAMES[1:] for text in texts.get(name, [])]
    unique = list(dict.fromkeys(held))
    leaks = set(train) & set(unique)
    for view in (normalised, bare):
        known = list(dict.fromkeys(view(without(text, common)) for text in train))
        found = similar_pairs(known, [view(without(text, common)) for text in unique], THRESHOLD)
        leaks |= {unique[place] for place in found[0][1]}
    leaks |= {unique[place] for place in passage_pairs(train, unique, common)[1]}
    return sum(text in leaks for text in held)


def _gather(
    dataset: datasets.Dataset,
    group: str | None,
    stratify: str | Sequence[str] | None,
    previous: datasets.DatasetDict | None,
) -> _Rows:
    messages = conversations(dataset)
    texts, keys = [asked(row) for row in messages], group_keys(dataset, group)
    names = strata(dataset, stratify)
    if not messages:
        raise CourseError("There are no rows to split: the dataset is empty.")
    if previous is None:
        return _Rows(texts, keys, names, [None] * len(texts))
    # A side without rows may have lost its columns.
    parts = {name: part for name, part in previous.items() if part.num_rows and name != ASIDE}
    unknown = [name for name in parts if name not in NAMES]
    if unknown:
        raise CourseError(
            f"The earlier split has a part {unknown[0]!r}: its parts must be {', '.join(NAMES)}."
        )
    earlier = {
        name: list(zip(conversations(part), _keys_of_old(part, group), strict=True))
        for name, part in parts.items()
    }
    held, gone = remembered(list(zip(messages, keys, strict=True)), earlier)
    for name, positions in gone.items():
        texts += [asked(earlier[name][position][0]) for position in positions]
        keys += [earlier[name][position][1] for position in positions]
        names += _strata_of_old(parts[name].select(positions), stratify)
        held += [name] * len(positions)
    return _Rows(texts, keys, names, held)


def _keys_of_old(part: datasets.Dataset, group: str | None) -> list[str | None]:
    # Old rows may be older than a column.
    return group_keys(part, group if group in part.column_names else None)


def _strata_of_old(part: datasets.Dataset, stratify: str | Sequence[str] | None) -> list[str]:
    try:
        return strata(part, stratify)
    except CourseError:
        return ["(none)"] * part.num_rows


def _lot(text: str, seed: int) -> int:
    """A number that depends on the seed and the question alone, the same in every process."""
    data = f"{seed}\n{normalised(text)}".encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "big")


def _deal_out(
    free: list[list[int]],
    sides: list[str | None],
    names: list[str],
    fractions: tuple[float, float, float],
    lots: list[int],
) -> None:
    """Give each group without old rows a side."""
    wanted = [name for name, fraction in zip(NAMES, fractions, strict=True) if fraction > 0]
    empty = [name for name in wanted if name not in sides]
    if len(free) < len(empty):
        raise CourseError(
            f"{len(sides)} rows make {len(free)} independent groups, too few for "
            f"{len(empty)} sets ({', '.join(empty)}): rows that share a passage or nearly a "
            "question stay together. Add rows that differ."
        )
    free.sort(key=lambda positions: min(lots[position] for position in positions))
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    held = np.zeros((len(NAMES), len(numbers)), np.int64)
    for side, name in zip(sides, names, strict=True):
        if side in NAMES:
            held[NAMES.index(side), numbers[name]] += 1
    groups = [Counter(numbers[names[position]] for position in group) for group in free]
    for group, place in zip(free, allocate(groups, fractions, held), strict=True):
        for position in group:
            sides[position] = NAMES[place]


def _reason(sides: set[str | None], group: str | None) -> str:
    both = " and ".join(name for name in NAMES if name in sides)
    column = f", or has their {group!r}" if group not in (None, "passage") else ""
    return (
        f"it is nearly the same as rows of {both}, or shares their passage{column}: on any side "
        "it would leak"
    )
