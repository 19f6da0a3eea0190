"""From a conversation to tokens: the chat template, the token ids, the mask of what is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Messages = Sequence[Mapping[str, Any]]

_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")


def render(tokenizer: PreTrainedTokenizerBase, messages: Messages, *, ask: bool = False) -> str:
    """Write a conversation as the one string that the model reads.

    Args:
        tokenizer: A tokenizer with a chat template.
        messages: ``{"role", "content"}`` rows.
        ask: End with the opening of the assistant's turn, as for generation; training does not.

    Returns:
        The text, special tokens included.

    Raises:
        CourseError: No template, or messages that the template refuses.

    Example:
        >>> render(tokenizer, [{"role": "user", "content": "Hi"}])  # doctest: +SKIP
        '<|user|>Hi<|end|>'
    """
    template = _template(tokenizer)
    try:
        text = tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=ask,
            chat_template=template,
        )
    except Exception as error:  # jinja raises whatever the template's author chose
        raise CourseError(
            f"The chat template refuses these messages (roles: {_roles(messages)}): {error}. "
            "Check the order of roles and that every message has 'role' and 'content'."
        ) from error
    return str(text)


def render_row(tokenizer: PreTrainedTokenizerBase, row: Mapping[str, Any], number: int) -> str:
    """Render a row of a dataset, and name the row in any error.

    Args:
        tokenizer: A tokenizer with a chat template.
        row: A row with ``messages``.
        number: The row's number, for the message.

    Returns:
        The text, special tokens included.

    Raises:
        CourseError: The row has no messages, or the template refuses them.

    Example:
        >>> render_row(tokenizer, dataset[3], 3)  # doctest: +SKIP
        '<|user|>Hi<|end|><|assistant|>Hello.<|end|>'
    """
    if not row.get("messages"):
        raise CourseError(
            f"Row {number} has no 'messages' (it has: {', '.join(row) or 'nothing'}). "
            "Read the file with course_lib.formats, or clean it first."
        )
    try:
        return render(tokenizer, row["messages"])
    except CourseError as error:
        raise CourseError(f"Row {number}: {error}") from error


def encode(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> tuple[list[int], list[tuple[int, int]]]:
    """Turn rendered text into token ids and the characters that each covers.

    Args:
        tokenizer: A fast tokenizer.
        text: A rendered conversation; its special tokens are in it already.

    Returns:
        The ids, and for each the beginning and end of its characters.

    Raises:
        CourseError: A slow tokenizer, which does not know what a token covers.

    Example:
        >>> encode(tokenizer, "<|user|>Hi")  # doctest: +SKIP
        ([3, 72], [(0, 8), (8, 10)])
    """
    if not tokenizer.is_fast:
        raise CourseError(
            f"{type(tokenizer).__name__} is a slow tokenizer and cannot say which characters a "
            "token covers. Load it with AutoTokenizer and the tokenizers library installed."
        )
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = list(encoded["input_ids"])
    return ids, [(start, end) for start, end in encoded["offset_mapping"]]


def trained_mask(tokenizer: PreTrainedTokenizerBase, messages: Messages, tokens: int) -> list[int]:
    """Mark the tokens that ``assistant_only_loss`` trains.

    Args:
        tokenizer: A fast tokenizer with a chat template.
        messages: ``{"role", "content"}`` rows.
        tokens: How many tokens the conversation has.

    Returns:
        1 for each trained token, 0 for the others; all 0 where the template has no markers.

    Example:
        >>> sum(trained_mask(tokenizer, messages, 24))  # doctest: +SKIP
        11
    """
    if not has_markers(tokenizer):
        return [0] * tokens
    encoded: Any = tokenizer.apply_chat_template(
        [dict(message) for message in messages],
        chat_template=_template(tokenizer),
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    return list(encoded["assistant_masks"])


def has_markers(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Say whether the template marks the assistant's tokens with ``{% generation %}``.

    Args:
        tokenizer: A tokenizer with a chat template.

    Returns:
        True if it does; only then can a loss be computed on the assistant's tokens alone.

    Raises:
        CourseError: No template.

    Example:
        >>> has_markers(tokenizer)  # doctest: +SKIP
        True
    """
    return _MARKER.search(_template(tokenizer)) is not None


def _template(tokenizer: PreTrainedTokenizerBase) -> str:
    template = tokenizer.chat_template
    if isinstance(template, dict):  # several named templates: training uses the default one
        template = template.get("default")
    if not template:
        raise CourseError(
            f"The tokenizer of '{tokenizer.name_or_path}' has no chat template. "
            "Use an instruct model, or set tokenizer.chat_template."
        )
    return str(template)


def _roles(messages: Messages) -> str:
    return ", ".join(str(message.get("role", "?")) for message in messages) or "none"
