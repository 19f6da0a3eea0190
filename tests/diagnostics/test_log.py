"""Reading a run's losses: every shape a log comes in, and every way it can be broken."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from course_lib.diagnostics.log import read_log
from course_lib.errors import CourseError

HISTORY = [
    {"step": 10, "epoch": 1.0, "loss": 2.0, "grad_norm": 1.5},
    {"step": 10, "epoch": 1.0, "eval_loss": 2.1, "eval_runtime": 0.1},
    {"step": 20, "epoch": 2.0, "loss": 1.0, "grad_norm": 1.1},
    {"step": 20, "epoch": 2.0, "eval_loss": 1.4, "eval_runtime": 0.1},
    {"step": 20, "epoch": 2.0, "train_loss": 1.5, "train_runtime": 3.0},
]
CSV = "step,train_loss,validation_loss\n10,2.0,2.1\n15,1.4,\n20,1.0,1.4\n"


def write(folder: Path, text: str, name: str = "log") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_history_and_trainer_state_and_checkpoint_folder_read_alike(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({"log_history": HISTORY}), "trainer_state.json")
    for log in (HISTORY, path, str(path), tmp_path):
        curves = read_log(log)
        assert curves.train.steps.tolist() == [10, 20]
        assert curves.train.losses.tolist() == [2.0, 1.0]
        assert curves.validation.losses.tolist() == [2.1, 1.4]


@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_csv_with_gaps(tmp_path: Path, bom: str) -> None:
    curves = read_log(write(tmp_path, bom + CSV))
    assert curves.train.steps.tolist() == [10, 15, 20]
    assert curves.validation.steps.tolist() == [10, 20]


def test_csv_with_one_of_the_two_losses_and_other_columns(tmp_path: Path) -> None:
    curves = read_log(write(tmp_path, "epoch, step, validation_loss\n1, 4, 2.5\n"))
    assert len(curves.train) == 0
    assert curves.validation.losses.tolist() == [2.5]


def test_a_resumed_run_counts_the_later_value() -> None:
    curves = read_log([*HISTORY, {"step": 15, "loss": 1.6}, {"step": 20, "loss": 1.2}])
    assert curves.train.steps.tolist() == [10, 15, 20]
    assert curves.train.losses.tolist() == [2.0, 1.6, 1.2]


def test_a_named_validation_set_counts_when_it_is_the_only_one() -> None:
    entry = {"step": 1, "eval_support_loss": 2.0}
    assert len(read_log([entry]).validation) == 1
    with pytest.raises(CourseError, match="several validation losses"):
        read_log([entry, {"step": 1, "eval_other_loss": 2.0}])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("  \n", "the file is empty"),
        ('{"log_history": [', "line 1: invalid JSON"),
        ('{"loss": 1}', 'no "log_history" list'),
        ('{"log_history": []}', "no loss was logged"),
        ('{"log_history": [3]}', "entry 0: expected an object"),
        ('{"log_history": [{"loss": 1.0}]}', "entry 0: step is None"),
        ('{"log_history": [{"step": 1, "loss": "x"}]}', "entry 0: loss is 'x'"),
        ("a,b\n1,2\n", "line 1: the columns are a, b; expected step, train_loss"),
        ("step,train_loss\n", "no loss was logged"),
        ("step,train_loss\n1,2.0\ntwo,1.0\n", "line 3: step is 'two'"),
        ("step,train_loss\n1,low\n", "line 2: loss is 'low'"),
    ],
)
def test_a_broken_file_is_told_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(CourseError, match=message) as caught:
        read_log(path)
    assert str(path) in str(caught.value)


def test_a_missing_or_binary_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="no such file"):
        read_log(tmp_path / "nowhere.json")
    (tmp_path / "model.bin").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(CourseError, match="not a text file"):
        read_log(tmp_path / "model.bin")
