"""A run that is killed at any moment ends, once it is resumed, where it would have ended."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from interrupted_run import KINDS, STEPS, figures, run

from course_lib.training import latest_checkpoint
from course_lib.training.checkpoints import UNFINISHED, is_whole, numbered_checkpoints

SCRIPT = Path(__file__).with_name("interrupted_run.py")


@pytest.fixture(scope="module")
def undisturbed(
    model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Any]:
    """The trainer of a run of one kind that nobody interrupted, made once."""
    made: dict[str, Any] = {}

    def of(kind: str) -> Any:
        if kind not in made:
            made[kind] = run(str(model_folder), str(tmp_path_factory.mktemp("whole")), kind)
        return made[kind]

    return of


def kill(
    model_folder: Path, out: Path, kind: str, step: int, *, in_writing: bool, delay: float = 0.0
) -> None:
    """Start or resume the run, and kill it `delay` s after a checkpoint is begun, or is whole."""
    watched = (out / UNFINISHED if in_writing else out) / f"checkpoint-{step}"
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), str(model_folder), str(out), kind],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 300
    while not watched.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.0005)
    time.sleep(delay)
    process.kill()
    said = process.communicate()[1].decode()
    assert process.returncode == -9, said


def assert_ends_alike(resumed: Any, whole: Any) -> None:
    ends = [dict(trainer.model.named_parameters()) for trainer in (resumed, whole)]
    assert all(torch.equal(ends[0][name], ends[1][name]) for name in ends[1])
    logs = [figures(trainer.state.log_history) for trainer in (resumed, whole)]
    assert logs[0] == logs[1]
    assert resumed.state.global_step == whole.state.global_step
    assert resumed.state.best_global_step == whole.state.best_global_step
    assert resumed.state.best_metric == whole.state.best_metric
    folders = [Path(trainer.args.output_dir) for trainer in (resumed, whole)]
    names = [[path.name for _, path in numbered_checkpoints(folder)] for folder in folders]
    assert names[0] == names[1]
    assert not (folders[0] / UNFINISHED).exists()


def resume_a_copy(model_folder: Path, out: Path, kind: str) -> Any:
    copy = out.with_name(f"{out.name}-copy")
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(out, copy)
    return run(str(model_folder), str(copy), kind)


def test_two_kills(
    model_folder: Path, undisturbed: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "killed"
    # In an epoch, at a step that is not logged; then inside the writing of an epoch's last step.
    kill(model_folder, out, "steps", 10, in_writing=False)
    found = latest_checkpoint(out)
    assert found is not None
    assert 10 <= int(found.name.split("-")[1]) < STEPS
    kill(model_folder, out, "steps", 20, in_writing=True)
    assert (out / UNFINISHED / "checkpoint-20").exists()
    assert not (out / "checkpoint-20").exists()
    assert latest_checkpoint(out) == out / "checkpoint-18"
    capsys.readouterr()
    assert_ends_alike(run(str(model_folder), str(out), "steps"), undisturbed("steps"))
    assert "removed what a run left half-written" in capsys.readouterr().err


def test_killed_between_the_last_checkpoint_and_the_end(
    model_folder: Path, undisturbed: Any, tmp_path: Path
) -> None:
    """Nothing is left to train, whether the run had its steps or had lost its patience."""
    for kind in ("steps", "stops early"):
        whole = undisturbed(kind)
        out = tmp_path / kind
        shutil.copytree(whole.args.output_dir, out)
        assert_ends_alike(run(str(model_folder), str(out), kind), whole)


@pytest.mark.slow
def test_twenty_kills(model_folder: Path, undisturbed: Any, tmp_path: Path) -> None:
    """Five runs are killed four times each; after each kill a copy is resumed and compared."""
    rng = random.Random(20)
    kills = inside = 0
    for number, kind in enumerate(("steps", "stops early", "full", "steps", "steps")):
        whole = undisturbed(kind)
        every = KINDS[kind].get("save_steps", 4)
        last = whole.state.global_step - every
        out = tmp_path / f"run-{number}"
        for step in sorted(rng.sample(range(every, last + 1, every), 4)):
            in_writing = rng.random() < 0.5
            delay = rng.uniform(0, 0.01 if in_writing else 0.05)
            kill(model_folder, out, kind, step, in_writing=in_writing, delay=delay)
            kills += 1
            left = list((out / UNFINISHED).glob("*"))
            inside += bool(left)
            # Whatever is called a checkpoint is one.
            assert all(is_whole(path) for _, path in numbered_checkpoints(out))
            assert_ends_alike(resume_a_copy(model_folder, out, kind), whole)
            found = latest_checkpoint(out)
            print(
                f"kill {kills:>2}: {kind}, {found.name if found else 'no checkpoint'} left, "
                f"{'inside ' + left[0].name if left else 'between checkpoints'}: same end"
            )
    print(f"{kills} of 20 resumed bit for bit, {inside} killed inside a write or a deletion")
    assert kills == 20
    assert inside >= 5
