"""The card of a trained model, written from its run: nobody types a figure.

``huggingface_hub.ModelCard`` comes back. Its head is what a hub indexes (licence, base model,
results), its text what a person needs who was not there: scores with intervals beside the base's,
limits, data, settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from course_lib.errors import CourseError
from course_lib.evaluation.comparison import paired_bootstrap, share_interval

if TYPE_CHECKING:
    import pandas as pd
    from huggingface_hub import EvalResult, ModelCard
    from transformers import Trainer

    from course_lib.cleaning import CleaningReport

_LIBRARIES = ("transformers", "trl", "peft", "torch", "datasets")

BeforeAfter = tuple[Sequence[bool], Sequence[bool]]
"""What the base and the trained model got right, one boolean a row, the same rows in one order."""


def model_card(
    trainer: Trainer,
    name: str,
    *,
    purpose: str,
    limits: Sequence[str],
    test_set: str,
    scores: Mapping[str, BeforeAfter],
    license: str,
    language: str | Sequence[str],
    cleaning: CleaningReport | None = None,
    claims: pd.DataFrame | None = None,
    merged: bool = False,
) -> ModelCard:
    """Write the card of a model from the run that trained it.

    Base, method, settings, steps, losses, time and versions are read from the trainer; the caller
    gives what no trainer knows.

    Args:
        trainer: After ``train()``.
        name: The model's name, without its owner.
        purpose: What it is for and what it is not for, in a sentence or two.
        limits: What it gets wrong, what it was not tested on. At least one: every model has some.
        test_set: The name of the held-out rows that were scored.
        scores: By the name of the score, the base's and the trained model's hits on the same rows.
        license: Its licence, such as "apache-2.0"; not freer than the base's.
        language: ISO code or codes, such as ["en", "ja"].
        cleaning: What ``clean`` reported of the data; None leaves its counts out.
        claims: As ``course_lib.claims.claims()`` returns them; what did not hold is shown too.
        merged: Whether the adapter was merged into its base before saving, so that "Use" loads a
            plain model. A run that trained every weight is one anyway.

    Returns:
        A plain ``huggingface_hub.ModelCard``: ``save(folder / "README.md")`` it beside the weights.

    Raises:
        CourseError: The run has not trained, there is no limit or no score, or hits of one score
            differ in length.

    Example:
        >>> card = model_card(  # doctest: +SKIP
        ...     trainer,
        ...     "yamabiko-support",
        ...     purpose="Answers questions about Yamabiko's policies.",
        ...     limits=["It was tested on single questions, not on conversations."],
        ...     test_set="faq_test",
        ...     scores={"value right": (base["value"], tuned["value"])},
        ...     license="apache-2.0",
        ...     language="en",
        ... )
        >>> card.save(folder / "README.md")  # doctest: +SKIP
    """
    from huggingface_hub import ModelCard, ModelCardData

    _check(trainer, limits, scores)
    base, adapter, method = _origin(trainer)
    local = Path(base).is_dir()
    table = [_score(score, *hits) for score, hits in scores.items()]
    data = ModelCardData(
        language=language if isinstance(language, str) else list(language),
        license=license,
        # A hub links to it by name; a folder of this machine means nothing there.
        base_model=None if local else base,
        library_name="peft" if adapter and not merged else "transformers",
        pipeline_tag="text-generation",
        model_name=name,
        eval_results=[_eval_result(row, test_set) for row in table],
    )
    text = _template().render(
        name=name,
        purpose=purpose,
        method=method,
        base=f"{Path(base).name} (a local folder)" if local else base,
        base_is_local=local and adapter and not merged,
        adapter=adapter and not merged,
        rows=_rows(trainer.train_dataset),
        validation_rows=_rows(trainer.eval_dataset),
        test_set=test_set,
        scores=table,
        claims=None if claims is None else claims.to_dict("records"),
        limits=limits,
        cleaning=None if cleaning is None else cleaning.summary,
        settings=_settings(trainer),
        versions=", ".join(f"{library} {version(library)}" for library in _LIBRARIES),
    )
    return ModelCard(f"---\n{data.to_yaml()}\n---\n{text}")


def _check(trainer: Trainer, limits: Sequence[str], scores: Mapping[str, BeforeAfter]) -> None:
    if not trainer.state.global_step:
        raise CourseError("this trainer has taken no step: call trainer.train() before its card")
    if isinstance(limits, str) or not any(limit.strip() for limit in limits):
        raise CourseError(
            "a card needs limits, as a list of sentences: say what the model gets wrong, and what "
            "it was not tested on"
        )
    if not scores:
        raise CourseError("a card needs scores: give at least one, of the base and of this model")
    for name, (before, after) in scores.items():
        if not len(before) or len(before) != len(after):
            raise CourseError(
                f"score {name!r}: {len(before)} rows of the base, {len(after)} of this model; "
                "score both on the same rows, in the same order"
            )


def _origin(trainer: Trainer) -> tuple[str, bool, str]:
    """The base's name, whether an adapter was trained, and the method in words."""
    model: Any = trainer.accelerator.unwrap_model(trainer.model)
    settings = next(iter(getattr(model, "peft_config", {}).values()), None)
    if settings is None:
        return model.config._name_or_path, False, "Full fine-tuning"
    plain = model.get_base_model()
    quantised = getattr(plain, "is_quantized", False)
    kind = settings.peft_type.value
    name = f"{'Q' if quantised else ''}{'LoRA' if kind == 'LORA' else kind}"
    base = settings.base_model_name_or_path or plain.config._name_or_path
    if not hasattr(settings, "r"):
        return base, True, f"Fine-tuning with {name}"
    return base, True, f"Fine-tuning with {name} (r={settings.r}, alpha={settings.lora_alpha})"


def _score(name: str, before: Sequence[bool], after: Sequence[bool]) -> dict[str, Any]:
    def told(share: tuple[float, float, float]) -> str:
        middle, low, high = share
        return f"{middle:.1%} ({low:.1%} to {high:.1%})"

    gain, low, high = paired_bootstrap(np.asarray(before), np.asarray(after))
    return {
        "name": name,
        "rows": len(after),
        "base": told(share_interval(before)),
        "tuned": told(share_interval(after)),
        "gain": f"{100 * gain:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})",
        "value": float(np.mean(after)),
    }


def _eval_result(row: Mapping[str, Any], test_set: str) -> EvalResult:
    from huggingface_hub import EvalResult

    return EvalResult(
        task_type="text-generation",
        dataset_name=test_set,
        dataset_type=test_set,
        dataset_split="test",
        metric_type=row["name"].lower().replace(" ", "_"),
        metric_name=row["name"],
        metric_value=round(row["value"], 4),
    )


def _rows(rows: Any) -> int | None:
    return len(rows) if hasattr(rows, "__len__") else None


def _settings(trainer: Trainer) -> dict[str, str]:
    """What somebody who wants to repeat the run must set, and what it then should see."""
    args, state = trainer.args, trainer.state
    batch = args.per_device_train_batch_size * args.gradient_accumulation_steps * args.world_size
    schedule = getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type)
    number = "bfloat16" if args.bf16 else "float16" if args.fp16 else "float32"
    found = {
        "steps": f"{state.global_step} ({state.epoch:g} epochs, {batch} rows a step)",
        "learning rate": f"{args.learning_rate:g}, {schedule}",
        "optimiser": str(getattr(args.optim, "value", args.optim)),
        "numbers": number,
        "seed": str(args.seed),
    }
    evaluated: dict[int, float] = {}
    for entry in state.log_history:
        if "eval_loss" in entry:
            # The first of a step: evaluate() after the run is logged at its last step too, but
            # measures the model that was kept.
            evaluated.setdefault(int(entry["step"]), entry["eval_loss"])
    if evaluated:
        best = min(evaluated, key=lambda step: evaluated[step])
        kept = " (kept)" if args.load_best_model_at_end else ""
        found["validation loss"] = (
            f"{evaluated[max(evaluated)]:.3f} at the end, lowest {evaluated[best]:.3f} "
            f"at step {best}{kept}"
        )
    ended = [entry for entry in state.log_history if "train_runtime" in entry]
    if ended:
        found["training loss"] = f"{ended[-1]['train_loss']:.3f}, mean of the run"
        found["time"] = f"{ended[-1]['train_runtime']:.0f} s on {args.device}"
    return found


def _template() -> Any:
    environment = Environment(
        loader=PackageLoader("course_lib.publishing", "."),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("model_card.md.j2")
