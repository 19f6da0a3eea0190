"""A throw-away chat model: a small random Llama and a tokenizer trained on a few sentences."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from course_lib.runtime import Runtime

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


@pytest.fixture(scope="session")
def cpu() -> Runtime:
    """A laptop."""
    return Runtime(
        platform="local",
        profile="pocket",
        device="cpu",
        dtype="float32",
        cores=1,
        ram_gib=4.0,
        gpu_name=None,
        gpu_capability=None,
        gpu_gib=None,
        online=False,
    )


@pytest.fixture(scope="session")
def t4(cpu: Runtime) -> Runtime:
    """A free T4, described; nothing here runs on it."""
    return dataclasses.replace(
        cpu,
        platform="colab",
        profile="t4",
        device="cuda",
        dtype="float16",
        gpu_name="Tesla T4",
        gpu_capability=(7, 5),
        gpu_gib=14.56,
        online=True,
    )


@pytest.fixture(scope="session")
def tokenizer() -> PreTrainedTokenizerFast:
    """Byte-level BPE with the special tokens and the template of the pocket model."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    texts = [message["content"] for i in range(40) for message in conversation(i)]
    raw.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=SPECIAL,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<|pad|>", eos_token="<|end|>", chat_template=TEMPLATE
    )


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


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory, tokenizer: Any) -> Path:
    """The model and its tokenizer as `save_pretrained` leaves them."""
    folder = tmp_path_factory.mktemp("tiny")
    tiny_llama(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def rows() -> Dataset:
    """Sixteen conversations."""
    return Dataset.from_list([{"messages": conversation(i)} for i in range(16)])
