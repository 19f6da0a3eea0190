"""Loading: what comes back can be trained, and every wrong path has its sentence."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from throwaway import tiny_llama
from transformers import BitsAndBytesConfig, PreTrainedTokenizerFast

from course_lib.errors import CourseError
from course_lib.runtime import Runtime
from course_lib.training import load_model
from course_lib.training.adapters import qlora_config
from course_lib.training.models import (
    check_quantization,
    keep_4bit_trainable,
    separate_pad_from_eos,
)


def test_loads_float32_on_cpu_in_eval_mode(model_folder: Path, cpu: Runtime) -> None:
    model, tokenizer = load_model(model_folder, cpu)
    assert model.dtype == torch.float32
    assert not model.training
    assert tokenizer.pad_token == "<|pad|>"
    assert load_model(str(model_folder), cpu)[0].num_parameters() == model.num_parameters()


def test_pocket_is_a_name(
    model_folder: Path, cpu: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(model_folder, tmp_path / "pocket")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert load_model("pocket", cpu)[0].config.hidden_size == 64


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "no config.json"),
        ("model.safetensors", "no weights"),
        ("tokenizer_config.json", "no tokenizer"),
        ("chat_template.jinja", "no chat template"),
    ],
)
def test_folder_with_a_part_missing(
    model_folder: Path, cpu: Runtime, tmp_path: Path, missing: str, message: str
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model_folder, folder)
    (folder / missing).unlink()
    with pytest.raises(CourseError, match=message):
        load_model(folder, cpu)


def test_damaged_weights(model_folder: Path, cpu: Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model_folder, folder)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(CourseError, match="damaged weights"):
        load_model(folder, cpu)


def test_large_file_pointer_instead_of_weights(
    model_folder: Path, cpu: Runtime, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model_folder, folder)
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(CourseError, match="damaged weights"):
        load_model(folder, cpu)


def test_broken_config(model_folder: Path, cpu: Runtime, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(model_folder, folder)
    (folder / "config.json").write_text("{")
    with pytest.raises(CourseError, match="cannot load this model"):
        load_model(folder, cpu)


@pytest.mark.parametrize("name", ["./nowhere", "/no/such/model", "some/deep/folder"])
def test_path_that_leads_nowhere(cpu: Runtime, name: str) -> None:
    with pytest.raises(CourseError, match="no model folder"):
        load_model(name, cpu)


def test_hub_name_without_network_says_so_at_once(cpu: Runtime) -> None:
    with pytest.raises(CourseError, match="without a network"):
        load_model("nobody/no-such-model", cpu)


def test_a_file_is_no_model(model_folder: Path, cpu: Runtime) -> None:
    with pytest.raises(CourseError, match="is a file"):
        load_model(model_folder / "model.safetensors", cpu)


def test_pad_moves_off_the_end_token(tokenizer: PreTrainedTokenizerFast) -> None:
    import copy

    model = tiny_llama(tokenizer)
    clash = copy.deepcopy(tokenizer)
    clash.pad_token = clash.eos_token
    assert "pads instead" in separate_pad_from_eos(model, clash)
    assert clash.pad_token == "<|pad|>"
    assert model.generation_config is not None
    assert model.generation_config.pad_token_id == clash.pad_token_id


def test_fp4_default_is_warned_of(cpu: Runtime) -> None:
    with pytest.warns(UserWarning, match="fp4"):
        check_quantization(BitsAndBytesConfig(load_in_4bit=True), cpu)


def test_bf16_compute_is_refused_on_a_t4(t4: Runtime) -> None:
    config = BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
    with pytest.raises(CourseError, match="float16 only"):
        check_quantization(config, t4)
    default = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    with pytest.warns(UserWarning, match="float32"):
        check_quantization(default, t4)


def test_4_bit_answers_at_any_width_on_cpu(cpu: Runtime, tokenizer: Any, tmp_path: Path) -> None:
    tiny_llama(tokenizer, hidden_size=80, intermediate_size=144).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    model, _ = load_model(tmp_path, cpu, quantization_config=qlora_config(cpu))
    with torch.no_grad():
        assert model(torch.tensor([[5, 6, 7]])).logits.isfinite().all()


def test_4_bit_gradients_are_the_same_after_an_answer(model_folder: Path, cpu: Runtime) -> None:
    """bitsandbytes repacks weights while it answers, and its repacked product has no gradient."""

    def gradient(*, answer_first: bool) -> torch.Tensor:
        model, _ = load_model(model_folder, cpu, quantization_config=qlora_config(cpu))
        ids = torch.tensor([[5, 6, 7, 8]])
        if answer_first:
            with torch.no_grad():
                model(ids)
        embedded = model.get_input_embeddings()(ids).detach().requires_grad_()
        model.train()
        model(inputs_embeds=embedded, labels=ids).loss.backward()
        assert embedded.grad is not None
        return embedded.grad

    assert torch.equal(gradient(answer_first=True), gradient(answer_first=False))


def test_repacked_layers_are_refused(cpu: Runtime) -> None:
    from bitsandbytes.nn.modules import Linear4bit

    layer = Linear4bit(64, 64)
    weight: Any = layer.weight
    weight.quant_state = SimpleNamespace(packing_format_for_cpu=True)
    with pytest.raises(CourseError, match="passes no gradient on"):
        keep_4bit_trainable(torch.nn.Sequential(layer))


def test_saved_4_bit_weights_answer_as_before(
    model_folder: Path, cpu: Runtime, tmp_path: Path
) -> None:
    model, tokenizer = load_model(model_folder, cpu, quantization_config=qlora_config(cpu))
    for part in (model, tokenizer):
        part.save_pretrained(tmp_path)
    again, _ = load_model(tmp_path, cpu)
    ids = torch.tensor([[5, 6, 7]])
    with torch.no_grad():
        assert torch.equal(model(ids).logits, again(ids).logits)
