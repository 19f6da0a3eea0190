"""A training step without padding on a CPU: the same loss and gradients, computed in half the time.

A batch is as wide as its longest row, and a CPU computes its padding like any other token. TRL's
``padding_free=True`` lays the rows one behind another instead, and passes on where each begins; its
speed comes with FlashAttention, which a CPU has not: there every token is compared with those of
all rows, and a mask hides them again. Here each row gets its own attention, and the head scores
only what has a label, as TRL does on a GPU.

What a step learns stays what it was, to the rounding of float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from transformers import AttentionInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from trl.trainer import utils as trl_utils
from trl.trainer.sft_trainer import SFTTrainer

from course_lib.training.rows import MASKED

if TYPE_CHECKING:
    from peft import PeftConfig
    from torch import nn

_BY_ROW = "sdpa_by_row"
# Families whose attention and position numbers have been checked against padded rows.
_CHECKED = ("llama", "qwen2", "qwen3")


def _attend_by_row(
    module: nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    cu_seq_lens_q: torch.Tensor,
    **settings: Any,
) -> tuple[torch.Tensor, None]:
    lengths = cu_seq_lens_q.diff().tolist()
    queries, keys, values = (states.split(lengths, dim=2) for states in (query, key, value))
    answers = [
        sdpa_attention_forward(module, *row, attention_mask=None, **settings)[0]
        for row in zip(queries, keys, values, strict=True)
    ]
    return torch.cat(answers, dim=1), None


# transformers makes no mask for an attention that it knows no mask for.
AttentionInterface.register(_BY_ROW, _attend_by_row)


def trains_without_padding(model: Any, peft_config: PeftConfig | None) -> bool:
    """Whether a model's training step can do without padding here.

    Args:
        model: A causal language model, with an adapter or without.
        peft_config: The adapter it will get, if any.

    Returns:
        True on a CPU, for a model whose layers see the whole row, in a family that was checked. A
        learnt prompt stands before each row, and needs the rows apart. Nor does it go with gradient
        checkpointing, which computes again when the attention is the model's own again.

    Example:
        >>> trains_without_padding(model, None)  # doctest: +SKIP
        True
    """
    adapters = [*getattr(model, "peft_config", {}).values(), *filter(None, [peft_config])]
    config = model.config.get_text_config()
    return (
        next(model.parameters()).device.type == "cpu"
        and hasattr(trl_utils, "add_fused_lm_head")  # TRL's own from 1.16 on
        and config.model_type in _CHECKED
        and config._attn_implementation == "sdpa"
        and set(getattr(config, "layer_types", None) or ["full_attention"]) == {"full_attention"}
        and not any(adapter.is_prompt_learning for adapter in adapters)
        and not _checkpoints_activations(model)
    )


class PaddingFreeTrainer(SFTTrainer):
    """TRL's trainer for ``padding_free=True`` on a CPU.

    Example:
        >>> PaddingFreeTrainer(model, args=config, train_dataset=rows)  # doctest: +SKIP
    """

    model: Any

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        """TRL's own loss and figures, over the labelled tokens of rows without padding.

        Args:
            model: As the trainer has wrapped it.
            inputs: A batch as TRL's collator lays it out.
            return_outputs: As in TRL; the outputs then hold the logits of every token.
            num_items_in_batch: As in TRL.

        Returns:
            As in TRL.
        """
        wants_logits = self.label_smoother is not None or self.compute_loss_func is not None
        # What wants to see logits wants to see all of them. Checkpointing may have been switched on
        # since the trainer was built: then TRL's own attention over the whole batch it is.
        if return_outputs or wants_logits or _checkpoints_activations(self.model):
            return super().compute_loss(model, inputs, return_outputs, num_items_in_batch)
        base = self.model.get_base_model() if hasattr(self.model, "peft_config") else self.model
        targets = inputs["labels"][:, 1:]
        learnt = targets != MASKED
        flat = {name: value for name, value in inputs.items() if name != "labels"}
        # TRL takes targets that are shifted already, as many as there are hidden states to score.
        flat["shift_labels"] = targets[learnt][None]
        with _attention_by_row(base), _only(learnt, base.base_model):
            return super().compute_loss(model, flat, num_items_in_batch=num_items_in_batch)


def _checkpoints_activations(model: nn.Module) -> bool:
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


@contextmanager
def _attention_by_row(model: Any) -> Iterator[None]:
    model.set_attn_implementation(_BY_ROW)
    try:
        yield
    finally:
        # The same model answers questions between two steps, whose rows are padded.
        model.set_attn_implementation("sdpa")


@contextmanager
def _only(learnt: torch.Tensor, backbone: nn.Module) -> Iterator[None]:
    """Let the backbone hand on the hidden states from which a labelled token is predicted."""

    def select(_: nn.Module, __: Any, output: Any) -> None:
        output.last_hidden_state = output.last_hidden_state[:, :-1][learnt][None]

    hook = backbone.register_forward_hook(select)
    try:
        yield
    finally:
        hook.remove()
