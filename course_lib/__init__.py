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
    "CourseError": "course_lib.errors",
    "ClaimFailed": "course_lib.claims",
    "claim": "course_lib.claims",
    "Runtime": "course_lib.runtime",
    "choose": "course_lib.runtime",
    "data_path": "course_lib.runtime",
    "detect": "course_lib.runtime",
    "output_path": "course_lib.runtime",
    "seed": "course_lib.runtime",
    "start": "course_lib.runtime",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
