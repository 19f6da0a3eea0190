"""What every request passes before any route sees it: the key, the host, the size.

Written against ASGI itself rather than as a dependency of routes, so that no route, and no page
that FastAPI adds by itself, can be forgotten.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from course_lib.serving.errors import body
from course_lib.serving.home import key_hash


class KeyRequired:
    """Lets a request pass that carries the key.

    As a bearer token, as the clients send it, or as the password of HTTP's basic authentication,
    which is what a browser asks its user for.

    Args:
        app: What is behind.
        stored_hash: Reads the hash of the key, each time: a replaced key is worth nothing at once.
    """

    def __init__(self, app: ASGIApp, stored_hash: Callable[[], str]) -> None:
        self._app, self._stored_hash = app, stored_hash

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _key(Headers(scope=scope).get("authorization", ""))
        # Compared in constant time: how long it takes does not tell how much of a key was right.
        if secrets.compare_digest(key_hash(given), self._stored_hash()):
            await self._app(scope, receive, send)
            return
        message = (
            "Incorrect API key provided. The key was shown when the server first started in its "
            "folder; `serve --new-key` makes another."
            if given
            else "You didn't provide an API key. Give api_key=… to the client."
        )
        response = JSONResponse(
            body(message, code="invalid_api_key"),
            401,
            headers={"WWW-Authenticate": 'Basic realm="password: the API key"'},
        )
        await response(scope, receive, send)


def _key(header: str) -> str:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


class _TooLarge(Exception):
    pass


class BodyLimit:
    """Refuses a request whose body is too large, said beforehand or not.

    Args:
        app: What is behind.
        limit: The most bytes.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app, self._limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "0")
        if said.isdigit() and int(said) > self._limit:
            response = JSONResponse(body(self._message(), code="file_too_large"), 413)
            await response(scope, receive, send)
            return
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message: dict[str, Any] = dict(await receive())
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise _TooLarge
            return message

        async def answered(message: Message) -> None:
            nonlocal started
            # Whatever the app makes of a body that was cut short, the client is told the cause.
            if seen <= self._limit or started:
                started = True
                await send(message)

        with suppress(_TooLarge):
            await self._app(scope, counted, answered)
        if not started:
            response = JSONResponse(body(self._message(), code="file_too_large"), 413)
            await response(scope, receive, send)

    def _message(self) -> str:
        return f"The request is larger than the {self._limit / 1e6:,.0f} MB that are allowed."
