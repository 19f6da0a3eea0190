"""`python -m course_lib pocket score`: the table on the pocket model's card.

`… pocket pretrain` (or `make pocket`) rebuilds the model from nothing, `… pocket card` writes its
card from what was measured.
"""

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from course_lib.errors import CourseError


def main(argv: list[str]) -> int:
    """Run `score`, `card` or `pretrain`.

    Args:
        argv: the arguments after `pocket`.

    Returns:
        0 good, 1 where a scored skill stays under its threshold.

    Raises:
        CourseError: no model in the folder, or no scores for its card.

    Example:
        >>> main(["score", "--instances", "20"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib pocket")
    verbs = parser.add_subparsers(dest="verb", required=True)
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument("--model", type=Path, help="the model's folder (default: data/pocket)")
    folder.add_argument("--json", action="store_true", help="one JSON object on standard output")
    scoring = verbs.add_parser("score", parents=[folder], help="score it on fresh instances")
    scoring.add_argument("--instances", type=int, default=200, help="of each skill (default 200)")
    scoring.add_argument("--seed", type=int, default=0, help="of the instances (default 0)")
    scoring.add_argument("--save", action="store_true", help="write scores.json beside the model")
    verbs.add_parser("card", parents=[folder], help="write its README.md from scores.json")
    training = verbs.add_parser("pretrain", help="pretrain it from nothing (hours on a CPU)")
    training.add_argument("--out", type=Path, help="folder (default: data/pocket)")
    training.add_argument("--work", type=Path, default=Path("build/pocket"), help="resumable state")
    training.add_argument("--threads", type=int, help="torch threads (default: the free cores)")
    training.add_argument("--eager", action="store_true", help="without torch.compile (no C++)")
    arguments = parser.parse_args(argv)
    return {"score": _score, "card": _card, "pretrain": _pretrain}[arguments.verb](arguments)


def _pretrain(arguments: argparse.Namespace) -> int:
    import torch

    # Vanishing attention weights are denormal numbers, which a CPU computes ten times slower.
    # Every thread inherits the switch, so it has to come before the first of them.
    torch.set_flush_denormal(True)
    from course_lib import runtime
    from course_lib.pocket.batches import Recipe
    from course_lib.pocket.pretraining import pretrain

    if arguments.threads is not None and arguments.threads < 1:
        raise CourseError("--threads must be at least 1")
    torch.set_num_threads(arguments.threads or runtime.detect().cores)
    out = arguments.out or runtime.data_path("pocket")
    pretrain(Recipe(), out, work=arguments.work, compiled=not arguments.eager)
    return 0


def _card(arguments: argparse.Namespace) -> int:
    from course_lib import runtime
    from course_lib.pocket.card import write_card

    path = write_card(arguments.model or runtime.data_path("pocket"))
    print(json.dumps({"card": str(path)}) if arguments.json else path)
    return 0


def _score(arguments: argparse.Namespace) -> int:
    from transformers import BitsAndBytesConfig

    from course_lib import runtime
    from course_lib.pocket import score, speed
    from course_lib.training import load_model

    if arguments.instances < 1:
        raise CourseError("--instances must be at least 1")
    # With --json, standard output is for the one object alone.
    with contextlib.redirect_stdout(sys.stderr if arguments.json else sys.stdout):
        here = runtime.start(arguments.seed)
    directory = arguments.model or runtime.data_path("pocket")
    n, seed = arguments.instances, arguments.seed

    def say(skill: str, accuracy: float) -> None:
        print(f"  {skill:<32} {accuracy:7.1%}", file=sys.stderr, flush=True)

    model, tokenizer = load_model(directory, here)
    skills = score.score(model, tokenizer, n, seed, say)
    nf4 = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    print("the same, quantised to NF4:", file=sys.stderr)
    quantised, _ = load_model(directory, here, quantization_config=nf4)
    skills_nf4 = score.score(quantised, tokenizer, n, seed, say)
    short = score.shortfalls(skills, skills_nf4)
    result: dict[str, Any] = {
        "skills": skills,
        "skills_nf4": skills_nf4,
        "thresholds": score.THRESHOLDS,
        "shortfalls": short,
        "counts": {skill: len(rows) for skill, rows in score.instances(n, seed).items()},
        "instances": n,
        "seed": seed,
        "parameters": sum(p.numel() for p in model.parameters()),
        "bytes": speed.weights_bytes(directory),
        "weights": speed.weights_digest(directory),
        "tokens_per_second": round(speed.tokens_per_second(model, tokenizer)),
        "seconds_per_answer_one_core": round(speed.seconds_to_answer(model, tokenizer), 3),
    }
    if arguments.save:
        score.write_scores(result, directory)
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        _print_table(result)
    return 1 if short else 0


def _print_table(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    from course_lib.pocket import score

    table = Table(title=f"Pocket model, {result['instances']} fresh instances a skill")
    for column in ("skill", "accuracy", "in NF4", "asked for"):
        table.add_column(column, justify="left" if column == "skill" else "right")
    for skill, value in result["skills"].items():
        wanted = result["thresholds"].get(skill)
        sign = "<" if skill == score.NO_CONTEXT else "≥"
        table.add_row(
            skill,
            f"{value:.1%}",
            f"{result['skills_nf4'][skill]:.1%}",
            f"{sign} {wanted:.0%}" if wanted is not None else "",
        )
    console = Console()
    console.print(table)
    console.print(
        f"{result['parameters']:,} parameters, {result['bytes'] / 1e6:.1f} MB, "
        f"{result['tokens_per_second']:,} tokens a second, "
        f"{result['seconds_per_answer_one_core']:.2f} s an answer on one core"
    )
    for line in result["shortfalls"]:
        console.print(f"short: {line}")
