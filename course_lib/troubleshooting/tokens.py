"""Tokenizers, chat templates, padding and vocabularies."""

from __future__ import annotations

import re
from typing import Any

from course_lib.troubleshooting.raised import Finding, Raised
from course_lib.troubleshooting.statements import last_call

_CHATML = (
    '"{% for turn in messages %}<|im_start|>{{ turn.role }}\\n{{ turn.content }}<|im_end|>\\n'
    '{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}"'
)


def _no_pad_token(raised: Raised) -> Finding | None:
    """Rows of different lengths, and nothing to fill up with."""
    if not raised.matches("ValueError", "asking to pad but the tokenizer does not have a padding"):
        return None
    name = raised.variable(_is_tokenizer) or "tokenizer"
    known = raised.scope.get(name)
    if known is not None and known.eos_token is None:
        line = f'{name}.add_special_tokens({{"pad_token": "<|pad|>"}})'
    else:
        line = f"{name}.pad_token = {name}.eos_token"
    return raised.with_line_before(line)


def _no_chat_template(raised: Raised) -> Finding | None:
    """The tokenizer of a base model was asked to format a chat."""
    if not raised.matches("ValueError", "tokenizer.chat_template is not set"):
        return None
    name = raised.variable(_is_tokenizer) or "tokenizer"
    return raised.with_line_before(f"{name}.chat_template = {_CHATML}")


def _system_turn_refused(raised: Raised) -> Finding | None:
    """The template wants user, assistant, user …, and the first turn is the system's."""
    turns = _refused_turns(raised)
    if turns is None or [turn["role"] for turn in turns[:2]] != ["system", "user"]:
        return None
    name = _turns_source(raised)
    joined = f'{name}[0]["content"] + "\\n\\n" + {name}[1]["content"]'
    line = f'{name} = [{{"role": "user", "content": {joined}}}, *{name}[2:]]'
    return raised.with_line_before(line, roles=_roles(turns))


def _roles_do_not_alternate(raised: Raised) -> Finding | None:
    """The template wants user, assistant, user …, and somebody speaks twice."""
    turns = _refused_turns(raised)
    if turns is None:
        return None
    twice = [n for n in range(1, len(turns)) if turns[n]["role"] == turns[n - 1]["role"]]
    if not twice:
        return None
    name, second = _turns_source(raised), twice[0]
    line = f'{name}[{second - 1}]["content"] += "\\n\\n" + {name}.pop({second})["content"]'
    return raised.with_line_before(line, roles=_roles(turns), first=second, second=second + 1)


def _uneven_rows(raised: Raised) -> Finding | None:
    """Rows of different lengths as one tensor."""
    if not raised.matches("ValueError", r"unable to create tensor.*\(`input_ids`"):
        return None
    name = raised.variable(_is_tokenizer)
    return raised.with_arguments(name, put={"padding": "True"}) if name else None


def _labels_not_padded(raised: Raised) -> Finding | None:
    """The collator pads the tokens but not their labels."""
    if not raised.matches("ValueError", r"unable to create tensor.*\(`labels`"):
        return None
    name = raised.variable(_is_tokenizer, anywhere=True) or "tokenizer"
    collator = f"DataCollatorForSeq2Seq({name})"
    finding = raised.with_arguments("Trainer", put={"data_collator": collator})
    text = f"from transformers import DataCollatorForSeq2Seq\n{finding.write}"
    return Finding(text, finding.statement)


def _no_generation_markers(raised: Raised) -> Finding | None:
    """`assistant_only_loss=True` with a template that does not say what the assistant's part is."""
    if not raised.matches("ValueError", r"chat template.*\{% generation %\}"):
        return None
    statement = last_call(["SFTTrainer"], raised.statement) if raised.statement else None
    rows = statement.argument(["SFTTrainer"], "train_dataset") if statement else None
    args = statement.argument(["SFTTrainer"], "args") if statement else None
    if statement is None or not str(rows).isidentifier() or not str(args).isidentifier():
        return Finding("SFTConfig(..., assistant_only_loss=False)")
    return Finding(
        f"{rows} = {rows}.map(\n"
        '    lambda row: {"prompt": row["messages"][:-1], "completion": row["messages"][-1:]},\n'
        '    remove_columns="messages",\n'
        f")\n{args}.assistant_only_loss = False\n{statement.text}",
        statement,
    )


def _token_outside_vocabulary(raised: Raised) -> Finding | None:
    """A token whose number is larger than the model's table of tokens."""
    if not raised.matches("IndexError", "index out of range in self"):
        return None
    table = next(raised.locals_named("weight")).shape[0]
    largest = int(next(raised.locals_named("input")).max())
    tokenizer = raised.variable(
        lambda one: _is_tokenizer(one) and len(one) > largest, anywhere=True
    )
    model = raised.variable(lambda one: hasattr(one, "resize_token_embeddings"), anywhere=True)
    if largest < table or tokenizer is None or model is None:
        return None
    return raised.with_line_before(
        f"{model}.resize_token_embeddings(len({tokenizer}))", table=table, token=largest
    )


def _ignored_label_decoded(raised: Raised) -> Finding | None:
    """-100, which marks what is not trained, is no token."""
    if not raised.matches("OverflowError", "too small to fit"):
        return None
    source = raised.statement.argument(["decode"], 0) if raised.statement else None
    if source is None or not raised.through("transformers.tokenization_utils_base"):
        return None
    kept = f"[token for token in {source} if token != -100]"
    return raised.with_text(re.escape(f"decode({source}"), f"decode({kept}", kept)


def _is_tokenizer(value: Any) -> bool:
    return hasattr(value, "apply_chat_template") and hasattr(value, "convert_ids_to_tokens")


def _refused_turns(raised: Raised) -> list[dict[str, Any]] | None:
    if not raised.matches("TemplateError", "roles must alternate"):
        return None
    return next(raised.locals_named("messages"), None)


def _turns_source(raised: Raised) -> str:
    source = raised.statement and raised.statement.argument(["apply_chat_template"], 0)
    return source or "messages"


def _roles(turns: list[dict[str, Any]]) -> str:
    return ", ".join(turn["role"] for turn in turns)


DIAGNOSES = (
    _no_pad_token,
    _no_chat_template,
    _system_turn_refused,
    _roles_do_not_alternate,
    _uneven_rows,
    _labels_not_padded,
    _no_generation_markers,
    _token_outside_vocabulary,
    _ignored_label_decoded,
)
