"""Greedy answers: right, in order, and the same whatever shares the batch."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.evaluation import generate, prompts, references, sample
from course_lib.evaluation.generation import continue_tokens


def test_answers_come_back_in_the_order_asked(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    answers = generate(model, tokenizer, prompts(rows))
    assert answers == references(rows)


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_padding_does_not_change_an_answer(taught_chat: Any, batch_size: int) -> None:
    model, tokenizer, rows = taught_chat
    conversations = prompts(rows) + [
        [{"role": "user", "content": "a word never seen " * n}] for n in (1, 4)
    ]
    together = generate(model, tokenizer, conversations, max_new_tokens=12)
    apart = generate(model, tokenizer, conversations, max_new_tokens=12, batch_size=batch_size)
    assert together == apart


def test_agrees_with_a_plain_greedy_loop(taught_chat: Any) -> None:
    import torch

    model, tokenizer, rows = taught_chat
    ids = tokenizer.apply_chat_template(
        prompts(rows)[0], add_generation_prompt=True, tokenize=True, return_dict=True
    )["input_ids"]
    by_hand = list(ids)
    with torch.no_grad():
        for _ in range(40):
            by_hand.append(int(model(torch.tensor([by_hand])).logits[0, -1].argmax()))
            if by_hand[-1] == tokenizer.eos_token_id:
                break
    [ours] = continue_tokens(model, tokenizer, [ids], max_new_tokens=40)
    assert ours == by_hand[len(ids) :]


def test_sampling_settings_of_the_checkpoint_are_ignored(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    before = model.generation_config.to_dict()
    model.generation_config.update(do_sample=True, temperature=5.0, top_p=0.9)
    try:
        assert generate(model, tokenizer, prompts(rows)) == references(rows)
    finally:
        model.generation_config.update(**before)


def test_training_mode_is_given_back(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    model.train()
    try:
        generate(model, tokenizer, prompts(rows)[:1], max_new_tokens=2)
        assert model.training
    finally:
        model.eval()


def test_no_conversations_no_answers(taught_chat: Any) -> None:
    assert generate(taught_chat.model, taught_chat.tokenizer, []) == []


def test_bad_conversations_are_named(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    whole = [row["messages"] for row in rows]
    with pytest.raises(CourseError, match="conversation 0 already ends with an answer"):
        generate(model, tokenizer, whole)
    with pytest.raises(CourseError, match="conversation 1 is empty"):
        generate(model, tokenizer, [prompts(rows)[0], []])
    long = [{"role": "user", "content": "rope " * 200}]
    with pytest.raises(CourseError, match=r"row 1 takes \d+ tokens.*more than the model's 128"):
        generate(model, tokenizer, [prompts(rows)[0], long])


def test_tools_and_calls_are_part_of_the_question(taught_chat: Any) -> None:
    from course_lib.evaluation.generation import _encode
    from course_lib.tokenization.conversation import tools_of

    _, tokenizer, rows = taught_chat
    tokenizer = copy.deepcopy(tokenizer)
    tokenizer.chat_template = (
        "{{ tools | tojson }}{% for message in messages %}{{ message | tojson }}{% endfor %}"
    )
    call = {"name": "find", "arguments": '{"n": 1}'}
    question, answer = rows[0]["messages"]
    called = [
        {"role": "assistant", "content": "", "function_call": call, "weight": None},
        {"role": "function", "content": "Look!", "name": "find"},
    ]
    row = {"messages": [question, *called, answer], "functions": [{"name": "find"}]}
    asked, plain = prompts([row, rows[1]]), prompts(rows[1:2])
    ids = _encode(tokenizer, asked, [tools_of(row), None])
    written = tokenizer.decode(ids[0])
    assert '"function": {"name": "find"}' in written
    assert '"arguments": {"n": 1}' in written
    assert '"weight"' not in written
    assert ids[1] == _encode(tokenizer, plain, None)[0]
    with pytest.raises(CourseError, match="tools for 1 conversations, but 2"):
        generate(None, tokenizer, asked, tools=[None])


def test_a_row_without_reference_is_named() -> None:
    with pytest.raises(CourseError, match="row 0 has no reference answer"):
        references([{"messages": [{"role": "user", "content": "Hi"}]}])


def test_drawn_answers_come_back_in_the_order_asked(taught_chat: Any) -> None:
    model, tokenizer, rows = taught_chat
    # Nearly cold: the draw is the greedy answer, so that its place can be checked.
    drawn = sample(model, tokenizer, prompts(rows), samples=3, temperature=0.01, batch_size=2)
    assert drawn == [[answer] * 3 for answer in references(rows)]


def test_draws_have_a_seed_of_their_own(taught_chat: Any) -> None:
    import torch

    model, tokenizer, rows = taught_chat
    settings: dict[str, Any] = {"samples": 4, "temperature": 3.0, "max_new_tokens": 6}
    torch.manual_seed(1)
    first = sample(model, tokenizer, prompts(rows), seed=1, **settings)
    state = torch.get_rng_state()
    again = sample(model, tokenizer, prompts(rows), seed=1, **settings)
    assert torch.equal(state, torch.get_rng_state())
    other = sample(model, tokenizer, prompts(rows), seed=2, **settings)
    assert first == again != other
    assert len({answer for group in first for answer in group}) > len(rows)
    assert sample(model, tokenizer, [], samples=2) == []
