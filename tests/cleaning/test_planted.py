"""The cleaning rules against planted defects and sound texts that look like them."""

from __future__ import annotations

import copy
from functools import lru_cache

import pandas as pd
import pytest

from course_lib import data_path
from course_lib.cleaning.answer_key import read_key
from course_lib.cleaning.pipeline import EXTRAS, PRIVACY, RULES
from course_lib.cleaning.planted import HUMAN, KINDS, OPEN, examine, marks
from course_lib.cleaning.planted_rows import plant
from course_lib.cleaning.preferences import swapped_pair
from course_lib.cleaning.quality import cut_off, empty_turn, refusal
from course_lib.cleaning.rule import Messages, chat
from course_lib.cleaning.text import repair_mojibake
from course_lib.formats import read
from course_lib.yamabiko import load

# Scored elsewhere: private values in privacy.planted, these by the answer key, by counting tokens.
ELSEWHERE = {*PRIVACY, *EXTRAS, "exact_duplicate", "near_duplicate", "contradiction", "over_long"}


@lru_cache
def clean_conversations(lang: str) -> tuple[Messages, ...]:
    """The rows of the raw export in which nothing is planted."""
    key = read_key(data_path("yamabiko", "answer_key.jsonl"))
    return tuple(
        row.messages
        for row in read(data_path("yamabiko", "support_raw.jsonl")).rows
        if row.line not in key
        and row.messages
        and len(row.messages) == 2
        and row.extra["lang"] == lang
    )


@lru_cache
def held_out_rows(lang: str) -> pd.DataFrame:
    name, other = ("faq_test", "ja") if lang == "en" else ("faq_test_ja", "en")
    return examine(
        clean_conversations(lang),
        lang,
        test=load(name)["messages"],
        other_language=clean_conversations(other),
        held_out=True,
        seed=7,
    )


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_rules_that_decide_find_what_was_held_out_and_nothing_else(lang: str) -> None:
    table = marks(held_out_rows(lang)).set_index("kind")
    decided = table.loc[[kind for kind in KINDS if kind in table.index and kind not in OPEN]]
    # English has no 敬体 and 常体 to mix.
    assert set(KINDS) - set(table.index) == ({"style"} if lang == "en" else set())
    assert decided[["planted", "sound"]].min().min() >= 40
    weak = decided[(decided["precision"] < 0.95) | (decided["recall"] < 0.95)]
    assert weak.empty, weak


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_stubs_in_words_are_never_confused_with_short_answers(lang: str) -> None:
    stub = marks(held_out_rows(lang)).set_index("kind").loc["stub"]
    assert stub["precision"] == 1
    assert stub["recall"] >= 0.85


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_notices_show_what_a_person_must_decide(lang: str) -> None:
    recall = marks(held_out_rows(lang)).set_index("kind")["recall"]
    sure = ["length", "rare_label", "rare_language", "house_phrase", "thin_topic"]
    assert recall[sure].min() >= 0.95
    # Words of Japanese have no spaces between them: its typos are left to the reader.
    assert (recall["typo"] == 0) == (lang == "ja")


def test_every_rule_is_scored() -> None:
    scored = {name for rules in KINDS.values() for name in rules} | set(HUMAN)
    assert {rule.name for rule in RULES} == scored | ELSEWHERE


def test_planting_is_drawn_by_seed_and_leaves_the_conversations_alone() -> None:
    before = copy.deepcopy(clean_conversations("ja"))
    one, same, other = (plant(before, "ja", "refusal", seed=seed) for seed in (0, 0, 1))
    assert one == same != other
    assert before == clean_conversations("ja")


def test_an_alarm_costs_precision_and_a_miss_recall() -> None:
    row = {"lang": "en", "kind": "html", "row": "", "rules": ("html",), "found": True}
    rows = [
        row | {"planted": True},
        row | {"planted": True, "found": False, "rules": ()},
        row | {"planted": False, "kind": "markdown"},
        row | {"planted": False, "rules": ("width",)},
    ]
    html = marks(pd.DataFrame(rows)).set_index("kind").loc["html"]
    assert (html["precision"], html["recall"], html["alarms"]) == (0.5, 0.5, 1)


@pytest.mark.parametrize(
    ("ghost", "meant"),
    [
        ("The tent isn窶冲 heavy.", "The tent isn’t heavy."),
        ("It costs ﾂ｣30.", "It costs £30."),
        ("Ask Kenji (森) in hall 3.", "Ask Kenji (森) in hall 3."),
        ("It costs ¥30 or £20.", "It costs ¥30 or £20."),
        ("帽子は3番です。", "帽子は3番です。"),
    ],
)
def test_latin_text_read_as_an_asian_encoding(ghost: str, meant: str) -> None:
    assert repair_mojibake(ghost) == meant


def test_a_chosen_answer_that_is_the_rejected_one_cut_off() -> None:
    question, *whole = chat("Where?", "Yamabiko here! Pick it up at the north gate.")
    cut = [{"role": "assistant", "content": "Yamabiko here! Pick i"}]
    short = [{"role": "assistant", "content": "Yamabiko here!"}]
    assert swapped_pair([question], cut, whole)
    assert not swapped_pair([question], whole, cut)
    assert not swapped_pair([question], short, whole)


@pytest.mark.parametrize("end", ["(Hall 4)", "— Nora", "xx", "^_^", "Your number: YB-31"])
def test_an_afterword_is_no_cut(end: str) -> None:
    answer = f"Thank you for asking. It ships today. {end}"
    assert not cut_off([chat("When does it ship?", answer)] * 30)


@pytest.mark.parametrize("answer", ["。。。", "〃", "（なし）", "same as above", "ＮＡ", "要確認"])
def test_stubs(answer: str) -> None:
    assert empty_turn(chat("いつ？", answer))


@pytest.mark.parametrize(
    "answer",
    ["As an assistant manager, I can change it.", "係がお答えできないときは、店にお越しください。"],
)
def test_people_at_work_do_not_refuse(answer: str) -> None:
    assert not refusal(chat("?", answer))
