"""`python -m course_lib doctor`: what this machine is, what runs on it, and what to do if not.

Unlike a lesson it must work on a machine where half of the course is missing, so it imports only
what it can do without.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from importlib.metadata import PackageNotFoundError, version

from course_lib import profiles
from course_lib.language import translated
from course_lib.machine import cores_in_words
from course_lib.runtime import Runtime, detect

_PLACES = {
    "colab": "Google Colab",
    "kaggle": "Kaggle",
    "binder": "Binder",
    "local": "your own machine",
}


def main(argv: list[str]) -> int:
    """Examine this machine.

    Args:
        argv: ``--json`` for one JSON object instead of sentences.

    Returns:
        0 if the course runs here as it is, 1 if there is something to mend first.

    Raises:
        CourseError: ``COURSE_PROFILE`` names no profile, or one that this machine cannot run.

    Example:
        >>> main(["--json"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options = parser.parse_args(argv)
    runtime = detect()
    print(json.dumps(report(runtime), ensure_ascii=False) if options.json else in_words(runtime))
    return 1 if runtime.problems else 0


def report(runtime: Runtime) -> dict[str, object]:
    """Return the findings as the JSON object that `--json` prints.

    Example:
        >>> sorted(report(detect()))[:3]  # doctest: +SKIP
        ['cores', 'device', 'dtype']
    """
    return {
        "platform": runtime.platform,
        "device": runtime.device,
        "dtype": runtime.dtype,
        "profile": runtime.profile,
        "reasons": runtime.reasons,
        "problems": runtime.problems,
        "cores": runtime.cores,
        "ram_gib": runtime.ram_gib,
        "gpu": runtime.gpu_name,
        "gpu_gib": runtime.gpu_gib,
        "online": runtime.online,
        "versions": _versions(),
    }


def in_words(runtime: Runtime) -> str:
    """Return the findings as a text for people.

    Example:
        >>> print(in_words(detect()))  # doctest: +SKIP
        This is your own machine: 4 cores, 15.5 GiB of memory, no CUDA GPU, no network.
    """
    gpu = f"{runtime.gpu_name} ({runtime.gpu_gib} GiB)" if runtime.gpu_name else "no CUDA GPU"
    lines = [
        f"This is {_PLACES[runtime.platform]}: {cores_in_words(runtime.cores)}, "
        f"{runtime.ram_gib:.1f} GiB of memory, {gpu}, "
        f"{'online' if runtime.online else 'no network'}.",
        f"Python {sys.version.split()[0]}, "
        + ", ".join(f"{name} {number}" for name, number in _versions().items()),
        "",
        "What will run here",
        *(f"  {line}" for line in what_runs(runtime)),
        "",
        "Why",
        *(f"  {what:<8} {reason}" for what, reason in runtime.reasons.items()),
        "",
    ]
    if runtime.problems:
        lines += ["To mend first", *(f"  ! {problem}" for problem in runtime.problems)]
    else:
        lines += ["Nothing to mend. Open notebooks/00_start_here.ipynb, or type `make lab`."]
    return "\n".join(lines)


def what_runs(runtime: Runtime) -> list[str]:
    """Say which parts of the course this machine carries, and where to go for those it does not.

    Example:
        >>> what_runs(detect())[0]  # doctest: +SKIP
        'every lesson, with the pocket model: real training on the CPU, no network needed'
    """
    if runtime.profile == "pocket":
        lines = ["every lesson, with the pocket model: real training on the CPU, no network needed"]
        if runtime.gpu_name is None:
            lines.append(
                "not here: hub models of 0.5B to 8B. They need a CUDA GPU of about 15 GB, which "
                "Colab and Kaggle lend for nothing (a T4); the very same cells run there."
            )
        elif not os.environ.get("COURSE_PROFILE"):
            lines.append(f"not used: the {runtime.gpu_name} ({runtime.reasons['profile']})")
        return [translated(line) for line in lines]
    lines = [f"every lesson, with hub models from the catalog, in {runtime.dtype}"]
    if runtime.dtype == "float16":
        lines.append(
            "no bfloat16 on this GPU: the course trains in float16 and keeps what it trains in "
            "float32. A script that sets bf16=True is slow here, or dies at its first step."
        )
    return [translated(line) for line in lines]


def _versions() -> dict[str, str]:
    found = {}
    for name in profiles.PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found
