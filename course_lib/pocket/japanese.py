"""Facts and passages in polite Japanese, for the company's Japanese customers.

>>> import random
>>> passage = make_ja_passage(random.Random(1), facts=2)
>>> len(passage["facts"]), all(f.value in passage["text"] for f in passage["facts"])
(2, True)
"""

import random
from functools import partial

from course_lib.pocket import lexicon as lx
from course_lib.pocket import values
from course_lib.pocket.facts import JA_ATTRIBUTE, JA_RULES, Fact, Passage, distinct

KINDS = ("duration", "place", "cost", "when", "who", "count", "means")


def ja_fact(rng: random.Random, subject: str) -> Fact:
    """State one attribute.

    Args:
        rng: the only source of chance.
        subject: the thing that has it; empty where nothing is named.

    Returns:
        The fact.

    Example:
        >>> ja_fact(random.Random(0), "塔").sentence.startswith("塔の")
        True
    """
    label = rng.choice(lx.JA_ATTRIBUTES)
    if rng.random() < 0.4:
        label = rng.choice(lx.JA_MODIFIERS) + label
    elif rng.random() < 0.35:
        label = lx.ja_word(rng)
    elif rng.random() < 0.3:
        label = lx.ja_word(rng) + rng.choice(lx.JA_ATTRIBUTES)
    return JA_ATTRIBUTE.write(
        rng,
        subject,
        value=values.ja_value(rng),
        label=label,
        of=f"{subject}の" if subject else "",
        at=f"{subject}では、" if subject else "",
        has=f"{subject}は、{label}が" if subject else f"{label}は",
    )


def ja_rule_fact(rng: random.Random) -> Fact:
    """State a rule: until when, how long, where, how much, who, how many, by what means.

    Args:
        rng: the only source of chance.

    Returns:
        A fact without a subject.

    Example:
        >>> "の" in ja_rule_fact(random.Random(0)).label
        True
    """
    thing = rng.choice(lx.JA_OBJECTS) if rng.random() < 0.75 else lx.ja_word(rng)
    act = rng.choice(lx.JA_ACTIONS) if rng.random() < 0.85 else lx.ja_word(rng)
    kind = rng.choice(KINDS)
    polite = rng.choice(("", "", "ご", "お"))
    value = _value(rng, kind)
    return JA_RULES[kind].write(
        rng, thing=thing, act=act, polite=polite, value=value, counter=value[-1]
    )


def _value(rng: random.Random, kind: str) -> str:
    match kind:
        case "duration":
            unit = ("日", "週間", "か月", "年", "時間", "分")
            return f"{rng.randint(2, 90)}{rng.choice(unit)}"
        case "place":
            return rng.choice((rng.choice(lx.JA_PLACES), values.ja_compound(rng)))
        case "cost":
            return f"{values.number(rng)}円"
        case "when":
            return values.ja_day(rng)
        case "who":
            people = (f"{lx.ja_word(rng)}{title}" for title in ("さん", "先生", "係"))
            return rng.choice(tuple(people))
        case "count":
            counter = ("人", "本", "枚", "個", "回", "台", "冊", "点")
            return f"{rng.randint(2, 60)}{rng.choice(counter)}"
        case _:  # by what means
            stuff = (lx.ja_word(rng), rng.choice(lx.JA_MATERIALS))
            return rng.choice((*stuff, "電話", "メール", "はがき"))


def make_ja_passage(rng: random.Random, facts: int, things: int = 1) -> Passage:
    """Write a Japanese passage.

    Args:
        rng: the only source of chance.
        facts: how many facts the text states.
        things: how many named things share them (1 to 3).

    Returns:
        The text, its facts, and one fact for each thing that the text does not state.

    Example:
        >>> len(make_ja_passage(random.Random(0), facts=3, things=2)["missing"])
        2
    """
    if things == 1 and rng.random() < 0.5:
        rules = distinct(lambda: ja_rule_fact(rng), facts + 1)
        return lay_out_ja(rng, rules[:facts], rules[facts:])
    present: list[Fact] = []
    missing: list[Fact] = []
    for i, subject in enumerate([_subject(rng, alone=things == 1) for _ in range(things)]):
        count = facts // things + (i < facts % things)
        every = distinct(partial(ja_fact, rng, subject), count + 1)
        present += every[:count]
        missing.append(every[count])
    return lay_out_ja(rng, present, missing)


def _subject(rng: random.Random, *, alone: bool) -> str:
    """Name a thing; alone in its text, it may do without a name of its own."""
    if not alone:
        return f"{lx.ja_word(rng)}{rng.choice(lx.JA_THINGS)}"
    plain = rng.choice(lx.JA_THINGS)
    return rng.choice(("", plain, f"{lx.ja_word(rng)}{rng.choice(lx.JA_THINGS)}"))


def lay_out_ja(rng: random.Random, present: list[Fact], missing: list[Fact]) -> Passage:
    """Write facts as prose or as a list, perhaps under a heading.

    Args:
        rng: the only source of chance.
        present: what the text states.
        missing: what it does not.

    Returns:
        The passage.

    Example:
        >>> fact = ja_fact(random.Random(0), "塔")
        >>> fact.statement in lay_out_ja(random.Random(0), [fact], [])["text"]
        True
    """
    joiner = rng.choice(("", "\n", "\n- ", "\n・"))
    bullet = joiner.removeprefix("\n")
    text = bullet + joiner.join(f.statement for f in present)
    if rng.random() < 0.2:
        text = f"# {lx.ja_word(rng)}\n{text}"
    return {"text": text, "facts": present, "missing": missing}
