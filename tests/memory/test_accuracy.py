"""The estimate against the recorded peaks of 170 steps, made by `memory_accuracy.py`."""

from __future__ import annotations

import csv
import statistics
from pathlib import Path

import pytest

from course_lib.catalog import shape
from course_lib.memory import estimate

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize(("name", "steps"), [("traced", 152), ("measured", 18)])
def test_predictions_hold_against_recorded_peaks(name: str, steps: int) -> None:
    errors = []
    with (BENCHMARKS / f"memory_{name}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = estimate(
                shape(row["model"]),
                trainer=row["trainer"],
                method=row["method"],
                seq_len=int(row["seq_len"]),
                completion_len=int(row["completion_len"]),
                batch=int(row["batch"]),
                accumulation=int(row["accumulation"]),
                checkpointing=row["checkpointing"] == "True",
                optimizer=row["optimizer"],
                dtype=row["dtype"],
                double_quant=name == "measured",
            )
            errors.append(abs(found.allocated_gib / float(row["actual_gib"]) - 1))

    assert len(errors) == steps
    assert statistics.median(errors) < 0.01
    assert max(errors) < 0.05
