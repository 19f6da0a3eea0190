"""Chat templates of well-known families, written down to be compared, and to be got wrong.

Each marks the assistant's words and what ends them with ``{% generation %}``, as the pocket
model's own template does, so that a model can be trained with it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def _template(opening: dict[str, str], closing: str, between: str) -> str:
    """A template whose turns are an opening by role, the words, and a closing."""
    turns = "".join(
        f"{{% {'elif' if number else 'if'} m['role'] == '{role}' %}}{_said(words)}"
        for number, (role, words) in enumerate(opening.items())
    )
    end = f"{{{{ m['content'] }}}}{_said(closing)}"
    return (
        f"{{% for m in messages %}}{turns}{{% endif %}}"
        "{% if m['role'] == 'assistant' %}"
        f"{{% generation %}}{end}{{{{ eos_token }}}}{{% endgeneration %}}"
        f"{{% else %}}{end}{{% endif %}}{_said(between)}{{% endfor %}}"
        f"{{% if add_generation_prompt %}}{_said(opening['assistant'])}{{% endif %}}"
    )


def _said(words: str) -> str:
    # As an expression: transformers drops a plain line break that follows a block.
    return f"{{{{ {words!r} }}}}"


#: Templates by name. A model knows the marks of its own pretraining, and no others.
FAMILIES = {
    "ChatML": _template(
        {role: f"<|im_start|>{role}\n" for role in ("system", "user", "assistant")},
        "<|im_end|>",
        "\n",
    ),
    "Alpaca": _template(
        {"system": "", "user": "### Instruction:\n", "assistant": "### Response:\n"},
        "",
        "\n\n",
    ),
    "Plain": _template(
        {"system": "", "user": "User:\n", "assistant": "Assistant:\n"},
        "",
        "\n",
    ),
}


def with_template(tokenizer: PreTrainedTokenizerBase, family: str) -> PreTrainedTokenizerBase:
    """Copy a tokenizer and give the copy another family's chat template.

    The vocabulary stays: marks that it does not have as one token are spelt out in pieces, which is
    what happens to anybody who takes a template from another model's page.

    Args:
        tokenizer: Any tokenizer; it is not changed.
        family: One of `FAMILIES`.

    Returns:
        The copy.

    Raises:
        CourseError: There is no such family.

    Example:
        >>> with_template(tokenizer, "ChatML").chat_template == tokenizer.chat_template
        ... # doctest: +SKIP
        False
    """
    if family not in FAMILIES:
        raise CourseError(f"no family {family!r}: there are {', '.join(FAMILIES)}")
    copied = copy.deepcopy(tokenizer)
    copied.chat_template = FAMILIES[family]
    return copied
