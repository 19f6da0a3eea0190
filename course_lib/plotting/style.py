"""The house style: colours, sizes, and the one way in which a figure is opened and closed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from course_lib.language import language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's palette: told apart with every common kind of colour blindness. Yellow is left
# out, because a projector washes it out on white.
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILION = "#D55E00"
SKY = "#56B4E9"
PURPLE = "#CC79A7"
BLACK = "#000000"
GREY = "#767676"
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, SKY, PURPLE, BLACK)
# Colour is never the only sign: series differ in marker or hatching too.
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
HATCHES = ("", "//", "..", "\\\\", "xx", "--", "++")

# Points at 100 dots an inch on a figure 10 inches wide: what the last row of a room can read.
SMALLEST_TEXT = 14
# Inches: what a slide holds below its heading while that text is still 18 pixels high.
TALLEST = 6.5

# matplotlib types the keys as a list of literals longer than this file.
_SETTINGS: dict[Any, Any] = {
    "font.size": SMALLEST_TEXT,
    "axes.titlesize": 18,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 16,
    "legend.fontsize": SMALLEST_TEXT,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "lines.linewidth": 2.5,
    "lines.markersize": 8,
    "hatch.linewidth": 1.0,
    "figure.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.w_pad": 0.12,
    "figure.constrained_layout.h_pad": 0.12,
}


@contextmanager
def canvas(title: str, *, height: float = 5.5) -> Iterator[tuple[Figure, Axes]]:
    """Open a figure in the house style.

    Args:
        title: what the figure shows, in a few words.
        height: inches, cut to `TALLEST`; the width is always 10, so that figures on slides line up.

    Yields:
        The figure and its axes. On leaving, the figure is closed for pyplot: a notebook then
        shows it once, where it is the last line of a cell, and not a second time by itself.

    Example:
        >>> with canvas("Loss") as (figure, axes):
        ...     lines = axes.plot([1, 2], [3, 4])
    """
    import matplotlib.pyplot as plt

    # Here and not where a session starts: lesson 15 draws without course_lib.start().
    if language() != "en":
        from course_lib.language.figures import translate_figures

        translate_figures()
    with plt.rc_context(_SETTINGS):
        figure, axes = plt.subplots(figsize=(10, min(height, TALLEST)))
        axes.set_title(title, pad=14)
        # Said outright: ticks are made when the figure is drawn, outside these settings.
        axes.tick_params(labelsize=SMALLEST_TEXT)
        yield figure, axes
        plt.close(figure)
