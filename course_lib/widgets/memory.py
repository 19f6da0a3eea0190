"""Sliders over the memory of a training step: one stacked bar against a card's ceiling."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from io import BytesIO
from typing import Any

import ipywidgets

from course_lib.catalog import catalog, shape
from course_lib.language import translated
from course_lib.memory.cards import card
from course_lib.memory.estimate import METHODS, MemoryEstimate, estimate
from course_lib.memory.speed import seconds_per_step
from course_lib.plotting.memory import memory_bars
from course_lib.plotting.style import BLACK, BLUE, COLOURS, GREY
from course_lib.widgets.front_end import LIVE, script, somebody_is_there, style

_LENGTHS = [128, 256, 512, 1024, 2048, 4096, 8192]
_RANKS = [4, 8, 16, 32, 64, 128, 256]
_BATCHES = [1, 2, 4, 8, 16, 32]
_WIDTH, _HEIGHT = 900, 112


def memory_sliders(
    model: str = "Qwen/Qwen2.5-1.5B-Instruct",
    gpu: str = "t4",
    *,
    method: str = "lora",
    seq_len: int = 1024,
    batch: int = 1,
    rank: int = 16,
) -> MemoryView:
    """Show what a step needs while its settings are moved.

    Every slider works with the arrow keys, and Tab leads from one to the next.

    Args:
        model: A name of the catalog: where the choice of the model begins.
        gpu: The card whose memory is the ceiling.
        method: ``full``, ``lora`` or ``qlora``.
        seq_len: Tokens a row, a power of two from 128 to 8192.
        batch: Rows a micro-batch, a power of two up to 32.
        rank: The adapter's rank, a power of two from 4 to 256.

    Returns:
        The widget. Where nobody can move a slider (nbconvert, nbmake) it is displayed as a figure
        of the three methods.

    Raises:
        CourseError: No such model or card.

    Example:
        >>> view = memory_sliders("Qwen2.5-7B-Instruct", method="lora")
        >>> view.estimate.peak_gib > 14.56
        True
        >>> view.method.value = "qlora"
        >>> view.estimate.peak_gib < 14.56
        True
    """
    return MemoryView(model, gpu, method, seq_len, batch, rank)


class MemoryView(ipywidgets.VBox):
    """The view that `memory_sliders` returns. Its parts are ordinary ipywidgets.

    Attributes:
        model, method, seq_len, batch, rank, checkpointing: What can be moved.
        bar: The stacked bar and the verdict.
        estimate: What is shown, as `course_lib.memory.estimate` returns it.
    """

    estimate: MemoryEstimate

    def __init__(
        self, model: str, gpu: str, method: str, seq_len: int, batch: int, rank: int
    ) -> None:
        """Lay the parts out and draw the first bar.

        Args:
            model: A name of the catalog.
            gpu: The card.
            method: The method.
            seq_len: Tokens a row.
            batch: Rows a micro-batch.
            rank: The adapter's rank.
        """
        self._card = card(gpu)
        names = sorted(catalog().index.drop("pocket"), key=lambda name: shape(name).parameters)
        asked = next((name for name in names if shape(name) == shape(model)), names[0])
        wide: dict[str, Any] = {
            "layout": {"width": "28em"},
            "style": {"description_width": "9em"},
        }
        self.model = ipywidgets.Dropdown(
            options=[(name.split("/")[-1], name) for name in names],
            value=asked,
            description=translated("Model"),
            **wide,
        )
        self.method = ipywidgets.Dropdown(
            options=METHODS, value=method, description=translated("Method"), **wide
        )
        self.seq_len = _slider("Tokens a row", _LENGTHS, seq_len, wide)
        self.batch = _slider("Rows at once", _BATCHES, batch, wide)
        self.rank = _slider("Rank", _RANKS, rank, wide)
        self.checkpointing = ipywidgets.Checkbox(
            value=True, description=translated("Checkpointing"), **wide
        )
        self.bar = ipywidgets.HTML()
        moved = (self.model, self.method, self.seq_len, self.batch, self.rank, self.checkpointing)
        left, right = moved[:3], moved[3:]
        columns = ipywidgets.HBox([ipywidgets.VBox(left), ipywidgets.VBox(right)])
        super().__init__([style("controls.css"), columns, self.bar, script("names.js")])
        self.add_class("course-controls")
        for part in moved:
            part.observe(self._draw, "value")
        self._draw()

    def __repr__(self) -> str:
        name = self.model.value.split("/")[-1]
        cut = f"{self.batch.value} × {self.seq_len.value} tokens"
        return (
            f"MemoryView({name}, {self.method.value}, {cut}: {self.estimate.peak_gib:.2f} of "
            f"{self._card.gib:.2f} GiB)"
        )

    def _setting(self, method: str) -> dict[str, Any]:
        return {
            "method": method,
            "seq_len": self.seq_len.value,
            "batch": self.batch.value,
            "rank": self.rank.value,
            "checkpointing": self.checkpointing.value,
        }

    def _draw(self, _: object = None) -> None:
        model, setting = shape(self.model.value), self._setting(self.method.value)
        self.rank.disabled = self.method.value == "full"
        self.estimate = estimate(model, dtype=self._card.dtype, **setting)
        seconds = seconds_per_step(model, self._card, **setting)
        self.bar.value = _svg(self.estimate.parts, self._card.gib, self._card.name) + _verdict(
            self.estimate, self._card.gib, seconds
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # A saved notebook shows the figure too, wherever it is opened without a kernel.
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        bundle["image/png"] = self._png()
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle

    def _png(self) -> str:
        model = shape(self.model.value)
        parts = {
            method: estimate(model, dtype=self._card.dtype, **self._setting(method)).parts
            for method in METHODS
        }
        title = (
            f"{self.model.value.split('/')[-1]}, {self.batch.value} × {self.seq_len.value} tokens"
        )
        figure = memory_bars(
            parts, ceiling_gib=self._card.gib, ceiling_name=self._card.name, title=title
        )
        drawn = BytesIO()
        figure.savefig(drawn, format="png")
        return base64.b64encode(drawn.getvalue()).decode("ascii")


def _slider(name: str, values: list[int], value: int, wide: Mapping[str, Any]) -> Any:
    return ipywidgets.SelectionSlider(
        options=[(f"{each:,}", each) for each in values],
        value=value,
        description=translated(name),
        **wide,
    )


def _svg(parts: Mapping[str, float], ceiling: float, name: str) -> str:
    """The bar, drawn as text: a matplotlib figure would take longer than a slider's step."""
    shown = {translated(part): gib for part, gib in parts.items() if gib >= 0.005}
    peak = sum(parts.values())
    scale = (_WIDTH - 20) / max(1.15 * ceiling, 1.02 * peak)
    drawn, left = [], 10.0
    for number, (part, gib) in enumerate(shown.items(), start=1):
        colour = GREY if part == translated("context") else COLOURS[(number - 1) % len(COLOURS)]
        width = gib * scale
        drawn.append(
            f'<rect x="{left:.1f}" y="30" width="{width:.1f}" height="56" fill="{colour}" '
            'stroke="#fff"/>'
        )
        if width > 16:
            # The number stands in the list below too: the colour is not the only sign.
            ink = "#fff" if colour in (BLUE, BLACK, GREY) else "#000"
            drawn.append(
                f'<text x="{left + width / 2:.1f}" y="64" text-anchor="middle" fill="{ink}">'
                f"{number}</text>"
            )
        left += width
    at = 10 + ceiling * scale
    side = "end" if at > _WIDTH / 3 else "start"  # where there is room for the words
    drawn.append(
        f'<line x1="{at:.1f}" x2="{at:.1f}" y1="24" y2="96" stroke="#000" stroke-width="3" '
        'stroke-dasharray="7 4"/>'
        f'<text x="{at:.1f}" y="18" text-anchor="{side}" fill="#000" font-weight="bold">'
        f"{escape(name)}: {ceiling:.2f} GiB</text>"
    )
    both = translated(f"{peak:.2f} of {ceiling:.2f} GiB")
    told = ", ".join(f"{part} {gib:.2f}" for part, gib in shown.items())
    legend = "".join(
        f'<li style="display:inline-block;margin-right:1.4em"><b>{number}</b> {escape(part)} '
        f"{gib:.2f}</li>"
        for number, (part, gib) in enumerate(shown.items(), start=1)
    )
    return (
        f'<div style="background:#fff;color:#1b1b1b;padding:8px;max-width:{_WIDTH}px;'
        f'font:17px/1.5 system-ui,sans-serif"><svg viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'width="100%" role="img" aria-label="{both}: {escape(told)}" '
        f'font-size="17">{"".join(drawn)}</svg>'
        f'<ol style="list-style:none;margin:0;padding:0">{legend}</ol>'
    )


def _verdict(found: MemoryEstimate, ceiling: float, seconds: float) -> str:
    free = ceiling - found.peak_gib
    word = f"fits, {free:.2f} GiB free" if free >= 0 else f"does not fit, {-free:.2f} GiB too much"
    peak = translated(f"{found.peak_gib:.2f} of {ceiling:.2f} GiB")
    took = translated(f"predicted {seconds:.3g} s for these rows")
    return (
        f'<p role="status" style="margin:6px 0 0"><b>{peak}: '
        f"{translated(word)}</b>; {took}</p></div>"
    )
