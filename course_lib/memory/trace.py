"""Trace the memory of a training step with no GPU and no weights.

PyTorch's fake tensors have a shape and a type but no data. A model made of them runs a whole
training step in seconds, even at 8B parameters, while a dispatch mode watches every tensor that
comes to life and dies. This is what `estimate` is checked against: the estimate is arithmetic that
a learner can follow, the trace is what the installed libraries really ask for.
The losses are those of TRL's own trainers. It cannot see the CUDA context, workspaces inside
kernels, and the allocator's fragments.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from course_lib.errors import CourseError
from course_lib.memory.estimate import GIB
from course_lib.memory.fake_model import build, materialise, quantisation
from course_lib.memory.trainer_loss import HEAD_OUTPUTS, fake_batch, real_trainer

if TYPE_CHECKING:
    from transformers import PretrainedConfig


@dataclass(frozen=True)
class Trace:
    """What one training step keeps and needs, in GiB.

    Args:
        weights_gib: All parameters and buffers, adapters and a reference model included.
        optimizer_gib: The optimiser's state, from its first step on.
        forward_gib: All that is alive when the forward pass ends: weights, optimiser, activations.
        peak_gib: The most that was alive at any moment of the step.
        generation_gib: The most that was alive while GRPO's answers were generated; else 0.
    """

    weights_gib: float
    optimizer_gib: float
    forward_gib: float
    peak_gib: float
    generation_gib: float = 0.0


class LiveMemory(TorchDispatchMode):
    """Count the bytes of every tensor storage that is alive, and the most there ever were.

    Fake tensors have no values, and a loss reads some for its metrics. Each of them is read as 1,
    and a mask of tokens as true for the share `scored` of them.

    Args:
        scored: The share of the tokens that are answers.

    Example:
        >>> with LiveMemory() as memory:
        ...     x = torch.ones(256)
        >>> memory.peak
        1024
    """

    def __init__(self, scored: float = 1.0) -> None:
        super().__init__()
        self.scored = scored
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
        known = _VALUE_READERS.get(func)
        if known is not None and any(isinstance(x, FakeTensor) for x in tree_leaves(args)):
            out = known(self, func, *args, **(kwargs or {}))
        else:
            out = func(*args, **(kwargs or {}))
        self.add(tree_leaves(out))
        return out

    def _count(self, mask: torch.Tensor) -> int:
        return round(mask.numel() * self.scored)

    def _scalar(self, func: Any, tensor: torch.Tensor) -> Any:
        if tensor.dtype == torch.bool:
            return True
        return 1.0 if tensor.is_floating_point() else 1

    def _index(self, func: Any, tensor: torch.Tensor, indices: Any) -> Any:
        mask = indices[0]
        if len(indices) != 1 or mask.dtype != torch.bool:
            return func(tensor, indices)
        return tensor.new_empty(self._count(mask), *tensor.shape[mask.dim() :])

    def _index_put(
        self, func: Any, tensor: torch.Tensor, indices: Any, values: Any, *flags: Any, **named: Any
    ) -> Any:
        if len(indices) != 1 or indices[0].dtype != torch.bool:
            return func(tensor, indices, values, *flags, **named)
        return tensor if func in _IN_PLACE else tensor.clone()

    def _select(self, func: Any, tensor: torch.Tensor, mask: torch.Tensor) -> Any:
        return tensor.new_empty(self._count(mask))


_ATEN = torch.ops.aten
_IN_PLACE = (_ATEN.index_put_.default, _ATEN._index_put_impl_.default)
_VALUE_READERS: dict[Any, Callable[..., Any]] = {
    _ATEN._local_scalar_dense.default: LiveMemory._scalar,
    _ATEN.index.Tensor: LiveMemory._index,
    _ATEN.index_put.default: LiveMemory._index_put,
    **dict.fromkeys(_IN_PLACE, LiveMemory._index_put),
    _ATEN.masked_select.default: LiveMemory._select,
}


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
    trainer: str = "sft",
    completion_len: int | None = None,
    reference: bool | None = None,
    optimizer: str = "adamw_torch_fused",
    accumulation: int = 1,
    padding_free: bool = False,
    modules_to_save: Sequence[str] = (),
    dropout: float = 0.0,
    trainable_dtype: str = "float32",
) -> Trace:
    """Run forward, loss, backward and the optimiser over fake tensors and count what is alive.

    Args:
        config: The model's transformers config; no weights are read.
        method: ``full``, ``lora`` or ``qlora`` (on all linear layers).
        seq_len: Tokens a row.
        batch: Rows a micro-batch; pairs for DPO, answers for GRPO.
        rank: The adapter's rank.
        checkpointing: Whether activations are recomputed layer by layer in the backward pass.
        dtype: The compute type. A 16-bit type traces a GPU's step: 16-bit frozen base, fp32
            trainable weights, autocast. ``float32`` traces a CPU's step.
        fused_head: TRL's head that never holds all logits; False is a plain `Trainer`'s loss.
        attention: ``efficient`` (never holds the score matrix) or ``math`` (holds it: O(N²)).
        trainer: ``sft``, ``dpo`` or ``grpo``: whose loss.
        completion_len: How many of a row's tokens are the answer; None: all, for GRPO half.
        reference: Whether a reference model is asked; None: DPO yes, GRPO (beta 0) no.
        optimizer: transformers' name for the optimiser.
        accumulation: Micro-batches a step; above 1, a second one is traced on top of gradients,
            and GRPO generates the answers of all of them at once.
        padding_free: One long row in place of a micro-batch, as SFT's packing makes.
        modules_to_save: Modules that are trained in full beside the adapter.
        dropout: The adapter's dropout.
        trainable_dtype: The type of trained parameters.

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
    reference = trainer == "dpo" if reference is None else reference
    answer = completion_len or (seq_len // 2 if trainer == "grpo" else seq_len)
    settings = {"trained": getattr(torch, trainable_dtype), "rank": rank, "dropout": dropout}
    model = build(config, method, kind, modules_to_save=modules_to_save, **settings)
    copy = build(config, "full", kind, **settings) if reference and method == "full" else None
    owner = real_trainer(trainer, batch=batch, accumulation=accumulation, reference=reference)
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if method != "full":
            model.enable_input_require_grads()
    model.train()
    for each in (model, copy):
        if each is not None:
            _as_trained(each, trainer, kind, fused_head)
    memory = LiveMemory(scored=answer / seq_len)
    with FakeTensorMode(allow_non_fake_inputs=True), ExitStack() as stack:
        for each in (model, copy):
            if each is not None:
                materialise(each)
                memory.add([*each.parameters(), *each.buffers(), *quantisation(each)])
        weights = memory.live
        inputs = fake_batch(
            trainer,
            batch=batch,
            seq_len=seq_len,
            completion_len=answer,
            rows="flat" if padding_free else "padded",
        )
        if attention == "flash":
            _without_mask(trainer, inputs, stack)
        stack.enter_context(memory)
        stack.enter_context(_gpu_kernels(kind))
        update, state = _optimizer(optimizer, model)
        optimizer_state = memory.live - weights
        memory.peak = memory.live
        if attention == "math":
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        generation = 0
        if trainer == "grpo":
            generate_step(model, batch * accumulation, seq_len - answer, seq_len)
            generation = memory.peak
        owner.model, owner.ref_model = model, copy
        # PEFT's 4-bit layer asks whether *CUDA* autocast is on; fake tensors live on the CPU. Only
        # with both on does the step take the turns that it takes on a GPU.
        torch.set_autocast_enabled("cuda", kind != torch.float32)
        stack.callback(torch.set_autocast_enabled, "cuda", False)
        for _ in range(min(accumulation, 2)):
            loss = _loss(owner, model, inputs, fused_head)
            forward = memory.live
            loss.backward()
            del loss
        update()
        peak = memory.peak
        del state
    return Trace(weights / GIB, optimizer_state / GIB, forward / GIB, peak / GIB, generation / GIB)


def _without_mask(trainer: str, inputs: dict[str, Any], stack: ExitStack) -> None:
    if trainer != "sft":
        raise CourseError(f"attention='flash' is traced for trainer='sft', not for '{trainer}'")
    inputs.pop("attention_mask")
    # Or positions without values are taken for those of packed rows, which need a mask.
    stack.enter_context(
        patch("transformers.masking_utils.find_packed_sequence_indices", lambda *_, **__: None)
    )


def _as_trained(model: Any, trainer: str, kind: torch.dtype, fused_head: bool) -> None:
    """Patch a model's forward as TRL and Accelerate do: the fused head, and autocast around it."""
    from accelerate.utils import convert_outputs_to_fp32
    from peft import PeftModel
    from trl.trainer.utils import add_fused_lm_head

    if fused_head:
        base: Any = model.get_base_model() if isinstance(model, PeftModel) else model
        add_fused_lm_head(base, outputs=HEAD_OUTPUTS[trainer])
    if kind != torch.float32:
        model.forward = convert_outputs_to_fp32(torch.autocast("cpu", dtype=kind)(model.forward))


def _loss(owner: Any, model: Any, inputs: dict[str, Any], fused_head: bool) -> torch.Tensor:
    if not fused_head:
        return model(**inputs, use_cache=False).loss
    owner.current_gradient_accumulation_steps = 1
    return owner.compute_loss(model, dict(inputs), num_items_in_batch=torch.ones(()))


def generate_step(model: Any, rows: int, prompt_len: int, seq_len: int) -> None:
    """Read the prompts, then make the last token of the answers: the two peaks of generating.

    Args:
        model: A model of fake tensors.
        rows: Answers generated together.
        prompt_len: Tokens of a prompt.
        seq_len: Tokens of a prompt and its answer.

    Example:
        >>> generate_step(model, rows=8, prompt_len=256, seq_len=512)  # doctest: +SKIP
    """
    from peft import PeftModel
    from transformers import DynamicCache
    from trl.models.utils import disable_gradient_checkpointing

    # PEFT hands generation on to its base, whose forward has no autocast around it.
    speaker: Any = model.get_base_model() if isinstance(model, PeftModel) else model

    def step(length: int, new: int) -> torch.Tensor:
        return (
            speaker(
                input_ids=torch.empty(rows, new, dtype=torch.long),
                attention_mask=torch.empty(rows, length, dtype=torch.long),
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            .logits[:, -1]
            .float()
        )

    with torch.no_grad(), disable_gradient_checkpointing(model, {"use_reentrant": False}):
        cache = DynamicCache(config=speaker.config)
        step(prompt_len, prompt_len)
        for layer in cache.layers:
            for name in ("keys", "values"):
                short = getattr(layer, name)
                long = (*short.shape[:2], seq_len - 1, short.shape[3])
                setattr(layer, name, short.new_empty(long))
            del short
        step(seq_len, 1).softmax(-1)


def _optimizer(name: str, model: Any) -> tuple[Callable[[], Any], Any]:
    """Make the optimiser that transformers makes, with its state, and return its step."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    if "8bit" in name:
        from bitsandbytes.optim.adamw import AdamW
        from torch import nn

        eight = AdamW(trainable, optim_bits=8)
        kept = {id(m.weight) for m in model.modules() if isinstance(m, nn.Embedding)}
        for index, parameter in enumerate(trainable):
            # transformers keeps 32 bits for whatever is an embedding's weight.
            bits = 32 if id(parameter) in kept else 8
            eight.mng.index2config[(0, index)] = {"optim_bits": bits}
            eight.init_state(eight.param_groups[0], parameter, 0, index)
        return (lambda: None), eight  # its kernels work in place
    if name == "adafactor":
        from transformers.optimization import Adafactor

        made: Any = Adafactor(trainable, scale_parameter=False, relative_step=False, lr=1e-3)
    elif name == "sgd":
        made = torch.optim.SGD(trainable, lr=1e-3, foreach=True)
    else:
        fused = name == "adamw_torch_fused"
        made = torch.optim.AdamW(trainable, fused=fused, foreach=not fused)
    # One empty step makes the optimiser's state, which every step but the first starts with.
    for parameter in trainable:
        parameter.grad = torch.empty_like(parameter)
    made.step()
    made.zero_grad()
    return made.step, made


@contextmanager
def _gpu_kernels(kind: torch.dtype) -> Iterator[None]:
    """Take the turns that a GPU's kernels take, where these allocate less than the CPU's.

    TRL folds each tile of logits in a Triton kernel that allocates nothing, and scores the answers'
    tokens only; dropout keeps a byte a value. Shapes are all that a trace needs, so nothing takes
    the kernel's place.
    """
    from trl.kernels import chunked_logprob
    from trl.trainer import utils

    if kind == torch.float32:
        yield
        return

    def nothing(*args: Any, **kwargs: Any) -> None:
        return None

    def dropout(x: torch.Tensor, p: float = 0.5, training: bool = True, *_: Any) -> torch.Tensor:
        # As on a GPU, where nothing is dropped nothing is kept.
        return torch.native_dropout(x, p, training)[0] if training and p > 0 else x

    with ExitStack() as stack:
        for name in ("_forward_tile", "_backward_tile", "_addmm_fp32"):
            stack.enter_context(patch.object(chunked_logprob, name, nothing))
        stack.enter_context(patch.object(utils, "_use_triton", lambda device: True))
        stack.enter_context(patch.object(torch.nn.functional, "dropout", dropout))
        yield
