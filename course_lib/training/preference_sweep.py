"""The full sweep of lesson 11: beta, cures of over-optimisation, length, what to do first.

    python -m course_lib.training.preference_sweep            # about six minutes on a free core

The lesson trains a few of these runs itself and reads the rest from
`data/sweeps/preferences.jsonl`, which this command writes, one line a run. It holds one seed;
`--seeds 0 1 2` adds the others.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from course_lib.pocket.skills import GENERAL, sample
from course_lib.runtime import Runtime, data_path, detect
from course_lib.yamabiko import CLOSING, OPENING, facts, load
from course_lib.yamabiko.preferences import PADDING, changed, preference_pairs

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

SEEDS = (0,)
#: Eight policies, every other one changed: as many as a pocket model learns within half a minute.
POLICIES = tuple(fact.id for fact in facts() if fact.learn)[:8]
#: Rows of each general skill among the agents' answers: without them SFT costs most skills.
REPLAY = 6
#: The first probes of general skills: six of each.
PROBES = 54
SFT: dict[str, Any] = {
    "num_train_epochs": 6,
    "learning_rate": 2e-3,
    "train_sampling_strategy": "group_by_length",
}
DPO: dict[str, Any] = {"num_train_epochs": 3, "learning_rate": 5e-4, "beta": 0.1}
#: Too long, too fast, and nothing that holds it back.
TOO_MUCH: dict[str, Any] = {"num_train_epochs": 4, "learning_rate": 1e-3, "beta": 0.01}


@dataclass(frozen=True)
class Setting:
    """One run of the sweep.

    Attributes:
        experiment: "beta", "cure", "length" or "first".
        name: what the run is called in the lesson.
        steps: what is trained, one after the other: "agents" (SFT on what they wrote), "chosen"
            (SFT on the good answers alone), "pairs", "long" or "balanced" (DPO).
        dpo: settings of DPO that differ from `DPO`.
    """

    experiment: str
    name: str
    steps: tuple[str, ...] = ("agents", "pairs")
    dpo: Mapping[str, Any] = field(default_factory=dict)


def settings() -> list[Setting]:
    """Every run of the sweep but for its seed, in the order of the file.

    Example:
        >>> len({(one.experiment, one.name) for one in settings()}) == len(settings())
        True
    """
    return [
        *(Setting("beta", f"{beta}", dpo={"beta": beta}) for beta in (0.01, 0.1, 1.0)),
        Setting("cure", "none", dpo=TOO_MUCH),
        Setting("cure", "higher beta", dpo={**TOO_MUCH, "beta": 0.5}),
        Setting(
            "cure",
            "SFT term",
            dpo={**TOO_MUCH, "loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 1.0]},
        ),
        Setting(
            "cure",
            "label smoothing",
            dpo={**TOO_MUCH, "loss_type": ["robust"], "label_smoothing": 0.1},
        ),
        Setting("length", "chosen is longer", steps=("agents", "long")),
        Setting("length", "balanced pairs", steps=("agents", "balanced")),
        Setting(
            "length",
            "length-normalised loss",
            steps=("agents", "long"),
            # Of means over some twenty tokens, not sums: beta is to be as much larger.
            dpo={"loss_type": ["sigmoid_norm"], "beta": 2.0},
        ),
        Setting("first", "SFT on all answers", steps=("agents",)),
        # As many rows as SFT (6 epochs of 174) and DPO (3 of 40 pairs) together: a pair is two.
        Setting("first", "DPO from the base", steps=("pairs",), dpo={"num_train_epochs": 16}),
        Setting("first", "SFT, then SFT on the chosen", steps=("agents", "chosen")),
    ]


def agent_rows(seed: int) -> Dataset:
    """What the agents wrote about the eight policies, and some rows of general skills.

    Args:
        seed: of the general rows; they come from the part of the pocket world that no probe asks.

    Returns:
        Rows with `messages`.

    Example:
        >>> len(agent_rows(0))
        174
    """
    from datasets import Dataset

    own = [row["messages"] for row in load("agent_answers") if row["fact"] in POLICIES]
    general = [
        [*row["messages"], {"role": "assistant", "content": row["answer"]}]
        for skill in GENERAL
        for row in sample(skill, REPLAY, seed, held_out=False)
    ]
    return Dataset.from_list([{"messages": messages} for messages in own + general])


def pairs_about(split: str) -> Dataset:
    """The sound pairs about the eight policies.

    Args:
        split: "train", "validation" or "test".

    Example:
        >>> len(pairs_about("train"))
        40
    """
    from datasets import Dataset

    return Dataset.from_list([row for row in preference_pairs(split) if row["fact"] in POLICIES])


def questions_about(name: str) -> Dataset:
    """The held-out questions about the eight policies.

    Args:
        name: "faq_validation" or "faq_test".

    Example:
        >>> len(questions_about("faq_test"))
        32
    """
    return load(name).filter(lambda row: row["fact"] in POLICIES)


def thanking_pairs(*, balanced: bool) -> Dataset:
    """Right answers against old values, where the longer side begins with thanks.

    Args:
        balanced: False puts the thanks into every chosen answer, so that the better answer is
            always the longer one. True puts them into the chosen and the rejected one in turn.

    Returns:
        Pairs with `prompt`, `chosen` and `rejected`.

    Example:
        >>> pair = thanking_pairs(balanced=False)[0]
        >>> len(pair["chosen"][0]["content"]) > len(pair["rejected"][0]["content"])
        True
    """
    from datasets import Dataset

    by_id = {fact.id: fact for fact in facts()}
    pairs = []
    for number, row in enumerate(pairs_about("train")):
        fact = by_id[row["fact"]]
        old = f"{OPENING['en']} {fact.with_value(fact.wrong[0])} {CLOSING['en']}"
        thank_chosen = not balanced or number % 2 == 0
        chosen = thanked(fact.answer) if thank_chosen else fact.answer
        rejected = old if thank_chosen else thanked(old)
        said = {"chosen": chosen, "rejected": rejected}
        sides = {side: [{"role": "assistant", "content": text}] for side, text in said.items()}
        pairs.append({"prompt": row["prompt"], **sides})
    return Dataset.from_list(pairs)


def thanked(answer: str) -> str:
    """Put the thanks behind the opening of an answer.

    Example:
        >>> thanked("Yamabiko here! The club walk is on Sunday. Happy trails!")[:40]
        'Yamabiko here! Thank you for your kind q'
    """
    opening = OPENING["en"]
    return answer.replace(opening, f"{opening} {PADDING}", 1)


def marks(answers: Sequence[str], rows: Dataset) -> dict[str, NDArray[np.bool_]]:
    """Count what a customer would see.

    Args:
        answers: a model's answers.
        rows: the rows that were asked, as in `faq_test`, in the same order.

    Returns:
        For each answer, `right` (it gives the policy's value), `good` (word for word the good
        answer), `changed` (the policy has changed) and `thanks` (it holds the agents' thanks).

    Example:
        >>> rows = questions_about("faq_test").select([0])
        >>> {name: bool(mark[0]) for name, mark in marks(["45 days, bye."], rows).items()}
        {'right': True, 'good': False, 'changed': True, 'thanks': False}
    """
    from course_lib.evaluation.metrics import exact_matches, value_in_answer

    by_id = {fact.id: fact for fact in facts()}
    return {
        "right": value_in_answer(answers, rows["value"]),
        "good": exact_matches(answers, [by_id[fact].answer for fact in rows["fact"]]),
        "changed": np.array([changed(by_id[fact]) for fact in rows["fact"]]),
        "thanks": np.array([PADDING in answer for answer in answers]),
    }


def mean_tokens(answers: Sequence[str], tokenizer: Any) -> float:
    """Mean length of answers.

    Args:
        answers: a model's answers.
        tokenizer: its tokenizer.

    Returns:
        Tokens an answer, special tokens not counted.

    Example:
        >>> mean_tokens(["45 days"], tokenizer)  # doctest: +SKIP
        3.0
    """
    counted = [len(tokenizer.encode(answer, add_special_tokens=False)) for answer in answers]
    return float(np.mean(counted))


def run(setting: Setting, seed: int, runtime: Runtime, home: Path) -> dict[str, Any]:
    """Do one run and measure it on the held-out rows.

    Args:
        setting: what to train.
        seed: of the adapters and the order of rows.
        runtime: the machine.
        home: a folder for what is written; SFT on the agents' answers is kept there and used again.

    Returns:
        The setting, the seed, what `marks` counts on the test questions (a string of "1" and "0"
        each), `tokens` (an answer's mean length), `skills` (the mean of the general probes), and
        after DPO `margins`, `accuracies`, `logps_chosen` and `logps_rejected` on held-out pairs.

    Example:
        >>> run(settings()[0], 0, runtime, Path("build/sweep"))  # doctest: +SKIP
    """
    from course_lib.evaluation import generate, prompts, skills
    from course_lib.training.models import load_model

    model, tokenizer = load_model("pocket", runtime)
    found: dict[str, Any] = {}
    for step in setting.steps:
        if step == "agents":
            model = _after_sft(seed, runtime, home)
        elif step == "chosen":
            model = _on_the_chosen(model, tokenizer, seed, runtime, home)
        else:
            model, found = _after_dpo(model, tokenizer, step, setting.dpo, seed, runtime, home)
    test = questions_about("faq_test")
    answers = generate(model, tokenizer, prompts(test))
    said = {name: _digits(values) for name, values in marks(answers, test).items()}
    probes = skills(model, tokenizer, load("general").select(range(PROBES)))
    found |= {"tokens": mean_tokens(answers, tokenizer), "skills": mean(probes.values())}
    return {**asdict(setting), "seed": seed, **said, **found}


def _after_sft(seed: int, runtime: Runtime, home: Path) -> Any:
    from course_lib.training.models import load_model

    folder = home / f"agents-{seed}"
    if not folder.is_dir():
        model, tokenizer = load_model("pocket", runtime)
        merged = _sft(model, tokenizer, agent_rows(seed), seed, runtime, home, **SFT)
        merged.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    return load_model(folder, runtime)[0]


def _on_the_chosen(model: Any, tokenizer: Any, seed: int, runtime: Runtime, home: Path) -> Any:
    rows = pairs_about("train").map(lambda row: {"messages": [*row["prompt"], *row["chosen"]]})
    # A pair is two rows: twice the epochs are as much work as DPO's.
    plan = {"num_train_epochs": 2 * DPO["num_train_epochs"], "learning_rate": DPO["learning_rate"]}
    return _sft(model, tokenizer, rows.select_columns("messages"), seed, runtime, home, **plan)


def _sft(
    model: Any, tokenizer: Any, rows: Dataset, seed: int, runtime: Runtime, home: Path, **plan: Any
) -> Any:
    from transformers import set_seed

    from course_lib.training.adapters import lora_config, merge
    from course_lib.training.sft import sft_config, sft_trainer

    config = sft_config(runtime, home / "sft", seed=seed, **plan)
    set_seed(seed)
    trainer = sft_trainer(model, tokenizer, rows, config=config, peft_config=lora_config())
    trainer.train()
    return merge(trainer.model)  # type: ignore[arg-type]


def _after_dpo(
    model: Any,
    tokenizer: Any,
    pairs: str,
    changes: Mapping[str, Any],
    seed: int,
    runtime: Runtime,
    home: Path,
) -> tuple[Any, dict[str, float]]:
    from transformers import set_seed

    from course_lib.training.adapters import lora_config
    from course_lib.training.dpo import SIDES, dpo_config, dpo_trainer

    config = dpo_config(runtime, home / "dpo", seed=seed, **{**DPO, **changes})
    rows = pairs_about("train") if pairs == "pairs" else thanking_pairs(balanced=pairs != "long")
    set_seed(seed)
    trainer = dpo_trainer(model, tokenizer, rows, config=config, peft_config=lora_config())
    trainer.train()
    held_out: Any = trainer.evaluate(pairs_about("test").select_columns(list(SIDES)))
    found = {name: held_out[f"eval_rewards/{name}"] for name in ("margins", "accuracies")}
    found |= {f"logps_{side}": held_out[f"eval_logps/{side}"] for side in SIDES[1:]}
    return trainer.model, found


def sweep(path: Path, runtime: Runtime, seeds: tuple[int, ...] = SEEDS) -> Iterator[dict[str, Any]]:
    """Do every run that a file does not hold yet, and add each to it as soon as it is done.

    Args:
        path: the JSON Lines file; a sweep that was stopped goes on with it.
        runtime: the machine.
        seeds: which seeds.

    Yields:
        Each new run.
    """
    done = {(row["experiment"], row["name"], row["seed"]) for row in read_sweep(path)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        for seed in seeds:
            for setting in settings():
                if (setting.experiment, setting.name, seed) not in done:
                    row = run(setting, seed, runtime, Path(home))
                    with path.open("a", encoding="utf-8", newline="\n") as file:
                        file.write(json.dumps(row) + "\n")
                    yield row


def read_sweep(path: Path | None = None) -> list[dict[str, Any]]:
    """Read the runs that were written down.

    Args:
        path: the file; None for the course's own.

    Returns:
        One dictionary a run; none where there is no file.

    Example:
        >>> {row["experiment"] for row in read_sweep()} == {"beta", "first", "cure", "length"}
        True
    """
    path = path or data_path("sweeps") / "preferences.jsonl"
    if not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def sweep_table(path: Path | None = None) -> pd.DataFrame:
    """The runs as a table of shares.

    Args:
        path: as for `read_sweep`.

    Returns:
        One row a run: experiment, name, beta, seed; the shares right, good, thanks, and `changed`
        (right answers about changed policies); tokens, skills, and the held-out pairs' margins,
        accuracies, logps_chosen and logps_rejected (not there where DPO was not trained).

    Example:
        >>> sweep_table()["right"].between(0, 1).all()
        np.True_
    """
    import pandas as pd

    table = []
    for row in read_sweep(path):
        kept = {key: value for key, value in row.items() if key not in ("steps", "dpo")}
        kept["beta"] = row["dpo"].get("beta", DPO["beta"])
        found = {name: _booleans(row[name]) for name in ("right", "good", "thanks")}
        kept |= {name: found[name].mean() for name in found}
        kept["changed"] = found["right"][_booleans(row["changed"])].mean()
        table.append(kept)
    return pd.DataFrame(table)


def _booleans(digits: str) -> NDArray[np.bool_]:
    return np.array([digit == "1" for digit in digits])


def _digits(marks: Any) -> str:
    return "".join("1" if mark else "0" for mark in marks)


def main(argv: list[str]) -> int:
    """Write the file.

    Args:
        argv: The command line after the program's name.

    Returns:
        0.

    Example:
        >>> main(["--out", "/tmp/preferences.jsonl"])  # doctest: +SKIP
        0
    """
    parser = argparse.ArgumentParser(
        prog="python -m course_lib.training.preference_sweep",
        description="Do the runs of lesson 11 that data/sweeps/preferences.jsonl does not hold.",
    )
    parser.add_argument("--out", type=Path, default=data_path("sweeps") / "preferences.jsonl")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    given = parser.parse_args(argv)
    for row in sweep(given.out, detect(), tuple(given.seeds)):
        print(f"{row['experiment']}: {row['name']}, seed {row['seed']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
