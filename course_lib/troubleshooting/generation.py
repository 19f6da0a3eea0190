"""Answers: `model.generate` and its arguments."""

from __future__ import annotations

import difflib
import re
from typing import Any

from course_lib.troubleshooting.raised import Finding, Raised


def _prompt_longer_than_max_length(raised: Raised) -> Finding | None:
    """`max_length` counts the prompt too."""
    found = raised.matches(
        "ValueError", r"input length of \w+ is (\d+), but `max_length` is set to (\d+)"
    )
    if not found:
        return None
    put = {"max_new_tokens": "128"}
    return raised.with_arguments(
        "generate", drop=["max_length"], put=put, prompt=found[1], limit=found[2]
    )


def _temperature_not_positive(raised: Raised) -> Finding | None:
    """`temperature=0`."""
    found = raised.matches("ValueError", r"`temperature` \(=(\S+)\) has to be a strictly positive")
    if not found:
        return None
    return raised.with_arguments(
        "generate", drop=["temperature"], put={"do_sample": "False"}, temperature=found[1]
    )


def _batch_as_tokens(raised: Raised) -> Finding | None:
    """`generate` was given what the tokenizer returns, a mapping, as its first argument."""
    given = next(raised.locals_named("inputs_tensor", "inputs"), None)
    source = raised.statement.argument(["generate"], 0) if raised.statement else None
    if not raised.matches("AttributeError", "") or not raised.through("transformers.generation"):
        return None
    if type(given).__name__ != "BatchEncoding" or source is None:
        return None
    return raised.with_text(
        rf"(?<=generate\(){re.escape(source)}", f"**{source}", f"model.generate(**{source})"
    )


def _unknown_generation_argument(raised: Raised) -> Finding | None:
    """A misspelt argument of `generate`."""
    found = raised.matches("ValueError", r"`model_kwargs` are not used by the model: \['(\w+)'\]")
    if not found:
        return None
    from transformers import GenerationConfig

    near = difflib.get_close_matches(found[1], GenerationConfig().to_dict(), 1, 0.75)
    if not near:
        return None
    return raised.with_arguments("generate", rename={found[1]: near[0]}, old=found[1], new=near[0])


def _weights_not_finite(raised: Raised) -> Finding | None:
    """The model's weights are NaN: its training diverged."""
    if not raised.matches("RuntimeError", "probability tensor contains either"):
        return None
    model = next(one for one in raised.locals_named("self") if hasattr(one, "parameters"))
    broken = sum(not _finite(weight) for weight in model.parameters())
    if not broken:
        return None
    return Finding(
        "SFTConfig(..., learning_rate=2e-5, max_grad_norm=1.0)", None, {"broken": broken}
    )


def _finite(weight: Any) -> bool:
    return bool(weight.isfinite().all())


DIAGNOSES = (
    _prompt_longer_than_max_length,
    _temperature_not_positive,
    _batch_as_tokens,
    _unknown_generation_argument,
    _weights_not_finite,
)
