"""The checkpoints of a run: which to go on from, which is best, how they compare.

A session may have died while one was being written, so each is looked at before it is trusted.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd
    from transformers import BitsAndBytesConfig

    from course_lib.runtime import Runtime

# Below a run's folder: what is being written or deleted, and is no checkpoint.
UNFINISHED = "unfinished"

_NAME = re.compile(r"checkpoint-(\d+)")
_STATE = "trainer_state.json"
# FSDP's weights: one file of this name with FULL_STATE_DICT, a folder with SHARDED_STATE_DICT.
_FSDP = "pytorch_model_fsdp"


def latest_checkpoint(directory: str | Path) -> Path | None:
    """The newest checkpoint under a run's folder that was written to its end.

    A lost session often dies while saving, and the library's own search takes the highest number
    whether or not it can be read. Here a checkpoint counts when its trainer state can be read (it
    is written last) and its weights and optimizer files are whole. Checkpoints of one process, of
    DDP, of FSDP with ``FULL_STATE_DICT`` and of DeepSpeed are known.

    Args:
        directory: The ``output_dir`` of the run; it need not exist yet.

    Returns:
        The folder to hand to ``trainer.train(resume_from_checkpoint=...)``, or None when there is
        nothing to go on from.

    Raises:
        CourseError: A checkpoint that FSDP saved in pieces, which cannot be looked at here. To
            begin anew in its folder would delete it.

    Example:
        >>> latest_checkpoint("build/runs/none-here") is None
        True
    """
    for _, path in reversed(numbered_checkpoints(directory)):
        if (path / f"{_FSDP}_0").is_dir():
            raise CourseError(
                f"{path} was saved by FSDP with SHARDED_STATE_DICT, and whether its pieces are "
                "whole cannot be seen here: hand a folder to resume_from_checkpoint yourself, or "
                "save with FULL_STATE_DICT, as write_accelerate_config sets it"
            )
        if is_whole(path):
            return path
    return None


def is_whole(checkpoint: str | Path) -> bool:
    """Whether a run can go on from a checkpoint: nothing is missing, nothing is cut short.

    Args:
        checkpoint: The folder; its name says its step.

    Returns:
        True when its state, weights, optimizer, schedule and random generators can be read. What
        FSDP saved in pieces (``SHARDED_STATE_DICT``) is not known, and counts as not whole.

    Example:
        >>> is_whole("build/runs/none-here/checkpoint-4")
        False
    """
    path = Path(checkpoint)
    match = _NAME.fullmatch(path.name)
    if not match or not _state(path, int(match[1])):
        return False
    # torch.save writes a zip archive, whose directory is at its end: a cut file is no archive.
    archives = [*path.glob("rng_state*.pth"), *path.glob("scaler.pt"), *_optimizer_files(path)]
    return all(zipfile.is_zipfile(archive) for archive in archives)


def numbered_checkpoints(directory: str | Path) -> list[tuple[int, Path]]:
    """Every folder that is named as a checkpoint, whole or not.

    Args:
        directory: The ``output_dir`` of the run; it need not exist yet.

    Returns:
        Steps and folders, the earliest first.

    Example:
        >>> numbered_checkpoints("build/runs/none-here")
        []
    """
    root = Path(directory)
    found = root.iterdir() if root.is_dir() else ()
    return sorted((int(match[1]), path) for path in found if (match := _NAME.fullmatch(path.name)))


def best_step(
    log_history: Iterable[Mapping[str, Any]], best_global_step: int | None, steps: Sequence[int]
) -> int | None:
    """Which of some checkpoints is the best.

    Args:
        log_history: The trainer's log, with ``eval_loss`` where it evaluated.
        best_global_step: The trainer's own choice, by ``metric_for_best_model``; None without one.
        steps: The steps that there are checkpoints of.

    Returns:
        The trainer's choice where there is a checkpoint of it, else the step of the lowest
        validation loss, else None.

    Example:
        >>> log = [{"step": 4, "eval_loss": 2.0}, {"step": 8, "eval_loss": 3.0}]
        >>> best_step(log, None, [4, 8])
        4
    """
    if best_global_step in steps:
        return best_global_step
    measured = {
        entry["step"]: entry["eval_loss"]
        for entry in log_history
        if "eval_loss" in entry and entry["step"] in steps
    }
    return min(measured, key=lambda step: measured[step], default=None)


def checkpoints(run_dir: str | Path) -> pd.DataFrame:
    """List a run's checkpoints with what was measured at each.

    Args:
        run_dir: The trainer's ``output_dir``, or the ``--out`` of the train command.

    Returns:
        One row for each whole checkpoint, the earliest first: ``step``, ``epoch``,
        ``validation_loss`` (nats a token) and ``token_accuracy`` (share of the answers' tokens that
        were the likeliest), NaN where the trainer did not evaluate at that step; ``best``; ``mb``,
        its size on the disk; and ``path``, for ``load_model`` or
        ``trainer.train(resume_from_checkpoint=...)``.

    Raises:
        CourseError: There is no whole checkpoint.

    Example:
        >>> checkpoints("build/runs/mine")  # doctest: +SKIP
           step  epoch  validation_loss  token_accuracy   best   mb  path
        0    30    3.0             1.52            0.68  False  1.9  build/runs/mine/checkpoint-30
        1    40    4.0             1.41            0.71   True  1.9  build/runs/mine/checkpoint-40
    """
    import pandas as pd

    root = Path(run_dir)
    root = root / "checkpoints" if (root / "checkpoints").is_dir() else root
    found = [
        (path, state) for step, path in numbered_checkpoints(root) if (state := _state(path, step))
    ]
    if not found:
        raise CourseError(
            f"no checkpoint in {root}: give the output_dir of a run that saved "
            "(save_strategy='steps' or 'epoch')"
        )
    # A later log knows all that earlier ones do, and what was measured after they were saved.
    log = [entry for _, state in found for entry in state["log_history"] if "eval_loss" in entry]
    measured = {entry["step"]: entry for entry in log}
    steps = [state["global_step"] for _, state in found]
    best = best_step(log, found[-1][1].get("best_global_step"), steps)
    rows = [
        {
            "step": step,
            "epoch": float(state["epoch"]),
            "validation_loss": measured.get(step, {}).get("eval_loss", float("nan")),
            "token_accuracy": measured.get(step, {}).get("eval_mean_token_accuracy", float("nan")),
            "best": step == best,
            "mb": sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) / 1e6,
            "path": str(path),
        }
        for step, (path, state) in zip(steps, found, strict=True)
    ]
    return pd.DataFrame(rows)


def compare_checkpoints(
    run_dir: str | Path,
    rows: Iterable[Mapping[str, Any]],
    runtime: Runtime,
    *,
    quantization_config: BitsAndBytesConfig | None = None,
) -> pd.DataFrame:
    """Ask every checkpoint of a run the same held-out questions.

    Args:
        run_dir: As for ``checkpoints``.
        rows: Rows with ``messages``, each ending with the reference answer.
        runtime: The machine; one checkpoint at a time is loaded.
        quantization_config: As for ``load_model``, for the checkpoints of a QLoRA run.

    Returns:
        One row for each checkpoint: ``step``, ``best`` (by validation loss), ``held_out_loss``
        (nats a token), ``exact_match`` (share of the answers equal to the reference), and how much
        higher that share is than the best checkpoint's (than the last one's, where none was
        evaluated), question by question: ``gain`` with its 95% interval from ``low`` to ``high``.

    Raises:
        CourseError: There is no checkpoint, or the rows cannot be scored.

    Example:
        >>> compare_checkpoints("build/runs/mine", test, runtime)  # doctest: +SKIP
    """
    from course_lib.evaluation import (
        exact_matches,
        generate,
        held_out_loss,
        paired_bootstrap,
        prompts,
        references,
    )
    from course_lib.tokenization.conversation import tools_of
    from course_lib.training.models import load_model

    table, rows = checkpoints(run_dir), list(rows)
    expected = references(rows)
    losses, hits = [], []
    for path in table["path"]:
        model, tokenizer = load_model(path, runtime, quantization_config=quantization_config)
        losses.append(held_out_loss(model, tokenizer, rows))
        answers = generate(model, tokenizer, prompts(rows), tools=list(map(tools_of, rows)))
        hits.append(exact_matches(answers, expected))
    against = hits[int(table["best"].argmax()) if table["best"].any() else -1]
    found = table[["step", "best"]].assign(
        held_out_loss=losses, exact_match=[sum(right) / len(right) for right in hits]
    )
    gains = [paired_bootstrap(against, right) for right in hits]
    return found.assign(
        gain=[gain.diff for gain in gains],
        low=[gain.low for gain in gains],
        high=[gain.high for gain in gains],
    )


def _state(checkpoint: Path, step: int) -> dict[str, Any] | None:
    """The trainer's state, where it and the weights are whole."""
    try:
        state = json.loads((checkpoint / _STATE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    weights = sorted(checkpoint.glob("*.safetensors"))
    whole = (
        isinstance(state, dict)
        and state.get("global_step") == step
        and bool(weights)
        and all(_is_whole_safetensors(path) for path in weights)
    )
    return state if whole else None


def _optimizer_files(checkpoint: Path) -> list[Path]:
    """What the optimizer and its schedule go on from, there or not; each library has its layout."""
    schedule = checkpoint / "scheduler.pt"
    if (checkpoint / f"{_FSDP}.bin").exists() or (checkpoint / "optimizer.bin").exists():
        return [checkpoint / f"{_FSDP}.bin", checkpoint / "optimizer.bin", schedule]
    pieces = _deepspeed_pieces(checkpoint)
    if pieces is None:
        return [checkpoint / "optimizer.pt", schedule]
    ranks = range(len(list(checkpoint.glob("rng_state*.pth"))) or 1)
    # A piece of the optimizer for each process, and of the weights too under ZeRO-3. DeepSpeed may
    # keep the schedule among its own.
    wanted = [f"zero_pp_rank_{rank}_mp_rank_00_optim_states.pt" for rank in ranks]
    if any(pieces.glob("zero_pp_rank_*_model_states.pt")):
        wanted += [f"zero_pp_rank_{rank}_mp_rank_00_model_states.pt" for rank in ranks]
    else:
        wanted.append("mp_rank_00_model_states.pt")
    files = [next(pieces.glob(f"*{name}"), pieces / name) for name in wanted]
    return [*files, *checkpoint.glob("scheduler.pt")]


def _deepspeed_pieces(checkpoint: Path) -> Path | None:
    """The folder of DeepSpeed's pieces, which the file `latest`, written after them, names."""
    try:
        return checkpoint / (checkpoint / "latest").read_text("utf-8").strip()
    except (OSError, ValueError):
        return None


def _is_whole_safetensors(path: Path) -> bool:
    from safetensors import SafetensorError, safe_open

    try:
        # Opening compares the lengths named in the header with the length of the file.
        with safe_open(str(path), framework="pt"):
            return True
    except (SafetensorError, OSError):
        return False
