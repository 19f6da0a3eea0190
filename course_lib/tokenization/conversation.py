"""From a conversation to tokens: the chat template, the token ids, the mask of what is trained."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

from course_lib.errors import CourseError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

Messages = Sequence[Mapping[str, Any]]

_MARKER = re.compile(r"\{%-?\s*generation\s*-?%\}")


def render(
    tokenizer: PreTrainedTokenizerBase,
    messages: Messages,
    *,
    ask: bool = False,
    tools: list[Any] | None = None,
) -> str:
    """Write a conversation as the one string that the model reads.

    Args:
        tokenizer: A tokenizer with a chat template.
        messages: ``{"role", "content"}`` rows.
        ask: End with the opening of the assistant's turn, as for generation; training does not.
        tools: What the assistant may call, as JSON schemas; None where it may call nothing.

    Returns:
        The text, special tokens included.

    Raises:
        CourseError: No template, messages that the template refuses, or calls that it leaves out.

    Example:
        >>> render(tokenizer, [{"role": "user", "content": "Hi"}])  # doctest: +SKIP
        '<|user|>Hi<|end|>'
    """
    template = _template(tokenizer)
    try:
        text = tokenizer.apply_chat_template(
            template_messages(messages),
            tools=tools,
            tokenize=False,
            add_generation_prompt=ask,
            chat_template=template,
        )
    except Exception as error:  # jinja raises whatever the template's author chose
        raise CourseError(
            f"The chat template refuses these messages (roles: {_roles(messages)}): {error}. "
            "Check the order of roles and that every message has 'role' and 'content'."
        ) from error
    check_calls(tokenizer, messages, str(text))
    return str(text)


def template_messages(messages: Messages) -> list[dict[str, Any]]:
    """Write messages as chat templates read them, which is not quite as OpenAI's files have them.

    Args:
        messages: Canonical messages, or a row of a dataset, which has None for what is missing.

    Returns:
        New messages without None (a template may only ask whether a key is there), with the
        arguments of calls as objects (a template writes them as JSON itself, so text would be
        escaped twice), and with the older `function_call` as `tool_calls`.

    Example:
        >>> call = {"name": "find", "arguments": '{"n": 1}'}
        >>> message = {"role": "assistant", "content": "", "weight": None, "function_call": call}
        >>> template_messages([message])[0]["tool_calls"]
        [{'type': 'function', 'function': {'name': 'find', 'arguments': {'n': 1}}}]
    """
    written = []
    for message in messages:
        new = {key: value for key, value in message.items() if value is not None}
        if len(new) > 2:
            made = [dict(call) for call in _from_json(new.pop("tool_calls", None)) or ()]
            if "function_call" in new:
                call = _from_json(new.pop("function_call"))
                made.append({"type": "function", "function": call})
            if made:
                new["tool_calls"] = [_with_object(call) for call in made]
        if new.get("role") == "function":
            new["role"] = "tool"
        written.append(new)
    return written


def _from_json(value: Any) -> Any:
    """A value as it is; read, where `to_dataset` had to store it as JSON text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise CourseError(
            f"Tools or calls are text that is no JSON ({error}): {value:.60}"
        ) from error


def _with_object(call: dict[str, Any]) -> dict[str, Any]:
    if call.get("function"):
        return {**call, "function": _with_object(call["function"])}
    arguments = call.get("arguments")
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        value = arguments  # no JSON: the model that is to be taught wrote it so
    return {**call, "arguments": {} if value is None or value == "" else value}


def check_calls(tokenizer: PreTrainedTokenizerBase, messages: Messages, text: str) -> None:
    """Make sure that the template wrote the calls of a conversation, as many templates do not.

    Args:
        tokenizer: Whose template it was.
        messages: The conversation.
        text: What the template made of it.

    Raises:
        CourseError: A call is missing: the model would be taught to say nothing in its place.

    Example:
        >>> check_calls(tokenizer, [{"role": "user", "content": "Hi"}], "Hi")  # doctest: +SKIP
    """
    for number, message in enumerate(template_messages(messages), start=1):
        for call in message.get("tool_calls") or ():
            call = call.get("function") or call
            if call["name"] not in text:
                raise CourseError(
                    f"Message {number} calls {call['name']!r}, but the chat template of "
                    f"'{tokenizer.name_or_path}' does not write calls of tools: an empty answer "
                    "would be trained. Train a model whose template knows tools (Qwen2.5 does), "
                    "or take the rows with tool_calls out."
                )


def tools_of(row: Mapping[str, Any]) -> list[Any] | None:
    """The tools of a row of OpenAI's format, as chat templates take them.

    Args:
        row: A row; its tools are in ``tools``, or in the older ``functions``.

    Returns:
        A list of ``{"type": "function", "function": schema}``; None where the row has none.

    Example:
        >>> tools_of({"functions": [{"name": "find"}]})
        [{'type': 'function', 'function': {'name': 'find'}}]
    """
    tools = _from_json(row.get("tools"))
    if tools:
        return list(tools)
    functions = _from_json(row.get("functions")) or ()
    return [{"type": "function", "function": schema} for schema in functions] or None


def apply_template(
    tokenizer: PreTrainedTokenizerBase,
    conversations: Sequence[Messages],
    tools: Sequence[list[Any] | None],
    *,
    place: Callable[[int], str] = "row {}".format,
    **settings: Any,
) -> dict[str, list[Any]]:
    """Turn many conversations into token ids as the trainer does, each with its own tools.

    Args:
        tokenizer: A tokenizer with a chat template.
        conversations: Canonical messages, or those of a dataset's rows.
        tools: What the assistant may call in each, as `tools_of` gives it.
        place: What to call a conversation in messages, given its position from 0.
        settings: Of ``apply_chat_template``.

    Returns:
        "input_ids" and what else the settings ask for, one list a conversation.

    Raises:
        CourseError: The template leaves a call out, or does not tell answers of weight 0 apart.

    Example:
        >>> apply_template(tokenizer, [messages], [None])["input_ids"]  # doctest: +SKIP
        [[3, 72, 1]]
    """
    written = [template_messages(messages) for messages in conversations]
    apply: Any = partial(tokenizer.apply_chat_template, tokenize=True, return_dict=True, **settings)
    if any(tools):
        # One by one: a batch has one list of tools for all.
        each = [apply(messages, tools=own) for messages, own in zip(written, tools, strict=True)]
        encoded: Any = {key: [row[key] for row in each] for key in each[0]}
    else:
        encoded = apply(written)
    found = {key: list(encoded[key]) for key in encoded}
    for number, messages in enumerate(written):
        try:
            if any("tool_calls" in message for message in messages):
                text = str(tokenizer.decode(found["input_ids"][number]))
                check_calls(tokenizer, messages, text)
            if masks := found.get("assistant_masks"):
                masks[number] = _weighted(messages, masks[number])
        except CourseError as error:
            raise CourseError(f"{place(number)}: {error}") from error
    return found


def _weighted(messages: Messages, mask: list[int]) -> list[int]:
    """A mask without the answers of weight 0, which are there to be read and not to be learnt."""
    weights = [message.get("weight") for message in messages if message["role"] == "assistant"]
    if 0 not in weights:
        return mask
    runs = [(bool(learnt), len(list(run))) for learnt, run in groupby(mask)]
    if sum(learnt for learnt, _ in runs) != len(weights):
        raise CourseError(
            "An answer has the weight 0, but the chat template does not mark each answer by "
            "itself, so that it cannot be told from the others. Take the row out."
        )
    left = iter(weights)
    kept = [(learnt and next(left) != 0, length) for learnt, length in runs]
    return [int(learnt) for learnt, length in kept for _ in range(length)]


def render_row(tokenizer: PreTrainedTokenizerBase, row: Mapping[str, Any], number: int) -> str:
    """Render a row of a dataset, and name the row in any error.

    Args:
        tokenizer: A tokenizer with a chat template.
        row: A row with ``messages``.
        number: The row's number, for the message.

    Returns:
        The text, special tokens included.

    Raises:
        CourseError: The row has no messages, or the template refuses them.

    Example:
        >>> render_row(tokenizer, dataset[3], 3)  # doctest: +SKIP
        '<|user|>Hi<|end|><|assistant|>Hello.<|end|>'
    """
    if not row.get("messages"):
        raise CourseError(
            f"Row {number} has no 'messages' (it has: {', '.join(row) or 'nothing'}). "
            "Read the file with course_lib.formats, or clean it first."
        )
    try:
        return render(tokenizer, row["messages"], tools=tools_of(row))
    except CourseError as error:
        raise CourseError(f"Row {number}: {error}") from error


def encode(
    tokenizer: PreTrainedTokenizerBase, text: str
) -> tuple[list[int], list[tuple[int, int]]]:
    """Turn rendered text into token ids and the characters that each covers.

    Args:
        tokenizer: A fast tokenizer.
        text: A rendered conversation; its special tokens are in it already.

    Returns:
        The ids, and for each the beginning and end of its characters.

    Raises:
        CourseError: A slow tokenizer, which does not know what a token covers.

    Example:
        >>> encode(tokenizer, "<|user|>Hi")  # doctest: +SKIP
        ([3, 72], [(0, 8), (8, 10)])
    """
    if not tokenizer.is_fast:
        raise CourseError(
            f"{type(tokenizer).__name__} is a slow tokenizer and cannot say which characters a "
            "token covers. Load it with AutoTokenizer and the tokenizers library installed."
        )
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids: list[int] = list(encoded["input_ids"])
    return ids, [(start, end) for start, end in encoded["offset_mapping"]]


def trained_mask(
    tokenizer: PreTrainedTokenizerBase,
    messages: Messages,
    tokens: int,
    *,
    tools: list[Any] | None = None,
) -> list[int]:
    """Mark the tokens that ``assistant_only_loss`` trains.

    Args:
        tokenizer: A fast tokenizer with a chat template.
        messages: ``{"role", "content"}`` rows.
        tokens: How many tokens the conversation has.
        tools: What the assistant may call, as given to `render`.

    Returns:
        1 for each trained token, 0 for the others, answers of weight 0 among them; all 0 where the
        template has no markers.

    Example:
        >>> sum(trained_mask(tokenizer, messages, 24))  # doctest: +SKIP
        11
    """
    if not has_markers(tokenizer):
        return [0] * tokens
    encoded: Any = tokenizer.apply_chat_template(
        template_messages(messages),
        tools=tools,
        chat_template=_template(tokenizer),
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
    )
    return _weighted(messages, list(encoded["assistant_masks"]))


def has_markers(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Say whether the template marks the assistant's tokens with ``{% generation %}``.

    Args:
        tokenizer: A tokenizer with a chat template.

    Returns:
        True if it does; only then can a loss be computed on the assistant's tokens alone.

    Raises:
        CourseError: No template.

    Example:
        >>> has_markers(tokenizer)  # doctest: +SKIP
        True
    """
    return _MARKER.search(_template(tokenizer)) is not None


def _template(tokenizer: PreTrainedTokenizerBase) -> str:
    template = tokenizer.chat_template
    if isinstance(template, dict):  # several named templates: training uses the default one
        template = template.get("default")
    if not template:
        raise CourseError(
            f"The tokenizer of '{tokenizer.name_or_path}' has no chat template. "
            "Use an instruct model, or set tokenizer.chat_template."
        )
    return str(template)


def _roles(messages: Messages) -> str:
    return ", ".join(str(message.get("role", "?")) for message in messages) or "none"
