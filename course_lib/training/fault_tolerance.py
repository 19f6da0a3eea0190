"""Train so that nothing is lost: checkpoints that are whole or not there, on any Trainer.

transformers writes a checkpoint file by file into its final folder, deletes old ones in place, and
ends in a traceback where the disk is full. `fault_tolerant` keeps the trainer and its files as they
are, and changes how they reach the disk:

- a checkpoint is written below ``unfinished/``, flushed to the disk, and renamed when it is whole;
- one is deleted only after the newer one is whole, and is renamed away before its files go;
- the last ``save_total_limit`` checkpoints are kept, and the best one besides;
- a run that goes on takes up the early stopping, the running loss and the end of an epoch where
  the checkpoint left them;
- where it cannot save, it saves elsewhere and stops, and says how to go on;
- where memory runs out, it says what needed it and which setting would fit.

With several processes the first one publishes and deletes, when all have written. Under FSDP and
DeepSpeed a disk that fails in the middle of a write (not one that is full or gone beforehand)
leaves the others waiting in the library until their connection times out; what was whole stays so.
"""

from __future__ import annotations

import gc
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import torch
from accelerate.utils import gather_object
from safetensors import SafetensorError
from transformers import EarlyStoppingCallback, Trainer, TrainerCallback, TrainerState
from transformers.trainer_callback import ExportableState

from course_lib.errors import CourseError, NotSaved, OutOfMemory
from course_lib.training import disk
from course_lib.training.checkpoints import (
    UNFINISHED,
    best_step,
    latest_checkpoint,
    numbered_checkpoints,
)
from course_lib.training.out_of_memory import (
    Batch,
    batch_of,
    explain,
    is_out_of_memory,
    memory_now,
)

T = TypeVar("T", bound=type[Trainer])

_RUNNING_LOSS = "RunningLoss"


@cache
def fault_tolerant(trainer_class: T) -> T:
    """A Trainer class that loses no work to a killed session, a full disk or a lost Drive.

    Args:
        trainer_class: ``SFTTrainer``, ``DPOTrainer``, ``GRPOTrainer``, or any other subclass of
            transformers' ``Trainer``.

    Returns:
        A subclass of it under the same name, called with the same arguments.

    Example:
        >>> from transformers import Trainer
        >>> issubclass(fault_tolerant(Trainer), Trainer)
        True
    """
    described = {"__module__": trainer_class.__module__, "__doc__": trainer_class.__doc__}
    return type(trainer_class.__name__, (_FaultTolerant, trainer_class), described)  # type: ignore[return-value]


class _SaveAfterTheEpoch(TrainerCallback):
    """Puts off a checkpoint that is due at the last step of an epoch until the epoch has ended.

    What the end of an epoch brings (evaluation, its draw of random numbers, early stopping) would
    else be missing from the checkpoint, and a run that goes on from it begins with the next epoch.
    The last step of the run ends an epoch too, wherever it falls.
    """

    def __init__(self) -> None:
        self._owed = False

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        ends = float(state.epoch).is_integer() or state.global_step >= state.max_steps
        if control.should_save and ends:
            self._owed, control.should_save = True, False

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        control.should_save = control.should_save or self._owed
        self._owed = False


class _FaultTolerant(Trainer):
    """Stands before a Trainer's class; see the module's first lines."""

    # The library's own annotations leave out what it puts there.
    args: Any
    model: Any
    optimizer: Any
    state: Any

    _redirected: Path | None = None
    _device: int | None = None
    _resumed = False
    _batch: Batch | None = None

    # ---- training ----

    def train(self, resume_from_checkpoint: Any = None, *args: Any, **kwargs: Any) -> Any:
        if resume_from_checkpoint is True:
            # The library would take the highest number, whole or not.
            resume_from_checkpoint = latest_checkpoint(self.args.output_dir)
            if resume_from_checkpoint is None:
                raise CourseError(
                    f"no whole checkpoint in {self.args.output_dir}: begin anew with train(), or "
                    "give the folder of a checkpoint as resume_from_checkpoint"
                )
        self._resumed = bool(resume_from_checkpoint)
        self.remove_callback(_SaveAfterTheEpoch)
        self.add_callback(_SaveAfterTheEpoch())  # last, behind every callback that asks for a save
        self._tidy(resume_from_checkpoint)
        room = memory_now()
        try:
            return super().train(resume_from_checkpoint, *args, **kwargs)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            message = explain(self, error, self._batch, room)
        # Out here the error is gone, and with it the frames that held the batch's tensors.
        self.model.zero_grad()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise OutOfMemory(message)

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self._batch = batch_of(inputs)
        return super().compute_loss(model, inputs, *args, **kwargs)

    def _run_epoch(self, *args: Any, **kwargs: Any) -> None:
        if self._resumed:
            self._resumed = False
            if self._has_ended():
                # Killed between its last checkpoint and its end: one more step would be done.
                self.control.should_training_stop = True
                return
            self._restore_running_loss()
        super()._run_epoch(*args, **kwargs)

    def _finalize_training(self, *args: Any, **kwargs: Any) -> Any:
        # A path that leads nowhere any more is forgotten by the library, and with it the best one.
        self._find_the_best(Path(self.args.output_dir))
        # Where one is kept and another is best, the library would delete the newest one here.
        limit, self.args.save_total_limit = self.args.save_total_limit, None
        try:
            return super()._finalize_training(*args, **kwargs)
        finally:
            self.args.save_total_limit = limit

    def _has_ended(self) -> bool:
        return self.state.global_step >= self.state.max_steps or any(
            callback.early_stopping_patience_counter >= callback.early_stopping_patience
            for callback in self.callback_handler.callbacks
            if isinstance(callback, EarlyStoppingCallback)
        )

    def _load_callback_state(self) -> None:
        # The library restores callbacks only on demand, and then replaces the learner's objects and
        # their settings. Here the objects stay, and take over what they had counted.
        super()._load_callback_state()
        if self.args.restore_callback_states_from_checkpoint:
            return
        stored = self.state.stateful_callbacks
        for name, callbacks in _by_name(self.callback_handler.callbacks).items():
            states = stored.get(name, [])
            states = states if isinstance(states, list) else [states]
            for callback, state in zip(callbacks, states[-len(callbacks) :], strict=False):
                vars(callback).update(state["attributes"])
            # Saving fails on a callback that the checkpoint does not know.
            stored.setdefault(name, callbacks[0].state())

    def _keep_running_loss(self) -> None:
        since = self.state.global_step - self._globalstep_last_logged
        running = {"sum": self._tr_loss.item(), "steps": since}
        self.state.stateful_callbacks[_RUNNING_LOSS] = {"args": {}, "attributes": running}

    def _restore_running_loss(self) -> None:
        """Go on with the mean loss since the last log, so that the curve has no step of its own."""
        kept = self.state.stateful_callbacks.pop(_RUNNING_LOSS, None)
        if kept and self.args.world_size == 1:
            self._tr_loss += kept["attributes"]["sum"]
            self._globalstep_last_logged -= kept["attributes"]["steps"]
            self._total_loss_scalar -= kept["attributes"]["sum"]  # the sum of this call alone

    # ---- saving ----

    def _get_output_dir(self, trial: Any) -> str:
        return str(self._redirected or super()._get_output_dir(trial))

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self._keep_running_loss()
        run_dir = Path(self._get_output_dir(trial))
        problem = self._save_whole(run_dir, model, trial)
        if problem is not None:
            raise NotSaved(self._save_elsewhere(run_dir, problem, model, trial))

    def _save_whole(self, run_dir: Path, model: Any, trial: Any) -> str | None:
        """Write a checkpoint and make room for the next, or leave all as it was and say why."""
        written = run_dir / UNFINISHED / f"checkpoint-{self.state.global_step}"
        needed = self._bytes_to_save()
        problem = None
        # After each part all processes wait for each other: none begins to write where another has
        # no room, and what is published holds the files of all.
        for part in (
            lambda: disk.check(Path(self.args.output_dir), needed, self._device),
            lambda: self._write(run_dir, written, model, trial),
            lambda: self._publish(run_dir, written),
        ):
            problem = self._agree(_problem(part, run_dir))
            if problem is not None:
                break
        if self.args.should_save:
            if problem is not None:
                shutil.rmtree(written, ignore_errors=True)
            with suppress(OSError):
                written.parent.rmdir()
        return problem

    def _write(self, run_dir: Path, written: Path, model: Any, trial: Any) -> None:
        # The library would look for the best one in the wrong folder, and let all processes wait
        # for each other there, also for one that could not write and never comes.
        best, self.state.best_global_step = self.state.best_global_step, None
        try:
            with self._redirect(written.parent):
                super()._save_checkpoint(model, trial)
        finally:
            self.state.best_global_step = best
        # Each process loads the best one at the end.
        if best == self.state.global_step:
            self.state.best_model_checkpoint = str(run_dir / written.name)
        else:
            self._find_the_best(run_dir)
        if self.args.should_save:
            self.state.save_to_json(str(written / "trainer_state.json"))

    def _publish(self, run_dir: Path, written: Path) -> None:
        if not self.args.should_save:
            return
        disk.flush(written)
        final = run_dir / written.name
        earlier = _set_aside(final) if final.exists() else None
        written.rename(final)
        disk.flush_folder(run_dir)
        if earlier is not None:
            shutil.rmtree(earlier, ignore_errors=True)
        try:
            self._rotate(run_dir)
        except OSError as error:
            # Windows refuses while another program has a file open. The new one is whole.
            _say(f"an earlier checkpoint in {run_dir} could not be deleted: {error.strerror}")

    def _save_elsewhere(self, run_dir: Path, problem: str, model: Any, trial: Any) -> str:
        step = self.state.global_step
        stopped = f"stopped at step {step:,} of {self.state.max_steps:,}: {problem}. "
        refused = []
        asked, self.args.output_dir = self.args.output_dir, ""
        try:
            for folder in disk.spare_folders(run_dir):
                # TRL writes its model card here, beside the checkpoints.
                self.args.output_dir, self._device = str(folder), None
                why = self._save_whole(folder, model, trial)
                if why is None:
                    saved = folder / f"checkpoint-{step}"
                    return stopped + (
                        f"The whole state is saved in {saved}, on this machine's own disk. Put "
                        "that right, then go on with trainer.train(resume_from_checkpoint="
                        f"{str(saved)!r}), or on the command line with --resume {saved}"
                    )
                refused.append(why)
        finally:
            self.args.output_dir = asked
        with suppress(OSError, CourseError):
            latest = latest_checkpoint(run_dir)
            if latest is not None:
                stopped += f"The last whole checkpoint is {latest}. "
        return stopped + (
            f"Nor could it be saved elsewhere ({'; '.join(refused)}). As long as this process "
            "lives, trainer.model holds what was learnt: make room, then "
            "trainer.save_model(FOLDER)"
        )

    def _bytes_to_save(self) -> int:
        """What a checkpoint takes at least: the trained weights and the optimizer's state."""
        if not self.args.should_save:
            return 0
        trained = [weight for weight in self.model.parameters() if weight.requires_grad]
        saved = trained if hasattr(self.model, "peft_config") else list(self.model.parameters())
        tensors = [*saved]
        if not self.args.save_only_model:
            states = self.optimizer.state.values()
            tensors += [value for state in states for value in state.values()]
        return sum(value.nbytes for value in tensors if torch.is_tensor(value))

    def _find_the_best(self, run_dir: Path) -> None:
        """Take the best checkpoint from the run's folder, which may have moved since."""
        best = run_dir / f"checkpoint-{self.state.best_global_step}"
        if self.state.best_global_step and best.is_dir():
            self.state.best_model_checkpoint = str(best)

    @contextmanager
    def _redirect(self, folder: Path) -> Iterator[None]:
        self._redirected = folder
        try:
            yield
        finally:
            self._redirected = None

    def _agree(self, problem: str | None) -> str | None:
        """The first problem that any process has met; each waits here for all others."""
        if self.accelerator.num_processes == 1:
            return problem
        return next((one for one in gather_object([problem]) if one is not None), None)

    # ---- what lies in the run's folder ----

    def _tidy(self, resume_from_checkpoint: Any) -> None:
        """Remove what a killed run left half-done, and remember which disk the folder is on."""
        run_dir = Path(self.args.output_dir)
        self._device = run_dir.stat().st_dev if run_dir.is_dir() else None
        if not self.args.should_save or self._device is None:
            return
        left = sorted(path.name for path in (run_dir / UNFINISHED).glob("*"))
        if left:
            _say(f"removed what a run left half-written or half-deleted: {', '.join(left)}")
            shutil.rmtree(run_dir / UNFINISHED, ignore_errors=True)
        first = 0
        if isinstance(resume_from_checkpoint, (str, Path)):
            state = Path(resume_from_checkpoint, "trainer_state.json")
            first = TrainerState.load_from_json(str(state)).global_step if state.is_file() else 0
        later = [path.name for step, path in numbered_checkpoints(run_dir) if step > first]
        if later and self.args.save_strategy != "no":
            _say(
                f"this run begins at step {first}; {', '.join(later)} in {run_dir} come from an "
                "earlier run and go when this one first saves. To keep them, stop and give "
                "another output_dir"
            )

    def _rotate(self, run_dir: Path) -> None:
        """Keep the last few checkpoints and the best; those of an earlier run go."""
        now, limit = self.state.global_step, self.args.save_total_limit
        found = dict(numbered_checkpoints(run_dir))
        own = sorted(step for step in found if step <= now)
        kept = set(own[-limit:] if limit and limit > 0 else own)
        kept.add(best_step(self.state.log_history, self.state.best_global_step, own) or now)
        for step in set(found) - kept:
            _delete(found[step])


def _by_name(callbacks: list[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for callback in callbacks:
        if isinstance(callback, ExportableState):
            found.setdefault(type(callback).__name__, []).append(callback)
    return found


def _problem(part: Callable[[], None], run_dir: Path) -> str | None:
    """Do a part of saving; why it could not be done."""
    try:
        part()
    except (OSError, SafetensorError, RuntimeError) as error:
        return disk.why_not_written(error, run_dir)
    return None


def _delete(checkpoint: Path) -> None:
    """Delete so that a kill in between leaves nothing that looks like a checkpoint."""
    shutil.rmtree(_set_aside(checkpoint), ignore_errors=True)


def _set_aside(checkpoint: Path) -> Path:
    doomed = checkpoint.parent / UNFINISHED / f"deleted-{checkpoint.name}"
    doomed.parent.mkdir(exist_ok=True)
    shutil.rmtree(doomed, ignore_errors=True)
    return checkpoint.rename(doomed)


def _say(note: str) -> None:
    print(f"note: {note}", file=sys.stderr)
