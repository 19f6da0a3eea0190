"""The routes of files: upload, list, retrieve, content, delete."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from openai.types import FileDeleted, FileObject
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import UploadFile

from course_lib.serving.database import File, new_id, writing
from course_lib.serving.errors import ApiError, documented, not_found
from course_lib.serving.pages import After, Page, as_page, page
from course_lib.serving.service import Service
from course_lib.serving.training_files import InvalidFile, rows

_PIECE = 1 << 20
_LONGEST_NAME = 255
_BYTES = "application/octet-stream"

_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string", "enum": ["fine-tune"]},
                    },
                }
            }
        },
    }
}
_CONTENT = documented(404) | {
    200: {
        "description": "The file as it was uploaded",
        "content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}},
    }
}


def router(service: Service) -> APIRouter:
    """The routes.

    Args:
        service: What they work on.
    """
    routes = APIRouter(prefix="/v1/files")

    @routes.post("", openapi_extra=_UPLOAD, responses=documented(409))
    async def create(request: Request) -> FileObject:
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise ApiError("Send the file as multipart/form-data.", param="file")
        async with request.form(max_files=1, max_fields=8) as form:
            upload, purpose = form.get("file"), form.get("purpose")
            if not isinstance(upload, UploadFile):
                raise ApiError("'file' is a required property: a file.", param="file")
            if purpose != "fine-tune":
                raise ApiError(
                    f"{purpose!r} is no purpose here; give 'fine-tune'.", param="purpose"
                )
            return await run_in_threadpool(_store, service, upload)

    @routes.get("")
    async def files(
        after: After = None,
        limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
        order: Literal["asc", "desc"] = "desc",
        purpose: str | None = None,
    ) -> Page[FileObject]:
        chosen = select(File)
        if purpose is not None:
            chosen = chosen.where(File.purpose == purpose)
        with service.sessions() as session:
            found, more = page(
                session, File, chosen, after=after, limit=limit, newest_first=order == "desc"
            )
        return as_page(found, [file_object(file) for file in found], more)

    @routes.get("/{file_id}", responses=documented(404))
    async def retrieve(file_id: str) -> FileObject:
        with service.sessions() as session:
            return file_object(find_file(session, file_id))

    @routes.get("/{file_id}/content", response_class=FileResponse, responses=_CONTENT)
    async def content(file_id: str) -> FileResponse:
        with service.sessions() as session:
            file = find_file(session, file_id)
        return FileResponse(service.home.file(file.id), media_type=_BYTES)

    @routes.delete("/{file_id}", responses=documented(404))
    def delete(file_id: str) -> FileDeleted:
        with writing(service.sessions) as session:
            file = find_file(session, file_id)
            session.delete(file)
        service.home.file(file.id).unlink(missing_ok=True)
        return FileDeleted(id=file.id, deleted=True, object="file")

    return routes


def find_file(session: Session, file_id: str, param: str | None = None) -> File:
    """The file with an id.

    Args:
        session: Where to look.
        file_id: As the client gave it; it is looked up, and never a path.
        param: The parameter that named it.

    Raises:
        ApiError: There is none.

    Example:
        >>> find_file(session, "file-1").filename  # doctest: +SKIP
        'support.jsonl'
    """
    file = session.scalar(select(File).where(File.id == file_id))
    if file is None:
        raise not_found("file", file_id, param)
    return file


def file_object(file: File) -> FileObject:
    """What the client sees of a file.

    Args:
        file: The row of the database.
    """
    known: dict[str, Any] = {
        name: getattr(file, name) for name in ("id", "bytes", "created_at", "filename", "purpose")
    }
    return FileObject(**known, object="file", status="processed")


def keep(service: Service, unfinished: Path, filename: str, purpose: str, sha256: str) -> File:
    """Give a whole file an id and its place; it is there with its row, or neither is.

    Args:
        service: Where it is kept.
        unfinished: The content, in the home's own folder of files.
        filename: What people call it.
        purpose: ``fine-tune`` or ``fine-tune-results``.
        sha256: From `hashed`.

    Returns:
        Its row, which is not yet in the database.
    """
    file = File(
        id=new_id("file-"),
        filename=filename,
        purpose=purpose,
        bytes=unfinished.stat().st_size,
        sha256=sha256,
    )
    os.replace(unfinished, service.home.file(file.id))
    return file


def _store(service: Service, upload: UploadFile) -> FileObject:
    # The last part alone, for people to read: a name is never a path.
    name = (upload.filename or "").replace("\\", "/").rsplit("/", 1)[-1][:_LONGEST_NAME] or "upload"
    unfinished = service.home.file(new_id("unfinished-"))
    try:
        with unfinished.open("wb") as written:
            while piece := upload.file.read(_PIECE):
                written.write(piece)
            written.flush()
            os.fsync(written.fileno())
        _check(unfinished, name)
        sha256 = hashed(unfinished)
        with writing(service.sessions) as session:
            _refuse_twin(session, sha256)
            file = keep(service, unfinished, name, "fine-tune", sha256)
            session.add(file)
        return file_object(file)
    finally:
        unfinished.unlink(missing_ok=True)


def _check(path: Path, name: str) -> None:
    if not name.endswith(".jsonl"):
        raise ApiError(
            f"Invalid extension of {name!r}: files to fine-tune with are JSON Lines (.jsonl).",
            param="file",
            code="invalid_file_format",
        )
    try:
        for _ in rows(path):
            pass
    except InvalidFile as error:
        raise ApiError(str(error), param="file", code="invalid_file_format") from error


def _refuse_twin(session: Session, sha256: str) -> None:
    twin = session.scalar(select(File).where(File.sha256 == sha256, File.purpose == "fine-tune"))
    if twin is not None:
        raise ApiError(
            f"This file is here already, as {twin.id} ({twin.filename}): use that, or delete it.",
            status=409,
            param="file",
            code="duplicate_file",
        )


def hashed(path: Path) -> str:
    """SHA-256 of a file's content.

    Args:
        path: The file.

    Returns:
        64 hexadecimal digits.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
