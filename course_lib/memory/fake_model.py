"""Build a model of fake tensors: the real modules with shapes and types, and no weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PretrainedConfig


def build(
    config: PretrainedConfig,
    method: str,
    kind: torch.dtype,
    *,
    trained: torch.dtype = torch.float32,
    rank: int = 16,
    modules_to_save: Sequence[str] = (),
    dropout: float = 0.0,
) -> Any:
    """Build a model without weights, as the trainers get it.

    Args:
        config: The model's transformers config.
        method: ``full``, ``lora`` or ``qlora`` (on all linear layers).
        kind: The compute type, which is also that of a frozen base.
        trained: The type of trained parameters; fp32, because a gradient scaler refuses fp16 ones.
        rank: The adapter's rank.
        modules_to_save: Modules that are trained in full beside the adapter.
        dropout: The adapter's dropout.

    Returns:
        The model, with PEFT's adapters where there are any, on the ``meta`` device.

    Example:
        >>> from transformers import LlamaConfig
        >>> tiny = LlamaConfig(vocab_size=256, hidden_size=64, intermediate_size=128,
        ...                    num_hidden_layers=2, num_attention_heads=4)
        >>> sum(p.numel() for p in build(tiny, "full", torch.float32).parameters())
        115008
    """
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = trained if method == "full" else kind
    # Gemma 2 caps its scores, which PyTorch's fused kernels cannot do.
    kernel = "eager" if config.model_type == "gemma2" else "sdpa"
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=base, attn_implementation=kernel)
        if method == "full":
            return model
        if method == "qlora":
            _to_4bit(model, kind)
        lora = LoraConfig(
            r=rank,
            target_modules="all-linear",
            modules_to_save=list(modules_to_save) or None,
            lora_dropout=dropout,
            task_type="CAUSAL_LM",
        )
        model = get_peft_model(model, lora)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.to(trained)
    return model


def _to_4bit(model: Any, kind: torch.dtype) -> None:
    """Put bitsandbytes' own 4-bit layer where transformers puts it: not in the head."""
    from bitsandbytes.nn.modules import Linear4bit

    for name, module in list(model.named_modules()):
        if not isinstance(module, torch.nn.Linear) or name.endswith("lm_head"):
            continue
        layer = Linear4bit(
            module.in_features,
            module.out_features,
            bias=module.bias is not None,
            compute_dtype=kind,
            quant_type="nf4",
            device="meta",
        )
        layer.requires_grad_(False)
        if module.bias is not None:
            layer.bias.data = layer.bias.data.to(kind)
        model.set_submodule(name, layer)
    model.is_loaded_in_4bit = True


def materialise(model: Any) -> None:
    """Turn meta parameters into fake CPU ones: only those take the real kernels and autocast.

    Args:
        model: From `build`; changed in place, inside a ``FakeTensorMode``.

    Example:
        >>> materialise(model)  # doctest: +SKIP
    """
    from bitsandbytes.functional import QuantState
    from bitsandbytes.nn.modules import Params4bit

    made: dict[int, torch.nn.Parameter] = {}
    for module in model.modules():
        for name, value in list(module._parameters.items()):
            if value is None:
                continue
            if id(value) in made:  # tied weights stay tied
                module._parameters[name] = made[id(value)]
                continue
            if isinstance(value, Params4bit):
                n = value.numel()
                fresh = torch.nn.Parameter(
                    torch.empty(n // 2, 1, dtype=torch.uint8), requires_grad=False
                )
                # Two 4-bit values a byte, and an fp32 scale for every block of 64.
                fresh.quant_state = QuantState(  # type: ignore[attr-defined]
                    absmax=torch.empty(n // 64),
                    shape=value.shape,
                    code=torch.empty(16),
                    blocksize=64,
                    quant_type="nf4",
                    dtype=module.compute_dtype,
                )
            else:
                fresh = torch.nn.Parameter(
                    torch.empty(value.shape, dtype=value.dtype), requires_grad=value.requires_grad
                )
            made[id(value)] = fresh
            module._parameters[name] = fresh
        for name, value in list(module._buffers.items()):
            if value is not None:
                module._buffers[name] = torch.empty(value.shape, dtype=value.dtype)


def quantisation(model: Any) -> Iterator[torch.Tensor]:
    """Yield the scales of 4-bit weights, which are no parameters.

    Args:
        model: A model, quantised or not.

    Example:
        >>> list(quantisation(torch.nn.Linear(2, 2)))
        []
    """
    for parameter in model.parameters():
        state = getattr(parameter, "quant_state", None)
        if state is not None:
            yield state.absmax
            if state.nested:
                yield state.state2.absmax
