"""A run that may use little memory: `starved_run.py MODEL OUT ROWS_AT_ONCE on|off`, prints JSON."""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import psutil
from datasets import Dataset
from throwaway import conversation

from course_lib.errors import OutOfMemory
from course_lib.runtime import Runtime
from course_lib.training import load_model, sft_config, sft_trainer
from course_lib.training.adapters import lora_config

ROWS, ROOM = 8192, 900_000_000


def train(model_folder: str, out: str, rows_at_once: int, **settings: Any) -> str | None:
    """One step; what was said if memory ran out."""
    cpu = Runtime("local", "pocket", "cpu", "float32", 1, 4.0, None, None, None, False)
    model, tokenizer = load_model(model_folder, cpu)
    rows = Dataset.from_list([{"messages": conversation(i % 16)} for i in range(ROWS)])
    config = sft_config(cpu, out, max_steps=1, per_device_train_batch_size=rows_at_once, **settings)
    trainer = sft_trainer(model, tokenizer, rows, config=config, peft_config=lora_config(rank=8))
    try:
        trainer.train()
    except OutOfMemory as error:
        return str(error)
    return None


if __name__ == "__main__":
    folder, out, rows_at_once, checkpointing = sys.argv[1:]
    train(folder, out, 1)  # every library has what it needs before the limit comes
    limit = psutil.Process().memory_info().vms + ROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    checkpointed = {"gradient_checkpointing": checkpointing == "on"}
    print(json.dumps(train(folder, out, int(rows_at_once), **checkpointed)))
