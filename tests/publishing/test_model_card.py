"""The card says what the run did, reads back as a hub would, and refuses to be an advertisement."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset
from huggingface_hub import ModelCard
from peft import LoraConfig

from course_lib.cleaning import clean
from course_lib.errors import CourseError
from course_lib.formats import write_jsonl
from course_lib.publishing.model_card import model_card
from course_lib.runtime import Runtime, detect
from course_lib.training import load_model, sft_config, sft_trainer
from course_lib.training.adapters import qlora_config
from course_lib.yamabiko import load

BASE, TUNED = [False] * 10, [True] * 6 + [False] * 4


@pytest.fixture(scope="module")
def cpu() -> Runtime:
    return detect()


def run(cpu: Runtime, folder: Path, *, quantised: bool = False, **settings: Any) -> Any:
    quantisation = qlora_config(cpu) if quantised else None
    model, tokenizer = load_model("pocket", cpu, quantization_config=quantisation)
    rows: Dataset = load("faq_train").select(range(16))
    config = sft_config(cpu, folder, max_steps=2, eval_strategy="steps", eval_steps=1)
    return sft_trainer(
        model,
        tokenizer,
        rows,
        rows.select(range(4)),
        config=config,
        peft_config=settings.get("peft"),
    )


@pytest.fixture(scope="module")
def trained(cpu: Runtime, tmp_path_factory: pytest.TempPathFactory) -> Any:
    lora = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
    trainer = run(cpu, tmp_path_factory.mktemp("card"), peft=lora)
    trainer.train()
    return trainer


def card_of(trainer: Any, **settings: Any) -> ModelCard:
    given: dict[str, Any] = {
        "purpose": "Answers questions about policies.",
        "limits": ["Nobody asked it two questions at once."],
        "test_set": "faq_test",
        "scores": {"value right": (BASE, TUNED)},
        "license": "apache-2.0",
        "language": ["en", "ja"],
    }
    return model_card(trainer, "yamabiko-support", **{**given, **settings})


def test_the_figures_are_those_of_the_run(trained: Any) -> None:
    text = card_of(trained).text
    best = min(entry["eval_loss"] for entry in trained.state.log_history if "eval_loss" in entry)
    assert "Fine-tuning with LoRA (r=4, alpha=8) of pocket (a local folder) on 16 rows" in text
    assert "| steps | 2 (1 epochs, 8 rows a step) |" in text
    assert f"lowest {best:.3f}" in text
    assert "| value right | 10 | 0.0% (0.0% to 27.8%) | 60.0% (31.3% to 83.2%) |" in text
    assert "- Nobody asked it two questions at once." in text
    assert "4 others watched the run" in text


def test_the_loss_at_the_end_is_that_of_the_run_not_of_the_model_kept(
    trained: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_run = [{"step": 1, "eval_loss": 0.25}, {"step": 2, "eval_loss": 0.75}]
    after_it = {"step": 2, "eval_loss": 0.25}
    monkeypatch.setattr(trained.state, "log_history", [*of_run, after_it])
    monkeypatch.setattr(trained.args, "load_best_model_at_end", True)
    assert "| 0.750 at the end, lowest 0.250 at step 1 (kept) |" in card_of(trained).text


def test_a_bar_in_a_score_breaks_no_table(trained: Any) -> None:
    assert "| a\\|b | 10 |" in card_of(trained, scores={"a|b": (BASE, TUNED)}).text


def test_a_saved_card_is_read_back_with_its_results(trained: Any, tmp_path: Path) -> None:
    card_of(trained).save(tmp_path / "README.md")
    read = ModelCard.load(tmp_path / "README.md")
    assert read.data.license == "apache-2.0"
    assert read.data.language == ["en", "ja"]
    assert read.data.base_model is None  # a folder of this machine means nothing on a hub
    assert [(r.metric_name, r.metric_value) for r in read.data.eval_results] == [
        ("value right", 0.6)
    ]
    assert str(Path.cwd()) not in read.content


def test_an_adapter_and_a_merged_model_are_loaded_differently(trained: Any) -> None:
    adapter, merged = card_of(trained), card_of(trained, merged=True)
    assert (adapter.data["library_name"], merged.data["library_name"]) == ("peft", "transformers")
    assert "AutoPeftModelForCausalLM" in adapter.text
    assert "AutoPeftModelForCausalLM" not in merged.text


def test_full_fine_tuning_and_qlora_are_told_apart(cpu: Runtime, tmp_path: Path) -> None:
    full = run(cpu, tmp_path / "full")
    lora = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
    qlora = run(cpu, tmp_path / "qlora", quantised=True, peft=lora)
    for trainer in (full, qlora):
        trainer.train()
    assert "Full fine-tuning of pocket" in card_of(full).text
    assert "Fine-tuning with QLoRA (r=4, alpha=8)" in card_of(qlora).text


def test_cleaning_and_claims_are_told_with_what_failed(trained: Any, tmp_path: Path) -> None:
    rows: list[Any] = [
        {"messages": [{"role": "user", "content": "Where?"}, {"role": "assistant", "content": a}]}
        for a in ("In the green envelope.", "")
    ]
    report = clean(write_jsonl(rows, tmp_path / "rows.jsonl"))
    claims = pd.DataFrame(
        [{"statement": "a|b", "value": "0.1", "threshold": "at least 0.5", "held": False}]
    )
    text = card_of(trained, cleaning=report, claims=claims).text
    assert "2 rows came in, 1 were kept (0 of them changed), 1 were rejected." in text
    assert "| empty | 0 | 1 |" in text
    assert "| a\\|b | 0.1 | at least 0.5 | **no** |" in text


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"limits": []}, "needs limits"),
        ({"limits": "None."}, "as a list"),
        ({"scores": {}}, "needs scores"),
        ({"scores": {"value right": (BASE, TUNED[:9])}}, "10 rows of the base, 9 of this model"),
    ],
)
def test_a_card_that_hides_something_is_refused(
    trained: Any, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(CourseError, match=told):
        card_of(trained, **given)


def test_a_run_that_has_not_trained_has_no_card(cpu: Runtime, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="taken no step"):
        card_of(run(cpu, tmp_path))
