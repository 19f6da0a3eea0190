"""Read the sweep's table: bands over seeds, and how far each knob moves the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.runtime import data_path
from course_lib.sweeps.knobs import Knobs

if TYPE_CHECKING:
    import pandas as pd

_KNOBS = [field.name for field in fields(Knobs)]
COLUMNS = [
    "study",
    "trial",
    *_KNOBS,
    "seed",
    "validation_loss",
    "validation_right",
    "test_loss",
    "test_right",
    "trained_steps",
    "seconds",
]


def read(path: str | Path | None = None) -> pd.DataFrame:
    """Read the table of runs.

    Args:
        path: A CSV file that `python -m course_lib sweep` wrote; None for the one that is shipped.

    Returns:
        One row a run: `study`, `trial` (within a search), the knobs, `seed` and the figures.

    Raises:
        CourseError: There is no such file.

    Example:
        >>> set(read()["study"]) >= {"start", "learning rate"}
        True
    """
    import pandas as pd

    path = Path(path or data_path("sweeps", "knobs.csv"))
    if not path.is_file():
        raise CourseError(f"{path}: no such table. `python -m course_lib sweep` writes it")
    # To the last digit: a learning rate is looked up by its value.
    return pd.read_csv(path, float_precision="round_trip")


def knobs_of(row: Mapping[str, Any] | pd.Series[Any]) -> Knobs:
    """The knobs of one row of the table.

    Args:
        row: A row of `read()`.

    Returns:
        Its knobs.

    Example:
        >>> knobs_of(read().query("study == 'start'").iloc[0]) == Knobs()
        True
    """
    kinds = {field.name: type(field.default) for field in fields(Knobs)}
    return Knobs(**{name: kind(row[name]) for name, kind in kinds.items()})
