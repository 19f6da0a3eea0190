"""What a client does wrong, and the status and OpenAI-shaped error that each thing gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from conftest import Server, faq, jsonl, start_server, wait
from openai import OpenAI

from course_lib.errors import CourseError
from course_lib.serving.home import Home

GOOD = faq()[:12]


def shape(response: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = response.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["message"]
    return error


def raw(server: Server, **headers: str) -> httpx.Client:
    sent = {"Authorization": f"Bearer {server.key}", **headers}
    return httpx.Client(base_url=server.url.removesuffix("/v1"), headers=sent, timeout=60)


# ---- keys ----

ROUTES = [
    ("GET", "/v1/models"), ("GET", "/v1/files"), ("POST", "/v1/files"),
    ("GET", "/v1/fine_tuning/jobs"), ("POST", "/v1/fine_tuning/jobs"),
    ("POST", "/v1/chat/completions"), ("GET", "/"), ("GET", "/docs"), ("GET", "/openapi.json"),
    ("GET", "/nowhere"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("header", ["Bearer sk-wrong", "Bearer", "", "Basic !!", "sk-wrong"])
def test_every_route_wants_the_key(server: Server, method: str, path: str, header: str) -> None:
    url = server.url.removesuffix("/v1") + path
    response = httpx.request(method, url, headers={"Authorization": header})
    assert response.status_code == 401
    assert shape(response)["code"] == "invalid_api_key"


def test_the_client_knows_a_wrong_key(server: Server) -> None:
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        OpenAI(base_url=server.url, api_key="sk-wrong", max_retries=0).models.list()


def test_another_host_name_is_refused(server: Server) -> None:
    with raw(server, Host="attacker.example") as client:
        assert client.get("/v1/models").status_code == 400


def test_the_folder_does_not_hold_the_key(server: Server) -> None:
    for path in server.home.rglob("*"):
        if path.is_file():
            assert server.key.encode() not in path.read_bytes(), path


def test_a_second_server_in_the_folder_is_refused(server: Server) -> None:
    with pytest.raises(CourseError, match="another server works in"):
        Home(server.home).lock()


def test_a_new_key_replaces_the_old_one(tmp_path: Path) -> None:
    first = start_server(tmp_path)
    first.stop()
    second = start_server(tmp_path, "", "--new-key")
    try:
        assert second.key != first.key
        with pytest.raises(openai.AuthenticationError):
            OpenAI(base_url=second.url, api_key=first.key, max_retries=0).models.list()
    finally:
        second.stop()


# ---- uploads ----

BAD_FILES = [
    (b"", "rows.jsonl", "empty"),
    (b"\n\n", "rows.jsonl", "empty"),
    (b'{"messages": []}\nnot json\n', "rows.jsonl", "Line 2 is not valid JSON"),
    (b'{"a": 1}\n[1, 2]\n', "rows.jsonl", "Line 2 is not a JSON object"),
    (b'{"a": NaN}\n', "rows.jsonl", "Line 1 is not valid JSON"),
    (b'{"a": "b\n', "rows.jsonl", "not valid JSON: Unterminated string starting at column 7"),
    ('{"a": "é"}\n'.encode("latin-1"), "rows.jsonl", "Line 1 is not UTF-8"),
    (b"a,b\n1,2\n", "rows.csv", "JSON Lines"),
]


@pytest.mark.parametrize(("content", "name", "message"), BAD_FILES)
def test_a_bad_upload_is_refused_with_its_line(
    client: OpenAI, content: bytes, name: str, message: str
) -> None:
    before = len(client.files.list().data)
    with pytest.raises(openai.BadRequestError, match=message):
        client.files.create(file=(name, content), purpose="fine-tune")
    assert len(client.files.list().data) == before


@pytest.mark.parametrize(
    "name", ["../../evil.jsonl", "/etc/passwd.jsonl", "..\\..\\evil.jsonl", "a/b/../../c.jsonl"]
)
def test_a_name_is_never_a_path(server: Server, client: OpenAI, name: str) -> None:
    rows = [{"messages": row["messages"], "name": name} for row in GOOD]
    before = set(server.home.parent.rglob("*.jsonl"))
    file = client.files.create(file=(name, jsonl(rows)), purpose="fine-tune")
    assert "/" not in file.filename
    assert "\\" not in file.filename
    assert set(server.home.parent.rglob("*.jsonl")) == before
    client.files.delete(file.id)


@pytest.mark.parametrize(
    "path",
    ["/v1/files/..%2F..%2Fstate.sqlite", "/v1/files/../state.sqlite/content", "/v1/files/%2e%2e",
     "/v1/files/..%2Fkey.sha256/content", "/v1/models/..%2F..%2Fetc"],
)  # fmt: skip
def test_a_path_as_an_id_finds_nothing(server: Server, path: str) -> None:
    with raw(server) as client:
        response = client.get(path)
    assert response.status_code == 404
    shape(response)


def test_the_same_file_twice_is_refused(client: OpenAI, upload: Callable[..., str]) -> None:
    rows = [*GOOD, {"messages": GOOD[0]["messages"], "twice": True}]
    first = upload(rows)
    with pytest.raises(openai.ConflictError, match=first):
        client.files.create(file=("again.jsonl", jsonl(rows)), purpose="fine-tune")


def test_another_purpose_and_a_missing_file_are_refused(server: Server, client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="no purpose here"):
        client.files.create(file=("rows.jsonl", jsonl(GOOD)), purpose="assistants")
    with raw(server) as http:
        assert http.post("/v1/files", data={"purpose": "fine-tune"}).status_code == 400
        assert http.post("/v1/files", content=b"x").status_code == 400
        head = {"Content-Type": "multipart/form-data"}
        assert http.post("/v1/files", content=b"x", headers=head).status_code == 400


def test_files_come_back_as_they_went(client: OpenAI, upload: Callable[..., str]) -> None:
    rows = [*GOOD, {"messages": GOOD[0]["messages"], "back": "戻る"}]
    file_id = upload(rows, "戻る.jsonl")
    assert client.files.content(file_id).content == jsonl(rows)
    found = client.files.retrieve(file_id)
    assert (found.filename, found.bytes) == ("戻る.jsonl", len(jsonl(rows)))
    assert client.files.delete(file_id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file_id)
    with pytest.raises(openai.NotFoundError):
        client.files.delete(file_id)


# ---- jobs ----


def bad(row: Any, message: str) -> Any:
    return pytest.param([*GOOD, row], message, id=message)


BAD_ROWS = [
    pytest.param(GOOD[:9], "at least 10 example", id="nine rows"),
    bad({"prompt": "a"}, "Line 13: there is no 'messages'"),
    bad({"messages": []}, "Line 13: messages must be a list of at least one"),
    bad({"messages": [{"role": "customer", "content": "a"}]}, "has the role 'customer'"),
    bad({"messages": [{"role": "user", "content": "a"}]}, "no message is the assistant's"),
    bad({"messages": [{"role": "user"}]}, "has no content"),
    bad({"messages": ["a"]}, "is not an object"),
    bad({"messages": [{"role": "assistant", "content": 7}]}, "content that is not text"),
    bad({"messages": [{"role": "assistant", "content": "a", "weight": 2}]}, "weight"),
]


@pytest.mark.parametrize(("rows", "message"), BAD_ROWS)
def test_bad_rows_fail_the_job_and_name_the_line(
    client: OpenAI, upload: Callable[..., str], rows: list[Any], message: str
) -> None:
    created = client.fine_tuning.jobs.create(model="pocket", training_file=upload(rows))
    job = wait(client, created.id)
    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_training_file", "training_file")
    assert message in job.error.message
    events = client.fine_tuning.jobs.list_events(job.id).data
    assert events[0].level == "error"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": "gpt-nowhere"}, "model"),
        ({"training_file": "file-nowhere"}, "training_file"),
        ({"validation_file": "file-nowhere"}, "validation_file"),
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"n_epochs": "many"}}, "hyperparameters.n_epochs"),
        ({"hyperparameters": {"batch_size": 1000}}, "hyperparameters.batch_size"),
        ({"hyperparameters": {"learning_rate_multiplier": -1}}, "hyperparameters"),
        ({"hyperparameters": {"epochs": 3}}, "hyperparameters.epochs"),
        ({"suffix": "no spaces"}, "suffix"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"method": {"type": "magic"}}, "method.type"),
        ({"method": {"type": "reinforcement"}}, "method.reinforcement.grader"),
        ({"method": {"type": "dpo", "supervised": {}}}, "method"),
        ({"trainig_file": "file-1"}, "trainig_file"),
    ],
)
def test_a_bad_job_is_refused_with_its_parameter(
    server: Server, upload: Callable[..., str], changes: dict[str, Any], param: str
) -> None:
    body = {"model": "pocket", "training_file": upload(GOOD), **changes}
    with raw(server) as client:
        response = client.post("/v1/fine_tuning/jobs", json=body)
    assert response.status_code in (400, 404)
    assert str(shape(response)["param"]).startswith(param)


def test_a_job_on_a_deleted_file_is_refused(client: OpenAI, upload: Callable[..., str]) -> None:
    file_id = upload(GOOD)
    client.files.delete(file_id)
    with pytest.raises(openai.NotFoundError, match=file_id):
        client.fine_tuning.jobs.create(model="pocket", training_file=file_id)


def test_validating_on_the_training_rows_is_refused(
    client: OpenAI, upload: Callable[..., str]
) -> None:
    file_id = upload(GOOD)
    with pytest.raises(openai.BadRequestError, match="the same rows as the training file"):
        client.fine_tuning.jobs.create(
            model="pocket", training_file=file_id, validation_file=file_id
        )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 3}, "There is no parameter 'hyperparameters.epochs'."),
        (
            {"n_epochs": 0},
            "Invalid value for 'hyperparameters.n_epochs': Input should be 'auto', or: "
            "Input should be greater than or equal to 1",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_would_do(
    client: OpenAI, settings: Any, message: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.fine_tuning.jobs.create(
            model="pocket", training_file="file-1", hyperparameters=settings
        )
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["message"] == message


def test_a_cancelled_job_stays_cancelled(client: OpenAI, upload: Callable[..., str]) -> None:
    created = client.fine_tuning.jobs.create(model="pocket", training_file=upload(GOOD), seed=0)
    assert client.fine_tuning.jobs.cancel(created.id).status == "cancelled"
    for again in (client.fine_tuning.jobs.cancel, client.fine_tuning.jobs.resume):
        with pytest.raises(openai.BadRequestError, match="has status 'cancelled'"):
            again(created.id)
    with pytest.raises(openai.BadRequestError, match="cannot be paused"):
        client.fine_tuning.jobs.pause(created.id)


@pytest.mark.parametrize("call", ["retrieve", "cancel", "pause", "resume", "list_events"])
def test_an_unknown_job_is_not_found(client: OpenAI, call: str) -> None:
    with pytest.raises(openai.NotFoundError, match="ftjob-nowhere"):
        getattr(client.fine_tuning.jobs, call)("ftjob-nowhere")


@pytest.mark.parametrize("query", ["limit=0", "limit=1000", "limit=x", "after=ftjob-nowhere"])
def test_a_bad_page_is_refused(server: Server, query: str) -> None:
    with raw(server) as client:
        assert shape(client.get(f"/v1/fine_tuning/jobs?{query}"))["param"] in ("limit", "after")


# ---- models and chat ----


def test_a_base_model_cannot_be_deleted(client: OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="base model"):
        client.models.delete("pocket")
    with pytest.raises(openai.NotFoundError):
        client.models.delete("ft:nowhere")
    assert client.models.retrieve("pocket").id == "pocket"


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"model": "nowhere"}, "model"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "boss", "content": "a"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "content": "a " * 5000}]}, "messages"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"n": 0}, "n"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"response_format": {"type": "json_object"}}, "messages"),
        ({"response_format": {"type": "json_schema"}}, "response_format"),
        ({"presence_penalty": 1}, "presence_penalty"),
    ],
)
def test_a_bad_question_is_refused_with_its_parameter(
    server: Server, changes: dict[str, Any], param: str
) -> None:
    body = {"model": "pocket", "messages": [{"role": "user", "content": "Hi"}], **changes}
    with raw(server) as client:
        response = client.post("/v1/chat/completions", json=body)
    assert response.status_code in (400, 404)
    assert str(shape(response)["param"]).startswith(param)


def test_a_wrong_url_and_a_wrong_method_are_told(server: Server) -> None:
    with raw(server) as client:
        assert "Invalid URL" in shape(client.get("/v1/nowhere"))["message"]
        assert client.put("/v1/files").status_code == 405
        response = client.post("/v1/fine_tuning/jobs", content=b"{", headers={"a": "b"})
    assert response.status_code in (400, 422)
    shape(response)


def test_an_upload_over_the_limit_is_refused(tmp_path: Path) -> None:
    from fastapi.testclient import TestClient

    from course_lib.serving.app import create_app

    home = Home(tmp_path / "home")
    home.create()
    key = home.new_key()
    with TestClient(create_app(home, largest_upload=10_000)) as client:
        head = {"Authorization": f"Bearer {key}"}
        rows = {"file": ("rows.jsonl", b'{"a": 1}\n' * 5000)}
        response = client.post("/v1/files", files=rows, data={"purpose": "fine-tune"}, headers=head)
        assert response.status_code == 413
        assert response.json()["error"]["code"] == "file_too_large"
        # Sent in pieces, nothing says beforehand how many will come.
        many = (b'{"model": "' + b"x" * 1000 for _ in range(50))
        response = client.post("/v1/fine_tuning/jobs", content=many, headers=head)
        assert response.status_code == 413
        assert not list((home.path / "files").iterdir())
        assert json.loads(client.get("/v1/files", headers=head).text)["data"] == []
