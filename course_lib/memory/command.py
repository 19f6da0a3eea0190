"""`python -m course_lib plan`: does this run fit on that card, and how long does it take?"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from textwrap import wrap
from typing import Any

from course_lib.errors import CourseError
from course_lib.memory.cards import card, names
from course_lib.memory.estimate import METHODS, TRAINERS
from course_lib.memory.parallel import ParallelPlan, plan_parallel
from course_lib.memory.plan import ROWS_PER_STEP, SEQ_LEN, Plan, plan

_WIDTH = 100


def main(argv: list[str]) -> int:
    """Print a plan.

    Args:
        argv: The verb's arguments.

    Returns:
        0 if the run fits, 1 if it does not.

    Raises:
        CourseError: An unknown model or card, or a size below 1.

    Example:
        >>> main(["--model", "Qwen2.5-7B-Instruct", "--method", "full"])  # doctest: +SKIP
        1
    """
    args = _parser().parse_args(argv)
    if args.devices is not None:
        return _several(args)
    found = plan(
        args.model,
        args.gpu,
        args.method,
        args.rows,
        args.seq_len,
        args.batch,
        trainer=args.trainer,
        epochs=args.epochs,
        rank=args.rank,
        checkpointing=args.checkpointing,
        accumulation=args.accumulation,
    )
    print(json.dumps(found.to_dict(), ensure_ascii=False) if args.json else _page(found, args))
    return 0 if found.fits else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m course_lib plan", description=__doc__)
    parser.add_argument(
        "--model", required=True, help="a catalog name, a folder with config.json, or a config"
    )
    parser.add_argument("--gpu", default="t4", help=f"one of {', '.join(names())} (default t4)")
    parser.add_argument("--method", choices=METHODS, help="default: searched, with its reason")
    parser.add_argument("--trainer", choices=TRAINERS, default="sft", help="default sft")
    parser.add_argument("--rows", type=int, help="rows of training data, for the hours of the run")
    parser.add_argument("--epochs", type=float, default=3.0, help="passes over them (default 3)")
    parser.add_argument("--seq-len", type=int, help=f"tokens a row (default {SEQ_LEN})")
    parser.add_argument(
        "--batch", type=int, help=f"rows a micro-batch (default: searched, {ROWS_PER_STEP} a step)"
    )
    parser.add_argument("--accumulation", type=int, help="micro-batches a step (default: searched)")
    parser.add_argument("--rank", type=int, default=16, help="the adapter's rank (default 16)")
    parser.add_argument(
        "--checkpointing",
        action=argparse.BooleanOptionalAction,
        help="default: searched, off wherever the activations fit",
    )
    parser.add_argument(
        "--devices", type=int, help="several cards: which strategy, and what each card holds"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def _several(args: argparse.Namespace) -> int:
    if args.trainer != "sft" or args.rows is not None:
        raise CourseError("--devices plans one step of sft: leave --trainer and --rows out")
    found = plan_parallel(
        args.model,
        args.gpu,
        args.devices,
        method=args.method or "lora",
        seq_len=args.seq_len or SEQ_LEN,
        batch=args.batch or 1,
        accumulation=args.accumulation or 1,
        rank=args.rank,
        checkpointing=args.checkpointing,
    )
    print(
        json.dumps(_of_several(found), ensure_ascii=False)
        if args.json
        else _page_of_several(found, args)
    )
    return 0 if found.fits else 1


def _of_several(found: ParallelPlan) -> dict[str, Any]:
    data = {
        name: float(f"{value:.4g}") if isinstance(value, float) else value
        for name, value in asdict(found).items()
    }
    data["parts"] = {name: round(value, 4) for name, value in found.parts.items()}
    for name in ("peak_gib", "seconds_per_step", "efficiency", "efficiency_unhidden"):
        data[name] = float(f"{getattr(found, name):.4g}")
    return data


def _page(found: Plan, args: argparse.Namespace) -> str:
    settings = found.settings
    setting = found.trials[0].setting
    cut = f"{setting.batch} × {setting.seq_len} tokens"
    lines = [
        f"{args.model} · {found.trainer} · {settings['method']} · {cut} · {card(args.gpu).name}",
        "",
        *_bars(found.parts, found.peak_gib, args.gpu, fits=found.fits),
        f"  {'a step':<13}{found.seconds_per_step:8.3g} s",
    ]
    if found.steps is not None and found.hours is not None:
        lines.append(f"  {'the run':<13}{found.hours:8.3g} h    {found.steps:,} steps")
    lines += ["", *_entry("fits", found.reasons["fits"])]
    about = ("method", "seconds_per_step", "hours")
    lines += [
        line
        for name in about
        if name in found.reasons
        for line in _entry(name, found.reasons[name])
    ]
    lines += ["", f"  {'setting':<28} {'value':<18} reason"]
    for name, value in settings.items():
        if name != "method":
            lines += _row(name, value, found.reasons.get(name, ""))
    return "\n".join(lines)


def _bars(parts: dict[str, float], peak: float, gpu: str, *, fits: bool) -> list[str]:
    room = card(gpu).gib
    widest = max(peak, room)
    lines = [
        f"  {name:<13}{value:8.3f} GiB  {'█' * round(40 * value / widest)}"
        for name, value in parts.items()
        if value
    ]
    verdict = "fits" if fits else "does not fit"
    return [*lines, f"  {'peak':<13}{peak:8.3f} GiB  of {room:.2f}: {verdict}"]


def _entry(name: str, text: str) -> list[str]:
    return wrap(f"{name}: {text}", _WIDTH, initial_indent="  ", subsequent_indent="    ")


def _row(name: str, value: object, reason: str) -> list[str]:
    # The reason often begins with the value, which stands beside it already.
    said = reason.removeprefix(f"{value}: ")
    first, *rest = wrap(said, _WIDTH - 48) or [""]
    return [f"  {name:<28} {value!s:<18} {first}".rstrip(), *(" " * 50 + line for line in rest)]


def _page_of_several(found: ParallelPlan, args: argparse.Namespace) -> str:
    cut = f"{args.batch or 1} × {args.seq_len or SEQ_LEN} tokens a card"
    lines = [
        f"{args.model} · {found.method} · {cut} · {found.devices} × {card(args.gpu).name} · "
        f"{found.strategy}",
        "",
        *_bars(found.parts, found.peak_gib, args.gpu, fits=found.fits),
    ]
    if found.host_gib:
        lines.append(f"  {'host':<13}{found.host_gib:8.3f} GiB  of each machine's own memory")
    lines += [
        f"  {'a step':<13}{found.seconds_per_step:8.3g} s    {found.rows_per_step} rows, "
        f"{found.efficiency:.0%} of {found.devices} cards at best",
        "",
    ]
    for name, reason in found.reasons.items():
        lines += _entry(name, reason)
    return "\n".join(lines)
