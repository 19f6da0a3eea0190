"""Markdown debris: what goes, and that it goes once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.cleaning.markdown import MARKDOWN, remove_debris

DEBRIS = [
    ("**Note: it is wet.", "Note: it is wet."),
    ("Bring a **rope and a lamp.", "Bring a rope and a lamp."),
    ("**Bold** and **lone.", "**Bold** and lone."),
    ("**A** is fine.\n\n**B is not.", "**A** is fine.\n\nB is not."),
    ("Step 1:** fold it.", "Step 1: fold it."),
    ("Happy trails!**", "Happy trails!"),
    ("**注意：濡れたまま畳まないでください。", "注意：濡れたまま畳まないでください。"),
    ("テントは**日陰で干します。", "テントは日陰で干します。"),
    ("**重要**です。**次も。", "**重要**です。次も。"),
    ("\\*\\*Bold\\*\\* text", "**Bold** text"),
    ("\\*税込みです。", "*税込みです。"),
    ("Use snake\\_case here.", "Use snake_case here."),
    ("See [our page]().", "See our page."),
    ("See [our page](#) now.", "See our page now."),
    ("詳しくは[こちら]()をご覧ください。", "詳しくはこちらをご覧ください。"),
    ("![a tent]() stands here", "a tent stands here"),
    ("Yes. <!-- TODO: check --> It is.", "Yes. It is."),
    ("はい。<!-- 確認 -->\nそうです。", "はい。\nそうです。"),
    ("---\ntitle: Returns\ndate: 2024-01-15\n---\n\nYou have 45 days.", "You have 45 days."),
    ("---\ntitle: 返品\ntags:\n- a\n---\n45日です。", "45日です。"),
    ("You have 45 days.\n```", "You have 45 days."),
    ("```py\nx = 1\n```\nDone.\n```", "```py\nx = 1\n```\nDone."),
    ("45日です。\n```\n\n```", "45日です。"),
    ("It is&nbspfree.", "It is free."),
    ("It is&nbsp free.", "It is  free."),
    ("送料は nbsp;無料です。", "送料は  無料です。"),
    ("&quot Yes&quot she said", '" Yes" she said'),
]
KEPT = [
    "**Bold** and **bold**",
    "****",
    "** **",
    "a ** b",
    "パスワードは**34です。",
    "カード番号の末尾は12**です。",
    "Price** (tax included)",
    "Send t**@example.com a note.",
    "```\n**open\n```",
    "`**open` is code",
    "**`code`** is bold",
    "In Markdown, write `[text]()`.",
    "auto f = [](int x) { return x; };",
    "---\nA line, then a rule\n---\nMore.",
    "---\nname: yaml\n---\nnot a page",
    "```\ncode\n```",
    "Ends with a block:\n```python\nprint(1)\n```",
    "It is cut:\n```python\nprint(1)",
    "````md\n```\nx\n```\n````",
    "Use &nbsp; in HTML for a space.",
    "?a=1&nbsp=2",
    "https://example.com/?a=1&amp=2",
    "$a \\* b$ is a product",
    "Escape it as \\* in a regex.",
    "- [ ] open\n- [x] done",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "# Heading\n\n> quote\n\n---\n\n~~gone~~",
    "**これは「重要」です**。",
    "これは**「重要」**です。",
    "※税込み**\n※送料**別",
    "",
    "```",
    "**",
]


@pytest.mark.parametrize(("before", "after"), DEBRIS)
def test_debris_goes_and_stays_gone(before: str, after: str) -> None:
    assert remove_debris(before) == after
    assert remove_debris(after) == after


@pytest.mark.parametrize("text", KEPT)
def test_what_is_sound_or_unclear_stays(text: str) -> None:
    assert remove_debris(text) == text


def test_the_rule_does_what_its_example_says() -> None:
    assert MARKDOWN.repair(MARKDOWN.before) == MARKDOWN.after


SIGNS = "** \\* \\ * ``` a テント [x]() [ ]() <!-- --> & nbsp; &nbsp amp; 。 : ` 12 ( ) _ #"
PIECES = st.sampled_from([*SIGNS.split(), " ", "\n", "\n\n", "---\n", "title: x\n"])


@settings(max_examples=600, deadline=None, derandomize=True)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_twice_is_once(text: str) -> None:
    once = remove_debris(text)
    assert remove_debris(once) == once
