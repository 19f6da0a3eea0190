"""course_lib: the engine room of the fine-tuning course.

The names that notebooks use are found here, loaded on first use: ``import course_lib`` is instant
and never imports torch, so that a machine can be looked at before anything heavy is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# A name equal to that of a submodule (`claims`, `catalog`) cannot stand here: Python would answer
# with the function or with the module, depending on what was imported before.
_HOME = {
    "ClaimFailed": "course_lib.claims",
    "claim": "course_lib.claims",
    "clean": "course_lib.cleaning",
    "split": "course_lib.cleaning",
    "diagnose": "course_lib.diagnostics",
    "CourseError": "course_lib.errors",
    "exact_match": "course_lib.evaluation",
    "generate": "course_lib.evaluation",
    "paired_bootstrap": "course_lib.evaluation",
    "check": "course_lib.exercises",
    "hint": "course_lib.exercises",
    "lesson_progress": "course_lib.exercises",
    "progress": "course_lib.exercises",
    "question": "course_lib.exercises",
    "solution": "course_lib.exercises",
    "read": "course_lib.formats",
    "write_jsonl": "course_lib.formats",
    "choose_method": "course_lib.memory",
    "estimate": "course_lib.memory",
    "measure": "course_lib.memory",
    "plan": "course_lib.memory",
    "Retriever": "course_lib.retrieval",
    "Runtime": "course_lib.runtime",
    "choose": "course_lib.runtime",
    "data_path": "course_lib.runtime",
    "detect": "course_lib.runtime",
    "output_path": "course_lib.runtime",
    "seed": "course_lib.runtime",
    "start": "course_lib.runtime",
    "lengths": "course_lib.tokenization",
    "show_xray": "course_lib.tokenization",
    "truncation": "course_lib.tokenization",
    "xray": "course_lib.tokenization",
    "TimeBudget": "course_lib.training",
    "latest_checkpoint": "course_lib.training",
    "load_model": "course_lib.training",
    "sft_config": "course_lib.training",
    "sft_trainer": "course_lib.training",
    "explain": "course_lib.troubleshooting",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
