"""Jobs of DPO and reinforcement: their numbers, metrics, checkpoints, results, and their errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import openai
import pytest
from conftest import LIKE, Workshop, jsonl, preferences, questions
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from course_lib.serving.progress import JobProgress

PAIRS, HELD_OUT = preferences()[:10], preferences("_validation")[:6]
# Ten questions, four a step, four answers each: two steps an epoch, and two questions left out.
SETTINGS: dict[str, dict[str, Any]] = {
    "dpo": {"n_epochs": 2, "batch_size": 4},
    "reinforcement": {"n_epochs": 3, "batch_size": 4, "compute_multiplier": 0.5},
}
ROWS: dict[str, tuple[list[Any], list[Any]]] = {
    "dpo": (PAIRS, HELD_OUT),
    "reinforcement": (questions(), questions(14)[10:]),
}


def method(kind: str, grader: Any = LIKE, **settings: Any) -> Any:
    own: dict[str, Any] = {"hyperparameters": SETTINGS[kind] | settings}
    return {"type": kind, kind: own | ({"grader": grader} if kind == "reinforcement" else {})}


@pytest.fixture(scope="module", params=["dpo", "reinforcement"])
def done(request: pytest.FixtureRequest, workshop: Workshop) -> FineTuningJob:
    train, held_out = ROWS[request.param]
    job = workshop.train(workshop.create(train, held_out, method=method(request.param)))
    assert job.status == "succeeded", job.error
    return job


def test_the_clients_own_types_hold_it(workshop: Workshop, done: FineTuningJob) -> None:
    FineTuningJob.model_validate(done.model_dump(), strict=True)
    for event in workshop.client.fine_tuning.jobs.list_events(done.id):
        FineTuningJobEvent.model_validate(event.model_dump(), strict=True)
    kept = list(workshop.client.fine_tuning.jobs.checkpoints.list(done.id))
    assert [row.step_number for row in kept] == ([6, 3] if _kind(done) == "dpo" else [6, 4, 2])
    for row in kept:
        FineTuningJobCheckpoint.model_validate(row.model_dump(), strict=True)
        assert set(row.metrics.model_dump()) == set(type(row.metrics).model_fields)
        assert row.metrics.train_loss is not None
    assert done.trained_tokens is not None
    assert done.trained_tokens > 500


def test_auto_became_a_number(done: FineTuningJob) -> None:
    assert done.method is not None
    used = getattr(done.method, _kind(done)).hyperparameters.model_dump(exclude_none=True)
    more = {
        "dpo": {"beta": 0.1},
        "reinforcement": {"compute_multiplier": 0.5, "eval_interval": 2, "eval_samples": 1},
    }[_kind(done)]
    assert used == SETTINGS[_kind(done)] | {"learning_rate_multiplier": 1.0} | more


def test_every_step_has_the_methods_metrics(workshop: Workshop, done: FineTuningJob) -> None:
    data = workshop.metrics(done)
    assert {row["step"] for row in data} == set(range(1, 7))
    if _kind(done) == "dpo":
        assert data[0]["train_loss"] == pytest.approx(0.6931, abs=1e-3)  # log 2: no step yet
        assert all(0 <= row["train_reward_accuracy"] <= 1 for row in data)
        assert all("valid_reward_margin" in row for row in data)
        full = [row["full_valid_reward_margin"] for row in data if "full_valid_loss" in row]
        assert len(full) == 2
        assert full[1] > full[0]
    else:
        assert all(0 <= row["train_reward_mean"] <= 1 for row in data)
        assert {row["step"] for row in data if "full_valid_reward_mean" in row} == {2, 4, 6}
        assert not any("full_valid_loss" in row for row in data)
        said = [event.message for event in workshop.client.fine_tuning.jobs.list_events(done.id)]
        assert any("2 of 10 are left out of each epoch" in text for text in said)


def test_results_have_the_methods_columns(workshop: Workshop, done: FineTuningJob) -> None:
    rows = workshop.results(done)
    assert [int(row["step"]) for row in rows] == list(range(1, 7))
    name = {"dpo": "reward_margin", "reinforcement": "reward_mean"}[_kind(done)]
    assert all(row[f"train_{name}"] for row in rows)
    assert rows[-1][f"full_valid_{name}"]


def test_its_checkpoint_answers_and_is_trained_on(workshop: Workshop, done: FineTuningJob) -> None:
    kept = workshop.client.fine_tuning.jobs.checkpoints.list(done.id).data
    base = kept[0].fine_tuned_model_checkpoint
    said = workshop.client.chat.completions.create(
        model=base, messages=[{"role": "user", "content": "Hi"}], temperature=0, max_tokens=4
    )
    assert said.choices[0].message.content
    # What is measured against is now the adapter as it is, and it is no part of the new model.
    kind = _kind(done)
    more = workshop.create(ROWS[kind][0], model=base, method=method(kind, n_epochs=1))
    ended = workshop.train(more)
    assert ended.status == "succeeded", ended.error
    if kind == "dpo":
        assert workshop.metrics(ended)[0]["train_reward_margin"] == pytest.approx(0, abs=1e-4)
    folder = workshop.service.home.job(ended.id) / "model"
    assert not any(path.is_dir() for path in folder.iterdir())


def test_a_run_that_was_cut_off_ends_the_same(
    workshop: Workshop, done: FineTuningJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = _kind(done)
    job = workshop.create(*ROWS[kind], method=method(kind))
    seen = JobProgress.on_step_end

    def cut_off(self: JobProgress, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == 5:  # in the last epoch; the newest checkpoint is of its beginning
            raise KeyboardInterrupt
        seen(self, args, state, control, **more)

    monkeypatch.setattr(JobProgress, "on_step_end", cut_off)
    with pytest.raises(KeyboardInterrupt):
        workshop.train(job)
    monkeypatch.undo()
    workshop.requeue(job)
    ended = workshop.train(job)
    assert ended.status == "succeeded", ended.error
    assert workshop.weights(ended) == workshop.weights(done)
    assert workshop.metrics(ended) == workshop.metrics(done)
    assert ended.trained_tokens == done.trained_tokens


def test_dpo_gives_what_the_library_gives(workshop: Workshop, tmp_path: Path) -> None:
    from course_lib.formats import read, to_dataset
    from course_lib.runtime import start
    from course_lib.training import load_model
    from course_lib.training.adapters import lora_config
    from course_lib.training.dpo import dpo_config, dpo_trainer

    job = workshop.train(workshop.create(PAIRS, method=method("dpo")))
    path = tmp_path / "pairs.jsonl"
    path.write_bytes(jsonl(PAIRS))
    pairs = to_dataset(
        {
            "messages": [],
            "prompt": (row.messages or [])[: row.prompt_length],
            "chosen": (row.messages or [])[row.prompt_length :],
            "rejected": row.rejected,
        }
        for row in read(path).rows
    )
    runtime = start(0)
    model, tokenizer = load_model("pocket", runtime)
    config = dpo_config(
        runtime, tmp_path, seed=0, num_train_epochs=2, per_device_train_batch_size=4,
        logging_steps=1,
    )  # fmt: skip
    trainer = dpo_trainer(model, tokenizer, pairs, config=config, peft_config=lora_config())
    trainer.train()
    log = [entry for entry in trainer.state.log_history if "loss" in entry]
    steps = {row["step"]: row for row in workshop.metrics(job)}
    for name, theirs in (("train_loss", "loss"), ("train_reward_margin", "rewards/margins")):
        ours = [steps[entry["step"]][name] for entry in log]
        assert ours == pytest.approx([entry[theirs] for entry in log], abs=1e-5)
    trainer.save_model(str(tmp_path / "model"))
    saved = (tmp_path / "model" / "adapter_model.safetensors").read_bytes()
    assert workshop.weights(job) == saved


MULTI = {
    "type": "multi", "name": "both", "calculate_output": "0.5 * like + 0.5 * short",
    "graders": {"like": LIKE, "short": {**LIKE, "evaluation_metric": "rouge_l", "name": "short"}},
}  # fmt: skip


def test_graders_by_name_and_a_formula_that_fails_on_some_answers(workshop: Workshop) -> None:
    failing = MULTI | {"calculate_output": "1 / (like - like) + short"}
    job = workshop.create(
        questions(), method=method("reinforcement", MULTI | {"name": "a"}, n_epochs=1)
    )
    assert job.method is not None
    assert workshop.train(job).status == "succeeded"
    with pytest.raises(openai.BadRequestError, match="cannot be computed"):
        workshop.create(questions(), method=method("reinforcement", failing))
    # It can be computed where all are 1 or all are 0, which is what is tried; not in between.
    failing["calculate_output"] = "sqrt(abs(like - 0.5) - 0.45)"
    job = workshop.train(
        workshop.create(questions(), method=method("reinforcement", failing, n_epochs=1))
    )
    assert job.status == "succeeded"
    events = workshop.client.fine_tuning.jobs.list_events(job.id).data
    assert any(e.level == "warn" and "which count as 0" in e.message for e in events)


BAD_GRADERS = [
    ({"type": "python", "name": "p", "source": "def grade(s, i): return 1"}, "runs no code"),
    ({"type": "score_model", "name": "s", "model": "pocket", "input": []}, "needs a judge"),
    ({**LIKE, "reference": "{{ item.answer"}, "cannot be read"),
    ({**MULTI, "calculate_output": "like +"}, "cannot be computed"),
    ({**MULTI, "graders": {"p": {"type": "python", "name": "p", "source": ""}}}, "runs no code"),
]


@pytest.mark.parametrize(("grader", "message"), BAD_GRADERS)
def test_a_grader_that_cannot_be_run_is_refused(
    workshop: Workshop, grader: Any, message: str
) -> None:
    for ask in (
        lambda: workshop.create(questions(), method=method("reinforcement", grader)),
        lambda: workshop.client.fine_tuning.alpha.graders.validate(grader=grader),
    ):
        with pytest.raises(openai.BadRequestError, match=message) as caught:
            ask()
        assert caught.value.code == "invalid_grader"
        assert str(caught.value.param).endswith("grader")


@pytest.mark.parametrize(
    "grader",
    [{"type": "magic"}, {**LIKE, "evaluation_metric": "taste"}, {**MULTI, "graders": {"a": {}}}],
)
def test_what_is_no_grader_is_refused(workshop: Workshop, grader: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        workshop.create(questions(), method=method("reinforcement", grader))
    assert str(caught.value.param).startswith("method.reinforcement.grader")


def test_a_grader_is_tried_out_before_a_job(workshop: Workshop) -> None:
    graders = workshop.client.fine_tuning.alpha.graders
    checked: Any = LIKE
    assert graders.validate(grader=checked).grader.model_dump(exclude_none=True) == LIKE
    both: Any = MULTI
    ran = graders.run(grader=both, model_sample="I like pears.", item={"answer": "I like pears."})
    type(ran).model_validate(ran.model_dump(by_alias=True))
    assert ran.reward == 1
    assert ran.sub_rewards == {"like": 1, "short": 1}
    with pytest.raises(openai.BadRequestError, match="does not fit the row"):
        graders.run(grader=checked, model_sample="Hi", item={"question": "?"})


WRONG_ROWS = [
    ("dpo", {"messages": []}, "there is no 'input'"),
    ("dpo", {**PAIRS[0], "preferred_output": []}, "preferred_output must be a list"),
    ("dpo", {k: v for k, v in PAIRS[0].items() if k != "preferred_output"}, "no 'preferred_outp"),
    ("dpo", {**PAIRS[0], "non_preferred_output": PAIRS[0]["preferred_output"]}, "are the same"),
    ("dpo", {**PAIRS[0], "preferred_output": [{"role": "assistant", "content": " "}]}, "is empty"),
    ("reinforcement", {"messages": PAIRS[0]["preferred_output"]}, "must be the user's"),
    ("reinforcement", {"messages": questions()[0]["messages"]}, "does not fit the row"),
]


@pytest.mark.parametrize(("kind", "row", "message"), WRONG_ROWS)
def test_rows_of_another_method_fail_the_job(
    workshop: Workshop, kind: str, row: dict[str, Any], message: str
) -> None:
    job = workshop.train(workshop.create([*ROWS[kind][0], row], method=method(kind)))
    assert job.error is not None
    assert job.error.code == "invalid_training_file"
    assert "Line 11: " in job.error.message
    assert message in job.error.message


LONG = {"role": "user", "content": "pear " * 3000}


def test_what_is_too_long_is_left_out_and_named(workshop: Workshop) -> None:
    pair = json.loads(json.dumps(PAIRS[0])) | {"input": {"messages": [LONG]}}
    one = {**questions()[0], "messages": [LONG]}
    for kind, row in (("dpo", pair), ("reinforcement", one)):
        rows = [*ROWS[kind][0], row]
        job = workshop.train(workshop.create(rows, method=method(kind, n_epochs=1)))
        assert job.status == "succeeded", job.error
        events = workshop.client.fine_tuning.jobs.list_events(job.id).data
        warned = [event.message for event in events if event.level == "warn"]
        assert any("are not used (line 11)" in text for text in warned)
        none = workshop.train(workshop.create([row] * 10, method=method(kind)))
        assert none.error is not None
        assert none.error.code == "invalid_training_file"
        assert "are longer than" in none.error.message


def _kind(job: FineTuningJob) -> str:
    assert job.method is not None
    return job.method.type
