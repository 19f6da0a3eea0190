"""Stop in time: a free session ends at its hour, and takes with it whatever was not saved."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from accelerate import PartialState
from accelerate.utils import broadcast_object_list
from transformers import TrainerCallback

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState, TrainingArguments

_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([hms])")
_HOURS = {"h": 1.0, "m": 1 / 60, "s": 1 / 3600}
# What is kept back for the last checkpoint until one has been timed: seven minutes of eleven hours.
_UNTIMED_SAVE = 0.01


class TimeBudget(TrainerCallback):
    """Stops a run before its time is over, with a checkpoint to go on from.

    The run stops at the first step after which one more step and one more checkpoint, each as long
    as the longest so far, would no longer fit. A step counts from one step's end to the next, with
    whatever is evaluated and saved between the two. Of several processes the first one's clock
    counts.

    Args:
        hours: Time for this call of ``train()``, in hours, counted from its start. Leave room for
            what follows it, such as evaluation: 11 of Colab's or Kaggle's 12.

    Raises:
        CourseError: The budget is not above zero.

    Example:
        >>> trainer = sft_trainer(model, tokenizer, train, config=config,
        ...                       callbacks=[TimeBudget(hours=11)])  # doctest: +SKIP
    """

    def __init__(self, hours: float) -> None:
        if not hours > 0:
            raise CourseError(f"a time budget is above zero, not {hours} hours")
        self.hours = hours
        self.stopped_at: int | None = None
        self._began = self._step_began = time.monotonic()
        self._longest_step = 0.0
        self._longest_save: float | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        """Start the clock; a run that is resumed has its whole budget again."""
        self.stopped_at = None
        self._began = self._step_began = time.monotonic()
        self._longest_step = 0.0
        self._longest_save = None

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> TrainerControl:
        """Save and stop when the next step might not end in time."""
        now = time.monotonic()
        # Measured from one step's end to the next, so that saving and evaluating count too.
        self._longest_step = max(self._longest_step, now - self._step_began)
        self._step_began = now
        finished = state.global_step >= state.max_steps
        budget = self.hours * 3600
        save = _UNTIMED_SAVE * budget if self._longest_save is None else self._longest_save
        late = now - self._began + self._longest_step + save > budget
        if not finished and _first_process_says(late):
            self.stopped_at = state.global_step
            control.should_save = True
            control.should_training_stop = True
            if PartialState().is_main_process:
                # On standard output: a notebook paints everything else red, like an error.
                print(
                    f"time budget of {_words(self.hours)} used: saved and stopped at step "
                    f"{state.global_step:,} of {state.max_steps:,}\n"
                    "go on with trainer.train(resume_from_checkpoint=True), or --resume"
                )
        return control

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> None:
        """Time a checkpoint, and the evaluation before it, from the end of its step."""
        took = time.monotonic() - self._step_began
        self._longest_save = max(took, self._longest_save or 0.0)

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **_: Any,
    ) -> TrainerControl:
        """Leave out what belongs to an epoch's end when the epoch was broken off.

        It would take time that there is not, and the run that goes on would count an evaluation
        (its early stopping, its best model) that a run never stopped does not have.
        """
        broken_off = state.global_step == self.stopped_at and not float(state.epoch).is_integer()
        if broken_off:
            control.should_evaluate = control.should_save = False
        return control


def _first_process_says(late: bool) -> bool:
    """What the first of all processes says: clocks differ, and one that stops alone halts all."""
    state = PartialState()
    if state.num_processes == 1:
        return late
    said = broadcast_object_list([late])
    return bool(said[0])


def parse_hours(text: str) -> float:
    """Read a time such as ``2h``, ``90m`` or ``1h30m`` as hours.

    Args:
        text: Numbers with ``h``, ``m`` or ``s`` after each.

    Returns:
        The time in hours.

    Raises:
        CourseError: The text is no such time, or is zero.

    Example:
        >>> parse_hours("1h30m")
        1.5
    """
    parts = _PART.findall(text.lower())
    hours = sum(float(number) * _HOURS[unit] for number, unit in parts)
    if _PART.sub("", text.lower()).strip() or hours <= 0:
        raise CourseError(f"cannot read {text!r} as a time: write it as 2h, 90m, 45s or 1h30m")
    return hours


def _words(hours: float) -> str:
    if hours >= 1:
        return f"{hours:g} hours"
    return f"{hours * 60:.3g} minutes" if hours * 60 >= 1 else f"{hours * 3600:.3g} seconds"
