"""A fine-tuning job while it runs: its status, its last events and its losses as curves."""

from __future__ import annotations

import base64
import time
from html import escape
from io import BytesIO
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import ipywidgets
from IPython.display import display

from course_lib.language import translated
from course_lib.plotting.jobs import job_curves
from course_lib.serving.metrics import job_metrics
from course_lib.widgets.front_end import LIVE, somebody_is_there

if TYPE_CHECKING:
    import pandas as pd
    from openai import OpenAI
    from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent

_ENDED = ("succeeded", "failed", "cancelled")
_SHOWN = 3
# Inches: with the status above it, the figure stands whole in a window 800 pixels high.
_HEIGHT = 4.6


def watch_job(client: OpenAI, job_id: str, *, every: float = 2.0) -> FineTuningJob:
    """Show a job until it ends.

    Interrupt the cell to stop watching; the job goes on.

    Args:
        client: OpenAI's own client, for any server.
        job_id: The job.
        every: Seconds between two looks.

    Returns:
        The job as it ended: succeeded, failed or cancelled.

    Example:
        >>> job = watch_job(client, job.id)  # doctest: +SKIP
    """
    view = JobView(client, job_id)
    there = somebody_is_there()
    handle = display(view, display_id=True) if there else None
    while view.job.status not in _ENDED:
        time.sleep(every)
        view.look(draw=there)
    view.look()
    # What a saved notebook keeps is the end of the job.
    if handle is None:
        display(view)
    else:
        handle.update(view)
    return view.job


class JobView(ipywidgets.VBox):
    """The view that `watch_job` shows. Its parts are ordinary ipywidgets.

    Attributes:
        job: As the server last told it.
        status: Status, progress and last events, in words. The events' own are the server's.
        curves: The figure of `plotting.job_curves`, an image in HTML.
    """

    job: FineTuningJob

    def __init__(self, client: OpenAI, job_id: str) -> None:
        """Look at a job for the first time.

        Args:
            client: OpenAI's own client.
            job_id: The job.
        """
        self._client, self._job_id = client, job_id
        self._events: list[FineTuningJobEvent] = []  # the newest first, as the API gives them
        self._drawn: tuple[int, str] | None = None
        self.status = ipywidgets.HTML()
        self.curves = ipywidgets.HTML()
        self._png = ""
        super().__init__([self.status, self.curves])
        self.look()

    def __repr__(self) -> str:
        return f"JobView({self._job_id}, {self.job.status}, {len(self._events)} events)"

    def look(self, *, draw: bool = True) -> None:
        """Ask the server what is new, and show it.

        Args:
            draw: Draw the curves again where there is a new step.
        """
        # The job first: what it did before it ended is then among the events.
        self.job = self._client.fine_tuning.jobs.retrieve(self._job_id)
        known = self._events[0].id if self._events else None
        listed = self._client.fine_tuning.jobs.list_events(self._job_id, limit=100)
        self._events = [*takewhile(lambda event: event.id != known, listed), *self._events]
        metrics = job_metrics(reversed(self._events))
        self.status.value = self._told(metrics)
        if draw:
            self._draw(metrics)

    def _draw(self, metrics: pd.DataFrame) -> None:
        state = len(metrics), self.job.status
        if "train_loss" not in metrics or state == self._drawn:
            return
        self._drawn = state
        kept = self._client.fine_tuning.jobs.checkpoints.list(self._job_id)
        title = f"{self.job.status}: step {metrics['step'].iloc[-1]}"
        figure = job_curves(
            metrics, sorted(row.step_number for row in kept), title=title, height=_HEIGHT
        )
        png = BytesIO()
        figure.savefig(png, format="png")
        self._png = base64.b64encode(png.getvalue()).decode("ascii")
        told = translated(f"Loss and token accuracy of the job, {title}")
        self.curves.value = (
            f'<img alt="{escape(told)}" src="data:image/png;base64,{self._png}" '
            'style="width:100%;max-width:1000px;background:#fff">'
        )

    def _told(self, metrics: pd.DataFrame) -> str:
        error = self.job.error.message if self.job.error and self.job.error.message else ""
        # A failed job's last event says its error again.
        last = [event.message for event in self._events if event.message != error][:_SHOWN]
        said = "".join(f"<li>{escape(message)}</li>" for message in last)
        return (
            '<div style="font:16px/1.5 system-ui,sans-serif"><p role="status" style="margin:0">'
            f"<b>{escape(self.job.id)}: {escape(self.job.status)}</b> "
            f"{escape(error or self._progress(metrics))}</p>"
            f'<ul style="margin:0">{said}</ul></div>'
        )

    def _progress(self, metrics: pd.DataFrame) -> str:
        if self.job.status != "running":
            return ""
        if "total_steps" not in metrics:
            return translated("no step yet: the model is being loaded")
        done, total = int(metrics["step"].iloc[-1]), int(metrics["total_steps"].max())
        if self.job.estimated_finish is None:
            return translated(f"step {done} of {total}")
        left = max(0, round(self.job.estimated_finish - time.time()))
        return translated(f"step {done} of {total}, about {left} s left")

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # A saved notebook shows the figure too, wherever it is opened without a kernel.
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        if self._png:
            bundle["image/png"] = self._png
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle
