"""What is estimated before a job: tokens of all epochs, times a price."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import faq

from course_lib.errors import CourseError
from course_lib.runtime import detect
from course_lib.serving.costs import training_costs
from course_lib.tokenization.conversation import apply_template
from course_lib.training.models import load_tokenizer

PRICES = {"mini": 3.0, "large": 25.0}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return load_tokenizer("pocket", detect())


def test_every_token_of_every_epoch_is_billed(tokenizer: Any) -> None:
    rows = faq()[:5]
    encoded = apply_template(tokenizer, [row["messages"] for row in rows], [None] * 5)
    once = sum(len(ids) for ids in encoded["input_ids"])
    bill = training_costs(rows, tokenizer, PRICES, n_epochs=3)
    assert bill["model"].tolist() == ["mini", "large"]
    assert bill["tokens"].tolist() == [3 * once, 3 * once]
    assert bill["cost"].tolist() == pytest.approx([3 * once * 3e-6, 3 * once * 25e-6])


def test_rows_may_come_from_anywhere(tokenizer: Any) -> None:
    rows = faq()[:5]
    listed = training_costs(rows, tokenizer, PRICES, n_epochs=1)
    assert training_costs(iter(rows), tokenizer, PRICES, n_epochs=1).equals(listed)


def test_nothing_asked_costs_nothing(tokenizer: Any) -> None:
    assert training_costs(faq()[:2], tokenizer, {}, n_epochs=1).empty
    assert training_costs(faq()[:2], tokenizer, {"own": 0.0}, n_epochs=1)["cost"].tolist() == [0.0]


@pytest.mark.parametrize(
    ("prices", "epochs"), [({"mini": -1.0}, 1), ({"mini": 1.0}, 0), ({"mini": 1.0}, -2)]
)
def test_nonsense_is_told(tokenizer: Any, prices: dict[str, float], epochs: int) -> None:
    with pytest.raises(CourseError, match="at least one epoch"):
        training_costs(faq()[:1], tokenizer, prices, n_epochs=epochs)
