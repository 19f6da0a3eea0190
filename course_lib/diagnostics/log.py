"""Read a run's losses, from a trainer or from a file, into two plain curves."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_lib.errors import CourseError

_COLUMNS = ("step", "train_loss", "validation_loss")


@dataclass(frozen=True)
class Curve:
    """A loss against the optimiser step, in order of steps.

    Attributes:
        steps: optimiser steps, rising.
        losses: mean cross-entropy in nats a token; NaN or infinite where training broke.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]

    def __len__(self) -> int:
        """Number of points."""
        return len(self.steps)


@dataclass(frozen=True)
class RunLog:
    """The two curves of one run.

    Attributes:
        train: training loss; may be empty.
        validation: held-out loss; may be empty.
    """

    train: Curve
    validation: Curve


def read_log(log: Iterable[Mapping[str, Any]] | str | Path) -> RunLog:
    """Read the curves of one run.

    Args:
        log: `trainer.state.log_history`; or the path of a `trainer_state.json`, of a folder that
            holds one (a checkpoint), or of a CSV with the columns step, train_loss and
            validation_loss (an empty cell means "not measured at this step").

    Returns:
        The training and the validation curve.

    Raises:
        CourseError: the file is missing, empty or not such a log, or a value is no number. The
            message names the file and the line or entry.

    Example:
        >>> len(read_log([{"step": 1, "loss": 2.0}, {"step": 1, "eval_loss": 2.1}]).validation)
        1
    """
    if not isinstance(log, str | Path):
        return _from_history(list(log), "log_history")
    path = Path(log)
    if path.is_dir():
        path = path / "trainer_state.json"
    if not path.is_file():
        raise CourseError(
            f"{path}: no such file. Give a trainer_state.json (a trainer writes one into each "
            "checkpoint) or a CSV of step,train_loss,validation_loss."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise CourseError(f"{path}: not a text file in UTF-8 ({error.reason}).") from error
    if not text.strip():
        raise CourseError(f"{path}: the file is empty, so there is no run to judge.")
    if text.lstrip()[0] in "{[":
        return _from_history(_history_of(text, path), str(path))
    return _from_csv(text, path)


def _history_of(text: str, path: Path) -> list[Any]:
    try:
        state = json.loads(text)
    except json.JSONDecodeError as error:
        raise CourseError(
            f"{path}, line {error.lineno}: invalid JSON ({error.msg}). A trainer_state.json is "
            "one JSON object; was the run cut off while it wrote?"
        ) from error
    history = state.get("log_history") if isinstance(state, dict) else state
    if not isinstance(history, list):
        raise CourseError(
            f'{path}: no "log_history" list inside. Give the trainer_state.json of a checkpoint.'
        )
    return history


def _from_history(history: list[Any], where: str) -> RunLog:
    for number, entry in enumerate(history):
        if not isinstance(entry, Mapping):
            raise CourseError(f"{where}, entry {number}: expected an object, found {entry!r}.")
    validation_key = _validation_key(history, where)
    train: dict[int, float] = {}
    validation: dict[int, float] = {}
    for number, entry in enumerate(history):
        for key, curve in (("loss", train), (validation_key, validation)):
            if key in entry:
                place = f"{where}, entry {number}"
                curve[_step(entry.get("step"), place)] = _loss(entry[key], place)
        if "loss" in entry and _hides_nan(entry):
            train[_step(entry.get("step"), where)] = math.nan
    _refuse_nothing(train, validation, where)
    return RunLog(_curve(train), _curve(validation))


def _hides_nan(entry: Mapping[str, Any]) -> bool:
    # With its default `logging_nan_inf_filter` the trainer leaves NaN out of the mean it logs:
    # a dead run then shows a loss of exactly 0 beside a gradient norm of NaN.
    norm = entry.get("grad_norm")
    return entry["loss"] == 0 and isinstance(norm, float) and math.isnan(norm)


def _validation_key(history: list[Mapping[str, Any]], where: str) -> str:
    names = sorted(
        {k for entry in history for k in entry if k.startswith("eval_") and k.endswith("_loss")}
    )
    if "eval_loss" in {key for entry in history for key in entry} or not names:
        return "eval_loss"
    if len(names) > 1:
        raise CourseError(
            f"{where}: several validation losses ({', '.join(names)}) and none called eval_loss. "
            "Rename the one to judge by to eval_loss."
        )
    return names[0]


def _from_csv(text: str, path: Path) -> RunLog:
    reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
    columns = [name.strip() for name in reader.fieldnames or []]
    reader.fieldnames = columns
    if "step" not in columns or not {"train_loss", "validation_loss"} & set(columns):
        raise CourseError(
            f"{path}, line 1: the columns are {', '.join(columns)}; expected {', '.join(_COLUMNS)}."
        )
    train: dict[int, float] = {}
    validation: dict[int, float] = {}
    for row in reader:
        place = f"{path}, line {reader.line_num}"
        step = _step(row["step"], place)
        for name, curve in (("train_loss", train), ("validation_loss", validation)):
            cell = (row.get(name) or "").strip()
            if cell:
                curve[step] = _loss(cell, place)
    _refuse_nothing(train, validation, str(path))
    return RunLog(_curve(train), _curve(validation))


def _step(value: Any, where: str) -> int:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number) or number < 0:
        raise CourseError(f"{where}: step is {value!r}; expected a whole number from 0 up.")
    return round(number)


def _loss(value: Any, where: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise CourseError(f"{where}: loss is {value!r}; expected a number.") from None


def _refuse_nothing(
    train: Mapping[int, float], validation: Mapping[int, float], where: str
) -> None:
    if not train and not validation:
        raise CourseError(
            f"{where}: no loss was logged, so there is nothing to judge. Train with "
            "logging_steps and eval_steps below the number of steps."
        )


def _curve(points: Mapping[int, float]) -> Curve:
    # A resumed run logs some steps twice: the later value, already kept by the dict, is the
    # one that the final weights went through.
    steps = sorted(points)
    losses = [points[step] for step in steps]
    return Curve(np.array(steps, dtype=np.int64), np.array(losses, dtype=np.float64))
