"""Plain sentences about a thing each, asked about in other words than they are written in.

The other facts repeat most of their words in the question. A reader of real pages has to do with
less: often the thing itself is all that a question and its answer share.

>>> import random
>>> passage = plain_passage(random.Random(1), facts=3)
>>> len(passage["facts"]), all(f.value in passage["text"] for f in passage["facts"])
(3, True)
"""

import random

from course_lib.pocket import lexicon as lx
from course_lib.pocket import values
from course_lib.pocket.facts import JA_PLAIN, JA_STRANGE, PLAIN, STRANGE, Fact, Passage, distinct
from course_lib.pocket.japanese import lay_out_ja
from course_lib.pocket.passages import lay_out
from course_lib.pocket.rules import rule_fact
from course_lib.pocket.values import with_article

_BLENDED = [
    *(noun.one for noun in lx.OBJECTS),
    *(*lx.CONCRETE, *lx.ATTRIBUTES, *lx.PLACES, *lx.ADJECTIVES, *lx.KINDS, *lx.MATERIALS),
]


def blend(rng: random.Random) -> str:
    """Make a word of the halves of two others.

    Args:
        rng: the only source of chance.

    Returns:
        A word that looks English, in tokens that hardly ever stood together before.

    Example:
        >>> blend(random.Random(0))
        'levone'
    """
    first, second = rng.choice(_BLENDED), rng.choice(_BLENDED)
    return first[: len(first) // 2 + 1] + second[len(second) // 2 :]


def blended_verb(rng: random.Random) -> lx.Verb:
    """Make a regular verb of a blended word."""
    stem = blend(rng)
    return lx.Verb(stem, f"{stem}s", f"{stem}ed", f"{stem}ing")


def plain_fact(rng: random.Random, strange: bool = False) -> Fact:
    """State something about one thing.

    Args:
        rng: the only source of chance.
        strange: let the thing, the verb and the adjective be blended words, as real pages have
            words that a reader never met.

    Returns:
        A fact whose label is the thing.

    Example:
        >>> plain_fact(random.Random(0)).label
        'report window'
    """
    one, many = thing(rng)
    verb, adjective = rng.choice(lx.VERBS), rng.choice(lx.ADJECTIVES)
    kind = rng.choice(tuple(PLAIN))
    value = plain_value(rng, kind)
    if strange:
        if rng.random() < 0.6:
            head = blend(rng)
            first = rng.choice(("", "", f"{blend(rng)} ", f"{rng.choice(lx.MODIFIERS)} "))
            one, many = f"{first}{head}", f"{first}{head}s"
        if rng.random() < 0.5:
            verb = blended_verb(rng)
        if rng.random() < 0.4:
            adjective = blend(rng)
        value = strange_value(rng, kind, value)
    return (STRANGE if strange else PLAIN)[kind].write(
        rng, one=one, a_one=with_article(one), many=many, do=verb.base, does=verb.third,
        done=verb.past, doing=verb.ing, adj=adjective, agents=rng.choice(lx.AGENTS),
        can=rng.choice(("can", "may", "must", "should")), value=value, unit=value.split()[-1],
        at=values.before_time(value),
    )  # fmt: skip


def strange_value(rng: random.Random, kind: str, value: str) -> str:
    """Put blended words into a value, where its kind has room for them."""
    if rng.random() < 0.4:
        return value
    match kind:
        case "person":
            first = rng.choice((blend(rng).capitalize(), lx.name(rng), rng.choice(lx.PEOPLE)))
            return f"{first} {rng.choice((blend(rng).capitalize(), lx.name(rng)))}"
        case "spot":
            first = rng.choice((blend(rng), rng.choice(lx.COLORS), rng.choice(lx.MATERIALS)))
            return f"{rng.choice(lx.PLACE_PREPOSITIONS)} the {first} {blend(rng)}"
        case "stuff":
            first = rng.choice((blend(rng), rng.choice(lx.COLORS), rng.choice(lx.MATERIALS)))
            return rng.choice((f"{first} {blend(rng)}", with_article(f"{first} {blend(rng)}")))
        case "span" | "price" | "count" | "size":
            unit = rng.choice((f"{blend(rng)}s", blend(rng), lx.word(rng)))
            return f"{rng.choice((1, rng.randint(2, 99)))} {unit}"
        case _:
            return value


def thing(rng: random.Random) -> tuple[str, str]:
    """Draw a thing, one and many: `book`, `inner book`, `lamp book`, `vokra book`, `vokra`."""
    one, many = rng.choice(lx.OBJECTS)
    r = rng.random()
    if r < 0.08:
        one = lx.word(rng)
        return one, f"{one}s"
    if r < 0.45:
        return one, many
    if r < 0.75:
        first = rng.choice(lx.MODIFIERS)
    elif r < 0.9:
        first = rng.choice([o for o in lx.OBJECTS if o.one != one]).one
    else:
        first = lx.word(rng)
    return f"{first} {one}", f"{first} {many}"


def plain_value(rng: random.Random, kind: str) -> str:
    """Draw a value of a kind of `PLAIN`, such as `12 minutes` for a span."""
    match kind:
        case "day":
            return rng.choice((values.day, values.clock))(rng)
        case "span":
            return values.duration(rng)
        case "price":
            return values.money(rng)
        case "spot":
            return values.place(rng)
        case "person":
            return rng.choice((lx.name(rng), f"{rng.choice(lx.PEOPLE)} {lx.name(rng)}"))
        case "count":
            return f"{rng.randint(2, 60)} {rng.choice(lx.COUNTED)}"
        case "stuff":
            return rng.choice((values.thing, values.thing, values.material))(rng)
        case "size":
            return values.measure(rng)
        case _:  # a share
            return f"{rng.randint(2, 95)}{rng.choice(('%', ' percent'))}"


def plain_passage(rng: random.Random, facts: int, strange: bool = False) -> Passage:
    """Write plain sentences, a few of the other rules among them.

    Args:
        rng: the only source of chance.
        facts: how many the text states.
        strange: see `plain_fact`.

    Returns:
        The text, its facts, and two about things that it does not name.

    Example:
        >>> len(plain_passage(random.Random(0), facts=4)["missing"])
        2
    """

    def sentence() -> Fact:
        return plain_fact(rng, strange) if rng.random() < 0.8 else rule_fact(rng)

    every = distinct(sentence, facts + 2, key=lambda fact: fact.label.split()[-1])
    text = lay_out(rng, [("", every[:facts])])
    return {"text": text, "facts": every[:facts], "missing": every[facts:]}


def rare_kanji(rng: random.Random) -> str:
    """Draw one or two characters from the whole block: most are three bytes to the tokenizer."""
    return "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.randint(1, 2)))


def ja_plain_fact(rng: random.Random, strange: bool = False) -> Fact:
    """State something about one thing in Japanese.

    Args:
        rng: the only source of chance.
        strange: let the thing and the value have rare characters.

    Returns:
        A fact whose label is the thing.

    Example:
        >>> ja_plain_fact(random.Random(0)).statement[-1]
        '。'
    """
    thing = ja_thing(rng)
    kind = rng.choice(tuple(JA_PLAIN))
    value = ja_value(rng, kind)
    if strange:
        if rng.random() < 0.5:
            thing = rng.choice((rare_kanji(rng), f"{rare_kanji(rng)}の{thing}"))
        value = ja_strange_value(rng, kind, value)
    counter = value.lstrip("0123456789")
    return (JA_STRANGE if strange else JA_PLAIN)[kind].write(
        rng, thing=thing, act=rng.choice(lx.JA_STEMS), value=value, counter=counter
    )


def ja_thing(rng: random.Random) -> str:
    """Draw a thing: `船`, `赤い船`, `船の色`, an invented word."""
    thing = rng.choice((*lx.JA_OBJECTS, *lx.JA_THINGS)) if rng.random() < 0.8 else lx.ja_word(rng)
    r = rng.random()
    if r < 0.3:
        return rng.choice(lx.JA_MODIFIERS) + thing
    if r < 0.5:
        return f"{thing}の{rng.choice(lx.JA_ATTRIBUTES)}"
    return f"{lx.ja_word(rng)}{thing}" if r < 0.6 else thing


def ja_strange_value(rng: random.Random, kind: str, value: str) -> str:
    """Put rare characters into a value, where its kind has room for them."""
    match kind:
        case "person":
            return f"{rare_kanji(rng)}{lx.ja_word(rng)[:1]}{rng.choice(('さん', '係', ''))}"
        case "stuff" | "spot":
            return f"{rng.choice((rng.choice(lx.JA_COLORS), lx.ja_word(rng)))}の{rare_kanji(rng)}"
        case "span" | "price" if rng.random() < 0.6:
            return f"{rng.randint(2, 99)}{rng.choice(('ドル', lx.ja_word(rng), rare_kanji(rng)))}"
        case _:
            return value


def ja_value(rng: random.Random, kind: str) -> str:
    """Draw a value of a kind of `JA_PLAIN`, such as `12分` for a span."""
    match kind:
        case "when":
            return values.ja_day(rng)
        case "span":
            return f"{rng.randint(2, 90)}{rng.choice(lx.JA_UNITS)}"
        case "price":
            return f"{values.number(rng)}{rng.choice(('円', '円', 'ユーロ', 'ポンド'))}"
        case "spot":
            return rng.choice((rng.choice(lx.JA_PLACES), values.ja_compound(rng)))
        case "person":
            return f"{lx.ja_word(rng)}{rng.choice(('さん', 'さん', '先生', '係', ''))}"
        case _:  # by means of a stuff
            stuff = rng.choice((*lx.JA_MATERIALS, *lx.JA_OBJECTS, lx.ja_word(rng)))
            return rng.choice((stuff, f"{rng.choice(lx.JA_COLORS)}の{stuff}"))


def ja_plain_passage(rng: random.Random, facts: int, strange: bool = False) -> Passage:
    """Write plain Japanese sentences.

    Args:
        rng: the only source of chance.
        facts: how many the text states.
        strange: see `ja_plain_fact`.

    Returns:
        The text, its facts, and one about a thing that it does not name.

    Example:
        >>> len(ja_plain_passage(random.Random(0), facts=3)["facts"])
        3
    """
    every = distinct(lambda: ja_plain_fact(rng, strange), facts + 1)
    return lay_out_ja(rng, every[:facts], every[facts:])
