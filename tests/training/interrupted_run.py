"""A training run to be killed: `interrupted_run.py MODEL OUT KIND`; goes on from what it finds."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from throwaway import conversation
from transformers import EarlyStoppingCallback, set_seed

from course_lib.runtime import Runtime
from course_lib.training import latest_checkpoint, load_model, sft_config, sft_trainer
from course_lib.training.adapters import lora_config

STEPS = 30
# Each kind has a trap of its own; the rows are 16, and so an epoch is 4 steps.
KINDS: dict[str, dict[str, Any]] = {
    # Checkpoints and logs fall on different steps, some on an epoch's end, where it evaluates; the
    # run ends inside an epoch.
    "steps": {
        "max_steps": STEPS,
        "save_strategy": "steps",
        "save_steps": 2,
        "logging_steps": 3,
        "eval_strategy": "epoch",
    },
    # The loss falls too slowly for its patience, and the best model is loaded at the end.
    "stops early": {
        "num_train_epochs": 12,
        "save_strategy": "epoch",
        "eval_strategy": "epoch",
        "load_best_model_at_end": True,
        "metric_for_best_model": "eval_loss",
        "learning_rate": 1.5e-2,
    },
    # Every weight is trained, and the checkpoints are the whole model.
    "full": {"max_steps": STEPS, "save_strategy": "steps", "save_steps": 3, "logging_steps": 2},
}


def run(
    model_folder: str,
    out: str,
    kind: str,
    *,
    callbacks: Sequence[Any] = (),
    resume: str | None = "latest",
    **overrides: Any,
) -> Any:
    """Train to the end, from the latest checkpoint if there is one, or from the one given."""
    cpu = Runtime("local", "pocket", "cpu", "float32", 1, 4.0, None, None, None, False)
    set_seed(5)
    model, tokenizer = load_model(model_folder, cpu)
    train, held_out = (
        Dataset.from_list([{"messages": conversation(i)} for i in chosen])
        for chosen in (range(16), range(16, 24))
    )
    settings: dict[str, Any] = {
        "seed": 5,
        "learning_rate": 1e-2,
        "per_device_train_batch_size": 2,
        "gradient_accumulation_steps": 2,
        **KINDS[kind],
        **overrides,
    }
    trainer = sft_trainer(
        model,
        tokenizer,
        train,
        held_out,
        config=sft_config(cpu, out, **settings),
        # Dropout draws random numbers at every step: only restored generators give one result.
        peft_config=None if kind == "full" else lora_config(rank=4, lora_dropout=0.1),
        callbacks=[*callbacks, *([EarlyStoppingCallback(3, 0.02)] * (kind == "stops early"))],
    )
    trainer.train(resume_from_checkpoint=latest_checkpoint(out) if resume == "latest" else resume)
    return trainer


def figures(log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log without what tells the time, and the last entry, which sums up one call of train."""
    names = ("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm")
    entries = [entry for entry in log if "train_runtime" not in entry]
    return [{name: entry.get(name) for name in names} for entry in entries]


if __name__ == "__main__":
    run(*sys.argv[1:4])
