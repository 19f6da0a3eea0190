"""Each rule on its own: what it takes, and above all what it leaves alone."""

from __future__ import annotations

import pytest

from course_lib.cleaning import RULES
from course_lib.cleaning.contamination import contaminated
from course_lib.cleaning.contradictions import contradictory, disagree
from course_lib.cleaning.duplicates import exact_duplicates, near_duplicates, near_pairs
from course_lib.cleaning.language import wrong_language
from course_lib.cleaning.privacy import hide, mask
from course_lib.cleaning.quality import cut_off, empty_turn, refusal, runaway
from course_lib.cleaning.rule import Check, Repair, chat
from course_lib.cleaning.schema import bad_turns, unknown_role
from course_lib.cleaning.style import mixed_style
from course_lib.cleaning.text import (
    lossy_mojibake,
    remove_control_characters,
    repair_mojibake,
    strip_html,
    unify_width,
)
from course_lib.cleaning.votes import outvoted

# Text that every repair must hand back untouched.
CLEAN = [
    "x² + ½ of ㈱山彦 — “quoted”, it’s 5 < 6 & 7 > 2.",
    "テントは12,000円です！（税込）〜送料無料〜",
    "Use `<br>` for a break, or <your order number>.",
    "café naïve résumé, Ænima, Übergröße",
    "営業時間は９〜17時".replace("９", "9"),
    "family: 👨‍👩‍👧 flag: 🇯🇵",
    "Order 2024-01-15, invoice #1234567, 1,234.50 yen, 3.14159",
    "注文番号は123-4567-8901です。〒123-4567",
]


@pytest.mark.parametrize("rule", [rule for rule in RULES if isinstance(rule, Repair)])
def test_repairs_do_what_their_example_says_and_settle(rule: Repair) -> None:
    assert rule.after is not None
    assert rule.repair(rule.before) == rule.after
    assert rule.repair(rule.after) == rule.after


@pytest.mark.parametrize("rule", [rule for rule in RULES if isinstance(rule, Repair)])
@pytest.mark.parametrize("text", CLEAN)
def test_repairs_leave_clean_text_alone(rule: Repair, text: str) -> None:
    assert rule.repair(text) == text


def test_every_rule_has_a_reason_and_its_own_name() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.reason.endswith(".") and rule.before for rule in RULES)
    assert all(rule.after is None for rule in RULES if isinstance(rule, Check))


@pytest.mark.parametrize("wrong", ["latin-1", "cp1252"])
@pytest.mark.parametrize(
    "text", ["It’s €5 – “fine”.", "café crème brûlée", "テントは明日届きます。"]
)
def test_mojibake_of_utf8_is_undone(text: str, wrong: str) -> None:
    try:
        damaged = text.encode("utf-8").decode(wrong)
    except UnicodeDecodeError:
        pytest.skip("this text cannot be misread that way")
    assert repair_mojibake(damaged) == text


def test_cp932_and_its_ghosts() -> None:
    text = "テントは明日お届けします。よろしくお願いします。"
    assert repair_mojibake(text.encode("cp932").decode("latin-1")) == text
    ghost = text.encode("utf-8").decode("cp932", errors="replace")
    assert lossy_mojibake(chat("いつ届きますか。", repair_mojibake(ghost)))
    assert lossy_mojibake(chat("いつ届きますか。", text)) is None


def test_text_repairs() -> None:
    assert strip_html("<div class='x'>A&nbsp;&amp;&nbsp;B</div><script>evil()</script>") == "A & B"
    assert strip_html("&amp;lt;b&amp;gt;") == "&lt;b&gt;"
    assert remove_control_characters("a\x00b\u202ec\r\nd\ufeff") == "abc\nd"
    assert unify_width("ＡＢＣ１２３　ＯＫ！") == "ABC123 OK!"
    assert unify_width("電話は０９０－１２３４－５６７８、ﾊﾟｯｸは１２：３０です！") == (
        "電話は090-1234-5678、パックは12:30です！"
    )


PRIVATE = [
    ("email", "taro.yamada+x@example.co.jp"),
    ("email", "taro (at) example (dot) com"),
    ("email", "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ"),
    ("phone", "090-1234-5678"),
    ("phone", "０３（１２３４）５６７８"),
    ("phone", "(415) 555-0132"),
    ("phone", "+81 90 1234 5678"),
    ("phone", "０９０ー１２３４ー５６７８"),
    ("card", "4242 4242 4242 4242"),
    ("card", "３７８２－８２２４６３－１０００５"),
    ("api_key", "sk-proj-abcDEF1234567890abcDEF"),
    ("api_key", "AKIAIOSFODNN7EXAMPLE"),
    ("api_key", "ghp_0123456789abcdefghijABCDEFGHIJ456789"),
]


@pytest.mark.parametrize(("name", "value"), PRIVATE)
@pytest.mark.parametrize(
    "frame", ["I wrote {} yesterday.", "連絡先は{}です。", "({})", "これ{}それ"]
)
def test_private_values_go_whole(name: str, value: str, frame: str) -> None:
    expected = frame.format({"card": "[CARD]", "email": "[EMAIL]"}.get(name, f"[{name.upper()}]"))
    assert mask(frame.format(value), name) == expected
    assert mask(expected, name) == expected
    assert value not in hide(frame.format(value))


@pytest.mark.parametrize(
    "text",
    [
        "4242 4242 4242 4243",  # wrong check digit
        "Order 4155550132 shipped on 2024-01-15.",
        "Tracking: 123-4567-8901",
        "郵便番号は 150-0001 です",
        "Bring 2 @ 5 dollars each at our shop.",
        "The sk-8 tent and the hf_kit.",
        "Net profit 33.6 26.9 18.7 5.1",
        "It measures 120 x 240 x 90 cm and costs 12,800.",
    ],
)
def test_other_numbers_are_nobodys_business(text: str) -> None:
    assert hide(text) == text


def test_roles_and_turns() -> None:
    system = {"role": "system", "content": "Be kind."}
    assert unknown_role([{"role": "bot", "content": "Hi"}])
    assert unknown_role([system, *chat("Hi", "Hello")]) is None
    assert bad_turns([system, *chat("Hi", "Hello"), *chat("And?", "So.")]) is None
    for wrong in (
        [*chat("Hi", "Hello"), system],
        [system],
        chat("Hi", "Hello")[::-1],
        [*chat("Hi", "Hello"), {"role": "assistant", "content": "!"}],
        [system, {"role": "assistant", "content": "Hello"}],
    ):
        assert bad_turns(wrong)


@pytest.mark.parametrize(
    "answer", ["", " \n", "　", "...", "TODO", "N/A", "[未回答]", "なし。", "-"]
)
def test_empty_answers(answer: str) -> None:
    assert empty_turn(chat("Where is it?", answer))


@pytest.mark.parametrize("answer", ["C", "45 days", "はい", "👍", "none", "7", "neutral"])
def test_short_answers_are_not_empty(answer: str) -> None:
    assert empty_turn(chat("Which?", answer)) is None


@pytest.mark.parametrize(
    "answer",
    [
        "Thank you for asking! You can send it back within",
        "You can pack the tent and the",
        "You need three things, namely a rope,",
        "ご質問ありがとうございます。返品は購入から",
        "We ship it (together with the",
    ],
)
def test_cut_answers(answer: str) -> None:
    assert 0 in cut_off([chat("How?", answer)])


@pytest.mark.parametrize(
    "answer",
    [
        "C",
        "Sure, no problem",
        "Bring:\n- a rope\n- a lamp",
        "See https://example.com/returns",
        "Write to [EMAIL]",
        "ありがとうございます☆",
        "It is done :)",
        "次の三つです。\nテント\nロープ\nランプ",
    ],
)
def test_whole_answers(answer: str) -> None:
    assert cut_off([chat("How?", answer)]) == {}


def test_loops_and_refusals() -> None:
    assert runaway(chat("Hi", "banana " * 2000))
    assert runaway(chat("はい", "大丈夫です。" * 6))
    assert runaway(chat("Hi", "Yes, yes. It is in the box on the left of the door.")) is None
    assert refusal(chat("Hi", "As an AI language model, I cannot say."))
    assert refusal(chat("Hi", "I'm sorry, but I can't help with that."))
    assert refusal(chat("やあ", "申し訳ありませんが、そのご質問にはお答えできません。"))
    assert refusal(chat("Hi", "Sorry, we cannot refund opened food.")) is None
    assert refusal(chat("やあ", "申し訳ございません。開封後の返品はできません。")) is None


def test_language_of_the_answer() -> None:
    assert wrong_language(chat("テントの返品はできますか？", "Yes, you can return the tent to us."))
    assert wrong_language(chat("Can I return the tent?", "はい、返品できます。"))
    assert wrong_language(
        chat(
            "How long can I keep the tent?", "Puede devolver la tienda en un plazo de treinta días."
        )
    )
    assert wrong_language(chat("Translate to Japanese: tent, please", "テントです。")) is None
    assert wrong_language(chat("Where is my tent from Yamabiko?", "45 days")) is None
    assert wrong_language(chat("色は？", "iPhone 15 Pro Max のケースは赤です。")) is None


def test_politeness() -> None:
    assert mixed_style(chat("いつ？", "明日届きます。送料は無料だ。"))
    assert mixed_style(chat("いつ？", "返品できる。ご連絡ください。"))
    assert (
        mixed_style(chat("いつ？", "明日届きます。よろしくお願いいたします。赤いテント。")) is None
    )
    assert mixed_style(chat("いつ？", "「使う」と書きます。\n- 干す\n- 畳む\n以上です。")) is None
    assert mixed_style(chat("いつ？", "明日届く。送料は無料だ。")) is None


def test_duplicates_are_verified_and_measured_against_kept_rows() -> None:
    row = chat("Where is my blue tent from last week?", "It ships today, we promise.")
    twin = chat("where is my blue tent from last week", "It ships today, we promise!")
    other = chat("How do I wash a sleeping bag?", "It ships today, we promise.")
    assert list(exact_duplicates([row, other, row])) == [2]
    assert list(near_duplicates([row, other, twin])) == [2]
    assert near_pairs(["a", "a", "b"]) == [(0, 1)]


def test_questions_on_one_passage_are_not_duplicates() -> None:
    passage = (
        "Six hikers walk on three days, two a day, one in the morning and one after noon. " * 2
    )
    rows = [
        chat(f"{passage}\nWhich one walks on day {n}?\nA. Ann B. Ben C. Cid", "B") for n in "12"
    ]
    assert near_duplicates(rows) == {}


def test_contradictions() -> None:
    ask = "How long may I keep the tent?"
    rows = [chat(ask, "You may keep it for 30 days."), chat(ask, "You may keep it for 45 days.")]
    assert set(contradictory(rows)) == {0, 1}
    assert disagree("You may keep it 30 days.", "30 days, then send it back.") is None
    assert disagree("A", "B")
    assert disagree("Wash it with oat soap.", "Wash it with salt water.")


def test_the_set_outvotes_a_value_but_not_a_pleasantry() -> None:
    subjects = ["warranty", "deposit", "label", "parking", "fee", "voucher", "bridge", "stove"]
    hello = ["Thanks for asking. ", "Thanks for asking. ", "Thanks for writing. ", "", "", ""]
    rows = [
        chat(f"Customer {n} asks about the {word}", f"{hello[n]}The {word} lasts {size} years.")
        for size, word in enumerate(subjects, start=10)
        for n in range(6)
    ]
    wrong = chat("What about the warranty?", "The warranty lasts 3 years.")
    assert list(outvoted([*rows, wrong])) == [len(rows)]


def test_contamination() -> None:
    test = [chat("Until when may I return my gear?", "45 days")]
    rows = [
        chat("Hello! Until when may I return my gear? Thanks.", "45 days"),
        chat("Until when may I return my gears?", "45 days"),
        chat("Where is the shop?", "Here."),
    ]
    assert set(contaminated(rows, test)) == {0, 1}
