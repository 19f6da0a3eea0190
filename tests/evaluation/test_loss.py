"""Held-out loss: the assistant's tokens, all of them, and nothing else."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import held_out_loss, perplexity, prompts, token_scores


def by_hand(model: Any, tokenizer: Any, rows: list[dict[str, Any]]) -> float:
    """Log-probability of each answer token, one token at a time, with no masks and no padding."""
    import torch

    losses = []
    for row in rows:
        start = tokenizer.apply_chat_template(
            row["messages"][:-1], add_generation_prompt=True, tokenize=True, return_dict=True
        )["input_ids"]
        answer = tokenizer(row["messages"][-1]["content"])["input_ids"] + [tokenizer.eos_token_id]
        with torch.no_grad():
            scores = model(torch.tensor([start + answer])).logits[0].log_softmax(-1)
        losses += [
            -float(scores[len(start) + place - 1, token]) for place, token in enumerate(answer)
        ]
    return sum(losses) / len(losses)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_equals_a_loop_over_tokens(taught_chat: Any, batch_size: int) -> None:
    model, tokenizer, rows = taught_chat
    loss = held_out_loss(model, tokenizer, rows, batch_size=batch_size)
    assert loss == pytest.approx(by_hand(model, tokenizer, rows), rel=1e-4)
    assert loss < 0.5


def test_a_wrong_answer_costs_more(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    wrong = [
        {"messages": [*row["messages"][:-1], other["messages"][-1]]}
        for row, other in zip(rows, rows[1:] + rows[:1], strict=True)
    ]
    assert held_out_loss(model, tokenizer, wrong) > held_out_loss(model, tokenizer, rows) + 1


TOOLS_TEMPLATE = (
    "{% for tool in tools or [] %}<|system|>{{ tool['function']['name'] }}{% endfor %}"
    "{% for message in messages %}"
    "{% if message['role'] == 'assistant' %}<|assistant|>{% generation %}"
    "{% for call in message['tool_calls'] or [] %}"
    "{{ call['function']['name'] }}{{ call['function']['arguments'] | tojson }}{% endfor %}"
    "{{ message['content'] }}<|end|>{% endgeneration %}"
    "{% else %}<|user|>{{ message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"n": 1}'}}


def with_tools(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lessons with a call before each answer; one row has the older `functions`."""
    called = [
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "content": "Look!", "tool_call_id": "c1"},
    ]
    tool = {"name": "find"}
    beside: list[dict[str, Any]] = [
        {"tools": [{"type": "function", "function": tool}]},
        {"functions": [tool]},
        {},
    ]
    return [
        {"messages": [row["messages"][0], *called, row["messages"][1]], **beside[n % 3]}
        for n, row in enumerate(rows[:3])
    ]


def test_rows_with_tools_are_scored_as_they_are_trained(taught_chat: Any) -> None:
    import torch

    from course_lib.formats import to_dataset
    from course_lib.training.rows import tokenize_rows

    model, tokenizer, rows = taught_chat
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.chat_template = TOOLS_TEMPLATE
    rows = with_tools(rows)
    trained = tokenize_rows(
        to_dataset(rows), tokenizer, max_length=None, stop_ids={tokenizer.eos_token_id}
    )
    losses = []
    for row in trained:
        ids, labels = (torch.tensor(row[name]) for name in ("input_ids", "labels"))
        with torch.no_grad():
            scores = model(ids[None]).logits[0, :-1].log_softmax(-1)
        losses += [-float(scores[i, t]) for i, t in enumerate(labels[1:]) if t != -100]
    expected = sum(losses) / len(losses)
    assert held_out_loss(model, tokenizer, rows) == pytest.approx(expected, rel=1e-4)
    assert held_out_loss(model, tokenizer, trained) == pytest.approx(expected, rel=1e-4)
    bare = [{"messages": row["messages"]} for row in rows]
    assert held_out_loss(model, tokenizer, bare) != pytest.approx(expected, rel=1e-3)


def test_a_template_that_leaves_calls_out_is_refused(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    with pytest.raises(CourseError, match="row 0: Message 2 calls 'find'"):
        held_out_loss(model, tokenizer, with_tools(rows))


def test_perplexity_of_a_fair_die() -> None:
    assert perplexity(math.log(6)) == pytest.approx(6)


def test_bad_rows_are_named(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    with pytest.raises(CourseError, match="no rows to measure"):
        held_out_loss(model, tokenizer, [])
    with pytest.raises(CourseError, match="row 1 has no assistant message"):
        held_out_loss(model, tokenizer, [rows[0], {"messages": prompts(rows)[0]}])
    long = {"messages": [*prompts(rows)[0], {"role": "assistant", "content": "rope " * 200}]}
    with pytest.raises(CourseError, match=r"row 0 takes \d+ tokens, more than the model's 128"):
        held_out_loss(model, tokenizer, [long])


def test_token_scores_are_the_loss_row_by_row(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    scores = token_scores(model, tokenizer, rows, batch_size=2)
    for place, row in enumerate(rows):
        loss = by_hand(model, tokenizer, [row])
        assert scores["loss"][place] == pytest.approx(loss, rel=1e-4)
        product = math.exp(-loss * scores["tokens"][place])
        assert scores["confidence"][place] == pytest.approx(product, rel=1e-3)
    weighted = (scores["loss"] * scores["tokens"]).sum() / scores["tokens"].sum()
    assert weighted == pytest.approx(held_out_loss(model, tokenizer, rows), rel=1e-4)


def test_token_accuracy_counts_the_likeliest_tokens(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    assert token_scores(model, tokenizer, rows)["right"].mean() > 0.8
    wrong = copy.deepcopy(rows)
    for row in wrong:
        row["messages"][-1]["content"] = "zq zq zq"
    scores = token_scores(model, tokenizer, wrong)
    assert scores["right"].mean() < 0.5
    assert scores["confidence"].max() < 1e-3
