"""Japanese politeness: 敬体 (です, ます) and 常体 (だ, する) mixed within the answers of a thread.

Each sentence is judged by how it ends. Sentences that end in a noun, a quotation or a bullet
are neither, and never make a mixture.
"""

from __future__ import annotations

import re

from course_lib.cleaning.rule import Check, Messages, answers

_QUOTED = re.compile(r"「[^」]*」|『[^』]*』|（[^）]*）|\([^)]*\)|```.*?```|`[^`]*`", re.DOTALL)
_BULLET = re.compile(r"^\s*(?:[-*•・●○■□◆◇]|[0-9０-９]{1,2}[.)）．、:：]|[①-⑳])")
_TAIL = re.compile(r"[^\u3041-\u30ff\u4e00-\u9fffA-Za-z0-9]+$")
_POLITE = re.compile(
    r"(?:です|ます|でした|ました|ません|ましょう|でしょう|ください|下さい|くださいませ|下さいませ"
    r"|ませ|ございます|ございました|なさい)(?:か|ね|よ|よね|が|けど|から|ので|し|かな)*$"
)
_PLAIN = re.compile(
    r"(?:である|であった|だろう|であろう|だった|じゃない|ではない|なかった|なければならない"
    r"|かもしれない|(?<![まん])だ|(?:し|き|い|え|れ|け|め|べ|せ|て|っ|ん|ね|じ|び|り|み|ぎ|げ|て"
    r"|で|げ|ぜ|え)(?:た|だ)|かった|ない|たい|ほしい|欲しい|しい|よい|良い|いい"
    r"|[\u3041-\u3096\u4e00-\u9fff][るすくぐつぬぶむう]|い)(?:よ|ね|よね|な|ぞ|さ|わ|か)?$"
)
# Endings that look like a verb or an adjective but are nouns or set phrases.
_NEITHER = re.compile(
    r"(?:お願い|おねがい|違い|扱い|取り扱い|支払い|払い|祝い|使い|思い|匂い|におい|疑い|誓い|お使い"
    r"|くらい|ぐらい|たぐい|狙い|争い|救い|問い合わせ|ありがとう|どうぞ|おはよう|さようなら|もう|そう"
    r"|よう|ほう|とう|また|あなた|まだ|ただ|どう|いつ|おく|とく|なく|ごく|まく|よく|近く|遠く|多く"
    r"|こんにちは|はい|いいえ|方々|次第|かたがた|以下のとおり|通り|とおり|まつ|くつ|かさ|ぼうる"
    r"|あいさつ|せいかつ|一つ|二つ|三つ|四つ|ひとつ|ふたつ|みっつ|ゆう|こう|せい|たい焼き|かい|きれい)$"
)


def politeness(sentence: str) -> str | None:
    """Say how a Japanese sentence ends: "polite", "plain", or None for neither.

    Args:
        sentence: One sentence, closing punctuation included or not.

    Returns:
        The style of its ending.

    Example:
        >>> politeness("返品できます。"), politeness("返品できる。"), politeness("返品について")
        ('polite', 'plain', None)
    """
    ending = _TAIL.sub("", sentence.strip())
    if not ending or not re.search(r"[\u3041-\u30ff]$", ending):
        return None
    if _POLITE.search(ending):
        return "polite"
    if _NEITHER.search(ending) or re.search(r"[てで]い$", ending):
        return None
    return "plain" if _PLAIN.search(ending) else None


def mixed_style(messages: Messages) -> str | None:
    """Find a thread whose answers change between polite and plain.

    >>> from course_lib.cleaning.rule import chat
    >>> mixed_style(chat("いつ届く？", "明日届きます。送料は無料だ。"))
    "polite ('明日届きます') and plain ('送料は無料だ') endings are mixed"
    """
    seen: dict[str, str] = {}
    for text in answers(messages):
        for line in _QUOTED.sub("」", text).split("\n"):
            if _BULLET.match(line):
                continue
            for sentence in re.split(r"[。！？!?]", line):
                style = politeness(sentence)
                if style:
                    seen.setdefault(style, sentence.strip())
    if len(seen) == 2:
        polite, plain = seen["polite"][-20:], seen["plain"][-20:]
        return f"polite ({polite!r}) and plain ({plain!r}) endings are mixed"
    return None


STYLE = Check(
    name="style",
    reason="A shop that mixes 敬体 and 常体 in one answer sounds careless.",
    before="明日届きます。送料は無料だ。",
    after=None,
    check=mixed_style,
)
