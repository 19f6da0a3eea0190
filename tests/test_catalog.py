"""The catalog's shapes: right to the parameter by formula, by architecture, and as published."""

from __future__ import annotations

import json
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from course_lib.catalog import ModelShape, catalog, shape
from course_lib.errors import CourseError

ROWS = tomllib.loads(files("course_lib").joinpath("catalog.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ROWS)
def test_formula_architecture_and_published_count_agree(name: str) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    known = shape(name)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(known.config())
    model.tie_weights()

    assert known.parameters == ROWS[name]["published"]
    # parameters() gives a tied head once, as the published count does.
    assert sum(parameter.numel() for parameter in model.parameters()) == known.parameters
    assert ModelShape.of(model.config) == known


@pytest.mark.parametrize("model_type", ["llama", "qwen3", "smollm3", "olmo2"])
def test_attention_bias_is_counted_in_every_architecture_that_has_the_switch(
    model_type: str,
) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    small = ModelShape(model_type, 2, 64, 128, 4, 2, 16, 100, False, 64, True)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(small.config())
    assert sum(parameter.numel() for parameter in model.parameters()) == small.parameters


def test_parts_add_up_and_the_catalog_is_sorted() -> None:
    known = shape("TinyLlama-1.1B-Chat-v1.0")
    parts = known.embedding_parameters + known.linear_parameters + known.small_parameters
    assert known.parameters == parts
    frame = catalog()
    assert frame["parameters"].is_monotonic_increasing
    assert len(frame) >= 10
    assert not frame["gated"].any()
    hub = frame.drop("pocket", errors="ignore")
    assert hub["parameters"].between(0.49e9, 8.2e9).all()


def test_pocket_row_is_read_from_its_own_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LlamaConfig

    folder = tmp_path / "pocket"
    LlamaConfig(
        vocab_size=128, hidden_size=64, intermediate_size=128, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, tie_word_embeddings=True,
    ).save_pretrained(folder)  # fmt: skip
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert shape("pocket").hidden == json.loads((folder / "config.json").read_text())["hidden_size"]
    assert "pocket" in catalog().index


def test_unknown_names_and_architectures_say_what_there_is() -> None:
    with pytest.raises(CourseError, match=r"Did you mean Qwen/Qwen3-8B"):
        shape("Qwen3-9B")
    from transformers import GPT2Config

    with pytest.raises(CourseError, match="gpt2"):
        ModelShape.of(GPT2Config())
