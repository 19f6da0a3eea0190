"""The same flow through OpenAI's official Node client, unmodified.

`npm install --prefix tests/serving/node` fetches it, with the Node 22 that it needs.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import PATIENCE, Server, faq, jsonl

HERE = Path(__file__).parent / "node"

OLDEST = 22


def node_version() -> int:
    """The major version of node, 0 without one."""
    if shutil.which("node") is None:
        return 0
    told = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    return int(told.removeprefix("v").partition(".")[0])


pytestmark = pytest.mark.skipif(
    node_version() < OLDEST or not (HERE / "node_modules" / "openai").is_dir(),
    reason=f"needs node {OLDEST}, and `npm install --prefix tests/serving/node`",
)


def test_the_node_client_walks_the_whole_flow(server: Server, tmp_path: Path) -> None:
    rows = tmp_path / "node.jsonl"
    rows.write_bytes(jsonl([row | {"by": "node"} for row in faq()[:12]]))
    run = subprocess.run(
        ["node", str(HERE / "walk.mjs"), str(rows)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=os.environ | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key},
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["content"] == rows.read_text("utf-8")
    assert found["paused"] in ("resumed", 400)  # 400 while its files were being looked at
    assert len(set(found["events"])) == len(found["events"]) > 10
    assert found["job"] in found["jobs"]
    assert found["checkpoints"] == [6, 3]
    assert found["tuned"].startswith("ft:pocket:course:node:")
    assert {"pocket", found["tuned"]} <= set(found["models"])
    assert len(found["results"].splitlines()) == 7
    assert found["answer"]
    assert found["streamed"] == found["answer"]
    assert found["cancelled"] == "cancelled"
    assert found["deleted"] == [True, True]
    assert found["errors"] == {
        "unknown": "NotFoundError",
        "again": "BadRequestError",
        "base": "PermissionDeniedError",
        "key": "AuthenticationError",
    }
