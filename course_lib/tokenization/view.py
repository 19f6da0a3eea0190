"""Show a token x-ray: in colours in a notebook, with brackets in a terminal."""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from course_lib.language import translated
from course_lib.tokenization.conversation import Messages
from course_lib.tokenization.xray import xray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class TokenView:
    """A token x-ray as a notebook shows it: coloured in HTML, marked with brackets in text.

    Args:
        tokens: The frame made by `xray`.
    """

    tokens: pd.DataFrame

    def _repr_html_(self) -> str:
        # Blue and underlined against grey and plain: two cues, so that neither colour vision nor a
        # projector's washed-out colours decide. Each token brings its own background and text
        # colour and so reads the same on a light and on a dark page.
        trained = "background:#0072B2;color:#fff;text-decoration:underline;font-weight:600"
        masked = "background:#e4e4e4;color:#333"
        cell = "display:inline-block;margin:1px;padding:1px 4px;border-radius:3px;white-space:pre"
        kinds = {True: "trained", False: "masked"}
        lines = []
        for role, turn in turns(self.tokens):
            spans = "".join(
                f'<span style="{cell};{trained if row.trained else masked}" '
                f'title="{translated(f"id {row.id}, {kinds[bool(row.trained)]}")}">'
                f"{html.escape(visible(str(row.token)))}</span>"
                for row in turn.itertuples()
            )
            lines.append(f'<div style="margin:4px 0"><b>{html.escape(role)}</b> {spans}</div>')
        count, total = int(self.tokens["trained"].sum()), len(self.tokens)
        legend = (
            f'<span style="{cell};{trained}">{translated("trained")}</span> '
            f"{translated('the loss is computed here')} "
            f'<span style="{cell};{masked}">{translated("masked")}</span> '
            f"{translated('read, never learned')} "
            f"({translated(f'{count} of {total} tokens are trained')})"
        )
        return (
            '<div style="font-family:monospace;font-size:16px;line-height:1.7">'
            f'{"".join(lines)}<div style="margin-top:8px">{legend}</div></div>'
        )

    def __repr__(self) -> str:
        lines = []
        for role, turn in turns(self.tokens):
            words = (
                f"[{visible(str(row.token))}]" if row.trained else visible(str(row.token))
                for row in turn.itertuples()
            )
            lines.append(f"{role}: {' '.join(words)}")
        return "\n".join([*lines, "([trained], the others are masked)"])


def show_xray(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> TokenView:
    """Colour the tokens of a conversation by whether they are trained.

    Args:
        tokenizer: A fast tokenizer with a chat template.
        messages: ``{"role", "content"}`` rows.

    Returns:
        An object that a notebook displays as HTML and a terminal as text.

    Raises:
        CourseError: As `xray`.

    Example:
        >>> show_xray(tokenizer, messages)  # doctest: +SKIP
        user: <|user|> Hi <|end|>
        assistant: <|assistant|> [Hello] [.] [<|end|>]
    """
    return TokenView(xray(tokenizer, messages))


def visible(text: str) -> str:
    """Make white space and control characters visible, so that no token looks empty.

    Args:
        text: A token.

    Returns:
        The token, spaces as dots.

    Example:
        >>> visible(" a\\n")
        '·a↵'
    """
    named = {" ": "·", "\n": "↵", "\t": "→", "\r": "←", "\u3000": "□"}
    return "".join(
        named.get(c, f"U+{ord(c):04X}" if unicodedata.category(c) in ("Cc", "Cf") else c)
        for c in text
    )


def turns(tokens: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Split an x-ray where the role changes.

    Args:
        tokens: The frame made by `xray`.

    Returns:
        For each turn its role and its rows.

    Example:
        >>> [role for role, _ in turns(pd.DataFrame({"role": ["user", "user", "assistant"]}))]
        ['user', 'assistant']
    """
    turn = (tokens["role"] != tokens["role"].shift()).cumsum()
    return [(str(group["role"].iloc[0]), group) for _, group in tokens.groupby(turn)]
