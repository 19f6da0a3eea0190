"""Direct preference optimisation: TRL's own config and trainer, with their traps defused.

``DPOConfig`` and ``DPOTrainer`` come back as TRL made them. What is chosen differently from TRL's
defaults is written down in ``dpo_config`` with its reason; every choice can be overridden there.
"""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.tokenization.conversation import apply_template
from course_lib.training.trainers import (
    build_config,
    build_trainer,
    check_folder,
    longest,
    machine_settings,
    refuse_quantised_whole,
    stop_ids,
)

if TYPE_CHECKING:
    from datasets import Dataset
    from peft import PeftConfig, PeftModel
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer
Pairs = list[list[dict[str, str]]]

SIDES = ("prompt", "chosen", "rejected")
#: The losses of TRL that read ``label_smoothing``; all others ignore it in silence.
SMOOTHED = frozenset({"robust", "exo_pair", "aot", "aot_unpaired"})


def dpo_config(runtime: Runtime, output_dir: str | Path, **overrides: Any) -> DPOConfig:
    """TRL's ``DPOConfig`` with settings that run on this machine, each for a reason.

    Args:
        runtime: The machine, from ``course_lib.start()``.
        output_dir: Where checkpoints go, see ``course_lib.output_path``.
        **overrides: Any argument of ``DPOConfig``; an override always wins over our choice.

    Returns:
        A plain ``trl.DPOConfig``.

    Raises:
        CourseError: An override asks for a number format that this machine does not have, or for
            settings of which TRL would ignore one in silence.
        TypeError: An override is no argument of ``DPOConfig``.

    Example:
        >>> config = dpo_config(runtime, "build/runs/dpo", beta=0.3)  # doctest: +SKIP
    """
    from trl.trainer.dpo_config import DPOConfig

    pocket = runtime.device == "cpu"
    settings: dict[str, Any] = {
        **machine_settings(runtime, output_dir),
        # Pairs: each is two rows.
        "per_device_train_batch_size": 8 if pocket else 2,
        "gradient_accumulation_steps": 1 if pocket else 4,
        "per_device_eval_batch_size": 16 if pocket else 4,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.05,
        # A pair says little and says it in the whole answer: DPO takes smaller steps than SFT.
        # TRL's own 1e-6 is for whole models; an adapter would hardly move.
        "learning_rate": 5e-4 if pocket else 2e-5,
        # How dear it is to leave the reference; TRL's default.
        "beta": 0.1,
        # The reference answers the same in every epoch: ask it once, before the first step. It is
        # then the model as it stands. Else TRL, training a whole model, would load the reference
        # from where that model once came from: the base, without what SFT has taught it since.
        "precompute_ref_log_probs": True,
        # TRL cuts longer rows at the end, answers included; the trainer here refuses them.
        "max_length": 1024,
    }
    settings.update(overrides)
    _check_loss(settings)
    return build_config(DPOConfig, runtime, settings)


def dpo_trainer(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Dataset,
    validation: Dataset | None = None,
    *,
    config: DPOConfig,
    peft_config: PeftConfig | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> DPOTrainer:
    """TRL's ``DPOTrainer``, after a look at every pair and every trainable parameter.

    The reference is the model as it stands now: with ``peft_config``, the model without its new
    adapter; for a ``PeftModel``, a frozen copy of its adapter.

    Args:
        model: From ``load_model``, best after SFT (``merge`` its adapter first). Changed in place.
        tokenizer: From ``load_model``.
        train: Rows with ``prompt``, ``chosen`` and ``rejected``, each a list of messages.
        validation: Held-out pairs; evaluated when ``config.eval_strategy`` says.
        config: From ``dpo_config``.
        peft_config: A ``LoraConfig`` for a new adapter; None trains what ``model`` lets train.
        callbacks: Trainer callbacks.

    Returns:
        TRL's ``DPOTrainer``: call its ``train()``. Its log holds ``rewards/margins``,
        ``rewards/accuracies``, ``logps/chosen`` and ``logps/rejected``; those of ``evaluate()``
        begin with ``eval_``. Checkpoints are whole or not there (see ``fault_tolerant``).

    Raises:
        CourseError: Pairs that are too long, empty or the same on both sides, answers that never
            end, a quantised model without adapter, a folder that cannot be made.

    Example:
        >>> lora = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear")  # doctest: +SKIP
        >>> trainer = dpo_trainer(model, tokenizer, pairs, config=config, peft_config=lora)
        ... # doctest: +SKIP
        >>> trainer.train()  # doctest: +SKIP
    """
    _check_trainable(model, peft_config)
    if validation is None and config.eval_strategy != "no":
        raise CourseError(
            f"eval_strategy={str(config.eval_strategy)!r} needs held-out pairs: pass validation="
        )
    check_folder(config)
    for name, pairs in (("training", train), ("validation", validation)):
        if pairs is not None:
            _check_pairs(pairs, model, tokenizer, config, name)
    # Pairs are known to fit by now; left on, the limit would cut those given to evaluate() later.
    trainer_config = copy.copy(config)
    trainer_config.max_length = None
    _quieten(bars=not config.disable_tqdm)
    from trl.trainer.dpo_trainer import DPOTrainer

    return build_trainer(
        DPOTrainer,
        model,
        trainer_config,
        peft_config,
        callbacks,
        train_dataset=train.select_columns(list(SIDES)),
        eval_dataset=None if validation is None else validation.select_columns(list(SIDES)),
        processing_class=tokenizer,
    )


def _quieten(*, bars: bool) -> None:
    # evaluate() asks for the reference again, by a name that transformers is renaming.
    warnings.filterwarnings("ignore", ".is_gradient_checkpointing. is deprecated", FutureWarning)
    if bars:
        return
    # TRL's bars for tokenizing and for the reference ignore disable_tqdm, in evaluate() too.
    import datasets

    datasets.disable_progress_bars()
    os.environ["TQDM_DISABLE"] = "1"


def _check_loss(settings: dict[str, Any]) -> None:
    """Refuse a setting that TRL would ignore without a word."""
    losses = settings.get("loss_type", ["sigmoid"])
    losses = {losses} if isinstance(losses, str) else set(losses)
    if settings.get("label_smoothing") and not losses & SMOOTHED:
        raise CourseError(
            f"label_smoothing={settings['label_smoothing']} has no effect on the loss "
            f"{sorted(losses)}: TRL reads it for {sorted(SMOOTHED)} only. For DPO with doubtful "
            "labels write loss_type='robust'"
        )


def _check_trainable(model: PreTrainedModel | PeftModel, peft_config: PeftConfig | None) -> None:
    refuse_quantised_whole(model, peft_config)
    if peft_config is None and not any(parameter.requires_grad for parameter in model.parameters()):
        raise CourseError(
            "nothing of this model can be trained: its adapter was loaded for answering. Fold it "
            "in with course_lib.training.merge and pass peft_config=LoraConfig(...) for a new one"
        )


def _check_pairs(
    pairs: Dataset,
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    config: DPOConfig,
    name: str,
) -> None:
    """Refuse pairs that teach nothing or would be cut; TRL trains on both without a word."""
    missing = [side for side in SIDES if side not in pairs.column_names]
    if missing:
        raise CourseError(
            f"the {name} pairs have no column {', '.join(missing)}: read the file with "
            "course_lib.formats.read, or clean it with course_lib.cleaning.clean"
        )
    if len(pairs) == 0:
        raise CourseError(f"there are no {name} pairs: nothing is left to learn from")
    for number, pair in enumerate(pairs):
        if not all(isinstance(pair[side], list) and pair[side] for side in SIDES):
            raise CourseError(
                f"{name} pair {number}: prompt, chosen and rejected are lists of messages, none of "
                "them empty. Read the file with course_lib.formats.read, which makes them of text"
            )
    sides = {side: _encoded(pairs, side, tokenizer) for side in SIDES[1:]}
    same = [i for i, (a, b) in enumerate(zip(*sides.values(), strict=True)) if a == b]
    empty = [
        i
        for i, pair in enumerate(pairs)
        if not all(str(pair[side][-1]["content"]).strip() for side in SIDES[1:])
    ]
    limit = longest(model, config)
    long = [i for i, rows in enumerate(zip(*sides.values(), strict=True)) if _over(rows, limit)]
    ends = stop_ids(model, tokenizer)
    endless = [
        i
        for i, rows in enumerate(zip(*sides.values(), strict=True))
        if any(not ends & set(row[-2:]) for row in rows)
    ]
    for found, what in (
        (same, "have the same answer on both sides and teach nothing"),
        (empty, "have an empty answer"),
        (long, f"are longer than {limit} tokens: TRL would cut off the ends of their answers"),
        (endless, f"do not end in a token at which the model stops ({sorted(ends)})"),
    ):
        if found:
            places = ", ".join(map(str, found[:8])) + (", ..." if len(found) > 8 else "")
            raise CourseError(
                f"{len(found)} of {len(pairs)} {name} pairs {what} (rows {places}). Clean the "
                "pairs with course_lib.cleaning.clean, or mend or leave out these rows"
            )


def _encoded(pairs: Dataset, side: str, tokenizer: PreTrainedTokenizerBase) -> list[list[int]]:
    whole: Pairs = [[*pair["prompt"], *pair[side]] for pair in pairs]
    rows: list[list[int]] = apply_template(tokenizer, whole, [None] * len(whole))["input_ids"]
    return rows


def _over(rows: Sequence[Sequence[int]], limit: int | None) -> bool:
    return limit is not None and max(map(len, rows)) > limit
