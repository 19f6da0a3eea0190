"""The messy export of support threads, and the key that says what is wrong with it.

One line of `support_raw.jsonl`, and its row in `answer_key.jsonl` if it has a defect:

    {"id": "t00017", "lang": "en", "created": "2025-01-06T09:12:00", "channel": "email",
     "messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}
    {"line": 17, "kinds": ["contradictory_answer"], "lang": "en", "note": "says 30 days",
     "fact": "return_window", "planted": [], "original": 9, "true_value": "45 days"}
"""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from course_lib.yamabiko import added_threads, defects
from course_lib.yamabiko.facts import Fact, facts
from course_lib.yamabiko.jsonl import json_line
from course_lib.yamabiko.private_values import reveal
from course_lib.yamabiko.threads import Thread, Writer, phrases

# Rows per kind in English and in Japanese. Wrong values, cut answers, refusals and wrong
# languages are the most common, because they are what spoils a model.
PLAN: dict[str, tuple[int, int]] = {
    "truncated_answer": (34, 10),
    "empty_answer": (14, 6),
    "wrong_role": (15, 7),
    "broken_json": (14, 6),
    "mojibake": (14, 9),
    "html": (15, 7),
    "full_width": (14, 8),
    "refusal": (30, 10),
    "wrong_language": (26, 10),
    "mixed_politeness": (0, 20),
    "phone": (10, 8),
    "email": (10, 8),
    "card_number": (10, 7),
    "api_key": (10, 6),
}
# Clean threads whose question two more agents answer with a stale value.
CONTRADICTED: dict[str, int] = {"en": 44, "ja": 10}
LEAKS: dict[str, int] = {"en": 20, "ja": 8}
# Copies of clean threads, exact and near, and exact copies of contradictions: duplicates make a
# wrong value louder.
COPIES: dict[str, tuple[int, int, int]] = {"en": (8, 20, 16), "ja": (6, 8, 4)}
# Clean threads: about each fact to learn, each further fact, two questions, small talk.
CLEAN: dict[str, tuple[int, int, int, int]] = {"en": (19, 4, 30, 65), "ja": (7, 5, 15, 40)}

_CHANNELS = ("email", "chat", "web", "store")


def support_threads(seed: int = 7) -> tuple[list[str], list[dict[str, Any]]]:
    """Write the export and its answer key.

    Args:
        seed: Decides wording, defects and order.

    Returns:
        The lines of the export (about 1,200, newline excluded), and the key's rows, one for each
        line that has a defect.

    Example:
        >>> lines, key = support_threads()
        >>> len(key) < len(lines)
        True
    """
    draw = Random(seed)
    writer = Writer(draw)
    threads: list[Thread] = []
    for place, lang in enumerate(("en", "ja")):
        clean = _clean(writer, draw, lang)
        faulty = [
            _planted(writer, draw, lang, kind, turn)
            for kind, counts in PLAN.items()
            for turn in range(counts[place])
        ]
        wrong = _contradictions(writer, draw, lang, clean)
        leaks = _leaks(draw, lang)
        threads += clean + faulty + wrong + leaks + _copies(draw, lang, clean, wrong)
    _shuffle(threads, draw)
    lines = _lines(threads, draw)
    return lines, _key(threads)


def _learnt(lang: str) -> list[Fact]:
    return [fact for fact in facts(lang) if fact.learn]


def _clean(writer: Writer, draw: Random, lang: str) -> list[Thread]:
    """Write the threads that need no cleaning."""
    each, further, double, chats = CLEAN[lang]
    threads = []
    for fact in facts(lang):
        threads += [writer.ask(fact) for _ in range(each if fact.learn else further)]
    for _ in range(double):
        first, second = draw.sample(_learnt(lang), k=2)
        threads.append(writer.ask_two(first, second))
    return threads + [writer.chat(lang) for _ in range(chats)]


def _planted(writer: Writer, draw: Random, lang: str, kind: str, turn: int) -> Thread:
    """Write a fresh thread about a fact to learn and spoil it; facts take turns."""
    learnt = _learnt(lang)
    thread = writer.ask(learnt[(turn + 5 * list(PLAN).index(kind)) % len(learnt)])
    if kind in defects.PLANTERS:
        defects.plant(thread, kind, draw)
    elif kind == "broken_json":
        thread.mark(kind, "the line is no valid JSON")
    else:
        reveal(thread, draw, kind)
    return thread


def _contradictions(writer: Writer, draw: Random, lang: str, clean: list[Thread]) -> list[Thread]:
    """Let two more agents answer the very question of a clean thread, both with a stale value."""
    learnt = _learnt(lang)
    # Half of the policies changed not long ago, so the old values are given three times as often.
    turns = learnt[::2] * 3 + learnt[1::2]
    threads: list[Thread] = []
    used: list[Thread] = []
    for turn in range(CONTRADICTED[lang]):
        fact = turns[turn % len(turns)]
        free = [t for t in clean if t.fact is fact and len(t.messages) == 2 and t not in used]
        used.append(draw.choice(free))
        extras = draw.sample(phrases(lang)["agent_extras"], k=2)
        words = ("", writer.fill(extras[0], lang, {}))
        threads += [added_threads.contradict(used[-1], said, draw) for said in words]
    return threads


def _leaks(draw: Random, lang: str) -> list[Thread]:
    """Leak questions of the held-out test."""
    asked = [(fact, question) for fact in _learnt(lang) for question in fact.test]
    return [
        added_threads.leak(fact, asked, draw) for fact, asked in draw.sample(asked, k=LEAKS[lang])
    ]


def _copies(draw: Random, lang: str, clean: list[Thread], wrong: list[Thread]) -> list[Thread]:
    """Copy clean and contradictory threads; no thread is copied twice."""
    exact, near, of_wrong = COPIES[lang]
    contradicted = [thread.original for thread in wrong]
    free = [thread for thread in clean if thread not in contradicted]
    sources = draw.sample(free, k=exact + near)
    return [
        *(added_threads.duplicate(source) for source in sources[:exact]),
        *(added_threads.near_duplicate(source, draw) for source in sources[exact:]),
        *(added_threads.duplicate(source) for source in draw.sample(wrong, k=of_wrong)),
    ]


def _shuffle(threads: list[Thread], draw: Random) -> None:
    """Mix the threads, each copy somewhere after its original."""
    draw.shuffle(threads)
    place = {id(thread): number for number, thread in enumerate(threads)}
    for thread in list(threads):
        if thread.original is not None and thread.kinds[-1] in (
            "exact_duplicate",
            "near_duplicate",
        ):
            one, other = place[id(thread.original)], place[id(thread)]
            if other < one:
                threads[one], threads[other] = thread, thread.original
                place[id(thread)], place[id(thread.original)] = one, other


def _lines(threads: list[Thread], draw: Random) -> list[str]:
    """Give every thread its extra columns and write it as JSON, broken where that is planted."""
    created = datetime(2025, 1, 6, 9, 0)
    lines = []
    for number, thread in enumerate(threads, start=1):
        created += timedelta(minutes=draw.randrange(7, 600))
        row = {
            "id": f"t{number:05d}",
            "lang": thread.lang,
            "created": created.isoformat(),
            "channel": draw.choice(_CHANNELS),
            "messages": thread.messages,
        }
        line = json_line(row).rstrip("\n")
        lines.append(defects.break_json(line, draw) if "broken_json" in thread.kinds else line)
    return lines


def _key(threads: list[Thread]) -> list[dict[str, Any]]:
    """Name the defects of every line that has any."""
    line = {id(thread): number for number, thread in enumerate(threads, start=1)}
    return [
        {
            "line": line[id(thread)],
            "kinds": thread.kinds,
            "lang": thread.lang,
            "note": thread.note,
            "fact": thread.fact.id if thread.fact else None,
            "planted": thread.planted,
            "original": line[id(thread.original)] if thread.original else None,
            "true_value": thread.true_value,
        }
        for thread in threads
        if thread.kinds
    ]
