"""The committed model and its card: small, quick, plainly loaded, and honest about itself."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from course_lib import __main__ as command
from course_lib import runtime
from course_lib.errors import CourseError
from course_lib.pocket import score, speed
from course_lib.pocket.card import write_card


@pytest.fixture(scope="module")
def pocket() -> Any:
    """The model and its tokenizer, by plain transformers."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = runtime.data_path("pocket")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype="float32")
    return model, AutoTokenizer.from_pretrained(folder)


def test_it_is_small(pocket: Any) -> None:
    assert pocket[0].num_parameters() < 8_000_000
    assert 1_000_000 < speed.weights_bytes(runtime.data_path("pocket")) < 20_000_000


def test_it_answers_within_a_second_on_one_thread(pocket: Any) -> None:
    assert speed.seconds_to_answer(*pocket) < 1


def test_it_stops_by_itself(pocket: Any) -> None:
    model, tokenizer = pocket
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of Japan?"}],
        add_generation_prompt=True,
        return_dict=True,
        return_tensors="pt",
    )
    written = model.generate(**ids, max_new_tokens=40, do_sample=False)
    assert written[0, -1] == tokenizer.eos_token_id


@pytest.mark.parametrize("verb", ["score", "card"])
def test_a_folder_without_weights_is_one_clear_message(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copy(runtime.data_path("pocket") / "config.json", tmp_path)
    assert command.main(["pocket", verb, "--model", str(tmp_path)]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("course_lib pocket: ")
    assert str(tmp_path) in message


def test_a_figure_that_falls_short_is_named() -> None:
    good = dict.fromkeys(score.THRESHOLDS, 1.0) | {score.NO_CONTEXT: 0.0}
    assert score.shortfalls(good, good) == []
    assert score.shortfalls(good | {"japanese": 0.795}, good)[0].startswith("japanese: 79.5%")
    assert len(score.shortfalls(good, good | {"unknown": 0.9})) == 1
    assert score.shortfalls(good, good | {"unknown": 0.95}) == []
    known = score.shortfalls(good | {score.NO_CONTEXT: 0.02}, good)
    assert known == ["company, no context: 2.0%, must stay under 2%"]


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A copy of the model with scores that fall short in one place."""
    source = runtime.data_path("pocket")
    for name in ("config.json", "model.safetensors"):
        shutil.copy(source / name, tmp_path)
    skills = dict.fromkeys(score.THRESHOLDS, 0.97) | {score.NO_CONTEXT: 0.0, "form: json": 0.81}
    scores = {
        "skills": skills,
        "skills_nf4": skills,
        "thresholds": score.THRESHOLDS,
        "shortfalls": score.shortfalls(skills, skills),
        "counts": dict.fromkeys(skills, 200),
        "seed": 0,
        "parameters": 5_000_000,
        "weights": speed.weights_digest(tmp_path),
        "tokens_per_second": 9000,
        "seconds_per_answer_one_core": 0.2,
    }
    score.write_scores(scores, tmp_path)
    facts = {"steps": 100, "tokens": 627_200, "hours": 1.5, "cores": 3, "torch": "2.9.0"}
    (tmp_path / "training.json").write_text(json.dumps(facts))
    return tmp_path


def test_the_card_states_what_falls_short(scored: Path) -> None:
    card = write_card(scored).read_text(encoding="utf-8")
    assert "| form: json | 200 | 81.0% | 81.0% | at least 90% | **falls short** |" in card
    assert "| context | 200 | 97.0% | 97.0% | at least 90% | holds |" in card
    assert "- form: json: 81.0%, at least 90%" in card
    assert "1.5 hours on 3 CPU cores" in card
    assert max(map(len, card.splitlines())) < 130


def test_the_card_s_own_example_runs(scored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = write_card(scored).read_text(encoding="utf-8").split("```")[1].removeprefix("python\n")
    monkeypatch.chdir(runtime.data_path().parent)
    exec(code, {})


def test_the_card_refuses_scores_of_other_weights(scored: Path) -> None:
    (scored / "model.safetensors").write_bytes(b"others")
    with pytest.raises(CourseError, match="scores of other weights"):
        write_card(scored)


def test_the_card_says_which_fact_is_missing(scored: Path) -> None:
    (scored / "training.json").write_text('{"steps": 100}')
    with pytest.raises(CourseError, match=r"training\.json lacks tokens, hours, cores, torch"):
        write_card(scored)
