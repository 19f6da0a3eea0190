"""The same flow through OpenAI's official Node client, unmodified.

`npm install --prefix tests/serving/node` fetches it, and the Node that it needs; no test does.
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
# The package "node" brings one along, where the machine's own is older.
PATH = os.pathsep.join([str(HERE / "node_modules" / ".bin"), os.environ.get("PATH", "")])


def missing() -> str:
    """What the client needs and does not find; empty where it has all."""
    if not (HERE / "node_modules" / "openai").is_dir():
        return "OpenAI's Node client"
    node = shutil.which("node", path=PATH)
    told = subprocess.run([node, "--version"], capture_output=True, text=True) if node else None
    version = told.stdout.strip() if told and told.returncode == 0 else "none"
    new_enough = version != "none" and int(version[1:].partition(".")[0]) >= OLDEST
    return "" if new_enough else f"node {OLDEST} (found: {version})"


MISSING = missing()
pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"{MISSING} is missing: `npm install --prefix tests/serving/node`"
)


def test_the_node_client_walks_the_whole_flow(server: Server, tmp_path: Path) -> None:
    rows = tmp_path / "node.jsonl"
    rows.write_bytes(jsonl([row | {"by": "node"} for row in faq()[:12]]))
    run = subprocess.run(
        [shutil.which("node", path=PATH) or "", str(HERE / "walk.mjs"), str(rows)],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=os.environ | {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": server.key},
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["content"] == rows.read_text("utf-8")
    assert found["bytes"] == rows.stat().st_size
    assert found["file"] in found["files"]
    assert (found["paused"], found["resumed"]) == ("queued", "queued")
    assert any(text.startswith("The job has been paused") for text in found["said"])
    assert len(set(found["events"])) == len(found["events"]) == len(found["said"]) > 15
    assert found["job"] in found["listed"]
    assert found["checkpoints"] == [12, 9, 6]
    assert found["tuned"].startswith("ft:pocket:course:node:")
    assert found["model"] == found["tuned"]
    assert {"pocket", found["tuned"]} <= set(found["models"])
    assert len(found["results"].splitlines()) == 13
    assert found["answer"]
    assert found["streamed"] == found["answer"]
    assert found["usage"] == found["counted"]
    assert len(found["several"]) == 2
    assert all(1 <= tokens <= 12 for tokens in found["several"])
    assert isinstance(json.loads(found["json"]), dict)
    assert found["reward"] == 1
    assert found["cancelled"] == "cancelled"
    assert found["deleted"] == [True, True]
    assert found["errors"] == {
        "unknown": "NotFoundError",
        "again": "BadRequestError",
        "twice": "ConflictError",
        "base": "PermissionDeniedError",
        "key": "AuthenticationError",
    }
