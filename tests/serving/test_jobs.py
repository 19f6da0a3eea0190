"""Jobs at the edges of what is allowed, and the reason that each failed one gives."""

from __future__ import annotations

import errno
import shutil
import sys
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest
from conftest import Server, Workshop, faq, messages, wait
from openai import OpenAI

from course_lib.errors import NotSaved, OutOfMemory
from course_lib.serving import worker
from course_lib.serving.database import Model, writing
from course_lib.serving.progress import JobProgress

TEN: list[Any] = faq()[:10]
ONE_EPOCH: Any = {"n_epochs": 1, "batch_size": 4}
ASKED: Any = [{"role": "user", "content": "Hi"}]


def long_row(words: int, answer: str = "pear") -> dict[str, Any]:
    question = {"role": "user", "content": "pear " * words}
    return {"messages": [question, {"role": "assistant", "content": answer}]}


def warnings(workshop: Workshop, job_id: str) -> list[str]:
    events = workshop.client.fine_tuning.jobs.list_events(job_id, limit=100)
    return [event.message for event in events if event.level == "warn"]


# ---- rows that do not fit ----


def test_rows_over_the_limit_are_cut_and_named(workshop: Workshop) -> None:
    # Line 3 still has some of its answer when it is cut, line 12 none of it.
    rows = [*TEN[:2], long_row(5, "pear " * 1500), *TEN[2:], long_row(1500)]
    job = workshop.train(workshop.create(rows, hyperparameters=ONE_EPOCH))
    assert job.status == "succeeded", job.error
    (said,) = warnings(workshop, job.id)
    assert "2 training example(s) are longer than the model's 1,024 tokens" in said
    assert "(line 3, 12)" in said
    assert "1 of them had no answer left" in said
    assert len({row["step"] for row in workshop.metrics(job)}) == 3  # eleven rows, four a step


def test_a_file_of_rows_over_the_limit_fails_with_the_reason(workshop: Workshop) -> None:
    rows = [long_row(1500 + extra) for extra in range(10)]
    for files, side in (((rows,), "training"), ((TEN, rows), "validation")):
        job = workshop.train(workshop.create(*files, hyperparameters=ONE_EPOCH))
        assert job.error is not None
        assert (job.error.code, job.error.param) == (f"invalid_{side}_file", f"{side}_file")
        assert f"all 10 {side} examples are longer than 1,024 tokens" in job.error.message


# ---- sizes ----


@pytest.mark.parametrize(
    ("held_out", "batch_size"),
    [(1, 4), (3, 4), (None, 256)],
    ids=["one row", "less than a batch", "a batch of more rows than there are"],
)
def test_few_rows_are_trained_on(workshop: Workshop, held_out: int | None, batch_size: int) -> None:
    rows = None if held_out is None else faq("validation")[:held_out]
    settings = ONE_EPOCH | {"batch_size": batch_size}
    job = workshop.train(workshop.create(TEN, rows, hyperparameters=settings))
    assert job.status == "succeeded", job.error
    steps = -(-10 // batch_size)
    data = workshop.metrics(job)
    assert {row["step"] for row in data} == set(range(1, steps + 1))
    assert [row["step"] for row in data if "full_valid_loss" in row] == [steps] * bool(held_out)
    if held_out == 1:  # all of the rows are in every look
        last = data[-1]
        assert last["valid_loss"] == pytest.approx(last["full_valid_loss"], abs=1e-4)


# ---- names and deletions ----


def test_a_name_in_any_script_and_a_model_that_is_deleted(workshop: Workshop) -> None:
    client = workshop.client
    job = workshop.train(
        workshop.create(TEN, suffix="山びこ-été", hyperparameters=ONE_EPOCH | {"n_epochs": 2})
    )
    name = job.fine_tuned_model
    assert name == f"ft:pocket:course:山びこ-été:{job.id[-8:]}"
    assert client.models.retrieve(name).id == name

    def said(model: str) -> str | None:
        chosen = client.chat.completions.create(
            model=model, messages=ASKED, temperature=0, max_tokens=6
        ).choices[0]
        return chosen.message.content

    kept = client.fine_tuning.jobs.checkpoints.list(job.id).data[0].fine_tuned_model_checkpoint
    answer = said(name)
    assert client.models.delete(name).deleted
    # It was loaded, and is gone all the same; its checkpoint is a model of its own.
    with pytest.raises(openai.NotFoundError):
        said(name)
    with pytest.raises(openai.NotFoundError):
        client.models.delete(name)
    assert not (workshop.service.home.job(job.id) / "model").exists()
    assert said(kept) == answer
    more = workshop.train(workshop.create(TEN, model=kept, hyperparameters=ONE_EPOCH))
    assert more.status == "succeeded", more.error
    assert (more.fine_tuned_model or "").startswith("ft:pocket:course::")
    losses = [row["train_loss"] for row in workshop.metrics(more)]
    assert max(losses) < workshop.metrics(job)[0]["train_loss"]  # from where the checkpoint was
    assert client.models.delete(kept).deleted
    with pytest.raises(openai.BadRequestError, match="does not exist here"):
        workshop.create(TEN, model=kept)
    assert len(client.fine_tuning.jobs.checkpoints.list(job.id).data) == 2


def test_a_model_that_a_job_waits_for_cannot_be_deleted(workshop: Workshop) -> None:
    first = workshop.train(workshop.create(TEN, hyperparameters=ONE_EPOCH))
    assert first.fine_tuned_model is not None
    waiting = workshop.create(TEN, model=first.fine_tuned_model)
    with pytest.raises(openai.ConflictError, match=waiting.id):
        workshop.client.models.delete(first.fine_tuned_model)
    workshop.client.fine_tuning.jobs.cancel(waiting.id)
    assert workshop.client.models.delete(first.fine_tuned_model).deleted


def test_a_job_paused_at_the_end_of_an_epoch_keeps_its_checkpoint(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = workshop.create(TEN, hyperparameters=ONE_EPOCH | {"n_epochs": 2})
    jobs, seen = workshop.client.fine_tuning.jobs, JobProgress.on_step_end

    def paused(self: JobProgress, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == 3:
            jobs.pause(job.id)
        seen(self, args, state, control, **more)

    monkeypatch.setattr(JobProgress, "on_step_end", paused)
    assert workshop.train(job).status == "queued"
    assert [row.step_number for row in jobs.checkpoints.list(job.id)] == [3]
    # The client's type has no "paused": the last event says it.
    assert (
        jobs.list_events(job.id).data[0].message
        == "The job is paused at step 3, and can be resumed"
    )
    monkeypatch.undo()
    jobs.resume(job.id)
    ended = workshop.train(job)
    assert ended.status == "succeeded", ended.error
    assert [row.step_number for row in jobs.checkpoints.list(job.id)] == [6, 3]


def test_nothing_that_a_job_loads_is_a_pickle(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[Any] = []
    watching = False

    def hook(event: str, arguments: Any) -> None:
        if watching and event == "pickle.find_class":
            loaded.append(arguments)

    sys.addaudithook(hook)  # for good; it looks away when this is over
    first = workshop.train(workshop.create(TEN, hyperparameters=ONE_EPOCH))
    job = workshop.create(TEN, model=first.fine_tuned_model, hyperparameters=ONE_EPOCH)
    jobs, seen = workshop.client.fine_tuning.jobs, JobProgress.on_step_end

    def paused(self: JobProgress, args: Any, state: Any, control: Any, **more: Any) -> None:
        if state.global_step == 2:
            jobs.pause(job.id)
        seen(self, args, state, control, **more)

    with monkeypatch.context() as patch:
        patch.setattr(JobProgress, "on_step_end", paused)
        assert workshop.train(job).status == "queued"
    jobs.resume(job.id)
    watching = True  # from here on: a tuned model, and the optimizer and the dice of a checkpoint
    ended = workshop.train(job)
    said = workshop.client.chat.completions.create(
        model=ended.fine_tuned_model or "", messages=ASKED, max_tokens=2
    )
    watching = False
    assert ended.status == "succeeded", ended.error
    assert said.choices
    assert loaded == []


# ---- reasons ----


def test_a_model_that_cannot_be_loaded_is_the_reason(workshop: Workshop) -> None:
    first = workshop.train(workshop.create(TEN, hyperparameters=ONE_EPOCH))
    model = first.fine_tuned_model
    (workshop.service.home.job(first.id) / "model" / "adapter_model.safetensors").unlink()
    job = workshop.train(workshop.create(TEN, model=model))
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_model", "model")
    assert "no weights" in job.error.message


def test_a_folder_that_cannot_be_written_is_the_reason(workshop: Workshop) -> None:
    job = workshop.create(TEN, hyperparameters=ONE_EPOCH)
    folder = workshop.service.home.job(job.id)
    folder.mkdir()
    (folder / "run").write_text("where the run's checkpoints should go", "utf-8")
    ended = workshop.train(job)
    assert ended.error is not None
    assert (ended.error.code, ended.error.param) == ("disk_full", None)
    assert "checkpoints cannot be kept in" in ended.error.message


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OutOfMemory("out of memory at step 3"), "out_of_memory"),
        (MemoryError(), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "out_of_memory"),
        (NotSaved("the folder is full"), "disk_full"),
        (OSError(errno.ENOSPC, "No space left on device", "model"), "disk_full"),
    ],
)
def test_memory_and_disk_have_their_own_codes(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, error: Exception, code: str
) -> None:
    # That training raises these is tested where it does (tests/training).
    def fails(*_: Any) -> None:
        raise error

    job = workshop.create(TEN)
    monkeypatch.setattr(worker, "train", fails)
    ended = workshop.train(job)
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", code)
    assert ended.error.message


def test_what_nobody_foresaw_is_left_to_the_server(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    job = workshop.create(TEN)
    monkeypatch.setattr(worker, "train", fails)
    with pytest.raises(OSError, match="Input/output"):
        workshop.train(job)
    workshop.client.fine_tuning.jobs.cancel(job.id)


# ---- several at once, in a real server ----


def test_the_queue_keeps_its_order_and_chat_answers_meanwhile(
    server: Server, client: OpenAI, upload: Callable[..., str]
) -> None:
    rows = upload(TEN)
    settings: Any = {"n_epochs": 8, "batch_size": 4}
    first, second, third = (
        client.fine_tuning.jobs.create(
            model="pocket", training_file=rows, seed=0, hyperparameters=settings
        ).id
        for _ in range(3)
    )
    client.fine_tuning.jobs.cancel(second)
    assert wait(client, first, until=("running",)).status == "running"
    assert client.fine_tuning.jobs.retrieve(third).status != "running"
    answers = []

    def chat() -> None:
        while client.fine_tuning.jobs.retrieve(first).status == "running":
            said = client.chat.completions.create(
                model="pocket", messages=ASKED, temperature=0, max_tokens=8
            )
            answers.append(said.choices[0].message.content)

    together = [threading.Thread(target=chat) for _ in range(2)]
    for thread in together:
        thread.start()
    ended = wait(client, first)
    for thread in together:
        thread.join()
    assert ended.status == "succeeded", ended.error
    assert len(answers) >= 2
    assert len(set(answers)) == 1
    # The first of the two that waited was cancelled, and the next is taken.
    wait(client, third, until=("running", "succeeded"))
    client.fine_tuning.jobs.cancel(third)
    assert client.fine_tuning.jobs.retrieve(second).status == "cancelled"
    assert not any(text.startswith("Fine-tuning job started") for text in messages(client, second))


def test_a_base_model_that_is_gone_is_told_in_chat_too(workshop: Workshop) -> None:
    lost = workshop.service.home.path / "lost"
    shutil.rmtree(lost, ignore_errors=True)
    with writing(workshop.service.sessions) as session:
        session.add(Model(id="lost", source=str(lost)))
    with pytest.raises(openai.InternalServerError, match="lost"):
        workshop.client.chat.completions.create(model="lost", messages=ASKED)
    job = workshop.train(workshop.create(TEN, model="lost"))
    assert job.error is not None
    assert job.error.code == "invalid_model"
