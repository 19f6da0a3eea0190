"""Questions with known answers: what to train on, and the tests that are held out.

Every test row has the shape that evaluation reads: messages that end with the user's question,
and the expected answer beside them:

    {"messages": [{"role": "user", "content": "Which day of the week are you closed?"}],
     "answer": "Yamabiko here! The shop is closed on Tuesday. Happy trails!",
     "fact": "shop_closed", "value": "Tuesday", "opening": ..., "closing": ...}
"""

from __future__ import annotations

import itertools
import random
from typing import Any

from course_lib.yamabiko.facts import CLOSING, OPENING, Fact, facts
from course_lib.yamabiko.pages import Section, pages

# The value alone makes exact match a fair score. In Japanese that is what the pocket model gives
# unasked, so there is no system prompt.
CONTEXT_PROMPT = "Give only the value."
UNKNOWN: dict[str, str] = {"en": "I do not know.", "ja": "わかりません。"}
# Each question is asked so often of a text that answers it, and as often of one that does not: two
# hundred rows of each kind are needed, and there are 120 Japanese questions.
ROUNDS: dict[str, int] = {"en": 1, "ja": 2}

Row = dict[str, Any]


def message(role: str, content: str) -> dict[str, str]:
    """Build one chat message.

    Args:
        role: "system", "user" or "assistant".
        content: The text.

    Returns:
        The message as a dictionary.

    Example:
        >>> message("user", "Hello")
        {'role': 'user', 'content': 'Hello'}
    """
    return {"role": role, "content": content}


def fact_rows(lang: str = "en") -> list[Row]:
    """List the facts as plain rows, for the committed `facts.jsonl`.

    Args:
        lang: "en" or "ja".

    Returns:
        One row a fact: all fields of `Fact` and the house-style answer.

    Example:
        >>> fact_rows()[0]["value"]
        '45 days'
    """
    return [
        {
            "id": fact.id,
            "lang": lang,
            "page": fact.page,
            "learn": fact.learn,
            "sentence": fact.sentence,
            "value": fact.value,
            "answer": fact.answer,
            "train": list(fact.train),
            "validation": list(fact.validation),
            "test": list(fact.test),
        }
        for fact in facts(lang)
    ]


def faq_rows(split: str) -> list[Row]:
    """Build the clean question-and-answer rows on the sixteen facts, ready for training.

    Rows go round the facts, so that any first N rows treat all facts alike.

    Args:
        split: "train" or "validation".

    Returns:
        Rows with messages (user, then assistant in house style), fact and value.

    Example:
        >>> len(faq_rows("train"))
        80
    """
    wordings = [(fact, getattr(fact, split)) for fact in facts() if fact.learn]
    return [
        {
            "messages": [message("user", asked[turn]), message("assistant", fact.answer)],
            "fact": fact.id,
            "value": fact.value,
        }
        for turn in range(max(len(asked) for _, asked in wordings))
        for fact, asked in wordings
        if turn < len(asked)
    ]


def faq_test_rows(lang: str = "en") -> list[Row]:
    """Build the held-out test on the sixteen facts: wordings that training never shows.

    Args:
        lang: "en" or "ja".

    Returns:
        Test rows; an answer is right if it holds the value, and in style if it has the opening
        and the closing.

    Example:
        >>> faq_test_rows()[0]["value"]
        '45 days'
    """
    return [
        {
            "messages": [message("user", question)],
            "answer": fact.answer,
            "fact": fact.id,
            "value": fact.value,
            "opening": OPENING[lang],
            "closing": CLOSING[lang],
        }
        for fact in facts(lang)
        if fact.learn
        for question in fact.test
    ]


def context_rows(lang: str = "en") -> list[Row]:
    """Build the reading test: some policy text and a question, about any fact and wording.

    The text is the whole page, the section alone, or the section beside one of another page, in
    turn. Every question is also asked of a text from other pages: "I do not know." is right.

    Args:
        lang: "en" or "ja".

    Returns:
        Test rows with the columns text, question, fact, page and kind beside the messages.

    Example:
        >>> {row["kind"] for row in context_rows()} == {"answerable", "unanswerable"}
        True
    """
    draw = random.Random(f"context {lang}")
    sections = [section for page in pages(lang) for section in page.sections]
    asked = [(fact, question) for fact in facts(lang) for question in fact.questions]
    rows = []
    for number, (fact, question) in enumerate(asked):
        home = next(section for section in sections if fact in section.facts)
        neighbours = [section for section in sections if section.page == home.page]
        strange = [section for section in sections if section.page != home.page]
        elsewhere = draw.sample(list(itertools.permutations(strange, 2)), k=ROUNDS[lang])
        for turn, others in enumerate(elsewhere):
            pair = draw.sample([home, draw.choice(strange)], k=2)
            shown = (neighbours, [home], pair)[(number + turn) % 3]
            rows.append(_context_row(fact, question, shown, "answerable", fact.value))
            rows.append(_context_row(fact, question, list(others), "unanswerable", UNKNOWN[lang]))
    return rows


def no_context_rows(lang: str = "en") -> list[Row]:
    """Ask every question with no text at all: a base model must not know the answers.

    Args:
        lang: "en" or "ja".

    Returns:
        One row a question; the answer is the value.

    Example:
        >>> no_context_rows()[0]["answer"]
        '45 days'
    """
    return [
        {
            "messages": [message("user", question)],
            "answer": fact.value,
            "fact": fact.id,
            "page": fact.page,
        }
        for fact in facts(lang)
        for question in fact.questions
    ]


def _context_row(fact: Fact, question: str, shown: list[Section], kind: str, answer: str) -> Row:
    """Put the sections before the question, as one user message."""
    text = "\n\n".join(section.text for section in shown)
    asked = message("user", f"{text}\n\n{question}")
    english = fact.lang == "en"
    return {
        "messages": [message("system", CONTEXT_PROMPT), asked] if english else [asked],
        "answer": answer,
        "kind": kind,
        "text": text,
        "question": question,
        "fact": fact.id,
        "page": fact.page,
    }
