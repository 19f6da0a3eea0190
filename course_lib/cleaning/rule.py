"""What a cleaning rule is: a name, a reason, an example, and one small function.

Five kinds cover everything the cleaner does: a *repair* rewrites text, a *check* rejects one
conversation, a *pair check* rejects one preference pair, a *set check* rejects conversations
because of the others beside them, and a *notice* shows rows to a person and rejects nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

# Role and content are text; a message may carry weight, name, tool_calls, function_call,
# tool_call_id beside them.
Messages = list[dict[str, Any]]
# What a rule of the whole set wants to know of each row by itself: one value a row, and such that
# it can be sent from one process to another. Strings and bytes are smallest and quickest.
Facts = Callable[[list[Messages]], Sequence[Any]]


@dataclass(frozen=True)
class Rule:
    """What every rule tells a reader.

    Attributes:
        name: Short name, as in the ledger and in `clean(..., rules=[...])`.
        reason: Why a training set is better without the defect.
        before: Example text with the defect.
        after: What becomes of it; None where the row is rejected.
    """

    name: str
    reason: str
    before: str
    after: str | None


@dataclass(frozen=True)
class Repair(Rule):
    """A rule that rewrites a text; it must leave clean text alone, and settle when repeated.

    Attributes:
        repair: Text -> text.
        about: Where the user speaks of the matter itself, what looks damaged is meant: an answer on
            HTML has tags. Such a conversation is left alone.
        screen: Says quickly whether there may be anything to rewrite. Repairs that stand one after
            the other and have the same screen are left out together where there is not.
    """

    repair: Callable[[str], str]
    about: re.Pattern[str] | None = None
    screen: Callable[[str], bool] | None = None


@dataclass(frozen=True)
class Check(Rule):
    """A rule that rejects a conversation: `check` returns what is wrong, or None."""

    check: Callable[[Messages], str | None]


class Found(NamedTuple):
    """What a set check says of a row, and the position of the other row it is about."""

    reason: str
    other: int | None = None


@dataclass(frozen=True)
class SetCheck(Rule):
    """A rule that needs the whole set: `check_all` maps positions to what is wrong there.

    It is called again on what is left until nothing more falls, so that a second run of the
    cleaner finds nothing new.

    Attributes:
        check_all: Is called with the conversations, and with their facts behind them if there are
            `facts`.
        facts: Looks at the rows one by one: once, however often the rule is asked, and in several
            processes if there are. None where that would save nothing.
        settled: Whether rows that the rule has left are left by it again however many others fall,
            so that it need not be asked twice.
    """

    check_all: Callable[..., dict[int, Found]]
    facts: Facts | None = None
    settled: bool = False


@dataclass(frozen=True)
class PairCheck(Rule):
    """A rule that rejects a preference pair: prompt, chosen, rejected -> what is wrong, or None."""

    check_pair: Callable[[Messages, Messages, Messages], str | None]


@dataclass(frozen=True)
class Notice(Rule):
    """A rule that only a person can finish: it names rows to look at, all of which are kept.

    `look` is called with the conversations, and with their facts if there are `facts`: see
    `SetCheck`.
    """

    look: Callable[..., dict[int, Found]]
    facts: Facts | None = None


def chat(question: str, answer: str) -> Messages:
    """The smallest conversation: one question, one answer.

    Args:
        question: What the user says.
        answer: What the assistant answers.

    Returns:
        Two messages.

    Example:
        >>> chat("Hi", "Hello!")[1]["role"]
        'assistant'
    """
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def answers(messages: Messages) -> list[str]:
    """What the assistant says, turn by turn: the text that is trained.

    Args:
        messages: A conversation.

    Returns:
        The contents of the assistant's messages, in order.

    Example:
        >>> answers(chat("Hi", "Hello!"))
        ['Hello!']
    """
    return [message["content"] for message in messages if message["role"] == "assistant"]


def prompt(messages: Messages) -> str:
    """Everything the user says, which is what two rows must share to ask the same thing.

    Args:
        messages: A conversation.

    Returns:
        The user's messages, one a line. System messages are left out: they are the same in
        every row and would make unlike rows look alike.

    Example:
        >>> prompt(chat("Hi", "Hello!"))
        'Hi'
    """
    return "\n".join(message["content"] for message in messages if message["role"] == "user")
