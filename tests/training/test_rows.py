"""No row is cut, masked whole or left without an end in silence."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from datasets import Dataset
from throwaway import TEMPLATE, conversation

from course_lib.errors import CourseError
from course_lib.formats import to_dataset
from course_lib.tokenization.conversation import trained_mask
from course_lib.training.rows import MASKED, tokenize_rows


def tokenized(rows: Dataset, tokenizer: Any, **settings: Any) -> Dataset:
    stop_ids = {tokenizer.eos_token_id}
    return tokenize_rows(rows, tokenizer, **{"max_length": 64, "stop_ids": stop_ids, **settings})


def with_template(tokenizer: Any, template: str) -> Any:
    changed = copy.deepcopy(tokenizer)
    changed.chat_template = template
    return changed


def test_only_answers_and_their_end_are_learnt(rows: Dataset, tokenizer: Any) -> None:
    first = tokenized(rows, tokenizer)[0]
    learnt = [label for label in first["labels"] if label != MASKED]
    assert tokenizer.decode(learnt) == "Box 0 is red.<|end|>"
    assert len(first["labels"]) == len(first["input_ids"])


def test_matches_trl_own_preparation(
    rows: Dataset, tokenizer: Any, cpu: Any, tmp_path: Any
) -> None:
    from throwaway import tiny_llama
    from trl.trainer.sft_trainer import SFTTrainer

    from course_lib.training import sft_config

    theirs = SFTTrainer(
        model=tiny_llama(tokenizer),
        args=sft_config(cpu, tmp_path),
        train_dataset=rows,
        processing_class=tokenizer,
    ).train_dataset
    ours = tokenized(rows, tokenizer)
    for column in ("input_ids", "labels"):
        assert list(ours[column]) == list(theirs[column])  # type: ignore[index]


def test_long_rows_are_refused_by_name(tokenizer: Any) -> None:
    rows = Dataset.from_list(
        [{"messages": conversation(i), "line": i + 1} for i in range(3)]
        + [{"messages": [*conversation(3) * 9], "line": 17}]
    )
    with pytest.raises(CourseError, match=r"1 of 4 training rows \(line 17 \(\d+ tokens\)"):
        tokenized(rows, tokenizer)
    with pytest.warns(UserWarning, match=r"line 17 .* dropped"):
        assert len(tokenized(rows, tokenizer, long_rows="drop")) == 3
    assert len(tokenized(rows, tokenizer, max_length=None)) == 4


def test_dropping_every_row_is_refused(rows: Dataset, tokenizer: Any) -> None:
    with pytest.raises(CourseError, match="leaves nothing"):
        tokenized(rows, tokenizer, max_length=3, long_rows="drop")


def test_row_with_nothing_to_learn_is_named(tokenizer: Any) -> None:
    question_only = {"messages": conversation(1)[:1]}
    rows = Dataset.from_list([{"messages": conversation(0)}, question_only])
    with pytest.raises(CourseError, match=r"1 of 2 training rows \(row 1\) have nothing to learn"):
        tokenized(rows, tokenizer)


def test_answers_of_weight_nothing_are_read_and_not_learnt(tokenizer: Any) -> None:
    question, answer = conversation(0)
    draft = {**answer, "weight": 0}
    row = {"messages": [question, draft, *conversation(1), question, {**answer, "weight": 1}]}
    first = tokenized(to_dataset([row]), tokenizer)[0]
    learnt = [label for label in first["labels"] if label != MASKED]
    assert tokenizer.decode(learnt) == "Box 1 is blue.<|end|>Box 0 is red.<|end|>"
    shown = trained_mask(tokenizer, row["messages"], len(first["labels"]))
    assert shown == [int(label != MASKED) for label in first["labels"]]
    one_for_all = with_template(
        tokenizer,
        "{% generation %}{% for m in messages %}{{ m['content'] }}{% endfor %}<|end|>"
        "{% endgeneration %}",
    )
    with pytest.raises(CourseError, match="row 0: An answer has the weight 0, but"):
        tokenized(to_dataset([row]), one_for_all)


def test_template_without_generation_markers(rows: Dataset, tokenizer: Any) -> None:
    bare = with_template(
        tokenizer, TEMPLATE.replace("{% generation %}", "").replace("{% endgeneration %}", "")
    )
    with pytest.raises(CourseError, match="which tokens are the assistant's"):
        tokenized(rows, bare)
    everything = tokenized(rows, bare, assistant_only=False)[0]
    assert everything["labels"] == everything["input_ids"]


def test_end_token_outside_the_mask_is_refused(rows: Dataset, tokenizer: Any) -> None:
    endless = with_template(
        tokenizer,
        TEMPLATE.replace("<|end|>{% endgeneration %}", "{% endgeneration %}<|end|>"),
    )
    with pytest.raises(CourseError, match="never learn to stop"):
        tokenized(rows, endless)


def test_line_break_after_the_end_token_is_fine(rows: Dataset, tokenizer: Any) -> None:
    trailing = with_template(
        tokenizer, TEMPLATE.replace("<|end|>{% endg", "<|end|>{{ '\\n' }}{% endg")
    )
    assert len(tokenized(rows, trailing)) == len(rows)


def test_template_that_refuses_a_row(rows: Dataset, tokenizer: Any) -> None:
    strict = with_template(
        tokenizer,
        "{% if messages[0]['role'] != 'user' %}{{ raise_exception('start with user') }}{% endif %}"
        + TEMPLATE,
    )
    bad = Dataset.from_list([{"messages": conversation(0)}, {"messages": conversation(1)[::-1]}])
    with pytest.raises(CourseError, match="refuses training row 1: start with user"):
        tokenized(bad, strict)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (Dataset.from_dict({"text": ["a"]}), "no `messages`"),
        (Dataset.from_dict({"messages": []}), "no rows"),
    ],
)
def test_nothing_to_train_on(rows: Dataset, tokenizer: Any, message: str) -> None:
    with pytest.raises(CourseError, match=message):
        tokenized(rows, tokenizer)
