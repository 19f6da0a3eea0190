"""`python -m course_lib diagnose LOG`: the verdict on a run, from its log."""

from __future__ import annotations

import argparse
import json

from course_lib.diagnostics.curves import diagnose


def main(argv: list[str]) -> int:
    """Print the verdict on a log.

    Args:
        argv: the words after `diagnose`.

    Returns:
        0 when the run is healthy, 1 for every other verdict.

    Raises:
        CourseError: the log is missing or broken.

    Example:
        >>> main(["checkpoint-40/trainer_state.json"])  # doctest: +SKIP
        healthy (best step: 40)
        0
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_lib diagnose",
        description="Judge a run by its learning curves.",
    )
    parser.add_argument(
        "log",
        metavar="LOG",
        help="a trainer_state.json, the checkpoint folder that holds one, or a CSV of "
        "step,train_loss,validation_loss",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args(argv)
    verdict = diagnose(arguments.log)
    print(json.dumps(verdict.as_dict(), ensure_ascii=False) if arguments.json else verdict)
    return 0 if verdict.verdict == "healthy" else 1
