"""`python -m course_lib train`: fine-tune a model on a file, and say what that changed."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from datasets import DatasetDict
    from trl.trainer.sft_trainer import SFTTrainer

_SETTINGS = ("model", "method", "epochs", "seed", "max_length", "long_rows", "rows")


def main(argv: list[str]) -> int:
    """Train, and report the held-out figures before and after.

    Args:
        argv: The command line after the verb.

    Returns:
        0 when the run went as far as it should (its end, or its time budget).

    Raises:
        CourseError: Bad input.

    Example:
        >>> main(["--model", "pocket", "--data", "build/split", "--method", "lora",
        ...       "--out", "build/runs/mine"])  # doctest: +SKIP
        0
    """
    arguments = _parser().parse_args(argv)
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise CourseError(
            "train is for a single process: each of several would write the same --out. For more "
            "devices start a script of your own with `accelerate launch`; lesson 15 has one in full"
        )
    # Libraries print as they please; standard output is for the result.
    with contextlib.redirect_stdout(sys.stderr):
        result = run(arguments)
    print(json.dumps(result) if arguments.json else _for_people(result, arguments.out))
    return 0


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """Do what the command line asks.

    Args:
        arguments: What the parser made of it.

    Returns:
        The figures that ``--json`` prints.

    Raises:
        CourseError: Bad input.

    Example:
        >>> run(_parser().parse_args([...]))["steps"]  # doctest: +SKIP
        200
    """
    checkpoints = arguments.out / "checkpoints"
    _refuse_to_overwrite(arguments, checkpoints)
    from course_lib.runtime import seed, start
    from course_lib.training.data import training_data

    arguments.seed = seed() if arguments.seed is None else arguments.seed
    data, notes = training_data(
        arguments.data,
        validation=arguments.validation,
        test=arguments.test,
        seed=arguments.seed,
    )
    for note in notes:
        print(f"note: {note}")
    # Before anything that imports transformers, whose notices it quietens.
    runtime = start(arguments.seed)
    from course_lib.memory.measure import measure
    from course_lib.training.budget import TimeBudget, parse_hours
    from course_lib.training.recipe import build
    from course_lib.training.scores import score

    budget = TimeBudget(parse_hours(arguments.time_budget)) if arguments.time_budget else None
    checkpoint = _checkpoint(arguments.resume, checkpoints)
    if arguments.resume:
        print(f"going on from {checkpoint}" if checkpoint else "no whole checkpoint: starting anew")
    settings = _settings(arguments, data)
    with measure(runtime.device) as memory:
        trainer, tokenizer, test = build(
            arguments.model,
            data,
            runtime,
            method=arguments.method,
            output_dir=checkpoints,
            seed=arguments.seed,
            epochs=arguments.epochs,
            max_length=arguments.max_length,
            long_rows=arguments.long_rows,
            callbacks=[budget] if budget else [],
        )
        before = _before(arguments.out, settings, bool(checkpoint))
        if before is None and test is not None:
            before = score(trainer, tokenizer, test)
        _write(arguments.out / "run.json", {"settings": settings, "metrics_before": before})
        began = time.monotonic()
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        seconds = time.monotonic() - began
        train_loss, validation_loss = _keep(trainer, arguments.out)
        after = None if test is None else score(trainer, tokenizer, test)
    result = {
        "train_loss": train_loss,
        "validation_loss": validation_loss,
        "metrics_before": before,
        "metrics_after": after,
        "steps": trainer.state.global_step,
        "seconds": round(seconds, 2),
        "peak_mb": round(memory.peak_mb, 1),
        "finished": budget is None or budget.stopped_at is None,
        "checkpoints": _table(checkpoints),
    }
    _write(arguments.out / "run.json", {"settings": settings, "metrics_before": before, **result})
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_lib train",
        description="Fine-tune a model on conversations, and measure it before and after.",
    )
    add = parser.add_argument
    add("--model", required=True, help="pocket, a model folder, or the name of a hub model")
    add(
        "--data",
        required=True,
        type=Path,
        metavar="IN",
        help="the folder written by split or clean, or one file of conversations",
    )
    add(
        "--method",
        required=True,
        choices=("full", "lora", "qlora"),
        help="train every weight, an adapter, or an adapter on a 4-bit base",
    )
    add("--out", required=True, type=Path, metavar="DIR", help="where the run is written")
    add(
        "--resume",
        nargs="?",
        const=True,
        default=False,
        type=Path,
        metavar="CHECKPOINT",
        help="go on from the last whole checkpoint in DIR, or from the one given",
    )
    add("--time-budget", metavar="TIME", help="save and stop in time, such as 2h or 90m")
    add("--validation", type=Path, metavar="FILE", help="rows for the validation loss")
    add("--test", type=Path, metavar="FILE", help="rows for the figures before and after")
    add(
        "--epochs",
        type=_epochs,
        metavar="N",
        help="passes over the rows (default: 3 to 20, for about 200 steps)",
    )
    add(
        "--max-length",
        type=_tokens,
        metavar="TOKENS",
        help="the longest row (default: 1024, or less where the model reads less)",
    )
    add(
        "--long-rows",
        choices=("refuse", "drop"),
        default="refuse",
        help="what to do with longer rows (default: refuse)",
    )
    add("--seed", type=int, help="decides order and first weights (default: COURSE_SEED, or 0)")
    add("--json", action="store_true", help="print one JSON object")
    return parser


def _epochs(text: str) -> float:
    epochs = float(text)
    if not 0 < epochs < float("inf"):
        raise argparse.ArgumentTypeError("must be above zero")
    return epochs


def _tokens(text: str) -> int:
    tokens = int(text)
    if tokens < 1:
        raise argparse.ArgumentTypeError("must be above zero")
    return tokens


def _settings(arguments: argparse.Namespace, data: DatasetDict) -> dict[str, Any]:
    given = vars(arguments) | {"rows": data["train"].num_rows}
    return {name: given[name] for name in _SETTINGS}


def _refuse_to_overwrite(arguments: argparse.Namespace, checkpoints: Path) -> None:
    if arguments.out.exists() and not arguments.out.is_dir():
        raise CourseError(f"--out {arguments.out} is a file: give a folder")
    if not arguments.resume and checkpoints.is_dir() and any(checkpoints.iterdir()):
        raise CourseError(
            f"{arguments.out} already holds a run: go on with it (--resume), choose another "
            "--out, or delete the folder"
        )


def _checkpoint(resume: bool | Path, checkpoints: Path) -> Path | None:
    from course_lib.training.checkpoints import is_whole, latest_checkpoint

    if not isinstance(resume, Path):
        return latest_checkpoint(checkpoints) if resume else None
    found = resume if is_whole(resume) else latest_checkpoint(resume)
    if found is None:
        raise CourseError(f"--resume {resume}: no whole checkpoint there; give its folder")
    return found


def _before(out: Path, settings: dict[str, Any], resumed: bool) -> dict[str, Any] | None:
    """The figures that the first part of a resumed run measured, before it trained."""
    path = out / "run.json"
    if not resumed or not path.is_file():
        return None
    earlier = json.loads(path.read_text("utf-8"))
    changed = [name for name, value in settings.items() if earlier["settings"][name] != value]
    if changed:
        was = ", ".join(f"{name} {earlier['settings'][name]!r}" for name in changed)
        now = ", ".join(f"{name} {settings[name]!r}" for name in changed)
        raise CourseError(
            f"{out} was trained with {was}; it cannot be resumed with {now}. Resume with the same "
            "settings, or start another run with another --out"
        )
    before: dict[str, Any] | None = earlier["metrics_before"]
    return before


def _keep(trainer: SFTTrainer, out: Path) -> tuple[float | None, float | None]:
    """Write model and learning curve, or say why not and how to have them written later."""
    from safetensors import SafetensorError

    from course_lib.training.disk import why_not_written

    try:
        trainer.save_model(str(out / "model"))
        return _log(trainer, out)
    except (OSError, SafetensorError) as error:
        raise CourseError(
            f"trained to step {trainer.state.global_step:,}, but {why_not_written(error, out)}. "
            "The last checkpoint holds it all: make room, then repeat the command with --resume"
        ) from error


def _table(folder: Path) -> list[dict[str, Any]]:
    from course_lib.training.checkpoints import checkpoints, numbered_checkpoints

    if not numbered_checkpoints(folder):
        return []
    rows = checkpoints(folder).to_dict("records")
    # NaN is no JSON.
    return [{name: None if cell != cell else cell for name, cell in row.items()} for row in rows]


def _log(trainer: SFTTrainer, out: Path) -> tuple[float | None, float | None]:
    """Write the learning curve; return the last training and the last validation loss."""
    from course_lib.training.curves import learning_curve

    now = trainer.state.global_step
    measured = any(
        entry["step"] == now for entry in trainer.state.log_history if "eval_loss" in entry
    )
    if trainer.eval_dataset is not None and not measured:
        # A run that was stopped inside an epoch has not been evaluated where it stands.
        trainer.evaluate()
    trainer.state.save_to_json(str(out / "trainer_state.json"))
    curve = learning_curve(trainer.state.log_history)
    curve.to_csv(out / "learning_curve.csv", index=False)
    train, validation = curve["train_loss"].dropna(), curve["validation_loss"].dropna()
    return (
        float(train.iloc[-1]) if len(train) else None,
        float(validation.iloc[-1]) if len(validation) else None,
    )


def _write(path: Path, content: dict[str, Any]) -> None:
    # A run that is killed while it writes this file is still to be resumed.
    written = path.with_suffix(".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        written.replace(path)
    except OSError as error:
        raise CourseError(f"{path} cannot be written: {error.strerror}") from error


def _for_people(result: dict[str, Any], out: Path) -> str:
    lines = [f"{result['steps']:,} steps in {result['seconds']:.0f} s, {result['peak_mb']:.0f} MB"]
    for name in ("train_loss", "validation_loss"):
        if result[name] is not None:
            lines.append(f"{name.replace('_', ' '):<16} {result[name]:.3f}")
    before, after = result["metrics_before"], result["metrics_after"]
    if after is not None:
        lines.append(f"on {after['rows']:,} held-out rows, before and after:")
        for name in ("exact_match", "loss"):
            was = f"{before[name]:.3f}" if before else "?"
            lines.append(f"  {name.replace('_', ' '):<14} {was} -> {after[name]:.3f}")
        for name in ("chance", "majority"):
            if name in after:
                lines.append(f"  {name:<14} {after[name]:.3f}")
    if result["checkpoints"]:
        lines.append("checkpoints:   step  validation loss  token accuracy")
    for row in result["checkpoints"]:
        figures = [row[name] for name in ("validation_loss", "token_accuracy")]
        loss, accuracy = ("-" if figure is None else f"{figure:.3f}" for figure in figures)
        lines.append(f"{row['step']:>19}{loss:>17}{accuracy:>16}{'  best' * row['best']}")
    if not result["finished"]:
        lines.append("stopped by the time budget: go on with the same command and --resume")
    lines.append(f"written to {out}: model/, learning_curve.csv, trainer_state.json, run.json")
    return "\n".join(lines)
