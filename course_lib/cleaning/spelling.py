"""Likely typos: rare words of the answers, one edit away from a far more frequent word of the set.

No dictionary knows the words of a trade, but the set itself does: "warranty" a hundred times
and "waranty" once. Nothing is corrected, because "form" and "from" are both words: a person looks.

Neighbours are found by the deletions that two words share (SymSpell, W. Garbe 2012,
https://github.com/wolfgarbe/SymSpell), so the work grows with the words, not with their pairs.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from course_lib.cleaning.rule import Found, Messages, Notice

# A typo is rare, and the word that was meant is not: in ten rows, and twenty times as often.
_RARE = 2
_OFTEN = 10
_TIMES = 20
# Short words have too many real words around them: ship, shop, chip.
_SHORTEST = {"latin": 6, "katakana": 5}
_LONGEST = 30
_NOT_PROSE = re.compile(
    r"```.*?```|`[^`]*`|https?://\S+|www\.\S+|[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]+|\[[A-Z_]+\]|[A-Za-z0-9_./\\-]*[0-9_/\\][A-Za-z0-9_./\\-]*",
    re.S,
)
_QUICK = re.compile(r"[a-z]{5,}|[\u30a1-\u30fa\u30fc]{4,}")
_WORD = re.compile(
    r"(?<![A-Za-z\u00c0-\u024f'’-])[A-Za-z]{5,}(?![A-Za-z\u00c0-\u024f-])"
    r"|[\u30a1-\u30fa\u30fc]{4,}"
)
_SENTENCE_START = re.compile(r"(?:^|[.!?:]['\")\]]*\s+|\n\s*(?:[-*•]\s*|[0-9]+[.)]\s*)?)$")
# What grammar adds or changes at the end of a word is no typo: tent, tents; order, ordered.
_ENDINGS = frozenset("sdryent")
_VOWELS = "aeiouy"
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


def _neighbours() -> dict[str, str]:
    """The letters beside, above and below each on a QWERTY keyboard, whose rows are staggered."""
    near: dict[str, str] = defaultdict(str)
    for row, keys in enumerate(_ROWS):
        for place, key in enumerate(keys):
            near[key] += keys[max(place - 1, 0) : place] + keys[place + 1 : place + 2]
            if row:
                for above in _ROWS[row - 1][place : place + 2]:
                    near[key] += above
                    near[above] += key
    return near


_KEYS = _neighbours()
_LOOK_ALIKE = ("シツ", "ソンリ", "クワタ", "ロコ", "ノメ", "アマ", "チテ", "ウワフ")
_LARGE = dict(zip("ァィゥェォッャュョヮ", "アイウエオツヤユヨワ", strict=True))
# British and American spellings differ by an edit, and both are right.
_BRITISH = (
    (re.compile("our"), "or"),
    (re.compile("ys(?=[ei])"), "yz"),
    (re.compile("is(?=[ei]|at)"), "iz"),
    (re.compile("ll"), "l"),
    (re.compile("(?<=t)re$"), "er"),
    (re.compile("enc(?=e)"), "ens"),
    (re.compile("ic(?=e)"), "is"),
    (re.compile("ae|oe"), "e"),
    (re.compile("ogue$"), "og"),
    (re.compile("grey"), "gray"),
)


def spelled_words(sets: list[Messages]) -> list[str]:
    """Every word of a row that may be misspelled, or be meant by one that is, once each.

    Args:
        sets: The conversations.

    Returns:
        For each row its words, names and code included, with spaces between: text takes a third
        of the memory that a set of words takes.

    Example:
        >>> spelled_words([[{"role": "user", "content": "Tents? TENTS."}]])
        ['tents']
    """
    return [" ".join(_all_words(messages)) for messages in sets]


def likely_typos(sets: list[Messages], spelled: Sequence[str] | None = None) -> dict[int, Found]:
    """Find answers with a rare word that looks like a slip for a frequent one.

    Args:
        sets: The conversations. Words are counted by rows, over all messages but the system's;
            only those in answers are shown, because customers may spell as they like.
        spelled: Their `spelled_words`; None finds them here.

    Returns:
        The rows, with both words and in how many rows each occurs. English words of six letters
        and katakana words of five count; names, code, addresses, grammatical endings and
        British beside American spellings do not.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat("How long?", f"The warranty lasts {n} years.") for n in range(40)]
        >>> likely_typos([*rows, chat("How long?", "The waranty lasts long.")])[40].reason
        "'waranty' (1 row) looks like 'warranty' (40 rows)"
    """
    rows: Counter[str] = Counter()
    spelled = spelled_words(sets) if spelled is None else spelled
    for said in spelled:
        rows.update(said.split())
    index = _deletions([word for word, count in rows.items() if count >= _OFTEN])
    meant = {
        word: likely
        for word, count in rows.items()
        if count <= _RARE and (likely := _meant(word, rows, index))
    }
    found: dict[int, Found] = {}
    for position, said in enumerate(spelled):
        # Few rows hold such a word; only those are read with care.
        if meant.keys().isdisjoint(said.split()):
            continue
        messages = sets[position]
        asked, answered = (_said(messages, role) for role in ("user", "assistant"))
        # Where the customer wrote the word first, the answer repeats it.
        for word in sorted(answered - asked):
            if word in meant:
                many = f"{rows[word]} row{'s' * (rows[word] > 1)}"
                other = f"{meant[word]!r} ({rows[meant[word]]} rows)"
                found.setdefault(position, Found(f"{word!r} ({many}) looks like {other}"))
    return found


def _all_words(messages: Messages) -> set[str]:
    """Every word of a row, names and code included."""
    said: set[str] = set()
    for message in messages:
        if message["role"] != "system":
            said.update(_QUICK.findall(message["content"].lower()))
    return said


def _said(messages: Messages, role: str) -> set[str]:
    return {
        word
        for message in messages
        if message["role"] == role
        for word in words(message["content"])
    }


def words(text: str) -> Iterator[str]:
    """The words of a text that can be misspelled: English in lower case, and katakana.

    Args:
        text: A message.

    Yields:
        Words; no code, addresses, numbers, and no capitalised word inside a sentence (a name).

    Example:
        >>> list(words("Please ask Kenji for テントセット in room YB-12."))
        ['please', 'テントセット']
    """
    if any(sign in text for sign in "`@/_\\0123456789"):
        text = _NOT_PROSE.sub(" ", text)
    for match in _WORD.finditer(text):
        word = match.group()
        if not word.isascii() or word.islower():
            yield word
        elif word.istitle() and _SENTENCE_START.search(
            text[max(0, match.start() - 8) : match.start()]
        ):
            yield word.lower()


def _deletions(frequent: list[str]) -> dict[str, list[str]]:
    """The frequent words under each string that one deletion makes of them, and themselves."""
    index: dict[str, list[str]] = defaultdict(list)
    for word in sorted(word for word in frequent if len(word) <= _LONGEST + 1):
        for piece in _pieces(word):
            index[piece].append(word)
    return index


def _pieces(word: str) -> set[str]:
    return {word, *(word[:place] + word[place + 1 :] for place in range(len(word)))}


def _meant(word: str, rows: Counter[str], index: dict[str, list[str]]) -> str | None:
    """The most frequent word that a rare one is likely a slip for."""
    if not _SHORTEST["latin" if word.isascii() else "katakana"] <= len(word) <= _LONGEST:
        return None
    near = {other for piece in _pieces(word) for other in index.get(piece, ())}
    likely = [
        other
        for other in near
        if rows[other] >= _TIMES * rows[word]
        and one_edit(word, other)
        and _is_slip(word, other)
        and not _both_right(word, other)
    ]
    return max(likely, key=lambda other: (rows[other], other), default=None)


def one_edit(first: str, second: str) -> bool:
    """Whether one edit turns a word into another: a letter added, lost, changed, or two swapped.

    The Damerau-Levenshtein distance is 1 (F. J. Damerau, CACM 7(3), 1964, who found that four
    in five misspellings are of this kind).

    Args:
        first: A word.
        second: Another.

    Returns:
        True for exactly one edit.

    Example:
        >>> one_edit("reciept", "receipt"), one_edit("tent", "tents"), one_edit("tent", "tent")
        (True, True, False)
    """
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    shorter, longer = sorted((first, second), key=len)
    start = 0
    while start < len(shorter) and shorter[start] == longer[start]:
        start += 1
    if len(shorter) < len(longer):
        return shorter[start:] == longer[start + 1 :]
    if shorter[start + 1 :] == longer[start + 1 :]:
        return True
    swapped = shorter[start : start + 2][::-1] == longer[start : start + 2]
    return swapped and shorter[start + 2 :] == longer[start + 2 :]


def _is_slip(rare: str, frequent: str) -> bool:
    """Whether the edit is one that writers make; many words differ by one that they do not make.

    The first letter is rarely the wrong one (K. Kukich, ACM Computing Surveys 24(4), 1992, has the
    counts), and a changed letter is mostly a neighbour on the keyboard, or another vowel: transger,
    but not resort for report. In katakana a changed letter is a voiced, small or look-alike one.
    """
    if rare[0] != frequent[0]:
        return False
    changed = [pair for pair in zip(rare, frequent, strict=False) if pair[0] != pair[1]]
    if len(rare) != len(frequent) or len(changed) != 1:
        return True  # a letter lost or added, or two swapped
    one, two = changed[0]
    if not rare.isascii():
        alike = any(one in group and two in group for group in _LOOK_ALIKE)
        return alike or _unvoiced(one) == _unvoiced(two)
    return (one in _VOWELS and two in _VOWELS) or two in _KEYS.get(one, "")


def _unvoiced(kana: str) -> str:
    plain = unicodedata.normalize("NFD", kana)[0]
    return _LARGE.get(plain, plain)


def _both_right(rare: str, frequent: str) -> bool:
    """Whether grammar or geography makes both words right."""
    if not rare.isascii():
        # JIS Z 8301 leaves the last long vowel free (サーバ, サーバー); アメリカン is a word too.
        return rare[: len(frequent)] == frequent or frequent[: len(rare)] == rare
    shorter, longer = sorted((rare, frequent), key=len)
    if longer[:-1] == shorter[: len(longer) - 1] and longer[-1] in _ENDINGS:
        return True
    if (
        len(rare) == len(frequent)
        and rare[:-1] == frequent[:-1]
        and {rare[-1], frequent[-1]} <= _ENDINGS
    ):
        return True
    # unlike and unlikely are further apart; but "useful, unuseful" begin differently.
    if longer[1:] == shorter:
        return True
    return _american(rare) == _american(frequent)


def _american(word: str) -> str:
    for pattern, written in _BRITISH:
        word = pattern.sub(written, word)
    return word


TYPO = Notice(
    name="typo",
    reason="A misspelled word in one answer is learned as a way to write it.",
    before="The waranty lasts ten years. (where 40 answers say warranty)",
    after=None,
    look=likely_typos,
    facts=spelled_words,
)
