"""`python -m course_lib train`, from file to figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from throwaway import conversation

from course_lib.__main__ import main
from course_lib.evaluation import held_out_loss
from course_lib.formats import write_jsonl
from course_lib.training import load_model, qlora_config
from course_lib.training.data import training_data
from course_lib.training.scores import letter_baselines

KEYS = {"train_loss", "validation_loss", "metrics_before", "metrics_after"}
KEYS |= {"steps", "seconds", "peak_mb"}


@pytest.fixture
def split_folder(tmp_path: Path) -> Path:
    """What `split` writes; the held-out rows are in the training rows, to be learnt quickly."""
    folder = tmp_path / "split"
    rows = [{"messages": conversation(i)} for i in range(16)]
    write_jsonl(rows, folder / "train.jsonl")
    write_jsonl(rows[:4], folder / "validation.jsonl")
    write_jsonl(rows[:8], folder / "test.jsonl")
    return folder


def train(*words: Any) -> int:
    return main(["train", *map(str, words)])


@pytest.fixture(autouse=True)
def on_a_laptop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COURSE_PROFILE", "pocket")
    # `start` writes the seed into the environment; put back what was there.
    monkeypatch.setenv("COURSE_SEED", "0")


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_each_method_prints_the_promised_figures(
    model_folder: Path,
    split_folder: Path,
    tmp_path: Path,
    capsys: Any,
    cpu: Any,
    method: str,
) -> None:
    out = tmp_path / "out"
    words = ("--model", model_folder, "--data", split_folder, "--method", method, "--out", out)
    assert train(*words, "--epochs", 2, "--json") == 0
    printed = capsys.readouterr()
    result = json.loads(printed.out)
    assert set(result) >= KEYS
    assert result["steps"] == 4
    assert result["metrics_after"]["rows"] == 8
    assert result["metrics_after"]["loss"] < result["metrics_before"]["loss"]
    assert 0 <= result["metrics_before"]["exact_match"] <= 1
    assert result["validation_loss"] > 0
    assert result["peak_mb"] > 50
    assert "near twin" in printed.err  # the test rows are in train, and it says so
    history = json.loads((out / "trainer_state.json").read_text())["log_history"]
    assert sum("eval_loss" in entry for entry in history) == 2
    # What lies in the folder is the model that was measured.
    saved, tokenizer = load_model(
        out / "model", cpu, quantization_config=qlora_config(cpu) if method == "qlora" else None
    )
    loss = held_out_loss(saved, tokenizer, training_data(split_folder)[0]["test"])
    assert loss == pytest.approx(result["metrics_after"]["loss"], rel=1e-4)


def test_stopped_run_is_resumed(
    model_folder: Path, split_folder: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "out"
    words: list[Any] = ["--model", model_folder, "--data", split_folder, "--method", "lora"]
    words += ["--out", out, "--epochs", 3, "--seed", 0, "--json"]
    assert train(*words, "--time-budget", "0.001s") == 0
    stopped = json.loads(capsys.readouterr().out)
    assert (stopped["steps"], stopped["finished"]) == (1, False)
    assert train(*words) == 2
    assert "already holds a run" in capsys.readouterr().err
    assert train(*words, "--resume", "--seed", 4) == 2
    assert "was trained with seed 0" in capsys.readouterr().err
    assert train(*words, "--resume", tmp_path) == 2
    assert "no whole checkpoint there" in capsys.readouterr().err
    # As after a full disk: the state was saved elsewhere, the run goes on in another folder.
    moved = [*words[:7], tmp_path / "moved", *words[8:]]
    assert train(*moved, "--resume", out / "checkpoints" / "checkpoint-1") == 0
    elsewhere = json.loads(capsys.readouterr().out)
    assert train(*words, "--resume") == 0
    resumed = json.loads(capsys.readouterr().out)
    assert (resumed["steps"], resumed["finished"]) == (6, True)
    assert resumed["metrics_before"] == stopped["metrics_before"]
    figures = ("steps", "train_loss", "validation_loss", "metrics_before", "metrics_after")
    assert [elsewhere[name] for name in figures] == [resumed[name] for name in figures]
    listed = resumed["checkpoints"]
    assert [row["step"] for row in listed] == [2, 4, 6]
    assert listed[-1]["validation_loss"] == resumed["validation_loss"]
    assert sum(row["best"] for row in listed) == 1


def test_a_model_that_cannot_be_written_is_written_later(
    model_folder: Path, split_folder: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "model").write_text("a file where the model's folder is to be")
    words: list[Any] = ["--model", model_folder, "--data", split_folder, "--method", "lora"]
    words += ["--out", out, "--epochs", 1, "--json"]
    assert train(*words) == 2
    said = capsys.readouterr().err
    assert "trained to step 2, but" in said
    assert "repeat the command with --resume" in said
    (out / "model").unlink()
    assert train(*words, "--resume") == 0
    assert json.loads(capsys.readouterr().out)["steps"] == 2
    assert (out / "model" / "adapter_model.safetensors").is_file()


def test_a_checkpoints_adapter_is_trained_on(
    model_folder: Path, split_folder: Path, tmp_path: Path, capsys: Any
) -> None:
    words: list[Any] = ["--data", split_folder, "--epochs", 1, "--json"]
    lora = ("--method", "lora")
    assert train("--model", model_folder, *lora, *words, "--out", tmp_path / "first") == 0
    first = json.loads(capsys.readouterr().out)
    path = first["checkpoints"][-1]["path"]
    assert train("--model", path, "--method", "full", *words, "--out", tmp_path / "full") == 2
    assert "is an adapter" in capsys.readouterr().err
    assert train("--model", path, *lora, *words, "--out", tmp_path / "second") == 0
    second = json.loads(capsys.readouterr().out)
    assert second["metrics_before"] == first["metrics_after"]
    assert second["metrics_after"]["loss"] < first["metrics_after"]["loss"]


def test_one_file_in_a_format_of_its_own(model_folder: Path, tmp_path: Path, capsys: Any) -> None:
    """A file of questions with letters for answers is held out in part, with the chance level."""
    colours = ("red", "blue", "green", "white", "black")
    rows = [
        {
            "input": [{"role": "user", "content": f"{name} likes {colour} boxes. Which option?"}],
            "ideal": "ABCDE"[(place + shift) % 5],
        }
        for shift, name in enumerate(("Rin", "Haruka", "Otto", "Wim", "Zoe", "Ada", "Kenji"))
        for place, colour in enumerate(colours)
    ]
    path = write_jsonl(rows, tmp_path / "letters.jsonl")
    words = ("--model", model_folder, "--data", path, "--method", "lora", "--epochs", 1)
    assert train(*words, "--out", tmp_path / "out") == 0
    printed = capsys.readouterr()
    assert "no held-out rows were given" in printed.err
    assert "chance" in printed.out
    assert "0.200" in printed.out


def test_rows_come_from_a_folder_of_clean(tmp_path: Path) -> None:
    rows = [{"messages": conversation(i), "line": 10 * i} for i in range(3)]
    write_jsonl(rows, tmp_path / "kept.jsonl")
    held_out = write_jsonl([{"messages": conversation(0)}], tmp_path / "mine.jsonl")
    data, notes = training_data(tmp_path, test=held_out)
    assert list(data["train"]["line"]) == [0, 10, 20]
    assert set(data) == {"train", "test"}
    assert "near twin" in notes[0]


def test_answer_in_a_column_of_its_own(tmp_path: Path) -> None:
    rows = [{"messages": conversation(i)[:1], "answer": f"Box {i}."} for i in range(2)]
    data, _ = training_data(write_jsonl(rows, tmp_path / "asked.jsonl"))
    assert data["train"][1]["messages"][-1] == {"role": "assistant", "content": "Box 1."}


def test_too_few_rows_to_hold_any_out(tmp_path: Path) -> None:
    path = write_jsonl([{"messages": conversation(0)}], tmp_path / "one.jsonl")
    data, notes = training_data(path)
    assert set(data) == {"train"}
    assert "nothing is held out" in notes[0]


@pytest.mark.parametrize(
    ("expected", "trained", "baselines"),
    [
        (["A", "B", "B", "D"], ["B", "C", "B"], {"chance": 0.25, "majority": 0.5}),
        (["A"], ["E"], {"chance": 0.2, "majority": 0.0}),
        (["A", "yes"], ["B"], {}),
        (["F"], ["A"], {}),
    ],
)
def test_letter_baselines(
    expected: list[str], trained: list[str], baselines: dict[str, float]
) -> None:
    assert letter_baselines(expected, trained) == baselines


def test_bad_input_is_one_message(
    model_folder: Path, split_folder: Path, tmp_path: Path, capsys: Any
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"messages": [\n{"also": \n')
    half = tmp_path / "half.jsonl"
    half.write_text(json.dumps({"messages": conversation(0)}) + "\n{\n")
    hollow = tmp_path / "hollow"
    hollow.mkdir()
    no_weights = tmp_path / "no-weights"
    no_weights.mkdir()
    (no_weights / "config.json").write_text("{}")
    a_file = tmp_path / "file"
    a_file.touch()
    good: dict[str, Any] = {
        "--model": model_folder,
        "--data": split_folder,
        "--out": tmp_path / "out",
    }
    changes: list[tuple[dict[str, Any], str]] = [
        ({"--data": tmp_path / "nowhere.jsonl"}, "no file"),
        ({"--data": empty}, "is empty"),
        ({"--data": broken}, "none of the 2 lines is JSON"),
        ({"--data": half}, "line 2"),
        ({"--data": hollow}, "neither train.jsonl"),
        ({"--model": tmp_path / "nowhere"}, "no model folder"),
        ({"--model": no_weights}, "no weights"),
        ({"--out": a_file}, "is a file"),
        ({"--time-budget": "soon"}, "cannot read 'soon' as a time"),
        ({"--max-length": 3}, "--long-rows drop"),
        ({"--seed": -1}, "COURSE_SEED"),
    ]
    for change, message in changes:
        words = [word for pair in {**good, **change}.items() for word in pair]
        assert train(*words, "--method", "lora") == 2, change
        printed = capsys.readouterr()
        assert message in printed.err, change
        assert printed.out == ""
        assert "Traceback" not in printed.err


@pytest.mark.parametrize("words", [("--epochs", "0"), ("--max-length", "-1"), ("--method", "x")])
def test_unreadable_arguments_exit_with_2(words: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train("--model", "pocket", "--data", "x", "--method", "lora", "--out", "y", *words)
    assert stopped.value.code == 2


def test_long_rows_are_trained_in_small_passes(
    model_folder: Path, cpu: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight rows a step, whatever their length: the learning is the same, the memory bounded."""
    from course_lib.training import recipe

    monkeypatch.setattr(recipe, "_TOKENS_AT_ONCE", 50)
    path = write_jsonl([{"messages": conversation(i)} for i in range(9)], tmp_path / "rows.jsonl")
    data, _ = training_data(path)
    trainer, _, held_out = recipe.build(
        str(model_folder), data, cpu, method="lora", output_dir=tmp_path / "out", seed=0
    )
    args = trainer.args
    assert (args.per_device_train_batch_size, args.gradient_accumulation_steps) == (2, 4)
    assert held_out is None
    assert args.num_train_epochs == 20
    assert args.logging_steps == 4
