"""Check a tokenizer's chat template for the faults that make fine-tuning fail silently."""

from __future__ import annotations

from typing import TYPE_CHECKING

from course_lib.tokenization.conversation import has_markers
from course_lib.tokenization.xray import xray

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def check_chat_template(tokenizer: PreTrainedTokenizerBase) -> list[str]:
    """Find the template and token faults that make fine-tuning fail without an error.

    Args:
        tokenizer: The tokenizer that will be trained, with its own template.

    Returns:
        Problems, each with its consequence and cure; empty if there are none.

    Example:
        >>> check_chat_template(tokenizer)  # doctest: +SKIP
        []
    """
    problems = []
    eos, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    if eos is None:
        problems.append("No eos token: nothing ends an answer. Set tokenizer.eos_token.")
    if pad is None:
        problems.append("No pad token: rows cannot be batched. Give the tokenizer one of its own.")
    elif pad == eos:
        problems.append(
            f"The pad token is the eos token ({tokenizer.eos_token!r}): collators mask padding, "
            "and the stop token with it, so the model may never learn to stop. Set another pad "
            "token."
        )
    if not tokenizer.chat_template:
        return [*problems, "No chat template: the roles of a conversation cannot be written."]
    if not has_markers(tokenizer):
        return [
            *problems,
            "No {% generation %} markers in the template: nobody can tell the assistant's tokens "
            "from the others, so assistant_only_loss has nothing to train. Wrap the assistant's "
            "content and its end token in {% generation %} … {% endgeneration %} "
            "(trl.chat_template_utils.get_training_chat_template does it for known models).",
        ]
    turns = [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "content": "three"},
    ]
    frame = xray(tokenizer, turns)
    trained = frame[frame["trained"] & (frame["token"].str.strip() != "")]
    if trained.empty:
        problems.append("The markers enclose nothing: no token of the assistant is trained.")
    elif trained["id"].iloc[-1] != eos:
        last = trained["token"].iloc[-1]
        problems.append(
            f"The last trained token of an answer is {last!r}, not the eos token "
            f"{tokenizer.eos_token!r}: the model is never trained to stop. Move the end token "
            "inside the {% generation %} block, or set eos_token to the template's own end token."
        )
    if "user" in set(frame.loc[frame["trained"], "role"]):
        problems.append("The template's markers also enclose the user's turn: it would be trained.")
    return problems
