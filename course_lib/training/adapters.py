"""The course's LoRA and QLoRA settings, each library default that we leave named with the reason.

The lessons write a ``LoraConfig`` and a ``BitsAndBytesConfig`` out in full; these two functions are
for the command line, and for a lesson whose subject lies elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import BitsAndBytesConfig, PreTrainedModel

    from course_lib.runtime import Runtime


def lora_config(rank: int = 16, **overrides: Any) -> LoraConfig:
    """PEFT's ``LoraConfig`` on every linear layer.

    Args:
        rank: Width of the low-rank update. 16 is enough for a hundred to a few thousand rows; the
            result hardly moves between 8 and 64.
        **overrides: Any argument of ``LoraConfig``.

    Returns:
        A plain ``peft.LoraConfig``.

    Example:
        >>> lora_config(rank=8).target_modules
        'all-linear'
    """
    from peft import LoraConfig

    settings: dict[str, Any] = {
        "r": rank,
        # The update is scaled by alpha / r: twice the rank keeps the scale at 2 for every rank.
        "lora_alpha": 2 * rank,
        # PEFT's default adapts the query and value layers alone, and learns visibly less.
        "target_modules": "all-linear",
        "lora_dropout": 0.0,
        "task_type": "CAUSAL_LM",
    }
    return LoraConfig(**{**settings, **overrides})


def qlora_config(runtime: Runtime) -> BitsAndBytesConfig:
    """The 4-bit settings of the QLoRA paper, computing in this machine's own number format.

    Args:
        runtime: The machine, from ``course_lib.start()``.

    Returns:
        A plain ``transformers.BitsAndBytesConfig`` for ``load_model(quantization_config=...)``.

    Example:
        >>> qlora_config(runtime).bnb_4bit_quant_type  # doctest: +SKIP
        'nf4'
    """
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        # The library's default is fp4, which costs quality for nothing.
        bnb_4bit_quant_type="nf4",
        # The scales are quantised too: 4.127 bits a weight instead of 4.5.
        bnb_4bit_use_double_quant=True,
        # The default, float32, is slow on every GPU; bfloat16 does not run on a T4.
        bnb_4bit_compute_dtype=runtime.torch_dtype,
    )


def merge(model: PeftModel) -> PreTrainedModel:
    """Fold an adapter into the weights of its base: one model, no adapter, the same answers.

    Args:
        model: A PEFT model on an unquantised base. It is used up: go on with what is returned.

    Returns:
        The plain model; save it with ``save_pretrained``.

    Raises:
        CourseError: The base is quantised; merging would round the update to 4 bits.

    Example:
        >>> merge(trainer.model).save_pretrained("merged")  # doctest: +SKIP
    """
    from course_lib.errors import CourseError

    if getattr(model.get_base_model(), "is_quantized", False):
        raise CourseError(
            "this adapter sits on a quantised base, and merging would round what it learnt to 4 "
            "bits: save the adapter, load its base in 4 bits once more, call dequantize() on it, "
            "put the adapter on that and merge. A base in full precision is another one than it "
            "was trained on, and answers move (lesson 14 counts them)"
        )
    merged: PreTrainedModel = model.merge_and_unload()
    return merged
