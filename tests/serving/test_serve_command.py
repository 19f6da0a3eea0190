"""The command `serve` in a terminal: what it says when it cannot start, and how it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
from conftest import PATIENCE


def serve(home: Path, port: int) -> subprocess.Popen[str]:
    """Start the command with both of its outputs in pipes."""
    return subprocess.Popen(
        [sys.executable, "-m", "course_lib", "serve", "--home", str(home), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # As a terminal has it: a shell's background jobs ignore interrupts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_a_port_that_is_taken_is_told_and_costs_no_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = serve(tmp_path, port)
        said, why = refused.communicate(timeout=PATIENCE)
    assert refused.returncode == 2
    assert f"127.0.0.1:{port} cannot be listened on" in why
    assert "--port" in why
    assert "Traceback" not in why
    assert said == ""
    # The key is shown once, and this folder's has not been.
    running = serve(tmp_path, port)
    assert running.stdout is not None
    assert 'api_key="sk-' in running.stdout.readline()
    running.terminate()
    running.communicate(timeout=PATIENCE)


def test_an_interrupt_ends_it_without_a_traceback(tmp_path: Path) -> None:
    running = serve(tmp_path, 0)
    assert running.stdout is not None
    url = running.stdout.readline().split('"')[1]
    # Listened on from the first line, answered when it has started.
    assert httpx.get(f"{url}/models", timeout=PATIENCE).status_code == 401
    running.send_signal(signal.SIGINT)
    _, why = running.communicate(timeout=PATIENCE)
    assert (running.returncode, why) == (0, "")
