"""`python -m course_lib plan`: does this run fit on that card, and how long does a step take?"""

from __future__ import annotations

import argparse
import json

from course_lib.memory.cards import card, names
from course_lib.memory.estimate import METHODS
from course_lib.memory.plan import Plan, plan


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
    parser = argparse.ArgumentParser(prog="python -m course_lib plan", description=__doc__)
    parser.add_argument(
        "--model", required=True, help="a catalog name, a folder with config.json, or a config"
    )
    parser.add_argument("--gpu", default="t4", help=f"one of {', '.join(names())} (default t4)")
    parser.add_argument("--method", choices=METHODS, help="default: chosen, with its reason")
    parser.add_argument("--seq-len", type=int, default=1024, help="tokens a row (default 1024)")
    parser.add_argument("--batch", type=int, default=1, help="rows a micro-batch (default 1)")
    parser.add_argument("--accumulation", type=int, default=1, help="micro-batches a step")
    parser.add_argument("--rank", type=int, default=16, help="the adapter's rank (default 16)")
    parser.add_argument(
        "--checkpointing",
        action=argparse.BooleanOptionalAction,
        help="default: only where the run does not fit without it",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    args = parser.parse_args(argv)
    found = plan(
        args.model,
        args.gpu,
        args.method,
        args.seq_len,
        args.batch,
        rank=args.rank,
        checkpointing=args.checkpointing,
        accumulation=args.accumulation,
    )
    print(json.dumps(found.to_dict(), ensure_ascii=False) if args.json else _page(found, args))
    return 0 if found.fits else 1


def _page(found: Plan, args: argparse.Namespace) -> str:
    where = card(args.gpu)
    width = max(found.peak_gib, where.gib)
    lines = [
        f"{args.model} · {found.settings['method']} · {args.batch} × {args.seq_len} tokens · "
        f"{where.name}",
        "",
    ]
    for name, value in found.parts.items():
        if value:
            lines.append(f"  {name:<13}{value:8.3f} GiB  {'█' * round(40 * value / width)}")
    verdict = "fits" if found.fits else "does not fit"
    lines += [
        f"  {'peak':<13}{found.peak_gib:8.3f} GiB  of {where.gib:.2f}: {verdict}",
        f"  {'a step':<13}{found.seconds_per_step:8.3g} s",
        "",
    ]
    lines += [f"  {name}: {reason}" for name, reason in found.reasons.items()]
    return "\n".join(lines)
