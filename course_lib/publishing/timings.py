"""How long a lesson takes to teach, reckoned from the lesson itself.

What is said takes 130 words a minute, an unhurried lecture; what stands on a slide is read at 240
words a minute; of Japanese 300 and 500 characters. A cell takes as long as it ran, and an exercise
three minutes. Questions from the room come on top.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from nbformat import NotebookNode

SPOKEN_WORDS, SPOKEN_CHARACTERS = 130, 300
READ_WORDS, READ_CHARACTERS = 240, 500
EXERCISE_SECONDS = 180

_JAPANESE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uff66-\uff9f]")


class Pace(NamedTuple):
    """The seconds of a cell, or of several.

    Args:
        told: Saying the notes, and reading what is shown.
        run: Running the code.
        tried: Doing the exercises.
    """

    told: float
    run: float
    tried: float

    @property
    def seconds(self) -> float:
        """All of it.

        Example:
            >>> Pace(60, 12, 180).seconds
            252
        """
        return self.told + self.run + self.tried


class Part(NamedTuple):
    """A part of a lesson: what stands below one heading that begins a slide.

    Args:
        title: The heading, as plain text.
        pace: Of all its cells.
    """

    title: str
    pace: Pace


def pace_of(cells: Sequence[NotebookNode]) -> Pace:
    """Return how long cells take to teach.

    Args:
        cells: Cells of a notebook, with ``metadata.speaker_notes``; those that ran know when.

    Example:
        >>> from nbformat.v4 import new_markdown_cell
        >>> pace_of([new_markdown_cell("Four words to read.")]).seconds
        1.0
    """
    told, run, tried = 0.0, 0.0, 0.0
    for cell in cells:
        told += _minutes(cell.metadata.get("speaker_notes", ""), SPOKEN_WORDS, SPOKEN_CHARACTERS)
        if cell.cell_type == "markdown":
            told += _minutes(cell.source, READ_WORDS, READ_CHARACTERS)
        elif "exercise" in cell.metadata.get("tags", []) and "check(" in cell.source:
            tried += EXERCISE_SECONDS
        run += _seconds_of_run(cell)
    return Pace(60 * told, run, tried)


def parts_of(cells: Sequence[NotebookNode]) -> list[Part]:
    """Return the parts of a lesson, each from a cell that begins a slide to the next of them.

    Args:
        cells: The cells that are shown, in order.

    Example:
        >>> from nbformat.v4 import new_markdown_cell
        >>> slide = {"slideshow": {"slide_type": "slide"}}
        >>> [part.title for part in parts_of([new_markdown_cell("# Start", metadata=slide)])]
        ['Start']
    """
    starts = [place for place, cell in enumerate(cells) if begins_part(cell)]
    ends = [*starts[1:], len(cells)]
    return [
        Part(_title(cells[start]), pace_of(cells[start:end]))
        for start, end in zip(starts, ends, strict=True)
    ]


def begins_part(cell: NotebookNode) -> bool:
    """Whether a cell begins a slide to the right, not one below.

    Example:
        >>> from nbformat.v4 import new_markdown_cell
        >>> begins_part(new_markdown_cell("# Start"))
        False
    """
    return cell.metadata.get("slideshow", {}).get("slide_type") == "slide"


def _minutes(text: str, words_a_minute: int, characters_a_minute: int) -> float:
    characters = len(_JAPANESE.findall(text))
    words = len(re.findall(r"\w[\w'’.,-]*", _JAPANESE.sub(" ", text)))
    return words / words_a_minute + characters / characters_a_minute


def _seconds_of_run(cell: NotebookNode) -> float:
    """From the kernel's beginning of a cell to its answer, 0 if it has not run."""
    times = cell.metadata.get("execution", {})
    start, end = times.get("iopub.execute_input"), times.get("shell.execute_reply")
    if not start or not end:
        return 0.0
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def _title(cell: NotebookNode) -> str:
    heading = re.search(r"^#{1,6} +(.+?) *#*$", cell.source, re.MULTILINE)
    return re.sub(r"[*`]", "", heading[1]) if heading else "…"
