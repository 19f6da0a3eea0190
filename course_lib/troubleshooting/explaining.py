"""Find the diagnosis of an exception, and show it below the traceback of a cell."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

from course_lib.errors import CourseError
from course_lib.troubleshooting import (
    adapters,
    arguments,
    devices,
    files,
    generation,
    hub,
    preferences,
    rows,
    service,
    tokens,
    training,
)
from course_lib.troubleshooting.explanation import Explanation, told
from course_lib.troubleshooting.raised import Raised

DIAGNOSES = {
    diagnosis.__name__.removeprefix("_"): diagnosis
    for subject in (
        arguments,
        adapters,
        devices,
        files,
        generation,
        hub,
        preferences,
        rows,
        service,
        tokens,
        training,
    )
    for diagnosis in subject.DIAGNOSES
}


def explain(error: BaseException) -> Explanation | None:
    """Explain an exception that was caught.

    Args:
        error: The exception, with the traceback that it was caught with.

    Returns:
        What happened, why, and the line to change; None for an exception that is not known, and
        for the course's own errors, which say themselves what to do.

    Example:
        >>> import json
        >>> try:
        ...     json.loads('{"a": 1}\\n{"a": 2}')
        ... except ValueError as error:
        ...     print(explain(error).happened)
        JSON lines were read as one JSON value.
    """
    if isinstance(error, CourseError):
        return None
    raised = Raised(error)
    for name, diagnosis in DIAGNOSES.items():
        # A diagnosis that meets an object it does not know has nothing to say. It must never put
        # an error of its own below the learner's.
        with suppress(Exception):
            if finding := diagnosis(raised):
                return told(name, finding, raised.statement)
    return None


def explain_cells() -> None:
    """From here on, explain known exceptions below the tracebacks of this notebook's cells.

    The event ``post_run_cell`` comes after IPython has shown the traceback, and cannot alter it.
    Outside IPython nothing is done.

    Example:
        >>> explain_cells()
    """
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is not None:
        shell.events.register("post_run_cell", _explain_cell)


def _explain_cell(result: Any) -> None:
    from IPython.display import display

    explanation = explain(result.error_in_exec) if result.error_in_exec else None
    if explanation is not None:
        display(explanation)
