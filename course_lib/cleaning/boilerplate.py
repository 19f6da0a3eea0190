"""What another model leaves in its answers: its name, its cutoff, its tokens, its pleasantries.

That a model names itself, or its training, is a leak and the row is rejected. "Certainly!" and
"I hope this helps!" are a matter of taste: those rows are only shown, and not even that where
most answers say so, because then it is the style of the house.
"""

from __future__ import annotations

import re

from course_lib.cleaning.rule import Check, Found, Messages, Notice, answers

# Not \b, which does not fire between kana and ASCII.
_B, _E = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
# Claude and Gemini are names that people and shops have too: only with what they are.
_MODEL = (
    r"(?:ChatGPT|GPT-?[345][\w.]*|Qwen|DeepSeek"
    r"|(?:Claude|Gemini|Bard|Llama|Copilot|Mistral)(?=,? (?:(?:an?|the) (?:AI|large|language|model)"
    r"|(?:made|trained|developed|created|built) by )))"
)
_MODEL_JA = r"(?:ChatGPT|GPT-?[345][\w.]*|Qwen|DeepSeek)"
_MAKER = r"(?:OpenAI|Anthropic|Google(?: DeepMind| AI)?|Meta(?: AI)?|Microsoft|Alibaba(?: Cloud)?)"
_MADE = r"(?:trained|developed|created|made|built) by"
_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)"
_LEAK = re.compile(
    rf"(?i:{_B}(?:as of|since|until|after|in|to) my (?:last|latest|most recent|current)"
    r" (?:knowledge |training |data )?(?:update|cut-?off|training)(?! (?:e-?mail|message|note|to)))"
    rf"|(?i:{_B}my (?:knowledge|training|data|training data)(?:['’]s)?"
    r" (?:cut-?off|was last updated|(?:only )?(?:ends|stops|reaches|goes|extends)"
    r" (?:only )?(?:in|at|before|with|to|up to|until)|is (?:current|limited) (?:as of|up to|to)))"
    rf"|(?i:{_B}knowledge cut-?off(?: date)? (?:of|is|was|in) (?:{_MONTH}|20[0-9]{{2}}))"
    rf"|(?i:{_B}i (?:do not|don['’]t|cannot|can['’]t) (?:have )?(?:access|browse)(?: to)?"
    r" (?:to )?(?:the internet|real-?time (?:information|data)|current events))"
    rf"|(?i:{_B}as an? (?:ai|artificial intelligence)(?: language)? model{_E})"
    rf"|{_B}(?i:as an?) {_MAKER} (?i:(?:language )?model){_E}"
    rf"|{_B}(?:[Aa]s|I am|I['’]m|[Mm]y name is|[Tt]his is) {_MODEL}{_E}(?!['’]s)"
    rf"|{_B}(?i:i (?:was|am|have been) (?:a (?:large )?language model,? )?{_MADE}) {_MAKER}{_E}"
    rf"|{_B}(?i:language model,? {_MADE}) {_MAKER}{_E}"
)
_LEAK_JA = re.compile(
    rf"(?:私|わたし|僕|当方)は、?{_MODEL_JA}(?:です|と(?:申し|いい|言い)ます|という|、)"
    rf"|{_MODEL_JA}(?:として(?:は|、)|ですので|なので|であるため|の知識は|の学習データ)"
    rf"|(?:私|わたし|僕)は、?[^。\n]{{1,20}}(?:開発|訓練|作成|作っ|作られ|学習)[^。\n]{{0,10}}"
    rf"(?:{_MODEL_JA}|Claude|Gemini|Llama|Mistral)(?:です|と(?:申し|いい|言い)ます)"
    rf"|(?:私|わたし)は、?{_MAKER}(?:社)?(?:によって|に|が|の)(?:開発|訓練|作成|作ら|トレーニング|学習)"
    r"|(?:私|わたし)の(?:知識|学習|訓練|トレーニング)(?:データ)?(?:は|の)[^。]{0,12}(?:時点|まで|カットオフ|更新)"
    r"|(?:私|わたし)の(?:最終|最新の|最後の)(?:知識)?(?:更新|アップデート|学習)|知識(?:の)?カットオフ"
    r"|(?:AI|人工知能)(?:言語)?モデルとして|大規模言語モデルとして"
)
# The marks of chat templates: trained as text, they end or open a turn in the middle of one.
_TOKENS = re.compile(
    r"<\|(?:im_start|im_end|im_sep|endoftext|end|eot_id|start_header_id|end_header_id|begin_of_text"
    r"|end_of_text|user|assistant|system|endofprompt|pad)\|>|\[/?INST\]|<</?SYS>>|\A[^<]*</s>\s*\Z"
    r"|<(?:start|end)_of_turn>|^### ?(?:Response|Instruction|Input|Answer|Output|Question"
    r"|指示|応答|入力|回答|出力|質問)[:：][ \t]*$"
    r"|(?<=\n)Human: ?(?=\S)|\AAssistant: ?(?=\S)|<\|?(?:unk|bos|eos)\|?>"
    r"|^(?:User|Human|ユーザー?|人間)[:：] ?\S[^\n]*\n+(?:Assistant|AI|Bot|アシスタント)[:：]"
    r"|</?(?:think|thinking|reasoning|scratchpad)>|【\d+(?::\d+)?†[^】\n]*】",
    re.MULTILINE,
)
# Cheap screens: every leak, every mark and every stock ending holds one of its signs.
_LEAK_SIGNS = (
    *(
        " my ",
        "My ",
        "odel",
        "GPT",
        "nowledge cut",
        "access",
        "browse",
        " by ",
        "s Claude",
        "s Gemini",
    ),
    *("I am ", "I'm ", "I’m ", "s is "),
)
_LEAK_SIGNS_JA = ("モデル", "私", "わたし", "僕", "当方", "知識", "GPT", "Claude", "Gemini")
_TOKEN_SIGNS = (
    "<",
    "INST]",
    "###",
    "Human:",
    "Assistant:",
    "AI:",
    "Bot:",
    "アシスタント",
    "AI：",
    "†",
)
_ENDING_SIGNS = (
    *("ope th", "know if", "free to", "thing else", "any ", "hesitate", "appy to help"),
    *("質問", "不明", "気軽", "幸い", "嬉しい", "うれしい", "手伝い", "知りたい"),
)
# No quotation is longer; without a limit, brackets that never close take quadratic time.
_CODE = re.compile(
    r"```.*?```|`[^`\n]*`|「[^」]{0,1000}」|『[^』]{0,1000}』|\"[^\"\n]*\"|“[^”]{0,1000}”",
    re.DOTALL,
)
_ASKED = re.compile(
    r"(?i)gpt|openai|anthropic|claude|gemini|(?<![a-z])llama|chat ?bot|language model|knowledge cut"
    r"|(?<![a-z])(?:ai|llms?)(?![a-z])|artificial intelligence"
    r"|人工知能|言語モデル|チャットボット|カットオフ"
)


def model_leak(messages: Messages) -> str | None:
    """Find an answer in which another model gives itself away.

    Args:
        messages: A conversation.

    Returns:
        What gives it away, or None. Left alone: talk about such models ("You can ask ChatGPT"),
        answers to a question about them, code and quotations.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> model_leak(chat("Is it open?", "As of my last update, the shop was open."))
        "the answer speaks as another model: 'As of my last update'"
    """
    for text in answers(messages):
        found = _leak(text, messages)
        if found:
            return found
    return None


def _leak(text: str, messages: Messages) -> str | None:
    has = text.__contains__
    token = any(map(has, _TOKEN_SIGNS)) and _TOKENS.search(_CODE.sub(" ", text))
    if token and not _asked(messages, token.group().strip()):
        return f"a mark of a chat template is left in the answer: {token.group().strip()!r}"
    match = _LEAK.search(text) if any(map(has, _LEAK_SIGNS)) else None
    if not match and not text.isascii() and any(map(has, _LEAK_SIGNS_JA)):
        match = _LEAK_JA.search(text)
    if not match:
        return None
    if any(_ASKED.search(m["content"]) for m in messages if m["role"] != "assistant"):
        return None
    bare = _CODE.sub(" ", text)
    match = _LEAK.search(bare) or _LEAK_JA.search(bare)
    return f"the answer speaks as another model: {match.group().strip()!r}" if match else None


_DIALOGUE = re.compile(r"(?i)dialog|conversation|screenplay|interview|会話|対話|台本|シナリオ")


def _asked(messages: Messages, mark: str) -> bool:
    """Whether the user wrote the mark first, or wants a dialogue, which has speakers."""
    said = [message["content"] for message in messages if message["role"] != "assistant"]
    return any(mark in text or _DIALOGUE.search(text) for text in said)


_OPENING = re.compile(
    r"(?:Sure|Certainly|Of course|Absolutely|Definitely)"
    r"(?:!|[,.]? (?:thing|here|I['’]d|I['’]ll|I can))"
    r"|(?:Great|Good|Excellent|Interesting) question[!.]|Thank you for your question"
    r"|Here(?:['’]s| is| are) (?:an?|the|some|your) [^.!?\n]{0,60}:"
    r"|(?:I['’]d|I would) be (?:happy|glad|more than happy) to"
    r"|もちろんです|もちろん[!！]|承知(?:いたし|し)ました|かしこまりました|素晴らしい(?:ご)?質問"
    r"|(?:良い|いい)質問です|はい、(?:以下|喜んで)|以下[はにが][^。\n]{0,40}(?:です|ます)[。:：]"
)
_ENDING = re.compile(
    r"(?:(?i:let me know if|(?:please )?feel free to (?:ask|reach|contact|let)"
    r"|(?:i )?hope (?:this|that) (?:helps|information)|is there anything else"
    r"|if you (?:have|need) any (?:other|more|further)|don['’]t hesitate to|happy to help)"
    r"[^.!?\n]*[.!?]*"
    r"|(?:他に|ほかに|その他)[^。\n]{0,20}(?:質問|ご不明|お手伝い|知りたい)[^。\n]*[。！]?"
    r"|(?:ご不明な点|ご質問)[^。\n]*(?:お気軽に|お知らせ|お問い合わせ|お申し付け)[^。\n]*[。！]?"
    r"|(?:お役に立て|参考になれ|ご参考になれ)[^。\n]*(?:幸い|嬉しい|うれしい)[^。\n]*[。！]?"
    r"|お気軽に(?:お(?:尋ね|聞き|申し付け|知らせ)|ご質問|質問し)[^。\n]*[。！]?)\s*\Z"
)
_ENOUGH = 20


def boilerplate(sets: list[Messages]) -> dict[int, Found]:
    """Find answers that open or end with the pleasantries of chat models.

    Args:
        sets: The conversations.

    Returns:
        The rows, with the phrase. Where half of the answers (of 20 or more) open so, or end
        so, it is the style of the house, and nothing is shown.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> boilerplate([chat("How?", "Certainly! Fold it twice. I hope this helps!")])[0].reason
        "the answer opens with 'Certainly!' and ends with 'I hope this helps!'"
    """
    opens: dict[int, str] = {}
    ends: dict[int, str] = {}
    for position, messages in enumerate(sets):
        for text in answers(messages):
            bare = text.strip()
            opening = _OPENING.match(bare)
            if opening:
                opens.setdefault(position, opening.group())
            tail = bare[-160:]
            ending = _ENDING.search(tail) if any(map(tail.__contains__, _ENDING_SIGNS)) else None
            if ending:
                ends.setdefault(position, ending.group().strip())
    if len(sets) >= _ENOUGH:
        opens = opens if len(opens) * 2 < len(sets) else {}
        ends = ends if len(ends) * 2 < len(sets) else {}
    found: dict[int, Found] = {}
    for position in sorted({*opens, *ends}):
        parts = []
        if position in opens:
            parts.append(f"opens with {opens[position][:40]!r}")
        if position in ends:
            parts.append(f"ends with {ends[position][:60]!r}")
        found[position] = Found("the answer " + " and ".join(parts))
    return found


MODEL_LEAK = Check(
    name="model_leak",
    reason="An answer that speaks as another model, or holds its tokens, teaches ours to.",
    before="As of my last update, the shop opens at nine.",
    after=None,
    check=model_leak,
)

BOILERPLATE = Notice(
    name="boilerplate",
    reason="Stock openings and endings of a chat model drown the voice of the house.",
    before="Certainly! The shop opens at nine. Let me know if you need anything else!",
    after=None,
    look=boilerplate,
)
