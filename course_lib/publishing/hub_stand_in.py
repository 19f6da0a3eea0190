"""A model hub on this machine, so that pushing and pulling can be taught without an account.

``huggingface_hub`` itself does the work, unchanged: it asks how each file is to be sent, sends
large ones by the LFS protocol and small ones within the commit, and pulls a commit back file by
file. Only the address differs from the real thing. What is stored, is stored by its SHA-256.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from huggingface_hub import HfApi

TOKEN = "stand-in"
"""What the client shows when it writes. The hub's own tokens start with `hf_`."""

# As the hub does: what is large, or binary by its name, goes by LFS.
_LFS_BYTES = 10_000_000
_LFS_NAMES = (".safetensors", ".bin", ".pt", ".gguf")
_FILES = "/{repo_id}/resolve/{revision}/{filename}"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@contextmanager
def hub_stand_in(folder: str | Path) -> Iterator[HfApi]:
    """Run a hub on loopback, and hand over a client that talks to it.

    Inside the block the client may go online although the session is offline, and uses LFS (the
    stand-in has no Xet storage). Afterwards the client's settings are as they were.

    Args:
        folder: Where the hub keeps what is pushed; made if missing. What is pushed is known only
            as long as the block lasts.

    Yields:
        A plain ``huggingface_hub.HfApi``. For the real hub take ``HfApi()`` and log in: every
        other line stays as it is.

    Example:
        >>> with hub_stand_in("build/hub") as api:  # doctest: +SKIP
        ...     repo = api.create_repo("yamabiko/support", private=True)
        ...     api.upload_folder(repo_id=repo.repo_id, folder_path="build/merged")
        ...     api.snapshot_download(repo.repo_id, local_dir="build/pulled")
    """
    from huggingface_hub import HfApi, close_session, constants

    server = _Hub(Path(folder))
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    # A company's proxy knows nothing of this machine's own addresses.
    direct = dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1")
    try:
        # The library reads these from the environment once, when it is imported: too late here.
        with (
            patch.dict(os.environ, direct),
            patch.object(constants, "HF_HUB_OFFLINE", False),
            patch.object(constants, "HF_HUB_DISABLE_XET", True),
            patch.object(constants, "ENDPOINT", server.address),
            patch.object(constants, "HUGGINGFACE_CO_URL_TEMPLATE", server.address + _FILES),
        ):
            close_session()  # so that the next request opens one that knows of `direct`
            yield HfApi(endpoint=server.address, token=TOKEN)
    finally:
        close_session()
        server.shutdown()
        thread.join()
        server.server_close()


class _Stored(NamedTuple):
    """A file in a commit."""

    sha256: str
    size: int
    lfs: bool


class _Refused(Exception):
    """What the client is told instead of an answer: status, the hub's code for it, and why."""

    def __init__(self, status: int, code: str, why: str, **more: Any) -> None:
        super().__init__(why)
        self.status, self.code, self.body = status, code, {"error": why, **more}


class _Hub(ThreadingHTTPServer):
    """Repositories with their commits; the files' contents lie in the folder."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.lock = folder, Lock()
        self.address = f"http://127.0.0.1:{self.server_address[1]}"
        self.commits: dict[str, dict[str, dict[str, _Stored]]] = {}

    def blob(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise _Refused(400, "BadRequest", f"{sha256[:80]!r} is no SHA-256")
        return self.folder / sha256

    def store(self, content: bytes) -> _Stored:
        found = _Stored(hashlib.sha256(content).hexdigest(), len(content), lfs=False)
        self.blob(found.sha256).write_bytes(content)
        return found

    def commit_of(self, repo: str, revision: str) -> tuple[str, dict[str, _Stored]]:
        """A commit's name and files; "main" is the newest."""
        commits = self.commits.get(repo)
        if commits is None:
            raise _Refused(404, "RepoNotFound", f"no repository {repo}")
        name = next(reversed(commits)) if revision == "main" else revision
        if name not in commits:
            raise _Refused(404, "RevisionNotFound", f"{repo} has no revision {revision}")
        return name, commits[name]

    def add_commit(self, repo: str, files: dict[str, _Stored], note: str) -> str:
        commits = self.commits.setdefault(repo, {})
        parent = next(reversed(commits), "")
        told = json.dumps([repo, parent, note, sorted(files.items())])
        name = hashlib.sha1(told.encode()).hexdigest()
        commits[name] = files
        return name


class _Handler(BaseHTTPRequestHandler):
    """The requests of `create_repo`, `upload_folder` and `snapshot_download`."""

    protocol_version = "HTTP/1.1"
    server: _Hub

    def do_GET(self) -> None:
        self._answer(
            {
                r"/api/models/(?P<repo>[^/]+/[^/]+)(?:/revision/(?P<revision>[^/]+))?": self._info,
                r"/api/models/(?P<repo>[^/]+/[^/]+)/tree/(?P<revision>[^/]+)": self._tree,
                r"/(?P<repo>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)": self._file,
            }
        )

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(
            {
                r"/api/repos/create": self._create,
                r"/api/validate-yaml": self._validate,
                r"/api/models/(?P<repo>[^/]+/[^/]+)/preupload/(?P<revision>[^/]+)": self._modes,
                r"/(?P<repo>[^/]+/[^/]+)\.git/info/lfs/objects/batch": self._batch,
                r"/api/models/(?P<repo>[^/]+/[^/]+)/commit/main": self._commit,
            }
        )

    def do_PUT(self) -> None:
        self._answer({r"/lfs/(?P<sha256>[^/]+)": self._receive})

    def _answer(self, routes: dict[str, Any]) -> None:
        """Find who answers; send what he returns as JSON, unless he has sent it himself."""
        body = self._body()
        path = unquote(urlsplit(self.path).path)
        try:
            for pattern, handler in routes.items():
                if found := re.fullmatch(pattern, path):
                    with self.server.lock:
                        answer = handler(body, **found.groupdict())
                    break
            else:
                raise _Refused(404, "NotFound", f"this stand-in does not know {path}")
        except _Refused as error:
            headers = {"X-Error-Code": error.code, "X-Error-Message": str(error)}
            self._send(error.status, json.dumps(error.body).encode(), headers)
        else:
            if answer is not None:
                self._send(200, json.dumps(answer).encode(), {"Content-Type": "application/json"})

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""

    # ------------------------------------------------------------------ writing

    def _create(self, body: bytes) -> dict[str, Any]:
        self._check_token()
        asked = json.loads(body)
        repo = f"{asked.get('organization') or 'me'}/{asked['name']}"
        url = f"{self.server.address}/{repo}"
        if repo in self.server.commits:
            raise _Refused(409, "RepoExists", f"{repo} is there already", url=url)
        self.server.add_commit(repo, {}, "initial commit")
        return {"url": url, "id": repo}

    def _validate(self, body: bytes) -> dict[str, Any]:
        """As the hub does: a card whose head is no mapping is refused before any file is sent."""
        from huggingface_hub import ModelCard

        try:
            ModelCard(json.loads(body)["content"])
        except Exception as error:  # a ValueError, or one of the YAML reader's own
            told = [{"message": str(error)}]
            raise _Refused(400, "BadRequest", "Invalid metadata", errors=told) from error
        return {"errors": [], "warnings": []}

    def _modes(self, body: bytes, repo: str, revision: str) -> dict[str, Any]:
        self._check_token()
        self.server.commit_of(repo, revision)
        files = [
            {
                "path": file["path"],
                "shouldIgnore": False,
                "uploadMode": "lfs"
                if file["size"] > _LFS_BYTES or file["path"].endswith(_LFS_NAMES)
                else "regular",
            }
            for file in json.loads(body)["files"]
        ]
        return {"files": files}

    def _batch(self, body: bytes, repo: str) -> dict[str, Any]:
        """Say where each large file goes; what is here already need not be sent again."""
        self._check_token()
        objects = []
        for file in json.loads(body)["objects"]:
            answer = {"oid": file["oid"], "size": file["size"]}
            blob = self.server.blob(file["oid"])
            # By its size too: a session that was killed may have left half of it.
            if not blob.is_file() or blob.stat().st_size != file["size"]:
                href = f"{self.server.address}/lfs/{file['oid']}"
                answer["actions"] = {"upload": {"href": href}}
            objects.append(answer)
        return {"transfer": "basic", "objects": objects}

    def _receive(self, body: bytes, sha256: str) -> dict[str, Any]:
        path = self.server.blob(sha256)
        if hashlib.sha256(body).hexdigest() != sha256:
            raise _Refused(400, "BadRequest", "what arrived is not what was announced")
        path.write_bytes(body)
        return {}

    def _commit(self, body: bytes, repo: str) -> dict[str, Any]:
        self._check_token()
        _, before = self.server.commit_of(repo, "main")
        files, note = dict(before), ""
        for line in body.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            if ".." in value.get("path", "").split("/"):  # whoever pulls it would write elsewhere
                raise _Refused(400, "BadRequest", f"{value['path']!r} leaves the repository")
            if entry["key"] == "header":
                note = value["summary"]
            elif entry["key"] == "file":
                files[value["path"]] = self.server.store(base64.b64decode(value["content"]))
            elif entry["key"] == "lfsFile":
                if not self.server.blob(value["oid"]).is_file():
                    raise _Refused(400, "BadRequest", f"{value['path']} was never sent")
                files[value["path"]] = _Stored(value["oid"], value["size"], lfs=True)
            elif entry["key"] == "deletedFile":
                files.pop(value["path"], None)
            else:
                raise _Refused(400, "BadRequest", f"this stand-in cannot {entry['key']}")
        name = self.server.add_commit(repo, files, note)
        return {
            "commitUrl": f"{self.server.address}/{repo}/commit/{name}",
            "commitOid": name,
            "success": True,
        }

    def _check_token(self) -> None:
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            raise _Refused(401, "Unauthorized", "writing needs a token")

    # ------------------------------------------------------------------ reading

    def _info(self, body: bytes, repo: str, revision: str | None = None) -> dict[str, Any]:
        name, files = self.server.commit_of(repo, revision or "main")
        siblings = [{"rfilename": path} for path in files]
        return {"id": repo, "modelId": repo, "sha": name, "private": True, "siblings": siblings}

    def _tree(self, body: bytes, repo: str, revision: str) -> list[dict[str, Any]]:
        _, files = self.server.commit_of(repo, revision)
        entries = []
        for path, file in files.items():
            entry = {"type": "file", "path": path, "size": file.size, "oid": file.sha256[:40]}
            if file.lfs:
                entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": 134}
            entries.append(entry)
        return entries

    def _file(self, body: bytes, repo: str, revision: str, path: str) -> None:
        name, files = self.server.commit_of(repo, revision)
        if path not in files:
            raise _Refused(404, "EntryNotFound", f"{repo} has no {path}")
        file = files[path]
        headers = {
            "X-Repo-Commit": name,
            "ETag": f'"{file.sha256}"',
            "Content-Length": str(file.size),
            "Accept-Ranges": "none",
        }
        content = b"" if self.command == "HEAD" else self.server.blob(file.sha256).read_bytes()
        self._send(200, content, headers)
