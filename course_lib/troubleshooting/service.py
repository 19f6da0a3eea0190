"""The `openai` client and the course's local service."""

from __future__ import annotations

import re
from typing import Any

from course_lib.troubleshooting.raised import Finding, Raised

_START = 'server = local_server("build/serve")\n'
_CLIENT = "client = OpenAI(base_url=server.url, api_key=server.key)"


def _service_not_running(raised: Raised) -> Finding | None:
    """Nobody listens at the client's address."""
    refused = raised.matches("APIConnectionError", "") and raised.in_chain("ConnectionRefusedError")
    if not refused:
        return None
    error: Any = raised.error
    return Finding(_START + _CLIENT, None, {"url": error.request.url})


def _wrong_key(raised: Raised) -> Finding | None:
    """The local service wants its own key."""
    error: Any = raised.error
    if not raised.matches("AuthenticationError", "") or error.request.url.host not in _LOOPBACK:
        return None
    server = raised.variable(_is_server, anywhere=True) or "server"
    return raised.with_arguments("OpenAI", put={"api_key": f"{server}.key"})


def _no_key(raised: Raised) -> Finding | None:
    """`OpenAI()` found no key."""
    if not raised.matches("OpenAIError", r"missing credentials|api_key client option must be set"):
        return None
    server = raised.variable(_is_server, anywhere=True) or "server"
    put = {"base_url": f"{server}.url", "api_key": f"{server}.key"}
    return raised.with_arguments("OpenAI", put=put)


def _model_not_served(raised: Raised) -> Finding | None:
    """The service has no model of this name."""
    error: Any = raised.error
    if not raised.matches("NotFoundError", "") or error.code != "model_not_found":
        return None
    asked = re.search(r"model '([^']+)'", str(error))
    client = raised.variable(lambda one: type(one).__name__ == "OpenAI") or "client"
    return Finding(
        f"[model.id for model in {client}.models.list()]",
        None,
        {"asked": asked[1] if asked else "?"},
    )


def _is_server(value: Any) -> bool:
    return type(value).__name__ == "LocalServer"


_LOOPBACK = ("127.0.0.1", "localhost", "::1")
DIAGNOSES = (_service_not_running, _wrong_key, _no_key, _model_not_served)
