"""Damage a clean text, line or conversation in the ways that data are damaged by accident.

Each kind has ways that were seen while the rules were mended, and ways that were held out.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from random import Random
from typing import Any

import ftfy.bad_codecs  # noqa: F401, registers "sloppy-windows-1252", which reads every byte

from course_lib.cleaning.rule import Messages

Damage = Callable[[Random, str], str]
Line = Callable[[Random, Messages], str]
# Sentences end here: an answer is taken apart and put together again without loss.
_SENTENCE = re.compile(r"[^.!?。！？]+(?:[.!?。！？]+\s*|$)")
_HALF = {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF65, 0xFFA0)}
_ROLES = ("custmer", "asistant", "operator", "sysem", "narrator")
_ROLES_HELD_OUT = ("suport", "Assitant", "owner", "顧客", "usr")


def sentences(text: str) -> list[str]:
    """Cut a text into its sentences, each with the space behind it.

    Args:
        text: A text in English or Japanese.

    Returns:
        Pieces that join to the text.

    Example:
        >>> sentences("Hello! It ships today.")
        ['Hello! ', 'It ships today.']
    """
    return _SENTENCE.findall(text)


def _misread(written: str, read: str, times: int = 1) -> Damage:
    def damage(draw: Random, text: str) -> str:
        for _ in range(times):
            text = text.encode(written).decode(read, "replace")
        return text

    return damage


def _lost_bytes(draw: Random, text: str) -> str:
    """A byte of one of the characters beyond ASCII is lost."""
    data = text.encode()
    places = [place for place, byte in enumerate(data) if byte >= 0x80]
    place = draw.choice(places)
    return (data[:place] + data[place + 1 :]).decode("utf-8", "replace")


def _question_marks(draw: Random, text: str) -> str:
    """What a database column without Unicode makes of a text."""
    return text.encode("ascii", "replace").decode()


def _with(signs: str, most: int = 4) -> Damage:
    def damage(draw: Random, text: str) -> str:
        for _ in range(draw.randint(1, most)):
            # Inside the text: at its ends it would be trimmed in any case.
            place = draw.randrange(1, len(text))
            text = text[:place] + draw.choice(signs.split("|")) + text[place:]
        return text

    return damage


def _wide(found: str) -> Damage:
    def damage(draw: Random, text: str) -> str:
        words = list(re.finditer(found, text))
        word = draw.choice(words)
        wide = "".join(chr(ord(sign) + 0xFEE0) for sign in word[0])
        return text[: word.start()] + wide + text[word.end() :]

    return damage


def _half(draw: Random, text: str) -> str:
    """Half-width katakana, the voicing mark a sign of its own; the long bar only within words."""
    return re.sub(
        "[ァ-ヴ][ァ-ヴー]*",
        lambda word: (
            "".join(_HALF.get(sign, sign) for sign in unicodedata.normalize("NFD", word[0]))
            .replace("\u3099", "ﾞ")
            .replace("\u309a", "ﾟ")
        ),
        text,
    )


def _cut(least: float, most: float, behind: str = "") -> Damage:
    """Keep a share of the sentence in the middle; words are cut where they stand."""

    def damage(draw: Random, text: str) -> str:
        first, body, *_ = [*sentences(text), "", ""]
        body = (body or first).rstrip(" .!?。！？")
        kept = body[: max(3, int(len(body) * draw.uniform(least, most)))]
        return (first if first.strip() != text.strip() else "") + kept.rstrip() + behind

    return damage


def _cut_in_the_end(draw: Random, text: str) -> str:
    *start, end = sentences(text)
    end = end.rstrip(" .!?。！？")
    return "".join(start) + end[: draw.randint(2, max(2, len(end) - 2))].rstrip()


def _loop(part: Callable[[str], str], least: int, most: int) -> Damage:
    def damage(draw: Random, text: str) -> str:
        return text + (" " if text.isascii() else "") + part(text) * draw.randint(least, most)

    return damage


def _words(text: str, number: int) -> str:
    if text.isascii():
        return " ".join(text.rstrip(".!?").split()[-number:]) + " "
    return text.rstrip("。！？")[-2 * number :]


def _numbered(draw: Random, text: str) -> str:
    """A list that goes on and on with the same point."""
    point = sentences(text)[-1].strip()
    return text + "\n" + "\n".join(f"{n}. {point}" for n in range(1, draw.randint(8, 15)))


def _misspelt(draw: Random, text: str) -> str:
    """Two letters of a word change places, one is lost, or one is doubled."""
    found = r"[a-z]{6,}" if text.isascii() else r"[ぁ-ん]{4,}|[ァ-ヴー]{4,}"
    words = list(re.finditer(found, text))
    if not words:
        return text
    word = draw.choice(words)
    place = draw.randrange(1, len(word[0]) - 2)
    one, two = word[0][place], word[0][place + 1]
    new = draw.choice([two + one if one != two else one, two, one + one + two])
    where = word.start() + place
    return text[:where] + new + text[where + 2 :]


TEXT: dict[str, tuple[tuple[Damage, ...], tuple[Damage, ...]]] = {
    "mojibake": (
        (_misread("utf-8", "latin-1"), _misread("utf-8", "sloppy-windows-1252")),
        (_misread("utf-8", "latin-1", 2), _misread("utf-8", "sloppy-windows-1252", 2)),
    ),
    "lossy_mojibake": (
        (_lost_bytes, _misread("utf-8", "cp932")),
        (_misread("utf-8", "gbk"), _misread("utf-8", "euc_jp"), _misread("utf-8", "ascii")),
    ),
    "control_characters": (
        (_with("\u200b"), _with("\u00ad"), _with("\ufeff"), _with("\x07|\x01|\x10")),
        (_with("\u202e|\u202c"), _with("\u200e"), _with("\u2060"), _with("\x00|\x7f|\x1f")),
    ),
    "truncated": ((_cut(0.3, 0.9), _cut(0.2, 0.8, ",")), (_cut(0.8, 0.97), _cut_in_the_end)),
    "repetition": (
        (
            _loop(lambda text: _words(text, 1), 12, 30),
            _loop(lambda text: sentences(text)[-1].strip() + " ", 6, 12),
            _loop(lambda text: text.rstrip(".!?。！？")[-1], 40, 80),
        ),
        (
            _loop(lambda text: _words(text, 3), 8, 20),
            _loop(lambda text: text + " ", 4, 6),
            _numbered,
        ),
    ),
    "typo": ((_misspelt,), (_misspelt,)),
}
# A text beyond ASCII in Japanese is made of nothing else: question marks are all that is left.
JAPANESE_TEXT: dict[str, tuple[tuple[Damage, ...], tuple[Damage, ...]]] = {
    "mojibake": (
        TEXT["mojibake"][0],
        (*TEXT["mojibake"][1], _misread("cp932", "latin-1"), _misread("euc_jp", "latin-1")),
    ),
    "lossy_mojibake": (
        (_lost_bytes, _misread("utf-8", "cp932"), _misread("cp932", "utf-8")),
        (_misread("utf-8", "gbk"), _misread("euc_jp", "utf-8"), _question_marks),
    ),
    "width": ((_half, _wide("[0-9]+")), (_wide("[A-Za-z]+"), _wide("[0-9]"))),
}
ENGLISH_TEXT: dict[str, tuple[tuple[Damage, ...], tuple[Damage, ...]]] = {
    "width": ((_wide("[A-Za-z]+"), _wide("[0-9]+")), (_wide("[A-Z]"), _wide("[a-z]+"))),
}


def _row(messages: object) -> str:
    return json.dumps({"messages": messages}, ensure_ascii=False)


def _cut_line(draw: Random, messages: Messages) -> str:
    line = _row(messages)
    return line[: draw.randint(12, len(line) - 2)]


def _without(old: str, new: str) -> Line:
    return lambda draw, messages: _row(messages).replace(old, new, 1)


def _other(change: Callable[[Messages], object]) -> Line:
    return lambda draw, messages: _row(change(messages))


def _renamed(roles: tuple[str, ...]) -> Line:
    def damage(draw: Random, messages: Messages) -> str:
        place = draw.randrange(len(messages))
        new = {**messages[place], "role": draw.choice(roles)}
        return _row([*messages[:place], new, *messages[place + 1 :]])

    return damage


def _dropped(message: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != key}


_SYSTEM = {"role": "system", "content": "Answer kindly. やさしく答えてください。"}
LINES: dict[str, tuple[tuple[Line, ...], tuple[Line, ...]]] = {
    "json": (
        (
            _cut_line,
            _without("}]}", "},]}"),
            lambda draw, messages: repr({"messages": messages}),
        ),
        (
            _without('{"messages"', '"messages"'),
            _without('": "', '": ""'),
            lambda draw, messages: _row(messages) + _row(messages),
            _without("{", "// {"),
            _without("]}", "]}]"),
        ),
    ),
    "schema": (
        (
            _other(lambda messages: messages[0]["content"]),
            _other(lambda messages: [_dropped(message, "content") for message in messages]),
            _other(lambda messages: [{**message, "content": 7} for message in messages]),
            _other(lambda messages: []),
        ),
        (
            _other(lambda messages: None),
            _other(lambda messages: [_dropped(message, "role") for message in messages]),
            _other(lambda messages: [message["content"] for message in messages]),
            _other(lambda messages: {"user": messages[0]["content"]}),
            lambda draw, messages: json.dumps({"text": messages[0]["content"]}),
        ),
    ),
    "role": ((_renamed(_ROLES),), (_renamed(_ROLES_HELD_OUT),)),
    "turns": (
        (
            _other(lambda messages: messages[:-1]),
            _other(lambda messages: messages[1:]),
            _other(lambda messages: [messages[0], messages[0], messages[1]]),
        ),
        (
            _other(lambda messages: [_SYSTEM, messages[0]]),
            _other(lambda messages: [messages[1], messages[0]]),
            _other(lambda messages: [*messages, messages[0]]),
            _other(lambda messages: [messages[0], _SYSTEM, messages[1]]),
        ),
    ),
}
SOUND_LINES: tuple[tuple[Line, ...], tuple[Line, ...]] = (
    (
        lambda draw, messages: json.dumps({"messages": messages, "id": draw.randint(1, 999)}),
        _other(lambda messages: [_SYSTEM, *messages]),
        _other(lambda messages: [*messages, *messages]),
    ),
    (
        lambda draw, messages: json.dumps({"note": None, "messages": messages}, indent=None),
        _other(lambda messages: [{**messages[0], "name": "Mina"}, *messages[1:]]),
        _other(lambda messages: [_SYSTEM, *messages, *messages, *messages]),
    ),
)
