"""Is the answer in the language of the question?

Scripts first, because they never lie: hiragana is Japanese, hangul is Korean. Only between
languages of one script does a statistical detector (pycld2) get a say. Names, product codes and
numbers have no language: a detector takes "Mika Tanabe" for Danish and 全国登山用品店 for Chinese.
"""

from __future__ import annotations

import re
from functools import lru_cache

import pycld2

from course_lib.cleaning.rule import Check, Messages

# Two rules ask the language of one question soon after each other.
_REMEMBERED = 8_192
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u30fc]+")
_HIRAGANA = re.compile(r"[\u3041-\u3096]+")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]+")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_OTHER_LETTERS = {
    "ko": "\uac00-\ud7a3",
    "ru": "\u0400-\u04ff",
    "ar": "\u0600-\u06ff",
    "th": "\u0e00-\u0e7f",
    "hi": "\u0900-\u097f",
    "el": "\u0370-\u03ff",
    "he": "\u0590-\u05ff",
}
_OTHER = {name: re.compile(f"[{letters}]+") for name, letters in _OTHER_LETTERS.items()}
_OTHER_ANY = re.compile(f"[{''.join(_OTHER_LETTERS.values())}]")
_NOT_PROSE = re.compile(
    r"```.*?```|`[^`]*`|https?://\S+|\[[A-Z_]+\]|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+", re.DOTALL
)
# No quotation is longer; without a limit, brackets that never close take quadratic time.
_QUOTATION = re.compile(
    r"«[^»]{0,1000}»|“[^”]{0,1000}”|\"[^\"]*\"|「[^」]{0,1000}」|『[^』]{0,1000}』"
)
_ASCII_WORD = re.compile("[a-z]+")
_SHARED_WORDS = frozenset(re.findall("[a-z]+", "a an as at do has i in is me my no on not we"))
_TOKEN = re.compile(r"[^\s,;/()]+")
# A longer list of names in katakana is text enough, and so are more words than these in Latin.
_NAME = 16
_LIST = 12
_ENGLISH_WORDS = frozenset(
    re.findall(
        "[a-z]+",
        "the a an is are was be to of and or in on at for with you your we our i my it this that "
        "can will not do does have has if how what when where please yes no thanks thank hello",
    )
)
_NAME_OR_CODE = re.compile(
    rf"(?!(?i:{'|'.join(sorted(_ENGLISH_WORDS))})(?![A-Za-z]))"
    r"[^A-Za-z\u00c0-\u024f]*(?:[A-Z\u00c0-\u00de]['’.]?(?:[a-z\u00df-\u00ff]|$)|[\w-]*[0-9])"
)
# A question about a language may well be answered in it.
_LANGUAGES = (
    "english|japanese|french|german|spanish|chinese|mandarin|korean|italian|portuguese|russian"
    "|dutch|swedish|danish|norwegian|polish|latin|arabic|thai|vietnamese|hindi|turkish|greek"
)
_ASKS_FOR_LANGUAGE = re.compile(
    rf"(?i)translat|\b(?:in|into|to) (?:{_LANGUAGES})\b|how (?:do|would|can) (?:you|i|we) say"
    rf"|\b(?:{_LANGUAGES}) (?:word|phrase|sentence|expression|greeting|version|for|poem|e-?mail)"
    r"|訳し|訳す|翻訳|英訳|和訳|英作文|英文"
    r"|(?:英|日本)語(?:で|へ|に(?!対応)|訳|版|の(?:文|例|表現|フレーズ|単語|あいさつ|挨拶|メール|手紙))"
    r"|(?:中国|韓国|フランス|スペイン|ドイツ|イタリア|ポルトガル|ロシア|ラテン|アラビア|タイ|ベトナム)語"
)


@lru_cache(maxsize=_REMEMBERED)
def language_of(text: str) -> str | None:
    """The language of a text as an ISO 639-1 code, or None where it is too short to tell.

    Args:
        text: A message; code, links and placeholders are left out of account.

    Returns:
        "ja", "en", "zh", ... or None for labels, numbers and names.

    Example:
        >>> language_of("テントの返品はできますか？"), language_of("45 days")
        ('ja', None)
    """
    if "`" in text or "://" in text or "[" in text or "@" in text:
        text = _NOT_PROSE.sub(" ", text)
    if text.isascii():
        words = _ASCII_WORD.findall(text.lower())
        return _of_latin(text, words, sum(map(len, words)))
    others = _OTHER_ANY.search(text)
    hiragana = _count(_HIRAGANA, text)
    if not others and hiragana >= 3 and hiragana * 4 >= len(text):
        return "ja"  # as most Japanese; what follows would come to the same
    latin, han, kana = (_count(kind, text) for kind in (_LATIN, _HAN, _KANA))
    if others:
        other = {name: _count(script, text) for name, script in _OTHER.items()}
        most = max(other, key=lambda name: other[name])
        if other[most] >= 4 and other[most] > (latin / 4 + han + kana):
            return most
    # A Japanese sentence is full of hiragana even when it names many products in Latin letters.
    if hiragana >= 3 and (kana + han) * 4 >= latin:
        return "ja"
    # Katakana and kanji alone may be a name.
    if kana >= 3 and kana + han >= max(latin, 1 if hiragana else _NAME):
        return "ja"
    if han >= 6 and kana == 0 and han * 2 > latin:
        return "zh" if (_detected(text) or "").startswith("zh") else None
    return _of_latin(text, _ASCII_WORD.findall(text.lower()), latin)


def _count(letters: re.Pattern[str], text: str) -> int:
    # Runs, not letters, are found: a list of ten is made sooner than one of a hundred.
    return sum(map(len, letters.findall(text)))


def _of_latin(text: str, words: list[str], letters: int) -> str | None:
    if letters < 12 or len(text.split(None, 2)) < 3:
        return None
    # Mostly the different words are enough, and those are counted sooner.
    english = _ENGLISH_WORDS.intersection(words)
    if len(english) < 2 and len(words) <= _LIST and _are_names(text):
        return None
    least = 0.15 * len(words)
    if len(english) >= least or sum(word in _ENGLISH_WORDS for word in words) >= least:
        # "Você pode devolver a barraca" has an "a" as well.
        shared = english <= _SHARED_WORDS and len(words) >= 5
        return (_detected(text) or "en") if shared else "en"
    if len(words) < 5 or _are_names(text):
        return None
    return _detected(text)


def _are_names(text: str) -> bool:
    """Whether most words begin with a capital, or are codes: Kenji Mori, Aiko Sato; YB-204.

    The first word tells nothing, and the small words of English are no names in a headline.
    """
    words = _TOKEN.findall(text)[1:]
    names = sum(_NAME_OR_CODE.match(word) is not None for word in words)
    return 2 * names >= len(words)


def _detected(text: str) -> str | None:
    """What pycld2 says of a text, if it is sure."""
    clean = text
    if not text.isprintable():
        clean = "".join(character for character in text if character.isprintable())
    try:
        reliable, _, guesses = pycld2.detect(clean)
    except pycld2.error:
        return None
    name, percent = guesses[0][1], guesses[0][2]
    return str(name) if reliable and percent >= 70 and name != "un" else None


def wrong_language(messages: Messages) -> str | None:
    """Find an answer in another language than the question before it."""
    asked: str | None = None
    for message in messages:
        if message["role"] == "user":
            asked = language_of(message["content"]) or asked
        elif message["role"] == "assistant" and asked:
            said = language_of(message["content"])
            if said and said != asked:
                # Asked last, because hardly any row comes so far.
                own = language_of(_QUOTATION.sub(" ", message["content"]))
                if own in (None, asked):
                    continue
                if _asks_for_language(messages):
                    return None
                return f"the question is in {asked!r}, the answer in {said!r}"
    return None


def _asks_for_language(messages: Messages) -> bool:
    others = (message["content"] for message in messages if message["role"] != "assistant")
    return any(_ASKS_FOR_LANGUAGE.search(text) for text in others)


LANGUAGE = Check(
    name="language",
    reason="Customers want the answer in the language they asked in.",
    before="user: テントの返品はできますか？ / assistant: Yes, you can return the tent.",
    after=None,
    check=wrong_language,
)
