"""Sound answers, English and Japanese, that no rule may touch, whatever they hold."""

from __future__ import annotations

import pytest

from course_lib.cleaning.boilerplate import model_leak
from course_lib.cleaning.markdown import remove_debris
from course_lib.cleaning.placeholders import unfilled
from course_lib.cleaning.quality import runaway
from course_lib.cleaning.rule import Messages, chat
from course_lib.cleaning.scripts import foreign_script
from course_lib.cleaning.style import mixed_style

# Question and answer. Each answer holds what some rule looks for, in a place where it is right.
SOUND = [
    ("When do you open?", "We open at 9 a.m. on **every** day but Tuesday."),
    ("What do I need?", "**Bring:**\n\n- a rope\n- *two* lamps\n\n1. Pack\n2. Walk"),
    ("How is it priced?", "12,000 yen** for members.\n\n** Tax is included."),
    ("What is 2 to the 3rd?", "2**3 is 8, and x ** y works as well."),
    ("How do I pass options?", "Hand them on with **kwargs or *args."),
    ("Which files?", "It matches src/**/*.py and **/test_*.py."),
    ("Show me the code.", "```python\nprint(2 ** 3)\n```"),
    ("Show me the code.", "Run this:\n```\nrm \\*.tmp\n```\nand it is done."),
    ("Where is the file?", "Open C:\\*.txt or \\\\server\\share\\*.log on the disk."),
    ("Which formula?", "It is \\(a_1 \\* b\\) with \\frac{a}{b}, where {x} is a set."),
    ("Where is your page?", "See [our page](https://example.com/a_(b)) and note [1]."),
    ("How do I call it?", "Call handlers[name]() once."),
    ("How do I track it?", "Type TRACK <your order number> and send it to [PHONE]."),
    ("How do I reach you?", "Write to [EMAIL], or call [PHONE]. Quote [ORDER_ID]."),
    ("Where do I click?", "Press [Enter], then [Your Orders] > [Settings]."),
    ("What is AT&T?", "AT&T & Co. is a company; R&D is research & development."),
    ("How strong is it?", "It holds 5 kN, 2 µm thick, with 47 kΩ; π is 3.14 and Δx is small."),
    ("Which protein?", "TNFα and NFκB are; β-carotene is not."),
    ("Who wrote it?", "It was Лев Толстой (Leo Tolstoy), in “Война и мир”."),
    ("Is the shop happy?", "We are: (´Д`) (；´Д｀) (๑•̀ㅂ•́)و ಠ_ಠ щ(゜ロ゜щ)"),
    ("How do you say thanks in Korean?", "You say 감사합니다 to them."),
    ("Which Super Bowl?", "It was Super Bowl XXX, in chapter XXX of the book."),
    ("Which sizes?", "It comes in XL, XXL, XXXL and XXX-large."),
    ("What do order numbers look like?", "They have the form YB-XXXX, for example YB-3070."),
    ("Write a letter to my landlord.", "Dear [Landlord Name],\n\nthe roof leaks.\n\n[Your Name]"),
    ("Give me a format string.", "Use {customer_name} and {order_id} in it."),
    ("What can I use to write?", "You can use ChatGPT or Claude by Anthropic for a draft."),
    ("Are you ChatGPT?", "No. I am the assistant of Yamabiko, made by a small team."),
    ("How is my training?", "My training starts on Monday, and my last update was on Friday."),
    ("Can you see it?", "I do not have access to your order yet; please send its number."),
    ("Who are you?", "I was trained by my father, a carpenter, in Kyoto."),
    ("Is it on sale?", "It costs <s>12,000</s> 9,800 yen, 3 < 5 > 2."),
    ("How is it written?", "Ha ha ha! It is very, very, very good. No, no, no trouble."),
    ("いつ開きますか。", "**毎日**9時に開きます。*火曜日*は休みです。"),
    ("料金は？", "12,000円**です。\n\n**税込みの料金です。"),
    ("手順は？", "1. **干す**：日陰で干します。\n2. **畳む**：乾いてから畳みます。"),
    ("読み方は？", "「Привет」は挨拶です。（감사합니다）も同じです。"),
    ("ロシア語でありがとうは？", "спасибо と言います。"),
    ("中国の首都は？", "北京です。中国語では「时间」を使います。"),
    ("元気ですか。", "はい(´Д｀)元気です(๑•̀ㅂ•́)و✧ ٩( 'ω' )و"),
    ("重さは？", "約５ｋｇです。単位は㎏、㍑、Ω、μm、℃です。"),
    ("値段は？", "二〇〇円です。二〇二五年から一〇〇円上がりました。"),
    ("創業は？", "二〇〇〇年に創業しました。一九〇〇年代の建物です。"),
    ("敬語は？", "「○○様」は「お客様」と言い換えます。「○○が好きです」も同じです。"),
    ("答えは？", "○×で答えます。○○×の順が正しいです。"),
    (
        "何を書けばいいですか。",
        "下記をお知らせください。\n【お名前】\n【ご注文番号】\n【お電話番号】",
    ),
    ("連絡先は？", "[EMAIL]または[PHONE]までご連絡ください。"),
    ("例文を書いてください。", "[お名前]様、○○株式会社の山田です。"),
    ("サイズは？", "ＸＸＬとXXXLがあります。"),
    ("AIに聞けますか。", "はい、ChatGPTに聞くこともできます。"),
    ("店員さんは？", "私は山田です。私の知識は本から得たものです。"),
    ("喫茶は？", "漢字の塡、頰、剝、𠮟も使えます。髙島屋、﨑、德もあります。"),
    ("誰ですか。", "鄧小平と習近平、それに金正恩です。"),
    ("Who are you?", "My name is Claude, and I run the shop; as an AI company we sell robots."),
    ("How do I deploy?", "Set ${{ secrets.TOKEN }} in the workflow, and /users/{id}/{order_id}."),
    ("What is a set?", "Let {a_1, a_2} be a set and {x_1} too; a {color: red} is a style."),
    ("Which film?", "The film is rated XXX; it is set in the XX. Olympiad, at 5 x 3."),
    ("What did you write?", "As of my last update e-mail, you had two orders."),
    ("Which game?", "Human: Fall Flat is a game; The Assistant: a novel."),
    ("Which keys?", "Hold <Ctrl>, press <Enter>, choose <File>; List<String> is a type."),
    ("What is α?", "It is the α-helix; θ is π/2, Αθήνα is Athens, and NF-κB is a factor."),
    ("Shrug?", "¯\\_(ツ)_/¯ and \\o/ and (ง'̀-'́)ง are faces."),
    ("How is it spelled?", "Müller, Señor Núñez, Łukasz Żółć and naïve café."),
    ("Where is it?", "Price*: 100\n*without tax; 5 * 3 * 2 = 30; R&D, x&y, &c."),
    ("名簿は？", "髙橋さん、渡邊さん、齋藤さん、﨑山さん、德永さんです。"),
    ("宛名の書き方は？", "○○様、○○御中と書きます。"),
    ("評価は？", "◎とても良い、○良い、△普通、×悪い、●済み、□未です。"),
    ("席は？", "A席は○、B席は△です。番号は●●●●と表示されます。"),
    ("顔は？", "(*´ω｀*) (´・ω・`) Σ(ﾟДﾟ) ฅ^•ﻌ•^ฅ ٩(ˊᗜˋ*)و です。"),
    ("図は？", "【図1】と【表2】をご覧ください。[1][2]※送料別です。"),
    ("価格は？", "価格*：100円\n*税別です。"),
    ("笑えますか。", "はははは、とても、とても良いです。ずっとずっと続きます。"),
]
SINGLE = [foreign_script, model_leak, unfilled, runaway, mixed_style]


@pytest.mark.parametrize("rule", SINGLE)
@pytest.mark.parametrize(("question", "answer"), SOUND)
def test_no_check_rejects_a_sound_answer(rule: object, question: str, answer: str) -> None:
    assert callable(rule)
    assert rule(chat(question, answer)) is None


@pytest.mark.parametrize(("question", "answer"), SOUND)
def test_no_sound_markdown_is_touched(question: str, answer: str) -> None:
    assert remove_debris(answer) == answer
    assert remove_debris(question) == question


@pytest.mark.parametrize("rule", SINGLE)
def test_users_may_write_as_they_like(rule: object) -> None:
    assert callable(rule)
    said = "As ChatGPT I say: очень {customer_name} XXX円 ○○様 [Your Name] <|im_end|>"
    messages: Messages = chat(said, "Thank you, we have read it.")
    assert rule(messages) is None
