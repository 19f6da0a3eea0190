"""The same question with answers that cannot both be right.

Two agents may word an answer differently; that is welcome. But "30 days" beside "45 days", or
label A beside label B, teaches the model to toss a coin. If most of the set sides with one
answer (`votes.py`), the few others are handed back; if not, no rule can know which is right, and
every row of the group is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import product

from course_lib.cleaning.calls import calls
from course_lib.cleaning.normalise import jaccard, letters, normalised, trigrams
from course_lib.cleaning.quantities import differing_quantities, share_quantity
from course_lib.cleaning.rule import Found, Messages, SetCheck, answers, prompt
from course_lib.cleaning.votes import difference, outvoted, stated

_COMPARED = 50
# Of two answers of thousands of sentences, the first that differ are compared, each with each.
_SENTENCES = 50
_GIVEN = ("system", "tool", "function")
_ENUMERATOR = re.compile(r"(?:\A|\n)[ \t]*(?:[0-9]{1,2}[.)）](?![0-9])|[①-⑳])[ \t]*")
# Two sentences that share less are about different things, and cannot contradict each other.
_ALIKE = 0.4
_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|[.](?=[0-9A-Za-z]))+")
# What is said to be polite, and says nothing: as a sentence, or before one.
_POLITE = re.compile(
    r"(?:(?:thank you|thanks) for [a-z ]{1,40}|(?:many )?thanks|thank you"
    r"|sure(?: thing)?|certainly|of course|absolutely|hello|hi(?: there)?|hey|sorry|apologies"
    r"|(?:great|good) question|(?:no|not a) (?:problem|worries)|(?:please )?don[’']t worry"
    r"|(?:i[’']m |we[’']re )?(?:happy|glad) to help"
    r"|もちろん(?:です|でございます)?|承知(?:いたし|し)ました|かしこまりました|こんにちは|すみません"
    r"|申し訳(?:ございません|ありません)|恐れ入ります|良い質問です(?:ね)?|ご安心ください"
    r"|(?:ご質問|お問い?合わせ|ご連絡)(?:を?いただき|を?頂き)?[、]?(?:誠に)?ありがとうございます"
    r"|お世話になっております)(?![a-z])[\s,、:—–-]*"
)
# A no that denies nothing.
_NEUTRAL = re.compile(
    r"\b(?:no|not) (?:problem|worries|doubt|later than|more than|longer than|only)\b|why not"
    r"|don[’']t (?:worry|hesitate|forget)|(?:構|かま)いません|問題(?:は)?(?:あり|ござい)ません"
    r"|差し支え(?:は)?(?:あり|ござい)ません|すみません|申し訳(?:あり|ござい)ません|かもしれ(?:ません|ない)"
    r"|少ない|だけ(?:で|じゃ)(?:は)?なく|間もない|違いない"
)
_NO = re.compile(
    r"(?i)\b(?:no|not|never|cannot|can[’']t|won[’']t|don[’']t|isn[’']t|aren[’']t|doesn[’']t)\b"
    r"|ません|ない"
)
_YES = re.compile(r"(?:yes|yeah|yep|はい|ええ)(?![a-z\u3041-\u30ff])[\s,、:—–-]*")
_OPENING_NO = re.compile(r"(?:no|nope|いいえ|いえ)(?![a-z\u3041-\u30ff])(?! (?:more|later|longer))")
_COPULA = re.compile(r"(?:です|だ|である|でございます|になります)[\s。！!]*$")
# Hiragana between the words of a sentence; "until" and "from" are meant.
_PARTICLES = re.compile(r"(?!まで|から)[\u3041-\u3096、]+")
_WORDS = re.compile(r"[a-z]{4,}|[\u30a1-\u30fc]{2,}|[\u4e00-\u9fff]{1,}")


def asked_and_stated(sets: list[Messages]) -> list[str]:
    """What each row asks, in letters and digits alone, and the sentences of its answers, as lines.

    >>> from course_lib.cleaning.rule import chat
    >>> asked_and_stated([chat("Where's my tent?", "In the box. Look!")])[0].splitlines()
    ['wheresmytent', 'in the box', 'look']
    """
    return [
        "\n".join([letters(prompt(messages)), *sentences])
        for messages, sentences in zip(sets, stated(sets), strict=True)
    ]


def contradictory(sets: list[Messages], facts: Sequence[str] | None = None) -> dict[int, Found]:
    """Find rows that contradict the rest of the set.

    Where the set clearly sides with one answer, only the rows that say otherwise are found;
    where two rows stand against each other, both are.
    """
    facts = asked_and_stated(sets) if facts is None else facts
    found = outvoted(sets, (lines.split("\n")[1:] for lines in facts))
    groups: dict[str, list[int]] = defaultdict(list)
    for position, (messages, lines) in enumerate(zip(sets, facts, strict=True)):
        # A row that was put back may have no answer.
        if position in found or not answers(messages) or calls(messages[-1]):
            continue
        asked = lines.partition("\n")[0]
        if asked:
            groups[asked].append(position)
    for members in groups.values():
        if len(members) == 1:
            continue
        # Told other things by the system or by a tool, one may well answer otherwise.
        given: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        for position in members:
            messages = sets[position]
            told = "\n".join(m["content"] for m in messages if m["role"] in _GIVEN)
            given[told][answers(messages)[-1]].append(position)
        for said in given.values():
            _contradictions(said, found)
    return found


def _contradictions(said: dict[str, list[int]], found: dict[int, Found]) -> None:
    """Compare the answers to one question, each with the rows that give it."""
    # The commonest answers first: of a prompt that thousands of rows share ("Summarise:"),
    # each answer is held against those only.
    common = sorted(said, key=lambda text: -len(said[text]))[:_COMPARED]
    for first, second in product(common, said):
        if first != second and (why := disagree(first, second)):
            reason = f"the same question is answered otherwise: {why}"
            for position in said[second]:
                found.setdefault(position, Found(reason, said[first][0]))
            for position in said[first]:
                found.setdefault(position, Found(reason, said[second][0]))


def disagree(first: str, second: str) -> str | None:
    """Say in what two answers to one question disagree, None where only the wording differs.

    Polite sentences are left out of account. Of the others, quantities of one kind must agree;
    and two sentences that say nearly the same must not differ in a value, or in a "not". What
    only one answer says at all contradicts nothing.

    Args:
        first: One answer.
        second: Another answer to the same question.

    Returns:
        The difference in words, or None.

    Example:
        >>> disagree("Within 30 days.", "You have 45 days.")
        '30 days against 45 days'
        >>> disagree("Sure! You can return it in 30 days.", "Thanks. Return it in 30 days.") is None
        True
    """
    (yes, ours), (also, theirs) = _content(first), _content(second)
    one, two = " ".join(ours), " ".join(theirs)
    if letters(_COPULA.sub("", one)) == letters(_COPULA.sub("", two)):
        return None
    amounts = differing_quantities(one, two)
    if amounts:
        return f"{amounts[0]} against {amounts[1]}"
    if (yes and _says_no(two, bare=not one)) or (also and _says_no(one, bare=not two)):
        return "one says yes, the other no"
    if not one or not two:
        return None  # a mere yes
    if one.isascii() == two.isascii() and _is_label(one) and _is_label(two):
        if share_quantity(one, two):
            return None
        return f"{one!r} against {two!r}"
    for sentence, other in _counterparts(ours, theirs):
        why = _differ(sentence, other, one, two)
        if why:
            return why
    return None


@lru_cache(maxsize=4096)
def _content(text: str) -> tuple[bool, tuple[str, ...]]:
    """Whether an answer says yes; and its sentences, normalised, without what is only polite."""
    yes = False
    sentences: list[str] = []
    for part in _SENTENCE.findall(_ENUMERATOR.sub("\n", text)):
        sentence = normalised(part).replace("within ", "in ")
        polite = _POLITE.match(sentence)
        if polite:
            sentence = sentence[polite.end() :]
        agrees = _YES.match(sentence)
        if agrees and not sentences:
            yes, sentence = True, sentence[agrees.end() :]
        if letters(sentence):
            sentences.append(sentence)
    if not sentences and not yes:
        return False, (normalised(text),)
    return yes, tuple(sentences)


def _says_no(content: str, *, bare: bool) -> bool:
    """Whether an answer says no: at its beginning, or anywhere if all it denies is a mere yes."""
    return bool(_OPENING_NO.match(content) or (bare and _denies(content)))


def _denies(text: str) -> bool:
    return bool(_NO.search(_NEUTRAL.sub(" ", text)))


def _is_label(content: str) -> bool:
    """Whether an answer is a word or two, of which any other is another answer."""
    if content.isascii():
        return len(content) <= 24 and len(content.split()) <= 4
    return len(content) <= 8


def _counterparts(ours: Sequence[str], theirs: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of sentences that say nearly the same, each the other's nearest; equal ones aside."""
    ours_say, they_say = frozenset(ours), frozenset(theirs)
    here = [sentence for sentence in ours if sentence not in they_say][:_SENTENCES]
    there = [sentence for sentence in theirs if sentence not in ours_say][:_SENTENCES]
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])]
    pairs = []
    for sentence in here:
        nearest = max(there, key=lambda other: jaccard(sentence, other), default="")
        back = max(here, key=lambda other: jaccard(nearest, other))
        if back == sentence and jaccard(sentence, nearest) >= _ALIKE:
            pairs.append((sentence, nearest))
    return pairs


def _differ(sentence: str, other: str, one: str, two: str) -> str | None:
    """How two counterparts differ in what they say; `one` and `two` are the whole answers."""
    alike = jaccard(sentence, other)
    if alike >= _ALIKE and _denies(sentence) != _denies(other):
        return "one denies what the other says"
    values = difference(sentence, other)
    if values and not _same_value(values, one, two):
        return f"{values[0]!r} against {values[1]!r}"
    # With a quantity in common, other words are mostly synonyms.
    if alike < 0.45 or share_quantity(sentence, other):
        return None
    if _new_words(sentence, two) and _new_words(other, one):
        return "the same sentence with another value"
    return None


def _same_value(values: tuple[str, str], one: str, two: str) -> bool:
    """Whether two values are one in other words, or the other answer has one of them elsewhere."""
    if any(_PARTICLES.fullmatch(value) for value in values) or share_quantity(*values):
        return True
    return letters(values[0]) in letters(two) or letters(values[1]) in letters(one)


def _new_words(text: str, other: str) -> bool:
    """Whether a text has a content word of which the other knows hardly a trace."""
    known = trigrams(other)
    words = _WORDS.findall(text)
    return any(word not in other and not (trigrams(word) & known) for word in words)


CONTRADICTION = SetCheck(
    name="contradiction",
    reason="Two answers that cannot both be right teach the model to toss a coin.",
    before="How long may I keep it? -> 30 days / How long may I keep it? -> 45 days",
    after=None,
    check_all=contradictory,
    facts=asked_and_stated,
)
