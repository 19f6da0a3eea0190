"""Trainers: their settings, their rows, and what they train."""

from __future__ import annotations

from typing import Any

from course_lib.troubleshooting.raised import Finding, Raised
from course_lib.troubleshooting.statements import Statement, last_call

_TRAINERS = ("Trainer", "SFTTrainer", "DPOTrainer", "GRPOTrainer")


def _bf16_without_gpu(raised: Raised) -> Finding | None:
    """bfloat16 was asked for, or is TRL's default, and there is no GPU."""
    if not raised.matches("ValueError", "setup doesn't support bf16"):
        return None
    return raised.with_arguments(_config(raised), put={"bf16": "False"})


def _best_model_strategies(raised: Raised) -> Finding | None:
    """`load_best_model_at_end` with other moments of saving than of evaluating."""
    found = raised.matches(
        "ValueError",
        r"load_best_model_at_end requires the save and eval strategy to match"
        r".*Evaluation strategy: \w+\.(\w+).*Save strategy: \w+\.(\w+)",
    )
    if not found:
        return None
    evaluates, saves = found[1].lower(), found[2].lower()
    put = {"save_strategy": f'"{evaluates}"'}
    if evaluates == "no":
        put = {"eval_strategy": f'"{saves}"'}
    return raised.with_arguments(_config(raised), put=put, evaluates=evaluates, saves=saves)


def _best_model_steps(raised: Raised) -> Finding | None:
    """`load_best_model_at_end` with save_steps that are no multiple of eval_steps."""
    found = raised.matches("ValueError", r"found (\d+), which is not a round multiple of (\d+)")
    if not found:
        return None
    saves, evaluates = int(found[1]), int(found[2])
    fitting = -(-saves // evaluates) * evaluates
    return raised.with_arguments(
        _config(raised), put={"save_steps": str(fitting)}, saves=saves, evaluates=evaluates
    )


def _evaluation_without_rows(raised: Raised) -> Finding | None:
    """`eval_strategy` is set, and there is no `eval_dataset`."""
    if not raised.matches("ValueError", "`args.eval_strategy` to .* didn't pass an `eval_dataset`"):
        return None
    built, rows = _argument(raised, "train_dataset")
    if built is None or rows is None:
        return Finding('trainer = SFTTrainer(..., eval_dataset=parts["test"])')
    put = {"train_dataset": 'parts["train"]', "eval_dataset": 'parts["test"]'}
    text = f"parts = {rows}.train_test_split(test_size=0.1, seed=0)"
    return Finding(f"{text}\n{built.edited(_TRAINERS, put=put)}", built)


def _no_loss(raised: Raised) -> Finding | None:
    """The rows have no labels."""
    found = raised.matches("ValueError", r"did not return a loss.*inputs it received are (.+?)\.?$")
    if not found or "labels" in found[1]:
        return None
    return _with_collator(raised, given=found[1])


def _batch_not_padded(raised: Raised) -> Finding | None:
    """A `Trainer` without a tokenizer stacks the rows as they are."""
    if not raised.matches("ValueError", r"expected sequence of length \d+ at dim 1"):
        return None
    if not raised.through("transformers.data.data_collator"):
        return None
    return _with_collator(raised)


def _rows_not_tokenized(raised: Raised) -> Finding | None:
    """Text was given to a plain `Trainer`, which takes numbers of tokens."""
    found = raised.matches(
        "ValueError", r"no columns in the dataset match.*columns have been ignored: \[(\w+)"
    )
    built, rows = _argument(raised, "train_dataset")
    if not found or rows is None:
        return None
    finding = _with_collator(raised, column=found[1])
    line = f'{rows} = {rows}.map(lambda row: {_tokenizer(raised)}(row["{found[1]}"]))'
    return Finding(f"{line}\n{finding.write}", built, finding.values)


def _no_checkpoint(raised: Raised) -> Finding | None:
    """A run was to be resumed, and there is no checkpoint."""
    found = raised.matches("ValueError", r"no valid checkpoint found in output directory \((.+)\)")
    found = found or raised.matches("ValueError", r"can't find a valid checkpoint at (.+)")
    if not found:
        return None
    return raised.with_arguments("train", drop=["resume_from_checkpoint"], folder=found[1])


def _early_stopping_without_metric(raised: Raised) -> Finding | None:
    """`EarlyStoppingCallback` does not know what to watch."""
    if not raised.matches("AssertionError", "EarlyStoppingCallback requires"):
        return None
    args = next(raised.locals_named("args"))
    moment = str(args.eval_strategy.value)
    put = {"metric_for_best_model": '"eval_loss"', "load_best_model_at_end": "True"}
    if moment == "no":
        moment = "epoch"
        put["eval_strategy"] = '"epoch"'
    put["save_strategy"] = f'"{moment}"'
    return raised.with_arguments(type(args).__name__, "sft_config", put=put)


def _no_training_rows(raised: Raised) -> Finding | None:
    """The dataset is empty."""
    empty = raised.matches("ValueError", "num_samples=0") and raised.through("torch.utils.data")
    if not empty and raised.matches("StopIteration", "") and raised.through("trl"):
        given = list(raised.locals_named("train_dataset"))
        empty = bool(given) and len(given[0]) == 0
    if not empty:
        return None
    _, rows = _argument(raised, "train_dataset")
    return Finding(f"print(len({rows or 'rows'}))", None)


def _rows_of_another_kind(raised: Raised) -> Finding | None:
    """A list, or all splits at once, in place of a `Dataset`."""
    found = raised.matches(
        "TypeError", r"`(train_dataset|eval_dataset)` must be a `Dataset`.*got `(\w+)`"
    )
    built, rows = _argument(raised, found[1]) if found else (None, None)
    if not found or built is None or rows is None:
        return None
    if found[2] == "DatasetDict":
        text = built.edited(_TRAINERS, put={found[1]: f'{rows}["train"]'})
    elif found[2] == "list":
        text = built.edited(_TRAINERS, put={found[1]: f"Dataset.from_list({rows})"})
        text = f"from datasets import Dataset\n{text}"
    else:
        return None
    return Finding(text or "", built, {"argument": found[1], "given": found[2]})


def _learning_rate_is_text(raised: Raised) -> Finding | None:
    """`learning_rate="2e-5"`, as it comes out of YAML."""
    if not raised.matches("TypeError", "not supported between instances of 'float' and 'str'"):
        return None
    rate = next(raised.locals_named("lr"))
    if not isinstance(rate, str) or not raised.through("torch.optim"):
        return None
    args = next(one.args for one in raised.locals_named("self") if hasattr(one, "args"))
    put = {"learning_rate": repr(float(rate))}
    return raised.with_arguments(type(args).__name__, put=put, rate=rate)


def _nothing_trainable(raised: Raised) -> Finding | None:
    """Every weight is frozen."""
    name, model = _model(raised)
    if model is None or hasattr(model, "peft_config") or _trains(model):
        return None
    return raised.with_line_before(f"{name}.requires_grad_(True)")


def _adapter_loaded_frozen(raised: Raised) -> Finding | None:
    """`PeftModel.from_pretrained` loads an adapter to be used, not to be trained."""
    _, model = _model(raised)
    if model is None or not hasattr(model, "peft_config") or _trains(model):
        return None
    return raised.with_arguments("from_pretrained", put={"is_trainable": "True"})


def _backward_twice(raised: Raised) -> Finding | None:
    """The graph of a loss is gone after one `backward()`."""
    if not raised.matches("RuntimeError", "backward through the graph a second time"):
        return None
    return Finding("loss = model(**batch).loss\nloss.backward()")


def _tracker_missing(raised: Raised) -> Finding | None:
    """`report_to` names a service whose package is not installed."""
    found = raised.matches("RuntimeError", r"^(\w+)Callback requires ([\w-]+)\S* to be installed")
    args = next(raised.locals_named("args"), None) if found else None
    if not found or args is None:
        return None
    return raised.with_arguments(type(args).__name__, put={"report_to": '"none"'}, package=found[2])


def _config(raised: Raised) -> str:
    """The class of the settings that refused themselves."""
    return type(raised.frames[0].f_locals["self"]).__name__


def _argument(raised: Raised, name: str) -> tuple[Statement | None, str | None]:
    """The statement that built the trainer, and the source of one of its arguments."""
    built = last_call(_TRAINERS, raised.statement) if raised.statement else None
    return built, built.argument(_TRAINERS, name) if built else None


def _tokenizer(raised: Raised) -> str:
    found = raised.variable(lambda one: hasattr(one, "convert_ids_to_tokens"), anywhere=True)
    return found or "tokenizer"


def _with_collator(raised: Raised, **values: object) -> Finding:
    """The trainer, with the collator that makes labels out of the tokens."""
    collator = f"DataCollatorForLanguageModeling({_tokenizer(raised)}, mlm=False)"
    finding = raised.with_arguments("Trainer", put={"data_collator": collator})
    text = f"from transformers import DataCollatorForLanguageModeling\n{finding.write}"
    return Finding(text, finding.statement, values)


def _model(raised: Raised) -> tuple[str | None, Any]:
    """The model whose loss has no gradient, and its name; None for any other error."""
    if not raised.matches("RuntimeError", "element 0 of tensors does not require grad"):
        return None, None
    name = raised.variable(_is_model, anywhere=True)
    return name, raised.scope.get(name) if name else None


def _is_model(value: Any) -> bool:
    return hasattr(value, "parameters") and hasattr(value, "enable_input_require_grads")


def _trains(model: Any) -> bool:
    return any(weight.requires_grad for weight in model.parameters())


DIAGNOSES = (
    _bf16_without_gpu,
    _best_model_strategies,
    _best_model_steps,
    _evaluation_without_rows,
    _no_loss,
    _batch_not_padded,
    _rows_not_tokenized,
    _no_checkpoint,
    _early_stopping_without_metric,
    _no_training_rows,
    _rows_of_another_kind,
    _learning_rate_is_text,
    _nothing_trainable,
    _adapter_loaded_frozen,
    _backward_twice,
    _tracker_missing,
)
