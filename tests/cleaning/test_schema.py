"""Roles and the order of turns, with and without the calls of tools."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from course_lib.cleaning.rule import Messages, chat
from course_lib.cleaning.schema import ROLES, bad_turns, unknown_role

SYSTEM = {"role": "system", "content": "Be kind."}
USER, ANSWER = chat("Hi", "Hello!")


def _calling(*ids: str | None) -> dict[str, Any]:
    function = {"name": "find", "arguments": "{}"}
    calls = [{"function": function, **({"id": name} if name else {})} for name in ids]
    return {"role": "assistant", "content": "", "tool_calls": calls}


def _result(call: str | None = None) -> dict[str, Any]:
    return {"role": "tool", "content": "42", **({"tool_call_id": call} if call else {})}


OLD_CALL = {
    "role": "assistant",
    "content": "",
    "function_call": {"name": "find", "arguments": "{}"},
}
OLD_RESULT = {"role": "function", "name": "find", "content": "42"}
TEXT_CALL = {"role": "assistant", "content": '<tool_call>{"name": "find"}</tool_call>'}


@pytest.mark.parametrize(
    "messages",
    [
        [USER, ANSWER],
        [SYSTEM, USER, ANSWER],
        [USER, ANSWER, USER, ANSWER],
        [USER, _calling("a"), _result("a"), ANSWER],
        [SYSTEM, USER, _calling("a"), _result("a"), ANSWER, USER, ANSWER],
        [USER, _calling("a", "b"), _result("b"), _result("a"), ANSWER],
        [USER, _calling("a"), _result("a"), _calling("b"), _result("b"), ANSWER],
        [USER, _calling("a"), _result("a"), _calling("a"), _result("a"), ANSWER],
        [USER, _calling("a", "b"), _result(), _result(), ANSWER],
        [USER, _calling(None, None), _result(), _result(), ANSWER],
        [USER, _calling(None), _result("a"), ANSWER],
        [USER, _calling("a")],
        [USER, _calling("a"), _result("a"), _calling("b")],
        [USER, OLD_CALL, OLD_RESULT, ANSWER],
        [USER, TEXT_CALL, _result(), ANSWER],
        [USER, TEXT_CALL],
        [USER, TEXT_CALL, USER, ANSWER],
        [USER, {**ANSWER, "weight": 0}, USER, {**ANSWER, "weight": 1}],
        [USER, {**ANSWER, "weight": 1}, USER, {**ANSWER, "weight": 0}],
    ],
)
def test_legal_conversations_are_left_alone(messages: Messages) -> None:
    assert unknown_role(messages) is None
    assert bad_turns(messages) is None


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([USER], "ends with user"),
        ([USER, _calling("a"), _result("a")], "ends with tool"),
        ([ANSWER], "there is no user message"),
        ([USER, {**ANSWER, "weight": 0}], "every answer has the weight 0"),
        ([ANSWER, USER, ANSWER], "the assistant speaks before the user"),
        ([SYSTEM, ANSWER, USER, ANSWER], "the assistant speaks before the user"),
        ([USER, SYSTEM, ANSWER], "message 2 is a system message, which belongs first"),
        ([SYSTEM, SYSTEM, USER, ANSWER], "message 2 is a system message, which belongs first"),
        ([USER, USER, ANSWER], "messages 1 and 2 are both from user"),
        ([SYSTEM, USER, ANSWER, ANSWER], "messages 3 and 4 are both from assistant"),
        ([USER, _calling("a"), ANSWER], "messages 2 and 3 are both from assistant"),
        ([_result("a"), USER, ANSWER], "message 1 is a result, but nothing was called before it"),
        ([USER, _result("a"), ANSWER], "message 2 is a result, but message 1 calls nothing"),
        ([USER, ANSWER, _result("a"), ANSWER], "3 is a result, but message 2 calls nothing"),
        (
            [USER, _calling("a"), USER, ANSWER],
            "message 2 makes a call, but message 3 is not its result",
        ),
        ([USER, OLD_CALL, USER, ANSWER], "message 2 makes a call, but message 3 is not its result"),
        (
            [USER, _calling("a"), _result("a"), USER, ANSWER],
            "message 4 is from user: the results before it have no answer",
        ),
        (
            [USER, _calling("a", "b"), _result("a"), ANSWER],
            "the call 'b' of message 2 has no result before message 4",
        ),
        (
            [USER, _calling("a"), _result("b"), ANSWER],
            "message 3 is a result of 'b', which is no open call of message 2",
        ),
        (
            [USER, _calling("a", "b"), _result("a"), _result("a"), ANSWER],
            "message 4 is a result of 'a', which is no open call of message 2",
        ),
        (
            [USER, OLD_CALL, OLD_RESULT, OLD_RESULT, ANSWER],
            "message 4 is a result more than there are calls of message 2",
        ),
    ],
)  # fmt: skip
def test_illegal_orders_name_their_place(messages: Messages, problem: str) -> None:
    assert problem in (bad_turns(messages) or "")


def test_unknown_roles_are_named() -> None:
    assert unknown_role([USER, {"role": "bot", "content": "Hi"}]) == (
        "message 2 has the role 'bot', not one of system, user, assistant, tool, function"
    )


def test_plain_conversations_are_judged_as_before() -> None:
    """Every order of up to six plain turns: legal is user and assistant in turn, answer last."""
    for length in range(1, 7):
        for roles in product(("system", "user", "assistant"), repeat=length):
            turns = roles[1:] if roles[0] == "system" else roles
            legal = bool(turns) and len(turns) % 2 == 0
            legal = legal and turns == ("user", "assistant") * (len(turns) // 2)
            messages = [{"role": role, "content": "x"} for role in roles]
            assert (bad_turns(messages) is None) == legal, roles


def test_any_order_of_calls_and_results_is_judged_without_an_error() -> None:
    makers = [USER, ANSWER, _calling("a"), _calling("a", "b"), _result("a"), _result(), OLD_CALL]
    judged = {bad_turns(list(messages)) is None for messages in product(makers, repeat=5)}
    assert judged == {True, False}
    assert {message["role"] for message in makers} < set(ROLES)
