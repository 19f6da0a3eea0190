"""Some 140 sound rows of every kind that the whole cleaner keeps as they are."""

from __future__ import annotations

from pathlib import Path

from course_lib.cleaning import clean
from course_lib.cleaning.pipeline import REPAIRS
from course_lib.cleaning.quality import empty_turn
from course_lib.cleaning.rule import chat
from course_lib.cleaning.text import HTML
from course_lib.formats import write_jsonl

# Code, markup, formulas, verse, labels, signs, dialects, quotations, translations.
SOUND = [
    (
        "Write a function that adds two numbers in Python.",
        "```python\ndef add(a: int, b: int) -> int:\n    return a + b\n```",
    ),
    (
        "How do I list files by size on Linux?",
        "Use `ls -lS`, or:\n\n```bash\nfind . -type f -printf '%s %p\\n' | sort -n\n```",
    ),
    ("What HTML makes a link?", '<a href="https://example.com">Example</a>'),
    ("Give me the HTML of a red paragraph.", '<p style="color:red">Hello</p>'),
    ("How do I write less-than in HTML?", "Write &lt; for < and &amp; for &."),
    ("Show generics in C++", "Use std::vector<int> v; and std::map<std::string, int> m;."),
    ("What does Option<T> mean in Rust?", "Option<T> is Some(T) or None, and Vec<u8> holds bytes."),
    ("Convert to JSON: name Rin, age 7", '{"name": "Rin", "age": 7}'),
    ("Extract the items as a JSON list.", '["tent", "stove", "lamp"]'),
    ("Is it open?", "Yes."),
    ("開いていますか。", "はい。"),
    ("Is a tent a shelter?", "Yes"),
    (
        "Compare the tents in a table.",
        "| Tent | Weight | Price |\n|------|--------|-------|\n| Kiri | 2.1 kg | 48,000 "
        "yen |\n| Yama | 3.4 kg | 62,000 yen |",
    ),
    ("What do I pack for a day hike? As a list.", "- Water\n- Map\n- Rain jacket\n- Snacks"),
    ("表で比べてください。", "| テント | 重さ |\n|---|---|\n| 霧 | 2.1 kg |\n| 山 | 3.4 kg |"),
    ("What is the quadratic formula?", "$x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}$"),
    ("Integrate x squared.", "\\[\\int x^2\\,dx = \\frac{x^3}{3} + C\\]"),
    ("二次方程式の解の公式は？", "解の公式は $x = \\frac{-b \\pm \\sqrt{b^2-4ac}}{2a}$ です。"),
    (
        "Where can I read about Python?",
        "See https://docs.python.org/3/tutorial/index.html for the tutorial.",
    ),
    ("Link to the RFC for HTTP?", "It is https://www.rfc-editor.org/rfc/rfc9110.html"),
    (
        "Write a poem with a refrain.",
        "The river runs, the river runs,\nbeneath the bridge, beneath the sun.\nThe river "
        "runs, the river runs,\nuntil the day is done.\nThe river runs, the river runs,\n"
        "and carries everyone.",
    ),
    (
        "Sing Row your boat.",
        "Row, row, row your boat,\nGently down the stream.\nMerrily, merrily, merrily, "
        "merrily,\nLife is but a dream.",
    ),
    (
        "Write a haiku.",
        "Frost on the tent door\nthe kettle hums to itself\nmorning finds its boots",
    ),
    ("俳句を一句。", "古池や\n蛙飛びこむ\n水の音"),
    (
        "オノマトペの詩を書いて。",
        "ざあざあ ざあざあ 雨が降る\nぽつぽつ ぽつぽつ 屋根の音\nころころ ころころ 石が鳴る",
    ),
    ("How does a sheep go?", "Baa baa baa!"),
    ("笑ってください。", "ははははは！"),
    ("Translate to Japanese: The tent is dry.", "テントは乾いています。"),
    ("Translate: テントは乾いています。", "The tent is dry."),
    ("「ありがとう」をフランス語で？", "「ありがとう」はフランス語で merci と言います。"),
    ("What does 'shibui' mean?", "Shibui (渋い) is a quiet, understated beauty."),
    ("How do you write tea in Russian?", "It is чай, read as 'chai'."),
    (
        "What did Descartes say?",
        'He wrote « Je pense, donc je suis », in Latin "Cogito, ergo sum".',
    ),
    (
        "Quote Goethe.",
        '"Es irrt der Mensch, solang er strebt." It means that man errs as long as he strives.',
    ),
    ("大阪弁で返事して。", "ほんまにおおきに。明日届くさかい、待っとってや。"),
    ("Talk like a Scot.", "Aye, it's a braw day, an' yer tent'll be here the morn."),
    ("関西弁で、返品できる？", "できるで。三十日以内やったら大丈夫やわ。"),
    ("What time do you close?", "7 p.m."),
    ("How far is it?", "4 km"),
    ("Who wrote Kokoro?", "Natsume Sōseki"),
    ("「こころ」の作者は？", "夏目漱石"),
    ("Which letter?", "(B)"),
    ("Is 7 prime? true or false", "true"),
    (
        "Give me the SQL.",
        "SELECT name, COUNT(*) FROM orders WHERE total > 100 GROUP BY name HAVING COUNT(*) > 3;",
    ),
    ("Regex for a date?", "^\\d{4}-\\d{2}-\\d{2}$"),
    ("How do I undo the last commit?", "git reset --soft HEAD~1"),
    (
        "Give a YAML example.",
        "name: ci\non: [push]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n   "
        "   - run: make test",
    ),
    (
        "Write an email asking for leave.",
        "Dear Ms. Mori,\n\nI would like to take Friday off.\n\nKind regards,\nKenji",
    ),
    (
        "Write a template email.",
        "Dear [Name],\n\nThank you for your order.\n\nKind regards,\n[Your Name]",
    ),
    ("Count to twenty.", "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20"),
    ("Say pi to 20 digits.", "3.14159265358979323846"),
    ("What is 12,345,678 × 9?", "111,111,102"),
    ("What is the ISBN of the book?", "978-4-10-101001-3"),
    ("Give me the emergency number in Japan.", "119 for fire and ambulance, 110 for the police."),
    ("What is localhost?", "It is 127.0.0.1, your own machine."),
    ("Which DNS server?", "8.8.8.8 is Google's public resolver."),
    ("What version is it?", "Version 10.15.7.2 of the firmware."),
    ("Where is Tokyo Tower?", "It is at 4-2-8 Shibakoen, Minato City, Tokyo."),
    (
        "Can you help me choose a doctor?",
        "I can't diagnose you, but these signs mean that you should see one: fever, a "
        "stiff neck, a rash.",
    ),
    ("What is an AI model?", "An AI model is a program with learnt parameters."),
    ("GPTとは何ですか。", "GPTは言語モデルの一種です。"),
    ("Are you a robot?", "I am a chat assistant of the shop, and a person reads along."),
    ("Can I return opened food?", "We cannot take opened food back."),
    ("開封した食品は返せますか。", "申し訳ございませんが、開封後の食品の返品はお受けできません。"),
    ("Where do I find a blank?", "Fill in your name in the field ______ on page 2."),
    ("How do I greet?", "「お世話になっております」と書きます。"),
    ("敬体と常体の例は？", "敬体は「行きます」、常体は「行く」です。"),
    ("日記を書いて。", "今日は山に登った。霧が深かった。頂上で弁当を食べた。"),
    ("手順を教えて。", "1. テントを広げる\n2. ポールを通す\n3. ペグを打つ"),
    ("Spell it out.", "Y-A-M-A-B-I-K-O"),
    ("What is the formula of water?", "H₂O"),
    ("What is 2 to the 10th?", "2^10 = 1024"),
    ("Name three colours.", "red, green, blue"),
    ("Finish the sentence: I think, therefore", "I am"),
    ("Complete: The quick brown fox", "jumps over the lazy dog"),
    ("Which preposition: depend ___ it?", "on"),
    ("Fill in: She is good ___ maths.", "at"),
    ("What does 'the' translate to in German?", "der, die or das"),
    ("Name an English article.", "the"),
    ("Which conjunction joins alternatives?", "or"),
    ("助詞を一つ。", "が"),
    ("Reply with an emoji.", "👍"),
    ("How many?", "∞"),
    ("Answer with a symbol: less or greater, 3 ? 5", "<"),
    ("Which operator is not-equal in Python?", "!="),
    ("Which sign ends a question?", "?"),
    ("What does Python return without a return?", "None"),
    ("What is the author's name?", "None of the above."),
    ("How do I escape in LaTeX?", "Write \\% for a percent sign and \\_ for an underscore."),
    ("What is lorem ipsum?", "Lorem ipsum is dummy text that printers use."),
    ("Write the headline.", "Yamabiko Outdoor opens its tenth shop in Sapporo"),
    ("What is the motto?", "Pack light, walk far"),
    ("Title for a talk on tents?", "From Canvas to Cuben: A Short History of the Tent"),
    ("記事の見出しを書いて。", "山彦アウトドア、札幌に十店舗目を開店"),
    ("キャッチコピーを。", "軽く、遠くへ"),
    ("Write a tweet.", "New tents are in! 🏕️ Come by this weekend #camping #yamabiko"),
    ("Dialogue, please.", "A: Where is the tent?\nB: In the car.\nA: And the poles?\nB: Oh no..."),
    ("What is the chemical symbol for gold?", "Au"),
    ("Write fizzbuzz output to 5", "1\n2\nFizz\n4\nBuzz"),
    ("Draw a tent in ASCII.", "   /\\\n  /  \\\n /____\\"),
    ("Draw a line.", "----------"),
    ("Morse for SOS?", "... --- ..."),
    ("Binary of 10?", "1010"),
    ("Write ten zeros.", "0000000000"),
    ("Make a checklist.", "- [ ] Tent\n- [x] Stove\n- [ ] Lamp"),
    ("Give me a footnote.", "The tent is waterproof.[1]\n\n[1] Tested at 3,000 mm."),
    ("Explain the CSS.", "`.a > b { color: red; }` colours each b that is a child of .a."),
    ("Which placeholder does Jinja use?", "It writes {{ user.name }} where the name goes."),
    ("Which shell variable is home?", "$HOME, or ${HOME} in a string."),
    ("How do I print a dict in Python?", "print({k: v for k, v in d.items()})"),
    ("Where do I put the key?", "Set OPENAI_API_KEY=<your key> in the environment."),
    ("What's the capital of Korea?", "Seoul (서울)."),
    ("ロシアの首都は？", "モスクワ（Москва）です。"),
    ("How do I say hello in Thai?", "สวัสดี (sawatdee)"),
    ("What is the Greek letter for mean?", "μ (mu)"),
    ("数学の記号で平均は？", "μ です。"),
    (
        "Write a limerick.",
        "There once was a tent on a hill,\nwhose owner was terribly ill.\nHe sneezed "
        "through the night,\ntill morning was bright,\nand I think he is sneezing there "
        "still.",
    ),
    (
        "Sing happy birthday.",
        "Happy birthday to you,\nhappy birthday to you,\nhappy birthday, dear Rin,\nhappy "
        "birthday to you!",
    ),
    ("歌詞をください。", "さくら さくら\nやよいの空は\n見わたす限り\nかすみか雲か"),
    ("Tell me the order numbers.", "YB-1042, YB-1043 and YB-1044"),
    ("My card was declined, why?", "Most banks decline a card after three wrong PINs."),
    ("How long is a card number?", "A card number has 16 digits, such as 4000 12xx xxxx 0000."),
    ("What is a strong password?", "At least 12 characters; avoid words such as password123."),
    ("How do I ping?", "ping -c 3 example.com"),
    ("Explain emphasis in Markdown.", "Write *one star* for italics and **two** for bold."),
    ("What is a glob?", "`*` matches any name, **/ any depth."),
    ("How do I comment in HTML?", "<!-- like this -->"),
    ("How do I break a line in HTML?", "Use <br> or <br/>."),
    ("複数行のHTMLを書いて。", "<ul>\n  <li>テント</li>\n  <li>ランプ</li>\n</ul>"),
    ("Which tag makes text bold?", "<b>, or better <strong>."),
    ("Explain R&D.", "R&D means research and development; AT&T has a lot of it."),
    ("全角と半角の違いは？", "全角は「Ａ」、半角は「A」です。"),
    ("半角カナの例は？", "「ｱｲｳｴｵ」が半角カナです。"),
    ("What is mojibake?", "It is text such as â€™ where a ’ should be."),
    ("文字化けの例は？", "「縺ゅ＞縺」のような文字です。"),
    ("Which letter?", "b)"),
    ("Which is it?", "-3"),
    ("Share?", "3.5%"),
]


def test_no_rule_rejects_or_changes_a_sound_row(tmp_path: Path) -> None:
    rows = [{"messages": chat(question, answer)} for question, answer in SOUND]
    report = clean(write_jsonl(rows, tmp_path / "t.jsonl"))
    assert report.rejected[["rule", "reason", "row"]].to_numpy().tolist() == []
    assert report.changes[["rule", "before", "after"]].to_numpy().tolist() == []


def test_a_repair_is_left_out_only_where_the_user_speaks_of_the_matter(tmp_path: Path) -> None:
    rows = [
        {"messages": chat(question, "<b>Here</b> you are, the tent.")}
        for question in (
            "How do I write bold in HTML?",
            "Where is the tent on example.html?",
            "<html><body>Where is the tent?</body></html>",
            "The price tag is gone, where is it?",
        )
    ]
    rows.append({"messages": chat("半角と全角のＡを並べて。", "ＡとAです。")})
    rows.append({"messages": chat("Ａはどこですか。", "Ａはここです。")})
    report = clean(write_jsonl(rows, tmp_path / "t.jsonl"), rules=["html", "width"])
    said = [row[1]["content"] for row in report.kept["messages"]]
    plain = ["Here you are, the tent."] * 3
    assert said == ["<b>Here</b> you are, the tent.", *plain, "ＡとAです。", "Aはここです。"]
    assert HTML in REPAIRS


def test_the_rejected_answer_of_a_pair_is_left_alone_as_well(tmp_path: Path) -> None:
    pair = {"prompt": "Bold in HTML?", "chosen": "<b>x</b> is bold.", "rejected": "<i>x</i> is it."}
    kept = clean(write_jsonl([pair], tmp_path / "t.jsonl")).kept
    assert kept["rejected"][0][0]["content"] == "<i>x</i> is it."
    assert kept["chosen"][0][0]["content"] == "<b>x</b> is bold."


def test_signs_are_answers_only_where_a_sign_is_asked_for() -> None:
    assert empty_turn(chat("Which sign ends a question?", "?")) is None
    assert empty_turn(chat("句読点を一つ。", "。")) is None
    for answer in ("?", "...", "。", "---", "!!"):
        assert empty_turn(chat("Where is my tent?", answer))
    assert empty_turn(chat("Where is my tent?", "Lorem ipsum dolor sit amet."))
