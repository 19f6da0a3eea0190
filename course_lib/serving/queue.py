"""Which job trains when: one at a time, in the order they were created, each in its own process."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

from sqlalchemy import select

from course_lib.serving.database import File, Job, add_event, writing
from course_lib.serving.jobs import fail, find_job
from course_lib.serving.leftovers import clear
from course_lib.serving.service import Service
from course_lib.serving.training_files import FEWEST_ROWS, InvalidFile, check

#: A job's process ended so because its server did.
ORPHANED = 75

_LOG = logging.getLogger(__name__)
_EVERY, _AFTER_TROUBLE = 0.2, 2.0
# A process that dies so often without a new checkpoint will not get further the next time.
_MOST_DEATHS = 3


class Queue:
    """Checks the files of new jobs, and starts, watches and stops the process of the running one.

    Args:
        service: Whose jobs.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._process: subprocess.Popen[bytes] | None = None
        self._job_id = ""
        self._reached: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="queue", daemon=True)

    def start(self) -> None:
        """Take up what an earlier server left, and begin."""
        clear(self._service)
        with writing(self._service.sessions) as session:
            for job in session.scalars(select(Job).where(Job.status == "running")):
                job.status = "queued"
                add_event(session, job.id, "The server was restarted; the job waits for its turn")
        self._thread.start()

    def stop(self) -> None:
        """End the running job's process. The job goes on when a server is started again."""
        self._stop.set()
        self._thread.join()
        self._kill()

    def _work(self) -> None:
        rest = _EVERY
        while not self._stop.wait(rest):
            rest = _EVERY
            try:
                self.check_files()
                self._watch()
                if self._process is None:
                    self._start_next()
            except Exception:
                # One job's trouble must not end the queue of all; and what a full disk did not let
                # it write down is still to be done when there is room again.
                _LOG.exception("the queue stumbled, and goes on")
                rest = _AFTER_TROUBLE

    def check_files(self) -> None:
        """Look at the files of new jobs: each is "queued" then, or has failed."""
        with self._service.sessions() as session:
            chosen = select(Job).where(Job.status == "validating_files").order_by(Job.number)
            waiting = list(session.scalars(chosen))
        for job in waiting:
            try:
                self._check(job)
            except OSError as error:
                # Such as a full disk; the next job may find room, and none waits behind this one.
                said = f"The job's files cannot be made ready: {error.strerror or error}"
                fail(self._service, job.id, "server_error", said)

    def _check(self, job: Job) -> None:
        folder = self._service.home.job(job.id)
        folder.mkdir(parents=True, exist_ok=True)
        for side, file_id in (("training", job.training_file), ("validation", job.validation_file)):
            if file_id is None:
                continue
            copy = folder / f"{side}.jsonl"
            problem = self._copy(file_id, copy)
            if problem is None:
                try:
                    check(copy, job.method, fewest=FEWEST_ROWS if side == "training" else 1)
                except InvalidFile as error:
                    problem = str(error)
            if problem is not None:
                said = f"The job failed due to an invalid {side} file. {problem}"
                fail(self._service, job.id, f"invalid_{side}_file", said, f"{side}_file")
                return
        with writing(self._service.sessions) as session:
            job = find_job(session, job.id)
            if job.status == "validating_files":
                job.status = "queued"
                add_event(session, job.id, "Files validated, moving job to queued state")

    def _copy(self, file_id: str, to: Path) -> str | None:
        # A job keeps its rows, also when the file is deleted while it waits or trains.
        with self._service.sessions() as session:
            if session.scalar(select(File).where(File.id == file_id)) is None:
                return f"The file {file_id} was deleted."
        if not to.exists():
            unfinished = to.with_suffix(".unfinished")
            shutil.copyfile(self._service.home.file(file_id), unfinished)
            unfinished.rename(to)
        return None

    def _start_next(self) -> None:
        with writing(self._service.sessions) as session:
            # "running", with no process: it could not be started the last time.
            chosen = select(Job).where(Job.status.in_(("running", "queued")))
            first = chosen.order_by((Job.status == "running").desc(), Job.number).limit(1)
            job = session.scalar(first)
            if job is None:
                return
            job.status = "running"
        self._job_id = job.id
        self._reached = self._newest()
        log = (self._service.home.job(job.id) / "log.txt").open("ab")
        with log:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "course_lib.serving.worker",
                    str(self._service.home.path), job.id,
                ],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=os.environ | {"HF_HUB_DISABLE_PROGRESS_BARS": "1"},
            )  # fmt: skip

    def _watch(self) -> None:
        if self._process is None:
            return
        # In this order: what the process wrote before it ended is seen.
        code = self._process.poll()
        with self._service.sessions() as session:
            status = find_job(session, self._job_id).status
        if status in ("cancelled", "failed"):
            self._kill()
        elif code is not None:
            if status == "running":
                self._died(code)
            # Only when that is written down: else it is written the next time.
            self._release()

    def _died(self, code: int) -> None:
        with self._service.sessions() as session:
            before = find_job(session, self._job_id).deaths
        deaths = 1 if self._newest() != self._reached else before + 1
        if deaths >= _MOST_DEATHS:
            said = f"The job's process {_how(code)} {deaths} times without getting further. "
            fail(self._service, self._job_id, "server_error", said + self._last_words())
            return
        with writing(self._service.sessions) as session:
            job = find_job(session, self._job_id)
            job.deaths, job.status = deaths, "queued"
            said = f"The job's process {_how(code)}; it goes on from its last checkpoint"
            add_event(session, job.id, said, level="warn")

    def _newest(self) -> str | None:
        run = self._service.home.job(self._job_id) / "run"
        found = sorted(run.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
        return found[-1].name if found else None

    def _last_words(self) -> str:
        path = self._service.home.job(self._job_id) / "log.txt"
        lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
        return f"It last said: {lines[-1]}" if lines else "It said nothing."

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._release()

    def _release(self) -> None:
        assert self._process is not None
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process = None


def _how(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return "lost its server" if code == ORPHANED else f"ended with code {code}"
