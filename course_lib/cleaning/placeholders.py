"""Templates that were never filled in: [Your Name], {customer_name}, <insert date>, XXX, ○○様.

Only what nobody can have meant is taken. Typed placeholders for privacy ([EMAIL], [PHONE]),
links, keys and menus in brackets, code, and templates that the user asked for stay.
"""

from __future__ import annotations

import re

from course_lib.cleaning.rule import Check, Messages, answers

_OPEN, _CLOSE = r"[\[［{｛<＜(（【«]", r"[\]］}｝>＞)）】»]"
_BRACKET_OPEN, _BRACKET_CLOSE = r"[\[［{｛<＜]", r"[\]］}｝>＞]"
_LABEL = (
    r"coin|card|key|tab|sim|disc|batter|table|image|picture|chart|link|row|column|page|comment"
    r"|symbol|shape|header|footer|text|object|function|file|media|video|slide|break|cell|sheet"
)
_WHOSE = (
    r"(?:customer|client|recipient|agent|representative|manager|sender|company|business|store|shop"
    r"|team|brand|product|first|last|full)"
)
_UNITS = r"(?:yen|dollars?|euros?|pounds?|usd|jpy|eur|days?|weeks?|hours?|minutes?|percent|people)"
_ENGLISH = re.compile(
    # [insert date], (insert name here), <enter amount here>. [Add to cart] and [Insert Table] are
    # labels on a screen, and "insert coin" is what to do.
    rf"{_BRACKET_OPEN}\s*(?i:(?:please )?(?:insert|fill in|replace with)[ _-](?!{_LABEL})"
    r"[\w' -]{2,40}?|(?:enter|add|put|type|specify)[ _-][\w' -]{2,40}? here)\s*"
    rf"{_BRACKET_CLOSE}"
    r"|\(\s*(?i:insert [\w' -]{2,30}? here)\)"
    # Merge fields: <<customer>>, __NAME__, %CODE%. Macros and variables of systems are none.
    r"|<<\s*[A-Za-z][\w .]{2,30}>>"
    r"|(?<![A-Za-z0-9_])__(?!FILE|LINE|DIR|FUNC|DATE|TIME|VA_)[A-Z][A-Z_]+__(?![A-Za-z0-9_])"
    r"|(?<![A-Za-z0-9_%])%(?!PATH|\w*(?:DATA|PROFILE|FILES|DIR|ROOT|PATH)%|USERNAME|COMPUTERNAME|TE?MP%)"
    r"[A-Z][A-Z_]{2,}%(?![A-Za-z0-9_])"
    # A measure without its figure: [X] days, ____ dollars.
    rf"|(?:\[[XxN#]\]|(?<![\w_])_{{3,}})\s?{_UNITS}(?![A-Za-z])"
    # Capitals throughout are the mask of something private.
    r"|\[(?:the |our )?(?:[Dd]ate|[Tt]ime|[Aa]mount|[Pp]rice|[Ww]ebsite(?: URL| link)?"
    r"|(?:[Oo]rder|[Tt]racking) [Nn]umber|[Pp]roduct(?: [Nn]ame)?|[Pp]hone(?: [Nn]umber)?)\](?!\()"
    rf"|\{{\s*(?i:(?:the )?{_WHOSE}[ _]name)\s*\}}"
    # [Your Name]: a blank; [Your Orders]: a menu; [your order number]: for the customer to write.
    r"|\[\s*(?i:your[ _](?:full |first |last |company |business |store |shop |job )?"
    r"(?:name|title|position|company|signature|contact (?:info|information|details)))\s*\](?!\()"
    rf"|\[\s*(?i:(?:the )?{_WHOSE}(?:['’]s)?[ _](?:full |first |last )?name)\s*\](?!\()"
    # A greeting or a signature to nobody.
    r"|(?:Dear|Hello|Hi|Hey|Mr\.?|Ms\.?|Mrs\.?|[Rr]egards,|[Ss]incerely,)\s+"
    r"(?:\[(?:(?=[a-z ]*(?:name|customer|client|recipient))|(?=[A-Z][a-z]))[\w' -]{2,30}\](?!\()"
    r"|\{\{?[\w' .-]{2,30}\}\}?"
    r"|<[a-z][\w' -]{2,30}>|X{2,}(?![A-Za-z0-9])|_{3,})"
)
# Braces around an identifier, outside code and formulas: {customer_name}, {{ order.id }}, {name}.
_FIELD = r"(?:name|customer|company|product|date|amount|email|username|total|price|address|phone)"
_BRACES = re.compile(
    r"(?<![A-Za-z0-9_\\}\])/=^$@{])(?:\{\{\s*[A-Za-z][\w.]*\s*(?:\|[^{}\n]{1,30})?\}\}"
    r"|\$\{\s*[A-Za-z_][\w.]*\s*\}"
    rf"|\{{\s*(?:[A-Za-z]{{2,}}(?:_[A-Za-z0-9]+)+|(?i:{_FIELD}))\s*\}})(?![A-Za-z0-9_/{{(])"
    rf"|<\s*{_FIELD}\s*>"
    r"|%\([a-z_]+\)s|<%=?\s*[\w.@]+\s*%>"
)
# XXX as a value. Roman thirty (Super Bowl XXX), sizes (XXX-large) and formats (YB-XXXX) are none.
_X_VALUE = re.compile(
    r"[$€£¥]\s?[XＸ]{2,}(?:\.[XＸ]{2})?(?![A-Za-z0-9-]|\.[a-z])"
    r"|(?:[$€£¥#]\s?|(?<![A-Za-z])"
    r"(?i:no\.|number|order|at|for|on|is|of|within|until|called|named|to) )"
    r"[XＸ]{3,}(?![A-Za-z0-9-]|\.[a-z])"
    rf"|(?<![A-Za-z0-9-])[XＸ]{{2,}}(?:\s?%|\s(?i:{_UNITS})(?![A-Za-z]))"
    r"|(?<![A-Za-z0-9-])[XxＸｘ]{2,}\s?(?:様|さま|円|日間|年間|株式会社|(?:ヶ|か|カ)月)"
    r"|株式会社[XＸ]{2,}"
    r"|(?<![A-Za-z0-9-])[XＸ]{2,}\s?(?:日|時|年|月|個|名|分|号|番)(?![\u4e00-\u9fff])"
)
_FORMAT_TALK = re.compile(
    r"(?i)format|form of|looks? like|such as|e\.g\.|for example|pattern|digits?(?![a-z])|masked"
    r"|hidden|super bowl|olymp|chapter|volume|roman|rated"
    r"|形式|書式|書き方|例え?ば|のような|桁|伏せ|ローマ数字|表示され"
)
# Round blanks: ○○様. 二〇〇円 is a number, 「○○」 an explanation.
_BLANK = r"(?:[○◯〇]{2,}|●{2,}|△{2,}|□{2,}|[_＿]{3,})"
_ROUND = re.compile(
    rf"(?<![○〇●◯△□×◎_＿0-9０-９一二三四五六七八九十百千万]){_BLANK}\s?"
    r"(?:様|さま|殿|御中|円|ドル|時|分(?!か)|日(?:間|以内|まで|から|に|\s|。|、|$)|年(?:間|以内)?"
    r"|番|号|月|ヶ月|か月|％|%|個|名様|株式会社|支店|営業日|まで(?:ご?連絡|お?電話|お?問))"
    r"|(?:株式会社|有限会社|担当(?:の|者は|は)?|(?:注文|電話)番号(?:は|：|:)?)\s?"
    rf"{_BLANK}(?![○〇●◯△□×])|(?<![○〇●◯△□×])×{{2,}}\s?(?:様|さま|殿|御中)"
)
_WHO_JA = r"お客様(?:の)?(?:お)?名前?|お客様名|お名前|氏名|会社名|担当者名?"
_WHAT_JA = rf"{_WHO_JA}|商品名|品名|店名|注文番号|受付番号|日付|日時|期日|金額|価格|料金"
_JAPANESE = re.compile(
    # In round brackets it may be a step: ログインします（パスワードを入力）。
    rf"{_BRACKET_OPEN}\s*(?:ここに)?[^\[\]{{}}<>()（）【】［］｛｝＜＞\n。]{{1,16}}を(?:ここに)?"
    r"(?:入力|記入|挿入|追加|入れる|入れてください|入れて下さい|記載)"
    rf"(?:して|してください|して下さい|する)?\s*{_BRACKET_CLOSE}"
    # With a particle it is the word of a sentence, and no step.
    r"|[(（][^()（）\n。]{1,16}を(?:入力|記入|挿入|追加|記載)[)）](?:は|を|に|が|の|で)"
    rf"|{_OPEN}\s*ここに[^\]］}}｝>＞)）】\n]{{1,20}}{_CLOSE}"
    rf"|{_OPEN}\s*(?:{_WHO_JA}|名前|名|貴社名|御社名|姓)\s*{_CLOSE}"
    r"\s?(?:様|さま|さん|殿|御中|です|でございます|と申します)"
    rf"|[｛{{]\s*(?:{_WHAT_JA})\s*[｝}}]|担当(?:者)?[:：]\s?{_OPEN}\s*(?:{_WHO_JA})\s*{_CLOSE}"
    # 【商品名】 テント is a heading; a particle makes it a word of the sentence.
    rf"|{_OPEN}\s*(?:{_WHAT_JA})\s*{_CLOSE}(?:は|を|に|が|の|で|と|まで|より|様|円|です)"
)
_FILLER = re.compile(
    r"(?i)lorem ipsum dolor|\[(?:todo|tbd|fixme)\]|<(?:todo|tbd|fixme)>|\{(?:todo|tbd)\}"
)
# No formula or quotation is longer; without a limit, those never closed take quadratic time.
_CODE = re.compile(
    r"```.*?```|`[^`\n]*`|https?://\S+|\$\$.*?\$\$|\\[(\[].{0,1000}?\\[)\]]", re.DOTALL
)
_QUOTED = re.compile(
    r"「[^」]{0,1000}」|『[^』]{0,1000}』|\"[^\"\n]*\"|“[^”]{0,1000}”|'[^'\n]{2,40}'"
)
_WANTED = re.compile(
    r"(?i)template|(?<![a-z])letter|e-?mail (?:to|for|that|about)|draft|placeholder|sample|example"
    r"|r[eé]sum[eé]|(?<![a-z])(?:cv|api|blank|script|regex)(?![a-z])|write (?:me |us )?an?|fill in"
    r"|variable|python|javascript|jinja|format string|latex|coding|program|snippet|function|html"
    r"|(?:source|some|this|following|write) code|github|workflow|yaml|json|logging|macro"
    r"|テンプレ|雛形|ひな形|ひな型|例文|文例|定型文|文面|下書き|メールを|手紙|書いて|穴埋め|伏せ字"
    r"|コードを|変数|プログラ|履歴書|スクリプト|サンプル|フォーマット|マクロ"
    r"|書き方|敬称|宛名|マナー|敬語|使い方|文法|言い方"
)


def unfilled(messages: Messages) -> str | None:
    """Find an answer with a blank of a template that nobody filled in.

    Args:
        messages: A conversation.

    Returns:
        The blank, or None. Left alone: [EMAIL] and its kind, links, code, formulas, quotations,
        what the customer is told to type, and answers to a user who wants a template or code.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> unfilled(chat("Who are you?", "I am [Your Name] of the shop."))
        "a blank of a template was never filled in: '[Your Name]'"
    """
    for text in answers(messages):
        if _ANY_SIGN.search(text):
            blank = _blank(text)
            if blank and not _wanted(messages):
                return f"a blank of a template was never filled in: {blank!r}"
    return None


# Cheap screens: every blank holds the first, and every blank of a kind the sign of its kind.
_ANY_SIGN = re.compile(
    r"[\[{<［｛＜【«%_＿○〇◯●△□]|××|XX|xx|ＸＸ|ｘｘ|\([Ii]nsert|orem ipsum"
    r"|[(（]ここに|を(?:入力|記入|挿入|追加|記載)[)）]"
)
_KINDS = tuple(
    (kind, re.compile(sign))
    for kind, sign in (
        (_FILLER, r"(?i)orem ipsum|todo|tbd|fixme"),
        (_ENGLISH, r"[\[<{［%]|\([Ii]nsert|__| XX"),
        (_BRACES, r"[{%<]"),
        (_JAPANESE, r"[入記挿追ここ名姓者付号額時日格金]"),
        (_ROUND, r"[○〇◯●△□×_＿]{2}"),
        (_X_VALUE, r"XX|xx|ＸＸ|ｘｘ"),
    )
)


def _blank(text: str) -> str | None:
    unquoted = ""
    for pattern, sign in _KINDS:
        if not sign.search(text):
            continue
        unquoted = unquoted or _QUOTED.sub(" ", _CODE.sub(" ", text))
        for match in pattern.finditer(unquoted):
            if pattern is _X_VALUE and _FORMAT_TALK.search(_sentence(unquoted, match.start())):
                continue
            return match.group().strip()
    return None


def _sentence(text: str, position: int) -> str:
    start = max(text.rfind(sign, 0, position) for sign in ("\n", "。", "! ", "? ", "; "))
    return text[start + 1 : position + 40]


def _wanted(messages: Messages) -> bool:
    return any(_WANTED.search(m["content"]) for m in messages if m["role"] != "assistant")


UNFILLED = Check(
    name="unfilled_template",
    reason="A blank of a template teaches the model to greet [Your Name].",
    before="Kind regards, [Your Name]",
    after=None,
    check=unfilled,
)
