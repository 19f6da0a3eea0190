"""`python -m course_lib diagnose` on logs that a real trainer wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from course_lib.diagnostics.command import main


def diagnose(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "course_lib", "diagnose", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def overfitted(taught_chat: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state of a real run: four rows, sixty epochs, held-out rows that contradict them."""
    import copy

    from transformers import Trainer, TrainingArguments, set_seed

    model, tokenizer, _ = taught_chat

    def encode(question: str, answer: str) -> dict[str, Any]:
        messages = [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
        encoded = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)
        ids = encoded["input_ids"]
        return {"input_ids": ids, "labels": ids}

    train = [encode(f"Where is key {n}?", f"Key {n} is in box {n + 3}.") for n in range(4)]
    held_out = [encode(f"Where is key {n}?", f"Key {n} is in box {n - 4}.") for n in range(6, 10)]
    set_seed(0)
    fresh = type(model)(copy.deepcopy(model.config))
    folder = tmp_path_factory.mktemp("run")
    trainer = Trainer(
        fresh,
        TrainingArguments(
            str(folder),
            use_cpu=True,
            learning_rate=1e-2,
            lr_scheduler_type="constant",
            num_train_epochs=60,
            per_device_train_batch_size=1,
            per_device_eval_batch_size=1,
            logging_steps=8,
            eval_strategy="steps",
            eval_steps=8,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
        ),
        train_dataset=train,
        eval_dataset=held_out,
    )
    trainer.train()
    trainer.save_state()
    return folder


def test_a_real_overfitted_run_is_recognised(
    overfitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(overfitted / "trainer_state.json"), "--json"]) == 1
    verdict = json.loads(capsys.readouterr().out)
    assert verdict["verdict"] == "overfitting"
    assert verdict["best_step"] < verdict["since_step"] < 240
    assert verdict["evidence"]
    assert verdict["try"]


def test_for_people_it_prints_the_same(
    overfitted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(overfitted)]) == 1
    assert capsys.readouterr().out.startswith("overfitting since step")


def test_a_healthy_run_exits_with_0(tmp_path: Path) -> None:
    lines = [f"{10 * n},{0.8 + 2 * 0.6**n:.3f},{0.9 + 2 * 0.6**n:.3f}" for n in range(1, 25)]
    log = tmp_path / "log.csv"
    log.write_text("\n".join(["step,train_loss,validation_loss", *lines]))
    done = diagnose(log, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["verdict"] == "healthy"


def test_bad_input_exits_with_2_and_one_line(tmp_path: Path) -> None:
    done = diagnose(tmp_path / "nowhere.json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no such file" in done.stderr
    assert "Traceback" not in done.stderr
