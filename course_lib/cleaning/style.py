"""The style of the answers: 敬体 (です, ます) or 常体 (だ, する), and the phrases of the house.

Each Japanese sentence is judged by how it ends. Sentences that end in a noun, a quotation or a
bullet are neither, and never make a mixture. A house style of any language shows in the sentence
that nearly all answers open or close with.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache

from course_lib.cleaning.normalise import letters
from course_lib.cleaning.rule import Check, Found, Messages, Notice, answers

# No quotation is longer; without a limit, brackets that never close take quadratic time.
_QUOTED = re.compile(
    r"「[^」]{0,1000}」|『[^』]{0,1000}』|（[^）]{0,1000}）|\([^)]{0,1000}\)|```.*?```|`[^`]*`",
    re.DOTALL,
)
_BULLET = re.compile(r"^\s*(?:[-*•・●○■□◆◇]|[0-9０-９]{1,2}[.)）．、:：]|[①-⑳])")
_LETTER = re.compile(r"[\u3041-\u30ff\u4e00-\u9fffA-Za-z0-9]")
_ENDING = 40
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
    r"|こんにちは|よろしく|宜しく|はい|いいえ|方々|次第|かたがた|以下のとおり|通り|とおり|まつ|くつ|かさ|ぼうる"
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
    end = len(sentence)
    while end and not _LETTER.match(sentence[end - 1]):
        end -= 1
    # No ending is longer, and a search for one from the start of a long sentence is slow.
    ending = sentence[max(0, end - _ENDING) : end]
    if not ending or not "\u3041" <= ending[-1] <= "\u30ff":
        return None
    if _POLITE.search(ending):
        return "polite"
    if _NEITHER.search(ending) or re.search(r"[てで]い$", ending):
        return None
    return "plain" if _PLAIN.search(ending) else None


@lru_cache(maxsize=65536)
def endings(text: str) -> dict[str, str]:
    """The styles in which the sentences of an answer end, each with its first sentence.

    Args:
        text: An answer; quotations, brackets, bullets and code are left out of account.

    Returns:
        "polite" and "plain", as far as they occur. The mapping is shared: do not change it.

    Example:
        >>> endings("明日届きます。送料は無料だ。")
        {'polite': '明日届きます', 'plain': '送料は無料だ'}
    """
    seen: dict[str, str] = {}
    if text.isascii():
        return seen
    lines = [_line_endings(line) for line in _QUOTED.sub("」", text).split("\n")]
    # Two lines or more of one plain sentence each, in a polite answer, are steps without bullets.
    plain = [len(found) == 1 and found[0][0] == "plain" for found in lines]
    polite = any(style == "polite" for found in lines for style, _ in found)
    for number, found in enumerate(lines):
        beside = plain[max(number - 1, 0) : number] + plain[number + 1 : number + 2]
        if not (polite and plain[number] and any(beside)):
            for style, sentence in found:
                seen.setdefault(style, sentence)
    return seen


def _line_endings(line: str) -> list[tuple[str, str]]:
    if _BULLET.match(line):
        return []
    sentences = [sentence.strip() for sentence in re.split(r"[。！？!?]", line)]
    styles = [(politeness(sentence), sentence) for sentence in sentences]
    return [(style, sentence) for style, sentence in styles if style]


def mixed_style(messages: Messages) -> str | None:
    """Find a thread whose answers change between polite and plain.

    >>> from course_lib.cleaning.rule import chat
    >>> mixed_style(chat("いつ届く？", "明日届きます。送料は無料だ。"))
    "polite ('明日届きます') and plain ('送料は無料だ') endings are mixed"
    """
    seen: dict[str, str] = {}
    for text in answers(messages):
        if not text.isascii():
            seen = {**endings(text), **seen}
    if len(seen) == 2:
        polite, plain = seen["polite"][-20:], seen["plain"][-20:]
        return f"polite ({polite!r}) and plain ({plain!r}) endings are mixed"
    return None


# Below twenty answers, or eight in ten, there is no habit that a row could break.
_ENOUGH = 20
_MOST = 0.8


def style_across(sets: list[Messages]) -> dict[int, Found]:
    """Find the few answers in the other style: plain where most are polite, or the reverse.

    Args:
        sets: The conversations.

    Returns:
        The rows in the style of the few, each with the share of the many. Empty where fewer
        than 20 rows show a style, or no style has 80% of them. Rows that mix both within
        themselves are the business of `STYLE`.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat("いつ？", f"{day}日に届きます。") for day in range(1, 25)]
        >>> style_across([*rows, chat("いつ？", "明日届く。")])[24].reason
        "plain ('明日届く') where 96% of 25 answers are polite"
    """
    said: dict[int, tuple[str, str]] = {}
    for position, messages in enumerate(sets):
        seen: dict[str, str] = {}
        for text in answers(messages):
            if not text.isascii():
                seen = {**endings(text), **seen}
        if len(seen) == 1:
            said[position] = next(iter(seen.items()))
    counts = Counter(style for style, _ in said.values())
    if len(said) < _ENOUGH or len(counts) < 2:
        return {}
    house, most = counts.most_common(1)[0]
    if most < _MOST * len(said):
        return {}
    share = _percent(most, len(said))
    return {
        position: Found(
            f"{style} ({sentence[-20:]!r}) where {share} of {len(said)} answers are {house}"
        )
        for position, (style, sentence) in said.items()
        if style != house
    }


def _percent(part: int, whole: int) -> str:
    """A share in words that never claims all where one is missing."""
    return f"{min(part / whole, 0.99 if part < whole else 1):.0%}"


_STOP = re.compile(r"[.!?…。！？]+|\n")
# A phrase of the house is short; so only the ends of an answer are looked at.
_PHRASE = 80
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")


def off_house_phrase(sets: list[Messages]) -> dict[int, Found]:
    """Find answers without the sentence that nearly all others open, or close, with.

    A house style can be told without a judge in one case: where at least 80% of the answers of
    a language begin (or end) with the very same sentence, such as "Yamabiko here!".

    Args:
        sets: The conversations; the last answer of each is looked at.

    Returns:
        The rows that lack the sentence, with its share. Languages are told apart by script.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat("Which?", f"Yamabiko here! It is the {n}th.") for n in range(24)]
        >>> off_house_phrase([*rows, chat("Which?", "It is the last.")])[24].reason
        "does not open with 'Yamabiko here!' as 96% of 25 answers do"
    """
    groups: dict[bool, list[tuple[int, str]]] = defaultdict(list)
    for position, messages in enumerate(sets):
        text = (answers(messages) or [""])[-1].strip()
        if text:
            groups[not text.isascii() and bool(_JAPANESE.search(text))].append((position, text))
    found: dict[int, Found] = {}
    for rows in groups.values():
        for verb, phrase in (("open", _first), ("close", _last)):
            said = [(position, phrase(text)) for position, text in rows]
            for position, reason in _off_phrase(said, verb):
                found.setdefault(position, Found(reason))
    return found


def _first(text: str) -> str:
    """The first sentence of an answer, "" where it is long or the only one."""
    stop = _STOP.search(text, 0, _PHRASE)
    return text[: stop.end()].strip() if stop and stop.end() < len(text) else ""


def _last(text: str) -> str:
    """The last sentence of an answer, "" where it is long or the only one."""
    start = 0
    for stop in _STOP.finditer(text, max(0, len(text) - _PHRASE)):
        if stop.end() < len(text):
            start = stop.end()
    return text[start:].strip() if start else ""


def _off_phrase(said: list[tuple[int, str]], verb: str) -> list[tuple[int, str]]:
    counts = Counter(phrase for _, phrase in said if phrase)
    if len(said) < _ENOUGH or not counts:
        return []
    shown = counts.most_common(1)[0][0]
    # "Yamabiko here." is the phrase too.
    alike = {phrase for phrase in counts if phrase == shown or _alike(phrase, shown)}
    most = sum(counts[phrase] for phrase in alike)
    if most < _MOST * len(said) or most == len(said):
        return []
    share = _percent(most, len(said))
    reason = f"does not {verb} with {shown!r} as {share} of {len(said)} answers do"
    return [(position, reason) for position, phrase in said if phrase not in alike]


def _alike(first: str, second: str) -> bool:
    return abs(len(first) - len(second)) <= 4 and letters(first) == letters(second)


STYLE = Check(
    name="style",
    reason="A shop that mixes 敬体 and 常体 in one answer sounds careless.",
    before="明日届きます。送料は無料だ。",
    after=None,
    check=mixed_style,
)

STYLE_ACROSS = Notice(
    name="style_across",
    reason="A model trained on two styles changes between them from answer to answer.",
    before="明日届く。 (where nearly all answers say 届きます)",
    after=None,
    look=style_across,
)

HOUSE_PHRASE = Notice(
    name="house_phrase",
    reason="An answer without the phrase that all others open or close with breaks the voice.",
    before="It ships today. (where nearly all answers open with: Yamabiko here!)",
    after=None,
    look=off_house_phrase,
)
