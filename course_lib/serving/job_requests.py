"""What a client may ask of a job, checked: OpenAI's parameters with OpenAI's bounds."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from openai.types.graders import (
    PythonGrader,
    ScoreModelGrader,
    StringCheckGrader,
    TextSimilarityGrader,
)
from pydantic import BaseModel, ConfigDict, Field

Auto = Literal["auto"]
Epochs = Auto | Annotated[int, Field(ge=1, le=50)]
BatchSize = Auto | Annotated[int, Field(ge=1, le=256)]
Compute = Auto | Annotated[float, Field(gt=0, le=10)]
Multiplier = Auto | Annotated[float, Field(gt=0, le=100)]
Beta = Auto | Annotated[float, Field(gt=0, le=2)]


class _Request(BaseModel):
    # A misspelt parameter would otherwise train with the default, and say nothing.
    model_config = ConfigDict(extra="forbid")


class Hyperparameters(_Request):
    """Those of every method; "auto" lets the server choose."""

    n_epochs: Epochs = "auto"
    batch_size: BatchSize = "auto"
    learning_rate_multiplier: Multiplier = "auto"


class DpoHyperparameters(Hyperparameters):
    """With the weight of staying near the model that one began with."""

    beta: Beta = "auto"


class ReinforcementHyperparameters(Hyperparameters):
    """With how much is tried for each question."""

    compute_multiplier: Compute = "auto"
    eval_interval: Auto | Annotated[int, Field(ge=1)] = "auto"
    eval_samples: Auto | Annotated[int, Field(ge=1, le=16)] = "auto"
    reasoning_effort: Literal["default", "low", "medium", "high"] | None = None


class Supervised(_Request):
    """Learn the answers of the rows."""

    hyperparameters: Hyperparameters = Hyperparameters()


class Dpo(_Request):
    """Learn to prefer one answer to another."""

    hyperparameters: DpoHyperparameters = DpoHyperparameters()


Single = Annotated[
    StringCheckGrader | TextSimilarityGrader | ScoreModelGrader | PythonGrader,
    Field(discriminator="type"),
]


class Multi(_Request):
    """Several graders and a formula; OpenAI's guide names them, its client's type has one."""

    type: Literal["multi"]
    name: str
    graders: Single | dict[str, Single]
    calculate_output: str


Grader = Annotated[
    StringCheckGrader | TextSimilarityGrader | ScoreModelGrader | PythonGrader | Multi,
    Field(discriminator="type"),
]


class Reinforcement(_Request):
    """Learn from what a grader says of the model's own answers."""

    grader: Grader
    hyperparameters: ReinforcementHyperparameters = ReinforcementHyperparameters()


class Method(_Request):
    """The method and its settings."""

    type: Literal["supervised", "dpo", "reinforcement"]
    supervised: Supervised | None = None
    dpo: Dpo | None = None
    reinforcement: Reinforcement | None = None


class CreateJob(_Request):
    """The body of ``POST /v1/fine_tuning/jobs``."""

    model: str = Field(min_length=1, max_length=256)
    training_file: str = Field(min_length=1, max_length=128)
    validation_file: str | None = Field(default=None, min_length=1, max_length=128)
    suffix: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[\w.-]+$")
    seed: int | None = Field(default=None, ge=0, le=2_147_483_647)
    method: Method | None = None
    hyperparameters: Hyperparameters | None = None  # older than `method`, which wins
    metadata: dict[str, Annotated[str, Field(max_length=512)]] | None = Field(
        default=None, max_length=16
    )
    integrations: list[Any] | None = Field(default=None, max_length=0)
