"""What a trainer tells the live curves: a callback of transformers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.display import display
from transformers import TrainerCallback

from course_lib.widgets.front_end import somebody_is_there

if TYPE_CHECKING:
    from transformers import TrainerControl, TrainerState

    from course_lib.widgets.curves import CurvesView


class ShowCurves(TrainerCallback):
    """Hands a trainer's log to a view, and shows the view where the training runs.

    Args:
        view: What is shown.
    """

    def __init__(self, view: CurvesView) -> None:
        self._view = view
        self._there = False
        self._handle: Any = None

    def on_train_begin(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Show the view, empty."""
        self._there = somebody_is_there()
        self._handle = display(self._view, display_id=True) if self._there else None

    def on_log(self, args: Any, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        """Draw what is new; where nobody looks, the end is enough."""
        if self._there:
            self._view.show(state.log_history, state.max_steps)

    def on_train_end(
        self, args: Any, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Draw the whole training: this is what a saved notebook keeps."""
        self._view.show(state.log_history, state.max_steps, ended=True)
        if self._handle is None:
            display(self._view)
        elif not hasattr(self._view, "_ipython_display_"):
            # (ipywidgets 7, as on Colab, shows a view by itself: it would stand there twice.)
            self._handle.update(self._view)
