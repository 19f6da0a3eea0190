"""One run of a sweep: the settings of its knobs, the training, and the figures it leaves.

Every run starts from a fresh copy of the base, learns Yamabiko's sixteen policies as bare values
("45 days"), and is measured twice: on validation rows, which may choose between settings, and on
test rows, which may not.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.runtime import Runtime

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import LoraConfig

# What LoRA may be attached to, from least to most.
TARGETS: dict[str, str | list[str]] = {
    "q": ["q_proj"],
    "q, v": ["q_proj", "v_proj"],
    "attention": ["q_proj", "k_proj", "v_proj", "o_proj"],
    "mlp": ["gate_proj", "up_proj", "down_proj"],
    "all": "all-linear",
}
# What each variant of LoRA changes in PEFT's LoraConfig; NEFTune adds noise to the input instead.
VARIANTS: dict[str, dict[str, Any]] = {
    "lora": {},
    "neftune": {},
    "dora": {"use_dora": True},
    "rslora": {"use_rslora": True},
    "pissa": {"init_lora_weights": "pissa"},
}
# The noise of the NEFTune paper's first setting.
_NEFTUNE_ALPHA = 5.0
_LONGEST_VALUE = 16  # tokens; the values take at most nine


@dataclass(frozen=True)
class Knobs:
    """The settings of one run; the defaults are where lesson 08 starts, each by a rule.

    Args:
        method: "full", "lora", or a variant of it: "dora", "rslora", "pissa", "neftune".
        learning_rate: Of AdamW, at the peak of a cosine with warm-up.
        rank: Width of the update; unused by "full", as are the next two.
        alpha: The update is scaled by alpha / rank (rsLoRA: by alpha / √rank).
        targets: A key of `TARGETS`.
        batch: Rows a step.
        epochs: Passes over the training rows.
        steps: Steps in all, whatever `epochs` says; 0 leaves it to `epochs`.
        rows: Training rows.
        source: "faq", the shop's 80 clean rows, or "threads": customers' mails on the same
            policies, as many as wanted, others for each seed.
    """

    method: str = "lora"
    learning_rate: float = 2.5e-3
    rank: int = 16
    alpha: int = 32
    targets: str = "all"
    batch: int = 8
    epochs: int = 5
    steps: int = 0
    rows: int = 80
    source: str = "faq"

    def lora(self) -> LoraConfig | None:
        """PEFT's configuration of these knobs.

        Returns:
            A plain `LoraConfig`, or None for full fine-tuning.

        Raises:
            CourseError: Method or targets have no such name.

        Example:
            >>> Knobs(targets="q").lora().target_modules == {"q_proj"}
            True
        """
        from peft import LoraConfig

        if self.method == "full":
            return None
        if self.method not in VARIANTS:
            raise CourseError(f"no method {self.method!r}: take full, {', '.join(VARIANTS)}")
        if self.targets not in TARGETS:
            raise CourseError(f"no targets {self.targets!r}: take {', '.join(TARGETS)}")
        return LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            target_modules=TARGETS[self.targets],
            **VARIANTS[self.method],
        )


def run(
    knobs: Knobs, seed: int, runtime: Runtime, *, base: str = "pocket", folder: str | Path
) -> dict[str, Any]:
    """Train once with these knobs, and measure on validation and test rows.

    Args:
        knobs: The settings.
        seed: Of the adapter's first weights, the order of the rows, and which threads are drawn.
        runtime: The machine, from `course_lib.start()`.
        base: The model to start from.
        folder: Where the trainer may write.

    Returns:
        The knobs, the seed, `validation_loss` and `test_loss` (nats a token), `validation_right`
        and `test_right` (share of answers that are the value and nothing else), `trained_steps`
        and `seconds` of training.

    Raises:
        CourseError: As `Knobs.lora` and `training_rows`.

    Example:
        >>> run(Knobs(epochs=1), 0, runtime, folder="build/runs/08")["trained_steps"]
        ... # doctest: +SKIP
        10
    """
    from transformers import set_seed

    from course_lib.training import load_model, sft_config, sft_trainer

    set_seed(seed)
    model, tokenizer = load_model(base, runtime)
    config = sft_config(
        runtime,
        folder,
        seed=seed,
        learning_rate=knobs.learning_rate,
        per_device_train_batch_size=knobs.batch,
        gradient_accumulation_steps=1,
        num_train_epochs=knobs.epochs,
        max_steps=knobs.steps or -1,
        neftune_noise_alpha=_NEFTUNE_ALPHA if knobs.method == "neftune" else None,
        save_strategy="no",
    )
    rows = training_rows(knobs, seed)
    trainer = sft_trainer(model, tokenizer, rows, config=config, peft_config=knobs.lora())
    begun = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - begun
    figures = {"trained_steps": trainer.state.global_step, "seconds": round(seconds, 1)}
    return {**asdict(knobs), "seed": seed, **measure(trainer.model, tokenizer), **figures}


def measure(model: Any, tokenizer: Any) -> dict[str, float]:
    """Loss and right answers on the validation and the test rows.

    Args:
        model: A causal LM.
        tokenizer: Its tokenizer.

    Returns:
        `validation_loss`, `validation_right`, `test_loss` and `test_right`.

    Example:
        >>> measure(model, tokenizer)["test_right"]  # doctest: +SKIP
        0.0
    """
    from course_lib.evaluation import (
        exact_match,
        generate,
        held_out_loss,
        prompts,
        references,
    )

    found = {}
    for split in ("validation", "test"):
        rows = value_rows(f"faq_{split}")
        given = generate(model, tokenizer, prompts(rows), max_new_tokens=_LONGEST_VALUE)
        found[f"{split}_loss"] = round(held_out_loss(model, tokenizer, rows), 4)
        found[f"{split}_right"] = round(exact_match(given, references(rows)), 4)
    return found


def training_rows(knobs: Knobs, seed: int) -> Dataset:
    """The rows that a run learns from.

    Args:
        knobs: `rows` and `source` count.
        seed: Which threads are drawn; a smaller set is the beginning of a larger one.

    Returns:
        Rows with `messages`: a question, and the value.

    Raises:
        CourseError: More rows than the source has, or no such source.

    Example:
        >>> training_rows(Knobs(rows=2), seed=0)["messages"][0][1]["content"]
        '45 days'
    """
    from datasets import Dataset

    from course_lib.yamabiko.threads import value_threads

    if knobs.source == "threads":
        return Dataset.from_list(value_threads(knobs.rows, seed))
    if knobs.source != "faq":
        raise CourseError(f'no source {knobs.source!r}: take "faq" or "threads"')
    rows = value_rows("faq_train")
    if knobs.rows > len(rows):
        raise CourseError(f'"faq" has {len(rows)} rows, not {knobs.rows}: take source="threads"')
    return rows.select(range(knobs.rows))


def value_rows(name: str) -> Dataset:
    """The shop's questions with the bare value as the answer.

    Args:
        name: "faq_train", "faq_validation" or "faq_test".

    Returns:
        Rows with `messages`: the question and the value.

    Example:
        >>> value_rows("faq_test")["messages"][0][1]["content"]
        '45 days'
    """
    from datasets import Dataset

    from course_lib.yamabiko import load
    from course_lib.yamabiko.question_sets import message

    return Dataset.from_list(
        [
            {"messages": [row["messages"][0], message("assistant", row["value"])]}
            for row in load(name)
        ]
    )
