"""A server of one's own for as long as a program runs, such as a notebook's kernel."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from course_lib.errors import CourseError

_PATIENCE = 30.0
_LOG = "server.log"


@dataclass(frozen=True)
class LocalServer:
    """A running server; it ends with the program that started it.

    Attributes:
        url: For ``OpenAI(base_url=...)``.
        key: For ``OpenAI(api_key=...)``.
        process: The command ``serve``.
    """

    url: str
    key: str
    process: subprocess.Popen[str]

    def __repr__(self) -> str:
        state = "running" if self.process.poll() is None else "stopped"
        return f"LocalServer({self.url}, {state})"

    @property
    def page(self) -> str:
        """The status page, for a browser. It asks for a password: the key."""
        return self.url.removesuffix("v1")

    def stop(self) -> None:
        """Stop the server; a job that trains goes on when one is started in its folder again."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def local_server(
    home: str | Path, *, key: str | None = None, base_models: Sequence[str] = ("pocket",)
) -> LocalServer:
    """Start ``python -m course_lib serve`` on any free port, and wait until it answers.

    Args:
        home: Where the server keeps everything; made where it is missing.
        key: The folder's key, where an earlier start showed it. None makes a new one, and forgets
            the one before.
        base_models: What can be fine-tuned.

    Returns:
        Its address and its key. It stops with ``stop()``, and by itself when this program ends,
        however it ends.

    Raises:
        CourseError: It did not start; its last words are told.

    Example:
        >>> server = local_server("build/serve")  # doctest: +SKIP
        >>> client = OpenAI(base_url=server.url, api_key=server.key)  # doctest: +SKIP
    """
    home = Path(home)
    home.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "course_lib", "serve", "--port", "0", "--home", str(home)]
    command += ["--until-eof", *(() if key else ("--new-key",))]
    command += [option for model in base_models for option in ("--model", model)]
    with (home / _LOG).open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # An interrupt of the notebook is for the cell that waits, not for the server.
            start_new_session=True,
        )
    assert process.stdout is not None
    found = re.search(r'base_url="([^"]+)", api_key="(.+)"', process.stdout.readline())
    if not found:
        process.wait(_PATIENCE)
        said = (home / _LOG).read_text("utf-8", "replace").strip().splitlines()
        raise CourseError(f"the server did not start: {said[-1] if said else 'it said nothing'}")
    # Whatever it prints later is read, so that it never waits for a reader.
    threading.Thread(target=_read_on, args=(process.stdout,), daemon=True).start()
    return LocalServer(found[1], key or found[2], process)


def _read_on(lines: IO[str]) -> None:
    for _ in lines:
        pass
