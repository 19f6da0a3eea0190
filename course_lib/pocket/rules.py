"""Facts in English: what a named thing has, and who may do what.

>>> import random
>>> rule_fact(random.Random(3)).label
'collecting extra pens'
"""

import random
from dataclasses import replace

from course_lib.pocket import lexicon as lx
from course_lib.pocket import values
from course_lib.pocket.facts import ATTRIBUTE, RULES, Fact, capitalised
from course_lib.pocket.values import with_article

# `when` stands here twice: days and hours come in the most shapes.
KINDS = (
    *("duration", "cost", "when", "when", "where", "who", "limit"),
    *("means", "need", "free", "deadline", "share", "object", "made"),
)


def noun_phrase(rng: random.Random) -> str:
    """Draw a compound attribute.

    Args:
        rng: the only source of chance.

    Returns:
        One to three words, such as `fee`, `late fee` or `late visit fee`. Compounds make a model
        compare whole keys; single words could be found by their first letters.

    Example:
        >>> noun_phrase(random.Random(0))
        'high title'
    """
    head = rng.choice(lx.ATTRIBUTES)
    r = rng.random()
    if r < 0.25:
        return head
    if r < 0.60:
        return f"{rng.choice(lx.MODIFIERS)} {head}"
    if r < 0.72:
        return f"{rng.choice(lx.OBJECTS).one} {head}"
    if r < 0.84:
        return f"{rng.choice(lx.MODIFIERS)} {rng.choice(lx.OBJECTS).one} {head}"
    if r < 0.92:
        return f"{lx.word(rng)} {head}"
    return lx.word(rng)


def attribute_fact(rng: random.Random, subject: str) -> Fact:
    """State one attribute of a named thing.

    Args:
        rng: the only source of chance.
        subject: the thing, such as `the tower Tavo`.

    Returns:
        The fact.

    Example:
        >>> attribute_fact(random.Random(0), "Tavo").sentence
        'The high title of Tavo is 8 pm.'
    """
    label = noun_phrase(rng)
    return ATTRIBUTE.write(
        rng,
        subject,
        value=values.anything(rng),
        label=label,
        a_label=with_article(label),
    )


def relabel(fact: Fact, label: str) -> Fact:
    """Give an attribute another name, in all its wordings.

    Args:
        fact: from `attribute_fact`.
        label: the new name, which another thing of the passage may have too.

    Returns:
        The same fact under the new name.

    Example:
        >>> relabel(Fact("The age of Bo is 3.", "Bo", "age", "3", (), "…"), "size").statement
        'The size of Bo is 3.'
    """

    def swap(text: str) -> str:
        if text.startswith(capitalised(fact.label)):
            return capitalised(label) + text[len(fact.label) :]
        return text.replace(fact.label, label, 1)

    statement = fact.statement.replace(with_article(fact.label), with_article(label), 1)
    if statement == fact.statement:
        statement = swap(fact.statement)
    return replace(
        fact,
        statement=statement,
        label=label,
        questions=tuple(swap(q) for q in fact.questions),
        sentence=swap(fact.sentence),
    )


def rule_fact(rng: random.Random) -> Fact:
    """State who may do what, when, where, how long or for how much, in many voices.

    Args:
        rng: the only source of chance.

    Returns:
        A fact without a subject.

    Example:
        >>> rule_fact(random.Random(3)).questions[0]
        'How many extra pens may dancers collect?'
    """
    agents, boss = rng.choice(lx.AGENTS), lx.name(rng)
    if rng.random() < 0.12:
        agents = lx.word(rng) + "s"
    verb = rng.choice(lx.VERBS)
    one, many = rng.choice(lx.OBJECTS)
    if rng.random() < 0.12:
        one = lx.word(rng)
        many = one + "s"
    if rng.random() < 0.4:
        modifier = rng.choice(lx.MODIFIERS) if rng.random() < 0.85 else lx.word(rng)
        one, many = f"{modifier} {one}", f"{modifier} {many}"
    can = rng.choice(("can", "may", "must", "should"))
    kind = rng.choice(KINDS)
    value = _value(rng, kind, agents, boss, many)
    slots = {
        "agents": agents, "can": can, "one": one, "a_one": with_article(one), "many": many,
        "do": verb.base, "does": verb.third, "done": verb.past, "doing": verb.ing, "value": value,
    }  # fmt: skip
    if kind == "duration":
        slots["unit"] = value.split()[1]
    elif kind == "when":
        slots["at"] = values.before_time(value)
    elif kind == "object":
        slots["where"] = values.place(rng)
    return RULES[kind].write(rng, **slots)


def _value(rng: random.Random, kind: str, agents: str, boss: str, many: str) -> str:
    match kind:
        case "duration":
            return values.duration(rng)
        case "cost":
            return values.money(rng)
        case "when":
            return rng.choice((values.day, values.clock))(rng)
        case "where":
            return values.place(rng)
        case "who":
            return rng.choice((boss, boss, f"the {lx.word(rng)} {agents[:-1]}"))
        case "limit":
            return str(rng.randint(2, 60))
        case "means":
            tool = values.thing(rng)
            return rng.choice((tool, f"{with_article(lx.word(rng))} {rng.choice(lx.CONCRETE)}"))
        case "need":
            return values.thing(rng)
        case "free":
            return rng.choice((values.money, values.measure, values.duration))(rng)
        case "deadline":
            return rng.choice((values.day, values.clock, values.duration))(rng)
        case "share":
            return values.percent(rng)
        case "object":
            return rng.choice((many, f"{lx.word(rng)} {many}", values.thing(rng)))
        case _:  # what it is made of
            stuff, shade = values.material(rng), values.color(rng)
            return rng.choice((stuff, shade, lx.word(rng), f"{lx.word(rng)} wood"))
