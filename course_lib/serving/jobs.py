"""The routes of fine-tuning jobs, and what may become of a job when."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.fine_tuning_job import Error, Hyperparameters
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from openai.types.fine_tuning.jobs.fine_tuning_job_checkpoint import Metrics
from sqlalchemy import select
from sqlalchemy.orm import Session

from course_lib.errors import CourseError
from course_lib.serving.database import (
    Checkpoint,
    Event,
    Job,
    Model,
    add_event,
    new_id,
    now,
    writing,
)
from course_lib.serving.errors import ApiError, documented, not_found
from course_lib.serving.files import find_file
from course_lib.serving.graders import usable_grader
from course_lib.serving.job_requests import CreateJob, Dpo, Method, Supervised
from course_lib.serving.pages import After, Limit, Page, as_page, page
from course_lib.serving.service import ORGANISATION, Service

#: Where nothing can happen to a job any more.
ENDED = ("succeeded", "failed", "cancelled")
_LARGEST_SEED = 2**31 - 1


class JobObject(FineTuningJob):
    """The client's own type, but for graders: its "multi" holds one, and its guide's several."""

    method: Method | None = None  # type: ignore[assignment]


def router(service: Service) -> APIRouter:
    """The routes.

    Args:
        service: What they work on.
    """
    routes = APIRouter(prefix="/v1/fine_tuning/jobs")

    @routes.post("", responses=documented(404))
    def create(request: CreateJob) -> JobObject:
        with writing(service.sessions) as session:
            job = _new_job(session, request)
            session.add(job)
            session.flush()
            add_event(session, job.id, f"Created fine-tuning job: {job.id}")
            add_event(session, job.id, f"Validating training file: {job.training_file}")
            if job.validation_file:
                add_event(session, job.id, f"Validating validation file: {job.validation_file}")
        return job_object(job)

    @routes.get("")
    async def jobs(after: After = None, limit: Limit = 20) -> Page[JobObject]:
        with service.sessions() as session:
            found, more = page(session, Job, select(Job), after=after, limit=limit)
        return as_page(found, [job_object(job) for job in found], more)

    @routes.get("/{job_id}", responses=documented(404))
    async def retrieve(job_id: str) -> JobObject:
        with service.sessions() as session:
            return job_object(find_job(session, job_id))

    @routes.post("/{job_id}/cancel", responses=documented(404))
    def cancel(job_id: str) -> JobObject:
        return _move(
            service, job_id, "cancelled", ("validating_files", "queued", "running", "paused")
        )

    @routes.post("/{job_id}/pause", responses=documented(404))
    def pause(job_id: str) -> JobObject:
        return _move(service, job_id, "paused", ("queued", "running"))

    @routes.post("/{job_id}/resume", responses=documented(404))
    def resume(job_id: str) -> JobObject:
        return _move(service, job_id, "queued", ("paused",))

    @routes.get("/{job_id}/events", responses=documented(404))
    async def events(
        job_id: str, after: After = None, limit: Limit = 20
    ) -> Page[FineTuningJobEvent]:
        with service.sessions() as session:
            find_job(session, job_id)
            chosen = select(Event).where(Event.job_id == job_id)
            found, more = page(session, Event, chosen, after=after, limit=limit)
        return as_page(found, [event_object(event) for event in found], more)

    @routes.get("/{job_id}/checkpoints", responses=documented(404))
    async def checkpoints(
        job_id: str, after: After = None, limit: Limit = 10
    ) -> Page[FineTuningJobCheckpoint]:
        with service.sessions() as session:
            find_job(session, job_id)
            chosen = select(Checkpoint).where(Checkpoint.job_id == job_id)
            found, more = page(session, Checkpoint, chosen, after=after, limit=limit)
        return as_page(found, [checkpoint_object(row) for row in found], more)

    return routes


def find_job(session: Session, job_id: str) -> Job:
    """The job with an id.

    Args:
        session: Where to look.
        job_id: As the client gave it.

    Raises:
        ApiError: There is none.

    Example:
        >>> find_job(session, "ftjob-1").status  # doctest: +SKIP
        'running'
    """
    job = session.scalar(select(Job).where(Job.id == job_id))
    if job is None:
        raise not_found("fine-tuning job", job_id)
    return job


def fail(service: Service, job_id: str, code: str, message: str, param: str | None = None) -> None:
    """End a job that cannot go on.

    Args:
        service: The server's folder and database.
        job_id: The job.
        code: For machines.
        message: What was wrong, and what to do.
        param: The parameter that was wrong.
    """
    with writing(service.sessions) as session:
        job = find_job(session, job_id)
        if job.status not in ("validating_files", "queued", "running", "paused"):
            return
        job.status, job.finished_at, job.estimated_finish = "failed", now(), None
        job.error = {"code": code, "message": message, "param": param}
        add_event(session, job_id, message, level="error", once="failed")


def job_object(job: Job) -> JobObject:
    """What the client sees of a job.

    Args:
        job: The row of the database.

    Returns:
        What the client's own type reads. It knows no "paused": such a job is "queued", and its last
        event says that it is paused.
    """
    method = Method.model_validate(job.method)
    used = method.supervised.hyperparameters if method.supervised else None
    shown: dict[str, Any] = {
        name: getattr(job, name)
        for name in (
            "id", "created_at", "finished_at", "fine_tuned_model", "model", "seed",
            "trained_tokens", "training_file", "validation_file", "estimated_finish",
        )
    }  # fmt: skip
    return JobObject(
        **shown,
        object="fine_tuning.job",
        status="queued" if job.status == "paused" else job.status,  # type: ignore[arg-type]
        error=Error(**job.error) if job.error else None,
        hyperparameters=Hyperparameters(**used.model_dump()) if used else Hyperparameters(),
        method=method,
        metadata=job.labels,
        organization_id=ORGANISATION,
        result_files=[job.result_file] if job.result_file else [],
        integrations=[],
    )


def event_object(event: Event) -> FineTuningJobEvent:
    """What the client sees of an event.

    Args:
        event: The row of the database.
    """
    return FineTuningJobEvent(
        id=event.id,
        created_at=event.created_at,
        level=event.level,  # type: ignore[arg-type]
        message=event.message,
        object="fine_tuning.job.event",
        data=event.data,
        type=event.type,  # type: ignore[arg-type]
    )


def checkpoint_object(checkpoint: Checkpoint) -> FineTuningJobCheckpoint:
    """What the client sees of a checkpoint.

    Args:
        checkpoint: The row of the database.
    """
    return FineTuningJobCheckpoint(
        id=checkpoint.id,
        created_at=checkpoint.created_at,
        fine_tuned_model_checkpoint=checkpoint.model,
        fine_tuning_job_id=checkpoint.job_id,
        metrics=Metrics.model_validate(
            {name: checkpoint.metrics.get(name) for name in Metrics.model_fields}
        ),
        object="fine_tuning.job.checkpoint",
        step_number=checkpoint.step,
    )


def _new_job(session: Session, request: CreateJob) -> Job:
    if session.scalar(select(Model).where(Model.id == request.model)) is None:
        raise ApiError(
            f"The model {request.model!r} does not exist here, or cannot be fine-tuned; "
            "GET /v1/models lists those that can.",
            param="model",
            code="model_not_available",
        )
    training = find_file(session, request.training_file, "training_file")
    _check_purpose(training.purpose, training.id, "training_file")
    if request.validation_file is not None:
        validation = find_file(session, request.validation_file, "validation_file")
        _check_purpose(validation.purpose, validation.id, "validation_file")
        if validation.sha256 == training.sha256:
            raise ApiError(
                "The validation file holds the same rows as the training file: its loss would say "
                "nothing about new rows. Hold some out (`python -m course_lib split`).",
                param="validation_file",
                code="duplicate_file",
            )
    return Job(
        id=new_id("ftjob-"),
        status="validating_files",
        model=request.model,
        training_file=request.training_file,
        validation_file=request.validation_file,
        suffix=request.suffix,
        seed=secrets.randbelow(_LARGEST_SEED) if request.seed is None else request.seed,
        method=_method(request).model_dump(mode="json", exclude_none=True),
        labels=request.metadata,
        created_at=now(),
        deaths=0,
    )


def _check_purpose(purpose: str, file_id: str, param: str) -> None:
    if purpose != "fine-tune":
        raise ApiError(
            f"{file_id} has the purpose {purpose!r}; give a file uploaded with 'fine-tune'.",
            param=param,
            code="invalid_file_purpose",
        )


def _method(request: CreateJob) -> Method:
    method = request.method
    if method is None:
        settings = {"hyperparameters": request.hyperparameters} if request.hyperparameters else {}
        return Method(type="supervised", supervised=Supervised(**settings))
    others = [name for name in ("supervised", "dpo", "reinforcement") if name != method.type]
    if any(getattr(method, name) is not None for name in others):
        raise ApiError(
            f"The method is {method.type!r}, but settings of another are given.", param="method"
        )
    if method.type == "reinforcement":
        _check_grader(method)
    if method.type == "supervised":
        return method.model_copy(update={"supervised": method.supervised or Supervised()})
    if method.type == "dpo":
        return method.model_copy(update={"dpo": method.dpo or Dpo()})
    return method


def _check_grader(method: Method) -> None:
    param = "method.reinforcement.grader"
    if method.reinforcement is None:
        raise ApiError("Reinforcement needs a grader.", param=param)
    try:
        usable_grader(method.reinforcement.grader.model_dump(mode="json"))
    except CourseError as error:
        raise ApiError(str(error), param=param, code="invalid_grader") from error


def _move(service: Service, job_id: str, to: str, allowed: tuple[str, ...]) -> JobObject:
    with writing(service.sessions) as session:
        job = find_job(session, job_id)
        if job.status not in allowed:
            verb = {"cancelled": "cancelled", "paused": "paused", "queued": "resumed"}[to]
            raise ApiError(
                f"Job {job_id} has status {job.status!r} and cannot be {verb}.",
                code="invalid_job_status",
            )
        job.status = to
        if to == "cancelled":
            job.finished_at = now()
        said = {
            "cancelled": "The job has been cancelled",
            "paused": "The job has been paused; its state is saved at the end of this step",
            "queued": "The job has been resumed and waits for its turn",
        }
        add_event(session, job.id, said[to])
    return job_object(job)
