"""The real client pushes to the stand-in and pulls back, byte for byte; a bad push is refused."""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

import pytest
import torch
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import (
    HfHubHTTPError,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from transformers import AutoModelForCausalLM

from course_lib.publishing.hub_stand_in import TOKEN, hub_stand_in
from course_lib.runtime import data_path

REPO = "yamabiko/support"


def fill(folder: Path) -> Path:
    """A folder with a text file, one in a subfolder, an empty one and a binary one."""
    (folder / "extra").mkdir(parents=True)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n# 山びこ\n", "utf-8")
    (folder / "extra" / "note.txt").write_text("one", "utf-8")
    (folder / "empty.txt").touch()
    (folder / "model.safetensors").write_bytes(os.urandom(200_000))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".cache" not in path.parts
    }


def test_what_is_pulled_is_what_was_pushed(tmp_path: Path) -> None:
    source = fill(tmp_path / "source")
    with hub_stand_in(tmp_path / "hub") as api:
        repo = api.create_repo(REPO, private=True)
        api.upload_folder(repo_id=repo.repo_id, folder_path=source)
        api.snapshot_download(REPO, local_dir=tmp_path / "pulled")
        assert sorted(api.list_repo_files(REPO)) == sorted(contents(source))
    assert contents(tmp_path / "pulled") == contents(source)


def test_an_older_commit_can_still_be_pulled(tmp_path: Path) -> None:
    source = fill(tmp_path / "source")
    with hub_stand_in(tmp_path / "hub") as api:
        api.create_repo(REPO)
        first = api.upload_folder(repo_id=REPO, folder_path=source)
        (source / "extra" / "note.txt").write_text("two", "utf-8")
        api.upload_folder(repo_id=REPO, folder_path=source)
        old = api.snapshot_download(REPO, revision=first.oid, cache_dir=tmp_path / "cache")
        new = api.snapshot_download(REPO, cache_dir=tmp_path / "cache")
    assert (Path(old) / "extra" / "note.txt").read_text("utf-8") == "one"
    assert (Path(new) / "extra" / "note.txt").read_text("utf-8") == "two"


def test_transformers_loads_from_it_by_name(tmp_path: Path) -> None:
    with hub_stand_in(tmp_path / "hub") as api:
        api.create_repo(REPO)
        api.upload_folder(repo_id=REPO, folder_path=data_path("pocket"))
        pulled = AutoModelForCausalLM.from_pretrained(REPO, cache_dir=tmp_path / "cache")
    here = AutoModelForCausalLM.from_pretrained(data_path("pocket"))
    for name, value in here.state_dict().items():
        assert torch.equal(value, pulled.state_dict()[name]), name


def test_the_client_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    before = (constants.ENDPOINT, constants.HF_HUB_DISABLE_XET, os.environ.get("NO_PROXY"))
    with pytest.raises(KeyError), hub_stand_in(tmp_path / "hub"):
        raise KeyError
    assert constants.HF_HUB_OFFLINE
    assert before == (
        constants.ENDPOINT,
        constants.HF_HUB_DISABLE_XET,
        os.environ.get("NO_PROXY"),
    )


def test_a_card_with_a_broken_head_stops_the_push(tmp_path: Path) -> None:
    source = fill(tmp_path / "source")
    (source / "README.md").write_text("---\n- no\n- mapping\n---\n# Card\n", "utf-8")
    with hub_stand_in(tmp_path / "hub") as api:
        api.create_repo(REPO)
        with pytest.raises(ValueError, match="Invalid metadata"):
            api.upload_folder(repo_id=REPO, folder_path=source)
        assert api.list_repo_files(REPO) == []


def test_half_a_file_of_a_killed_session_is_sent_again(tmp_path: Path) -> None:
    source = fill(tmp_path / "source")
    weights = (source / "model.safetensors").read_bytes()
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / sha256(weights).hexdigest()).write_bytes(weights[:1000])
    with hub_stand_in(tmp_path / "hub") as api:
        api.create_repo(REPO)
        api.upload_folder(repo_id=REPO, folder_path=source)
        pulled = api.hf_hub_download(REPO, "model.safetensors", local_dir=tmp_path / "pulled")
    assert Path(pulled).read_bytes() == weights


def test_a_path_that_leaves_the_repository_is_refused(tmp_path: Path) -> None:
    """The client refuses it too, so it is asked without one."""
    entries: list[dict[str, Any]] = [
        {"key": "header", "value": {"summary": "out"}},
        {"key": "file", "value": {"path": "a/../../out.txt", "content": "b25l"}},
    ]
    with hub_stand_in(tmp_path / "hub") as api:
        api.create_repo(REPO)
        request = Request(
            f"{api.endpoint}/api/models/{REPO}/commit/main",
            "\n".join(map(json.dumps, entries)).encode(),
            {"Authorization": f"Bearer {TOKEN}"},
        )
        with pytest.raises(HTTPError) as refused, build_opener(ProxyHandler({})).open(request):
            pass
        assert refused.value.code == 400
        assert api.list_repo_files(REPO) == []


def test_what_is_not_there_is_told_in_the_hubs_own_errors(tmp_path: Path) -> None:
    with hub_stand_in(tmp_path / "hub") as api:
        with pytest.raises(RepositoryNotFoundError):
            api.model_info("nobody/nothing")
        api.create_repo(REPO)
        with pytest.raises(RemoteEntryNotFoundError):
            api.hf_hub_download(REPO, "config.json", cache_dir=tmp_path / "cache")
        with pytest.raises(HfHubHTTPError, match="409"):
            api.create_repo(REPO)
        api.create_repo(REPO, exist_ok=True)


def test_writing_needs_the_token(tmp_path: Path) -> None:
    with hub_stand_in(tmp_path / "hub") as api:
        stranger = HfApi(endpoint=api.endpoint, token=False)
        with pytest.raises(HfHubHTTPError, match="401"):
            stranger.create_repo(REPO)
