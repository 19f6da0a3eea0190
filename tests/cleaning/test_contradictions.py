"""Pairs of answers to one question: which contradict each other, and which only sound different."""

from __future__ import annotations

import random
import time

import pytest

from course_lib.cleaning.contradictions import contradictory, disagree
from course_lib.cleaning.quantities import differing_quantities
from course_lib.cleaning.rule import chat

CONTRADICT = [
    ("Sure! You can return it within 30 days.", "Thanks for asking. You have 45 days."),
    ("You may keep it for two weeks.", "You may keep it for three weeks."),
    ("We open at 9 a.m. every day.", "Good question! We open at 10 a.m. every day."),
    ("Shipping costs 500 yen.", "Of course. Shipping costs 800 yen."),
    ("Yes, you can return opened food.", "No, opened food stays with you."),
    ("You can return opened food.", "Thanks! You cannot return opened food."),
    ("The tent is waterproof.", "The tent is not waterproof."),
    ("Wash it with oat soap.", "Wash it with salt water."),
    ("The shop is closed on Tuesday.", "Hello! The shop is closed on Thursday."),
    ("Send it to the warehouse in Osaka.", "Send it to the warehouse in Nagoya."),
    ("Parking is free. The lot is behind us.", "Parking is not free. The lot is behind us."),
    ("The warranty is 2 years, and repairs are free.", "The warranty is 1 year. Keep the bill."),
    ("positive", "negative"),
    ("A", "B"),
    ("Yes.", "No."),
    ("Yes.", "You cannot return it."),
    ("赤です。", "青です。"),
    ("受付は19時までです。", "受付は19時からです。"),
    ("It weighs 2.4 kg.", "It weighs 3.1 kg with the bag."),
    ("Members get 10% off.", "Hi! Members get 15% off every order."),
    ("You need a permit for the hut.", "You don't need a permit for the hut."),
    ("The blue tent sleeps four people.", "The blue tent sleeps six people."),
    ("はい、返品できます。", "いいえ、返品はお受けしていません。"),
    ("30日以内に返品できます。", "ご質問ありがとうございます。45日以内に返品できます。"),
    ("営業時間は午前9時からです。", "営業時間は午前11時からです。"),
    ("送料は500円です。", "もちろんです。送料は800円です。"),
    ("開封した食品は返品できます。", "開封した食品は返品できません。"),
    ("定休日は火曜日です。", "こんにちは。定休日は木曜日です。"),
    ("保証は2年間です。修理は無料です。", "保証は3年間です。修理は無料です。"),
    ("このテントは防水です。", "申し訳ございません。このテントは防水ではない。"),
    ("返品は二週間以内です。", "返品は三週間以内です。"),
    ("大阪の倉庫に送ってください。", "名古屋の倉庫に送ってください。"),
    ("テントには4人まで入れます。", "テントには6人まで入れます。"),
    ("受付は19時までです。", "お問い合わせありがとうございます。受付は午後6時までです。"),
]

AGREE = [
    ("Sure! You can return within 30 days.", "Thanks for asking. You can return it in 30 days."),
    ("You have 30 days.", "No problem! You have 30 days."),
    ("You can return it within two weeks.", "Certainly! Return it within 14 days."),
    ("You have no more than 30 days.", "You have 30 days to send it back."),
    ("We open at 10 a.m.", "Hello! Our doors open at 10:00."),
    ("The shop closes at 7 p.m.", "We close at 19:00 every day."),
    ("The warranty lasts one year.", "Great question! You have a warranty of 12 months."),
    ("Shipping costs 500 yen.", "It costs ¥500, and takes 3 days."),
    ("Shipping costs 500 yen.", "Shipping is 500 yen. It takes 3 days, and 2 people carry it."),
    ("You can return it within 30 days.", "You may return it within 30 days."),
    ("Return it within 30 days. Bring the bill.", "You have 30 days. Keep the tags on it."),
    ("You can return it in 30 days.", "You can return it in 30 days. Please do not cut the tags."),
    ("Yes, it is waterproof.", "It is waterproof."),
    ("Don't worry, your tent is on its way.", "Your tent is on its way."),
    ("1. Dry it.\n2. Fold it.\n3. Store it for 5 months.", "Dry it, fold it, store it 5 months."),
    ("Fold the tent when it is dry.", "The tent has to be dry before you fold it."),
    ("Small tents cost less. Large tents cost more.", "Large tents cost more."),
    ("positive", "Positive."),
    ("Sure, A.", "A"),
    ("It weighs 2.4 kg.", "The whole tent weighs 2.4 kilos with its bag."),
    ("One moment! You get 10% off.", "As a member you get 10 percent off."),
    ("Yes.", "Yes, you can return it."),
    ("Yes.", "You can return it."),
    ("はい。", "返品できます。"),
    (
        "はい、30日以内に返品できます。",
        "ご質問ありがとうございます。30日以内でしたら返品できます。",
    ),
    ("二週間以内に返品できます。", "もちろんです。14日以内に返品できます。"),
    ("営業時間は午前10時から午後7時までです。", "10:00から19:00まで営業しております。"),
    ("送料は500円です。", "お問い合わせありがとうございます。送料は¥500です。"),
    ("問題ありません。返品できます。", "返品できます。"),
    ("すみません、火曜日は定休日です。", "火曜日は定休日です。"),
    ("保証は1年間です。", "保証期間は12ヶ月です。"),
    ("テントは乾かしてからたたみます。", "乾かしてから、テントをたたんでください。"),
    (
        "30日以内に返品できます。送料は500円です。",
        "30日以内に返品できます。返金まで5日かかります。",
    ),
    ("10%引きです。", "10パーセント割引いたします。"),
    ("火曜日がお休みです。", "お世話になっております。火曜日がお休みです。"),
    ("4人用です。", "このテントは4名までお使いいただけます。"),
]


@pytest.mark.parametrize(("first", "second"), CONTRADICT)
def test_contradictory_answers_are_told(first: str, second: str) -> None:
    assert disagree(first, second)
    assert disagree(second, first)


@pytest.mark.parametrize(("first", "second"), AGREE)
def test_answers_in_other_words_agree(first: str, second: str) -> None:
    assert disagree(first, second) is None
    assert disagree(second, first) is None


def test_answers_to_other_instructions_of_the_system_are_not_compared() -> None:
    rows = [
        [{"role": "system", "content": f"You work for shop {n}."}, *chat("How long?", f"{n} days.")]
        for n in (30, 45)
    ]
    assert contradictory(rows) == {}
    assert set(contradictory([row[1:] for row in rows])) == {0, 1}


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        ("48 hours", "two days", None),
        ("365 days", "1 year", None),
        ("午後7時", "19:00", None),
        ("1時間半", "90分", None),
        ("十四日", "2週間", None),
        ("1,200円", "1200 yen", None),
        ("500 yen", "30 days", None),
        ("30 days", "45", ("30 days", "45")),
        ("三時", "午後4時", ("三時", "午後4時")),
        ("one of the 3 kg", "2 kg", ("3 kg", "2 kg")),
    ],
)
def test_only_quantities_of_one_kind_differ(
    first: str, second: str, found: tuple[str, str] | None
) -> None:
    assert differing_quantities(first, second) == found


def test_long_answers_are_compared_in_time() -> None:
    def lines(first: str, seed: int) -> str:
        rng = random.Random(seed)
        words = [["".join(rng.choices("abcdefghij", k=6)) for _ in range(4)] for _ in range(3000)]
        return "\n".join([first, *(" ".join(line) for line in words)])

    start = time.perf_counter()
    why = disagree(lines("The tent is made of nylon.", 1), lines("The tent is made of wool.", 2))
    # Each with each, three thousand sentences took a minute.
    assert time.perf_counter() - start < 5
    assert why == "'nylon' against 'wool'"
