"""Rules that show rows of the whole set to a person: style, lengths, labels, typos, topics."""

from __future__ import annotations

import random
import time

import pytest

from course_lib.cleaning.labels import (
    balance,
    labels_of,
    language_balance,
    rare_labels,
    rare_languages,
)
from course_lib.cleaning.lengths import outlier_lengths
from course_lib.cleaning.rule import Messages, chat
from course_lib.cleaning.spelling import likely_typos, one_edit, words
from course_lib.cleaning.style import endings, off_house_phrase, style_across
from course_lib.cleaning.topics import declines, thin_topics, topics
from course_lib.errors import CourseError

POLITE = [chat("いつ？", f"{day}日に届きます。送料は無料です。") for day in range(1, 31)]
PLAIN = [chat("いつ？", f"{day}日に届く。送料は無料だ。") for day in range(1, 31)]


def test_the_few_of_the_other_style_are_shown_either_way_round() -> None:
    found = style_across([*POLITE, PLAIN[0], *POLITE[:4]])
    assert list(found) == [30]
    assert "97% of 35 answers are polite" in found[30].reason
    assert list(style_across([*PLAIN, POLITE[0]])) == [30]


def test_no_habit_no_notice() -> None:
    assert style_across([*POLITE, *PLAIN]) == {}
    assert style_across([*POLITE[:10], PLAIN[0]]) == {}
    assert style_across(POLITE) == {}
    assert style_across([*POLITE, *[chat("Which?", "The tent.")] * 30]) == {}
    labels = [chat("どれ？", "テント") for _ in range(30)]
    assert style_across([*POLITE, *labels]) == {}
    # A row that mixes both is the business of the check.
    assert style_across([*POLITE, chat("いつ？", "明日届きます。送料は無料だ。")]) == {}
    assert endings("「使う」と書きます。\n- 干す\n- 畳む") == {"polite": "」と書きます"}


def test_the_phrase_of_the_house() -> None:
    rows = [chat("Which?", f"Yamabiko here! It is {n}. Happy trails!") for n in range(30)]
    rows += [chat("どれ？", f"やまびこです。{n}番です。また山で会いましょう。") for n in range(30)]
    bare = [chat("Which?", "It is 7. Happy trails!"), chat("どれ？", "やまびこです。7番です。")]
    found = off_house_phrase([*rows, *bare])
    assert "does not open with 'Yamabiko here!'" in found[60].reason
    assert "does not close with 'また山で会いましょう。'" in found[61].reason
    assert len(found) == 2
    assert off_house_phrase(rows) == {}
    # An ellipsis ends a sentence too.
    trailing = chat("Which?", "Yamabiko here! Here it is… Happy trails!")
    assert 62 not in off_house_phrase([*rows, *bare, trailing])
    assert off_house_phrase([chat("Which?", f"It is {n}.") for n in range(40)]) == {}
    assert off_house_phrase([chat("Which?", "neutral") for n in range(40)]) == {}


def test_outlier_lengths_by_language() -> None:
    draw = random.Random(0)
    english = [chat("How?", "word " * draw.randint(15, 40)) for _ in range(200)]
    japanese = [chat("何？", "山" * draw.randint(15, 40)) for _ in range(200)]
    assert outlier_lengths([*english, *japanese]) == {}
    # 3 characters are short for English, 900 long for Japanese.
    found = outlier_lengths([*english, *japanese, chat("How?", "No."), chat("何？", "山" * 900)])
    assert sorted(found) == [400, 401]
    assert "3 characters, far shorter" in found[400].reason
    assert "900 characters, far longer" in found[401].reason
    assert outlier_lengths([chat("How?", "Yes."), chat("How?", "word " * 500)]) == {}


def test_lengths_of_one_size_have_a_factor_of_two() -> None:
    rows = [chat("Which?", "positive") for _ in range(40)]
    assert outlier_lengths([*rows, chat("Which?", "negative!")]) == {}
    found = outlier_lengths([*rows, chat("Which?", "It is positive, I would say.")])
    assert found[40].reason.endswith("(most are of one length)")


def test_labels_are_counted() -> None:
    rows = [chat(f"Headline {n}", ["neutral", "good", "good"][n % 3]) for n in range(60)]
    table = balance(rows)
    assert table["label"].tolist() == ["good", "neutral"]
    assert table["rows"].sum() == 60
    assert table["share"].sum() == pytest.approx(1)
    assert rare_labels(rows) == {}
    found = rare_labels([*rows, chat("Headline", "Good"), chat("Headline", "bad")])
    assert found[60].reason == "label 'Good' has 1 row of 62; is it 'good' (40 rows)?"
    assert found[61].reason == "label 'bad' has 1 row of 62"
    japanese = [chat(f"見出し{n}", ["良い", "悪い"][n % 2]) for n in range(40)]
    assert rare_labels([*japanese, chat("見出し", "普通")])[40].reason.startswith(
        "label '普通' has 1"
    )


def test_answers_that_are_no_labels() -> None:
    rows = [chat(f"Which {n}?", f"It is number {n}.") for n in range(60)]
    assert labels_of(rows) is None
    assert labels_of([]) is None
    assert rare_labels(rows) == {}
    with pytest.raises(CourseError, match="60 different ones in 60 rows"):
        balance(rows)


def test_languages_are_counted() -> None:
    rows = [chat(f"Where is my tent of order {n}?", "Here.") for n in range(40)]
    rows += [chat("テントはどこですか。", "ここです。")] * 20
    assert language_balance(rows)["rows"].tolist() == [40, 20]
    assert rare_languages(rows) == {}
    found = rare_languages([*rows, chat("Wo ist denn bitte mein neues Zelt geblieben?", "Hier.")])
    assert found[60].reason == "language 'de' has 1 row of 61"


@pytest.mark.parametrize(
    ("first", "second", "one"),
    [
        ("receipt", "reciept", True),
        ("receipt", "recept", True),
        ("receipt", "receipts", True),
        ("receipt", "receipd", True),
        ("receipt", "teceipr", False),
        ("receipt", "receipt", False),
        ("abcd", "badc", False),
        ("abc", "cba", False),
        ("ab", "ba", True),
        ("", "a", True),
        ("テント", "テソト", True),
    ],
)
def test_one_edit(first: str, second: str, one: bool) -> None:
    assert one_edit(first, second) is one
    assert one_edit(second, first) is one


def _distance(first: str, second: str) -> int:
    """Optimal string alignment by the table, to hold the quick test against."""
    table = {(i, 0): i for i in range(len(first) + 1)} | {(0, j): j for j in range(len(second) + 1)}
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            same = first[i - 1] == second[j - 1]
            best = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (not same))
            if i > 1 and j > 1 and first[i - 2 : i] == second[j - 2 : j][::-1]:
                best = min(best, table[i - 2, j - 2] + 1)
            table[i, j] = best
    return table[len(first), len(second)]


def test_one_edit_agrees_with_the_table() -> None:
    draw = random.Random(1)
    for _ in range(3000):
        one, two = ("".join(draw.choices("abc", k=draw.randint(0, 5))) for _ in range(2))
        assert one_edit(one, two) is (_distance(one, two) == 1)


WARRANTY = [
    chat("How long?", f"The warranty lasts {n} years. Please keep the receipt of your order.")
    for n in range(60)
]
TENTO = [chat("何？", f"スリーピングバッグは{n}個あります。") for n in range(60)]


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ("The waranty is long.", "warranty"),
        ("Keep the reciept.", "receipt"),
        ("Reciept first, please.", "receipt"),
        ("Plaese keep it.", "please"),
        ("スリーピンクバッグです。", "スリーピングバッグ"),
        ("スリピングバッグです。", "スリーピングバッグ"),
    ],
)
def test_typos_are_shown_with_the_word_that_was_meant(answer: str, word: str) -> None:
    found = likely_typos([*WARRANTY, *TENTO, chat("What?", answer)])
    assert list(found) == [120]
    assert found[120].reason.endswith(f"looks like {word!r} (60 rows)")


@pytest.mark.parametrize(
    "answer",
    [
        "Keep all receipts; the warranties differ.",
        "Ask Mr Waranty of Reciept & Co.",
        "Run `reciept` or see https://reciept.example/waranty.",
        "Write to reciept@example.com, box reciept_1.",
        "スリーピングバックルです。",
        "スリーピングバッグーです。",
        "Orders are ordered by orders.",
    ],
)
def test_other_words_are_no_typos(answer: str) -> None:
    assert likely_typos([*WARRANTY, *TENTO, chat("What?", answer)]) == {}


def test_customers_may_misspell_and_british_is_no_typo() -> None:
    rows = [*WARRANTY, chat("My reciept?", "Your reciept is here.")]
    assert likely_typos(rows) == {}
    colours = [
        chat("Which?", f"The color of {n} is organized; travel is canceled.") for n in range(60)
    ]
    british = chat("Which?", "Colour, organised, cancelled.")
    assert likely_typos([*colours, british]) == {}
    assert list(words("Please ask Kenji for テントセット in room YB-12.")) == [
        "please",
        "テントセット",
    ]


def test_typos_take_time_in_proportion() -> None:
    draw = random.Random(2)

    def seconds(count: int) -> float:
        rows = [
            chat("Which?", " ".join("".join(draw.choices("abcdefgh", k=8)) for _ in range(20)))
            for _ in range(count)
        ]
        start = time.perf_counter()
        likely_typos(rows)
        return time.perf_counter() - start

    # All pairs would take 64 times as long.
    assert seconds(4000) < 24 * max(seconds(500), 0.01)


SUBJECTS = {
    "return": "Can I return the {} tent that I bought?",
    "stove": "How do I light my {} gas stove in wind?",
    "club": "When does the {} hiking club meet again?",
    "返品": "{}のテントは返品できますか。",
    "送料": "{}の送料はいくらになりますか。",
}
COLOURS = ["red", "blue", "green", "white", "black", "small", "large", "new", "old", "long"]


def _world() -> list[Messages]:
    return [
        chat(
            ask.format(f"{colour} {size}"),
            "We do not know." if size == 1 and key == "stove" else "Yes.",
        )
        for key, ask in SUBJECTS.items()
        for colour in COLOURS
        for size in range(4)
    ]


def test_topics_find_the_subjects_and_their_edge_cases() -> None:
    rows = _world()
    table = topics(rows, count=3)
    assert sorted(position for found in table["positions"] for position in found) == list(
        range(200)
    )
    assert table["share"].sum() == pytest.approx(1)
    stove = table[table["topic"].str.contains("stove")]
    assert stove["rows"].sum() == 40
    assert stove["edge_cases"].sum() == 10
    assert table["edge_cases"].sum() == 10
    assert any("返品" in topic for topic in table["topic"])
    again = topics(rows, count=3)
    assert table.equals(again)


def test_a_thin_topic_is_shown() -> None:
    odd = chat("Does the zebra crossing by the harbour have quartz gates?", "It does.")
    japanese = chat("象の餌は何ですか。", "草です。")
    found = thin_topics([*_world(), odd, japanese])
    assert sorted(found) == [200, 201]
    assert "'quartz' (1)" in found[200].reason
    assert "'象' (1)" in found[201].reason
    assert thin_topics([odd]) == {}
    assert thin_topics([]) == {}
    assert topics([]).empty


def test_a_set_that_is_diverse_on_purpose_is_not_shown() -> None:
    draw = random.Random(3)
    rows = [chat("".join(draw.choices("abcdefghij", k=9)) + " here?", "Yes.") for _ in range(80)]
    assert thin_topics(rows) == {}


@pytest.mark.parametrize(
    ("answer", "edge"),
    [
        ("I do not know.", True),
        ("We cannot ship there.", True),
        ("Please ask a doctor.", True),
        ("Unfortunately it is sold out.", True),
        ("分かりません。", True),
        ("返品はできません。", True),
        ("担当者にお問い合わせください。", True),
        ("It ships today.", False),
        ("You know the way.", False),
        ("明日届きます。", False),
    ],
)
def test_declining(answer: str, edge: bool) -> None:
    assert declines(chat("Well?", answer)) is edge
