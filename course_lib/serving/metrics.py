"""What a job measured, as a table: from its events, by whichever server they were told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from openai.types.fine_tuning import FineTuningJobEvent


def job_metrics(events: Iterable[FineTuningJobEvent]) -> pd.DataFrame:
    """One row for each step that a job told of.

    Args:
        events: From ``client.fine_tuning.jobs.list_events(job.id)``, in any order:
            no measure of a step is told twice with another value.

    Returns:
        A column ``step``, and one for each measure that any event had, such as ``train_loss``;
        steps in order, what was not measured at a step is NaN. Empty where nothing was measured.

    Example:
        >>> job_metrics([]).columns.tolist()
        ['step']
        >>> events = client.fine_tuning.jobs.list_events(job.id, limit=100)  # doctest: +SKIP
        >>> job_metrics(events)["train_loss"].iloc[-1]  # doctest: +SKIP
        0.41
    """
    import pandas as pd

    steps: dict[int, dict[str, Any]] = {}
    for event in events:
        data = event.data
        if event.type == "metrics" and isinstance(data, dict) and "step" in data:
            steps.setdefault(data["step"], {}).update(data)
    rows = [steps[step] for step in sorted(steps)]
    return pd.DataFrame(rows, columns=None if rows else ["step"])
