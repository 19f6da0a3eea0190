"""A training while it runs: its losses as curves, and afterwards a slider to read them with."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd

from course_lib.language import translated
from course_lib.plotting.curves import learning_curves
from course_lib.training.curves import learning_curve
from course_lib.widgets.front_end import LIVE, script, somebody_is_there, style

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from transformers import Trainer

# Seconds between two drawings: one takes a fifth of a second, which the training waits for.
_EVERY = 2.0
_LOSSES = {"train_loss": "training loss", "validation_loss": "held-out loss"}


def live_curves(trainer: Trainer, *, title: str = "Learning curves") -> CurvesView:
    """Show a trainer's losses while it trains: call it before ``trainer.train()``.

    The view appears where the training is started. When the training has ended, its slider reads
    the losses at one step; it works with the arrow keys.

    Args:
        trainer: Of transformers or TRL. It gets one callback more.
        title: Heading of the figure.

    Returns:
        The widget, which the training displays by itself. Where nobody can move a slider
        (nbconvert, nbmake) it is displayed as the figure of the whole training.

    Example:
        >>> curves = live_curves(trainer)  # doctest: +SKIP
        >>> trainer.train()                # doctest: +SKIP
        >>> curves                         # doctest: +SKIP
        CurvesView(60 of 60 steps, training loss 0.512)
    """
    # transformers' trainer takes seconds to load; whoever has a trainer has it loaded.
    from course_lib.widgets.training import ShowCurves

    view = CurvesView(title)
    trainer.add_callback(ShowCurves(view))
    return view


class CurvesView(ipywidgets.VBox):
    """The view that `live_curves` returns. Its parts are ordinary ipywidgets.

    Attributes:
        status: How far the training is and its latest losses, or those of the chosen step.
        figure: The curves, an image in HTML.
        step: The slider over the steps that were logged; disabled while the training runs.
        losses: What is drawn, as `course_lib.training.curves.learning_curve` returns it.
    """

    def __init__(self, title: str) -> None:
        """Lay the parts out, with nothing to draw yet.

        Args:
            title: Heading of the figure.
        """
        self.losses = learning_curve([])
        self._title = title
        self._log: list[Mapping[str, Any]] = []
        self._total = 0
        self._drawn = 0.0
        self.status, self.figure = ipywidgets.HTML(), ipywidgets.HTML()
        self.step = ipywidgets.SelectionSlider(
            options=[("–", 0)],
            description=translated("Step"),
            disabled=True,
            layout={"width": "auto"},
        )
        super().__init__(
            [style("controls.css"), self.status, self.figure, self.step, script("names.js")]
        )
        self.add_class("course-controls")
        self.step.observe(self._mark, "value")
        self._say(translated("Nothing is logged yet."))

    def __repr__(self) -> str:
        done = 0 if self.losses.empty else self.losses["step"].iloc[-1]
        return f"CurvesView({done} of {self._total} steps, {self._latest()})"

    def show(
        self, log_history: Sequence[Mapping[str, Any]], total: int, *, ended: bool = False
    ) -> None:
        """Take in what a training has logged so far.

        Args:
            log_history: ``trainer.state.log_history``.
            total: The steps that the training will have.
            ended: Whether there is nothing to come: the slider is then of use.

        Example:
            >>> view = CurvesView("Curves")
            >>> view.show([{"step": 5, "loss": 2.0}], 10, ended=True)
            >>> view
            CurvesView(5 of 10 steps, training loss 2.000)
        """
        self._log, self._total = list(log_history), total
        self.losses = learning_curve(self._log)
        if self.losses.empty:
            return
        done = self.losses["step"].iloc[-1]
        self._say(translated(f"Step {done} of {total}: {self._latest()}"))
        now = time.monotonic()
        if ended or now - self._drawn > _EVERY:
            self._drawn = now
            self._draw(translated(f"{self._title}, up to step {done}: {self._latest()}"))
        self.step.disabled = not ended
        if ended:
            # Not a choice of anybody's: nothing is marked.
            self.step.unobserve(self._mark, "value")
            steps = [int(step) for step in self.losses["step"]]
            self.step.options = [(f"{step:,}", step) for step in steps]
            self.step.value = steps[-1]
            self.step.observe(self._mark, "value")

    def _latest(self) -> str:
        """The last loss of each kind: the two are not always measured at the same step."""
        return "no loss" if self.losses.empty else _told(self.losses.ffill().iloc[-1])

    def _mark(self, change: Mapping[str, Any]) -> None:
        """The slider has been moved: say what was measured at that step, and mark it."""
        row = self.losses.set_index("step").loc[change["new"]]
        told = translated(f"Step {change['new']:,}, epoch {row['epoch']:.3g}: {_told(row)}")
        self._say(told)
        self._draw(translated(f"{self._title}. {told}"), {change["new"]: f"step {change['new']:,}"})

    def _say(self, what: str) -> None:
        self.status.value = f'<p role="status" style="margin:0"><b>{escape(what)}</b></p>'

    def _draw(self, told: str, events: Mapping[int, str] | None = None) -> None:
        drawn = _png(learning_curves(self._log, events=events, title=self._title))
        self.figure.value = (
            f'<img alt="{escape(told)}" src="data:image/png;base64,{drawn}" '
            'style="width:100%;background:#fff">'
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # A saved notebook shows the figure too, wherever it is opened without a kernel.
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        if not self.losses.empty:
            bundle["image/png"] = _png(learning_curves(self._log, title=self._title))
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle


def _told(row: pd.Series) -> str:
    known = [(name, row[column]) for column, name in _LOSSES.items() if column in row]
    return ", ".join(translated(f"{name} {loss:.3f}") for name, loss in known if pd.notna(loss))


def _png(figure: Figure) -> str:
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    return base64.b64encode(drawn.getvalue()).decode("ascii")
