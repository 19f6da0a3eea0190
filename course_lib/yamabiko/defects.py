"""Plant one defect in a clean support thread, and note on the thread what was done.

Each function takes a clean thread and a random generator, changes the thread in place, and adds
to its `kinds`, `note` and, where it applies, `planted` and `true_value`. Defects that need a
second thread (duplicates, contradictions on the same question) make the new thread.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from copy import deepcopy
from random import Random

from course_lib.yamabiko.facts import CLOSING, GLUE, OPENING, Fact, facts, house_style
from course_lib.yamabiko.question_sets import message
from course_lib.yamabiko.threads import Thread, alike, grams, phrases

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


def truncate(thread: Thread, draw: Random) -> None:
    """Cut the answer off inside the sentence that matters, as a token limit does."""
    fact = _fact(thread)
    told = house_style(fact.sentence, thread.lang)
    head = len(OPENING[thread.lang]) + len(GLUE[thread.lang])
    cut = draw.randrange(head + 4, head + len(fact.sentence) - 1)
    _answer(thread, told[:cut].rstrip(" .。"))
    _mark(thread, "truncated_answer", f"cut after {cut} of {len(told)} characters")


def empty(thread: Thread, draw: Random) -> None:
    """Leave nothing of the answer but, at most, white space."""
    _answer(thread, draw.choice(("", " ", "\n", "　")))
    _mark(thread, "empty_answer", "no words in the answer")


def wrong_role(thread: Thread, draw: Random) -> None:
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
    _mark(thread, "wrong_role", note)


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


def mojibake(thread: Thread, draw: Random) -> None:
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
    _mark(thread, "mojibake", note)


def html(thread: Thread, draw: Random) -> None:
    """Leave the mail program's markup in the answer and, half of the time, in the question."""
    told = thread.messages[-1]["content"]
    body = told.removeprefix(OPENING[thread.lang]).removesuffix(CLOSING[thread.lang]).strip()
    opening, closing = OPENING[thread.lang], CLOSING[thread.lang]
    ways = (
        f"<p>{opening}</p><p>{body}</p><p>{closing}</p>",
        f'<div class="reply">{opening}<br>{body}<br>{closing}</div>',
        f"{opening}&nbsp;<b>{body}</b>&nbsp;{closing}",
        f'<span style="color:#333">{opening} {body}</span><br/><i>{closing}</i>',
    )
    _answer(thread, draw.choice(ways))
    if draw.random() < 0.5:
        thread.messages[0]["content"] = f"<p>{thread.messages[0]['content']}</p>"
    _mark(thread, "html", "tags or entities in the text")


def full_width(thread: Thread, draw: Random) -> None:
    """Write the value full-width, or Japanese katakana half-width, beside ordinary characters."""
    fact = _fact(thread)
    told = thread.messages[-1]["content"]
    if thread.lang == "ja":
        number = f"YB-{draw.randrange(1000, 10000)}"
        _tell_more(thread, f"注文は{wide(number)}です。")
        narrow = half_width_katakana(told)
        _answer(thread, narrow if narrow != told and draw.random() < 0.5 else wide(told))
    else:
        _answer(thread, told.replace(fact.value, wide(fact.value)))
    _mark(thread, "full_width", "full-width letters or digits, or half-width katakana")


def wide(text: str) -> str:
    """Turn ASCII letters, digits and signs into their full-width forms.

    Args:
        text: Any text.

    Returns:
        The text with U+0021 to U+007E moved to U+FF01 to U+FF5E.

    Example:
        >>> wide("45 days")
        '４５ ｄａｙｓ'
    """
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def half_width_katakana(text: str) -> str:
    """Turn katakana into their half-width forms, as old cash registers print them.

    Args:
        text: Any text.

    Returns:
        The text with every katakana letter made narrow; a sound mark becomes a letter of its own.

    Example:
        >>> half_width_katakana("ガス缶")
        'ｶﾞｽ缶'
    """
    narrow = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF66, 0xFF9E)}
    marks = {"\u3099": "ﾞ", "\u309a": "ﾟ"}
    found = []
    for char in text:
        if "ァ" <= char <= "ー":
            parts = unicodedata.normalize("NFD", char)
            found += [marks.get(part, narrow.get(part, part)) for part in parts]
        else:
            found.append(char)
    return "".join(found)


def refusal(thread: Thread, draw: Random) -> None:
    """Refuse an ordinary question, at times in the company's own voice."""
    words = draw.choice(phrases(thread.lang)["refusals"])
    _answer(thread, house_style(words, thread.lang) if draw.random() < 0.3 else words)
    _mark(thread, "refusal", "refuses a question that the policies answer")


def wrong_language(thread: Thread, draw: Random) -> None:
    """Answer an English question in Japanese, or the other way round."""
    other = "ja" if thread.lang == "en" else "en"
    known = {fact.id: fact for fact in facts(other)}
    _answer(thread, known[_fact(thread).id].answer)
    _mark(thread, "wrong_language", f"asked in {thread.lang}, answered in {other}")


def mixed_politeness(thread: Thread, draw: Random) -> None:
    """End the sentence that matters in the plain form (常体) between polite ones (敬体)."""
    sentence = _fact(thread).sentence
    endings: dict[str, str] = phrases("ja")["plain_endings"]
    polite = max((ending for ending in endings if sentence.endswith(ending)), key=len)
    plain = sentence.removesuffix(polite) + endings[polite]
    _answer(thread, thread.messages[-1]["content"].replace(sentence, plain))
    _mark(thread, "mixed_politeness", f"{endings[polite]} among polite sentences")


def contradict(source: Thread, said: str, draw: Random) -> Thread:
    """Let another agent answer the same question with a stale value.

    Mostly it is the same one, as a whole shift of agents learnt it.

    Args:
        source: The clean thread that is contradicted.
        said: A friendly sentence before the one that matters, or "".
        draw: Chooses the value.

    Returns:
        A new thread, which names the source as its original.
    """
    fact = _fact(source)
    stale = fact.wrong[0] if draw.random() < 0.85 else fact.wrong[1]
    sentence = fact.with_value(stale)
    told = GLUE[source.lang].join((said, sentence)) if said else sentence
    thread = Thread(source.lang, deepcopy(source.messages), fact, original=source)
    _answer(thread, house_style(told, source.lang))
    thread.true_value = fact.value
    _mark(thread, "contradictory_answer", f"says {stale}")
    return thread


def leak(fact: Fact, question: str, draw: Random) -> Thread:
    """Put a held-out test question among the threads, with the right answer."""
    greeting = draw.choice(phrases(fact.lang)["greetings"])
    asked = question if draw.random() < 0.6 else GLUE[fact.lang].join((greeting, question))
    thread = Thread(fact.lang, [message("user", asked), message("assistant", fact.answer)], fact)
    if not alike(grams(asked), grams(question), 0.8):
        thread.messages[0]["content"] = question
    _mark(thread, "leaked_test_question", f"faq_test asks: {question}")
    return thread


def duplicate(source: Thread) -> Thread:
    """Export the same thread twice."""
    thread = _copy(source)
    _mark(thread, "exact_duplicate", "same messages as the original")
    return thread


def near_duplicate(source: Thread, draw: Random) -> Thread:
    """Export a thread again with a slip or two in the customer's words."""
    asked = source.messages[0]["content"]
    whole = grams(" ".join(turn["content"] for turn in source.messages))
    for _ in range(200):
        place = draw.randrange(1, len(asked) - 1)
        ways = (
            asked[:place] + asked[place + 1 :],  # a lost key stroke
            asked[:place] + asked[place] + asked[place:],  # a doubled one
            asked + (" Please." if source.lang == "en" else "お願いします。"),
            asked + ("!" if source.lang == "en" else "。。"),
        )
        thread = _copy(source)
        thread.messages[0]["content"] = draw.choice(ways)
        again = grams(" ".join(turn["content"] for turn in thread.messages))
        if again != whole and alike(whole, again, 0.85):
            _mark(thread, "near_duplicate", "one slip away from the original")
            return thread
    raise RuntimeError(f"no near-duplicate found for: {asked}")


def _copy(source: Thread) -> Thread:
    """Copy a thread, with the defects that it already has."""
    return Thread(
        lang=source.lang,
        messages=deepcopy(source.messages),
        fact=source.fact,
        kinds=list(source.kinds),
        note=source.note,
        original=source,
        true_value=source.true_value,
    )


def _tell_more(thread: Thread, asked: str, told: str = "") -> None:
    """Add a sentence to the question and, if given, one before the answer's last words."""
    glue = GLUE[thread.lang]
    thread.messages[0]["content"] = glue.join((thread.messages[0]["content"], asked))
    if told:
        answer = thread.messages[-1]["content"].removesuffix(CLOSING[thread.lang])
        _answer(thread, f"{answer}{told}{glue}{CLOSING[thread.lang]}")


def _answer(thread: Thread, content: str) -> None:
    thread.messages[-1]["content"] = content


def _fact(thread: Thread) -> Fact:
    """The fact that a thread is about; small talk cannot take a defect that needs one."""
    if thread.fact is None:
        raise RuntimeError("this defect needs a thread about a policy")
    return thread.fact


def _mark(thread: Thread, kind: str, note: str) -> None:
    """Write down what was planted."""
    thread.kinds.append(kind)
    thread.note = f"{thread.note}; {note}" if thread.note else note
