"""Devices, number formats and memory."""

from __future__ import annotations

import re
import sys
from typing import Any

from course_lib.troubleshooting.raised import Finding, Raised

_CUDA = r"""\.cuda\(\)|["']cuda(?::\d+)?["']|(?<=\.to\()0(?=\))|(?<=device_map=)\{["']{2}: 0\}"""


def _no_cuda(raised: Raised) -> Finding | None:
    """A model or tensor was sent to a GPU that is not there."""
    said = "not compiled with CUDA enabled|accelerator device when none is available|no NVIDIA"
    if not raised.matches("Exception", said):
        return None
    return raised.with_text(
        _CUDA,
        lambda found: '.to("cpu")' if found[0] == ".cuda()" else '"cpu"',
        'device = "cuda" if torch.cuda.is_available() else "cpu"',
    )


def _mixed_dtypes(raised: Raised) -> Finding | None:
    """float32 met float16."""
    found = raised.matches("RuntimeError", r"same dtype, but got: (\S+) (?:!=|and) (\S+)")
    if not found:
        return None
    lines = [
        f"{name} = {name}.float()" for name in _not_float32(raised) if raised.statement is not None
    ]
    values = {"left": _plain(found[1]), "right": _plain(found[2])}
    return raised.with_line_before("\n".join(lines), **values) if lines else None


def _bfloat16_to_numpy(raised: Raised) -> Finding | None:
    """NumPy has no bfloat16."""
    if not raised.matches("TypeError", "unsupported ScalarType BFloat16"):
        return None
    return raised.with_text(r"\.numpy\(\)", ".float().numpy()", "tensor.float().numpy()")


def _flash_attention_missing(raised: Raised) -> Finding | None:
    """`attn_implementation="flash_attention_2"` without its package."""
    if not raised.matches("ImportError", r"FlashAttention\d? has been toggled on"):
        return None
    return raised.with_arguments("from_pretrained", put={"attn_implementation": '"sdpa"'})


def _batch_out_of_memory(raised: Raised) -> Finding | None:
    """A training step of several rows ran out of memory."""
    trainer = _trainer(raised)
    if trainer is None or trainer.args.per_device_train_batch_size < 2:
        return None
    args = trainer.args
    rows, accumulated = args.per_device_train_batch_size, args.gradient_accumulation_steps
    put = {
        "per_device_train_batch_size": str(rows // 2),
        "gradient_accumulation_steps": str(accumulated * 2),
    }
    finding = raised.with_arguments(type(args).__name__, "sft_config", put=put)
    values = {"rows": rows, "half": rows // 2, **_memory()}
    return Finding(finding.write, finding.statement, values)


def _row_out_of_memory(raised: Raised) -> Finding | None:
    """A training step of a single row ran out of memory."""
    trainer = _trainer(raised)
    if trainer is None or trainer.args.per_device_train_batch_size > 1:
        return None
    put = {"gradient_checkpointing": "True"}
    if trainer.args.gradient_checkpointing:
        longest = getattr(trainer.args, "max_length", None)
        if not longest:
            return None
        put = {"max_length": str(longest // 2)}
    name = type(trainer.args).__name__
    finding = raised.with_arguments(name, "sft_config", put=put)
    return Finding(finding.write, finding.statement, _memory())


def _tensor_out_of_memory(raised: Raised) -> Finding | None:
    """Memory ran out with no trainer at work."""
    if not _memory_ran_out(raised) or _trainer(raised) is not None:
        return None
    return Finding(
        "with torch.inference_mode():\n"
        "    for start in range(0, len(rows), 8):\n"
        "        answers += generate(model, tokenizer, rows[start : start + 8])",
        None,
        _memory(),
    )


def _memory_ran_out(raised: Raised) -> bool:
    if "torch" not in sys.modules:
        return False
    from course_lib.training.out_of_memory import is_out_of_memory

    return is_out_of_memory(raised.error)


def _trainer(raised: Raised) -> Any:
    """The trainer at whose step memory ran out; None where there is none."""
    if not _memory_ran_out(raised):
        return None
    owners = raised.locals_named("self")
    return next((one for one in owners if hasattr(one, "args") and hasattr(one, "state")), None)


def _memory() -> dict[str, object]:
    from course_lib.training.out_of_memory import memory_now

    held, free = memory_now()
    return {"held": f"{held:.1f}", "free": f"{free:.1f}"}


def _not_float32(raised: Raised) -> list[str]:
    """Variables of the failed statement, tensors and models, in another format than float32."""
    import torch

    text = raised.statement.text if raised.statement else ""
    other = []
    for name, value in raised.scope.items():
        part = next(value.parameters(), None) if isinstance(value, torch.nn.Module) else value
        if isinstance(part, torch.Tensor) and part.is_floating_point() and _says(text, name):
            other += [name] if part.dtype != torch.float32 else []
    return other


def _says(text: str, name: str) -> bool:
    return re.search(rf"\b{re.escape(name)}\b", text) is not None


def _plain(dtype: str) -> str:
    """PyTorch's C++ name of a number format, as Python calls it."""
    name = dtype.removeprefix("c10::").strip(".,")
    return {"float": "float32", "Half": "float16", "BFloat16": "bfloat16"}.get(name, name)


DIAGNOSES = (
    _no_cuda,
    _mixed_dtypes,
    _bfloat16_to_numpy,
    _flash_attention_missing,
    _batch_out_of_memory,
    _row_out_of_memory,
    _tensor_out_of_memory,
)
