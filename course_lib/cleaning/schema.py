"""Is it a conversation that can be trained on? Roles, and the order of the turns.

A chat template renders whatever it is given: an unknown role silently becomes nothing or an
error in the middle of training, and a row without a closing answer teaches nothing.
"""

from __future__ import annotations

from itertools import pairwise

from course_lib.cleaning.rule import Check, Messages

ROLES = ("system", "user", "assistant")


def unknown_role(messages: Messages) -> str | None:
    """Name the first role that no chat template knows."""
    for number, message in enumerate(messages, start=1):
        if message["role"] not in ROLES:
            return (
                f"message {number} has the role {message['role']!r}, not one of {', '.join(ROLES)}"
            )
    return None


def bad_turns(messages: Messages) -> str | None:
    """Say where the order of turns breaks: system first, user and assistant in turn, answer last.

    >>> bad_turns([{"role": "user", "content": "Hi"}])
    'the conversation ends with user: there is no answer to learn'
    """
    roles = [message["role"] for message in messages]
    if "system" in roles[1:]:
        return f"message {roles.index('system', 1) + 1} is a system message, which belongs first"
    turns = roles[1:] if roles[0] == "system" else roles
    if "user" not in turns:
        return "there is no user message: nothing is asked"
    if turns[-1] != "assistant":
        return f"the conversation ends with {turns[-1]}: there is no answer to learn"
    if turns[0] != "user":
        return "the assistant speaks before the user has asked anything"
    for number, (first, second) in enumerate(pairwise(turns), start=1):
        if first == second:
            place = number + 1 + (roles[0] == "system")
            return f"messages {place - 1} and {place} are both from {first}: turns must alternate"
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
