"""The status page, in a real browser: its key, its curves, and text of clients that is no HTML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest
from conftest import Server, Workshop, faq, preferences, wait
from openai import OpenAI

from course_lib.serving.database import add_event, writing

SCRIPT = "<script>document.title = 'taken over'</script>"


@pytest.mark.browser
def test_the_page_shows_what_clients_wrote_as_text(
    browser: Any, server: Server, client: OpenAI, upload: Callable[..., str]
) -> None:
    # A key of a row comes back in the message that says what is wrong with it.
    rows = [*faq()[:10], {SCRIPT: 1}]
    file_id = upload(rows, f"{SCRIPT}.jsonl")
    with pytest.raises(openai.BadRequestError, match="suffix"):
        client.fine_tuning.jobs.create(model="pocket", training_file=file_id, suffix=SCRIPT)
    job = client.fine_tuning.jobs.create(model="pocket", training_file=file_id)
    assert wait(client, job.id).status == "failed"

    url = server.url.removesuffix("/v1")
    login = {"username": "anybody", "password": server.key}
    context = browser.new_context(http_credentials=login)
    page = context.new_page()
    assert page.goto(url).status == 200
    assert page.title() == "Fine-tuning jobs"
    shown = page.locator("article", has_text=job.id)
    assert SCRIPT in shown.inner_text()
    # The page loads itself again every few seconds: what is folded open would fall shut.
    assert shown.get_by_text("Created fine-tuning job").is_visible()
    assert page.locator("script").count() == 0
    context.close()

    stranger = browser.new_context(http_credentials=login | {"password": "sk-wrong"})
    assert stranger.new_page().goto(url).status == 401
    stranger.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (("train_loss", "full_valid_loss"), ["training loss", "full validation loss"]),
        (("train_reward_mean",), ["mean reward"]),
    ],
)
def test_the_page_draws_the_curves(
    browser: Any, workshop: Workshop, names: tuple[str, ...], shown: list[str]
) -> None:
    job = workshop.create(preferences()[:10])
    values = [-0.5, 0.25, 1.0]  # rewards of a formula may be below zero
    with writing(workshop.service.sessions) as session:
        for step, value in enumerate(values, start=1):
            data: dict[str, Any] = {"step": step, "total_steps": 3}
            data |= dict.fromkeys(names, value)
            add_event(session, job.id, f"Step {step}/3", type="metrics", data=data)
    page = browser.new_page()
    page.set_content(workshop.client.get("http://127.0.0.1/", cast_to=str))
    article = page.locator("article", has_text=job.id)
    assert "3 of 3" in article.inner_text()
    heights = []
    for index, name in enumerate(shown):
        assert article.locator("svg text", has_text=name).count() >= 1
        points = article.locator("polyline").nth(index).get_attribute("points").split()
        heights.append([float(point.split(",")[1]) for point in points])
    frame = page.locator("article", has_text=job.id).locator("svg").get_attribute("viewBox")
    bottom = float(frame.split()[3])
    assert all(0 <= y <= bottom for curve in heights for y in curve)
    assert all(curve == sorted(curve, reverse=True) for curve in heights)
    page.close()
    workshop.client.fine_tuning.jobs.cancel(job.id)
