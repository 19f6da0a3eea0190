"""What a job's process tells the server while it trains: metrics, checkpoints, an end in sight."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.sqlite import insert
from transformers import TrainerCallback

from course_lib.serving.database import Checkpoint, Job, Model, add_event, new_id, now, writing
from course_lib.training.rows import MASKED

if TYPE_CHECKING:
    from sqlalchemy.orm import Session
    from transformers import TrainerControl, TrainerState
    from trl.trainer.sft_trainer import SFTTrainer

    from course_lib.serving.service import Service

#: Checkpoints of the last epochs that can be used and trained on, as OpenAI keeps them.
KEPT = 3
# How often the loss on a few validation rows is measured over a run; an epoch's end measures all.
_LOOKS = 40
# Never in a model's folder: it is for going on, not for answering.
_OF_THE_RUN = ("training_args.bin", "README.md")


class JobProgress(TrainerCallback):
    """Writes a run's events and checkpoints, and stops it where the job is no longer "running".

    Args:
        service: Where they are written.
        job_id: The job.
        model_name: The name that the tuned model will have.
    """

    def __init__(self, service: Service, job_id: str, model_name: str) -> None:
        self._service, self._job_id, self._model_name = service, job_id, model_name
        self.stopped = False
        self._metrics: dict[str, float] = {}
        self._began: tuple[int, float] | None = None
        self._trainer: Any = None

    def attach(self, trainer: SFTTrainer) -> None:
        """Get to know the trainer, whose validation rows and model are wanted.

        Args:
            trainer: The trainer that this is a callback of.
        """
        self._trainer = trainer

    def on_train_begin(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Start the clock."""
        self._began = (state.global_step, time.monotonic())

    def on_step_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Stop, with a checkpoint, where somebody has paused or cancelled the job."""
        with self._service.sessions() as session:
            status = session.scalar(select(Job.status).where(Job.id == self._job_id))
        if status != "running":
            self.stopped = True
            control.should_save = control.should_training_stop = True

    def on_log(
        self,
        args: Any,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Write down a step."""
        if not logs or "loss" not in logs:
            return
        step = state.global_step
        self._metrics = {
            "step": step,
            "train_loss": logs["loss"],
            "train_mean_token_accuracy": logs["mean_token_accuracy"],
        }
        if self._trainer.eval_dataset is not None and step % max(1, state.max_steps // _LOOKS) == 0:
            self._metrics |= self._look(step)
        data = self._metrics | {"total_steps": state.max_steps}
        message = f"Step {step}/{state.max_steps}: " + _said(self._metrics)
        with writing(self._service.sessions) as session:
            add_event(
                session, self._job_id, message, type="metrics", data=data, once=f"step-{step}"
            )
            session.get_one(Job, self._number(session)).estimated_finish = self._estimate(state)

    def on_evaluate(
        self,
        args: Any,
        state: TrainerState,
        control: TrainerControl,
        metrics: dict[str, float] | None = None,
        **_: Any,
    ) -> None:
        """Write down an epoch with its validation loss."""
        assert metrics is not None
        self._metrics |= {
            "full_valid_loss": metrics["eval_loss"],
            "full_valid_mean_token_accuracy": metrics["eval_mean_token_accuracy"],
        }
        self._epoch(state)

    def on_epoch_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Write down an epoch that nothing validates."""
        if self._trainer.eval_dataset is None and not self.stopped:
            self._epoch(state)

    def _epoch(self, state: TrainerState) -> None:
        step = state.global_step
        if step % (state.max_steps // int(state.num_train_epochs)):
            return  # stopped within an epoch
        folder = save_model(self._trainer, self._service.home.job(self._job_id) / f"step-{step}")
        name = f"{self._model_name}:ckpt-step-{step}"
        source = str(folder.relative_to(self._service.home.path))
        data = self._metrics | {"total_steps": state.max_steps}
        with writing(self._service.sessions) as session:
            add_event(
                session,
                self._job_id,
                f"Step {step}/{state.max_steps}: checkpoint created; " + _said(self._metrics),
                type="metrics",
                data=data,
                once=f"epoch-{step}",
            )
            values = {"id": new_id("ftckpt_"), "job_id": self._job_id, "step": step}
            values |= {"created_at": now(), "model": name, "metrics": self._metrics}
            session.execute(
                insert(Checkpoint)
                .values(values)
                .on_conflict_do_update(
                    index_elements=["job_id", "step"], set_={"metrics": self._metrics}
                )
            )
            model = {"id": name, "source": source, "job_id": self._job_id, "created_at": now()}
            session.execute(insert(Model).values(model).on_conflict_do_nothing())
            gone = self._forget_old(session)
        for path in gone:
            shutil.rmtree(path, ignore_errors=True)

    def _forget_old(self, session: Session) -> list[Path]:
        chosen = select(Checkpoint).where(Checkpoint.job_id == self._job_id)
        old = list(session.scalars(chosen.order_by(Checkpoint.step.desc()).offset(KEPT)))
        for checkpoint in old:
            session.execute(delete(Model).where(Model.id == checkpoint.model))
            session.delete(checkpoint)
        job = self._service.home.job(self._job_id)
        return [job / f"step-{checkpoint.step}" for checkpoint in old]

    def _look(self, step: int) -> dict[str, float]:
        """Loss and token accuracy on one batch of validation rows, another one each time."""
        import torch

        trainer = self._trainer
        rows, size = trainer.eval_dataset, trainer.args.per_device_eval_batch_size
        first = (step * size) % len(rows)
        picked = [rows[(first + i) % len(rows)] for i in range(min(size, len(rows)))]
        # Padded on the right, where no token looks: the trainer's own batches may have no padding,
        # and are then laid out for its own attention.
        ids, labels = (
            torch.nn.utils.rnn.pad_sequence(
                [torch.tensor(row[key]) for row in picked], batch_first=True, padding_value=padding
            )
            for key, padding in (("input_ids", 0), ("labels", MASKED))
        )
        model = trainer.model
        device, was_training = next(model.parameters()).device, model.training
        labels = labels[:, 1:].to(device)
        model.eval()
        with torch.no_grad():
            logits = model(input_ids=ids.to(device)).logits[:, :-1].float()
        model.train(was_training)
        learnt = labels != MASKED
        loss = torch.nn.functional.cross_entropy(logits[learnt], labels[learnt])
        right = (logits.argmax(-1)[learnt] == labels[learnt]).float().mean()
        return {"valid_loss": loss.item(), "valid_mean_token_accuracy": right.item()}

    def _estimate(self, state: TrainerState) -> int | None:
        assert self._began is not None
        step, began = self._began
        done = state.global_step - step
        if done < 1:
            return None
        left = (state.max_steps - state.global_step) * (time.monotonic() - began) / done
        return now() + round(left)

    def _number(self, session: Session) -> int:
        number = session.scalar(select(Job.number).where(Job.id == self._job_id))
        assert number is not None
        return number


def save_model(trainer: SFTTrainer, folder: Path) -> Path:
    """Write the model as it is now: whole under its name, or not there.

    Args:
        trainer: Whose model.
        folder: Its name; what stands there is replaced.

    Returns:
        The folder.
    """
    unfinished = folder.with_name(f"unfinished-{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    trainer.save_model(str(unfinished))
    for name in _OF_THE_RUN:
        (unfinished / name).unlink(missing_ok=True)
    for path in unfinished.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    shutil.rmtree(folder, ignore_errors=True)
    unfinished.rename(folder)
    return folder


def _said(metrics: dict[str, float]) -> str:
    named = {
        "train_loss": "training loss",
        "valid_loss": "validation loss",
        "full_valid_loss": "full validation loss",
    }
    return ", ".join(
        f"{said}={metrics[name]:.3f}" for name, said in named.items() if name in metrics
    )
