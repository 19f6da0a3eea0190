"""Tick what a case needs, and read which way suits it and why."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets

from course_lib.approach import Approach, choose_approach
from course_lib.language import translated
from course_lib.widgets.front_end import LIVE, script, somebody_is_there, style

_CRITERIA = {
    "fixed_style": "one fixed style in every answer",
    "no_wavering": "no wavering between wordings",
    "fixed_format": "one fixed format, such as JSON",
    "own_rules": "rules of our own judgement",
    "stable": "stays the same for a year or more",
    "fresh_facts": "facts that change by the month",
    "small_budget": "small budget",
}
_ROWS = [0, 3, 10, 50, 100, 300, 1000]


def approach_chooser(*, rows: int = 100, **criteria: bool) -> ApproachView:
    """Show which way suits a case while its criteria are ticked.

    Every box works with the space bar, the slider with the arrow keys, and Tab leads on.

    Args:
        rows: Examples at hand: 0, 3, 10, 50, 100, 300 or 1,000.
        criteria: What `choose_approach` asks, ticked to begin with.

    Returns:
        The widget. Where nobody can tick a box (nbconvert, nbmake) its present answer is shown.

    Example:
        >>> view = approach_chooser(fixed_style=True, rows=100)
        >>> view.approach.way
        'fine-tuning'
        >>> view.boxes["fresh_facts"].value = True
        >>> view.approach.way
        'fine-tuning + RAG'
    """
    return ApproachView(rows, criteria)


class ApproachView(ipywidgets.VBox):
    """The view that `approach_chooser` returns. Its parts are ordinary ipywidgets.

    Attributes:
        boxes: A checkbox for each criterion, by its name.
        rows: The slider of the examples at hand.
        verdict: The way and its reasons, as HTML.
        approach: What is shown, as `choose_approach` returns it.
    """

    approach: Approach

    def __init__(self, rows: int, criteria: dict[str, bool]) -> None:
        """Lay the parts out and give the first answer.

        Args:
            rows: Examples at hand.
            criteria: What is ticked.
        """
        choose_approach(rows=rows, **criteria)  # an unknown criterion is told at once
        wide: dict[str, Any] = {"indent": False, "layout": {"width": "24em"}}
        self.boxes = {
            name: ipywidgets.Checkbox(
                value=criteria.get(name, False), description=translated(text), **wide
            )
            for name, text in _CRITERIA.items()
        }
        self.rows = ipywidgets.SelectionSlider(
            options=[(f"{each:,}", each) for each in _ROWS],
            value=rows,
            description=translated("Examples"),
            layout={"width": "24em"},
        )
        self.verdict = ipywidgets.HTML()
        moved = [*self.boxes.values(), self.rows]
        columns = [ipywidgets.VBox(moved[:4]), ipywidgets.VBox(moved[4:])]
        super().__init__(
            [style("controls.css"), ipywidgets.HBox(columns), self.verdict, script("names.js")]
        )
        self.add_class("course-controls")
        for part in moved:
            part.observe(self._decide, "value")
        self._decide()

    def __repr__(self) -> str:
        return "\n".join([f"{self._case()} → {self.approach.way}", *self.approach.reasons])

    def _case(self) -> str:
        ticked = [translated(_CRITERIA[name]) for name, box in self.boxes.items() if box.value]
        return "; ".join([*ticked, translated(f"{self.rows.value:,} examples")])

    def _decide(self, _: object = None) -> None:
        ticked = {name: box.value for name, box in self.boxes.items()}
        self.approach = choose_approach(rows=self.rows.value, **ticked)
        self.verdict.value = self._html()

    def _html(self) -> str:
        reasons = "".join(
            f"<li>{escape(translated(reason))}</li>" for reason in self.approach.reasons
        )
        return (
            '<div role="status" style="background:#fff;color:#1b1b1b;padding:8px;'
            f'font:17px/1.5 system-ui,sans-serif"><b>{escape(translated(self.approach.way))}</b>'
            f"<ul>{reasons}</ul></div>"
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # A saved notebook shows the answer too, wherever it is opened without a kernel.
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = f"<p>{escape(self._case())}:</p>{self._html()}"
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle
