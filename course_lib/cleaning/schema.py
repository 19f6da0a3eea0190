"""Is it a conversation that can be trained on? Roles, and the order of the turns.

A chat template renders whatever it is given: an unknown role silently becomes nothing or an
error in the middle of training, and a row without a closing answer teaches nothing. A call of a
tool that is never answered, or an answer that nobody called for, teaches the model to wait for
nothing and to make results up.
"""

from __future__ import annotations

from typing import Any

from course_lib.cleaning.rule import Check, Messages

ROLES = ("system", "user", "assistant", "tool", "function")
_KNOWN = frozenset(ROLES)
_RESULTS = frozenset(("tool", "function"))
# Hermes and Qwen write the call into the text of the answer.
_CALL_IN_TEXT = "<tool_call>"


def unknown_role(messages: Messages) -> str | None:
    """Name the first role that no chat template knows.

    Args:
        messages: A conversation.

    Returns:
        What is wrong, or None.

    Example:
        >>> unknown_role([{"role": "bot", "content": "Hi"}])
        "message 1 has the role 'bot', not one of system, user, assistant, tool, function"
    """
    for message in messages:
        if message["role"] not in _KNOWN:
            number = next(n for n, m in enumerate(messages, start=1) if m["role"] not in _KNOWN)
            role = message["role"]
            return f"message {number} has the role {role!r:.60}, not one of {', '.join(ROLES)}"
    return None


def bad_turns(messages: Messages) -> str | None:
    """Say where the order of turns breaks.

    A system message may come first. Then user and assistant speak in turn, and the assistant has
    the last word. Between a call of the assistant and what it says next stand the results of the
    tools, one for each call; a call may also be the last word, which is how calling is taught.

    Args:
        messages: A conversation.

    Returns:
        What is wrong and at which message, or None.

    Example:
        >>> bad_turns([{"role": "user", "content": "Hi"}])
        'the conversation ends with user: there is no answer to learn'
    """
    roles = [message["role"] for message in messages]
    if messages and messages[-1].get("weight") == 0 and not _learnt(messages):
        return "every answer has the weight 0: there is nothing to learn"
    if roles == ["user", "assistant"]:
        return None
    if "system" in roles[1:]:
        return f"message {roles.index('system', 1) + 1} is a system message, which belongs first"
    if "user" not in roles:
        return "there is no user message: nothing is asked"
    if roles[-1] != "assistant":
        return f"the conversation ends with {roles[-1]}: there is no answer to learn"
    first = 1 if roles[0] == "system" else 0
    if roles[first] in _RESULTS:
        return f"message {first + 1} is a result, but nothing was called before it"
    if roles[first] != "user":
        return "the assistant speaks before the user has asked anything"
    return _bad_order(messages, first + 2)


def _learnt(messages: Messages) -> bool:
    return any(m["role"] == "assistant" and m.get("weight") != 0 for m in messages)


def _bad_order(messages: Messages, begin: int) -> str | None:
    """Go through the messages from a number on; the first of a conversation is known good."""
    caller = 0  # number of the message whose calls are being answered
    waiting: list[str] = []  # the ids of its calls that have no result yet
    for number, message in enumerate(messages[begin - 1 :], start=begin):
        before = messages[number - 2]
        now, last = message["role"], before["role"]
        if now in _RESULTS:
            if last not in _RESULTS:
                caller, waiting = number - 1, _calls(before)
                if last != "assistant" or not waiting:
                    return f"message {number} is a result, but message {caller} calls nothing"
            wrong = _tick_off(waiting, message.get("tool_call_id"))
            if wrong:
                return f"message {number} is a result {wrong} of message {caller}"
        elif now == last:
            return f"messages {number - 1} and {number} are both from {now}: turns must alternate"
        elif last in _RESULTS:
            if now == "user":
                return f"message {number} is from user: the results before it have no answer"
            if waiting:
                name = f"{waiting[0]!r:.60} " if waiting[0] else ""
                return f"the call {name}of message {caller} has no result before message {number}"
        elif before.get("tool_calls") or before.get("function_call"):
            return f"message {number - 1} makes a call, but message {number} is not its result"
    return None


def _calls(message: dict[str, Any]) -> list[str]:
    """The ids of the calls that a message makes, empty text for a call without one."""
    calls = message.get("tool_calls") or []
    ids = [(call.get("id") or "") if isinstance(call, dict) else "" for call in calls]
    if message.get("function_call"):
        ids.append("")
    return ids or [""] * message["content"].count(_CALL_IN_TEXT)


def _tick_off(waiting: list[str], name: str | None) -> str | None:
    """Take the call that a result belongs to off the list, or say why there is none."""
    if name in waiting:
        waiting.remove(name)
    elif not waiting:
        return "more than there are calls"
    elif not name:
        waiting.pop(0)  # results without ids come in the order of the calls
    elif "" in waiting:
        waiting.remove("")
    else:
        return f"of {name!r:.60}, which is no open call"
    return None


ROLE = Check(
    name="role",
    reason="A chat template drops or refuses a role it does not know.",
    before='{"role": "custmer", "content": "Where is my tent?"}',
    after=None,
    check=unknown_role,
)

TURNS = Check(
    name="turns",
    reason="Training needs a question and, last of all, its answer.",
    before="user, user, assistant",
    after=None,
    check=bad_turns,
)
