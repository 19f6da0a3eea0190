"""A run whose model FSDP cuts, on CPU processes: `sharded_run.py MODEL OUT`, by `accelerate`.

Accelerate cuts only for cards. So the processes are called those of cards here; everything after
that is what a machine with two cards does, through gloo.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import interrupted_run
from accelerate import PartialState
from accelerate.utils import DistributedType
from two_processes import SETTINGS

from course_lib.training import latest_checkpoint

_of_the_cpu = PartialState.__init__


def _as_of_cards(self: Any, *args: Any, **kwargs: Any) -> None:
    _of_the_cpu(self, *args, **kwargs)
    if self.distributed_type == DistributedType.MULTI_CPU:
        self.distributed_type = DistributedType.MULTI_GPU


def main(model: str, out: Path) -> None:
    PartialState.__init__ = _as_of_cards
    process = int(os.environ["RANK"])
    whole = interrupted_run.run(model, str(out / "whole"), "steps", **SETTINGS)
    found = {
        "type": type(whole.model).__name__,
        "best": whole.state.best_model_checkpoint,
        "latest": str(latest_checkpoint(out / "whole")),
        "log": interrupted_run.figures(whole.state.log_history),
    }
    middle = str(out / "whole" / "checkpoint-2")
    again = interrupted_run.run(model, str(out / "again"), "steps", resume=middle, **SETTINGS)
    found["again"] = interrupted_run.figures(again.state.log_history)
    (out / f"{process}.json").write_text(json.dumps(found), encoding="utf-8")
    whole.accelerator.end_training()
    # The end of a process group waits for gloo's threads and holds Python's lock meanwhile, which
    # those need to let go of their last tensors: now and then a process would never end.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
