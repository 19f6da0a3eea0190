"""Runs whose disk fails them: `unshare -Urm python troubled_disk.py MODEL FOLDER`, prints JSON.

Each trouble is a real one, on a small file system of its own that only this process sees.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import interrupted_run
from transformers import TrainerCallback

from course_lib.errors import NotSaved
from course_lib.training.checkpoints import UNFINISHED, is_whole, numbered_checkpoints

STEP = 11  # the next checkpoint is due at the step after it


def fill(mount: Path, *, left: int) -> None:
    """Write until the disk is full, then give some bytes back."""
    with (mount / "other people's files").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            file.truncate(max(0, file.tell() - left))


TROUBLES: dict[str, Any] = {
    "read-only": lambda mount: subprocess.run(
        ["mount", "-o", "remount,ro", str(mount)], check=True
    ),
    "unmounted": lambda mount: subprocess.run(["umount", "-l", str(mount)], check=True),
    # Room for the tensors, but not for all the files: the disk is full in the middle of a write.
    "full in a write": lambda mount: fill(mount, left=120_000),
    "full": lambda mount: fill(mount, left=0),
}


class Trouble(TrainerCallback):
    """Brings the trouble after a step."""

    def __init__(self, name: str, mount: Path) -> None:
        self.name, self.mount = name, mount

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == STEP:
            TROUBLES[self.name](self.mount)


def run_in_trouble(name: str, model: str, folder: Path) -> dict[str, Any]:
    """Train until the trouble; what was said, and what is left on the disk."""
    mount, spare = folder / f"{name} disk", folder / f"{name} spare"
    mount.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1600k", "tmpfs", str(mount)], check=True)
    # Only where the disk is full there is no other place either.
    spare = mount if name == "full" else spare
    spare.mkdir(exist_ok=True)
    # Where a run saves itself in need: the folders for temporary files and the home directory.
    tempfile.tempdir = os.environ["HOME"] = str(spare)
    out = mount / "run"
    try:
        interrupted_run.run(model, str(out), "steps", callbacks=[Trouble(name, mount)])
        said = "nothing"
    except NotSaved as error:
        said = str(error)
    found = numbered_checkpoints(out)
    return {
        "said": said,
        "checkpoints": [path.name for _, path in found],
        "whole": all(is_whole(path) for _, path in found),
        "unfinished": (out / UNFINISHED).exists(),
        "spare": [str(path) for path in spare.glob("rescued-*")],
    }


if __name__ == "__main__":
    told = {name: run_in_trouble(name, sys.argv[1], Path(sys.argv[2])) for name in TROUBLES}
    print(json.dumps(told))
