"""The part of throughput.py for a GPU: 0.5B and 1.5B shapes with random weights, as on a T4.

    python benchmarks/throughput.py --cuda     # the table
    python benchmarks/throughput_gpu.py --tiny # the same code on a CPU, to see that it runs

As on a T4: float16 with its loss scaler, SDPA attention, and no more memory than 14.56 GiB. Speed
does not ask what the weights are, so they are random and nothing is downloaded but, where its
wheels can be had, Unsloth (`pip install unsloth`). Unsloth patches TRL for the whole process, so
every run has a process of its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

T4_GIB = 14.56
SHAPES = ("Qwen/Qwen2.5-0.5B-Instruct", "Qwen/Qwen2.5-1.5B-Instruct")
_STEPS, _ROWS = 30, 240
_LORA = {
    "r": 16,
    "lora_alpha": 32,
    "target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
}


def gpu_table(rounds: int, *, tiny: bool = False) -> Any:
    """Time every shape, method and side, a fresh process each, the sides one after the other.

    Args:
        rounds: How often each.
        tiny: A two-layer shape on the CPU instead, to see that the code runs.

    Returns:
        A table with samples a second (median), the ratio to plain TRL, and the peak in GiB.
    """
    import pandas as pd

    sides = ["plain TRL", "course_lib", *(["Unsloth"] if find_spec("unsloth") else [])]
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("tiny",) if tiny else SHAPES:
            folder = _random_model(name, Path(scratch) / name.replace("/", "_"))
            for seed in range(rounds):
                for method in ("lora", "qlora"):
                    for side in sides:
                        run = [side, method, str(folder), str(seed)] + ["--tiny"] * tiny
                        done = subprocess.run(
                            [sys.executable, __file__, *run], capture_output=True, text=True
                        )
                        if done.returncode:
                            raise RuntimeError(f"{run}: {done.stderr[-2000:]}")
                        measured = json.loads(done.stdout.splitlines()[-1])
                        found.append({"shape": name, "method": method, "side": side, **measured})
    keys = ["shape", "method", "side"]
    table = pd.DataFrame(found).groupby(keys, sort=False).median()
    plain = table["samples/s"].xs("plain TRL", level="side")
    table["ratio"] = table["samples/s"] / plain.reindex(table.index.droplevel("side")).to_numpy()
    return table.round(2)


def _random_model(name: str, folder: Path) -> Path:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from course_lib import data_path
    from course_lib.catalog import shape

    wanted = shape("pocket" if name == "tiny" else name)
    if name == "tiny":
        wanted = dataclasses.replace(wanted, layers=2)
    tokenizer = AutoTokenizer.from_pretrained(data_path("pocket"))
    torch.manual_seed(0)
    config = wanted.config()
    config.eos_token_id, config.bos_token_id = tokenizer.eos_token_id, None
    AutoModelForCausalLM.from_config(config, dtype=torch.float16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _runtime(tiny: bool) -> Any:
    import torch

    from course_lib.runtime import detect

    runtime = detect()
    if tiny:
        return dataclasses.replace(runtime, device="cpu", dtype="float32")
    if not torch.cuda.is_available():
        raise SystemExit("--cuda needs a CUDA GPU: none was found")
    total = torch.cuda.get_device_properties(0).total_memory / 2**30
    torch.cuda.set_per_process_memory_fraction(min(1.0, T4_GIB / total))
    return dataclasses.replace(runtime, device="cuda", dtype="float16")


def _rows() -> Any:
    from course_lib import data_path
    from course_lib.cleaning import clean

    kept = clean(data_path("yamabiko", "support_raw.jsonl")).kept
    return kept.select(range(_ROWS)).select_columns(["messages"])


def _by_hand(model: Any, tokenizer: Any, folder: Path, seed: int, tiny: bool, lora: Any) -> Any:
    from trl import SFTConfig, SFTTrainer

    number_format = {"use_cpu": True, "bf16": False} if tiny else {"fp16": True}
    trainer = SFTTrainer(
        model=model,
        args=SFTConfig(
            str(folder / "out"), report_to="none", disable_tqdm=True, save_strategy="no",
            max_steps=_STEPS, learning_rate=2e-4, seed=seed, **number_format,
        ),
        train_dataset=_rows(),
        processing_class=tokenizer,
        peft_config=lora,
    )  # fmt: skip
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:  # TRL's bf16 adapters would die in the loss scaler of fp16
            parameter.data = parameter.data.float()
    return trainer


def _trainer(side: str, method: str, folder: Path, seed: int, tiny: bool) -> Any:
    if side == "Unsloth":
        from unsloth import FastLanguageModel  # before trl and transformers, which it patches

        model, tokenizer = FastLanguageModel.from_pretrained(
            str(folder), max_seq_length=1024, dtype=None, load_in_4bit=method == "qlora"
        )
        model = FastLanguageModel.get_peft_model(
            model, lora_dropout=0, use_gradient_checkpointing="unsloth", random_state=seed, **_LORA
        )
        return _by_hand(model, tokenizer, folder, seed, tiny, None)
    from peft import LoraConfig

    from course_lib.training import load_model, qlora_config, sft_config, sft_trainer

    runtime = _runtime(tiny)
    quantised = qlora_config(runtime) if method == "qlora" else None
    model, tokenizer = load_model(folder, runtime, quantization_config=quantised)
    lora = LoraConfig(task_type="CAUSAL_LM", **_LORA)
    if side == "plain TRL":
        return _by_hand(model, tokenizer, folder, seed, tiny, lora)
    config = sft_config(
        runtime, folder / "out", max_steps=_STEPS, learning_rate=2e-4, seed=seed,
        save_strategy="no", train_sampling_strategy="group_by_length",
    )  # fmt: skip
    return sft_trainer(model, tokenizer, _rows(), config=config, peft_config=lora)


def main() -> None:
    """Time one run and print it as JSON; with --tiny alone, the table of a tiny shape."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run", nargs="*", help="side, method, folder, seed")
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args()
    if not asked.run:
        print(gpu_table(1, tiny=asked.tiny).to_string())
        return
    side, method, folder, seed = asked.run
    trainer = _trainer(side, method, Path(folder), int(seed), asked.tiny)
    import torch

    on_gpu = torch.cuda.is_available()
    began = time.perf_counter()
    trainer.train()
    if on_gpu:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    peak = torch.cuda.max_memory_reserved() / 2**30 if on_gpu else 0.0
    print(json.dumps({"samples/s": 8 * _STEPS / seconds, "peak, GiB": peak}))


if __name__ == "__main__":
    main()
