"""What the model is really given: chat templates, tokens, which of them are trained, what is cut.

A conversation is text with roles; a model sees numbers. Between the two stands the chat template,
and most silent failures of fine-tuning happen there: a model that never stops, a loss over nothing
(every label -100), answers cut off at the maximum length. Everything here works with any fast
transformers tokenizer that has a chat template, and counts with the tokenizer that will be trained.
"""

from course_lib.tokenization.algorithms import byte_level_bpe, characters, wordpiece
from course_lib.tokenization.conversation import render
from course_lib.tokenization.families import FAMILIES, with_template
from course_lib.tokenization.lengths import (
    lengths,
    tokens_per_character,
    training_cost,
    truncation,
)
from course_lib.tokenization.template import check_chat_template
from course_lib.tokenization.view import TokenView, show_xray
from course_lib.tokenization.xray import readable, xray

__all__ = [
    "FAMILIES",
    "TokenView",
    "byte_level_bpe",
    "characters",
    "check_chat_template",
    "lengths",
    "readable",
    "render",
    "show_xray",
    "tokens_per_character",
    "training_cost",
    "truncation",
    "with_template",
    "wordpiece",
    "xray",
]
