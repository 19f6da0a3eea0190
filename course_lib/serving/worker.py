"""A job's process: ``python -m course_lib.serving.worker HOME JOB``.

A process of its own, so that a job that dies takes nothing with it, and the server answers while it
trains. It ends with the server: a job that nobody watches would train beside its successor.
"""

from __future__ import annotations

import csv
import errno
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock
from sqlalchemy import select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import OperationalError

from course_lib.errors import CourseError, NotSaved, OutOfMemory
from course_lib.serving.database import (
    Event,
    Job,
    Model,
    add_event,
    cannot_be_written,
    new_id,
    now,
    writing,
)
from course_lib.serving.files import hashed, keep
from course_lib.serving.home import Home
from course_lib.serving.jobs import fail, find_job
from course_lib.serving.progress import JobProgress, save_model
from course_lib.serving.queue import ORPHANED
from course_lib.serving.service import ORGANISATION, Service, open_service, source_of

if TYPE_CHECKING:
    from transformers import Trainer

# An earlier process of the same job needs this long at most to see that its server is gone.
_PATIENCE = 60
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

_LOSSES = ("loss", "mean_token_accuracy")
_REWARDS = ("reward_margin", "reward_accuracy")
_COLUMNS = {
    "supervised": [f"{of}_{name}" for of in ("train", "valid", "full_valid") for name in _LOSSES],
    "dpo": [
        f"{of}_{name}" for of in ("train", "valid", "full_valid") for name in _LOSSES + _REWARDS
    ],
    "reinforcement": ["train_loss", "train_reward_mean", "full_valid_reward_mean"],
}


def main(argv: list[str]) -> int:
    """Train one job to its end, or to where it is paused.

    Args:
        argv: The server's folder and the job's id.

    Returns:
        0, also where the job failed in a way that its row tells.

    Example:
        >>> main(["build/serve", "ftjob-1"])  # doctest: +SKIP
        0
    """
    home, job_id = Home(Path(argv[0])), argv[1]
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    with FileLock(home.job(job_id) / "worker.lock", timeout=_PATIENCE):
        attempt(open_service(home, ()), job_id)
    return 0


def attempt(service: Service, job_id: str) -> None:
    """Train a job, and fail it where that cannot go on, with the reason.

    Args:
        service: The server's folder and database.
        job_id: A job that is "running".

    Raises:
        Exception: What nobody foresaw; the server tries again, and then tells it from the log.
    """
    from course_lib.serving.training import Unusable
    from course_lib.training.out_of_memory import is_out_of_memory

    try:
        train(service, job_id)
    except Unusable as error:
        fail(service, job_id, f"invalid_{error.param}", str(error), error.param)
    except CourseError as error:
        kinds = {OutOfMemory: "out_of_memory", NotSaved: "disk_full"}
        fail(service, job_id, kinds.get(type(error), "server_error"), str(error))
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        said = f"out of memory outside of a training step ({error}): take a smaller model"
        fail(service, job_id, "out_of_memory", said)
    except OperationalError as error:
        if not cannot_be_written(error):
            raise
        # Where not even this can be written, the server tells it when there is room again.
        said = f"{service.home.database} cannot be written: {error.orig}"
        fail(service, job_id, "disk_full", said)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        said = f"{error.filename or service.home.path} cannot be written: {error.strerror}"
        fail(service, job_id, "disk_full", said)


def train(service: Service, job_id: str) -> None:
    """Train a job from its beginning, or from its last checkpoint.

    Args:
        service: The server's folder and database.
        job_id: A job that is "running".

    Raises:
        CourseError: Its rows or its model cannot be used, or memory or disk are too small.
    """
    from course_lib.runtime import start
    from course_lib.serving.training import blaming
    from course_lib.training.checkpoints import latest_checkpoint

    with service.sessions() as session, blaming("model"):
        job = find_job(session, job_id)
        source = source_of(service, session.scalar(select(Model).where(Model.id == job.model)))
    folder = service.home.job(job_id)
    validation = folder / "validation.jsonl"
    model_name = _model_name(job)
    progress = JobProgress(service, job_id, model_name)
    kind = job.method["type"]
    settings = job.method[kind]["hyperparameters"]
    trainer, used, tokens = _builder(job.method)(
        source,
        start(job.seed),
        folder / "training.jsonl",
        validation if job.validation_file else None,
        settings,
        seed=job.seed,
        output_dir=folder / "run",
        callbacks=[progress],
        warn=lambda message: _warn(service, job_id, message),
    )
    progress.attach(trainer)
    checkpoint = latest_checkpoint(folder / "run")
    with writing(service.sessions) as session:
        job = find_job(session, job_id)
        numbers = {**settings, **vars(used)}
        job.method = {**job.method, kind: {**job.method[kind], "hyperparameters": numbers}}
        if checkpoint is None:
            add_event(session, job_id, "Fine-tuning job started", once="started")
        else:
            said = f"Fine-tuning job goes on from step {checkpoint.name.rpartition('-')[2]}"
            add_event(session, job_id, said)
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if progress.stopped:
        _paused(service, job_id, trainer.state.global_step)
    else:
        # How long the answers would be that a reinforcement job draws, nobody knew.
        trained = trainer.state.num_input_tokens_seen if tokens is None else tokens * used.n_epochs
        _finish(service, job_id, trainer, model_name, int(trained))


def _paused(service: Service, job_id: str, step: int) -> None:
    with writing(service.sessions) as session:
        if find_job(session, job_id).status == "paused":  # not cancelled, nor resumed meanwhile
            add_event(session, job_id, f"The job is paused at step {step}, and can be resumed")


def _builder(method: dict[str, Any]) -> Callable[..., Any]:
    if method["type"] == "dpo":
        from course_lib.serving.preference_training import preference_trainer

        return preference_trainer
    if method["type"] == "reinforcement":
        from course_lib.serving.reinforcement_training import reinforcement_trainer

        return partial(reinforcement_trainer, definition=method["reinforcement"]["grader"])
    from course_lib.serving.training import supervised_trainer

    return supervised_trainer


def _model_name(job: Job) -> str:
    base = job.model.split(":")[1] if job.model.startswith("ft:") else job.model
    return f"ft:{base}:{ORGANISATION}:{job.suffix or ''}:{job.id[-8:]}"


def _finish(service: Service, job_id: str, trainer: Trainer, name: str, tokens: int) -> None:
    folder = save_model(trainer, service.home.job(job_id) / "model")
    results = _results(service, job_id)
    with writing(service.sessions) as session:
        job = find_job(session, job_id)
        if job.status != "running":
            results.unlink()
            return
        file = keep(service, results, "step_metrics.csv", "fine-tune-results", hashed(results))
        session.add(file)
        source = str(folder.relative_to(service.home.path))
        model = {"id": name, "source": source, "job_id": job_id, "created_at": now()}
        session.execute(insert(Model).values(model).on_conflict_do_nothing())
        job.status, job.finished_at, job.estimated_finish = "succeeded", now(), None
        job.fine_tuned_model, job.result_file, job.trained_tokens = name, file.id, tokens
        add_event(session, job_id, f"New fine-tuned model created: {name}", once="model")
        add_event(session, job_id, "The job has successfully completed", once="completed")


def _results(service: Service, job_id: str) -> Path:
    rows: dict[int, dict[str, Any]] = {}
    with service.sessions() as session:
        columns = ["step", *_COLUMNS[find_job(session, job_id).method["type"]]]
        chosen = select(Event.data).where(Event.job_id == job_id, Event.type == "metrics")
        for data in session.scalars(chosen.order_by(Event.number)):
            rows.setdefault(data["step"], {}).update(data)
    path = service.home.file(new_id("unfinished-"))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows[step] for step in sorted(rows))
    return path


def _warn(service: Service, job_id: str, message: str) -> None:
    with writing(service.sessions) as session:
        add_event(session, job_id, message, level="warn", once=message)


def _end_with_the_server() -> None:
    # The server holds the other end of this pipe, and the system closes it however it ends.
    # Python's own stdin would be locked by this thread when the interpreter shuts down.
    while os.read(0, 1):
        pass
    os._exit(ORPHANED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
