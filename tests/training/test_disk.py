"""A full disk, a read-only one and a Drive that is gone stop a run with all it has learnt saved."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted_run import run

from course_lib.training import latest_checkpoint
from course_lib.training.disk import why_not_written

SCRIPT = Path(__file__).with_name("troubled_disk.py")
KEPT = ["checkpoint-4", "checkpoint-6", "checkpoint-8", "checkpoint-10"]


@pytest.fixture(scope="module")
def told(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What each troubled run said and left behind; mounting needs root or user namespaces."""
    own_mounts = ["unshare", "--user", "--map-root-user", "--mount"]
    trial = tmp_path_factory.mktemp("trial")
    try:
        mounts = [*own_mounts, "mount", "-t", "tmpfs", "tmpfs", str(trial)]
        subprocess.run(mounts, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine lets nobody mount a file system of their own (unshare)")
    folder = tmp_path_factory.mktemp("troubled")
    done = subprocess.run(
        [*own_mounts, sys.executable, str(SCRIPT), str(model_folder), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def undisturbed(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return run(str(model_folder), str(tmp_path_factory.mktemp("whole")), "steps")


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        ("read-only", "cannot be written: Read-only file system"),
        ("unmounted", "no longer mounted"),
        ("full in a write", "cannot be written: No space left on device"),
    ],
)
def test_saved_elsewhere_and_resumed_from_there(
    told: Any, model_folder: Path, undisturbed: Any, trouble: str, why: str
) -> None:
    found = told[trouble]
    assert why in found["said"]
    assert "stopped at step 12 of 30" in found["said"]
    # What was whole before is whole still; on a disk that is gone there is nothing to see.
    assert found["checkpoints"] == ([] if trouble == "unmounted" else KEPT)
    assert found["whole"]
    assert not found["unfinished"]
    rescued = latest_checkpoint(found["spare"][0])
    assert rescued is not None
    assert rescued.name == "checkpoint-12"
    assert f"--resume {rescued}" in found["said"]
    resumed = run(str(model_folder), str(rescued.parent), "steps")
    pairs = zip(resumed.model.parameters(), undisturbed.model.parameters(), strict=True)
    assert all(torch.equal(ours, theirs) for ours, theirs in pairs)


def test_no_room_anywhere_keeps_what_there_is_and_says_so(told: Any) -> None:
    found = told["full"]
    assert "is full: 0.0 MB are free, a checkpoint takes 0.1 MB and more" in found["said"]
    assert "last whole checkpoint is" in found["said"]
    assert "run/checkpoint-10" in found["said"]
    assert "trainer.save_model(FOLDER)" in found["said"]
    assert found["checkpoints"] == KEPT
    assert found["whole"]


def test_other_errors_are_not_taken_for_a_disk(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="shape mismatch"):
        why_not_written(RuntimeError("shape mismatch"), tmp_path)
