"""Plans, the chooser, the cards, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from course_lib.__main__ import main
from course_lib.catalog import ModelShape, shape
from course_lib.errors import CourseError
from course_lib.memory import card, choose_method, plan, resolve, seconds_per_step
from course_lib.memory.cards import names


def test_small_model_on_a_t4_gets_lora_and_hears_that_qlora_is_wrong() -> None:
    choice = choose_method("Qwen2.5-0.5B-Instruct", "t4")

    assert choice.method == "lora"
    assert "QLoRA is the wrong choice" in choice.reason


def test_7b_needs_qlora_on_a_t4_and_not_on_an_a100() -> None:
    assert choose_method("Qwen2.5-7B-Instruct", "t4").method == "qlora"
    assert choose_method("Qwen2.5-7B-Instruct", "a100-80").method == "lora"


def test_full_only_with_much_data_and_room() -> None:
    assert choose_method("Qwen2.5-0.5B-Instruct", "t4", rows=100_000).method == "full"
    assert choose_method("Qwen2.5-7B-Instruct", "t4", rows=100_000).method == "qlora"


def test_much_data_that_only_lora_can_hold_is_told_to_raise_the_rank() -> None:
    few, many = (choose_method("Qwen3-1.7B", "t4", rows=rows) for rows in (1_000, 100_000))

    assert few.method == many.method == "lora"
    assert "hardly learn more" in few.reason
    assert "higher rank" in many.reason


def test_a_saving_below_zero_is_not_called_one() -> None:
    choice = choose_method("Qwen3-4B-Instruct-2507", "t4")

    assert choice.method == "lora"
    assert choice.checkpointing
    assert "QLoRA is no gain here" in choice.reason
    assert "save -" not in choice.reason


def test_nothing_fits_and_why() -> None:
    choice = choose_method("Qwen3-8B", "3gb")

    assert choice.method is None
    assert "qlora needs" in choice.reason


def test_no_qlora_on_a_p100() -> None:
    choice = choose_method("Qwen2.5-7B-Instruct", "p100", seq_len=4096)
    found = plan("Qwen2.5-0.5B-Instruct", "p100", "qlora")

    assert choice.method is None
    assert "P100" in choice.reason
    assert not found.fits


def test_fp16_on_a_t4_and_bf16_from_capability_8() -> None:
    assert plan("Qwen2.5-0.5B-Instruct", "t4").settings["fp16"]
    assert plan("Qwen2.5-0.5B-Instruct", "a10g").settings["bf16"]
    assert card("cpu").dtype == "float32"


def test_what_does_not_fit_comes_with_what_does() -> None:
    found = plan("Qwen3-8B", "t4", "lora", seq_len=1024, batch=2)

    assert not found.fits
    assert "This would fit: qlora, 1 × 1024 tokens" in found.reasons["fits"]


def test_the_proposal_does_fit() -> None:
    found = plan("Qwen2.5-7B-Instruct", "t4", "qlora", seq_len=2048, batch=16, checkpointing=False)
    assert not found.fits
    proposal = found.reasons["fits"].split("This would fit: ")[1]
    batch = int(proposal.split(", ")[1].split(" × ")[0])

    assert plan("Qwen2.5-7B-Instruct", "t4", "qlora", seq_len=2048, batch=batch).fits


def test_checkpointing_comes_on_only_when_needed() -> None:
    def on(batch: int) -> bool:
        found = plan("Qwen2.5-1.5B-Instruct", "t4", "lora", seq_len=1024, batch=batch)
        return bool(found.settings["gradient_checkpointing"])

    assert not on(1)
    assert on(8)


LLAMA_8B = ModelShape("llama", 32, 4096, 14336, 32, 8, 128, 128256, False, 131072, False)
QWEN_14B = ModelShape("qwen3", 40, 5120, 17408, 40, 8, 128, 151936, False, 40960, False)


@pytest.mark.parametrize(
    ("model", "seq_len", "batch", "rows", "published", "ratio"),
    [
        # The two runs that the speed is calibrated on.
        (shape("TinyLlama-1.1B-Chat-v1.0"), 4096, 2, 2, 2 * 4096 / 2441, 1.05),
        (LLAMA_8B, 110, 2, 480, 462, 0.97),
        # bf16 emulated, activations offloaded: the prediction is a lower bound, and says so.
        (QWEN_14B, 1024, 1, 120, 4250, 0.20),
    ],
)
def test_speed_against_the_published_t4_runs(
    model: ModelShape, seq_len: int, batch: int, rows: int, published: float, ratio: float
) -> None:
    step = seconds_per_step(model, card("t4"), method="qlora", seq_len=seq_len, batch=batch)

    assert rows / batch * step / published == pytest.approx(ratio, abs=0.02)


def test_qlora_costs_time_on_every_card() -> None:
    for name in names():
        seconds = {
            method: seconds_per_step(
                shape("Qwen2.5-7B-Instruct"), card(name), method=method, seq_len=512, batch=2
            )
            for method in ("lora", "qlora")
        }
        assert seconds["qlora"] > seconds["lora"]


def test_command_prints_the_promised_json(capsys: pytest.CaptureFixture[str]) -> None:
    asked = "--model Qwen2.5-1.5B-Instruct --gpu t4 --method lora --seq-len 512 --batch 2"
    rc = main(["plan", *asked.split(), "--json"])
    found = json.loads(capsys.readouterr().out)

    assert rc == 0
    promised = {"peak_gib", "parts", "fits", "seconds_per_step", "settings", "reasons"}
    assert promised <= set(found)
    assert found["hours"] is None, "without --rows nobody knows"
    assert found["fits"] is True
    assert sum(found["parts"].values()) == pytest.approx(found["peak_gib"], abs=0.01)


def test_command_exits_1_where_it_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "--model", "Qwen3-8B", "--method", "full"]) == 1
    assert "does not fit" in capsys.readouterr().out


def test_command_exits_2_on_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.json").touch()
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "vision.json").write_text('{"model_type": "vit"}')
    (tmp_path / "folder").mkdir()
    for model, said in {
        "no-such-model": "catalog",
        "./nowhere": "no such file or folder",
        str(tmp_path / "empty.json"): "not valid JSON",
        str(tmp_path / "list.json"): "model_type",
        str(tmp_path / "vision.json"): "vision.json",
        str(tmp_path / "folder"): "no config.json",
    }.items():
        assert main(["plan", "--model", model]) == 2, model
        assert said in capsys.readouterr().err
    assert main(["plan", "--model", "Qwen3-8B", "--gpu", "t5"]) == 2
    assert main(["plan", "--model", "Qwen3-8B", "--batch", "0"]) == 2


def test_a_model_is_known_by_name_folder_file_and_config(tmp_path: Path) -> None:
    known = shape("Qwen2.5-0.5B-Instruct")
    known.config().save_pretrained(tmp_path)

    assert resolve(tmp_path) == known
    assert resolve(str(tmp_path / "config.json")) == known
    assert resolve(known.config()) == known
    assert resolve("qwen2.5-0.5b-instruct") == known


def test_unknown_card_names_the_known_ones() -> None:
    with pytest.raises(CourseError, match=r"rtx.*t4.*cpu"):
        card("rtx")
