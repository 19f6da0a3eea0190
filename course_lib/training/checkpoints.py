"""Find the checkpoint to go on from, when the session may have died while one was being written."""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path

_NAME = re.compile(r"checkpoint-(\d+)")
_STATE = "trainer_state.json"


def latest_checkpoint(directory: str | Path) -> Path | None:
    """The newest checkpoint under a run's folder that was written to its end.

    A lost session often dies while saving, and the library's own search takes the highest number
    whether or not it can be read. Here a checkpoint counts when its trainer state can be read (it
    is written last) and its weights and optimizer files are whole.

    Args:
        directory: The ``output_dir`` of the run; it need not exist yet.

    Returns:
        The folder to hand to ``trainer.train(resume_from_checkpoint=...)``, or None when there is
        nothing to go on from.

    Example:
        >>> latest_checkpoint("build/runs/none-here") is None
        True
    """
    root = Path(directory)
    if not root.is_dir():
        return None
    numbered = [(match, path) for path in root.iterdir() if (match := _NAME.fullmatch(path.name))]
    newest_first = sorted(numbered, key=lambda pair: int(pair[0][1]), reverse=True)
    return next((path for match, path in newest_first if _is_whole(path, int(match[1]))), None)


def _is_whole(checkpoint: Path, step: int) -> bool:
    try:
        state = json.loads((checkpoint / _STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    weights = sorted(checkpoint.glob("*.safetensors"))
    # torch.save writes a zip archive, whose directory is at its end: a cut file is no archive.
    archives = [checkpoint / "optimizer.pt", checkpoint / "scheduler.pt"]
    return (
        isinstance(state, dict)
        and state.get("global_step") == step
        and bool(weights)
        and all(_is_whole_safetensors(path) for path in weights)
        and all(zipfile.is_zipfile(path) for path in archives)
    )


def _is_whole_safetensors(path: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        # Opening compares the lengths named in the header with the length of the file.
        with safe_open(str(path), framework="pt"):
            return True
    except (SafetensorError, OSError):
        return False
