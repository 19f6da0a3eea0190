"""Words of another script, and Latin words with look-alike letters."""

from __future__ import annotations

import pytest

from course_lib.cleaning.rule import chat
from course_lib.cleaning.scripts import SCRIPT, foreign_script

SLIPS = [
    ("Is it light?", "Yes, the tent is очень light.", "Cyrillic"),
    ("軽いですか。", "はい、このテントは очень 軽いです。", "Cyrillic"),
    ("軽いですか。", "はい、このテントは매우軽いです。", "Korean"),
    ("Is it light?", "Yes, the tent is 매우 light.", "Korean"),
    ("軽いですか。", "はい、このテントはมาก軽いです。", "Thai"),
    ("軽いですか。", "はい、このテントはخفيف軽いです。", "Arabic"),
    ("Is it light?", "Yes, it is बहुत light.", "Devanagari"),
    ("Is it light?", "Yes, it is מאוד light.", "Hebrew"),
    ("いつ届きますか。", "お届けの时间は三日です。", "Chinese"),
    ("いつ届きますか。", "请お待ちください、这个テントは明日届きます。", "Chinese"),
    ("When does it come?", "The delivery 时间 is three days from the order.", "Chinese"),
    ("How do I log in?", "Type your pаssword and press the key.", "Cyrillic"),
    ("どう入りますか。", "раsswordを入力してください。", "Cyrillic"),
    ("How do I log in?", "Use the cοde that we sent.", "Greek"),
    ("How do I log in?", "Use ΡayPal, please.", "Greek"),
]


@pytest.mark.parametrize(("question", "answer", "script"), SLIPS)
def test_slips_are_named(question: str, answer: str, script: str) -> None:
    reason = foreign_script(chat(question, answer))
    assert reason
    assert script in reason


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Как дела?", "Хорошо, палатка стоит 100 долларов."),
        ("텐트 있어요?", "네, 텐트가 있습니다. YB-3070 모델입니다."),
        ("帐篷多少钱？", "这个帐篷的价格是一百美元，时间不限。"),
        ("What does очень mean?", "The word очень means very."),
        ("Translate very.", "It is очень."),
        ("Who is the Korean band?", "They are 방탄소년단, from Seoul."),
        ("韓国料理は？", "비빔밥が有名です。"),
        ("タイ料理は？", "ผัดไทยが有名です。"),
        ("Is it safe?", "Watch for `pаssword` with a Cyrillic letter."),
        ("Who sang it?", "It was sung by Кино and Алла Пугачёва."),
        ("Who?", 'It says "очень" on the box (очень).'),
        ("誰？", "「очень」と書いてあります。"),
        ("What is it?", "It weighs 5 μg; α, β and γ rays differ, and Σx is the sum."),
        ("中国の通貨は？", "人民币（元）です。时间もかかります。"),
    ],
)
def test_a_script_at_home_is_left_alone(question: str, answer: str) -> None:
    assert foreign_script(chat(question, answer)) is None


def test_the_example_is_rejected_and_the_second_answer_is_read() -> None:
    assert SCRIPT.check(chat("軽いですか。", SCRIPT.before))
    rows = [*chat("Hi", "Hello."), *chat("Is it light?", "Yes, очень light, all of it.")]
    assert SCRIPT.check(rows)
