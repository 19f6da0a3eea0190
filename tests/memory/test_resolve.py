"""Any local config.json of a common architecture, sized to the parameter, or refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.memory import adapter_parameters, estimate, resolve

# As on the hub, but small: what differs between releases of an architecture is kept.
CONFIGS: dict[str, dict[str, Any]] = {
    "llama": {"rope_theta": 500000.0, "mlp_bias": False, "tie_word_embeddings": False},
    "mistral": {"sliding_window": None, "tie_word_embeddings": False},
    "qwen2": {"use_sliding_window": False, "tie_word_embeddings": True},
    "qwen3": {"head_dim": 32, "tie_word_embeddings": True},
    "phi3": {"pad_token_id": 0, "tie_word_embeddings": False},
    "olmo2": {"tie_word_embeddings": False},
    "olmo3": {"tie_word_embeddings": False},
    "smollm3": {"tie_word_embeddings": True, "pad_token_id": 0},
    "granite": {"attention_multiplier": 0.1, "tie_word_embeddings": True},
    "gemma": {"head_dim": 32},
    "gemma2": {"head_dim": 32, "sliding_window": 64},
    "gemma3_text": {"head_dim": 32, "sliding_window": 64},
}
COMMON = {
    "architectures": ["SomethingForCausalLM"],
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 160,
    "max_position_embeddings": 128,
    "torch_dtype": "bfloat16",
    "transformers_version": "4.40.0",
}


@pytest.mark.parametrize("model_type", CONFIGS)
def test_a_local_config_is_sized_to_the_parameter(model_type: str, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    config = COMMON | CONFIGS[model_type] | {"model_type": model_type}
    (tmp_path / "config.json").write_text(json.dumps(config))
    found = resolve(tmp_path)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(tmp_path))
        again = AutoModelForCausalLM.from_config(found.config())
    for each in (model, again):
        each.tie_weights()
        assert sum(p.numel() for p in each.parameters()) == found.parameters
    adapted = get_peft_model(again, LoraConfig(r=4, target_modules="all-linear"))
    assert adapter_parameters(found, 4, "all-linear") == adapted.get_nb_trainable_parameters()[0]
    assert estimate(found, method="qlora", seq_len=128, batch=1).peak_gib > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_type": "qwen3_moe"}, "'qwen3_moe'.*can size llama, mistral"),
        ({"model_type": "gemma3"}, "'gemma3'.*can size"),
        ({"model_type": "gpt2"}, "'gpt2'.*can size"),
        ({"model_type": "llama", "mlp_bias": True}, "mlp_bias"),
        ({"model_type": "made_up"}, "made_up"),
        ({"model_type": "llama", "num_attention_heads": "four"}, "cannot be read"),
    ],
)
def test_what_cannot_be_sized_is_refused_by_name(
    change: dict[str, Any], said: str, tmp_path: Path
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(COMMON | change))

    with pytest.raises(CourseError, match=f"config.json: .*{said}"):
        resolve(path)
