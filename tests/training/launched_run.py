"""One script for any number of processes: `launched_run.py MODEL OUT`; `accelerate` starts it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from throwaway import conversation
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from course_lib.runtime import Runtime
from course_lib.training import load_model, sft_config, sft_trainer
from course_lib.training.adapters import lora_config


def train(model_folder: str, out: str, processes: int, **settings: Any) -> Any:
    """Eight rows a step, however many processes share them."""
    cpu = Runtime("local", "pocket", "cpu", "float32", 1, 4.0, None, None, None, False)
    model, tokenizer = load_model(model_folder, cpu)
    rows = Dataset.from_list([{"messages": conversation(i**3)} for i in range(40)])
    config = sft_config(
        cpu,
        out,
        seed=5,
        max_steps=6,
        logging_steps=1,
        learning_rate=1e-2,
        per_device_train_batch_size=8 // processes,
        per_device_eval_batch_size=1,
        eval_strategy="steps",
        eval_steps=3,
        save_strategy="steps",
        save_steps=3,
        ddp_find_unused_parameters=False,
        **settings,
    )
    torch.manual_seed(5)
    trainer = sft_trainer(
        model,
        tokenizer,
        rows.select(range(32)),
        rows.select(range(32, 40)),
        config=config,
        peft_config=lora_config(rank=4),
    )
    return trainer


def losses(trainer: Any) -> dict[str, list[float]]:
    """What a run logged."""
    log = trainer.state.log_history
    return {name: [row[name] for row in log if name in row] for name in ("loss", "eval_loss")}


def sharded(processes: int) -> dict[str, Any]:
    """What FSDP keeps on this process, and whether one infinity stops the step of all."""
    mesh = init_device_mesh("cpu", (processes,))
    torch.manual_seed(0)
    layer = nn.Linear(64, 64, bias=False)
    fully_shard(layer, mesh=mesh)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=1e-2)
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(layer(torch.ones(2, 64)).square().mean()).backward()
    weight: Any = layer.weight
    piece, gradient = weight.to_local(), weight.grad.to_local()
    if torch.distributed.get_rank() == processes - 1:
        gradient[0, 0] = float("inf")
    before = piece.clone()
    scaler.step(optimizer)
    moved = (piece - before).abs().max()
    # The largest of all processes: none may have moved.
    torch.distributed.all_reduce(moved, op=torch.distributed.ReduceOp.MAX)
    return {"bytes": piece.nbytes, "moved": moved.item()}


def main(model_folder: str, out: str) -> None:
    processes = int(os.environ["WORLD_SIZE"])
    trainer = train(model_folder, out, processes)
    trainer.train()
    found: dict[str, Any] = {"equal": losses(trainer), "type": str(trainer.accelerator.state)}
    if processes == 2:
        unequal = train(model_folder, out + "-alone", 2, average_tokens_across_devices=False)
        unequal.train()
        found |= {"alone": losses(unequal), "sharded": sharded(processes)}
    else:
        resumed = train(model_folder, out + "-resumed", 1)
        resumed.train(resume_from_checkpoint=str(Path(out).with_name("two") / "checkpoint-3"))
        found["resumed"] = losses(resumed)
    if trainer.is_world_process_zero():
        Path(out).with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")
    trainer.accelerator.end_training()
    # The end of a process group waits for gloo's threads and holds Python's lock meanwhile, which
    # those need to let go of their last tensors: now and then a process would never end.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
