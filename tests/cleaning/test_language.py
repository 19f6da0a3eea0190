"""The language of an answer: names and codes have none, and sentences are told apart."""

from __future__ import annotations

import pytest

from course_lib.cleaning.language import language_of, wrong_language
from course_lib.cleaning.rule import chat

# Answers that are right in any language: names, places, products, codes, numbers, labels.
ANY_LANGUAGE = [
    "Mika Tanabe",
    "Kenji Mori, Aiko Sato",
    "Taro Yamada, Mika Tanabe, Kenji Mori",
    "Tanabe Mika and Sato Kenji",
    "Yamabiko Peak 2 Tent",
    "Hinode Ridge Backpack 45L",
    "SKU YB-TN-204-BLK",
    "Fjällräven Kånken Laptop 15",
    "Hilleberg Nallo 2 GT",
    "Helsinki, Oslo, Stockholm, Bergen, Tromsø",
    "Rin, Yuki, Haru, Sora, Mio, Ren",
    "Sakura Momiji Tsubaki Ume Kiku Fuji",
    "Mont Blanc, Grandes Jorasses, Dent du Géant, Aiguille Verte",
    "Kuroneko Yamato",
    "Dr. Anna-Lena Schröder",
    "YB-1042, YB-1043, YB-1044 and YB-1045",
    "12,800 yen",
    "45 days",
    "3 x 240 x 90 cm",
    "A",
    "positive",
    "card_payment_fee_charged",
    "O'Brien, McDonald, de la Cruz",
    "Müller & Söhne GmbH",
    "Tokyo, Osaka, Nagoya, Sapporo, Fukuoka",
    "10:00-19:00 (Mon-Sat)",
    "e-mail: [EMAIL]",
    "Gore-Tex Pro 3L",
    "モンベル ムーンライトテント",
    "タナベ ミカ",
    "田中美香",
    "富士山頂郵便局",
    "全国登山用品販売店",
    "北海道札幌市中央区北三条西六丁目",
    "株式会社山彦屋外用品",
    "山彦 Yamabiko",
    "👍",
    "ヤマト運輸",
    "Kuroneko Yamato クロネコヤマト",
    "Bergstrom Kjeldsen Sorensen Rasmussen",
    "Yamabiko Outdoor Sendai Station East Gate Shop",
    "Takahashi Sensei no Yama",
]

WRONG = [
    ("Can I return the tent?", "はい、返品できます。"),
    ("Can I return the tent?", "Puede devolver la tienda en un plazo de treinta días."),
    ("How long can I keep the tent?", "Das Zelt kann innerhalb von 30 Tagen zurückgegeben werden."),
    ("How long can I keep the tent?", "Vous pouvez rendre la tente dans les trente jours."),
    ("テントの返品はできますか？", "Yes, you can return the tent to us."),
    ("テントの返品はできますか？", "您可以在三十天內退貨。"),
    ("テントの返品はできますか？", "这个帐篷可以在三十天内退货。"),
    ("テントの返品はできますか？", "네, 텐트를 반품할 수 있습니다."),
    ("How long can I keep it?", "你可以保留三十天。"),
    ("How long may I keep it?", "Você pode devolver a barraca em até trinta dias."),
    ("Where is my tent?", "Палатка уже в пути."),
    ("テントはいつ届きますか。", "Your tent ships tomorrow morning from Osaka."),
    ("テントはいつ届きますか。", "Your Yamabiko Kiri Tent ships from Osaka on Monday."),
    ("Where is my tent?", "テントは明日届きます。"),
    ("Where is my tent?", "Ihr Zelt wird am Montag aus Osaka geliefert."),
    ("店は何時に開きますか。", "Thanks For Asking! The Shop Is Open Every Day From Ten."),
    ("Where is my order?", "Su pedido llega mañana por la tarde."),
    ("Where is my order?", "Il suo ordine arriva domani pomeriggio con il corriere."),
    ("返品はできますか。", "THE TENT CAN BE RETURNED WITHIN 30 DAYS."),
]


@pytest.mark.parametrize("answer", ANY_LANGUAGE)
@pytest.mark.parametrize(
    "question", ["Which tent would you take for two in the snow?", "担当者のお名前は何ですか。"]
)
def test_names_codes_and_numbers_are_not_judged(question: str, answer: str) -> None:
    assert wrong_language(chat(question, answer)) is None


@pytest.mark.parametrize(("question", "answer"), WRONG)
def test_an_answer_in_another_language_is_found(question: str, answer: str) -> None:
    assert wrong_language(chat(question, answer))


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Das Zelt kann innerhalb von 30 Tagen zurückgegeben werden.", "de"),
        ("Você pode devolver a barraca em até trinta dias.", "pt"),
        ("You may keep it as long as you do not wash it.", "en"),
        ("您可以在三十天內退貨。", "zh"),
        ("火曜日定休、午前十時開店。", None),
        ("山彦のテントです。", "ja"),
        ("Taro Yamada, Mika Tanabe, Kenji Mori", None),
    ],
)
def test_languages(text: str, language: str | None) -> None:
    assert (language_of(text) or "")[:2] == (language or "")


def test_an_answer_in_another_language_on_purpose_stays() -> None:
    for question, answer in (
        ("Translate into French: where is the tent?", "Où se trouve la tente, s'il vous plaît ?"),
        ("次の文を英語に訳してください。「テントはどこですか」", "Where is the tent, please?"),
        ("Answer to German, please: where is the tent?", "Das Zelt steht hinter dem Haus."),
        ("英語で短い挨拶を考えて。", "Good morning! How are you today?"),
        ("Give me a Spanish sentence about tents.", "La tienda de campaña es muy ligera."),
        ("「お元気ですか」は英語で何と言いますか。", "You can say: how are you doing today?"),
    ):
        assert wrong_language(chat(question, answer)) is None


def test_a_quotation_in_one_answer_excuses_no_other() -> None:
    quoted = chat(
        "看板には何と書いてありますか？", "「Please leave your boots at the door of the hut」"
    )
    other = chat("テントの返品はできますか？", "Yes, you can return the tent within 30 days.")
    assert wrong_language(quoted) is None
    assert wrong_language([*quoted, *other]) == wrong_language(other)
    assert wrong_language(other)
