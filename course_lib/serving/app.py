"""The service as one ASGI app.

Routes that only look up some rows are ``async`` and do it on the event loop: that takes less time
than to hand it to a thread, and hundreds of reads at once do not fight over the interpreter.
SQLite's readers wait for no writer (write-ahead logging). What writes may wait, and has a thread.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Security
from fastapi.security import HTTPBearer
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from course_lib import __version__
from course_lib.serving import chat, errors, files, graders, jobs, models, status
from course_lib.serving.home import Home
from course_lib.serving.protection import BodyLimit, KeyRequired
from course_lib.serving.queue import Queue
from course_lib.serving.service import open_service

#: The largest upload, OpenAI's own: 512 MB.
LARGEST_UPLOAD = 512_000_000
# A page in a browser must not reach the server under a name of its own (DNS rebinding).
_HOSTS = ("127.0.0.1", "localhost", "[::1]", "testserver")


def create_app(
    home: Home,
    base_models: Sequence[str] = ("pocket",),
    *,
    largest_upload: int = LARGEST_UPLOAD,
) -> FastAPI:
    """Build the app; its queue of jobs runs while the app does.

    Args:
        home: The server's folder, which has a key.
        base_models: What can be fine-tuned.
        largest_upload: The most bytes of one request.

    Returns:
        A FastAPI app, for uvicorn.

    Example:
        >>> app = create_app(Home(Path("build/serve")))  # doctest: +SKIP
    """
    service = open_service(home, base_models)
    queue = Queue(service)

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        queue.start()
        try:
            yield
        finally:
            queue.stop()

    app = FastAPI(
        title="course_lib serve",
        version=__version__,
        description="OpenAI's fine-tuning API on your own machine.",
        lifespan=running,
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS)),
            Middleware(KeyRequired, stored_hash=home.stored_key_hash),
            Middleware(BodyLimit, limit=largest_upload),
        ],
    )
    errors.install(app)
    # Tells readers of /docs about the key; it is `KeyRequired` that looks at it.
    bearer = HTTPBearer(auto_error=False, description="The API key that `serve` has shown")
    for routes in (files, jobs, models, chat, status):
        app.include_router(
            routes.router(service),
            dependencies=[Security(bearer)],
            responses=errors.documented(400, 401, 413),
        )
    app.include_router(
        graders.router(),
        dependencies=[Security(bearer)],
        responses=errors.documented(400, 401, 413),
    )
    return app
