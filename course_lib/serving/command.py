"""`python -m course_lib serve`: OpenAI's fine-tuning API for this machine alone."""

from __future__ import annotations

import argparse
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.runtime import output_path
from course_lib.serving.home import Home

if TYPE_CHECKING:
    import uvicorn

_PORT = 8642


def main(argv: list[str]) -> int:
    """Serve until interrupted.

    Args:
        argv: The command line after the verb.

    Returns:
        0 after an interrupt.

    Raises:
        CourseError: Another server works in the folder, or it cannot be made; or another program
            listens on the port.

    Example:
        >>> main(["--port", "8642"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib serve", description=__doc__)
    add = parser.add_argument
    add("--port", type=int, default=_PORT, help=f"on 127.0.0.1 (default: {_PORT}; 0: any free one)")
    add("--home", type=Path, metavar="DIR", help="where everything is kept (default: build/serve)")
    add("--model", action="append", metavar="M", help="a base model to offer (default: pocket)")
    add("--new-key", action="store_true", help="make another API key, and forget the one before")
    add("--until-eof", action="store_true", help="stop when standard input ends, for a program")
    options = parser.parse_args(argv)

    home = Home((options.home or output_path("serve")).resolve())
    home.create()
    lock = home.lock()
    try:
        # Before the key, which is shown once: a server that cannot start would lose it.
        listener = _listen(options.port)
        key = home.replace_key() if options.new_key else home.new_key()
        models = options.model or ["pocket"]
        # uvicorn stops as it should, and then raises it; or it came before uvicorn was there.
        with suppress(KeyboardInterrupt):
            serve(home, key, listener, models, until_eof=options.until_eof)
    finally:
        lock.release()
    return 0


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        raise CourseError(
            f"127.0.0.1:{port} cannot be listened on ({error}): stop what does, such as another "
            "`serve`, or take another port with --port (0: any free one)"
        ) from error


def serve(
    home: Home,
    key: str | None,
    listener: socket.socket,
    base_models: list[str],
    *,
    until_eof: bool = False,
) -> None:
    """Answer until interrupted.

    Args:
        home: The folder, locked.
        key: A new key, to be shown; None where it was shown before.
        listener: On loopback.
        base_models: What can be fine-tuned.
        until_eof: Stop when standard input ends: with the program that holds its other end.
    """
    import uvicorn

    from course_lib.serving.app import create_app

    app = create_app(home, base_models)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    shown = key or "the key that was shown first"
    print(f'client = OpenAI(base_url="{url}", api_key="{shown}")', flush=True)
    print(f'export OPENAI_BASE_URL="{url}" OPENAI_API_KEY="{shown}"', flush=True)
    if key is None:
        print("(lost it? stop, and start with --new-key)", flush=True)
    print(f"In a browser: {url.removesuffix('v1')} (any user, the key is the password)", flush=True)
    print("Ctrl+C stops it; a job that trains goes on when it is started again.", flush=True)
    # Kept for longer than a client waits between two looks at a job: uvicorn's own 5 s would close
    # some connections just as the client's next request is on its way.
    config = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=5, timeout_keep_alive=75
    )
    server = uvicorn.Server(config)
    if until_eof:
        threading.Thread(target=_stop_at_eof, args=(server,), daemon=True).start()
    server.run(sockets=[listener])


def _stop_at_eof(server: uvicorn.Server) -> None:
    # Python's own stdin would be locked by this thread when the interpreter shuts down.
    while os.read(0, 1):
        pass
    server.should_exit = True
