"""`python -m course_lib VERB …`: the course's commands, each imported only when it is asked for."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from course_lib.errors import CourseError

VERBS = {
    "doctor": ("course_lib.doctor", "say what this machine is and what will run on it"),
    "clean": ("course_lib.cleaning.command", "clean files of conversations, losing no row"),
    "split": ("course_lib.cleaning.split_command", "split into train, validation and test"),
    "contamination": ("course_lib.cleaning.contamination_command", "find test rows in train"),
    "train": ("course_lib.training.command", "fine-tune a model: full, LoRA or QLoRA"),
    "sweep": ("course_lib.sweeps.command", "make the runs of lesson 08 again (half an hour)"),
    "plan": ("course_lib.memory.command", "predict memory and time before downloading"),
    "diagnose": ("course_lib.diagnostics.command", "read a learning curve: overfitting or not"),
    "pocket": ("course_lib.pocket.command", "score the pocket model, or rebuild it"),
    "serve": ("course_lib.serving.command", "OpenAI's fine-tuning API on this machine"),
    "course": ("course_lib.publishing.course", "run every notebook and report on it"),
    "solutions": ("course_lib.publishing.editions", "write every lesson with its solutions"),
    "translations": ("course_lib.publishing.translations", "is the Japanese edition in step?"),
    "launch": ("course_lib.publishing.launch", "write first cells and one-click badges"),
    "slides": ("course_lib.publishing.slides", "make a slide deck of every notebook"),
}


def main(argv: list[str]) -> int:
    """Run one verb.

    Args:
        argv: The verb and its own arguments, without the program's name.

    Returns:
        0 good, 1 the thing checked does not hold, 2 bad input (said on standard error).

    Example:
        >>> main(["--help"])  # doctest: +SKIP
        0
    """
    if not argv or argv[0] in ("-h", "--help"):
        print(_usage(), file=sys.stdout if argv else sys.stderr)
        return 0 if argv else 2
    verb, *rest = argv
    if verb not in VERBS:
        print(f"course_lib: no verb {verb!r}\n\n{_usage()}", file=sys.stderr)
        return 2
    try:
        return int(import_module(VERBS[verb][0]).main(rest))
    except CourseError as error:
        print(f"course_lib {verb}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # The reader (`| head`) has seen enough. Without this, Python would complain once more
        # while it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _usage() -> str:
    lines = ["usage: python -m course_lib VERB …      (VERB --help says more)", ""]
    return "\n".join([*lines, *(f"  {verb:<13} {what}" for verb, (_, what) in VERBS.items())])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
