"""The routes that try a grader out before a job is paid for, and what graders there are here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from openai.types.fine_tuning.alpha import GraderRunResponse
from pydantic import BaseModel, ConfigDict
from simpleeval import InvalidExpression

from course_lib.errors import CourseError
from course_lib.serving.errors import ApiError
from course_lib.serving.job_requests import Grader

if TYPE_CHECKING:
    from course_lib.evaluation.graders import Grade

#: What a formula may raise on some answers: log(0), a division by a score of 0.
FORMULA_FAILS = (InvalidExpression, ArithmeticError, TypeError, ValueError)

_ELSEWHERE = {
    "python": "a Python grader is code, and this server runs no code that a client sends",
    "score_model": (
        "a score_model grader needs a judge, and this server has none that was measured "
        "(course_lib.evaluation.calibration measures one)"
    ),
}


class ValidateGrader(BaseModel):
    """The body of ``POST /v1/fine_tuning/alpha/graders/validate``."""

    model_config = ConfigDict(extra="forbid")
    grader: Grader


class RunGrader(ValidateGrader):
    """The body of ``POST /v1/fine_tuning/alpha/graders/run``."""

    model_sample: str
    item: dict[str, Any] = {}


class ValidatedGrader(BaseModel):
    """The grader, as it was understood."""

    grader: Grader


def router() -> APIRouter:
    """The routes."""
    routes = APIRouter(prefix="/v1/fine_tuning/alpha/graders")

    @routes.post("/validate")
    def validate(request: ValidateGrader) -> ValidatedGrader:
        _usable(request)
        return ValidatedGrader(grader=request.grader)

    @routes.post("/run")
    def run(request: RunGrader) -> GraderRunResponse:
        grade = _usable(request)
        began = time.monotonic()
        try:
            reward = grade(request.model_sample, request.item)
        except FORMULA_FAILS as error:
            raise ApiError(f"The grader fails on this answer: {error}", param="item") from error
        return _ran(request, reward, time.monotonic() - began)

    return routes


def usable_grader(definition: Mapping[str, Any]) -> Grade:
    """Turn a grader's definition into a function, if this server can run it.

    Args:
        definition: As in the request.

    Returns:
        A function of the answer and the row.

    Raises:
        CourseError: It cannot be run here, or its template or formula cannot be read.

    Example:
        >>> usable_grader({"type": "string_check", "operation": "like"})("Ann!", {"answer": "Ann"})
        1.0
    """
    for part in (definition, *_parts(definition).values()):
        reason = _ELSEWHERE.get(str(part.get("type")))
        if reason is not None:
            raise CourseError(f"{reason}: use string_check, text_similarity or multi")
    from course_lib.evaluation import grader

    return grader(definition)


def _parts(definition: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    given = definition.get("graders") or {}
    return {given["name"]: given} if "type" in given else given


def _usable(request: ValidateGrader) -> Grade:
    try:
        return usable_grader(request.grader.model_dump(mode="json"))
    except CourseError as error:
        raise ApiError(str(error), param="grader", code="invalid_grader") from error


def _ran(request: RunGrader, reward: float, seconds: float) -> GraderRunResponse:
    definition = request.grader.model_dump(mode="json")
    scores = {
        name: usable_grader(part)(request.model_sample, request.item)
        for name, part in _parts(definition).items()
    }
    errors = (
        "formula_parse_error", "invalid_variable_error", "model_grader_parse_error",
        "model_grader_refusal_error", "model_grader_server_error", "other_error",
        "python_grader_runtime_error", "python_grader_server_error", "sample_parse_error",
        "truncated_observation_error", "unresponsive_reward_error",
    )  # fmt: skip
    return GraderRunResponse.model_validate(
        {
            "reward": reward,
            "sub_rewards": scores,
            "model_grader_token_usage_per_model": {},
            "metadata": {
                "name": definition["name"],
                "type": definition["type"],
                "scores": scores,
                "execution_time": seconds,
                "errors": dict.fromkeys(errors, False),
            },
        }
    )
