"""Glitches of another script: a stray очень, 매우 or 时间 in an answer that is otherwise sound.

Models that were trained on many languages slip into another for a word, and look-alike letters
("pаssword" with a Cyrillic а) split a word into tokens that nobody types. Names, quotations,
faces, units and answers about that language are no glitches.
"""

from __future__ import annotations

import re

from course_lib.cleaning.rule import Check, Messages, answers

_RANGES = {
    "Cyrillic": "\u0400-\u052f",
    "Korean": "\uac00-\ud7a3",
    "Thai": "\u0e01-\u0e2e\u0e30-\u0e3a\u0e40-\u0e4e",
    "Arabic": "\u0620-\u064a\u0671-\u06d3",
    "Hebrew": "\u05d0-\u05ea",
    "Devanagari": "\u0904-\u094d",
    "Greek": "\u03ac-\u03ce",
}
# A letter or two of Greek are a sign of science, or part of a face: (´・ω・`).
_SHORTEST = {"Greek": 3}
# Two letters at least: a single one is mostly part of a face, as in (´Д`).
_RUNS = {
    name: re.compile(f"[{letters}]{{{_SHORTEST.get(name, 2)},}}")
    for name, letters in _RANGES.items()
}
# Where the talk is of the country, its people or its language, the script is at home.
_AT_HOME = {
    "Cyrillic": "russia|ukrain|bulgari|serbia|belarus|kazakh|mongol|cyrillic|soviet|moscow|slavic"
    "|ロシア|ウクライナ|ブルガリア|セルビア|ベラルーシ|カザフ|モンゴル|キリル|ソ連|モスクワ|露語",
    "Korean": "korea|hangul|seoul|k-?pop|k-?drama|韓国|朝鮮|ハングル|コリア|ソウル|韓流|韓服",
    "Thai": r"(?<![a-z])thai(?![a-z]*ware)|bangkok|タイ(?:国|語|人|料理|王国|の)|バンコク|泰国",
    "Arabic": "arab|persia|iran|farsi|urdu|pakistan|qur.?an|koran|islam|egypt|muslim|hadith"
    "|アラビア|アラブ|ペルシ|イラン|ウルドゥ|パキスタン|コーラン|クルアーン|イスラム|エジプト",
    "Hebrew": "hebrew|israel|jewish|torah|yiddish|ヘブライ|イスラエル|ユダヤ|イディッシュ",
    "Devanagari": "hindi|india|sanskrit|nepal|marathi|yoga|mantra|ヒンディ|インド|サンスクリット"
    "|梵語|ネパール|ヨガ",
    "Greek": "greek|greece|athens|ギリシ|アテネ",
    "Japanese": "japan|chin(?:a|ese)|kanji|kana|taiwan|tokyo|kyoto|osaka",
    "Chinese": "chin(?:a|ese)|mandarin|beijing|taiwan|hong kong|pinyin|hanzi|中国|中華|北京|上海"
    "|台湾|香港|簡体|漢字|ピンイン|中文|漢文",
}
_AT_HOME_RE = {name: re.compile(f"(?i){words}") for name, words in _AT_HOME.items()}
_OF_LANGUAGE = re.compile(
    r"(?i)translat|language|alphabet|unicode|homoglyph|look-?alike|encoding|spelled|pronounc"
    r"|翻訳|言語|外国語|多言語|アルファベット|ユニコード|発音|文字(?:体系|コード|化け)|[^\s、。]語で"
)
# No quotation is longer; without a limit, brackets that never close take quadratic time.
_ASIDE = re.compile(
    r"```.*?```|`[^`]*`|https?://\S+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+|\"[^\"\n]*\""
    r"|「[^」]{0,1000}」|『[^』]{0,1000}』|《[^》]{0,1000}》|【[^】]{0,1000}】|（[^）]{0,1000}）"
    r"|\([^)]{0,1000}\)|\[[^\]]{0,1000}\]|“[^”]{0,1000}”|«[^»]{0,1000}»|‘[^’]{0,1000}’",
    re.DOTALL,
)
# Letters that look like Latin ones. Greek letters used in science (μ, ν, ρ, κ, …) are not here.
_CYRILLIC_TWINS = "аеорсухіјѕһԁԛԝАВЕКМНОРСТХІЈЅ"
_GREEK_TWINS = "οΑΒΕΖΗΙΚΜΝΟΡΤΥΧ"
_TWINS = frozenset(_CYRILLIC_TWINS + _GREEK_TWINS)
_WORD = re.compile(r"[A-Za-z\u0370-\u03ff\u0400-\u052f]{3,}")
_KANA = re.compile(r"[\u3041-\u3096\u30a1-\u30fa]")
_LATIN = re.compile(r"[A-Za-z]")
_KANA_HAN = re.compile(r"[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]")
_EXPLAINED = re.compile(
    r"(?i)(?<![a-z])(?:signs?|says|called|named?|words?|means?|meaning|written|reads|characters?"
    r"|brand|title|label)(?![a-z])"
)
_LONE_CYRILLIC = re.compile(r"(?<=[A-Za-z,] )[\u0430-\u044f](?= [A-Za-z])")
_AMID_LATIN = re.compile(
    r"(?<![\u3041-\u30ff\u4e00-\u9fff])(?<=[A-Za-z0-9] )"
    r"[\u3041-\u3096\u30a1-\u30fa\u4e00-\u9fff]{1,8}(?=[ .,!?]|$)"
)
# Above this share of the letters the script is no slip: the answer is written in it.
_SLIP = 0.3


def _simplified_only() -> str:
    """The characters of GB 2312 that no Japanese character set has: 们, 这, 时, …

    JIS X 0208 with its extensions and JIS X 0213 are both asked, the second because some
    characters of everyday Japanese (塡, 頰) came in with it.
    """
    cells = range(0xA1, 0xFF)
    hanzi = bytes(b for row in range(0xB0, 0xF8) for cell in cells for b in (row, cell))
    simplified = hanzi.decode("gb2312", errors="ignore")
    japanese = set()
    for name in ("cp932", "euc_jis_2004"):
        japanese |= {*simplified.encode(name, errors="ignore").decode(name)}
    return "".join(character for character in simplified if character not in japanese)


_SIMPLIFIED = _simplified_only()
_HAN = re.compile(r"[\u4e00-\u9fff]{2,}")
_NEW = re.compile(f"[{_SIMPLIFIED}]")
_SCREEN = re.compile(
    f"[{''.join(_RANGES.values())}{_GREEK_TWINS}{_SIMPLIFIED}]|{_AMID_LATIN.pattern}"
)


def foreign_script(messages: Messages) -> str | None:
    """Find a word of another script in an answer, or a Latin word with look-alike letters.

    Args:
        messages: A conversation.

    Returns:
        What is wrong, or None. Left alone are code, addresses, quotations and brackets,
        capitalised Cyrillic words (names), single letters (faces, units), a script that the
        user wrote first, and any talk of the language or its country.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> foreign_script(chat("軽いですか。", "はい、このテントは очень 軽いです。"))
        "a stray word in Cyrillic script: 'очень'"
    """
    for text in answers(messages):
        if text.isascii() or not _SCREEN.search(text):
            continue
        found = _stray(text, messages)
        if found:
            return found
    return None


def _stray(text: str, messages: Messages) -> str | None:
    asked = "\n".join(m["content"] for m in messages if m["role"] != "assistant")
    if _OF_LANGUAGE.search(asked) or _OF_LANGUAGE.search(text):
        return None
    bare = _ASIDE.sub(" ", text)
    letters = sum(map(str.isalpha, bare))
    for name, run in _RUNS.items():
        runs = run.findall(bare)
        # A capital opens a name: Толстой. Look-alikes are a matter of their own, below.
        words = [word for word in runs if not word[0].isupper() and not _is_part(word, bare)]
        if not words or sum(map(len, runs)) > _SLIP * letters:
            continue
        if not run.search(asked) and not _at_home(name, text, asked):
            return f"a stray word in {name} script: {words[0]!r}"
    lone = _LONE_CYRILLIC.search(bare)
    if lone and lone.group() not in asked and not _at_home("Cyrillic", text, asked):
        return f"a stray letter in Cyrillic script: {lone.group()!r}"
    return _twin(bare, text, asked) or _chinese(bare, text, asked) or _japanese(bare, text, asked)


def _is_part(word: str, text: str) -> bool:
    """Whether look-alike letters stand inside a word of Latin ones."""
    if not _TWINS.issuperset(word):
        return False
    start = text.find(word)
    around = text[max(0, start - 1) : start] + text[start + len(word) : start + len(word) + 1]
    return bool(_LATIN.search(around))


def _at_home(name: str, *texts: str) -> bool:
    return any(_AT_HOME_RE[name].search(text) for text in texts)


def _twin(bare: str, text: str, asked: str) -> str | None:
    for word in _WORD.findall(bare):
        strange = [letter for letter in word if not letter.isascii()]
        if not strange or len(word) - len(strange) < 2 or not _TWINS.issuperset(strange):
            continue
        # In Russian text such a word is an ending ("SIMа"), not a slip.
        cyrillic = sum(map(len, _RUNS["Cyrillic"].findall(bare)))
        if word in asked or cyrillic > _SLIP * len(bare) or _at_home("Cyrillic", text, asked):
            continue
        script = "Greek" if strange[0] in _GREEK_TWINS else "Cyrillic"
        return f"the word {word!r} is written with a {script} {strange[0]!r} that looks Latin"
    return None


def _japanese(bare: str, text: str, asked: str) -> str | None:
    """A word of kana or kanji amid English, which nobody explains; a single sign amid words."""
    word = _AMID_LATIN.search(bare)
    if not word or _EXPLAINED.search(text):
        return None
    if _KANA_HAN.search(asked) or _at_home("Japanese", text, asked):
        return None
    if len(_KANA_HAN.findall(bare)) > _SLIP * len(_LATIN.findall(bare)):
        return None
    return f"a stray word in Japanese or Chinese script: {word.group().strip()!r}"


def _chinese(bare: str, text: str, asked: str) -> str | None:
    runs = [run for run in _HAN.findall(bare) if _NEW.search(run)]
    if not runs:
        return None
    japanese = len(_KANA.findall(bare)) >= 3
    latin = len(_LATIN.findall(bare)) >= 4 * sum(map(len, runs))
    if not (japanese or latin) or _at_home("Chinese", text, asked):
        return None
    new = [run for run in runs if run not in asked]
    return f"a stray word in simplified Chinese: {new[0]!r}" if new else None


SCRIPT = Check(
    name="script",
    reason="A word in a script that the customer cannot read is a slip of the model that wrote it.",
    before="はい、このテントは очень 軽いです。",
    after=None,
    check=foreign_script,
)
