"""The words of the pocket world (`lexicon.toml`), and the invention of new ones.

Deliberately absent: orders, parcels, refunds, guarantees, tents. The course's company lives in
those words, and the model must not have met them (`tests/pocket/test_lexicon.py`).

>>> len(COLORS), VERBS[0].ing, OBJECTS[0].many
(14, 'borrowing', 'lamps')
"""

import random
import tomllib
from pathlib import Path
from typing import NamedTuple


class Verb(NamedTuple):
    """The forms of a verb that the wordings need."""

    base: str
    third: str
    past: str
    ing: str


class Noun(NamedTuple):
    """A noun, and more than one of it."""

    one: str
    many: str


_FILE = tomllib.loads(Path(__file__).with_name("lexicon.toml").read_text(encoding="utf-8"))
_ENGLISH, _JAPANESE, _SKILLS = _FILE["english"], _FILE["japanese"], _FILE["skills"]

AGENTS: list[str] = _ENGLISH["agents"].split()
VERBS = [Verb(*forms.split("/")) for forms in _ENGLISH["verbs"].split()]
OBJECTS = [Noun(*forms.split("/")) for forms in _ENGLISH["objects"].split()]
MODIFIERS: list[str] = _ENGLISH["modifiers"].split()
ATTRIBUTES: list[str] = _ENGLISH["attributes"].split()
KINDS: list[str] = _ENGLISH["kinds"].split()
CONCRETE: list[str] = _ENGLISH["concrete"].split()
ADJECTIVES: list[str] = _ENGLISH["adjectives"].split()
COLORS: list[str] = _ENGLISH["colors"].split()
MATERIALS: list[str] = _ENGLISH["materials"].split()
PLACES: list[str] = _ENGLISH["places"].split()
PLACE_PREPOSITIONS: list[str] = _ENGLISH["place_prepositions"].split()
UNITS: list[str] = _ENGLISH["units"].split()
MEASURES: list[str] = _ENGLISH["measures"].split()
MONEY: list[str] = _ENGLISH["money"].split()
NUMERALS: list[str] = _ENGLISH["numerals"].split()
COUNTED: list[str] = _ENGLISH["counted"].split()
WEEKDAYS: list[str] = _ENGLISH["weekdays"].split()
MONTHS: list[str] = _ENGLISH["months"].split()
MEANS: list[str] = _ENGLISH["means"].split()
GREETING_WORDS: list[str] = _ENGLISH["greeting_words"].split()
SYMBOLS: list[str] = _ENGLISH["symbols"].split()
_ONSETS: list[str] = _ENGLISH["onsets"].split()
_NUCLEI: list[str] = _ENGLISH["nuclei"].split()
_CODAS = ["", "", "", *_ENGLISH["codas"].split()]  # one word in five ends in a vowel

JA_ATTRIBUTES: list[str] = _JAPANESE["attributes"].split()
JA_MODIFIERS: list[str] = _JAPANESE["modifiers"].split()
JA_THINGS: list[str] = _JAPANESE["things"].split()
JA_OBJECTS: list[str] = _JAPANESE["objects"].split()
JA_ACTIONS: list[str] = _JAPANESE["actions"].split()
JA_STEMS: list[str] = _JAPANESE["stems"].split()
JA_COLORS: list[str] = _JAPANESE["colors"].split()
JA_MATERIALS: list[str] = _JAPANESE["materials"].split()
JA_PLACES: list[str] = _JAPANESE["places"].split()
JA_UNITS: list[str] = _JAPANESE["units"].split()
JA_WEEKDAYS: list[str] = _JAPANESE["weekdays"].split()
JA_KANJI = "".join(_JAPANESE["kanji"].split())
JA_KATAKANA = "".join(_JAPANESE["katakana"].split())
JA_HIRAGANA = "".join(_JAPANESE["hiragana"].split())

CAPITALS = dict(pair.split("/") for pair in _SKILLS["capitals"].split())
OPPOSITES = dict(pair.split("/") for pair in _SKILLS["opposites"].split())
PLURALS = dict(OBJECTS) | dict(pair.split("/") for pair in _SKILLS["plurals"].split())
PEOPLE: list[str] = _SKILLS["people"].split()
THINGS: list[str] = _SKILLS["things"].split()
HEADLINES: dict[str, list[str]] = _FILE["headlines"]


def word(rng: random.Random, syllables: int | None = None) -> str:
    """Invent a pronounceable lower-case word.

    Args:
        rng: the only source of chance.
        syllables: how many; by default one to three, mostly two.

    Returns:
        Letters only. A short one may happen to be an English word; that does no harm.

    Example:
        >>> word(random.Random(0))
        'stanias'
    """
    n = syllables or rng.choice((1, 2, 2, 2, 3))
    parts = [rng.choice(_ONSETS) + rng.choice(_NUCLEI) for _ in range(n)]
    return "".join(parts) + rng.choice(_CODAS)


def name(rng: random.Random) -> str:
    """Invent a proper name of two or three syllables.

    Args:
        rng: the only source of chance.

    Returns:
        An invented word with a capital.

    Example:
        >>> name(random.Random(0))
        'Stanias'
    """
    return word(rng, rng.choice((2, 2, 3))).capitalize()


def ja_word(rng: random.Random) -> str:
    """Invent a Japanese-looking word: katakana, hiragana, or a compound of common kanji.

    Args:
        rng: the only source of chance.

    Returns:
        Two to four characters of one script.

    Example:
        >>> ja_word(random.Random(0))
        '学入住'
    """
    r = rng.random()
    if r < 0.15:
        return "".join(rng.choice(JA_HIRAGANA) for _ in range(rng.randint(2, 4)))
    if r < 0.5:
        letters = "".join(rng.choice(JA_KATAKANA) for _ in range(rng.randint(2, 4)))
        return letters if letters[0] not in "ーン" else "ミ" + letters[1:]
    return "".join(rng.choice(JA_KANJI) for _ in range(rng.randint(2, 3)))
