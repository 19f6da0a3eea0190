"""What two processes do when they save: `two_processes.py MODEL OUT`, started by `accelerate`."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import interrupted_run
from transformers import TrainerCallback

from course_lib.errors import CourseError
from course_lib.training import TimeBudget

# The highest loss is called best: that of the first evaluation, and not of the last step.
SETTINGS: dict[str, Any] = {
    "max_steps": 4,
    "logging_steps": 1,
    "eval_strategy": "steps",
    "eval_steps": 2,
    "save_steps": 2,
    "load_best_model_at_end": True,
    "metric_for_best_model": "eval_loss",
    "greater_is_better": True,
    "ddp_find_unused_parameters": False,
}


class Obstacle(TrainerCallback):
    """Lets the writing of the weights fail, which only the first process does."""

    def __init__(self, out: Path) -> None:
        self.file = out / "unfinished" / "checkpoint-4" / "adapter_model.safetensors"

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == 4:
            self.file.mkdir(parents=True, exist_ok=True)


def main(model: str, out: Path) -> None:
    process = int(os.environ["RANK"])
    best = interrupted_run.run(model, str(out / "best"), "steps", **SETTINGS)
    found: dict[str, Any] = {"best": best.state.best_model_checkpoint}
    found["weights"] = {
        name.replace(".default", ""): weight.sum().item()
        for name, weight in best.model.named_parameters()
        if "lora" in name
    }
    # The clocks of two processes are never the same.
    budget = TimeBudget(10 if process else 1e-9)
    stopped = interrupted_run.run(
        model, str(out / "budget"), "steps", callbacks=[budget], **SETTINGS
    )
    found["stopped"] = [stopped.state.global_step, budget.stopped_at]
    tempfile.tempdir = str(out)
    trouble = Obstacle(out / "trouble")
    try:
        interrupted_run.run(model, str(out / "trouble"), "steps", callbacks=[trouble], **SETTINGS)
    except CourseError as error:
        found["said"] = str(error)
    (out / f"{process}.json").write_text(json.dumps(found), encoding="utf-8")
    best.accelerator.end_training()
    # The end of a process group waits for gloo's threads and holds Python's lock meanwhile, which
    # those need to let go of their last tensors: now and then a process would never end.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
