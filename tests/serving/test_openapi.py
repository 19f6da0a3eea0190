"""Requests that schemathesis makes up from the service's own openapi.json: no route breaks.

Every answer must be one that the page describes: its status, its type, its shape; and what the page
forbids must be refused. Ids made up at random find nothing, so that each request is sent a second
time with ids that are there.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
import schemathesis
import uvicorn
from conftest import faq, jsonl
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from course_lib.serving.app import create_app
from course_lib.serving.home import Home

ROUTES = [
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("GET", "/v1/files/{file_id}"),
    ("GET", "/v1/files/{file_id}/content"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/fine_tuning/jobs/{job_id}"),
    ("POST", "/v1/fine_tuning/jobs/{job_id}/cancel"),
    ("POST", "/v1/fine_tuning/jobs/{job_id}/pause"),
    ("POST", "/v1/fine_tuning/jobs/{job_id}/resume"),
    ("GET", "/v1/fine_tuning/jobs/{job_id}/events"),
    ("GET", "/v1/fine_tuning/jobs/{job_id}/checkpoints"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/{model_id}"),
    ("DELETE", "/v1/models/{model_id}"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/fine_tuning/alpha/graders/run"),
    ("POST", "/v1/fine_tuning/alpha/graders/validate"),
    ("DELETE", "/v1/files/{file_id}"),  # the last: the others want the file
]


class Api(NamedTuple):
    """The described routes, what a request needs, and ids that are there."""

    routes: Any
    headers: dict[str, str]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    home = Home(tmp_path_factory.mktemp("schema"))
    home.create()
    headers = {"Authorization": f"Bearer {home.new_key()}"}
    # Without its lifespan, which is the queue: jobs wait for ever, and nothing trains.
    config = uvicorn.Config(create_app(home), lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with httpx.Client(base_url=url, headers=headers, timeout=120) as client:
        files = {"file": ("rows.jsonl", jsonl(faq()[:12]))}
        file = client.post("/v1/files", files=files, data={"purpose": "fine-tune"}).json()
        body = {"model": "pocket", "training_file": file["id"]}
        job = client.post("/v1/fine_tuning/jobs", json=body).json()
        # The first answer waits for torch.
        question = {"model": "pocket", "messages": [{"role": "user", "content": "Hi"}]}
        client.post("/v1/chat/completions", json=question | {"max_tokens": 1})
    ids = {"model_id": "pocket", "file_id": file["id"], "job_id": job["id"]}
    yield Api(schemathesis.openapi.from_url(f"{url}/openapi.json", headers=headers), headers, ids)
    server.should_exit = True
    thread.join()


def with_known_ids(case: schemathesis.Case[Any], ids: dict[str, str]) -> schemathesis.Case[Any]:
    """The same request, about something that is there."""
    body: Any = case.body
    if isinstance(body, dict) and case.path.endswith("/jobs"):
        body = body | {"model": "pocket", "training_file": ids["file_id"]}
    if isinstance(body, dict) and case.path.endswith("/completions"):
        # Short: sixteen long answers to a made-up question take minutes.
        body = body | {"model": "pocket", "max_tokens": 3, "max_completion_tokens": 3, "n": 2}
    return case.operation.Case(
        path_parameters={name: ids[name] for name in case.path_parameters},
        query=dict(case.query),
        body=body,
        media_type=case.media_type,
    )


def send(api: Api, method: str, path: str, mode: GenerationMode, examples: int) -> None:
    """Send made-up requests to a route, and check what comes back."""

    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],  # to shrink a failure takes minutes
        suppress_health_check=list(HealthCheck),
    )
    @given(case=api.routes[path][method].as_strategy(generation_mode=mode))
    def every(case: schemathesis.Case[Any]) -> None:
        # A well-formed request may be refused: there is no such id.
        skipped: list[Any] = [positive_data_acceptance]
        case.call_and_validate(headers=api.headers, excluded_checks=skipped, timeout=60)
        # What was wrong with it may have been mended by a known id.
        skipped = [positive_data_acceptance, negative_data_rejection]
        with_known_ids(case, api.ids).call_and_validate(
            headers=api.headers, excluded_checks=skipped, timeout=60
        )

    every()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_answer_is_one_that_the_page_describes(
    api: Api, method: str, path: str, mode: GenerationMode
) -> None:
    send(api, method, path, mode, examples=5)


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_and_so_are_hundreds_more(api: Api, method: str, path: str, mode: GenerationMode) -> None:
    send(api, method, path, mode, examples=200)


def test_no_route_is_left_out(api: Api) -> None:
    page = api.routes.raw_schema
    described = {
        (method.upper(), path) for path, methods in page["paths"].items() for method in methods
    }
    assert described == set(ROUTES)
    bearer = page["components"]["securitySchemes"]["HTTPBearer"]
    assert (bearer["type"], bearer["scheme"]) == ("http", "bearer")
    for path, methods in page["paths"].items():
        for method, operation in methods.items():
            assert operation["security"] == [{"HTTPBearer": []}], (method, path)
            assert {"400", "401", "413"} <= set(operation["responses"]), (method, path)
            assert "422" not in operation["responses"], (method, path)
