"""A training run to be killed: `interrupted_run.py MODEL OUT SLOW`; goes on from what it finds."""

from __future__ import annotations

import sys
import time
from typing import Any

from datasets import Dataset
from throwaway import conversation
from transformers import TrainerCallback

from course_lib.runtime import Runtime
from course_lib.training import latest_checkpoint, load_model, sft_config, sft_trainer
from course_lib.training.adapters import lora_config

STEPS = 30


class Slow(TrainerCallback):
    """Leaves the parent time to kill the run between two checkpoints."""

    def on_step_end(self, *_: Any, **__: Any) -> None:
        time.sleep(0.1)


def run(model_folder: str, out: str, *, slow: bool) -> Any:
    """Train to the end, from the latest checkpoint if there is one."""
    cpu = Runtime("local", "pocket", "cpu", "float32", 1, 4.0, None, None, None, False)
    model, tokenizer = load_model(model_folder, cpu)
    rows = Dataset.from_list([{"messages": conversation(i)} for i in range(16)])
    config = sft_config(
        cpu,
        out,
        seed=5,
        max_steps=STEPS,
        save_strategy="steps",
        save_steps=4,
        logging_steps=2,
        learning_rate=1e-2,
    )
    trainer = sft_trainer(
        model,
        tokenizer,
        rows,
        config=config,
        # Dropout draws random numbers at every step: only restored generators give one result.
        peft_config=lora_config(rank=4, lora_dropout=0.1),
        callbacks=[Slow()] if slow else [],
    )
    trainer.train(resume_from_checkpoint=latest_checkpoint(out))
    return trainer


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], slow=sys.argv[3] == "slow")
