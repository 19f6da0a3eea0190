"""Defects that add a thread to the export: copies, contradictions, leaked test questions.

The new thread names the one it was made from as its `original`; a contradiction also tells the
`true_value`.
"""

from __future__ import annotations

from copy import deepcopy
from random import Random

from course_lib.yamabiko.facts import GLUE, Fact, house_style
from course_lib.yamabiko.question_sets import message
from course_lib.yamabiko.threads import Thread, alike, grams, phrases


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
    fact = source.policy
    stale = fact.wrong[0] if draw.random() < 0.85 else fact.wrong[1]
    sentence = fact.with_value(stale)
    told = GLUE[source.lang].join((said, sentence)) if said else sentence
    thread = Thread(source.lang, deepcopy(source.messages), fact, original=source)
    thread.answer = house_style(told, source.lang)
    thread.true_value = fact.value
    thread.mark("contradictory_answer", f"says {stale}")
    return thread


def leak(fact: Fact, question: str, draw: Random) -> Thread:
    """Put a held-out test question among the threads, with the right answer.

    Args:
        fact: What the question is about.
        question: A question of the held-out test.
        draw: Decides whether a greeting stands before it.

    Returns:
        A new thread.
    """
    greeting = draw.choice(phrases(fact.lang)["greetings"])
    asked = question if draw.random() < 0.6 else GLUE[fact.lang].join((greeting, question))
    thread = Thread(fact.lang, [message("user", asked), message("assistant", fact.answer)], fact)
    if not alike(grams(asked), grams(question), 0.8):
        thread.messages[0]["content"] = question
    thread.mark("leaked_test_question", f"faq_test asks: {question}")
    return thread


def duplicate(source: Thread) -> Thread:
    """Export the same thread twice.

    Args:
        source: The thread to copy, with whatever defects it has.

    Returns:
        The copy, which names the source as its original.
    """
    thread = _copy(source)
    thread.mark("exact_duplicate", "same messages as the original")
    return thread


def near_duplicate(source: Thread, draw: Random) -> Thread:
    """Export a thread again with a slip in the customer's words.

    Args:
        source: The thread to copy.
        draw: Chooses the slip.

    Returns:
        The copy: at least 85% of its character 3-grams are the source's, but not all.
    """
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
            thread.mark("near_duplicate", "one slip away from the original")
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
