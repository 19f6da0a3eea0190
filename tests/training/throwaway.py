"""What the throw-away chat model is made of: a template, a few sentences, a small random Llama."""

from __future__ import annotations

from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

TEMPLATE = (
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}"
    "<|assistant|>{% generation %}{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}"
    "<|{{ message['role'] }}|>{{ message['content'] }}<|end|>"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
SPECIAL = ["<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
COLOURS = ("red", "blue", "green", "white", "black", "brown", "pink", "grey")


def conversation(index: int) -> list[dict[str, str]]:
    """One question and its answer, different for each index."""
    colour = COLOURS[index % len(COLOURS)]
    return [
        {"role": "user", "content": f"What colour is box {index}?"},
        {"role": "assistant", "content": f"Box {index} is {colour}."},
    ]


def tiny_llama(tokenizer: Any, **shape: Any) -> LlamaForCausalLM:
    """A random Llama of 64 wide, two layers, the same each time."""
    torch.manual_seed(0)
    settings: dict[str, Any] = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 128,
        "tie_word_embeddings": True,
    }
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        **{**settings, **shape},
    )
    return LlamaForCausalLM(config)
