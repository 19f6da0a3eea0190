"""Arguments that a library does not know (any more), or knows elsewhere."""

from __future__ import annotations

import difflib
import inspect
import re
import sys

from course_lib.troubleshooting.raised import Finding, Raised
from course_lib.troubleshooting.statements import last_call

_UNEXPECTED = r"^(\w+)\.__init__\(\) got an unexpected keyword argument '(\w+)'"
_RENAMED = {
    "evaluation_strategy": "eval_strategy",
    "max_seq_length": "max_length",
    "no_cuda": "use_cpu",
    "tokenizer": "processing_class",
    "warmup_ratio": "warmup_steps",  # which takes a share of all steps too
}
_REMOVED = ("logging_dir", "max_prompt_length", "overwrite_output_dir")
_LIKE_ENOUGH = 0.65


def _renamed_argument(raised: Raised) -> Finding | None:
    """`Trainer(tokenizer=...)`, `SFTConfig(max_seq_length=...)` and the like."""
    found = raised.matches("TypeError", _UNEXPECTED)
    if not found or _RENAMED.get(found[2]) not in _parameters(found[1]):
        return None
    new = _RENAMED[found[2]]
    return raised.with_arguments(
        found[1], rename={found[2]: new}, called=found[1], old=found[2], new=new
    )


def _removed_argument(raised: Raised) -> Finding | None:
    """`TrainingArguments(overwrite_output_dir=...)` and others without a successor."""
    found = raised.matches("TypeError", _UNEXPECTED)
    if not found or found[2] not in _REMOVED or not _parameters(found[1]):
        return None
    return raised.with_arguments(found[1], drop=[found[2]], called=found[1], old=found[2])


def _argument_of_the_config(raised: Raised) -> Finding | None:
    """`SFTTrainer(packing=True)`: it belongs into SFTConfig."""
    found = raised.matches("TypeError", _UNEXPECTED)
    if not found or not found[1].endswith("Trainer") or raised.statement is None:
        return None
    trainer, name = found[1], found[2]
    of_transformers = trainer in ("Trainer", "Seq2SeqTrainer")
    config = trainer.replace("Trainer", "TrainingArguments" if of_transformers else "Config")
    value = raised.statement.argument([trainer], name)
    if name not in _parameters(config) or value is None:
        return None
    values = {"called": trainer, "old": name, "config": config}
    built = last_call([config], raised.statement)
    if built is None:
        put = {"args": f"{config}({name}={value})"}
        finding = raised.with_arguments(trainer, drop=[name], put=put)
        return Finding(finding.write, finding.statement, values)
    text = raised.statement.edited([trainer], drop=[name])
    if built != raised.statement:
        text = f"{built.edited([config], put={name: value})}\n{text}"
    return Finding(text or "", raised.statement, values)


def _misspelt_argument(raised: Raised) -> Finding | None:
    """`LoraConfig(alpha=16)`: a known argument has nearly this name."""
    found = raised.matches("TypeError", _UNEXPECTED)
    if not found or found[2] in (*_RENAMED, *_REMOVED):
        return None
    near = difflib.get_close_matches(found[2], _parameters(found[1]), 1, _LIKE_ENOUGH)
    if not near:
        return None
    return raised.with_arguments(
        found[1], rename={found[2]: near[0]}, called=found[1], old=found[2], new=near[0]
    )


def _quantisation_argument(raised: Raised) -> Finding | None:
    """`from_pretrained(load_in_4bit=True)`."""
    found = raised.matches("TypeError", r"unexpected keyword argument '(load_in_[48]bit)'")
    if not found or not raised.through("transformers"):
        return None
    config = f"BitsAndBytesConfig({found[1]}=True)"
    finding = raised.with_arguments(
        "from_pretrained", drop=[found[1]], put={"quantization_config": config}, old=found[1]
    )
    text = f"from transformers import BitsAndBytesConfig\n{finding.write}"
    return Finding(text, finding.statement, finding.values)


def _unknown_option(raised: Raised) -> Finding | None:
    """`TrainingArguments(lr_scheduler_type="cosin")`."""
    found = raised.matches(
        "ValueError", r"^(\S+) is not a valid (\w+), please select one of \[(.+)\]"
    )
    if not found:
        return None
    options = re.findall(r"'([^']+)'", found[3])
    near = difflib.get_close_matches(found[1], options, 1, _LIKE_ENOUGH)
    if not near:
        return None
    return raised.with_text(
        rf"(['\"]){re.escape(found[1])}\1",
        f'"{near[0]}"',
        f'"{near[0]}"',
        old=found[1],
        new=near[0],
        options=", ".join(options),
    )


def _parameters(name: str) -> list[str]:
    """The arguments of a class of one of the training libraries; none for any other class."""
    for library in ("trl", "transformers", "peft"):
        found = getattr(sys.modules.get(library), name, None)
        if found is not None:
            return list(inspect.signature(found).parameters)
    return []


DIAGNOSES = (
    _renamed_argument,
    _removed_argument,
    _argument_of_the_config,
    _misspelt_argument,
    _quantisation_argument,
    _unknown_option,
)
