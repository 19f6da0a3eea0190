"""Train a model with TRL and PEFT, with the traps of a T4, of a laptop and of the defaults defused.

The names below are loaded on first use, so that importing this package imports no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOME = {
    "accelerate_config": "course_lib.training.distributed",
    "cpu_config": "course_lib.training.distributed",
    "data_parallel_config": "course_lib.training.distributed",
    "deepspeed_config": "course_lib.training.distributed",
    "launch": "course_lib.training.distributed",
    "launch_command": "course_lib.training.distributed",
    "write_accelerate_config": "course_lib.training.distributed",
    "TimeBudget": "course_lib.training.budget",
    "compare_checkpoints": "course_lib.training.checkpoints",
    "dpo_config": "course_lib.training.dpo",
    "dpo_trainer": "course_lib.training.dpo",
    "fault_tolerant": "course_lib.training.fault_tolerance",
    "latest_checkpoint": "course_lib.training.checkpoints",
    "grpo_config": "course_lib.training.grpo",
    "grpo_trainer": "course_lib.training.grpo",
    "reward_curve": "course_lib.training.grpo",
    "learning_curve": "course_lib.training.curves",
    "lora_config": "course_lib.training.adapters",
    "merge": "course_lib.training.adapters",
    "qlora_config": "course_lib.training.adapters",
    "load_model": "course_lib.training.models",
    "prepare_rows": "course_lib.training.sft",
    "replay_count": "course_lib.training.replay",
    "replay_rows": "course_lib.training.replay",
    "sft_config": "course_lib.training.sft",
    "sft_trainer": "course_lib.training.sft",
    "tokenize_rows": "course_lib.training.rows",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'course_lib.training' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
