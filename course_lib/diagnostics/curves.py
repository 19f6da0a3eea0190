"""The verdict on a run, read off its learning curves.

Lesson 07 teaches the reading; this module does the same reading in the same order:

1. training loss breaks, climbs, or ends above its start → diverged
2. too few held-out measurements                         → not enough evidence
3. held-out loss climbs while training loss does not     → overfitting
4. held-out loss still falls, or hardly ever fell        → underfitting
5. none of these                                         → healthy
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from course_lib.diagnostics.log import Curve, read_log
from course_lib.diagnostics.trend import Rise, rise
from course_lib.language import translated

Name = Literal["healthy", "overfitting", "underfitting", "diverged", "not enough evidence"]

# Fewer points than this cannot hold both a fall and a rise.
FEWEST_POINTS = 4
# A held-out loss that climbs by less than 2% of itself is not worth a learner's evening.
SMALLEST_RISE = 0.02
# Training loss may wander; when it gives back a quarter of what was learned, the run is lost.
DIVERGED_SHARE = 0.25
# Loss that fell by less than a tenth since the start means that hardly anything was learned.
HARDLY_LEARNED = 0.10
# The last quarter of a settled run brings little; these two together mean "still falling".
STILL_FALLING_SHARE = 0.10
STILL_FALLING_LEVEL = 0.03

_CURES: dict[Name, tuple[str, ...]] = {
    "healthy": (
        "Keep the checkpoint of the best step.",
        "Now measure the answers themselves: a good loss is not yet a good answer.",
    ),
    "overfitting": (
        "Stop at the best step: load_best_model_at_end=True with EarlyStoppingCallback.",
        "Add more, and more varied, rows: the surest cure.",
        "Train for fewer epochs or with a lower learning rate.",
        "Use a smaller LoRA rank, or fewer target modules.",
        "Add weight decay or LoRA dropout.",
    ),
    "underfitting": (
        "Train longer: more epochs, until the held-out loss stops falling.",
        "Raise the learning rate (LoRA takes about ten times that of full fine-tuning).",
        "Raise the LoRA rank, or target all linear layers.",
        "Check that the rows' answers are really trained on (the token x-ray shows it).",
    ),
    "diverged": (
        "Lower the learning rate to a third or a tenth.",
        "Add warm-up (warmup_steps) and keep gradient clipping (max_grad_norm=1.0).",
        "On a T4 use fp16 with fp32 adapters, never bf16.",
        "Look at the rows of the step where it began: one broken row can do it.",
    ),
    "not enough evidence": (
        'Hold rows out and evaluate often: eval_strategy="steps", about 20 times in a run.',
    ),
}


@dataclass(frozen=True)
class Verdict:
    """What the curves say, since when, and what to do about it.

    Attributes:
        verdict: one of the five names.
        since_step: step at which it set in; None where the verdict has no beginning.
        best_step: evaluated step with the lowest held-out loss; None without any.
        evidence: the measurements behind the verdict, in words.
        try_: what to do next, most promising first.
    """

    verdict: Name
    since_step: int | None
    best_step: int | None
    evidence: list[str]
    try_: list[str]

    def as_dict(self) -> dict[str, Any]:
        """The verdict as `python -m course_lib diagnose --json` prints it.

        Returns:
            The five fields; `try_` under its plain name, "try".

        Example:
            >>> sorted(diagnose(history).as_dict())  # doctest: +SKIP
            ['best_step', 'evidence', 'since_step', 'try', 'verdict']
        """
        return {
            "verdict": self.verdict,
            "since_step": self.since_step,
            "best_step": self.best_step,
            "evidence": self.evidence,
            "try": self.try_,
        }

    def __str__(self) -> str:
        """The verdict for people: one line, then its evidence and what to try."""
        since = "" if self.since_step is None else f" since step {self.since_step}"
        best = "" if self.best_step is None else f" (best step: {self.best_step})"
        lines = [translated(f"{self.verdict}{since}{best}")]
        lines += [f"  {translated(f'because {reason}')}" for reason in self.evidence]
        lines += [f"  {translated(f'try: {cure}')}" for cure in self.try_]
        return "\n".join(lines)


def diagnose(log: Iterable[Mapping[str, Any]] | str | Path) -> Verdict:
    """Judge a run by its learning curves.

    Args:
        log: `trainer.state.log_history`, or the path of a `trainer_state.json` (or of the
            checkpoint that holds it), or of a CSV of step,train_loss,validation_loss.

    Returns:
        The verdict with its evidence. A rise counts only when it is larger than the curve's own
        noise explains, and a fall only when it is worth having.

    Raises:
        CourseError: the log is missing, broken, or holds no loss.

    Example:
        >>> verdict = diagnose(trainer.state.log_history)  # doctest: +SKIP
        >>> verdict.verdict, verdict.since_step  # doctest: +SKIP
        ('overfitting', 70)
    """
    curves = read_log(log)
    train, validation = curves.train, curves.validation
    best = _best_step(validation)
    broken = _broken(train, "training") or _broken(validation, "held-out")
    if broken:
        return _verdict("diverged", broken[0], best, [broken[1]])
    lost = _ends_above_its_start(train)
    if lost:
        return _verdict("diverged", lost[0], best, [lost[1]])
    climbing = rise(train.losses) if len(train) >= FEWEST_POINTS else None
    if climbing and _train_diverged(train, climbing):
        since = int(train.steps[climbing.since])
        return _verdict("diverged", since, best, [_climb("training", train, climbing)])
    if len(validation) < FEWEST_POINTS or climbing is None:
        return _verdict("not enough evidence", None, best, [_too_little(train, validation)])
    held_out = rise(validation.losses)
    if held_out.beyond_noise and held_out.size > SMALLEST_RISE * held_out.low:
        since = int(validation.steps[held_out.since])
        evidence = [_climb("held-out", validation, held_out), _training_after(train, since)]
        return _verdict("overfitting", since, best, evidence)
    return _fit_or_underfit(train, validation, held_out, best)


def _fit_or_underfit(train: Curve, validation: Curve, held_out: Rise, best: int | None) -> Verdict:
    start = max(float(train.losses[0]), float(validation.losses[0]))
    # With few points the curve's end is its last value; with many, noise is averaged away.
    window = max(1, len(validation) // 8)
    end = float(validation.losses[-window:].mean())
    learned = start - end
    if learned < HARDLY_LEARNED * start:
        reason = f"loss went from {start:.3g} to {end:.3g}: less than a tenth was learned"
        return _verdict("underfitting", int(validation.steps[0]), best, [reason])
    first, last = validation.steps[0], validation.steps[-1]
    turn = int(np.searchsorted(validation.steps, first + 0.75 * (last - first)))
    turn = min(turn, len(validation) - 1)
    before = float(validation.losses[max(0, turn - window + 1) : turn + 1].mean())
    gain = before - end
    needed = max(
        STILL_FALLING_SHARE * learned,
        STILL_FALLING_LEVEL * end,
        3 * held_out.noise * (2 / window) ** 0.5,
    )
    if gain > needed:
        reason = (
            f"held-out loss was still falling at the end: {before:.3g} at step "
            f"{validation.steps[turn]}, {end:.3g} at step {last}"
        )
        return _verdict("underfitting", int(validation.steps[turn]), best, [reason])
    evidence = [
        f"held-out loss fell from {start:.3g} to {end:.3g} and settled",
        f"its end is within noise ({held_out.noise:.2g}) of its lowest stretch, {held_out.low:.3g}",
    ]
    return _verdict("healthy", None, best, evidence)


def _verdict(name: Name, since: int | None, best: int | None, evidence: list[str]) -> Verdict:
    return Verdict(name, since, best, evidence, list(_CURES[name]))


def _best_step(validation: Curve) -> int | None:
    finite = np.isfinite(validation.losses)
    if not finite.any():
        return None
    return int(validation.steps[np.where(finite, validation.losses, np.inf).argmin()])


def _broken(curve: Curve, name: str) -> tuple[int, str] | None:
    places = np.flatnonzero(~np.isfinite(curve.losses))
    if not len(places):
        return None
    step = int(curve.steps[places[0]])
    return step, f"{name} loss is {curve.losses[places[0]]} at step {step}: numbers overflowed"


def _ends_above_its_start(train: Curve) -> tuple[int, str] | None:
    """Find a run that ends well above where it began, in noise that hides every rise."""
    if len(train) < FEWEST_POINTS:
        return None
    start, end = float(train.losses[0]), float(np.median(train.losses[-(len(train) // 4) :]))
    if end < (1 + DIVERGED_SHARE) * start:
        return None
    since = int(train.steps[np.argmax(train.losses > start)])
    return since, f"training loss began at {start:.3g} and ended around {end:.3g}"


def _train_diverged(train: Curve, climbing: Rise) -> bool:
    learned = max(float(train.losses[0]) - climbing.low, SMALLEST_RISE * climbing.low)
    return climbing.beyond_noise and climbing.size > DIVERGED_SHARE * learned


def _climb(name: str, curve: Curve, climb: Rise) -> str:
    return (
        f"{name} loss was lowest, about {climb.low:.3g}, around step "
        f"{curve.steps[climb.bottom]} and ended {climb.size:.3g} higher: "
        f"{climb.size / climb.noise:.0f} times its noise ({climb.noise:.2g})"
    )


def _training_after(train: Curve, since: int) -> str:
    later = train.losses[train.steps >= since]
    here = float(later[0]) if len(later) else float(train.losses[-1])
    there = float(train.losses[-1])
    return f"training loss meanwhile went from {here:.3g} to {there:.3g}"


def _too_little(train: Curve, validation: Curve) -> str:
    return (
        f"the log holds {len(train)} training and {len(validation)} held-out losses; a verdict "
        f"needs at least {FEWEST_POINTS} of each"
    )
