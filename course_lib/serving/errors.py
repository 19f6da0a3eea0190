"""Errors in the shape that OpenAI's API gives them, which its clients turn into exceptions."""

from __future__ import annotations

import errno
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException

from course_lib.serving.database import cannot_be_written, is_busy

_LOG = logging.getLogger(__name__)

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# How pydantic names the first half of "auto" or a number.
_AUTO = "literal['auto']"
_MEANING = {
    400: "The request is wrong",
    401: "The key is missing or wrong",
    403: "This is not allowed",
    404: "There is nothing of this id",
    409: "It is there already, or in use",
    413: "The request is too large",
}


class ApiErrorDetail(BaseModel):
    """What was wrong."""

    message: str
    type: str
    param: str | None
    code: str | None


class ApiErrorBody(BaseModel):
    """How every error looks."""

    error: ApiErrorDetail


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route, for the page that describes the API.

    Args:
        statuses: HTTP statuses.

    Returns:
        What FastAPI takes as ``responses``.

    Example:
        >>> documented(404)[404]["description"]
        'There is nothing of this id'
    """
    return {status: {"model": ApiErrorBody, "description": _MEANING[status]} for status in statuses}


class ApiError(Exception):
    """Something a client did that cannot be done.

    Args:
        message: What, and what to do.
        status: The HTTP status.
        param: The parameter that is wrong, if it is one.
        code: For machines, such as ``model_not_found``.
        type: The kind of error.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        type: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message, self.status, self.param, self.code, self.type = (
            message, status, param, code, type,
        )  # fmt: skip


def not_found(what: str, name: str, param: str | None = None) -> ApiError:
    """The error for something that is not there.

    Args:
        what: Such as ``file``.
        name: Its id, as the client gave it.
        param: The parameter that named it.

    Example:
        >>> not_found("file", "file-1").message
        "There is no file 'file-1' here."
    """
    code = f"{what.replace(' ', '_')}_not_found"
    return ApiError(f"There is no {what} {name!r} here.", status=404, param=param, code=code)


def body(
    message: str,
    *,
    type: str = "invalid_request_error",
    param: str | None = None,
    code: str | None = None,
) -> dict[str, Any]:
    """What stands in the answer.

    Args:
        message: For people.
        type: The kind of error.
        param: The parameter that is wrong.
        code: For machines.

    Example:
        >>> body("no")["error"]["message"]
        'no'
    """
    detail = ApiErrorDetail(message=message, type=type, param=param, code=code)
    return ApiErrorBody(error=detail).model_dump()


def install(app: FastAPI) -> None:
    """Give every error of an app this shape, in its answers and in their description.

    Args:
        app: The app.
    """
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        for path in schema["paths"].values():
            for operation in path.values():
                operation["responses"].pop("422", None)  # FastAPI's own, which is 400 here
        return schema

    app.openapi = openapi  # type: ignore[method-assign]

    @app.exception_handler(ApiError)
    async def ours(_: Request, error: ApiError) -> JSONResponse:
        content = body(error.message, type=error.type, param=error.param, code=error.code)
        # The client would repeat what answers 409 by itself, and get the same answer.
        headers = {"x-should-retry": "false"} if error.status == 409 else None
        return JSONResponse(content, error.status, headers=headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        param, message = _what_is_wrong(error.errors())
        return JSONResponse(body(message, param=param, code="invalid_value"), 400)

    @app.exception_handler(HTTPException)
    async def wrong_url(request: Request, error: HTTPException) -> JSONResponse:
        what = {404: "Invalid URL", 405: "Method not allowed"}.get(error.status_code, error.detail)
        message = f"{what} ({request.method} {request.url.path})"
        return JSONResponse(body(message), error.status_code, headers=error.headers)

    @app.exception_handler(OSError)
    async def no_room(request: Request, error: OSError) -> JSONResponse:
        if error.errno not in _NO_ROOM:
            return await unforeseen(request, error)
        return _no_room(str(error.strerror))

    @app.exception_handler(OperationalError)
    async def not_written(request: Request, error: OperationalError) -> JSONResponse:
        if cannot_be_written(error):
            return _no_room(str(error.orig))
        if not is_busy(error):
            return await unforeseen(request, error)
        message = "The server is busy, and has changed nothing. Try again."
        content = body(message, type="server_error", code="server_busy")
        return JSONResponse(content, 503, headers={"Retry-After": "1"})

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> JSONResponse:
        _LOG.exception("a request failed", exc_info=error)
        message = "The server had an error while processing your request; its log says which."
        return JSONResponse(body(message, type="server_error"), 500)


def _what_is_wrong(found: Sequence[Mapping[str, Any]]) -> tuple[str | None, str]:
    """The parameter that is wrong, if it is one, and what to say of it."""
    # "body" or "query" says where it was looked for; the rest is the parameter's path.
    path, said = found[0]["loc"][1:], found[0]["msg"]
    if path and path[-1] == _AUTO:
        # Neither "auto" nor a number that will do: the next error is of the same parameter.
        path, said = path[:-1], f"{said}, or: {found[1]['msg']}"
    param = ".".join(str(part) for part in path) or None
    if found[0]["type"] == "extra_forbidden":
        return param, f"There is no parameter {param!r}."
    return param, (f"Invalid value for {param!r}: " if param else "Invalid request: ") + said


def _no_room(reason: str) -> JSONResponse:
    message = f"The server's disk has no room for this ({reason}). Delete files there."
    content = body(message, type="server_error", code="insufficient_storage")
    # Nor will it have any when the client asks again.
    return JSONResponse(content, 507, headers={"x-should-retry": "false"})
