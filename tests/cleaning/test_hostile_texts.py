"""Texts made to be slow: no rule may take more than time in proportion to their length."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from course_lib.cleaning.boilerplate import boilerplate, model_leak
from course_lib.cleaning.language import wrong_language
from course_lib.cleaning.lengths import outlier_lengths
from course_lib.cleaning.markdown import remove_debris
from course_lib.cleaning.placeholders import unfilled
from course_lib.cleaning.quality import cut_off, refusal, runaway
from course_lib.cleaning.rule import chat
from course_lib.cleaning.scripts import foreign_script
from course_lib.cleaning.spelling import likely_typos
from course_lib.cleaning.style import mixed_style, off_house_phrase
from course_lib.cleaning.text import strip_html
from course_lib.cleaning.topics import declines

RULES: dict[str, Callable[[str], object]] = {
    "markdown": remove_debris,
    "html": strip_html,
    "script": lambda text: foreign_script(chat("Hi", text)),
    "unfilled": lambda text: unfilled(chat("Hi", text)),
    "leak": lambda text: model_leak(chat("Hi", text)),
    "loop": lambda text: runaway(chat("Hi", text)),
    "refusal": lambda text: refusal(chat("Hi", text)),
    "language": lambda text: wrong_language(chat(text, text)),
    "style": lambda text: mixed_style(chat("Hi", text)),
    "boilerplate": lambda text: boilerplate([chat("Hi", text)]),
    "house": lambda text: off_house_phrase([chat("Hi", text)] * 20),
    "length": lambda text: outlier_lengths([chat("Hi", text)] * 20),
    "typo": lambda text: likely_typos([chat("Hi", text)] * 12),
    "cut": lambda text: cut_off([chat("Hi", text)] * 20),
    "declines": lambda text: declines(chat("Hi", text)),
}
PIECES = [
    "[",
    "(",
    "「",
    '"',
    "**",
    "**a ",
    "\\*",
    "`",
    "```\n",
    "<!--",
    "<script>",
    "{{a",
    "<",
    "&",
]
PIECES += [
    "…",
    "... ",
    "、",
    "a@",
    "@",
    "XX ",
    "○○",
    "очень ",
    "а",
    "aа",
    "时",
    "アイ",
    "[お名前",
    "だ。",
]


# What is never closed, behind what makes a rule look twice.
UNCLOSED = ["_", "「", "『", "“", "（", "(", "[", "«", "\\(", "【"]
OPENED = ["", "<think>", "As of my last update ", "очень ", "[Your Name] "]


@pytest.mark.parametrize("rule", ["script", "unfilled", "leak", "language", "style"])
def test_time_is_in_proportion_where_nothing_is_closed(rule: str) -> None:
    for piece in UNCLOSED:
        for begun in OPENED:
            text = begun + piece * (150_000 // len(piece)) + "x。"
            start = time.perf_counter()
            RULES[rule](text)
            # A search from each bracket to the end takes ten seconds.
            assert time.perf_counter() - start < 3, (begun, piece)


@pytest.mark.parametrize("rule", RULES)
def test_time_is_in_proportion(rule: str) -> None:
    for piece in PIECES:
        text = piece * (40_000 // len(piece)) + "x。"
        start = time.perf_counter()
        RULES[rule](text)
        # What grows with the square of the length takes six seconds and more.
        assert time.perf_counter() - start < 3, piece
