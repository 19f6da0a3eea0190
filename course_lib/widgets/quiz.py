"""The quiz that closes a lesson: choose, look, read why, try again."""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets

from course_lib.errors import CourseError
from course_lib.exercises.record import remember_quiz
from course_lib.exercises.texts import files, quiz_of
from course_lib.language import translated
from course_lib.widgets.fixing import button
from course_lib.widgets.front_end import LIVE, script, somebody_is_there, style

# Right and wrong differ by their sign too, so that colour is never the only difference.
_STYLE = """<style>
.course-quiz .question { font-weight: 600; margin: 0.9em 0 0.2em; line-height: 1.4; }
.course-quiz .why { margin: 0.2em 0 0.4em; padding: 0.3em 0.8em; line-height: 1.4; }
.course-quiz .right { border-left: 4px solid #0072B2; }
.course-quiz .wrong { border-left: 4px solid #D55E00; }
</style>"""


def quiz(lesson: str) -> QuizView:
    """Ask the closing questions of a lesson.

    Args:
        lesson: Its number, such as "07" or "02b".

    Returns:
        The widget; the best go is remembered for `course_lib.progress`. Where nobody can answer
        (nbconvert, nbmake, slides) it is displayed as a list, with the answers folded away.

    Raises:
        CourseError: There is no such lesson, or it has no quiz.

    Example:
        >>> quiz("00")
        QuizView(lesson 00, 5 questions)
    """
    return QuizView(lesson)


class QuizView(ipywidgets.VBox):
    """The view that `quiz` returns. Its parts are ordinary ipywidgets.

    Attributes:
        choices: For each question the radio buttons; their value is the number of an option from
            1, None before a choice.
        told: For each question what is said about the choice.
        look: The button.
        score: How many were right.
    """

    def __init__(self, lesson: str) -> None:
        """Lay the questions out, with nothing chosen.

        Args:
            lesson: The lesson's number.

        Raises:
            CourseError: There is no such lesson, or it has no quiz.
        """
        self._lesson, self._questions = lesson, quiz_of(lesson)
        if not self._questions:
            known = ", ".join(name for name in files("en") if quiz_of(name))
            raise CourseError(f"quiz({lesson!r}): no quiz there. Lessons with one: {known}.")
        self.choices = [
            ipywidgets.RadioButtons(
                options=[(text, number) for number, text in enumerate(each["options"], 1)],
                value=None,
                layout={"width": "auto"},
            )
            for each in self._questions
        ]
        self.told = [ipywidgets.HTML() for _ in self._questions]
        self.look = button(translated("Check my answers"), "look")
        self.score = ipywidgets.HTML()
        parts: list[ipywidgets.Widget] = [
            style("controls.css"),
            ipywidgets.HTML(_STYLE, layout={"display": "none"}),
        ]
        for number, each in enumerate(self._questions):
            asked = f'<p class="question">{number + 1}. {escape(each["question"].strip())}</p>'
            parts += [ipywidgets.HTML(asked), self.choices[number], self.told[number]]
        super().__init__([*parts, self.look, self.score, script("names.js")])
        self.add_class("course-controls")
        self.add_class("course-quiz")
        self.look.on_click(lambda _: self._judge())

    def __repr__(self) -> str:
        return f"QuizView(lesson {self._lesson}, {len(self._questions)} questions)"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = self._list()
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle

    def _judge(self) -> None:
        right = 0
        for each, choice, told in zip(self._questions, self.choices, self.told, strict=True):
            if choice.value is None:
                told.value = f'<p class="why">… {translated("not answered yet")}</p>'
                continue
            good = choice.value == each["answer"]
            right += good
            sign, kind = ("✓", "right") if good else ("✗", "wrong")
            because = escape(each["because"][choice.value - 1])
            told.value = f'<p class="why {kind}">{sign} {because}</p>'
        said = translated(f"{right} of {len(self._questions)} right")
        self.score.value = f'<p role="status"><b>{said}</b></p>'
        remember_quiz(self._lesson, right)

    def _list(self) -> str:
        asked = "".join(
            f"<li>{escape(each['question'].strip())}"
            f'<ol type="a">{"".join(f"<li>{escape(text)}</li>" for text in each["options"])}</ol>'
            "</li>"
            for each in self._questions
        )
        answers = "".join(
            f"<li>{'abcdefgh'[each['answer'] - 1]}: "
            f"{escape(each['because'][each['answer'] - 1])}</li>"
            for each in self._questions
        )
        return (
            f'<ol class="quiz">{asked}</ol>'
            f"<details><summary>{translated('Answers')}</summary><ol>{answers}</ol></details>"
        )
