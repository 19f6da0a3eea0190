"""The token x-ray: every token of a conversation, and whether the model is trained on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from course_lib.errors import CourseError
from course_lib.tokenization.conversation import Messages, encode, render, trained_mask

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def xray(tokenizer: PreTrainedTokenizerBase, messages: Messages) -> pd.DataFrame:
    """Show every token of a conversation and whether the model is trained on it.

    Args:
        tokenizer: A fast tokenizer with a chat template.
        messages: ``{"role", "content"}`` rows.

    Returns:
        One row a token: ``token`` (readable; a character split over several tokens shows as
        ``山[1/3]``, ``山[2/3]``…), ``id``, ``role`` (whose turn it belongs to) and ``trained``
        (whether ``assistant_only_loss`` computes a loss on it). Without ``{% generation %}``
        markers in the template nothing is trained: `check_chat_template` says so.

    Raises:
        CourseError: No template, a slow tokenizer, or messages that the template refuses.

    Example:
        >>> xray(tokenizer, [{"role": "user", "content": "Hi"},
        ...                  {"role": "assistant", "content": "Hello."}])  # doctest: +SKIP
              token  id       role  trained
        0  <|user|>   3       user    False
    """
    text = render(tokenizer, messages)
    ids, offsets = encode(tokenizer, text)
    ends = _turn_ends(tokenizer, messages, text)
    roles = []
    for start, _ in offsets:
        turn = next((i for i, end in enumerate(ends) if start < end), len(messages) - 1)
        roles.append(messages[turn]["role"])
    return pd.DataFrame(
        {
            "token": readable(tokenizer, ids),
            "id": ids,
            "role": roles,
            "trained": [bool(flag) for flag in trained_mask(tokenizer, messages, len(ids))],
        }
    )


def readable(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str]:
    """Write each token so that a person can read it, also where it is a part of a character.

    A byte-level tokenizer spells 山 as up to three tokens, none of which is text by itself. They
    are decoded together and numbered.

    Args:
        tokenizer: Any tokenizer.
        ids: Token ids in their order.

    Returns:
        One string a token.

    Example:
        >>> readable(tokenizer, tokenizer("山")["input_ids"])  # doctest: +SKIP
        ['山[1/3]', '山[2/3]', '山[3/3]']
    """
    pieces: list[str] = []
    start = 0
    while start < len(ids):
        text, size = _decode(tokenizer, ids[start : start + 1]), 1
        # A character has at most four bytes, but a token may end in the first byte of the next
        # character as well, so that a chain of parts can be longer.
        while "\ufffd" in text and size < 12 and start + size < len(ids):
            size += 1
            text = _decode(tokenizer, ids[start : start + size])
        if "\ufffd" in text:
            text, size = _decode(tokenizer, ids[start : start + 1]), 1
        pieces += [text] if size == 1 else [f"{text}[{i + 1}/{size}]" for i in range(size)]
        start += size
    return pieces


def _turn_ends(tokenizer: PreTrainedTokenizerBase, messages: Messages, text: str) -> list[int]:
    """Where each message ends in the text: the length of the conversation up to it."""
    ends: list[int] = []
    for count in range(1, len(messages)):
        try:
            begin = render(tokenizer, messages[:count])
        except CourseError:  # some templates refuse a system message alone
            begin = ""
        # Some templates write an earlier turn differently once another follows. The turn then
        # ends where its own words do.
        if not text.startswith(begin) or not begin:
            after = ends[-1] if ends else 0
            words = str(messages[count - 1]["content"])
            found = text.find(words, after)
            ends.append(found + len(words) if found >= 0 else after)
        else:
            ends.append(len(begin))
    return [*ends, len(text)]


def _decode(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    text = str(tokenizer.decode(list(ids), skip_special_tokens=False))
    # A SentencePiece decoder drops the space that its mark at a word's beginning stands for.
    piece = tokenizer.convert_ids_to_tokens(ids[0])
    if isinstance(piece, str) and piece.startswith("▁") and not text.startswith(" "):
        text = " " + text
    return text
