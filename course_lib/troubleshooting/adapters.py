"""LoRA adapters, and models in 4 or 8 bits."""

from __future__ import annotations

import re
from pathlib import Path

from course_lib.troubleshooting.raised import Finding, Raised
from course_lib.troubleshooting.statements import last_call

_LORA = 'LoraConfig(r=16, target_modules="all-linear", task_type="CAUSAL_LM")'


def _target_modules_not_found(raised: Raised) -> Finding | None:
    """No layer of the model has a name of `target_modules`."""
    found = raised.matches("ValueError", r"Target modules (.+?) not found in the base model\.")
    if not found or "layers_to_transform" in str(raised.error):
        return None
    model = next(raised.locals_named("model"))
    linear = {
        name.rpartition(".")[2]: None
        for name, layer in model.named_modules()
        if type(layer).__name__.startswith("Linear") and "lm_head" not in name
    }
    return raised.with_arguments(
        "LoraConfig",
        put={"target_modules": '"all-linear"'},
        asked=found[1],
        layers=", ".join(linear),
    )


def _rank_not_positive(raised: Raised) -> Finding | None:
    """`LoraConfig(r=0)`."""
    found = raised.matches("ValueError", r"`r` should be a positive integer value .* is (\S+)")
    return raised.with_arguments("LoraConfig", put={"r": "16"}, rank=found[1]) if found else None


def _adapter_in_subfolder(raised: Raised) -> Finding | None:
    """The trainer's folder was given; the adapter lies in one of its checkpoints."""
    folder = _adapter_folder(raised)
    inside = sorted(folder.glob("*/adapter_config.json"), key=_written) if folder else []
    if folder is None or not inside:
        return None
    name = inside[-1].parent.name
    return raised.with_text(
        rf"(?<={re.escape(folder.name)})(?=['\"])",
        f"/{name}",
        f'"{folder / name}"',
        folder=folder,
        found=name,
    )


def _adapter_missing(raised: Raised) -> Finding | None:
    """There is no adapter in the folder, and no model either."""
    folder = _adapter_folder(raised)
    if folder is None or not folder.is_dir() or (folder / "config.json").is_file():
        return None
    return Finding('sorted(Path().rglob("adapter_config.json"))', None, {"folder": folder})


def _whole_model_is_no_adapter(raised: Raised) -> Finding | None:
    """`PeftModel.from_pretrained` on a folder with a whole model."""
    folder = _adapter_folder(raised)
    if folder is None or not (folder / "config.json").is_file() or raised.statement is None:
        return None
    source = raised.statement.argument(["from_pretrained"], 1)
    call = "AutoModelForCausalLM.from_pretrained"
    return raised.with_text(
        r"PeftModel\w*\.from_pretrained\(.*\)",
        f"{call}({source})" if source else call,
        f'{call}("{folder}")',
        folder=folder,
    )


def _adapter_of_another_base(raised: Raised) -> Finding | None:
    """The adapter's matrices do not fit this model."""
    found = raised.matches(
        "RuntimeError", r"size mismatch for .*?lora_.*?\[([\d, ]+)\].*?\[(.+?)\]"
    )
    if not found or not raised.through("peft") or raised.statement is None:
        return None
    base = raised.statement.argument(["from_pretrained"], 0) or "model"
    folder = raised.statement.argument(["from_pretrained"], 1) or "folder"
    name = f"PeftConfig.from_pretrained({folder}).base_model_name_or_path"
    return raised.with_line_before(
        f"{base} = AutoModelForCausalLM.from_pretrained({name})", theirs=found[1], ours=found[2]
    )


def _quantised_without_adapter(raised: Raised) -> Finding | None:
    """A model in 4 bits was given to a trainer as it is."""
    if not raised.matches("ValueError", "fine-tuning on purely quantized models"):
        return None
    if raised.statement and last_call(["Trainer"], raised.statement) == raised.statement:
        model = raised.statement.argument(["Trainer"], 0) or "model"
        return raised.with_line_before(
            "from peft import LoraConfig, get_peft_model\n"
            f"{model} = get_peft_model({model}, {_LORA})"
        )
    finding = raised.with_arguments(
        "SFTTrainer", "DPOTrainer", "GRPOTrainer", put={"peft_config": _LORA}
    )
    return Finding(f"from peft import LoraConfig\n{finding.write}", finding.statement)


def _quantised_model_cast(raised: Raised) -> Finding | None:
    """`.half()` or `.to(torch.float16)` on a model in 4 bits."""
    cast = raised.matches("ValueError", "cannot cast a bitsandbytes model in a new")
    if not cast and not raised.matches("ValueError", "is not supported for quantized model"):
        return None
    return raised.with_text(
        r"\.(half|float|bfloat16|double)\(\)|\.to\([^()]*\)",
        "",
        "BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_compute_dtype=torch.float16)",
    )


def _adapter_folder(raised: Raised) -> Path | None:
    found = raised.matches("ValueError", r"Can't find 'adapter_config\.json' at '(.+)'")
    return Path(found[1]) if found else None


def _written(file: Path) -> float:
    return file.stat().st_mtime


DIAGNOSES = (
    _target_modules_not_found,
    _rank_not_positive,
    _adapter_in_subfolder,
    _adapter_missing,
    _whole_model_is_no_adapter,
    _adapter_of_another_base,
    _quantised_without_adapter,
    _quantised_model_cast,
)
