"""The losses of TRL's own trainers, taken out of real trainers for a model that is only traced.

A trainer wants a model with weights, a tokenizer and rows. Here each is built around a model of two
tiny layers and two rows of one word; then the model under trace takes the tiny one's place, and
`compute_loss` runs as it does in training.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

# What each trainer asks of its fused head besides the log-probabilities.
HEAD_OUTPUTS = {
    "sft": ("log_probs", "entropy", "is_top1"),
    "dpo": ("log_probs", "entropy", "mean_logits", "is_top1"),
    "grpo": ("log_probs", "entropy"),
}


def real_trainer(name: str, *, batch: int, accumulation: int = 1, reference: bool = False) -> Any:
    """Build one of TRL's trainers, around a model that only serves to build it.

    Args:
        name: ``sft``, ``dpo`` or ``grpo``.
        batch: Rows (for DPO: pairs; for GRPO: answers) a micro-batch.
        accumulation: Micro-batches a step.
        reference: Whether the loss asks a reference model.

    Returns:
        The trainer; put another model into its ``model`` and ``ref_model``.

    Example:
        >>> type(real_trainer("dpo", batch=2, reference=True)).__name__
        'DPOTrainer'
    """
    from datasets import Dataset
    from transformers import LlamaConfig, LlamaForCausalLM
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer
    from trl.trainer.grpo_config import GRPOConfig
    from trl.trainer.grpo_trainer import GRPOTrainer
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    def no_reward(completions: list[str], **_: Any) -> list[float | None]:
        return [0.0] * len(completions)

    def tiny() -> LlamaForCausalLM:
        config = LlamaConfig(
            vocab_size=8,
            hidden_size=16,
            intermediate_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
        )
        return LlamaForCausalLM(config)

    words = {"prompt": ["a", "a"], "chosen": ["a", "a"], "rejected": ["a", "a"]}
    arguments: dict[str, Any] = {
        "output_dir": tempfile.gettempdir(),
        "per_device_train_batch_size": batch,
        "gradient_accumulation_steps": accumulation,
        "use_cpu": True,
        "bf16": False,
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    common: dict[str, Any] = {"model": tiny(), "processing_class": tiny_tokenizer()}
    if name == "sft":
        rows = Dataset.from_dict({"text": words["prompt"]})
        return SFTTrainer(args=SFTConfig(**arguments), train_dataset=rows, **common)
    if name == "dpo":
        dpo = DPOTrainer(
            args=DPOConfig(**arguments),
            ref_model=tiny(),
            train_dataset=Dataset.from_dict(words),
            **common,
        )
        # What precompute_ref_log_probs=True leaves behind, without its pass over the rows.
        dpo.precompute_ref_logps = not reference
        return dpo
    # Two answers to a prompt are the fewest that GRPO can compare.
    answers = {"per_device_train_batch_size": max(batch, 2), "num_generations": max(batch, 2)}
    return GRPOTrainer(
        args=GRPOConfig(**arguments | answers),
        reward_funcs=no_reward,
        train_dataset=Dataset.from_dict({"prompt": words["prompt"]}),
        **common,
    )


def tiny_tokenizer() -> PreTrainedTokenizerBase:
    """Make a tokenizer of one word, for rows that hold no words.

    Returns:
        The tokenizer, with a pad token and an end.

    Example:
        >>> tiny_tokenizer()("a a a").input_ids
        [0, 0, 0]
    """
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({"a": 0, "<pad>": 1, "<eos>": 2}, unk_token="a"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="<pad>", eos_token="<eos>", unk_token="a"
    )


def fake_batch(name: str, *, batch: int, seq_len: int, completion_len: int, rows: Any) -> Any:
    """Make the inputs of a trainer's loss, as its collator would, without any values.

    Args:
        name: ``sft``, ``dpo`` or ``grpo``.
        batch: Rows (pairs, answers) a micro-batch.
        seq_len: Tokens a row.
        completion_len: How many of them are the answer.
        rows: ``"padded"``, or ``"flat"`` where the micro-batch is one long row (padding-free).

    Returns:
        Names to tensors.

    Example:
        >>> found = fake_batch("dpo", batch=2, seq_len=8, completion_len=4, rows="padded")
        >>> found["input_ids"].shape
        torch.Size([4, 8])
    """

    def ids(*size: int) -> torch.Tensor:
        return torch.empty(size, dtype=torch.long)

    if name == "grpo":
        prompt = seq_len - completion_len
        return {
            "prompt_ids": ids(batch, prompt),
            "prompt_mask": ids(batch, prompt),
            "completion_ids": ids(batch, completion_len),
            "completion_mask": ids(batch, completion_len),
            "advantages": torch.empty(batch),
            "num_items_in_batch": torch.empty(()),
            "ref_per_token_logps": torch.empty(batch, completion_len),
        }
    if name == "dpo":
        batch *= 2  # the chosen answers, and the rejected ones under them
    count, length = (1, batch * seq_len) if rows == "flat" else (batch, seq_len)
    # Positions and the whole mask are given because the library's own code for them reads values,
    # and fake tensors have none.
    inputs = {
        "input_ids": ids(count, length),
        "position_ids": ids(count, length),
        "attention_mask": torch.empty(count, 1, length, length, dtype=torch.bool),
    }
    if name == "dpo":
        half = torch.empty(batch // 2)
        precomputed = {"ref_chosen_logps": half, "ref_rejected_logps": half.clone()}
        return inputs | {"completion_mask": ids(count, length)} | precomputed
    return inputs | {"labels": ids(count, length)}
