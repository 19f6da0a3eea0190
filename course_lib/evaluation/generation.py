"""Answers for many conversations at once, greedy or drawn, quick enough for a CPU.

Three habits make the difference between seconds and minutes, and lesson 00 shows them:
prompts are *left* padded (a decoder goes on from its last token, which must not be padding),
batches are made of prompts of similar length (padding is computed too), and a batch stops as
soon as every answer in it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from course_lib.errors import CourseError
from course_lib.tokenization.conversation import apply_template, template_messages

Conversation = list[dict[str, Any]]


def prompts(rows: Iterable[Mapping[str, Any]]) -> list[Conversation]:
    """The conversations of `rows` up to the last question, without the reference answer.

    Args:
        rows: rows with a `messages` column, such as a `datasets.Dataset` of the course.

    Returns:
        One conversation a row; each ends with what the model must answer.

    Example:
        >>> prompts([{"messages": [{"role": "user", "content": "Hi"},
        ...                        {"role": "assistant", "content": "Hello"}]}])
        [[{'role': 'user', 'content': 'Hi'}]]
    """
    return [
        messages[:-1] if messages[-1]["role"] == "assistant" else messages
        for messages in (template_messages(row["messages"]) for row in rows)
    ]


def references(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The reference answers of `rows`: what the last assistant message says.

    Args:
        rows: rows with a `messages` column whose last message is the assistant's.

    Returns:
        One answer a row.

    Raises:
        CourseError: a row does not end with an assistant message.

    Example:
        >>> references([{"messages": [{"role": "user", "content": "Hi"},
        ...                           {"role": "assistant", "content": "Hello"}]}])
        ['Hello']
    """
    answers = []
    for number, row in enumerate(rows):
        last = row["messages"][-1]
        if last["role"] != "assistant":
            raise CourseError(
                f"row {number} has no reference answer: its last message is from "
                f"{last['role']!r}. End the row with the assistant's answer."
            )
        answers.append(last["content"])
    return answers


def generate(
    model: Any,
    tokenizer: Any,
    conversations: Sequence[Conversation],
    *,
    tools: Sequence[list[Any] | None] | None = None,
    max_new_tokens: int = 48,
    batch_size: int = 32,
) -> list[str]:
    """Answer every conversation greedily, in the order given.

    Greedy (always the likeliest token), because an evaluation must give the same figure twice.

    Args:
        model: a causal LM of transformers, or a `PeftModel` around one.
        tokenizer: its tokenizer, with a chat template.
        conversations: lists of `{"role", "content"}`; each must end before the answer.
        tools: what the assistant may call in each, as `tokenization.conversation.tools_of` reads
            it from a row; None where it may call nothing.
        max_new_tokens: longest answer, in tokens. The course's answers take about 20.
        batch_size: conversations answered together. 32 is where a CPU stops gaining.

    Returns:
        The answers as text, without special tokens, stripped of outer white space.

    Raises:
        CourseError: a conversation is empty, already ends with an answer, or is too long for
            the model together with `max_new_tokens`; or the chat template leaves a call out.

    Example:
        >>> asked = [[{"role": "user", "content": "What is 2 + 2?"}]]
        >>> generate(model, tokenizer, asked)  # doctest: +SKIP
        ['4']
    """
    if not conversations:
        return []
    encoded = _encode(tokenizer, conversations, tools)
    tokens = continue_tokens(
        model, tokenizer, encoded, max_new_tokens=max_new_tokens, batch_size=batch_size
    )
    return [text.strip() for text in tokenizer.batch_decode(tokens, skip_special_tokens=True)]


def sample(
    model: Any,
    tokenizer: Any,
    conversations: Sequence[Conversation],
    *,
    samples: int,
    temperature: float = 1.0,
    max_new_tokens: int = 48,
    batch_size: int = 32,
    seed: int = 0,
) -> list[list[str]]:
    """Draw several answers to every conversation, in the order given.

    Args:
        model: a causal LM of transformers, or a `PeftModel` around one.
        tokenizer: its tokenizer, with a chat template.
        conversations: lists of `{"role", "content"}`; each must end before the answer.
        samples: answers to each.
        temperature: 1.0 draws what the model believes, as GRPO does; lower is less varied.
        max_new_tokens: longest answer, in tokens.
        batch_size: conversations answered together, each `samples` times.
        seed: of the draws.

    Returns:
        For each conversation its answers, without special tokens or outer white space.

    Raises:
        CourseError: a conversation cannot be answered, see `generate`.

    Example:
        >>> asked = [[{"role": "user", "content": "Who is first?"}]]
        >>> sample(model, tokenizer, asked, samples=2)  # doctest: +SKIP
        [['Ana', 'I do not know.']]
    """
    import torch
    from transformers import GenerationConfig

    if not conversations:
        return []
    encoded = _encode(tokenizer, conversations, None)
    _check_length(model, encoded, max_new_tokens)
    # top_k=0: transformers would cut the draw to the 50 likeliest tokens, and GRPO does not.
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=True,
        temperature=temperature,
        top_k=0,
        top_p=1.0,
        num_return_sequences=samples,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=_pad_id(tokenizer),
    )
    order = sorted(range(len(encoded)), key=lambda row: len(encoded[row]))
    drawn: list[list[str]] = [[] for _ in encoded]
    was_training = model.training
    model.eval()
    try:
        # The draws have a seed of their own, and leave the caller's chance as it was.
        with torch.random.fork_rng(), torch.no_grad():
            torch.manual_seed(seed)
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                ids, mask = _left_pad([encoded[row] for row in rows], _pad_id(tokenizer))
                output = model.generate(
                    input_ids=ids.to(model.device),
                    attention_mask=mask.to(model.device),
                    generation_config=config,
                )
                texts = tokenizer.batch_decode(output[:, ids.shape[1] :], skip_special_tokens=True)
                for place, row in enumerate(rows):
                    own = texts[place * samples : (place + 1) * samples]
                    drawn[row] = [text.strip() for text in own]
    finally:
        model.train(was_training)
    return drawn


def continue_tokens(
    model: Any,
    tokenizer: Any,
    beginnings: Sequence[Sequence[int]],
    *,
    max_new_tokens: int,
    batch_size: int = 32,
) -> list[list[int]]:
    """Continue lists of token ids greedily; `generate` is this with a chat template around it.

    Args:
        model: a causal LM of transformers, or a `PeftModel` around one.
        tokenizer: its tokenizer, for the ids of padding and end.
        beginnings: token ids to go on from, one list a row.
        max_new_tokens: longest continuation, in tokens.
        batch_size: rows continued together.

    Returns:
        The new tokens alone, one list a row in the order given; a row that ended early is
        filled up with padding.

    Raises:
        CourseError: a row and its continuation are too long for the model.

    Example:
        >>> continue_tokens(model, tokenizer, [[5, 6, 7]], max_new_tokens=2)  # doctest: +SKIP
        [[8, 1]]
    """
    import torch
    from transformers import GenerationConfig

    if not beginnings:
        return []
    _check_length(model, beginnings, max_new_tokens)
    # A checkpoint's own generation settings may sample: state every setting that matters here.
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=False,
        num_beams=1,
        use_cache=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=_pad_id(tokenizer),
    )
    order = sorted(range(len(beginnings)), key=lambda row: len(beginnings[row]))
    written: list[list[int]] = [[] for _ in beginnings]
    was_training = model.training
    model.eval()
    try:
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            ids, mask = _left_pad([beginnings[row] for row in rows], _pad_id(tokenizer))
            # no_grad, not inference_mode: a quantised layer may keep what it computes here, and
            # an inference tensor would break the training that follows.
            with torch.no_grad():
                output = model.generate(
                    input_ids=ids.to(model.device),
                    attention_mask=mask.to(model.device),
                    generation_config=config,
                )
            for row, tokens in zip(rows, output[:, ids.shape[1] :].tolist(), strict=True):
                written[row] = tokens
    finally:
        model.train(was_training)
    return written


def _encode(
    tokenizer: Any,
    conversations: Sequence[Conversation],
    tools: Sequence[list[Any] | None] | None,
) -> list[list[int]]:
    for number, conversation in enumerate(conversations):
        if not conversation:
            raise CourseError(f"conversation {number} is empty: it needs at least one message.")
        if conversation[-1]["role"] == "assistant":
            raise CourseError(
                f"conversation {number} already ends with an answer, so there is nothing to "
                "generate. Pass prompts(rows), which leaves the reference answer out."
            )
    given = [None] * len(conversations) if tools is None else tools
    if len(given) != len(conversations):
        raise CourseError(
            f"there are tools for {len(given)} conversations, but {len(conversations)} to answer: "
            "pass one list of tools, or None, for each."
        )
    return apply_template(tokenizer, conversations, given, add_generation_prompt=True)["input_ids"]


def _check_length(model: Any, encoded: Sequence[Sequence[int]], max_new_tokens: int) -> None:
    context = getattr(model.config, "max_position_embeddings", None)
    if context is None:
        return
    longest = max(range(len(encoded)), key=lambda row: len(encoded[row]))
    if len(encoded[longest]) + max_new_tokens > context:
        raise CourseError(
            f"row {longest} takes {len(encoded[longest])} tokens; with "
            f"{max_new_tokens} for the answer that is more than the model's {context}. "
            "Shorten the row or leave it out, or lower max_new_tokens."
        )


def _pad_id(tokenizer: Any) -> int:
    # Padding is masked, so at generation time any token will do; the end token always exists.
    pad = tokenizer.pad_token_id
    return int(tokenizer.eos_token_id if pad is None else pad)


def _left_pad(sequences: Sequence[Sequence[int]], pad_id: int) -> tuple[Any, Any]:
    import torch

    width = max(len(sequence) for sequence in sequences)
    ids = torch.full((len(sequences), width), pad_id, dtype=torch.long)
    mask = torch.zeros((len(sequences), width), dtype=torch.long)
    for row, sequence in enumerate(sequences):
        ids[row, width - len(sequence) :] = torch.tensor(sequence, dtype=torch.long)
        mask[row, width - len(sequence) :] = 1
    return ids, mask
