"""Training samples a second: course_lib against TRL's defaults and against TRL by hand.

    OMP_NUM_THREADS=2 python benchmarks/throughput.py
    OMP_NUM_THREADS=2 python benchmarks/throughput.py --generation
    python benchmarks/throughput.py --cuda

Every round has its own seed and trains all sides one after the other, beginning with another side
each time: same model, rows, epochs, rows a step, learning rate and adapter. All are scored by the
same `held_out_loss` on rows that none has seen. Only `train()` is timed; `build`, in the table,
is what making the rows into tokens and the trainer takes. The sides:

    TRL's defaults       SFTConfig with nothing but use_cpu (the learning rate is given to all)
    ... in float32       the same with bf16=False: what a CPU without bfloat16 arithmetic should do
    ... same tokens      the defaults, but learning the answers only on a cosine schedule as
                         course_lib does, so that it ends at the same loss
    TRL by hand          SFTConfig with course_lib's settings written out
    ... padding_free     the same with TRL's padding_free=True, which course_lib's trainer sets
    course_lib           sft_config and sft_trainer as they are; where the CPU has bfloat16
                         arithmetic, a second time with the bf16=True that TRL takes for granted
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import pandas as pd
import torch
from peft import LoraConfig
from throughput_gpu import gpu_table
from transformers import set_seed
from trl import SFTConfig, SFTTrainer

import course_lib
from course_lib import data_path
from course_lib.cleaning import clean, split
from course_lib.evaluation import generate, held_out_loss, prompts
from course_lib.training import load_model, sft_config, sft_trainer

# What differs between course_lib and TRL's defaults in what is learnt, not in how fast.
_SAME_TOKENS = {
    "assistant_only_loss": True,
    "lr_scheduler_type": "cosine",
    "warmup_steps": 0.05,
}
_BY_HAND = {
    **_SAME_TOKENS,
    "bf16": False,
    "gradient_checkpointing": False,
    "per_device_train_batch_size": 8,
    "logging_steps": 5,
    "save_strategy": "no",
    "dataloader_pin_memory": False,
}
_BASE = "TRL's defaults"
SIDES: dict[str, dict[str, Any] | None] = {
    _BASE: {},
    "... in float32": {"bf16": False},
    "... same tokens": _SAME_TOKENS,
    "TRL by hand": _BY_HAND,
    "... padding_free": {**_BY_HAND, "padding_free": True, "max_length": None},
    "course_lib": None,
    "course_lib, bf16=True": None,
}


def train_once(
    side: str, runtime: course_lib.Runtime, parts: Any, epochs: float, seed: int
) -> dict[str, float]:
    """Train the pocket model's adapter once.

    Args:
        side: A key of `SIDES`.
        runtime: The machine.
        parts: The rows: train and test.
        epochs: Passes over the rows.
        seed: Of the adapter and the order of the rows.

    Returns:
        Seconds to build and to train (CPU seconds too: they do not count waiting for others on a
        busy machine), samples a second, and the held-out loss.
    """
    set_seed(seed)
    model, tokenizer = load_model("pocket", runtime)
    lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
    given: dict[str, Any] = {"num_train_epochs": epochs, "learning_rate": 1e-3, "seed": seed}
    settings = SIDES[side]
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        trainer: Any
        if settings is None:
            config = sft_config(runtime, folder, bf16="bf16" in side, **given)
            trainer = sft_trainer(model, tokenizer, parts["train"], config=config, peft_config=lora)
        else:
            trainer = SFTTrainer(
                model=model,
                args=SFTConfig(
                    folder, use_cpu=True, report_to="none", disable_tqdm=True, **given, **settings
                ),
                train_dataset=parts["train"].select_columns(["messages"]),
                processing_class=tokenizer,
                peft_config=lora,
            )
        built, worked = time.perf_counter(), time.process_time()
        with contextlib.redirect_stdout(io.StringIO()):
            trainer.train()
        trained, worked = time.perf_counter(), time.process_time() - worked
    return {
        "build": built - began,
        "seconds": trained - built,
        "CPU seconds": worked,
        "samples/s": parts["train"].num_rows * epochs / (trained - built),
        "held-out loss": held_out_loss(trainer.model, tokenizer, parts["test"]),
    }


def _has_bfloat16() -> bool:
    known = torch.cpu.get_capabilities()
    return bool(known.get("avx512_bf16") or known.get("amx_bf16"))


def training_table(rounds: int, epochs: float) -> pd.DataFrame:
    """Train all sides in every round.

    Args:
        rounds: How often, each with the next seed.
        epochs: Passes over the rows.

    Returns:
        A row for each side: means, the loss's spread over the seeds, and the ratios of speeds in
        each round (median, lowest, highest): to TRL's defaults by the clock and by CPU time, and
        to TRL by hand by CPU time.
    """
    runtime = course_lib.start()
    parts = split(clean(data_path("yamabiko", "support_raw.jsonl")).kept, seed=0)
    lengths = f"{parts['train'].num_rows} training rows, {parts['test'].num_rows} held out"
    print(f"{lengths}, {epochs:g} epochs, {rounds} rounds")
    names = [side for side in SIDES if "bf16=True" not in side or _has_bfloat16()]
    train_once("course_lib", runtime, parts, 0.05, 0)  # imports and caches are nobody's own
    found = []
    for seed in range(rounds):
        for side in names[seed % len(names) :] + names[: seed % len(names)]:
            run = train_once(side, runtime, parts, epochs, seed)
            found.append({"side": side, "seed": seed, **run})
            print(f"seed {seed}  {side:22}", {name: round(value, 3) for name, value in run.items()})
    runs = pd.DataFrame(found).set_index(["side", "seed"])
    speed = runs["samples/s"].unstack("seed")
    work = runs["CPU seconds"].unstack("seed")
    ratio, cpu_ratio = speed / speed.loc[_BASE], work.loc[_BASE] / work
    to_hand = work.loc["TRL by hand"] / work
    loss = runs["held-out loss"].unstack("seed")
    return pd.DataFrame(
        {
            "build, s": runs["build"].groupby("side").mean().round(2),
            "samples/s": speed.median(axis=1).round(1),
            "ratio": ratio.median(axis=1).round(2),
            "from": ratio.min(axis=1).round(2),
            "to": ratio.max(axis=1).round(2),
            "by CPU": cpu_ratio.median(axis=1).round(2),
            "CPU from": cpu_ratio.min(axis=1).round(2),
            "CPU to": cpu_ratio.max(axis=1).round(2),
            "to by hand": to_hand.median(axis=1).round(3),
            "held-out loss": loss.mean(axis=1).round(3),
            "±": loss.std(axis=1).round(3),
        }
    ).loc[names]


def generation_table(rounds: int, rows: int, new_tokens: int) -> pd.DataFrame:
    """Answer held-out questions in three ways.

    Args:
        rounds: How often each.
        rows: Questions.
        new_tokens: The longest answer, in tokens.

    Returns:
        For each way its answers a second, the ratio to one by one, and the share of its answers
        that agree with those.
    """
    from transformers import pipeline

    runtime = course_lib.start()
    kept = clean(data_path("yamabiko", "support_raw.jsonl")).kept
    asked = prompts(kept.select(range(rows)))
    model, tokenizer = load_model("pocket", runtime)
    answering = pipeline("text-generation", model=model, tokenizer=tokenizer)
    settings = {"max_new_tokens": new_tokens, "do_sample": False}

    def one_by_one() -> list[str]:
        answers = []
        for one in asked:
            ids = tokenizer.apply_chat_template(
                one, add_generation_prompt=True, return_tensors="pt", return_dict=True
            )
            written = model.generate(**ids, **settings)[0, ids["input_ids"].shape[1] :]
            answers.append(tokenizer.decode(written, skip_special_tokens=True).strip())
        return answers

    def batched_pipeline() -> list[str]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = answering(asked, batch_size=32, return_full_text=False, **settings)
        return [str(answer[0]["generated_text"]).strip() for answer in found]

    ways: dict[str, Callable[[], list[str]]] = {
        "model.generate, one by one": one_by_one,
        "pipeline, batches of 32": batched_pipeline,
        "course_lib": lambda: generate(model, tokenizer, asked, max_new_tokens=new_tokens),
    }
    answers: dict[str, list[str]] = {}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            answers[name] = way()
            seconds[name].append(time.perf_counter() - began)
    frame = pd.DataFrame(seconds).T
    first = answers["model.generate, one by one"]
    same = {
        name: sum(a == b for a, b in zip(found, first, strict=True)) / rows
        for name, found in answers.items()
    }
    ratios = frame.iloc[0] / frame
    return pd.DataFrame(
        {
            "answers/s": (rows / frame.median(axis=1)).round(1),
            "ratio": ratios.median(axis=1).round(2),
            "from": ratios.min(axis=1).round(2),
            "to": ratios.max(axis=1).round(2),
            "same answer": pd.Series(same).round(3),
        }
    )


def main() -> None:
    """Run one of the three tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=float, default=1.0)
    parser.add_argument("--generation", action="store_true")
    parser.add_argument("--cuda", action="store_true", help="0.5B and 1.5B shapes as on a T4")
    asked = parser.parse_args()
    if asked.cuda:
        table = gpu_table(rounds=asked.rounds)
    elif asked.generation:
        table = generation_table(asked.rounds, rows=96, new_tokens=48)
    else:
        table = training_table(asked.rounds, asked.epochs)
    print(table.to_string())


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    main()
