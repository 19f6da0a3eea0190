"""Say why a search chose what it chose: what each other choice would have cost, in figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from course_lib.memory.method import ROWS_FOR_FULL, why_not_4bit
from course_lib.memory.search import Job, Setting, Trial

_NAMES = {"full": "full fine-tuning", "lora": "LoRA", "qlora": "QLoRA"}


def why_settings(
    job: Job, chosen: Trial, trials: Sequence[Trial], fixed: Sequence[str]
) -> dict[str, str]:
    """Give the reason of each value that was searched.

    Args:
        job: The model, the card and the trainer.
        chosen: The trial that was taken.
        trials: All that were tried.
        fixed: Names of `Setting` that the learner gave.

    Returns:
        Reasons under the libraries' names.

    Example:
        >>> from course_lib.memory import plan
        >>> plan("Qwen3-1.7B", "t4", "lora").reasons["optim"][:17]
        'adamw_torch_fused'
    """
    setting = chosen.setting
    rows = setting.batch * setting.accumulation
    return {
        "per_device_train_batch_size": _why_batch(job, chosen, trials, fixed),
        "gradient_accumulation_steps": (
            f"{setting.accumulation} × {setting.batch} make the {rows} rows of an update, which "
            "decide how training goes: the search keeps them equal"
        ),
        "gradient_checkpointing": _why_checkpointing(job, chosen, trials, fixed),
        "optim": _why_optimizer(job, chosen, trials, fixed),
        "attn_implementation": _why_attention(job, chosen, trials, fixed),
    }


def why_method(
    job: Job, chosen: Trial, trials: Sequence[Trial], rows: int | None, *, asked: bool
) -> str:
    """Say why this method, and what the others would take; when QLoRA is the wrong choice, so.

    Args:
        job: The model, the card and the trainer.
        chosen: The trial that was taken.
        trials: The best first, those of methods that were not asked for among them.
        rows: Rows of training data, if they are known.
        asked: Whether the learner gave the method.

    Returns:
        One to three sentences.

    Example:
        >>> from course_lib.memory import plan
        >>> "QLoRA is the wrong choice" in plan("Qwen3-0.6B", "t4").reasons["method"]
        True
    """
    method = chosen.setting.method
    best = {name: _best(trials, name) for name in _NAMES}
    told = [f"{method}: as asked" if asked else _why_searched(job, chosen, best, rows)]
    qlora, lora = best["qlora"], best["lora"]
    if qlora is None or lora is None:
        return ". ".join(told)
    unsupported = why_not_4bit(job.shape, job.where)
    if unsupported:
        told.append(unsupported)
    elif lora.fits and qlora.seconds >= lora.seconds:
        told.append(
            f"QLoRA is the wrong choice here: LoRA fits with {lora.memory.peak_gib:.2f} GiB, and "
            f"QLoRA's fastest setting ({qlora.memory.peak_gib:.2f} GiB) takes a predicted "
            f"{qlora.seconds / lora.seconds - 1:.0%} more time a step and some quality, on small "
            "models the most"
        )
    elif lora.fits and method == "lora":
        told.append(
            f"QLoRA could be tried: its step is predicted {1 - qlora.seconds / lora.seconds:.0%} "
            "shorter, because it has room where LoRA recomputes; it costs some quality"
        )
    return ". ".join(told)


def _why_searched(job: Job, chosen: Trial, best: dict[str, Trial | None], rows: int | None) -> str:
    method, room = chosen.setting.method, f"{job.where.gib:.2f} GiB of the {job.where.name}"
    name, peak = _NAMES[method], chosen.memory.peak_gib
    if not chosen.fits:
        return f"{method}: nothing fits in the {room}, and {name} needs least, {peak:.2f} GiB"
    if method == "full":
        return (
            f"full: {peak:.2f} GiB fit in the {room}, and with {rows:,} rows a small adapter may "
            "run out of room to learn. Expect it to forget more than LoRA does"
        )
    told = f"{method}: the fastest that fits ({peak:.2f} GiB in the {room})"
    lora, full = best["lora"], best["full"]
    if method == "qlora" and lora is not None:
        told += (
            f"; LoRA needs {lora.memory.peak_gib:.2f} GiB: quantising the base is what makes this "
            "model fit"
            if not lora.fits
            else f"; LoRA fits as well, but has to recompute, and takes {lora.seconds:.3g} s"
        )
    if method == "lora" and full is not None:
        told += f"; full fine-tuning needs {full.memory.peak_gib:.2f} GiB"
        told += "" if full.fits else " and does not fit"
        if full.fits and (rows is None or rows < ROWS_FOR_FULL):
            told += ", would hardly learn more from these rows, and would forget more"
    return told


def _best(trials: Sequence[Trial], method: str) -> Trial | None:
    return next((trial for trial in trials if trial.setting.method == method), None)


def _twin(chosen: Trial, trials: Sequence[Trial], **changed: object) -> Trial | None:
    """The trial that differs from the chosen one in these values only."""
    wanted = replace(chosen.setting, **changed)  # type: ignore[arg-type]
    return next((trial for trial in trials if trial.setting == wanted), None)


def _why_batch(job: Job, chosen: Trial, trials: Sequence[Trial], fixed: Sequence[str]) -> str:
    batch = chosen.setting.batch
    if "batch" in fixed:
        return f"{batch}: as asked"
    if not chosen.fits:
        return f"{batch}: the setting that needs least memory"
    rows = batch * chosen.setting.accumulation
    larger = [n for n in range(batch + 1, rows + 1) if rows % n == 0]
    if not larger:
        return f"{batch}: all rows of an update at once fit, and the fewer pieces the better"
    more = larger[0]
    twin = _twin(chosen, trials, batch=more, accumulation=rows // more)
    if twin is None:
        return f"{batch}: the fastest cut of {rows} rows an update that fits"
    needs = f"{more} would need {twin.memory.peak_gib:.2f} GiB"
    if not twin.fits:
        return f"{batch}: {needs} and not fit"
    if twin.seconds > chosen.seconds * 1.000001:
        padded = "pad more rows, and " if job.lengths else ""
        return f"{batch}: {more} would {padded}take {twin.seconds:.3g} s a step"
    return f"{batch}: {needs}, leave too little room for the estimate's own error, and save no time"


def _why_checkpointing(
    job: Job, chosen: Trial, trials: Sequence[Trial], fixed: Sequence[str]
) -> str:
    on = chosen.setting.checkpointing
    if "checkpointing" in fixed:
        return f"{'on' if on else 'off'}: as asked"
    if not chosen.fits:
        return f"{'on' if on else 'off'}: the setting that needs least memory"
    if not on:
        return "off: the activations fit, and recomputing them would cost about a third more time"
    other = next(
        (
            trial
            for trial in trials
            if not trial.setting.checkpointing and _same_method(trial.setting, chosen.setting)
        ),
        None,
    )
    if other is None or not other.fits:
        return "on: without it the activations do not fit; it costs about a third more time"
    return (
        f"on: without it only {other.setting.batch} at a time fit, which is slower: "
        f"{other.seconds:.3g} s a step in place of {chosen.seconds:.3g} s"
    )


def _same_method(one: Setting, other: Setting) -> bool:
    return one.method == other.method


def _why_optimizer(job: Job, chosen: Trial, trials: Sequence[Trial], fixed: Sequence[str]) -> str:
    name = chosen.setting.optimizer
    if "optimizer" in fixed:
        return f"{name}: as asked"
    if name == "adamw_torch_fused":
        other = _twin(chosen, trials, optimizer="adamw_8bit")
        if other is None:
            return f"{name}: transformers' default, and nothing else was tried on this card"
        saved = chosen.memory.parts["optimizer"] - other.memory.parts["optimizer"]
        return (
            f"{name}: transformers' default; 8-bit averages would save {saved:.2f} GiB that "
            "nothing faster needs"
        )
    other = _twin(chosen, trials, optimizer="adamw_torch_fused")
    if other is None:
        return f"{name}: Adam's averages in 8 bits"
    return (
        f"{name}: Adam's averages in 8 bits; in 32 the same run needs "
        f"{other.memory.peak_gib:.2f} GiB of {job.where.gib:.2f}"
    )


def _why_attention(job: Job, chosen: Trial, trials: Sequence[Trial], fixed: Sequence[str]) -> str:
    kernel = chosen.setting.attention
    if job.shape.model_type == "gemma2":
        return "eager: Gemma 2 caps its scores, which no fused kernel does"
    if "attention" in fixed:
        return f"{'eager' if kernel == 'math' else 'sdpa'} ({kernel}): as asked"
    says: dict[str, Callable[[Trial], str]] = {
        "flash": lambda eager: "sdpa: torch's flash kernel, as no row is padded",
        "efficient": lambda eager: "sdpa: torch's memory-efficient kernel, which takes a mask",
        "math": lambda eager: "eager",
    }
    eager = _twin(chosen, trials, attention="math")
    told = says[kernel](chosen)
    if kernel == "math" or eager is None:
        return told
    return f"{told}; eager holds every score: {eager.memory.peak_gib:.2f} GiB"


def why_fits(job: Job, chosen: Trial, proposal: Trial | None) -> str:
    """Say how much room there is, or what is too much and what would fit.

    Args:
        job: The model, the card and the trainer.
        chosen: The trial that was taken.
        proposal: Where it does not fit: what would, if anything.

    Returns:
        One or two sentences.

    Example:
        >>> from course_lib.memory import plan
        >>> "This would fit: qlora" in plan("Qwen3-8B", "t4", "lora").reasons["fits"]
        True
    """
    where, memory = job.where, chosen.memory
    largest = max(memory.parts, key=lambda name: memory.parts[name])
    made_of = f"the largest part is {largest} with {memory.parts[largest]:.2f} GiB"
    free = where.gib - memory.peak_gib
    if chosen.fits:
        told = f"{memory.peak_gib:.2f} GiB of {where.gib:.2f} on the {where.name}, {free:.2f} free"
        if free < 0.05 * where.gib:
            told += f", less than the estimate may be wrong by: if it runs out, {_lighter(chosen)}"
        return f"{told}; {made_of}"
    short = f"{-free:.2f} GiB too much for the {where.gib:.2f} of the {where.name}; {made_of}. "
    if chosen.setting.method == "qlora" and (unsupported := why_not_4bit(job.shape, where)):
        short = f"{unsupported}. "
    if proposal is None:
        return short + "No smaller setting fits either."
    other = proposal.setting
    wait = f" with {other.accumulation} accumulation steps" if other.accumulation > 1 else ""
    again = "on" if other.checkpointing else "off"
    eight = ", adamw_8bit" if other.optimizer == "adamw_8bit" else ""
    return (
        f"{short}This would fit: {other.method}, {other.batch} × {other.seq_len} tokens, "
        f"checkpointing {again}{eight}{wait}."
    )


def _lighter(chosen: Trial) -> str:
    if chosen.setting.batch > 1:
        return "halve the micro-batch and double the accumulation"
    return "shorten the rows" if chosen.setting.checkpointing else "turn checkpointing on"


def why_length(
    seq_len: int, lengths: Sequence[int], *, asked: bool, context: int
) -> tuple[str, float]:
    """Say why rows are this long, and what share of them is longer.

    Args:
        seq_len: The longest row that is trained on.
        lengths: Tokens of each row; none: they are not known.
        asked: Whether the learner gave `seq_len`.
        context: Tokens that the model allows.

    Returns:
        The reason, and the share of rows that are longer.

    Example:
        >>> why_length(200, (100, 200, 300, 400), asked=True, context=4096)[1]
        0.5
    """
    beyond = f"; the model itself allows {context:,} tokens only" if seq_len > context else ""
    if not lengths:
        given = "as asked" if asked else "the longest row is not known: give lengths"
        return f"{seq_len}: {given}{beyond}", 0.0
    lost = sum(length > seq_len for length in lengths) / len(lengths)
    if lost == 0:
        return f"{seq_len}: no row is longer, the longest has {max(lengths):,} tokens{beyond}", 0.0
    return (
        f"{seq_len}: {'as asked' if asked else 'all that fits'}; {lost:.1%} of the rows are longer "
        f"(up to {max(lengths):,} tokens). sft_trainer(..., long_rows='drop') leaves them out by "
        f"name; TRL alone would cut their ends without a word{beyond}"
    ), lost
