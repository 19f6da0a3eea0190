"""The full sweep of lesson 10: methods, rates, replay and a new product line, over three seeds.

    python -m course_lib.training.forgetting_sweep            # ten to twenty minutes on one core
    python -m course_lib.training.forgetting_sweep --only domain --out new_line.jsonl

The lesson trains a handful of these runs itself and reads the rest from
`data/sweeps/forgetting.jsonl`, which this command writes. One line is one run, with the marks of
every single question, so that any interval can be computed from it:

    value, style   one "1" or "0" for each row of `faq_test`, in its order
    probes         the fate of each probe: "r" right, "c" covered, "g" gone
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from course_lib.pocket.skills import GENERAL
from course_lib.runtime import Runtime, data_path, detect
from course_lib.training.replay import replay_count, replay_rows
from course_lib.yamabiko import load
from course_lib.yamabiko.facts import facts

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

# The first product line: gear that is sold. The other pages (rental, club, shop, care) are the new
# one. Each line has eight of the sixteen policies that are taught.
ORDERS = ("returns", "shipping", "payment", "repairs")
EPOCHS = 8
RATES = {"full": (1e-4, 3e-4, 6e-4), "lora": (1e-3, 3e-3, 6e-3)}
# The rate with which the lesson trains LoRA, and at which replay and the new line are tried.
RATE = 3e-3
SHARES = (0.01, 0.05, 0.10, 0.25)
# Rows of the new line, beside those of the first one and without them.
NEW_ROWS = {True: (4, 8, 16, 40), False: (16,)}
SEEDS = (0, 1, 2)
# Shown in the replay of "some skills"; the other four are only tested.
SHOWN = GENERAL[:5]


@dataclass(frozen=True)
class Setting:
    """One run of the sweep.

    Attributes:
        experiment: "rate", "replay" or "domain".
        method: "full" or "lora".
        rate: peak learning rate.
        share: share of replay rows in everything trained on.
        source: what replay is drawn from: "all skills", or "some skills" only (`SHOWN`).
        orders: whether the rows of the first product line are trained on.
        new: rows of the new product line that are trained on.
        seed: of the adapter, the order of rows and the replay.
    """

    experiment: str
    method: str
    rate: float
    share: float = 0.0
    source: str = "all skills"
    orders: bool = True
    new: int = 0
    seed: int = 0


def settings() -> list[Setting]:
    """Every run of the sweep, in the order of the file.

    Example:
        >>> len({setting for setting in settings()}) == len(settings())
        True
    """
    rates = [Setting("rate", method, rate) for method in RATES for rate in RATES[method]]
    replay = [Setting("replay", "lora", RATE, share) for share in SHARES]
    replay.append(Setting("replay", "lora", RATE, 0.10, "some skills"))
    domain = [
        Setting("domain", "lora", RATE, orders=orders, new=new)
        for orders in NEW_ROWS
        for new in NEW_ROWS[orders]
    ]
    return [replace(s, seed=seed) for s in (*rates, *replay, *domain) for seed in SEEDS]


def product_line(rows: Dataset, *, orders: bool) -> Dataset:
    """The rows about the first product line, or those about the new one.

    Args:
        rows: rows with `fact`, such as `load("faq_train")`.
        orders: True for the first line, False for the new one.

    Example:
        >>> len(product_line(load("faq_test"), orders=False))
        32
    """
    page = {fact.id: fact.page for fact in facts()}
    return rows.filter(lambda row: (page[row["fact"]] in ORDERS) == orders)


def mixture(setting: Setting) -> Dataset:
    """All rows that a run sees, epochs written out, so that every replay row is a fresh one.

    Args:
        setting: says which rows and how much replay.

    Returns:
        Rows with `messages`; the trainer shuffles them and goes through them once.
    """
    from datasets import concatenate_datasets

    train = load("faq_train").select_columns(["messages", "fact"])
    parts = [product_line(train, orders=False).select(range(setting.new))]
    if setting.orders:
        parts.insert(0, product_line(train, orders=True))
    rows = concatenate_datasets(parts).select_columns("messages").repeat(EPOCHS)
    skills = SHOWN if setting.source == "some skills" else GENERAL
    count = replay_count(len(rows), setting.share)
    if not count:
        return rows
    replay = replay_rows(count, setting.seed, apart_from=load("general"), skills=skills)
    return concatenate_datasets([rows, replay.select_columns("messages")])


def run(setting: Setting, runtime: Runtime) -> dict[str, Any]:
    """Train one setting and mark every question.

    Args:
        setting: the run.
        runtime: the machine.

    Returns:
        The line of the file: the setting, the steps, and the marks.
    """
    from transformers import set_seed

    from course_lib.training import load_model, lora_config, sft_config, sft_trainer

    model, tokenizer = load_model("pocket", runtime)
    rows = mixture(setting)
    set_seed(setting.seed)
    with tempfile.TemporaryDirectory() as folder:
        plan = {"num_train_epochs": 1, "learning_rate": setting.rate, "save_strategy": "no"}
        config = sft_config(runtime, folder, seed=setting.seed, **plan)
        adapter = None if setting.method == "full" else lora_config()
        trainer = sft_trainer(model, tokenizer, rows, config=config, peft_config=adapter)
        trainer.train()
    return {
        **asdict(setting),
        "steps": trainer.state.global_step,
        **_marks(trainer.model, tokenizer),
    }


def read(path: Path | None = None) -> pd.DataFrame:
    """The sweep's file as a table, one row a run, with the shares that the lesson draws.

    Args:
        path: the file; the committed one if None.

    Returns:
        The settings, the steps and the marks, and these shares between 0 and 1: `styled` (in the
        voice of the shop), `learned` (value and style right on the first product line),
        `new_style` and `new_value` (on the new line), `kept` and `covered` (of the probes),
        `kept_shown` and `kept_unshown` (of the probes of skills in `SHOWN`, and of the others).

    Example:
        >>> len(read()) == len(settings())
        True
    """
    import pandas as pd

    text = (path or data_path("sweeps") / "forgetting.jsonl").read_text(encoding="utf-8")
    table = pd.DataFrame([json.loads(line) for line in text.splitlines()])
    new_line = set(product_line(load("faq_train"), orders=False)["fact"])
    first = np.array([fact not in new_line for fact in load("faq_test")["fact"]])
    shown = np.array([skill in SHOWN for skill in load("general")["skill"]])
    value, style = _hits(table["value"], "1"), _hits(table["style"], "1")
    probes = _hits(table["probes"], "r")
    return table.assign(
        styled=style.mean(axis=1),
        learned=(value & style)[:, first].mean(axis=1),
        new_value=value[:, ~first].mean(axis=1),
        new_style=style[:, ~first].mean(axis=1),
        kept=probes.mean(axis=1),
        covered=_hits(table["probes"], "c").mean(axis=1),
        kept_shown=probes[:, shown].mean(axis=1),
        kept_unshown=probes[:, ~shown].mean(axis=1),
    )


def _hits(marks: Iterable[str], mark: str) -> NDArray[np.bool_]:
    """One row a run, one column a question."""
    return np.array([[each == mark for each in run] for run in marks])


def _marks(model: Any, tokenizer: Any) -> dict[str, str]:
    from course_lib.diagnostics.forgetting import fates
    from course_lib.evaluation import generate, prompts, score_support

    test, probes = load("faq_test"), load("general")
    answers = generate(model, tokenizer, prompts(test), max_new_tokens=32)
    scores = score_support(answers, test)
    said = generate(model, tokenizer, prompts(probes), max_new_tokens=24)
    return {
        "value": "".join(str(int(hit)) for hit in scores["value"]),
        "style": "".join(str(int(hit)) for hit in scores["style"]),
        "probes": "".join(fate[0] for fate in fates(said, probes["answer"])),
    }


def _lines(wanted: Iterable[Setting], runtime: Runtime) -> Iterator[str]:
    for setting in wanted:
        yield json.dumps(run(setting, runtime))
        print(setting, file=sys.stderr, flush=True)


def main(argv: list[str]) -> int:
    """Run the sweep, or one experiment of it, and write the file.

    Args:
        argv: the command line after the program's name.

    Returns:
        0 when the file is written.
    """
    parser = argparse.ArgumentParser(prog="python -m course_lib.training.forgetting_sweep")
    parser.add_argument("--out", type=Path, default=data_path("sweeps") / "forgetting.jsonl")
    parser.add_argument("--only", choices=("rate", "replay", "domain"), default=None)
    arguments = parser.parse_args(argv)
    if arguments.only and arguments.out == data_path("sweeps") / "forgetting.jsonl":
        parser.error(
            f"{arguments.out} holds all experiments, and would hold {arguments.only!r} alone: "
            "give another file with --out"
        )
    wanted = [s for s in settings() if arguments.only in (None, s.experiment)]
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    with arguments.out.open("w", encoding="utf-8") as file:
        for line in _lines(wanted, detect()):
            file.write(line + "\n")
            file.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
