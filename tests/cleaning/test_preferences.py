"""Preference pairs: the same, missing, the wrong way round, and longer."""

from __future__ import annotations

import pytest

from course_lib.cleaning.preferences import (
    PAIR_RULES,
    empty_side,
    length_bias,
    refusal_chosen,
    same_answers,
    swapped_pair,
)
from course_lib.cleaning.rule import Messages
from course_lib.errors import CourseError

ASK: Messages = [{"role": "user", "content": "When can I send my tent back to you?"}]
ASK_JA: Messages = [{"role": "user", "content": "テントはいつまで返品できますか。"}]


def said(text: str) -> Messages:
    return [{"role": "assistant", "content": text}]


SOUND = "You can send it back for 45 days."
SOUND_JA = "お届けから45日以内なら返品できます。"

GOOD = [
    (ASK, "You have 45 days.", "You have 30 days."),
    (ASK, SOUND, "No idea, mate."),
    (ASK, SOUND, "You can send it back within the"),
    (ASK, SOUND, "banana " * 50),
    (ASK, SOUND, "As an AI language model, I cannot help."),
    (ASK, "YES, FOR 45 DAYS.", "Yes, for 45 days."),
    (ASK, "Yes!", "Yes."),
    (ASK, "A", "B"),
    (ASK, "45", "30"),
    (ASK, "Yes.", SOUND),
    (ASK, "**Yes**, for 45 days.", "Yes, for 45 days."),
    (ASK, "We cannot take back opened food.", "We take back opened food."),
    (ASK, "Yes, gladly:\n- the tent\n- the poles", "Yes, the tent and the poles."),
    (ASK_JA, SOUND_JA, "45日。"),
    (ASK_JA, SOUND_JA, "お届けから45日以内なら返品できる。"),
    (ASK_JA, SOUND_JA, "You can send it back for 45 days, I think."),
    (ASK_JA, "はい。", "いいえ。"),
    (ASK_JA, "申し訳ございません。開封後の返品はできません。", "返品できます。"),
    (ASK_JA, "はい、できます☆", "はい、できます。"),
    (ASK_JA, "テント", "ロープ"),
    (ASK_JA, SOUND_JA, "返品は購入から"),
]


@pytest.mark.parametrize(("prompt", "chosen", "rejected"), GOOD)
def test_sound_pairs_pass_every_rule(prompt: Messages, chosen: str, rejected: str) -> None:
    for rule in PAIR_RULES:
        assert rule.check_pair(prompt, said(chosen), said(rejected)) is None, rule.name


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (SOUND, SOUND),
        (SOUND, SOUND + "\n"),
        ("It is 12 m.", "It  is １２ m."),
        (SOUND_JA, SOUND_JA.replace("45", "４５")),
        ("ﾃﾝﾄです。", "テントです。"),
    ],
)
def test_the_same_twice(one: str, two: str) -> None:
    assert same_answers(ASK, said(one), said(two))
    assert same_answers(ASK, said(two), said(one))


@pytest.mark.parametrize("nothing", ["", "  \n", "TODO", "未回答", "...", "N/A"])
def test_an_empty_side(nothing: str) -> None:
    assert str(empty_side(ASK, said(nothing), said(SOUND))).startswith("chosen")
    assert str(empty_side(ASK, said(SOUND), said(nothing))).startswith("rejected")
    assert empty_side(ASK, [], said(SOUND)) == "chosen: there is no answer"


@pytest.mark.parametrize(
    ("prompt", "broken", "sound"),
    [
        (ASK, "You can send it back within the", SOUND),
        (ASK, "banana " * 50, SOUND),
        (ASK, "お届けから45日以内なら返品できます。", SOUND),
        (ASK_JA, "You can send it back to us for 45 days.", SOUND_JA),
        (ASK_JA, "ご質問ありがとうございます。返品は購入から", SOUND_JA),
    ],
)
def test_the_wrong_way_round(prompt: Messages, broken: str, sound: str) -> None:
    assert swapped_pair(prompt, said(broken), said(sound))
    assert swapped_pair(prompt, said(sound), said(broken)) is None
    # Two broken answers prove nothing about their order.
    assert swapped_pair(prompt, said(broken), said(broken)) is None


def test_a_refusal_preferred() -> None:
    no = said("I'm sorry, but I can't help with that.")
    assert refusal_chosen(ASK, no, said(SOUND))
    assert refusal_chosen(ASK, no, no) is None
    assert refusal_chosen(ASK, said(SOUND), no) is None


def test_length_bias_counts_and_its_interval() -> None:
    pairs = [(ASK, said("long answer"), said("short"))] * 15
    pairs += [(ASK, said("short"), said("long answer"))] * 5
    pairs += [(ASK_JA, said("はい。"), said("そう。"))] * 2
    table = length_bias(pairs).set_index("language")
    row = table.loc["all"]
    assert (row["pairs"], row["equal"], row["longer"], row["share"]) == (22, 2, 15, 0.75)
    # Wilson's interval for 15 of 20, from his formula.
    z, n, p = 1.959964, 20, 0.75
    half = z * (p * (1 - p) / n + z * z / (4 * n * n)) ** 0.5
    middle, below = p + z * z / (2 * n), 1 + z * z / n
    assert row["low"] == pytest.approx((middle - half) / below, abs=1e-4)
    assert row["high"] == pytest.approx((middle + half) / below, abs=1e-4)
    assert table.loc["ja", ["low", "high"]].tolist() == [0.0, 1.0]
    with pytest.raises(CourseError, match="no preference pairs"):
        length_bias([])
