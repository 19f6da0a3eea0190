"""Rows of `datasets`: columns, splits and `map`."""

from __future__ import annotations

import difflib
import re
from typing import Any

from course_lib.troubleshooting.raised import Finding, Raised
from course_lib.troubleshooting.statements import last_call

# What a trainer reads of a row.
_WANTED = {
    "trl.trainer.sft_trainer": ("text",),
    "trl.trainer.dpo_trainer": ("prompt", "chosen", "rejected"),
    "trl.trainer.grpo_trainer": ("prompt",),
}
_TRAINERS = ("SFTTrainer", "DPOTrainer", "GRPOTrainer")


def _column_of_the_trainer_missing(raised: Raised) -> Finding | None:
    """A trainer of TRL looked for a column that the rows do not have."""
    trainer = next((name for name in _WANTED if raised.through(name)), None)
    if trainer is None or not raised.matches("KeyError", ""):
        return None
    asked, dataset = raised.error.args[0], _dataset(raised)
    wanted = _WANTED[trainer]
    if dataset is None or asked in dataset.column_names or asked not in wanted:
        return None
    built = last_call(_TRAINERS, raised.statement) if raised.statement else None
    rows = built.argument(_TRAINERS, "train_dataset") if built else None
    spare = [name for name in _texts(dataset) if name not in wanted]
    missing = [name for name in wanted if name not in dataset.column_names]
    if len(spare) == 2 and wanted == ("text",):
        missing = ["prompt", "completion"]
    if len(spare) != len(missing):  # which is which cannot be known
        spare = ["..."] * len(missing)
    pairs = ", ".join(f'"{old}": "{new}"' for old, new in zip(spare, missing, strict=True))
    line = f"{rows or 'rows'} = {rows or 'rows'}.rename_columns({{{pairs}}})"
    values = {"asked": asked, "columns": ", ".join(dataset.column_names)}
    return Finding(f"{line}\n{built.text}" if built else line, built, values)


def _column_missing(raised: Raised) -> Finding | None:
    """A column that the rows do not have."""
    if not raised.matches("KeyError", "") or not raised.through("datasets"):
        return None
    asked, text = raised.error.args[0], raised.statement.text if raised.statement else ""
    columns: list[str] = []
    # `map` hands over a lazy row, whose own look-up fails; `filter` a dict.
    for name, row in raised.frames[0].f_locals.items():
        looked_up = re.search(rf"\b{name}\[(['\"]){re.escape(str(asked))}\1\]", text)
        lazy = name == "self" and type(row).__name__ == "LazyRow"
        if lazy or (isinstance(row, dict) and looked_up):
            columns = [*row.keys()]
    if not columns or not isinstance(asked, str) or asked in columns:
        return None
    near = difflib.get_close_matches(asked, columns, 1, 0.5)
    values = {"asked": asked, "columns": ", ".join(columns)}
    if not near:
        return Finding(f'row["{columns[0]}"]', None, values)
    return raised.with_text(
        rf"(['\"]){re.escape(asked)}\1", f'"{near[0]}"', f'row["{near[0]}"]', **values
    )


def _split_not_chosen(raised: Raised) -> Finding | None:
    """`load_dataset` returns all splits; one of them is wanted."""
    found = raised.matches("AttributeError", r"'DatasetDict' object has no attribute '(\w+)'")
    if not found and not raised.matches("KeyError", "please first select a split"):
        return None
    name = raised.variable(lambda one: type(one).__name__ == "DatasetDict")
    if name is None:
        return None
    splits = list(raised.scope[name])
    return raised.with_text(
        rf"\b{name}\b(?!\s*=[^=])",  # not where it is given a new value
        f'{name}["{splits[0]}"]',
        f'{name}["{splits[0]}"]',
        name=name,
        splits=", ".join(splits),
    )


def _map_lengths_differ(raised: Raised) -> Finding | None:
    """`map(batched=True)` with another number of rows out than in, beside the old columns."""
    found = raised.matches(
        "ArrowInvalid", r"column \d+ named (\w+) expected length (\d+) but got length (\d+)"
    )
    if not found or not raised.through("datasets.arrow_dataset") or raised.statement is None:
        return None
    rows = re.search(r"([\w.\[\]\"']+)\.map\(", raised.statement.text)
    if rows is None:
        return None
    put = {"remove_columns": f"{rows[1]}.column_names"}
    return raised.with_arguments("map", put=put, column=found[1], given=found[2], got=found[3])


def _mixed_types(raised: Raised) -> Finding | None:
    """A column with numbers in some rows and text in others."""
    found = raised.matches(
        "ArrowInvalid", r"could not convert (.+) with type (\w+): tried to convert to (\w+)"
    )
    rows = raised.variable(_is_rows) if found else None
    if not found or rows is None:
        return None
    kinds: dict[str, set[type]] = {}
    for row in raised.scope[rows]:
        for column, value in row.items():
            kinds.setdefault(column, set()).add(type(value))
    mixed = [column for column, types in kinds.items() if len(types - {type(None)}) > 1]
    if not mixed:
        return None
    line = f'{rows} = [{{**row, "{mixed[0]}": str(row["{mixed[0]}"])}} for row in {rows}]'
    return raised.with_line_before(line, column=mixed[0], value=found[1], kind=found[3])


def _dataset(raised: Raised) -> Any:
    """The rows that a trainer was given."""
    given = raised.locals_named("train_dataset", "dataset", "self")
    owned = (getattr(one, "train_dataset", one) for one in given)
    return next((one for one in owned if hasattr(one, "column_names")), None)


def _texts(dataset: Any) -> list[str]:
    features = dataset.features or {}
    return [name for name, kind in features.items() if getattr(kind, "dtype", "") == "string"]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


DIAGNOSES = (
    _column_of_the_trainer_missing,
    _column_missing,
    _split_not_chosen,
    _map_lengths_differ,
    _mixed_types,
)
