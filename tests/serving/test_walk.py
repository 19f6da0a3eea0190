"""The whole flow of OpenAI's guides, through its own client, with its own models as the judge."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Server, faq, jsonl, messages, wait
from openai import OpenAI
from openai.types.fine_tuning import FineTuningJob


@pytest.fixture(scope="module")
def files(server: Server) -> tuple[str, str]:
    create = server.client.files.create
    train = create(file=("walk-train.jsonl", jsonl(faq()[:24])), purpose="fine-tune")
    held_out = faq("validation")[:10]
    valid = create(file=("walk-valid.jsonl", jsonl(held_out)), purpose="fine-tune")
    return train.id, valid.id


@pytest.fixture(scope="module")
def job(server: Server, files: tuple[str, str]) -> FineTuningJob:
    hyperparameters: Any = {"n_epochs": 4, "batch_size": 4, "learning_rate_multiplier": 1.5}
    created = server.client.fine_tuning.jobs.create(
        model="pocket",
        training_file=files[0],
        validation_file=files[1],
        suffix="walk",
        seed=7,
        method={"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        metadata={"by": "test"},
    )
    assert created.status == "validating_files"
    assert created.metadata == {"by": "test"}
    return wait(server.client, created.id)


def test_the_job_succeeds_and_tells_all_about_itself(job: FineTuningJob) -> None:
    assert job.status == "succeeded", job.error
    # Strictly what the client's own type says, with nothing that it would have to convert.
    FineTuningJob.model_validate(job.model_dump(), strict=True)
    assert job.fine_tuned_model == f"ft:pocket:course:walk:{job.id[-8:]}"
    assert job.finished_at is not None
    assert job.finished_at >= job.created_at
    assert job.trained_tokens is not None
    assert job.trained_tokens > 1000
    assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == (4, 4)


def test_every_answer_is_what_the_clients_own_types_say(
    client: OpenAI, job: FineTuningJob, files: tuple[str, str]
) -> None:
    """The client builds its objects without looking; here its types look at what was sent."""
    jobs, one, more = client.fine_tuning.jobs.with_raw_response, job.id, job.fine_tuned_model
    raw_files, models = client.files.with_raw_response, client.models.with_raw_response
    assert more is not None
    waiting = jobs.create(model="pocket", training_file=files[0])
    spare = raw_files.create(file=("spare.jsonl", jsonl(faq()[:11])), purpose="fine-tune")
    answers: list[Any] = [
        waiting, jobs.cancel(waiting.parse().id), jobs.retrieve(one), jobs.list(),
        jobs.list_events(one, limit=100), jobs.checkpoints.list(one),
        spare, raw_files.retrieve(files[0]), raw_files.list(), raw_files.delete(spare.parse().id),
        models.retrieve(more), models.list(),
    ]  # fmt: skip
    for answer in answers:
        parsed = answer.parse()
        type(parsed).model_validate_json(answer.text, strict=True)
        items = json.loads(answer.text).get("data", [])
        assert [row["id"] for row in items] == [row.id for row in getattr(parsed, "data", [])]
        for item, row in zip(items, getattr(parsed, "data", []), strict=True):
            type(row).model_validate_json(json.dumps(item), strict=True)


def test_events_come_in_order_and_in_pages(client: OpenAI, job: FineTuningJob) -> None:
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=3))  # many pages
    assert len({event.id for event in events}) == len(events)
    said = [event.message for event in reversed(events)]
    order = ["Created fine-tuning job", "Validating training file", "Validating validation file"]
    order += ["Files validated", "Fine-tuning job started", "Step 1/24"]
    order += ["New fine-tuned model created", "The job has successfully completed"]
    found = [next(i for i, text in enumerate(said) if text.startswith(start)) for start in order]
    assert found == sorted(found)
    steps = [event.data["step"] for event in reversed(events) if event.type == "metrics"]  # type: ignore[index]
    assert steps == sorted(steps)
    assert set(steps) == set(range(1, 25))


def test_every_step_has_its_metrics(client: OpenAI, job: FineTuningJob) -> None:
    events = client.fine_tuning.jobs.list_events(job.id, limit=100)
    data: list[dict[str, float]] = [event.data for event in events if event.type == "metrics"]  # type: ignore[misc]
    for row in data:
        assert 0 < row["train_loss"] < 12
        assert 0 <= row["train_mean_token_accuracy"] <= 1
        assert 0 < row["valid_loss"] < 12
    full = {row["step"]: row["full_valid_loss"] for row in data if "full_valid_loss" in row}
    assert set(full) == {6, 12, 18, 24}
    assert full[24] < full[6]


def test_the_results_are_a_csv_file(client: OpenAI, job: FineTuningJob) -> None:
    assert client.files.retrieve(job.result_files[0]).purpose == "fine-tune-results"
    rows = list(csv.DictReader(io.StringIO(client.files.content(job.result_files[0]).text)))
    assert [int(row["step"]) for row in rows] == list(range(1, 25))
    assert float(rows[-1]["train_loss"]) < float(rows[0]["train_loss"])
    assert [bool(row["full_valid_loss"]) for row in rows] == ([False] * 5 + [True]) * 4


def test_the_last_three_epochs_are_kept_and_answer(client: OpenAI, job: FineTuningJob) -> None:
    kept = list(client.fine_tuning.jobs.checkpoints.list(job.id))
    assert [checkpoint.step_number for checkpoint in kept] == [24, 18, 12]
    question: Any = faq()[0]["messages"][:1]
    answers = []
    for name in [job.fine_tuned_model, *(row.fine_tuned_model_checkpoint for row in kept)]:
        assert name is not None
        completion = client.chat.completions.create(model=name, messages=question, temperature=0)
        answers.append(completion.choices[0].message.content)
    assert answers[0] == answers[1]  # the model is that of the last epoch
    listed = {model.id for model in client.models.list()}
    assert {row.fine_tuned_model_checkpoint for row in kept} | {job.fine_tuned_model} <= listed


def test_the_tuned_model_speaks_otherwise(client: OpenAI, job: FineTuningJob) -> None:
    assert job.fine_tuned_model is not None
    answers = {
        name: [
            client.chat.completions.create(
                model=name, messages=row["messages"][:1], temperature=0, max_tokens=40
            ).choices[0].message.content or ""
            for row in faq()[:6]
        ]
        for name in ("pocket", job.fine_tuned_model)
    }  # fmt: skip
    assert not any("Yamabiko" in answer for answer in answers["pocket"])
    assert sum("Yamabiko" in answer for answer in answers[job.fine_tuned_model]) >= 4


def test_the_same_seed_gives_what_the_library_gives(
    client: OpenAI, job: FineTuningJob, tmp_path: Path, upload: Callable[..., str]
) -> None:
    from course_lib.formats import read, to_dataset
    from course_lib.runtime import start
    from course_lib.training import load_model, sft_config, sft_trainer
    from course_lib.training.adapters import lora_config

    path = tmp_path / "train.jsonl"
    path.write_bytes(jsonl(faq()[:24]))
    runtime = start(7)
    model, tokenizer = load_model("pocket", runtime)
    config = sft_config(
        runtime,
        tmp_path,
        seed=7,
        num_train_epochs=4,
        per_device_train_batch_size=4,
        learning_rate=1.5e-3,
        logging_steps=1,
    )
    rows = to_dataset({"messages": row.messages} for row in read(path).rows)
    trainer = sft_trainer(model, tokenizer, rows, config=config, peft_config=lora_config())
    trainer.train()
    ours = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=100))
    by_step = {
        event.data["step"]: event.data["train_loss"]  # type: ignore[index]
        for event in events
        if event.type == "metrics"
    }
    assert [by_step[step] for step in sorted(by_step)] == pytest.approx(ours, abs=1e-5)


def test_jobs_are_listed_the_newest_first(client: OpenAI, job: FineTuningJob) -> None:
    listed = [row.id for row in client.fine_tuning.jobs.list(limit=1)]  # pages of one
    assert job.id in listed
    created = [row.created_at for row in client.fine_tuning.jobs.list()]
    assert created == sorted(created, reverse=True)


def test_a_paused_job_goes_on_where_it_stood(client: OpenAI, files: tuple[str, str]) -> None:
    settings: Any = {"n_epochs": 6, "batch_size": 4}
    created = client.fine_tuning.jobs.create(
        model="pocket", training_file=files[0], seed=3, hyperparameters=settings
    )
    wait(client, created.id, until=("running", "failed"))
    while not any(text.startswith("Step") for text in messages(client, created.id)):
        time.sleep(0.05)
    paused = client.fine_tuning.jobs.pause(created.id)
    assert paused.status == "queued"  # the client's type has no word for it; the events do
    client.fine_tuning.jobs.resume(created.id)
    ended = wait(client, created.id)
    assert ended.status == "succeeded", ended.error
    said = messages(client, created.id)
    assert any(text.startswith("The job has been paused") for text in said)
    went_on = next(text for text in said if text.startswith("Fine-tuning job goes on from step"))
    assert 0 < int(went_on.split()[-1]) < 36
    events = list(client.fine_tuning.jobs.list_events(created.id, limit=100))
    steps = {event.data["step"] for event in events if event.type == "metrics"}  # type: ignore[index]
    assert steps == set(range(1, 37))
