"""Running out of memory is explained once, and the setting that is proposed fits."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from course_lib.training.out_of_memory import is_out_of_memory

SCRIPT = Path(__file__).with_name("starved_run.py")


def starve(model_folder: Path, out: Path, rows_at_once: int, checkpointing: str) -> str | None:
    words = [model_folder, out, rows_at_once, checkpointing]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, words)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    said: str | None = json.loads(done.stdout)
    return said


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a process to such a limit")
def test_what_is_proposed_fits(model_folder: Path, tmp_path: Path) -> None:
    said = starve(model_folder, tmp_path, 8192, "off")
    assert said is not None
    assert "out of memory at step 1 in training, with 8,192 rows × 15 tokens at once" in said
    assert "lora, rank 8, checkpointing off" in said
    parts = dict(re.findall(r"^    (\w+) +([\d.]+) GiB$", said, re.MULTILINE))
    assert {"activations", "logits", "context"} <= set(parts)
    total = re.search(r"([\d.]+) GiB in all", said)
    assert total is not None
    assert sum(map(float, parts.values())) == pytest.approx(float(total[1]), abs=0.03)
    proposal = re.search(r"would fit: lora, (\d+) × 15 tokens, checkpointing (on|off)", said)
    assert proposal is not None
    assert 8 <= int(proposal[1]) < 8192
    assert starve(model_folder, tmp_path, int(proposal[1]), proposal[2]) is None


def test_other_errors_are_not_taken_for_it() -> None:
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    with pytest.raises(RuntimeError) as refused:
        torch.empty(10**16)
    assert is_out_of_memory(refused.value)
