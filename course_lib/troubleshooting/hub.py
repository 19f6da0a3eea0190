"""Models, datasets and metrics from a hub or a folder."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from course_lib.troubleshooting.raised import Finding, Raised

# What does the same as a metric of the hub, with nothing to download.
_METRICS = {
    "accuracy": "from sklearn.metrics import accuracy_score",
    "bleu": "from sacrebleu import corpus_bleu",
    "exact_match": "from course_lib import exact_match",
    "f1": "from sklearn.metrics import f1_score",
    "rouge": "from rouge_score.rouge_scorer import RougeScorer",
    "sacrebleu": "from sacrebleu import corpus_bleu",
}
_REPOSITORY = r"(?:/api/(?:models|datasets))?/(?P<repo>[\w.-]+/[\w.-]+)(?=[/ ?.'\"]|$)"


def _metric_needs_hub(raised: Raised) -> Finding | None:
    """`evaluate.load("rouge")` without a network."""
    found = raised.matches(
        "FileNotFoundError", r"Couldn't find a module script at .*Module '(\w+)'"
    )
    if not found or found[1] not in _METRICS or not raised.through("evaluate"):
        return None
    return Finding(_METRICS[found[1]], raised.statement, {"metric": found[1]})


def _no_such_folder(raised: Raised) -> Finding | None:
    """A path that is not there, taken for the name of a repository."""
    found = raised.in_chain("HFValidationError", r"Repo id must be in the form .+?: '(.+?)'")
    if not found or Path(found[1]).exists():
        return None
    path = Path(found[1])
    beside = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, beside, 1)
    values = {"path": found[1], "here": Path.cwd()}
    if not near:
        return Finding(f'Path("{found[1]}").resolve()', None, values)
    return raised.with_text(
        rf"{re.escape(path.name)}(?=['\"])", near[0], f'"{path.with_name(near[0])}"', **values
    )


def _gated_repository(raised: Raised) -> Finding | None:
    """The repository's terms have to be accepted."""
    found = raised.in_chain("GatedRepoError")
    if not found:
        return None
    repo = _repository(raised, "GatedRepoError")
    return raised.with_line_before(
        "from huggingface_hub import login\nlogin()", repo=repo or "?", page=repo or ""
    )


def _revision_not_found(raised: Raised) -> Finding | None:
    """The repository has no such revision."""
    if not raised.in_chain("RevisionNotFoundError"):
        return None
    repo = _repository(raised, "RevisionNotFoundError")
    return raised.with_arguments(
        "from_pretrained", "snapshot_download", "hf_hub_download", "load_dataset",
        drop=["revision"], repo=repo or "?",
    )  # fmt: skip


def _repository_not_found(raised: Raised) -> Finding | None:
    """No such repository, or one that this account may not see."""
    if not raised.in_chain("RepositoryNotFoundError"):
        return None
    repo = _repository(raised, "RepositoryNotFoundError") or "?"
    return Finding(
        f'huggingface_hub.list_models(search="{repo.rpartition("/")[2]}", limit=5)',
        None,
        {"repo": repo},
    )


def _hub_unreachable(raised: Raised) -> Finding | None:
    """The hub was asked, and there is no network or the session is offline."""
    offline = raised.in_chain("OfflineModeIsEnabled") or raised.in_chain("LocalEntryNotFoundError")
    dataset = raised.matches("ConnectionError", "couldn't reach .* on the hub")
    if not offline and not dataset:
        return None
    return Finding('model, tokenizer = load_model("pocket", runtime)')


def _remote_code(raised: Raised) -> Finding | None:
    """The repository brings Python code of its own."""
    found = raised.matches("ValueError", r"repository (\S+) contains custom code")
    if not found:
        return None
    return raised.with_arguments(
        "from_pretrained", put={"trust_remote_code": "True"}, repo=found[1]
    )


def _unknown_architecture(raised: Raised) -> Finding | None:
    """A model that is newer than the library."""
    found = raised.matches("ValueError", r"has model type `(\w+)` but Transformers does not")
    return (
        Finding("%pip install --upgrade transformers", None, {"kind": found[1]}) if found else None
    )


def _repository(raised: Raised, kind: str) -> str | None:
    """The repository that an error of the hub's library is about."""
    found = raised.in_chain(kind, r"url:? https?://[^/\s]+" + _REPOSITORY)
    return found["repo"] if found else None


DIAGNOSES = (
    _metric_needs_hub,
    _no_such_folder,
    _gated_repository,
    _revision_not_found,
    _repository_not_found,
    _hub_unreachable,
    _remote_code,
    _unknown_architecture,
)
