"""Blanks of templates, and traces of other models. Sound texts are in test_sound_texts."""

from __future__ import annotations

import pytest

from course_lib.cleaning.boilerplate import BOILERPLATE, MODEL_LEAK, boilerplate, model_leak
from course_lib.cleaning.placeholders import UNFILLED, unfilled
from course_lib.cleaning.rule import chat

BLANKS = [
    "Kind regards, [Your Name]",
    "Dear [Customer Name], it ships today.",
    "Hi [Name], it ships today.",
    "Hello {customer_name}, it ships today.",
    "Hello {{ customer.name }}, it ships today.",
    "Your order {order_id} ships today.",
    "Your order %(order_id)s ships today.",
    "Dear <customer name>, it ships today.",
    "It ships on <insert date>.",
    "It ships on [insert date here].",
    "It ships on [enter the date here].",
    "Call us at [insert phone number].",
    "It costs XXX yen.",
    "It costs $XXX.",
    "Your order number is XXX.",
    "It ships within XX days.",
    "Lorem ipsum dolor sit amet.",
    "It ships on [TBD].",
    "[Company Name] thanks you.",
    "○○様、本日発送します。",
    "〇〇様、本日発送します。",
    "●●様、本日発送します。",
    "料金は○○円です。",
    "料金はXXX円です。",
    "○日ではなく、○○日までにお送りします。",
    "株式会社○○です。",
    "[お名前]様、本日発送します。",
    "【お客様名】様、本日発送します。",
    "｛お名前｝様、本日発送します。",
    "{顧客名}ではなく{お客様名}様です。",
    "[日付を入力]に届きます。",
    "＜ここに金額を入力してください＞円です。",
    "{customer_name}様、本日発送します。",
]


@pytest.mark.parametrize("answer", BLANKS)
def test_blanks_are_found(answer: str) -> None:
    assert unfilled(chat("When does it ship?", answer))
    assert unfilled(chat("いつ届きますか。", answer))


@pytest.mark.parametrize(
    "question",
    [
        "Write an e-mail template for me.",
        "Draft a letter.",
        "返事の例文を書いてください。",
        "雛形は？",
    ],
)
def test_templates_that_were_asked_for_stay(question: str) -> None:
    assert unfilled(chat(question, "Dear [Customer Name], 料金は○○円です。")) is None


@pytest.mark.parametrize(
    "answer",
    [
        "Take the [S] key.",
        "Press [Add to cart], then [Enter your PIN], then [Insert Table].",
        "Hello [laughs], it is open. Hi [waves].",
        "ログインします（パスワードを入力）。次に【注文する】を押します。",
        "XXX.com is a page; see it on XXX.com today.",
        "Insert the coin (insert coin first).",
        "Go to the door (enter the code first).",
        "The set {a, b} has two members; {x} has one.",
        "See `{customer_name}` there.",
        "POST /orders/{order_id} is the way.",
        "Your [cart](https://example.com) is full.",
        "Fill the box named 'Your Name'.",
        "[NAME] lives in [CITY]; call [PHONE].",
        "It is 3 < 5 and 7 > 2.",
        "The film xXx and the size XXL.",
        "We opened in XX century style.",
        "Numbers end in XXXX, for example.",
        "正解は○、不正解は×です。",
        "○ 返品できます\n○ 交換できます",
        "二〇〇円、三〇〇円です。",
        "三〇〇〇円、五〇〇年です。",
        "お名前（フルネーム）をご記入ください。",
        "【営業時間】9時から17時です。",
        "[重要]ご確認ください。",
        "「○○様」とお呼びします。",
        "◎○△×で答えてください。",
        "X線とXLサイズ、x軸です。",
    ],
)
def test_brackets_and_signs_in_their_place_stay(answer: str) -> None:
    assert unfilled(chat("How?", answer)) is None


LEAKS = [
    "As of my last update, the shop opens at nine.",
    "My knowledge cutoff is September 2021.",
    "I don't have access to real-time information.",
    "I cannot browse the internet.",
    "I am ChatGPT, a language model trained by OpenAI.",
    "As ChatGPT, I have no opinion.",
    "I was trained by OpenAI to help.",
    "Well, being honest, as an AI language model I have no shop.",
    "It opens at nine.<|im_end|>",
    "It opens at nine.</s>",
    "[INST] When? [/INST] At nine.",
    "### Response:\nIt opens at nine.",
    "It opens at nine.\n\nHuman: and when does it close?",
    "私はChatGPTです。",
    "ChatGPTとして、お答えします。",
    "私の知識は2021年9月時点のものです。",
    "私の最終更新は2021年です。",
    "AI言語モデルとして、意見はありません。",
    "私はOpenAIによって開発されました。",
]


@pytest.mark.parametrize("answer", LEAKS)
def test_leaks_are_found(answer: str) -> None:
    assert model_leak(chat("When does the shop open?", answer))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Who made ChatGPT?", "ChatGPT was made by OpenAI."),
        ("What is your knowledge cutoff?", "My knowledge cutoff is 2021."),
        ("What does <|im_end|> do?", "<|im_end|> ends a turn."),
        ("How do I write it?", "Write `<|im_end|>` at the end."),
        ("Who sold it?", "I was made a partner by Google in May."),
        ("When?", "As of my birthday, it is open. My training is over."),
        ("How do I get in?", "You can access the internet in our shop."),
        ("AIですか。", "AI言語モデルとしてお答えします。"),
        ("ニュースは？", "OpenAIがGPT-4を発表しました。"),
        ("誰ですか。", "私の知識では、店は9時に開きます。"),
    ],
)
def test_talk_about_models_is_left_alone(question: str, answer: str) -> None:
    assert model_leak(chat(question, answer)) is None


POLITE = [
    ("Certainly! It opens at nine.", "opens"),
    ("Sure, here is the list: a rope.", "opens"),
    ("Great question! It opens at nine.", "opens"),
    ("I'd be happy to help. It opens at nine.", "opens"),
    ("It opens at nine. Let me know if you need anything else!", "ends"),
    ("It opens at nine. I hope this helps!", "ends"),
    ("It opens at nine. Feel free to ask.", "ends"),
    ("もちろんです！以下に手順を示します。", "opens"),
    ("9時に開きます。他にご質問がありましたら、お知らせください。", "ends"),
    ("9時に開きます。お役に立てれば幸いです。", "ends"),
    ("9時に開きます。お気軽にお尋ねください。", "ends"),
]


@pytest.mark.parametrize(("answer", "where"), POLITE)
def test_pleasantries_are_shown(answer: str, where: str) -> None:
    assert f"the answer {where}" in boilerplate([chat("When?", answer)])[0].reason


@pytest.mark.parametrize(
    "answer",
    [
        "It opens at nine.",
        "Sure-footed boots are best.",
        "Surely it does.",
        "Let me know if you want the red one, and we will pack it with the lamp. It ships today.",
        "Of course it does.",
        "The course is certainly open.",
        "9時に開きます。",
        "もちろん開いています。",
        "お問い合わせありがとうございます。9時に開きます。",
    ],
)
def test_plain_words_are_no_boilerplate(answer: str) -> None:
    assert boilerplate([chat("When?", answer)]) == {}


def test_the_style_of_the_house_is_not_shown() -> None:
    rows = [chat(f"Which {n}?", f"Certainly! Number {n} it is.") for n in range(30)]
    rows.append(chat("Which?", "Number 31. I hope this helps!"))
    assert list(boilerplate(rows)) == [30]


def test_examples_are_found() -> None:
    assert UNFILLED.check(chat("Who?", UNFILLED.before))
    assert MODEL_LEAK.check(chat("When?", MODEL_LEAK.before))
    assert 0 in BOILERPLATE.look([chat("When?", BOILERPLATE.before)])
