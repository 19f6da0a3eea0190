"""Trace the memory of a training step with no GPU and no weights.

PyTorch's fake tensors have a shape and a type but no data. A model made of them runs a whole
training step in seconds, even at 8B parameters, while a dispatch mode watches every tensor that
comes to life and dies. This is what `estimate` is checked against: the estimate is arithmetic that
a learner can follow, the trace is what the installed libraries really ask for.
It cannot see the CUDA context, workspaces inside kernels, and the allocator's fragments.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from transformers import PretrainedConfig

GIB = 2**30


@dataclass(frozen=True)
class Trace:
    """What one training step keeps and needs, in GiB.

    Args:
        weights_gib: All parameters and buffers, adapters included.
        optimizer_gib: The optimiser's state, from its first step on.
        forward_gib: All that is alive when the forward pass ends: weights, optimiser, activations.
        peak_gib: The most that was alive at any moment of the step.
    """

    weights_gib: float
    optimizer_gib: float
    forward_gib: float
    peak_gib: float


class LiveMemory(TorchDispatchMode):
    """Count the bytes of every tensor storage that is alive, and the most there ever were.

    Example:
        >>> with LiveMemory() as memory:
        ...     x = torch.ones(256)
        >>> memory.peak
        1024
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = 0
        self.peak = 0
        self._seen: set[int] = set()

    def add(self, tensors: Iterable[Any]) -> None:
        """Count tensors that were made before the mode was entered, such as the weights."""
        for tensor in tensors:
            if not isinstance(tensor, torch.Tensor):
                continue
            storage = tensor.untyped_storage()
            key, size = id(storage), storage.nbytes()
            if key in self._seen:
                continue
            self._seen.add(key)
            self.live += size
            self.peak = max(self.peak, self.live)
            weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.live -= size

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        self.add(tree_leaves(out))
        return out


def trace_step(
    config: PretrainedConfig,
    *,
    method: str = "lora",
    seq_len: int,
    batch: int = 1,
    rank: int = 16,
    checkpointing: bool = True,
    dtype: str = "float16",
    fused_head: bool = True,
    attention: str = "efficient",
) -> Trace:
    """Run forward, backward and AdamW over fake tensors and count what is alive.

    Args:
        config: The model's transformers config; no weights are read.
        method: ``full``, ``lora`` or ``qlora`` (on all linear layers).
        seq_len: Tokens a row.
        batch: Rows a step.
        rank: The adapter's rank.
        checkpointing: Whether activations are recomputed layer by layer in the backward pass.
        dtype: The compute type. A 16-bit type traces a GPU's step: 16-bit frozen base, fp32
            trainable weights, autocast. ``float32`` traces a CPU's step.
        fused_head: TRL's head that never holds all logits; False is a plain `Trainer`'s loss.
        attention: ``efficient`` (never holds the score matrix) or ``math`` (holds it: O(N²)).

    Returns:
        The trace, of a step after the first (the optimiser's state is there already).

    Example:
        >>> from transformers import LlamaConfig
        >>> tiny = LlamaConfig(vocab_size=256, hidden_size=64, intermediate_size=128,
        ...                    num_hidden_layers=2, num_attention_heads=4)
        >>> trace_step(tiny, seq_len=32).peak_gib < 0.01
        True
    """
    kind = getattr(torch, dtype)
    model = _build(config, method, rank, kind)
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if method != "full":
            model.enable_input_require_grads()
    model.train()
    if fused_head:
        from trl.trainer.utils import add_fused_lm_head

        add_fused_lm_head(
            model if method == "full" else model.get_base_model(),
            outputs=("log_probs", "entropy", "is_top1"),
        )
    memory = LiveMemory()
    with FakeTensorMode(), ExitStack() as stack:
        _materialise(model)
        memory.add([*model.parameters(), *model.buffers(), *_quantisation(model)])
        weights = memory.live
        batch_of = _batch(batch, seq_len, fused_head)
        stack.enter_context(memory)
        trainable = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(trainable, fused=True)
        # One empty step makes the optimiser's state, which every step but the first starts with.
        for parameter in trainable:
            parameter.grad = torch.empty_like(parameter)
        optimizer.step()
        optimizer.zero_grad()
        optimizer_state = memory.live - weights
        memory.peak = memory.live
        if attention == "math":
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        with _autocast(kind), _gpu_head(kind):
            loss = model(**batch_of).loss
        forward = memory.live
        with _gpu_head(kind):
            loss.backward()
        optimizer.step()
        peak = memory.peak
    return Trace(weights / GIB, optimizer_state / GIB, forward / GIB, peak / GIB)


def _build(config: PretrainedConfig, method: str, rank: int, kind: torch.dtype) -> Any:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    # Trainable weights stay fp32: fp16 ones cannot be trained through a gradient scaler.
    base = torch.float32 if method == "full" else kind
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, dtype=base, attn_implementation="sdpa")
        if method == "full":
            return model
        if method == "qlora":
            _to_4bit(model, kind)
        lora = LoraConfig(r=rank, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, lora)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
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


def _materialise(model: Any) -> None:
    """Turn meta parameters into fake CPU ones: only those take the real kernels and autocast."""
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


def _quantisation(model: Any) -> Iterator[torch.Tensor]:
    for parameter in model.parameters():
        state = getattr(parameter, "quant_state", None)
        if state is not None:
            yield state.absmax


def _batch(batch: int, seq_len: int, fused_head: bool) -> dict[str, Any]:
    ids = torch.empty(batch, seq_len, dtype=torch.long)
    # Positions and the whole mask are given because the library's own code for them reads values,
    # and fake tensors have none.
    mask = torch.empty(batch, 1, seq_len, seq_len, dtype=torch.bool)
    inputs: dict[str, Any] = {"input_ids": ids, "labels": ids, "position_ids": ids}
    head = {"fused_lm_head": True} if fused_head else {"use_cache": False}
    return inputs | {"attention_mask": mask} | head


@contextmanager
def _autocast(kind: torch.dtype) -> Iterator[None]:
    if kind == torch.float32:
        yield
        return
    # PEFT's 4-bit layer asks whether *CUDA* autocast is on; fake tensors live on the CPU. Only
    # with both on does the step take the turns that it takes on a GPU.
    torch.set_autocast_enabled("cuda", True)
    try:
        with torch.autocast("cpu", dtype=kind):
            yield
    finally:
        torch.set_autocast_enabled("cuda", False)


@contextmanager
def _gpu_head(kind: torch.dtype) -> Iterator[None]:
    """On a GPU, TRL folds each tile of logits in a Triton kernel that allocates nothing.

    The torch version for other devices makes copies of the tile; a trace of a GPU's step leaves
    them out. Shapes are all that a trace needs, so nothing takes the kernel's place.
    """
    from trl.kernels import chunked_logprob

    if kind == torch.float32:
        yield
        return
    names = ("_forward_tile", "_backward_tile", "_addmm_fp32")
    kept = {name: getattr(chunked_logprob, name) for name in names}
    try:
        for name in names:
            setattr(chunked_logprob, name, lambda *args, **kwargs: None)
        yield
    finally:
        for name, function in kept.items():
            setattr(chunked_logprob, name, function)
