"""The table of all claims: what every lesson claimed and measured, seed by seed, as data and page.

``measured.json`` holds the runs as they were; ``README.md`` beside it is made from it and from
nothing else. Nothing is ever left out: a claim that failed stands there as failed, a lesson that
stopped as stopped.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.metadata import version
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from filelock import FileLock

from course_lib.claims import shown
from course_lib.errors import CourseError
from course_lib.machine import free_cores
from course_lib.publishing.running import NotebookRun

DATA, PAGE, LOCK = "measured.json", "README.md", "measured.lock"
# What a figure may depend on, besides the processor.
_LIBRARIES = ("torch", "transformers", "trl", "peft", "bitsandbytes")

Measured = dict[str, dict[str, dict[str, Any]]]

_HEAD = """\
# Every claim of the course, and what was measured

Made by `make course` from `measured.json` beside it: do not edit either by hand.
`make course SEEDS="0 1 2"` measures everything again, `make course` only the first seed's runs.

A **statement** is what a lesson claims, the **threshold** what it must keep to hold. The **spread**
goes from the lowest value to the highest over all seeds. A claim that failed stands here as failed.
**Seconds** and **peak MB** are the largest over the seeds, with one computing thread, and with as
many other lessons beside it as the machine's line says.
"""


def read_measured(folder: Path) -> Measured:
    """Read what was measured so far.

    Args:
        folder: Where ``measured.json`` lies.

    Returns:
        Lesson, seed (as text), and that run's ``machine``, ``seconds``, ``peak_mb``, ``stopped``
        and ``claims``; empty where nothing was measured yet.

    Raises:
        CourseError: The file is no such record.

    Example:
        >>> read_measured(Path("absent"))
        {}
    """
    path = folder / DATA
    if not path.exists():
        return {}
    try:
        measured: Measured = json.loads(path.read_text(encoding="utf-8"))
        for runs in measured.values():
            for seed, run in runs.items():
                int(seed), run["machine"], run["seconds"], run["peak_mb"], run["stopped"]
                for claim in run["claims"]:
                    claim["statement"], claim["bound"], claim["threshold"], claim["held"]
                    claim["value"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CourseError(
            f"{path}: not a record of measured claims ({error!r}). Delete it and measure again: "
            'make course SEEDS="0 1 2"'
        ) from error
    return measured


def renew(
    folder: Path, runs: Iterable[NotebookRun], machine: str, lessons: Collection[str]
) -> None:
    """Put new runs into the record, and write the page again.

    Other courses may end at the same moment, each with other lessons: they wait for each other, so
    that none writes back what it read before another one wrote.

    Args:
        folder: Where both files go; made if it is missing.
        runs: The new runs.
        machine: What they ran on, from ``machine_kind``.
        lessons: The lessons that there are; what is known of any other is forgotten.

    Raises:
        CourseError: The record cannot be read.

    Example:
        >>> renew(Path("data/claims"), runs, machine_kind(2), ["00_a"])  # doctest: +SKIP
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK):
        merged = merge(read_measured(folder), runs, machine)
        write_measured({name: merged[name] for name in merged if name in lessons}, folder)


def merge(measured: Measured, runs: Iterable[NotebookRun], machine: str) -> Measured:
    """Put new runs in the place of older ones of the same lesson and seed.

    A run replaces *everything* that was known of its lesson with its seed, also where it stopped
    half-way: an old value under new code would say what nobody measured.

    Args:
        measured: What was measured so far; left as it is.
        runs: The new runs.
        machine: What they ran on, from ``machine_kind``.

    Returns:
        All of them, in the order of lessons and seeds.

    Example:
        >>> merge({}, [], "Linux")
        {}
    """
    merged = {lesson: dict(of_lesson) for lesson, of_lesson in measured.items()}
    for run in runs:
        merged.setdefault(run.name, {})[str(run.seed)] = {
            "machine": machine,
            "seconds": round(run.seconds),
            "peak_mb": round(run.peak_mb),
            # The kind of error alone: its text may hold paths of the machine.
            "stopped": None if run.error is None else run.error.split(":")[0],
            "claims": run.claims,
        }
    return {
        lesson: {seed: merged[lesson][seed] for seed in sorted(merged[lesson], key=int)}
        for lesson in sorted(merged)
    }


def write_measured(measured: Measured, folder: Path) -> None:
    """Write the record and the page made from it.

    Args:
        measured: From ``merge``.
        folder: Where both go; made if it is missing.

    Example:
        >>> write_measured(measured, Path("data/claims"))  # doctest: +SKIP
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(measured, ensure_ascii=False, indent=1)
    for name, content in ((DATA, text + "\n"), (PAGE, page(measured))):
        # Whole or not at all: half a record would cost hours of measuring.
        unfinished = folder / f"{name}.unfinished"
        unfinished.write_text(content, encoding="utf-8")
        unfinished.replace(folder / name)


def machine_kind(jobs: int) -> str:
    """Say what a figure was measured on: system, cores and versions, but no name and no path.

    Args:
        jobs: How many lessons ran at a time.

    Example:
        >>> machine_kind(2).split(", Python")[0]  # doctest: +SKIP
        'Linux x86_64, 4 cores, 2 lessons at a time'
    """
    libraries = ", ".join(f"{name} {version(name).split('+')[0]}" for name in _LIBRARIES)
    return (
        f"{platform.system()} {platform.machine()}, {free_cores()[0]} cores, "
        f"{jobs} {'lesson' if jobs == 1 else 'lessons'} at a time, "
        f"Python {platform.python_version()}, {libraries}"
    )


def page(measured: Measured) -> str:
    """Return the page, as Markdown.

    Args:
        measured: From ``read_measured`` or ``merge``.

    Returns:
        A summary, then one table a lesson.

    Example:
        >>> print(page({}).splitlines()[0])
        # Every claim of the course, and what was measured
    """
    parts = [_HEAD, _summary(measured), _machines(measured)]
    parts += [_lesson(name, runs) for name, runs in measured.items()]
    return "\n".join(parts)


def outcomes(runs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return a lesson's claims by statement and seed.

    Args:
        runs: One lesson's runs by seed.

    Returns:
        For each statement, in the order in which it was first made, the claim of each seed that
        made it.

    Example:
        >>> outcomes({"0": {"claims": [{"statement": "It holds", "held": True}]}})["It holds"]["0"]
        {'statement': 'It holds', 'held': True}
    """
    by_statement: dict[str, dict[str, dict[str, Any]]] = {}
    for seed, run in runs.items():
        for claim in run["claims"]:
            by_statement.setdefault(claim["statement"], {})[seed] = claim
    return by_statement


def verdict(of_seeds: Mapping[str, Mapping[str, Any]], seeds: Sequence[str]) -> str:
    """Say whether a claim held with every seed, and with which it did not.

    Args:
        of_seeds: The claim by seed.
        seeds: Every seed with which its lesson was run.

    Returns:
        ``"yes"``, or what is missing from it.

    Example:
        >>> verdict({"0": {"held": True}, "1": {"held": False}}, ["0", "1", "2"])
        '**no** (seed 1), not measured (seed 2)'
    """
    failed = [seed for seed in seeds if seed in of_seeds and not of_seeds[seed]["held"]]
    missing = [seed for seed in seeds if seed not in of_seeds]
    found = {"**no**": failed, "not measured": missing}
    said = [f"{what} (seed {', '.join(which)})" for what, which in found.items() if which]
    return ", ".join(said) or "yes"


def _summary(measured: Measured) -> str:
    lines = ["| lesson | seeds | seconds | peak MB | claims | held with every seed |"]
    lines.append("| --- | --- | ---: | ---: | ---: | ---: |")
    for name, runs in measured.items():
        claims = outcomes(runs).values()
        held = str(sum(verdict(of_seeds, list(runs)) == "yes" for of_seeds in claims))
        # Claims that no seed reached cannot be counted: all that are known may have held.
        if stopped := [seed for seed, run in runs.items() if run["stopped"]]:
            held += f", **stopped** (seed {', '.join(stopped)})"
        seconds, peak = (max(run[what] for run in runs.values()) for what in ("seconds", "peak_mb"))
        lines.append(
            f"| [{name}](#{name}) | {', '.join(runs)} | {seconds} | {peak:,} | {len(claims)} "
            f"| {held} |"
        )
    return "\n".join([*lines, ""])


def _machines(measured: Measured) -> str:
    ran = sorted(
        (run["machine"], name, seed)
        for name, runs in measured.items()
        for seed, run in runs.items()
    )
    by_machine = {
        machine: [one[1:] for one in group] for machine, group in groupby(ran, key=itemgetter(0))
    }
    if len(by_machine) == 1:
        return f"Measured in the `pocket` profile on {ran[0][0]}.\n"
    lines = ["Measured in the `pocket` profile on", ""]
    for machine, which in by_machine.items():
        lessons = "; ".join(
            f"{name} (seed {', '.join(seed for _, seed in seeds)})"
            for name, seeds in groupby(which, key=itemgetter(0))
        )
        lines.append(f"- {machine}: {lessons}")
    return "\n".join([*lines, ""])


def _lesson(name: str, runs: Mapping[str, Mapping[str, Any]]) -> str:
    seeds = list(runs)
    lines = [f"## {name}", ""]
    for seed, run in runs.items():
        if run["stopped"]:
            lines += [f"**Stopped with seed {seed}** by {run['stopped']}: later claims were not "
                      "reached.", ""]  # fmt: skip
    lines.append(f"| statement | threshold | seed {seeds[0]} | spread | held |")
    lines.append("| --- | --- | ---: | ---: | --- |")
    for statement, of_seeds in outcomes(runs).items():
        cells = (
            _escaped(statement),
            _range(sorted(claim["threshold"] for claim in of_seeds.values()),
                   next(iter(of_seeds.values()))["bound"] + " "),
            _number(of_seeds[seeds[0]]["value"]) if seeds[0] in of_seeds else "–",
            _spread([claim["value"] for claim in of_seeds.values()]),
            verdict(of_seeds, seeds),
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _spread(values: Sequence[float | None]) -> str:
    numbers = sorted(value for value in values if value is not None)
    if len(numbers) < len(values):
        return "no number among them"
    return _range(numbers)


def _range(numbers: Sequence[float], before: str = "") -> str:
    lowest, highest = shown(numbers[0]), shown(numbers[-1])
    return before + (lowest if lowest == highest else f"{lowest} – {highest}")


def _number(value: float | None) -> str:
    return "no number" if value is None else shown(value)


def _escaped(text: str) -> str:
    return re.sub(r"([\\|*_<`])", r"\\\1", text)
