"""What all routes share: the folder, the database, the limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from course_lib.errors import CourseError
from course_lib.serving.database import Model, connect, writing
from course_lib.serving.home import Home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.orm import Session, sessionmaker

#: Stands in the names of tuned models where OpenAI has the organisation.
ORGANISATION = "course"


@dataclass(frozen=True)
class Service:
    """A folder and its database.

    Attributes:
        home: The folder.
        sessions: Makes sessions of its database.
    """

    home: Home
    sessions: sessionmaker[Session]


def open_service(home: Home, base_models: Sequence[str] = ("pocket",)) -> Service:
    """Open a folder, and have its base models in the list.

    Args:
        home: The folder.
        base_models: What can be fine-tuned: names or paths as `load_model` takes them.

    Returns:
        What the routes work on.

    Example:
        >>> service = open_service(Home(Path("build/serve")))  # doctest: +SKIP
    """
    home.create()
    service = Service(home, connect(home.database))
    with writing(service.sessions) as session:
        known = set(session.scalars(select(Model.id)))
        for name in base_models:
            if name not in known:
                session.add(Model(id=name, source=name))
    return service


def source_of(service: Service, model: Model | None) -> str:
    """What `load_model` loads for a model of the list.

    Args:
        service: Whose model.
        model: Its row; None where it was deleted.

    Raises:
        CourseError: It was deleted.
    """
    if model is None:
        raise CourseError("the model to train on was deleted after the job was created")
    return model.source if model.job_id is None else str(service.home.path / model.source)
