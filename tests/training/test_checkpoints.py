"""Which checkpoint is whole, which is best, and what can be done with each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from interrupted_run import STEPS, run
from transformers.trainer_utils import get_last_checkpoint

from course_lib.training import latest_checkpoint


@pytest.fixture(scope="module")
def whole(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The trainer of a run that nobody interrupted."""
    return run(str(model_folder), str(tmp_path_factory.mktemp("finished")), "steps")


@pytest.fixture(scope="module")
def finished(whole: Any) -> Path:
    """Its folder, with its last checkpoints."""
    return Path(whole.args.output_dir)


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
