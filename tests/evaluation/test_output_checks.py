"""Each check refuses what was planted for it, lets good answers pass, and says why."""

from __future__ import annotations

from typing import Any

import pytest

from course_lib.evaluation.output_checks import (
    against_schema,
    check_output,
    planted_outputs,
    private_values,
    refused,
    unsupported_numbers,
)
from course_lib.retrieval import Retriever
from course_lib.yamabiko import load, pages, passages

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "minLength": 1}},
    "required": ["answer"],
    "additionalProperties": False,
}
POLICY = "You can return gear within 45 days. Shipping is free above 80 dollars."


@pytest.mark.parametrize(
    ("answer", "unknown"),
    [
        ("Within 45 days.", []),
        ("You have a 45 day window.", []),
        ("Within ４５ days.", []),  # full-width digits
        ("Within 54 days.", ["54 days"]),
        ("Within 80 days.", ["80 days"]),  # the page has 80, but dollars
        ("We do not know.", []),
    ],
)
def test_a_number_must_stand_in_the_policy_with_its_unit(answer: str, unknown: list[str]) -> None:
    assert unsupported_numbers(answer, POLICY) == unknown


def test_japanese_numbers_carry_their_unit() -> None:
    assert unsupported_numbers("返品は45日以内です。", "返品は４５日以内です。") == []
    assert unsupported_numbers("返品は45年以内です。", "返品は45日以内です。") == ["45 年"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ('{"answer": "45 days"}', None),
        ('{"answer": "45', "no JSON"),
        ('{"answer": 45}', "answer: 45 is not of type 'string'"),
        ('{"reply": "45"}', "'answer' is a required property"),
        ("45 days", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"answer": ' + "1" * 5000 + "}", "no JSON"),
        ('{"answer": NaN}', "no JSON: NaN"),
    ],
)
def test_the_schema_judges_form(answer: str, told: str | None) -> None:
    found = against_schema(answer, SCHEMA)
    assert found is None if told is None else found is not None and told in found


def test_private_values_are_named_by_kind_but_placeholders_are_none() -> None:
    assert private_values("Call 090-1234-5678 or write to a@b.jp") == ["PHONE", "EMAIL"]
    assert private_values("We wrote to [EMAIL].") == []
    assert private_values("[EMAIL] is a@b.jp") == ["EMAIL"]


def test_every_failure_comes_with_its_reason() -> None:
    found = check_output("54 days, ask a@b.jp", context=POLICY, schema=SCHEMA)
    assert [failure.check for failure in found] == ["schema", "numbers", "privacy"]
    assert found[1].reason == "'54 days' is not in the policy"


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_every_reference_answer_passes_with_its_own_page(lang: str) -> None:
    text = {page.id: "\n".join(section.text for section in page.sections) for page in pages(lang)}
    for fact in load("facts"):
        if fact["lang"] == lang:
            assert check_output(fact["answer"], context=text[fact["page"]]) == [], fact["id"]


def test_what_is_planted_is_caught_and_what_is_not_caught_is_known() -> None:
    rows = list(load("faq_test"))
    retriever = Retriever(passages())
    contexts = [
        "\n".join(p["text"] for p in retriever.search(row["messages"][0]["content"]))
        for row in rows
    ]
    table = planted_outputs(rows, contexts)
    forms = [SCHEMA if is_json else None for is_json in table["is_json"]]
    held = refused(table["answer"].tolist(), table["context"].tolist(), forms)
    share = table.assign(refused=held).groupby("kind")["refused"].mean()
    for kind in ("wrong number", "private value", "cut JSON", "JSON of another shape"):
        assert share[kind] == 1, kind
    assert share["good"] <= 0.02
    assert share["number of another line"] == 0  # it stands on the page: a rule cannot know
