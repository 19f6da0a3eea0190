"""The routes of models: list, retrieve, delete."""

from __future__ import annotations

import shutil
from typing import Any, Literal

from fastapi import APIRouter
from openai.types import Model as ModelObject
from openai.types import ModelDeleted
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from course_lib.serving.database import Job, Model, writing
from course_lib.serving.errors import ApiError, documented, not_found
from course_lib.serving.service import ORGANISATION, Service


class Models(BaseModel):
    """All models; the API does not page them."""

    object: Literal["list"] = "list"
    data: list[ModelObject]


def router(service: Service) -> APIRouter:
    """The routes.

    Args:
        service: What they work on.
    """
    routes = APIRouter(prefix="/v1/models")

    @routes.get("")
    async def models() -> Models:
        with service.sessions() as session:
            found = session.scalars(select(Model).order_by(Model.number))
            return Models(data=[_object(model) for model in found])

    @routes.get("/{model_id:path}", responses=documented(404))
    async def retrieve(model_id: str) -> ModelObject:
        with service.sessions() as session:
            return _object(find_model(session, model_id))

    @routes.delete("/{model_id:path}", responses=documented(403, 404, 409))
    def delete(model_id: str) -> ModelDeleted:
        with writing(service.sessions) as session:
            model = find_model(session, model_id)
            if model.job_id is None:
                raise ApiError(
                    f"{model_id!r} is a base model of this server and stays.",
                    status=403,
                    code="permission_denied",
                )
            _refuse_in_use(session, model_id)
            session.delete(model)
        shutil.rmtree(service.home.path / model.source, ignore_errors=True)
        return ModelDeleted(id=model_id, deleted=True, object="model")

    return routes


def find_model(session: Session, model_id: str, param: str | None = None) -> Model:
    """The model with an id.

    Args:
        session: Where to look.
        model_id: As the client gave it; it is looked up, and never a path.
        param: The parameter that named it.

    Raises:
        ApiError: There is none.

    Example:
        >>> find_model(session, "pocket").source  # doctest: +SKIP
        'pocket'
    """
    model = session.scalar(select(Model).where(Model.id == model_id))
    if model is None:
        raise not_found("model", model_id, param)
    return model


def _refuse_in_use(session: Session, model_id: str) -> None:
    waiting = ("validating_files", "queued", "running", "paused")
    chosen = select(Job.id).where(Job.model == model_id, Job.status.in_(waiting))
    job_id = session.scalar(chosen)
    if job_id is not None:
        raise ApiError(
            f"{job_id} trains on {model_id!r}: cancel it first.",
            status=409,
            code="model_in_use",
        )


def _object(model: Model) -> ModelObject:
    known: dict[str, Any] = {"id": model.id, "created": model.created_at, "object": "model"}
    return ModelObject(**known, owned_by=ORGANISATION)
