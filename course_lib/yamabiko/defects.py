"""Plant one defect in a clean support thread, and note on the thread what was done.

What is planted is written down on the thread: its `kinds` and a `note`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from course_lib.yamabiko.facts import CLOSING, GLUE, OPENING, facts, house_style
from course_lib.yamabiko.question_sets import message
from course_lib.yamabiko.threads import Thread, phrases
from course_lib.yamabiko.width import half_width_katakana, wide

# Typographic characters outside ASCII: what a wrong decoding damages in English.
_CURLY_ASKED = (
    "It’s for our café – thanks.",
    "My name is Zoë.",
    "We don’t know – sorry.",
    "I’m in a hurry…",
    "My friend José asks too.",
)
_CURLY_TOLD = ("We’re glad to help.", "That’s easy – here you are.", "Here’s the answer…")
_WAITING = {"en": "Hello? Is anybody there?", "ja": "もしもし。まだですか。"}


def plant(thread: Thread, kind: str, draw: Random) -> None:
    """Plant a defect that needs nothing but the thread itself.

    Args:
        thread: A clean thread about a policy; changed in place.
        kind: A key of `PLANTERS`, such as "truncated_answer".
        draw: Decides the particulars.

    Example:
        >>> fact = facts()[0]
        >>> thread = Thread("en", [message("user", "?"), message("assistant", fact.answer)], fact)
        >>> plant(thread, "truncated_answer", Random(0))
        >>> thread.messages[-1]["content"]
        'Yamabiko here! You can return gear within 45 d'
    """
    PLANTERS[kind](thread, draw)


def _truncate(thread: Thread, draw: Random) -> None:
    """Cut the answer off inside the sentence that matters, as a token limit does."""
    fact = thread.policy
    told = house_style(fact.sentence, thread.lang)
    head = len(OPENING[thread.lang]) + len(GLUE[thread.lang])
    cut = draw.randrange(head + 4, head + len(fact.sentence) - 1)
    thread.answer = told[:cut].rstrip(" .。")
    thread.mark("truncated_answer", f"cut after {cut} of {len(told)} characters")


def _empty(thread: Thread, draw: Random) -> None:
    """Leave nothing of the answer but, at most, white space."""
    thread.answer = draw.choice(("", " ", "\n", "　"))
    thread.mark("empty_answer", "no words in the answer")


def _wrong_role(thread: Thread, draw: Random) -> None:
    """Break the roles: names no template knows, turns out of order, no answer at the end."""
    way = draw.randrange(4)
    if way == 0:
        role = draw.choice(("bot", "agent", "assistent", "support"))
        thread.messages[-1]["role"] = role
        note = f"the answer has the role {role}"
    elif way == 1:
        thread.messages[0]["role"] = "customer"
        note = "the question has the role customer"
    elif way == 2:
        thread.messages[-1] = message("user", _WAITING[thread.lang])
        note = "two user messages and no answer"
    else:
        thread.messages.reverse()
        note = "the assistant speaks first"
    thread.mark("wrong_role", note)


def break_json(line: str, draw: Random) -> str:
    """Damage a line of JSON so that it can no longer be parsed.

    Args:
        line: A whole row, without its newline.
        draw: Chooses the damage.

    Returns:
        The damaged line, still without a newline.
    """
    ways: tuple[Callable[[str], str], ...] = (
        lambda text: text[: draw.randrange(len(text) // 2, len(text) - 2)],
        lambda text: text.replace('"role": ', '"role" ', 1),
        lambda text: text.replace('"', "'"),
        lambda text: text[:-1],
        lambda text: text.replace('"content": "', '"content": ', 1),
    )
    broken = draw.choice(ways)(line)
    try:
        json.loads(broken)
    except json.JSONDecodeError:
        return broken
    raise RuntimeError(f"the damage left valid JSON: {broken}")


def _mojibake(thread: Thread, draw: Random) -> None:
    """Decode the text with the wrong encoding; one Japanese way in three loses bytes for good."""
    if thread.lang == "en":
        _tell_more(thread, draw.choice(_CURLY_ASKED), draw.choice(_CURLY_TOLD))
        written, read = "utf-8", "cp1252"
    else:
        written, read = draw.choice(
            (("utf-8", "latin-1"), ("cp932", "latin-1"), ("utf-8", "cp932"))
        )
    for turn in thread.messages:
        turn["content"] = turn["content"].encode(written).decode(read, errors="replace")
    lost = any("\ufffd" in turn["content"] for turn in thread.messages)
    note = f"{written} read as {read}, " + ("with bytes lost" if lost else "can be undone")
    thread.mark("mojibake", note)


def _html(thread: Thread, draw: Random) -> None:
    """Leave the mail program's markup in the answer and, half of the time, in the question."""
    told = thread.answer
    body = told.removeprefix(OPENING[thread.lang]).removesuffix(CLOSING[thread.lang]).strip()
    opening, closing = OPENING[thread.lang], CLOSING[thread.lang]
    ways = (
        f"<p>{opening}</p><p>{body}</p><p>{closing}</p>",
        f'<div class="reply">{opening}<br>{body}<br>{closing}</div>',
        f"{opening}&nbsp;<b>{body}</b>&nbsp;{closing}",
        f'<span style="color:#333">{opening} {body}</span><br/><i>{closing}</i>',
    )
    thread.answer = draw.choice(ways)
    if draw.random() < 0.5:
        thread.messages[0]["content"] = f"<p>{thread.messages[0]['content']}</p>"
    thread.mark("html", "tags or entities in the text")


def _full_width(thread: Thread, draw: Random) -> None:
    """Write the value full-width, or Japanese katakana half-width, beside ordinary characters."""
    fact = thread.policy
    told = thread.answer
    if thread.lang == "ja":
        number = f"YB-{draw.randrange(1000, 10000)}"
        _tell_more(thread, f"注文は{wide(number)}です。")
        narrow = half_width_katakana(told)
        thread.answer = narrow if narrow != told and draw.random() < 0.5 else wide(told)
    else:
        thread.answer = told.replace(fact.value, wide(fact.value))
    thread.mark("full_width", "full-width letters or digits, or half-width katakana")


def _refusal(thread: Thread, draw: Random) -> None:
    """Refuse an ordinary question, at times in the company's own voice."""
    words = draw.choice(phrases(thread.lang)["refusals"])
    thread.answer = house_style(words, thread.lang) if draw.random() < 0.3 else words
    thread.mark("refusal", "refuses a question that the policies answer")


def _wrong_language(thread: Thread, draw: Random) -> None:
    """Answer an English question in Japanese, or the other way round."""
    other = "ja" if thread.lang == "en" else "en"
    known = {fact.id: fact for fact in facts(other)}
    thread.answer = known[thread.policy.id].answer
    thread.mark("wrong_language", f"asked in {thread.lang}, answered in {other}")


def _mixed_politeness(thread: Thread, draw: Random) -> None:
    """End the sentence that matters in the plain form (常体) between polite ones (敬体)."""
    sentence = thread.policy.sentence
    endings: dict[str, str] = phrases("ja")["plain_endings"]
    polite = max((ending for ending in endings if sentence.endswith(ending)), key=len)
    plain = sentence.removesuffix(polite) + endings[polite]
    thread.answer = thread.answer.replace(sentence, plain)
    thread.mark("mixed_politeness", f"{endings[polite]} among polite sentences")


def _tell_more(thread: Thread, asked: str, told: str = "") -> None:
    """Add a sentence to the question and, if given, one before the answer's last words."""
    glue = GLUE[thread.lang]
    thread.messages[0]["content"] = glue.join((thread.messages[0]["content"], asked))
    if told:
        answer = thread.answer.removesuffix(CLOSING[thread.lang])
        thread.answer = f"{answer}{told}{glue}{CLOSING[thread.lang]}"


PLANTERS: dict[str, Callable[[Thread, Random], None]] = {
    "truncated_answer": _truncate,
    "empty_answer": _empty,
    "wrong_role": _wrong_role,
    "mojibake": _mojibake,
    "html": _html,
    "full_width": _full_width,
    "refusal": _refusal,
    "wrong_language": _wrong_language,
    "mixed_politeness": _mixed_politeness,
}
