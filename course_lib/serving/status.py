"""A plain page for the browser: what every job does, and its losses as curves."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from jinja2 import Environment
from sqlalchemy import select
from sqlalchemy.orm import Session

from course_lib.serving.database import Event, Job
from course_lib.serving.service import Service

_JOBS = 20
_MESSAGES = 4
# Okabe and Ito's blue and vermilion, which colour-blind readers tell apart; and a dash.
_LOSSES = (
    ("train_loss", "training loss", "#0072b2", False),
    ("full_valid_loss", "full validation loss", "#d55e00", True),
)
# Of a reinforcement job, whose loss says nothing.
_REWARDS = (
    ("train_reward_mean", "mean reward", "#0072b2", False),
    ("full_valid_reward_mean", "validation mean reward", "#d55e00", True),
)
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 630, 20, 185


def router(service: Service) -> APIRouter:
    """The route.

    Args:
        service: Whose jobs.
    """
    routes = APIRouter(include_in_schema=False)
    # Whatever a client wrote into a file's name or a suffix is text, not HTML.
    page = Environment(autoescape=True).from_string(
        files("course_lib.serving").joinpath("status.html.j2").read_text("utf-8")
    )

    @routes.get("/")
    def status() -> HTMLResponse:
        with service.sessions() as session:
            jobs = session.scalars(select(Job).order_by(Job.number.desc()).limit(_JOBS))
            shown = [_shown(session, job) for job in jobs]
        return HTMLResponse(page.render(jobs=shown))

    return routes


def _shown(session: Session, job: Job) -> dict[str, Any]:
    chosen = select(Event).where(Event.job_id == job.id).order_by(Event.number)
    events = list(session.scalars(chosen))
    metrics = [event.data for event in events if event.type == "metrics"]
    return {
        "id": job.id,
        "status": job.status,
        "model": job.model,
        "fine_tuned_model": job.fine_tuned_model,
        "error": job.error and job.error["message"],
        "step": metrics[-1]["step"] if metrics else None,
        "total_steps": metrics[-1]["total_steps"] if metrics else None,
        "messages": [event.message for event in reversed(events[-_MESSAGES:])],
        **_curves(metrics),
    }


def _curves(metrics: list[dict[str, float]]) -> dict[str, Any]:
    rewarded = any("train_reward_mean" in row for row in metrics)
    drawn = [
        (label, colour, dashed, [(row["step"], row[name]) for row in metrics if name in row])
        for name, label, colour, dashed in (_REWARDS if rewarded else _LOSSES)
    ]
    values = [value for *_, points in drawn for _, value in points]
    if len(metrics) < 2 or not values:
        return {}
    # A formula's rewards may be below zero, and all of them may be zero.
    lowest = min(0.0, *values)
    last, span = metrics[-1]["step"], max(0.0, *values) - lowest or 1.0

    def x(step: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * step / last, 1)

    def y(value: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (value - lowest) / span, 1)

    return {
        "ticks": [
            {"y": y(value), "label": f"{value:.1f}"}
            for value in (lowest + span * part for part in (0, 0.5, 1))
        ],
        "curves": [
            {
                "name": label,
                "colour": colour,
                "dashed": dashed,
                "points": " ".join(f"{x(step)},{y(value)}" for step, value in points),
            }
            for label, colour, dashed, points in drawn
            if points
        ],
    }
