"""Rules of single rows: a screen saves work and changes nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from course_lib.cleaning import privacy
from course_lib.cleaning.privacy.planted import negatives, planted
from course_lib.cleaning.row_rules import RowRules, examine
from course_lib.cleaning.rule import Messages, Repair, chat

OWN = Repair("html", "", "", "", lambda text: text.replace("(at)", "@"))


def repaired(messages: Messages, repairs: tuple[Repair, ...]) -> tuple[Messages, object]:
    counts: Counter[tuple[str, str]] = Counter()
    out = examine((messages, None, 0, False), RowRules(repairs=repairs), counts)
    return out.messages, (out.rewrites, counts)


@pytest.mark.parametrize("kind", [planted, negatives])
def test_with_screens_and_without_the_same_is_masked(kind: type) -> None:
    texts = [item.text for item in kind(seed=3)]
    for repairs in (privacy.REPAIRS, (*privacy.REPAIRS[:5], OWN, *privacy.REPAIRS[5:])):
        bare = tuple(replace(rule, screen=None) for rule in repairs)
        changed = 0
        for text in texts:
            row = chat(text, "Thank you (at) all.")
            assert repaired(row, repairs) == repaired(row, bare)
            changed += repaired(row, repairs)[0] is not row
        assert changed


def test_repairs_that_share_a_screen_are_left_out_together() -> None:
    looked: list[str] = []

    def screen(text: str) -> bool:
        looked.append(text)
        return "x" in text

    first = Repair("url", "", "", "", lambda text: text.replace("x", "y"), screen=screen)
    second = Repair("email", "", "", "", lambda text: text.replace("z", ""), screen=screen)
    assert repaired(chat("z", "xz"), (first, second))[0] == chat("z", "y")
    assert looked == ["z", "xz", "z", "y"]
