"""What the server remembers: one SQLite file, shared by the server and a job's process.

SQLAlchemy because two processes write it, and a state machine should not be spelt in SQL strings.
Every change is one transaction; write-ahead logging lets readers go on while a job writes.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Engine, ForeignKey, Index, UniqueConstraint, create_engine, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

# How long one process waits for the other's transaction, in seconds.
_PATIENCE = 30
# FastAPI's 40 threads, its loop, and the threads of the queue and of answers: with fewer, some of
# hundreds of requests that write would open and close a connection each.
_CONNECTIONS = 43


def new_id(prefix: str) -> str:
    """An id that nobody can guess.

    Args:
        prefix: What it is an id of, such as ``file-``.

    Returns:
        The prefix and 24 hexadecimal digits.

    Example:
        >>> len(new_id("file-"))
        29
    """
    return prefix + secrets.token_hex(12)


def now() -> int:
    """Seconds since 1970, as the API counts time.

    Example:
        >>> now() > 1_700_000_000
        True
    """
    return int(time.time())


class Base(DeclarativeBase):
    """The tables. In each, `number` is the order in which rows came."""


class File(Base):
    """An uploaded file, or the results of a job; its bytes are in `Home.file`."""

    __tablename__ = "files"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    filename: Mapped[str]
    purpose: Mapped[str]
    bytes: Mapped[int]
    sha256: Mapped[str]
    created_at: Mapped[int] = mapped_column(default=now)


class Job(Base):
    """A fine-tuning job.

    Its status is one of validating_files, queued, running, paused, succeeded, failed and cancelled.
    The job's process looks at it after every step, and stops where it is no longer "running".
    """

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[int] = mapped_column(default=now)
    finished_at: Mapped[int | None]
    status: Mapped[str] = mapped_column(default="validating_files", index=True)
    model: Mapped[str]
    training_file: Mapped[str]
    validation_file: Mapped[str | None]
    suffix: Mapped[str | None]
    seed: Mapped[int]
    method: Mapped[dict[str, Any]] = mapped_column(JSON)
    labels: Mapped[dict[str, str] | None] = mapped_column(JSON)  # the API's "metadata"
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    fine_tuned_model: Mapped[str | None]
    result_file: Mapped[str | None]
    trained_tokens: Mapped[int | None]
    estimated_finish: Mapped[int | None]
    # How often its process died without a checkpoint more than before.
    deaths: Mapped[int] = mapped_column(default=0)


class Event(Base):
    """Something that happened to a job."""

    __tablename__ = "events"
    # What a resumed job does again is written once.
    __table_args__ = (UniqueConstraint("job_id", "once"), Index("job_events", "job_id", "number"))

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"))
    created_at: Mapped[int] = mapped_column(default=now)
    level: Mapped[str]
    type: Mapped[str]
    message: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)
    once: Mapped[str | None]


class Checkpoint(Base):
    """The model after an epoch."""

    __tablename__ = "checkpoints"
    __table_args__ = (UniqueConstraint("job_id", "step"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    created_at: Mapped[int] = mapped_column(default=now)
    step: Mapped[int]
    model: Mapped[str]
    metrics: Mapped[dict[str, Any]] = mapped_column(JSON)


class Model(Base):
    """A model that can answer and be trained on: a base, a tuned one, or a checkpoint."""

    __tablename__ = "models"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[int] = mapped_column(default=now)
    # What `course_lib.training.load_model` loads: a name, or a path below the home.
    source: Mapped[str]
    job_id: Mapped[str | None] = mapped_column(ForeignKey("jobs.id"))


def connect(path: Path) -> sessionmaker[Session]:
    """Open the database, and make its tables where they are missing.

    Args:
        path: The SQLite file.

    Returns:
        What makes sessions: ``with sessions.begin() as session``.

    Example:
        >>> import tempfile
        >>> sessions = connect(Path(tempfile.mkdtemp()) / "state.sqlite")
        >>> with sessions.begin() as session:
        ...     session.query(File).count()
        0
    """
    engine = create_engine(
        f"sqlite:///{path}", connect_args={"timeout": _PATIENCE}, pool_size=_CONNECTIONS
    )
    _prepare(engine)
    Base.metadata.create_all(engine)
    return sessionmaker(engine, expire_on_commit=False)


def _prepare(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def settings(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")


@contextmanager
def writing(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """A transaction that will write.

    SQLite's own transactions begin as readers: two that read first and then write would find that
    they cannot. This one takes the right to write at once, and waits for it.

    Args:
        sessions: From `connect`.

    Yields:
        The session; it is committed at the end, and rolled back on an error.

    Example:
        >>> with writing(sessions) as session:  # doctest: +SKIP
        ...     session.get(Job, "ftjob-1").status = "queued"
    """
    with sessions() as session:
        session.connection().exec_driver_sql("BEGIN IMMEDIATE")
        yield session
        session.commit()


def cannot_be_written(error: OperationalError) -> bool:
    """Whether a change failed because the disk is full, gone or read-only.

    Args:
        error: What SQLAlchemy raised; nothing of the transaction was kept.

    Example:
        >>> cannot_be_written(OperationalError("INSERT", {}, ValueError("no such table")))
        False
    """
    return _reason(error).startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY"))


def is_busy(error: OperationalError) -> bool:
    """Whether a change failed because others were writing all the time.

    Args:
        error: What SQLAlchemy raised; nothing of the transaction was kept.

    Example:
        >>> is_busy(OperationalError("INSERT", {}, ValueError("no such table")))
        False
    """
    return _reason(error).startswith("SQLITE_BUSY")


def _reason(error: OperationalError) -> str:
    return str(getattr(error.orig, "sqlite_errorname", ""))


def add_event(
    session: Session,
    job_id: str,
    message: str,
    *,
    level: str = "info",
    type: str = "message",
    data: dict[str, Any] | None = None,
    once: str | None = None,
) -> None:
    """Write down what happened to a job.

    Args:
        session: The transaction that it happens in.
        job_id: The job.
        message: For people.
        level: info, warn or error.
        type: message or metrics.
        data: For machines.
        once: A name within the job: an event of the same name is not written again.

    Example:
        >>> add_event(session, job.id, "Fine-tuning job started", once="started")  # doctest: +SKIP
    """
    row = {
        "id": new_id("ftevent-"),
        "job_id": job_id,
        "created_at": now(),
        "level": level,
        "type": type,
        "message": message,
        "data": data or {},
        "once": once,
    }
    session.execute(insert(Event).values(row).on_conflict_do_nothing())
