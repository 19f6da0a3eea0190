"""Repair text that was damaged on its way: encodings, invisible characters, HTML, width.

Every repair here leaves clean text alone. That is why NFKC is not used on the learner's text
(it would turn x² into x2 and ㈱ into (株)), and why ftfy runs with its tidying switched off.
"""

from __future__ import annotations

import html
import re
import unicodedata

import ftfy
from ftfy.badness import is_bad

from course_lib.cleaning.rule import Check, Messages, Repair

# Only the encoding repair: the rest of ftfy's defaults alter text that is not damaged.
_FTFY = ftfy.TextFixerConfig(
    unescape_html=False,
    remove_terminal_escapes=False,
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    remove_control_chars=False,
    normalization=None,
)
_KANA_KANJI = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3041-\u30fc]")
_JAPANESE_TEXT = re.compile(r"[\u3001-\u30ff\u4e00-\u9fff\uff01-\uff5e]")
_LATIN = re.compile(r"[A-Za-z]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
# Letters of Latin-1, curly quotes, dashes, dots, € and ™; swallowed ASCII may stand among them.
_TYPOGRAPHY = re.compile(
    r"[ -~]*[\xa0-\xff\u2010-\u2044\u20ac\u2122][ -~\xa0-\xff\u2010-\u2044\u20ac\u2122]*"
)
_HIGH_LATIN = re.compile(r"[\x80-\xff]")
# UTF-8 kana read as cp932 begin with these lead bytes, over and over: 縺 繧 繝 (kana), 縲 (。).
_GHOST_LEAD = re.compile(r"[縺繧繝縲]")
# No wrong decoding that ftfy knows leaves text of ASCII, kana, kanji and full-width signs alone.
_NOT_JAPANESE = re.compile(r"[^\x00-\x7f\u3000-\u30ff\u4e00-\u9fff\uff01-\uff9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CP932_GHOST = re.compile(r"[縺繧繝縲][\uff61-\uff9f\u3041-\u30ff\u4e00-\u9fffA-Za-z0-9@\\^_]?")


def repair_mojibake(text: str) -> str:
    """Undo a wrong decoding: UTF-8 read as latin-1 / cp1252 / cp932, cp932 read as latin-1.

    >>> repair_mojibake("donâ€™t")
    'don’t'
    """
    if text.isascii():
        return text
    text = _undo_asian_ghosts(text)
    if text.isascii() or not (_NOT_JAPANESE.search(text) or _GHOST_LEAD.search(text)):
        return text
    # ftfy does not know cp932, so its two round trips are tried first.
    text = _undo_cp932_ghost(_undo_latin_ghost(text))
    if not is_bad(text) and not _SURROGATE.search(text):
        return text  # ftfy would come to the same, ten times slower
    return ftfy.fix_text(text, config=_FTFY)


def _undo_asian_ghosts(text: str) -> str:
    """Curly quotes, dashes, £ and é of a Latin text, read as cp932, GBK or EUC."""
    if len(_LATIN.findall(text)) < 0.7 * sum(map(str.isalpha, text)):
        return text
    return _BEYOND_ASCII.sub(_undo_asian_ghost, text)


def _undo_asian_ghost(match: re.Match[str]) -> str:
    around = match.string[match.start() - 1 : match.start()] + match.string[match.end() :][:1]
    for encoding in ("cp932", "gbk", "euc_jp"):
        try:
            meant = match.group().encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
        if not _TYPOGRAPHY.fullmatch(meant):
            continue
        # Two bytes make a kanji that may be meant, unless it sticks to a word or a figure.
        if encoding == "cp932" or max(meant) > "\xff" or any(map(_is_plain, around)):
            return meant
    return match.group()


def _is_plain(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _undo_latin_ghost(text: str) -> str:
    """cp932 or EUC read as latin-1."""
    if len(_HIGH_LATIN.findall(text)) < 4 or _KANA_KANJI.search(text):
        return text
    one = _undo_latin_ghost_of(text, "cp932")
    return one if one != text else _undo_latin_ghost_of(text, "euc_jp")


def _undo_latin_ghost_of(text: str, encoding: str) -> str:
    """Accepted only if it then reads as Japanese, hiragana and all."""
    try:
        japanese = text.encode("latin-1").decode(encoding)
    except UnicodeError:
        return text
    special = sum(not character.isascii() for character in japanese)
    reads_well = len(_JAPANESE_TEXT.findall(japanese)) >= 0.9 * special
    kana = len(_KANA.findall(japanese)) >= 0.2 * special
    ghosts = len(_CP932_GHOST.findall(japanese)) * 8 >= special
    return japanese if reads_well and kana and not ghosts else text


def _undo_cp932_ghost(text: str) -> str:
    if len(_CP932_GHOST.findall(text)) < 2:
        return text
    try:
        return text.encode("cp932").decode("utf-8")
    except UnicodeError:
        return text


_STILL_BAD = re.compile(r"(?:[ÃÂ][\x80-\xbf]|â€|ã[\x80-\xbf€‚ƒ]|[ãæçåèé][\x80-\xbf¡-¿].){3}")


def lossy_mojibake(messages: Messages) -> str | None:
    """Find damage that no round trip brings back: U+FFFD, kana turned to 縺/繧/繝, runs of ?."""
    for number, message in enumerate(messages, start=1):
        text = message["content"]
        if text.isascii() and "?" not in text:
            continue
        if "\ufffd" in text:
            return f"message {number} holds U+FFFD, the mark of a character that was lost"
        ghosts = len(_CP932_GHOST.findall(text)) if _GHOST_LEAD.search(text) else 0
        if ghosts >= 3 and ghosts * 8 >= len(text):
            return f"message {number} is UTF-8 read as cp932 with bytes lost: it cannot be restored"
        marks = text.count("?")
        if marks >= 6 and marks * 2 >= len(text.replace(" ", "")):
            return f"message {number} is mostly question marks: its characters were lost"
        if _HIGH_LATIN.search(text) and _STILL_BAD.search(text):
            return f"message {number} still reads as a wrong decoding after the repair"
    return None


# Bidi controls, zero-width marks and the soft hyphen; not the joiners inside emoji.
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u2064\u2066-\u2069\ufeff\ufff9-\ufffb]"
    r"|(?<=[A-Za-z0-9\s\u3041-\u30ff\u4e00-\u9fff])[\u200c\u200d]"
)
_TERMINAL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def remove_control_characters(text: str) -> str:
    """Drop what nobody sees but a tokenizer does; every line break becomes a line feed.

    >>> remove_control_characters("ten\\u200bt\\r\\n")
    'tent\\n'
    """
    # What is printable is visible; line feeds and the wide space are neither printable nor wrong.
    if text.isprintable() or text.replace("\n", "").replace("\u3000", "").isprintable():
        return text
    text = _TERMINAL.sub("", text)
    text = re.sub(r"\r\n?|[\x85\u2028\u2029]", "\n", text)
    return _INVISIBLE.sub("", text)


_TAGS = (
    "a|abbr|article|b|big|blockquote|body|br|button|center|code|dd|div|dl|dt|em|font|footer|form"
    "|h[1-6]|head|header|hr|html|i|iframe|img|input|label|li|link|main|meta|nav|ol|option|p|pre"
    "|script|section|select|small|span|strike|strong|style|sub|sup|svg|table|tbody|td|tfoot|th"
    "|thead|title|tr|u|ul"
    r"|(?:[ovwx]|st1):\w+"  # of Office, in mails
)
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_BLOCK = re.compile(r"<(script|style)\b[^<>]*>.*?</\1\s*>|<!--.*?-->", re.I | re.S)
_BLOCK_END = re.compile(r"-->|</(?:script|style)\s*>", re.I)
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>]*>", re.I)
_BREAK = re.compile(r"<\s*(?:br|hr)\s*/?>|</(?:p|div|li|tr|h[1-6]|table|ul|ol)\s*>", re.I)
_ATTRIBUTE = r"""(?:\s+[\w:@.-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'<>=]+))?)*"""
_TAG = re.compile(rf"</?(?:{_TAGS}){_ATTRIBUTE}\s*/?>", re.I)
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,30}|#[0-9]{1,6}|#x[0-9A-Fa-f]{1,5});")


def strip_html(text: str) -> str:
    """Take HTML tags and entities out and keep the words; code in backticks is left alone.

    Only names that HTML has count as tags, so that "<your order number>" survives.

    >>> strip_html("<p>Ready &amp; packed.<br>Bye</p>")
    'Ready & packed.\\nBye'
    """
    if "<" not in text and "&" not in text:
        return text
    pieces, end = [], 0
    for code in _CODE.finditer(text):
        pieces += [_strip_html(text[end : code.start()]), code.group()]
        end = code.end()
    joined = "".join([*pieces, _strip_html(text[end:])])
    return joined if joined == text else re.sub(r"\n{3,}", "\n\n", joined).strip()


def _strip_html(text: str) -> str:
    # What no end follows is no block, and must not be looked for over and over.
    cut = max((end.end() for end in _BLOCK_END.finditer(text)), default=0)
    found = _DOCTYPE.sub("", _BLOCK.sub("", text[:cut]) + text[cut:])
    found = _TAG.sub("", _BREAK.sub("\n", found))
    found = _ENTITY.sub(_entity, found)
    if found == text:
        return text
    found = re.sub(r"[^\S\n]*\n[^\S\n]*", "\n", found)
    return re.sub(r" {2,}", " ", found)


def _entity(match: re.Match[str]) -> str:
    character = html.unescape(match.group())
    return " " if character == "\xa0" else character


# Letters and digits are one thing in two widths. Full-width ！？（） are right in Japanese text.
_WIDE_ALNUM = re.compile(r"[０-９Ａ-Ｚａ-ｚ]")
_HALF_KANA = re.compile(r"[\uff66-\uff9f][\uff61-\uff9f]*")
_WIDE_SIGN = re.compile(
    r"(?<=[A-Za-z0-9])[＆＋，－．／：＝＠＿](?=[A-Za-z0-9])|(?<=[0-9])％|[＃＄＋](?=[0-9])"
)
_WIDE = re.compile(r"[\uff01-\uff9f\u3000]")
_WIDE_ANY = re.compile(r"[！-～\u3000]")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff\uff66-\uff9f]")


def unify_width(text: str) -> str:
    """Write letters and digits half-width and katakana full-width.

    Signs follow only between letters or digits, or in text with no Japanese at all.

    >>> unify_width("ﾃﾝﾄは１２，０００円です！")
    'テントは12,000円です！'
    """
    # Text with lost characters is about to be rejected, and a blank one has no width.
    if text.isascii() or not _WIDE.search(text) or "\ufffd" in text or not text.strip():
        return text
    text = _HALF_KANA.sub(lambda match: unicodedata.normalize("NFKC", match.group()), text)
    wide = _WIDE_ALNUM if _JAPANESE.search(text) else _WIDE_ANY
    text = wide.sub(_narrow, text)
    return _WIDE_SIGN.sub(_narrow, text)


def _narrow(match: re.Match[str]) -> str:
    return unicodedata.normalize("NFKC", match.group())


# What a user says who asks for the thing itself; a tag or a file name is no such talk.
_ABOUT_HTML = re.compile(
    r"(?i)(?<![a-z</.!-])(?:html5?|css|xml|svg|jsx|javascript)(?![a-z]|\s*>)|markup language"
    r"|(?:which|what) tags?(?![a-z])|マークアップ"
)
_ABOUT_ENCODINGS = re.compile(r"(?i)mojibake|utf-?8|shift[-_ ]?jis|character encoding|文字化け")
_ABOUT_WIDTH = re.compile(r"(?i)全角|半角|(?:full|half)-?width")

MOJIBAKE = Repair(
    name="mojibake",
    reason="Text read with the wrong encoding teaches the model to write garbage.",
    before="Please donâ€™t fold the tent wet.",
    after="Please don’t fold the tent wet.",
    repair=repair_mojibake,
    about=_ABOUT_ENCODINGS,
)

LOSSY_MOJIBAKE = Check(
    name="lossy_mojibake",
    reason="Where bytes were lost, no repair brings the text back.",
    before="Your caf\ufffd table ships today.",
    after=None,
    check=lossy_mojibake,
)

CONTROL = Repair(
    name="control_characters",
    reason="Invisible characters split words into rare tokens and hide e-mail addresses.",
    before="Your ten\u200bt ships to\u00adday.",
    after="Your tent ships today.",
    repair=remove_control_characters,
)

HTML = Repair(
    name="html",
    reason="Tags and entities of the help desk's web form are not how we want to answer.",
    before="<p>Your tent &amp; stove ship today.</p>",
    after="Your tent & stove ship today.",
    repair=strip_html,
    about=_ABOUT_HTML,
)

WIDTH = Repair(
    name="width",
    reason="１２ and 12, ﾃﾝﾄ and テント are the same word but different tokens.",
    before="ﾃﾝﾄは１２０００円です。",
    after="テントは12000円です。",
    repair=unify_width,
    about=_ABOUT_WIDTH,
)
