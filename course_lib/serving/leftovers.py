"""What a killed server or job has left in the folder without a row in the database."""

from __future__ import annotations

import shutil

from sqlalchemy import select

from course_lib.serving.database import File, Job, Model, writing
from course_lib.serving.jobs import ENDED
from course_lib.serving.service import Service


def clear(service: Service) -> None:
    """Delete it, before the server begins.

    A file gets its place before its row, and loses its row before its place, so that a kill between
    the two leaves bytes that no route knows. So with models.

    Args:
        service: Whose folder; nobody else works in it but processes that are about to end.

    Example:
        >>> clear(service)  # doctest: +SKIP
    """
    # The right to write is held, so that nobody's file waits for its row meanwhile.
    with writing(service.sessions) as session:
        files = set(session.scalars(select(File.id)))
        models = {service.home.path / source for source in session.scalars(select(Model.source))}
        ended = session.scalars(select(Job.id).where(Job.status.in_(ENDED)))
        for path in service.home.file("").iterdir():
            if path.name not in files:
                path.unlink()
        for job_id in ended:
            folder = service.home.job(job_id)
            for path in [*folder.glob("unfinished-*"), *folder.glob("step-*"), folder / "model"]:
                if path not in models:
                    shutil.rmtree(path, ignore_errors=True)
