"""Machines, rows and a throw-away chat model for the tests of training."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from throwaway import SPECIAL, TEMPLATE, conversation, tiny_llama
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from course_lib.runtime import Runtime


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
