"""How far the predicted memory is from traced, measured and published peaks.

    python benchmarks/memory_accuracy.py                  # traced and measured: minutes on a CPU
    python benchmarks/memory_accuracy.py --reference FILE # published peaks, from a CSV
    python benchmarks/memory_accuracy.py --cuda           # real steps on a GPU, capped like a T4's

The first writes memory_traced.csv and memory_measured.csv beside this file, the last
memory_cuda.csv.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from course_lib.catalog import shape
from course_lib.memory import estimate

HERE = Path(__file__).parent
MODELS = (
    "Qwen/Qwen2.5-0.5B-Instruct",
    "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "Qwen/Qwen3-1.7B",
    "HuggingFaceTB/SmolLM3-3B",
    "microsoft/Phi-3.5-mini-instruct",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen3-8B",
)
METHODS = ("full", "lora", "qlora")
STEPS: tuple[dict[str, Any], ...] = (
    {"trainer": "sft", "seq_len": 512, "batch": 4, "checkpointing": True},
    {"trainer": "sft", "seq_len": 1024, "batch": 2, "checkpointing": False, "accumulation": 2},
    {"trainer": "sft", "seq_len": 2048, "batch": 1, "checkpointing": True},
    {"trainer": "dpo", "seq_len": 512, "batch": 2, "checkpointing": True, "completion_len": 256},
    {"trainer": "dpo", "seq_len": 512, "batch": 1, "checkpointing": False, "completion_len": 256},
    {
        "trainer": "grpo",
        "seq_len": 512,
        "batch": 4,
        "checkpointing": True,
        "completion_len": 256,
        "accumulation": 4,
    },
)
POCKET_STEPS: tuple[dict[str, Any], ...] = tuple(
    {"trainer": trainer, "seq_len": seq_len, "batch": batch, "checkpointing": checkpointing}
    | {"completion_len": seq_len // 2}
    for trainer in ("sft", "dpo", "grpo")
    for seq_len, batch, checkpointing in ((128, 8, False), (256, 4, True))
)
# What a learner would try on a T4: each of these, by all three methods.
CUDA_MODELS = (*MODELS[:3], "Qwen/Qwen2.5-7B-Instruct")
T4_GIB = 14.56
OPTIMISERS = ("adamw_torch", "adamw_8bit", "adafactor", "sgd")


def traced() -> list[dict[str, Any]]:
    """Compare with traces of whole steps over fake tensors, at full shapes."""
    from course_lib.memory.trace import trace_step

    found = []

    def compare(name: str, step: dict[str, Any]) -> None:
        known = shape(name)
        trace = trace_step(known.config(), **step)
        guess = estimate(known, double_quant=False, **step)
        weights = sum(
            guess.parts.get(part, 0.0)
            for part in ("weights", "weights_4bit", "adapters", "reference")
        )
        optimizer = guess.parts["optimizer"]
        found.append(
            _described(name, step, guess, trace.peak_gib)
            | {
                "weights_error": round(weights / trace.weights_gib - 1, 4),
                "optimizer_error": round(optimizer - trace.optimizer_gib, 4),
                "step_predicted_gib": round(guess.allocated_gib - weights - optimizer, 4),
                "step_actual_gib": round(
                    trace.peak_gib - trace.weights_gib - trace.optimizer_gib, 4
                ),
            }
        )

    for name in MODELS:
        for method in METHODS:
            for step in STEPS:
                compare(name, {"method": method, "dtype": "float16", **step})
    for method in METHODS:
        for step in POCKET_STEPS:
            compare("pocket", {"method": method, "dtype": "float32", **step})
    for method in ("full", "lora"):
        for optimizer in OPTIMISERS:
            compare(MODELS[0], {"method": method, "optimizer": optimizer, **STEPS[0]})
    return found


def measured() -> list[dict[str, Any]]:
    """Compare with every tensor that two real steps of the pocket model allocate on this CPU."""
    from course_lib.memory.real_step import real_step

    known = shape("pocket")
    found = []
    for method in METHODS:
        for step in POCKET_STEPS:
            real = real_step(known.config(), device="cpu", method=method, **step)
            step = {"method": method, "dtype": "float32", **step}
            found.append(_described("pocket", step, estimate(known, **step), real["peak_gib"]))
    return found


def on_cuda(cap_gib: float) -> list[dict[str, Any]]:
    """Compare with PyTorch's own count on a GPU whose memory is capped and whose type is fp16."""
    import torch

    from course_lib.memory.real_step import real_step

    total = torch.cuda.get_device_properties(0).total_memory / 2**30
    torch.cuda.set_per_process_memory_fraction(min(1.0, cap_gib / total))
    # A T4 has neither of these kernels.
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    found = []
    for name in CUDA_MODELS:
        known = shape(name)
        for method in METHODS:
            for step in STEPS:
                guess = estimate(known, method=method, **step)
                row = _described(name, {"method": method, **step}, guess, float("nan"))
                if guess.parts["weights"] > cap_gib:
                    found.append(row | {"outcome": "not tried: the weights alone exceed the cap"})
                    continue
                try:
                    real = real_step(known.config(), device="cuda", method=method, **step)
                except torch.cuda.OutOfMemoryError:
                    found.append(row | {"outcome": "out of memory"})
                    continue
                row = _described(name, {"method": method, **step}, guess, real.pop("peak_gib"))
                found.append(row | real | {"outcome": "ran"})
                print(found[-1], flush=True)
    return found


def _described(name: str, step: dict[str, Any], guess: Any, actual: float) -> dict[str, Any]:
    return {
        "model": name.split("/")[-1],
        "trainer": step["trainer"],
        "method": step["method"],
        "seq_len": step["seq_len"],
        "completion_len": step.get("completion_len", step["seq_len"]),
        "batch": step["batch"],
        "accumulation": step.get("accumulation", 1),
        "checkpointing": step["checkpointing"],
        "optimizer": step.get("optimizer", "adamw_torch_fused"),
        "dtype": step.get("dtype", "float16"),
        "phase": guess.phase,
        "predicted_gib": round(guess.allocated_gib, 4),
        "actual_gib": round(actual, 4),
        "error": round(guess.allocated_gib / actual - 1, 4),
    }


def write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Write rows, which need not all have the same columns."""
    rows = list(rows)
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def summary(title: str, rows: list[dict[str, Any]]) -> str:
    """Say how far off the predictions are: median, worst, and by trainer and method."""
    lines = [f"{title}: {_spread(rows)}"]
    rest = [r for r in rows if "step_actual_gib" in r]
    if rest:
        errors = [abs(r["step_predicted_gib"] / r["step_actual_gib"] - 1) for r in rest]
        lines.append(
            "  without weights and optimiser: "
            f"median {statistics.median(errors):.2%}, worst {max(errors):.2%}"
        )
    for key in ("trainer", "method", "model"):
        for value in dict.fromkeys(row[key] for row in rows):
            lines.append(f"  {value:<26}{_spread([r for r in rows if r[key] == value])}")
    return "\n".join(lines)


def _spread(rows: list[dict[str, Any]]) -> str:
    errors = [abs(row["error"]) for row in rows if row["error"] == row["error"]]
    if not errors:
        return "nothing ran"
    return (
        f"{len(errors):>4} steps, median {statistics.median(errors):.2%}, worst {max(errors):.2%}"
    )


def reference(path: Path) -> str:
    """Return a Markdown table of published peaks and predictions."""
    from memory_reference import compare

    lines = [
        "| model | method | tokens × rows | published | predicted | error | source | settings |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in compare(path):
        size = "not stated" if row["batch"] == "-" else f"{row['seq_len']} × {row['batch']}"
        lines.append(
            f"| {row['model']} | {row['method']} | {size} | {row['published']} {row['unit']} | "
            f"{row['predicted']} | {row['error']:+.0%} | {row['source']} | {row['note']} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--reference", type=Path, help="a CSV of published peaks")
    parser.add_argument("--cuda", action="store_true", help="real steps on this machine's GPU")
    parser.add_argument("--cap", type=float, default=T4_GIB, help="GiB, a T4's by default")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    if args.reference:
        print(reference(args.reference))
        return
    from datasets import disable_progress_bars

    disable_progress_bars()
    runs: dict[str, Callable[[], list[dict[str, Any]]]] = {"traced": traced, "measured": measured}
    if args.cuda:
        runs = {"cuda": lambda: on_cuda(args.cap)}
    for name, run in runs.items():
        rows = run()
        write(HERE / f"memory_{name}.csv", rows)
        print(summary(name, rows), flush=True)


if __name__ == "__main__":
    main()
