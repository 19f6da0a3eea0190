"""A killed run goes on from a whole checkpoint and ends where it would have ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted_run import STEPS, run
from transformers.trainer_utils import get_last_checkpoint

from course_lib.training import latest_checkpoint


@pytest.fixture(scope="module")
def whole(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The trainer of a run that nobody interrupted."""
    return run(str(model_folder), str(tmp_path_factory.mktemp("finished")), slow=False)


@pytest.fixture(scope="module")
def finished(whole: Any) -> Path:
    """Its folder, with its last checkpoints."""
    return Path(whole.args.output_dir)


def test_killed_and_resumed_ends_with_the_same_weights(
    model_folder: Path, whole: Any, tmp_path: Path
) -> None:
    script = Path(__file__).with_name("interrupted_run.py")
    killed = tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, str(script), str(model_folder), str(killed), "slow"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    deadline = time.monotonic() + 120
    while latest_checkpoint(killed) is None and time.monotonic() < deadline:
        time.sleep(0.05)
        assert process.poll() is None, "the run ended before it could be killed"
    time.sleep(0.2)  # past the checkpoint, so that steps are lost
    process.kill()
    process.wait()
    found = latest_checkpoint(killed)
    assert found is not None
    assert int(found.name.split("-")[1]) < STEPS

    resumed = run(str(model_folder), str(killed), slow=False)
    ends = [dict(trainer.model.named_parameters()) for trainer in (resumed, whole)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[1])
    losses = [
        {entry["step"]: entry["loss"] for entry in trainer.state.log_history if "loss" in entry}
        for trainer in (resumed, whole)
    ]
    assert losses[0] == losses[1]


def test_none_where_there_is_nothing(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path / "nowhere") is None
    (tmp_path / "checkpoint-notes").mkdir()
    assert latest_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    "damage", ["trainer_state.json", "adapter_model.safetensors", "optimizer.pt", "scheduler.pt"]
)
@pytest.mark.parametrize("cut", [True, False])
def test_half_written_checkpoint_is_passed_over(
    finished: Path, tmp_path: Path, damage: str, cut: bool
) -> None:
    import shutil

    out = tmp_path / "out"
    shutil.copytree(finished, out)
    newest = latest_checkpoint(out)
    assert newest is not None
    assert newest.name == f"checkpoint-{STEPS}"
    broken = newest / damage
    whole = broken.read_bytes()
    broken.unlink()
    if cut:
        broken.write_bytes(whole[: len(whole) // 2])
    # The library's own search is the trap: it takes the highest number.
    assert get_last_checkpoint(str(out)) == str(newest)
    earlier = latest_checkpoint(out)
    assert earlier is not None
    assert earlier.name == "checkpoint-28"


def test_numbers_are_compared_as_numbers(finished: Path, tmp_path: Path) -> None:
    import json
    import shutil

    for step in (9, 10):
        copy = tmp_path / f"checkpoint-{step}"
        shutil.copytree(finished / f"checkpoint-{STEPS}", copy)
        state = json.loads((copy / "trainer_state.json").read_text())
        (copy / "trainer_state.json").write_text(json.dumps({**state, "global_step": step}))
    found = latest_checkpoint(tmp_path)
    assert found is not None
    assert found.name == "checkpoint-10"
