"""Two answers side by side, and nothing that says whose they are: a person picks the better one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ipywidgets

from course_lib.errors import CourseError
from course_lib.evaluation.votes import Preference, preference, record_vote, sides, votes
from course_lib.language import translated
from course_lib.widgets.cards import text_html
from course_lib.widgets.fixing import button
from course_lib.widgets.front_end import LIVE, somebody_is_there, style

_TABLE_ROWS = 5


def blind_ab(
    questions: Sequence[str],
    first: Sequence[str],
    second: Sequence[str],
    path: str | Path,
    *,
    seed: int = 0,
) -> BlindView:
    """Show pairs of answers in shuffled places, to vote for the left, the right or neither.

    Every vote is in the file before the next pair is shown; called again with the same pairs and
    file, the view goes on where it stopped. Give every person a file and a seed of their own.

    Args:
        questions: What was asked.
        first: One model's answers, in the same order.
        second: The other model's.
        path: The JSON Lines file of this person's votes.
        seed: Decides whose answer stands on which side.

    Returns:
        The widget. Where nobody can answer (nbconvert, nbmake) it is displayed as a table.

    Raises:
        CourseError: The lists differ in length, or the file holds something else.

    Example:
        >>> blind_ab(["Why?"], ["Yes."], ["No."], "no/such/file.jsonl")
        BlindView(1 pairs, 0 voted, no/such/file.jsonl)
    """
    return BlindView(questions, first, second, path, seed=seed)


class BlindView(ipywidgets.VBox):
    """The view that `blind_ab` returns. Its parts are ordinary ipywidgets.

    Attributes:
        progress: How far the person is.
        card: The question and the two answers.
        left, right, same, undo: The buttons.
    """

    def __init__(
        self,
        questions: Sequence[str],
        first: Sequence[str],
        second: Sequence[str],
        path: str | Path,
        *,
        seed: int = 0,
    ) -> None:
        """Lay the parts out and show the first pair without a vote.

        Args:
            questions: What was asked.
            first: One model's answers.
            second: The other model's.
            path: The file of votes.
            seed: Decides the sides.
        """
        if not len(questions) == len(first) == len(second):
            raise CourseError(
                f"{len(questions)} questions, {len(first)} and {len(second)} answers: pass one of "
                "each for every pair."
            )
        self._left = sides(len(questions), seed)
        self._pairs = [
            (question, one, two) if left == "first" else (question, two, one)
            for question, one, two, left in zip(questions, first, second, self._left, strict=True)
        ]
        self._path = Path(path)
        self._at: int | None = None
        self.progress, self.card = ipywidgets.HTML(), ipywidgets.HTML()
        self.left = button(translated("Left is better"), "left")
        self.same = button(translated("No difference"), "same")
        self.right = button(translated("Right is better"), "right")
        self.undo = button(translated("Back"), "undo")
        super().__init__(
            [
                style("annotation.css"),
                self.progress,
                self.card,
                ipywidgets.HBox([self.left, self.same, self.right, self.undo]),
            ]
        )
        self.add_class("course-annotation")
        self.left.on_click(lambda _: self._vote("left"))
        self.same.on_click(lambda _: self._vote("same"))
        self.right.on_click(lambda _: self._vote("right"))
        self.undo.on_click(lambda _: self._back())
        self._show(self._next())

    def result(self) -> Preference:
        """Lift the blindfold and count the votes so far.

        Raises:
            CourseError: No pair was decided yet.

        Example:
            >>> blind_ab(questions, base, tuned, path).result().second  # doctest: +SKIP
            17
        """
        return preference(votes(self._path))

    def __repr__(self) -> str:
        return f"BlindView({len(self._pairs)} pairs, {len(votes(self._path))} voted, {self._path})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = self._table()
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle

    def _vote(self, vote: str) -> None:
        if self._at is None:
            return
        record_vote(self._path, self._at, self._left[self._at], vote)
        later = range(self._at + 1, len(self._pairs))
        voted = votes(self._path)
        self._show(next((place for place in later if place not in voted), self._next()))

    def _back(self) -> None:
        last = len(self._pairs) if self._at is None else self._at
        self._show(max(0, last - 1))

    def _next(self) -> int | None:
        voted = votes(self._path)
        return next((place for place in range(len(self._pairs)) if place not in voted), None)

    def _show(self, place: int | None) -> None:
        self._at = place
        voted, count = len(votes(self._path)), len(self._pairs)
        where = "All pairs are voted on" if place is None else f"Pair {place + 1} of {count}"
        done = translated(f"{voted} of {count} voted")
        self.progress.value = f"<p><b>{translated(where)}</b> – {done}</p>"
        self.card.value = "" if place is None else _card(*self._pairs[place])
        for each in (self.left, self.same, self.right):
            each.disabled = place is None
        self.undo.disabled = not count or place == 0

    def _table(self) -> str:
        head = "".join(
            f'<th scope="col">{translated(name)}</th>' for name in ("question", "Left", "Right")
        )
        body = "".join(
            "<tr>" + "".join(f"<td>{text_html(text, 200)}</td>" for text in pair) + "</tr>"
            for pair in self._pairs[:_TABLE_ROWS]
        )
        more = len(self._pairs) - _TABLE_ROWS
        rest = f"<p>{translated(f'And {more} more.')}</p>" if more > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _card(question: str, left: str, right: str) -> str:
    answers = "".join(
        f'<div class="side"><div class="role">{translated(side)}</div>'
        f'<div class="text">{text_html(answer)}</div></div>'
        for side, answer in (("Left", left), ("Right", right))
    )
    return f'<p class="question"><b>{text_html(question)}</b></p><div class="sides">{answers}</div>'
