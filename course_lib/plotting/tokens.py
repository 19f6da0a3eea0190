"""What a tokenizer costs: tokens a character, by tokenizer and language, and by vocabulary size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.plotting.style import COLOURS, HATCHES, MARKERS, canvas

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def language_costs(frame: pd.DataFrame, *, title: str = "What a character costs") -> Figure:
    """Bars of tokens a character, one group a tokenizer, one bar a language.

    Args:
        frame: indexed by tokenizer, one column a language, tokens a character in the cells.
        title: heading of the figure.

    Returns:
        The figure; shorter bars are cheaper.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> import pandas as pd
        >>> costs = pd.DataFrame({"English": [0.3], "Japanese": [2.9]}, index=["English BPE"])
        >>> figure = language_costs(costs)
    """
    if frame.empty:
        raise CourseError("there are no costs to draw: pass at least one tokenizer.")
    height = 0.8 / len(frame.columns)
    with canvas(title, height=2 + 0.9 * len(frame)) as (figure, axes):
        for place, language in enumerate(frame.columns):
            at = [
                row + (place - (len(frame.columns) - 1) / 2) * height for row in range(len(frame))
            ]
            bars = axes.barh(
                at,
                frame[language],
                height=0.9 * height,
                color=COLOURS[place % len(COLOURS)],
                hatch=HATCHES[place % len(HATCHES)],
                edgecolor="white",
                label=str(language),
            )
            axes.bar_label(bars, fmt="%.2f", padding=5)
        axes.set_yticks(range(len(frame)), [str(name) for name in frame.index])
        axes.invert_yaxis()
        axes.margins(x=0.12)
        axes.set_xlabel("tokens a character, fewer is cheaper")
        axes.grid(axis="x", color="#dddddd")
        figure.legend(loc="outside lower center", ncols=len(frame.columns))
    return figure


def vocabulary_sizes(frame: pd.DataFrame, *, title: str = "What more entries buy") -> Figure:
    """Tokens a character against the size of the vocabulary, one line a text and training text.

    Args:
        frame: indexed by vocabulary size, one column a line, tokens a character in the cells.
        title: heading of the figure.

    Returns:
        The figure, with sizes on a logarithmic axis.

    Raises:
        CourseError: there is nothing to draw.

    Example:
        >>> import pandas as pd
        >>> figure = vocabulary_sizes(pd.DataFrame({"English": [0.6, 0.4]}, index=[300, 600]))
    """
    if frame.empty:
        raise CourseError("there are no sizes to draw: pass at least one.")
    with canvas(title) as (figure, axes):
        for place, line in enumerate(frame.columns):
            axes.plot(
                frame.index,
                frame[line],
                color=COLOURS[place % len(COLOURS)],
                marker=MARKERS[place % len(MARKERS)],
                label=str(line),
            )
        axes.set_xscale("log", base=2)
        axes.set_xticks(list(frame.index), [f"{size:,}" for size in frame.index])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("entries of the vocabulary")
        axes.set_ylabel("tokens a character")
        axes.grid(color="#dddddd")
        figure.legend(loc="outside lower center", ncols=2)
    return figure
