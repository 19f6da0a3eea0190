"""Random orders of calls to files, jobs and models, against a simple model of what must be true.

The app is the real one, with its queue: bad files fail, the first good job gets a process. What the
queue may do between two calls is all that the model leaves open.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from conftest import faq, jsonl
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from course_lib.serving.app import create_app
from course_lib.serving.database import Job, connect
from course_lib.serving.home import Home

GOOD = faq()[:12]
ENDED = {"succeeded", "failed", "cancelled"}
# Where a job can be when it was last seen somewhere; nobody but the queue moves it meanwhile.
BY_ITSELF = {
    "validating_files": {"validating_files", "queued", "running", "succeeded", "failed"},
    "queued": {"queued", "running", "succeeded", "failed"},
    "running": {"running", "queued", "succeeded", "failed"},
    "paused": {"paused"},
} | {end: {end} for end in ENDED}
MOVES = {
    "cancel": ({"validating_files", "queued", "running", "paused"}, "cancelled"),
    "pause": ({"queued", "running"}, "paused"),
    "resume": ({"paused"}, "queued"),
}


class Api(RuleBasedStateMachine):
    """Files, jobs and their events as a client sees them."""

    files = Bundle("files")
    deleted = Bundle("deleted")
    jobs = Bundle("jobs")

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        home = Home(Path(self.folder.name) / "home")
        home.create()
        headers = {"Authorization": f"Bearer {home.new_key()}"}
        self.app = TestClient(create_app(home), headers=headers)
        self.app.__enter__()
        self.sessions = connect(home.database)
        self.content: dict[str, bytes] = {}
        self.status: dict[str, str] = {}
        self.events: dict[str, list[str]] = {}

    def teardown(self) -> None:
        if hasattr(self, "app"):
            self.app.__exit__(None, None, None)
            self.sessions.kw["bind"].dispose()
            self.folder.cleanup()

    def call(self, method: str, path: str, expected: int = 200, **request: Any) -> Any:
        answer = self.app.request(method, f"/v1/{path}", **request)
        assert answer.status_code == expected, (method, path, answer.text)
        if expected != 200:
            error = answer.json()["error"]
            assert set(error) == {"message", "type", "param", "code"}
            assert error["message"]
        return answer

    def seen(self, job_id: str) -> str:
        """The status in the database: the client's own type has no word for "paused"."""
        with self.sessions() as session:
            status = session.scalar(select(Job.status).where(Job.id == job_id))
        assert status in BY_ITSELF[self.status[job_id]], (self.status[job_id], status)
        self.status[job_id] = status
        return status

    def pages(self, path: str, limit: int) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            page = self.call("GET", path, params={"limit": limit, **after}).json()
            rows += page["data"]
            assert len(page["data"]) <= limit
            if not page["has_more"]:
                return rows
            assert page["last_id"] == page["data"][-1]["id"]
            after = {"after": page["last_id"]}

    # ---- files ----

    @rule(target=files, number=st.integers(0, 3), good=st.booleans())
    def upload(self, number: int, good: bool) -> Any:
        rows = GOOD if good else GOOD[:5]
        content = jsonl([*rows, {"messages": GOOD[0]["messages"], "number": number}])
        twin = content in self.content.values()
        answer = self.call(
            "POST", "files", 409 if twin else 200,
            files={"file": (f"{number}.jsonl", content)}, data={"purpose": "fine-tune"},
        )  # fmt: skip
        if twin:
            return multiple()
        file_id = answer.json()["id"]
        assert file_id not in self.content
        self.content[file_id] = content
        return file_id

    @rule(file_id=files)
    def read(self, file_id: str) -> None:
        assert self.call("GET", f"files/{file_id}/content").content == self.content[file_id]
        assert self.call("GET", f"files/{file_id}").json()["bytes"] == len(self.content[file_id])

    @rule(target=deleted, file_id=consumes(files))
    def delete(self, file_id: str) -> str:
        assert self.call("DELETE", f"files/{file_id}").json()["deleted"]
        del self.content[file_id]
        return file_id

    @rule(file_id=deleted)
    def deleted_is_gone(self, file_id: str) -> None:
        self.call("GET", f"files/{file_id}", 404)
        self.call("GET", f"files/{file_id}/content", 404)
        self.call("DELETE", f"files/{file_id}", 404)
        body = {"model": "pocket", "training_file": file_id}
        self.call("POST", "fine_tuning/jobs", 404, json=body)

    @rule(limit=st.integers(1, 3))
    def list_files(self, limit: int) -> None:
        assert [row["id"] for row in self.pages("files", limit)] == list(self.content)[::-1]

    # ---- jobs ----

    @rule(target=jobs, file_id=files, model=st.sampled_from(["pocket", "pocket", "nowhere"]))
    def create(self, file_id: str, model: str) -> Any:
        body = {"model": model, "training_file": file_id, "seed": 1}
        answer = self.call("POST", "fine_tuning/jobs", 200 if model == "pocket" else 400, json=body)
        if model != "pocket":
            return multiple()
        job_id = answer.json()["id"]
        assert job_id not in self.status
        self.status[job_id], self.events[job_id] = "validating_files", []
        return job_id

    @rule(job_id=jobs, move=st.sampled_from(sorted(MOVES)))
    def move(self, job_id: str, move: str) -> None:
        allowed, to = MOVES[move]
        before = self.seen(job_id)
        answer = self.app.post(f"/v1/fine_tuning/jobs/{job_id}/{move}")
        # The queue may have moved it between the look and the call.
        possible = BY_ITSELF[before]
        if answer.status_code == 200:
            assert possible & allowed, (before, move)
            self.status[job_id] = to
            shown = "queued" if to == "paused" else to
            assert answer.json()["status"] == shown
        else:
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "invalid_job_status"
            assert possible - allowed, (before, move)

    @rule(job_id=jobs)
    def retrieve(self, job_id: str) -> None:
        before = self.status[job_id]
        job = self.call("GET", f"fine_tuning/jobs/{job_id}").json()
        shown = {"queued" if status == "paused" else status for status in BY_ITSELF[before]}
        assert job["status"] in shown
        assert (job["error"] is not None) == (job["status"] == "failed")
        assert (job["finished_at"] is not None) == (job["status"] in ENDED)

    @rule(limit=st.integers(1, 3))
    def list_jobs(self, limit: int) -> None:
        listed = [row["id"] for row in self.pages("fine_tuning/jobs", limit)]
        assert listed == list(self.status)[::-1]

    @rule(job_id=jobs, limit=st.integers(1, 100))
    def list_events(self, job_id: str, limit: int) -> None:
        rows = self.pages(f"fine_tuning/jobs/{job_id}/events", limit)[::-1]
        ids = [row["id"] for row in rows]
        assert len(set(ids)) == len(ids)
        before = self.events[job_id]
        assert ids[: len(before)] == before, "events only grow, at the end"
        times = [row["created_at"] for row in rows]
        assert times == sorted(times)
        self.events[job_id] = ids

    @rule(job_id=jobs)
    def no_checkpoints_yet(self, job_id: str) -> None:
        path = f"fine_tuning/jobs/{job_id}/checkpoints"
        assert all(row["fine_tuning_job_id"] == job_id for row in self.pages(path, 2))

    # ---- models ----

    @rule()
    def models(self) -> None:
        listed = [row["id"] for row in self.call("GET", "models").json()["data"]]
        assert listed[0] == "pocket"
        assert len(set(listed)) == len(listed)
        self.call("DELETE", "models/pocket", 403)
        self.call("GET", "models/ft:nowhere", 404)

    @invariant()
    def jobs_move_along_allowed_edges(self) -> None:
        for job_id in getattr(self, "status", {}):
            self.seen(job_id)


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Api,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_any_order_of_calls() -> None:
    run(examples=8, steps=25)


@pytest.mark.slow
def test_any_order_of_many_calls() -> None:
    run(examples=100, steps=60)
