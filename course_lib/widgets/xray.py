"""The token x-ray to type in: the tokens of a conversation while its words are written."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

import ipywidgets
import pandas as pd

from course_lib.errors import CourseError
from course_lib.language import translated
from course_lib.tokenization.conversation import Messages
from course_lib.tokenization.view import TokenView, turns, visible
from course_lib.tokenization.xray import xray
from course_lib.widgets.front_end import LIVE, script, somebody_is_there, style

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# A page with more buttons than this becomes sluggish.
_MOST = 600


def token_xray(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> XrayView:
    """Show the tokens of a conversation while its words are changed.

    Every token is a button: with the mouse or with Tab and Enter it says its number and whether the
    model is trained on it. The texts are typed in below.

    Args:
        tokenizer: A fast tokenizer with a chat template.
        messages: ``{"role", "content"}`` rows to begin with.

    Returns:
        The widget. Where nobody can type (nbconvert, nbmake) it is displayed as `show_xray` shows
        it.

    Raises:
        CourseError: As `xray`.

    Example:
        >>> token_xray(tokenizer, messages)  # doctest: +SKIP
        user: <|user|> Hi <|end|>
        assistant: <|assistant|> [Hello] [.] [<|end|>]
        ([trained], the others are masked)
    """
    return XrayView(tokenizer, messages)


class XrayView(ipywidgets.VBox):
    """The view that `token_xray` returns. Its parts are ordinary ipywidgets.

    Attributes:
        texts: A text area for each message.
        turns: Its children are the turns; each is a row of toggle buttons, one a token.
        said: What is known about the chosen token.
        tokens: What is shown, as `course_lib.tokenization.xray` returns it.
        chosen: The number of the chosen token, counted from 0, or None.
    """

    tokens: pd.DataFrame
    chosen: int | None

    def __init__(self, tokenizer: PreTrainedTokenizerBase, messages: Messages) -> None:
        """Lay the parts out and show the tokens of the conversation as it is.

        Args:
            tokenizer: A fast tokenizer with a chat template.
            messages: The conversation.
        """
        self._tokenizer = tokenizer
        self._messages = [dict(message) for message in messages]
        self.chosen = None
        self.tokens = xray(tokenizer, self._messages)
        self._colours = ipywidgets.HTML(layout={"display": "none"})
        self.legend, self.said = ipywidgets.HTML(), ipywidgets.HTML()
        self.turns = ipywidgets.VBox()
        self.texts = [
            ipywidgets.Textarea(str(message["content"]), description=str(message["role"]), rows=2)
            for message in self._messages
        ]
        super().__init__(
            [
                *(style("xray.css"), self._colours),
                *(self.turns, self.said, self.legend, *self.texts),
                script("names.js"),
            ]
        )
        self.add_class("course-xray")
        self.add_class(f"xray-{self.model_id}")
        for area in self.texts:
            area.observe(self._on_text, "value")
        self._show()

    def __repr__(self) -> str:
        return repr(TokenView(self.tokens))

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation as it is written now."""
        pairs = zip(self._messages, self.texts, strict=True)
        return [{**message, "content": area.value} for message, area in pairs]

    def _on_text(self, _: object) -> None:
        try:
            self.tokens = xray(self._tokenizer, self.messages)
        except CourseError as error:  # a template that refuses an empty message, say
            self._say(str(error))
            return
        self._show()

    def _show(self) -> None:
        self.chosen = None
        shown = self.tokens.head(_MOST)
        rows, first = [], 0
        for role, turn in turns(shown):
            rows.append(self._turn(role, turn, first))
            first += len(turn)
        self._colours.value = f"<style>{self._blue(shown)}</style>"
        self.turns.children = rows
        trained, total = int(self.tokens["trained"].sum()), len(self.tokens)
        told = [translated(f"{trained} of {total} tokens are trained")]
        if total > _MOST:
            told.append(translated(f"the first {_MOST} are shown"))
        self.legend.value = (
            f'<p><span class="trained">{translated("trained")}</span> '
            f"{translated('the loss is computed here')} "
            f'<span class="masked">{translated("masked")}</span> '
            f"{translated('read, never learned')} ({', '.join(told)})</p>"
        )
        self._say(translated("Choose a token to read its number."))

    def _turn(self, role: str, turn: pd.DataFrame, first: int) -> Any:
        made = ipywidgets.ToggleButtons(
            options=[
                (visible(str(token)) or "∅", place)
                for place, token in enumerate(turn["token"], start=first)
            ],
            tooltips=[_about(row) for row in turn.to_dict("records")],
            description=role,
            index=None,
        )
        made.add_class(f"from-{first}")
        made.observe(self._on_choice, "value")
        return made

    def _blue(self, shown: pd.DataFrame) -> str:
        """Which buttons are blue: toggle buttons have one style for all, so it is said in CSS."""
        name = f"xray-{self.model_id}"
        picked, first = [], 0
        for _, turn in turns(shown):
            picked += [
                f".{name} .from-{first} button:nth-of-type({place})"
                for place, trained in enumerate(turn["trained"], start=1)
                if trained
            ]
            first += len(turn)
        return (
            f"{','.join(picked)}{{--ground:#0072b2;--ink:#fff;--line:underline}}" if picked else ""
        )

    def _on_choice(self, change: Mapping[str, Any]) -> None:
        if change["new"] is None:
            return
        self.chosen = int(change["new"])
        for row in self.turns.children:
            if row is not change["owner"]:
                row.index = None
        row = self.tokens.iloc[self.chosen].to_dict()
        token = visible(str(row["token"]))
        self._say(translated(f"Token {self.chosen + 1}, “{token}”: {_about(row)}"))

    def _say(self, what: str) -> None:
        self.said.value = f'<p role="status">{escape(what)}</p>'

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # A saved notebook shows the tokens too, wherever it is opened without a kernel.
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = TokenView(self.tokens)._repr_html_()
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle


def _about(row: Mapping[Any, Any]) -> str:
    return translated(f"id {row['id']}, {'trained' if row['trained'] else 'masked'}")
