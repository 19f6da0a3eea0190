"""Sentences and questions from clauses: several facts of one thing, asked for in many ways.

A page of rules says much about few things: when the club meets, who leads it, what it costs. Which
fact is meant then hangs on what is asked (who, where, how many days), or on the verb. The wordings
(`wordings.toml`) are clauses, drawn apart for the statement and for the question, so that the two
often have no more than the thing in common, or no more than the verb.

>>> import random
>>> passage = clause_passage(random.Random(1), facts=3)
>>> len(passage["facts"]), all(f.value in passage["text"] for f in passage["facts"])
(3, True)
"""

import random
from collections.abc import Mapping

from course_lib.pocket import lexicon as lx
from course_lib.pocket.facts import CLAUSES, JA_CLAUSES, JA_PLAIN, PLAIN, Fact, Passage, capitalised
from course_lib.pocket.japanese import lay_out_ja
from course_lib.pocket.passages import lay_out
from course_lib.pocket.plain import (
    blend,
    blended_verb,
    ja_strange_value,
    ja_thing,
    ja_value,
    plain_value,
    rare_kanji,
    strange_value,
    thing,
)
from course_lib.pocket.values import before_time, with_article

# A thing has facts of one kind of each group at the most: `when` and `how much` could mean two
# kinds. Two facts of that one kind have questions that name the verb, or whether a day or an
# hour is asked for.
GROUPS = (("day", "span"), ("price", "count"), ("spot",), ("person",), ("stuff",))
JA_GROUPS = (("when", "span"), ("price",), ("spot",), ("person",), ("stuff",))
_JA_FIRMS = ("社", "屋", "店", "組", "団")


def _strange_thing(rng: random.Random) -> tuple[str, str]:
    if rng.random() < 0.4:
        return thing(rng)
    head = blend(rng)
    first = rng.choice(("", "", "", f"{blend(rng)} ", f"{rng.choice(lx.MODIFIERS)} "))
    return f"{first}{head}", f"{first}{head}s"


def _verb(rng: random.Random, used: set[str]) -> lx.Verb:
    """Draw a verb that no other fact of the passage has."""
    while True:
        verb = rng.choice(lx.VERBS)
        if rng.random() < 0.35:
            verb = blended_verb(rng)
        if verb.base not in used:
            used.add(verb.base)
            return verb


def _said_of(rng: random.Random, one: str, many: str) -> tuple[str, str]:
    """Turn a thing into something that it has or belongs to: `club`, `club walk`, `old club`."""
    r = rng.random()
    if r < 0.55:
        return one, many
    if r < 0.8:
        head, heads = rng.choice(lx.OBJECTS)
        if rng.random() < 0.5:
            head = rng.choice((blend(rng), rng.choice(lx.ATTRIBUTES)))
            heads = f"{head}s"
        return f"{one} {head}", f"{one} {heads}"
    first = rng.choice((rng.choice(lx.MODIFIERS), rng.choice(lx.ADJECTIVES), blend(rng)))
    return f"{first} {one}", f"{first} {many}"


def _type(kind: str, value: str) -> str:
    """Name the type of a value: its kind, or what can be asked for by a name of its own."""
    if kind == "day":
        return "hour" if value[0].isdigit() else "date"
    firm = value.split()[-1].lower() in (*lx.ATTRIBUTES, *lx.PLACES)
    return "firm" if kind == "person" and firm else kind


def _ja_type(kind: str, value: str) -> str:
    if kind == "when":
        return "weekday" if "曜" in value else {"日": "date", "時": "hour"}[value[-1]]
    return "firm" if kind == "person" and value[-1] in _JA_FIRMS else kind


def _value(rng: random.Random, kind: str) -> str:
    """Draw a value, with a number in words or with a firm for a person now and then."""
    if kind == "person" and rng.random() < 0.15:
        first = rng.choice((rng.choice(lx.COLORS), rng.choice(lx.ADJECTIVES), blend(rng)))
        return f"{first.capitalize()} {rng.choice((*lx.ATTRIBUTES, *lx.PLACES)).capitalize()}"
    value = strange_value(rng, kind, plain_value(rng, kind))
    number, _, unit = value.partition(" ")
    if number.isdigit() and unit and rng.random() < 0.12:
        return f"{rng.choice(lx.NUMERALS)} {unit}"
    return value


def clause_fact(
    rng: random.Random, kind: str, one: str, many: str, used: set[str], twin: bool = False,
    only: str | None = None,
) -> Fact:  # fmt: skip
    """State one fact of a thing.

    Args:
        rng: the only source of chance.
        kind: of `GROUPS`.
        one: the thing.
        many: more than one of it.
        used: verbs of the passage; this fact's is added.
        twin: another fact of this kind and thing stands beside it: the question names the verb.
        only: the type of value to draw. The twin's is another: the question names the type.

    Returns:
        A fact whose label is the thing.

    Example:
        >>> clause_fact(random.Random(2), "spot", "lamp", "lamps", set()).questions[0]
        'My lamp is weak. Where does it go?'
    """
    verb = _verb(rng, used)
    value = _value(rng, kind)
    while only and _type(kind, value) != only:
        value = _value(rng, kind)
    other, others = rng.choice(lx.OBJECTS)
    slots = {
        "one": one, "a_one": with_article(one), "many": many, "other": other, "others": others,
        "do": verb.base, "does": verb.third, "done": verb.past, "doing": verb.ing,
        "adj": blend(rng) if rng.random() < 0.25 else rng.choice(lx.ADJECTIVES),
        "agents": rng.choice(lx.AGENTS), "can": rng.choice(("can", "may", "must", "should")),
        "value": value, "unit": value.split()[-1],
        "at": before_time(value),
    }  # fmt: skip
    other_thing = not twin and rng.random() < 0.2  # then only the verb tells what is meant
    by_verb = (twin and not only) or other_thing
    if not by_verb and rng.random() < 0.4:
        statement = rng.choice(PLAIN[kind].statements)
    elif kind == "person" and rng.random() < 0.6:
        statement = rng.choice(("{value} {does} the {one}.", "{value} {does} {adj} {many}."))
    else:
        with_verb = [s for s in CLAUSES["statements"] if not by_verb or "{do" in s]
        statement = rng.choice(with_verb).replace(
            "{adjunct}", rng.choice(CLAUSES["adjuncts"][kind])
        )
    asked = slots
    if other_thing:
        asked = {**slots, "one": other, "a_one": with_article(other), "many": others}
    questions = [_question(rng, kind, asked, by_verb, bool(only)) for _ in range(3)]
    if not by_verb and not only:
        common = rng.choice(PLAIN[kind].questions).format_map(slots)
        questions = [capitalised(common), *questions]
    return Fact(
        statement=capitalised(statement.format_map(slots)),
        subject="",
        label=one,
        value=value,
        questions=tuple(questions),
        sentence=capitalised(PLAIN[kind].sentence.format_map(slots)),
    )


def _question(
    rng: random.Random, kind: str, slots: Mapping[str, str], by_verb: bool, by_type: bool
) -> str:
    """Put a question together: perhaps a sentence before it, what asks, and a clause."""
    context, short = "", False
    named = _type(kind, slots["value"])
    if not by_verb and rng.random() < 0.2:
        noun = rng.choice(CLAUSES["nouns"][named])
        question = rng.choice(CLAUSES["noun_questions"]).replace("{noun}", noun)
        return capitalised(question.format_map(slots))
    r = rng.random()
    if r < 0.3:
        context = rng.choice(CLAUSES["contexts"])
        if by_verb and "{do}" in context:
            context = rng.choice(CLAUSES["contexts"][:2])
        short = rng.random() < 0.6
    elif r < 0.4:
        context = rng.choice(CLAUSES["idle"])
    asks = rng.choice(CLAUSES["asks"][kind])
    if named in CLAUSES["typed"] and (by_type or rng.random() < 0.5):
        asks = rng.choice(CLAUSES["typed"][named])
    clauses = CLAUSES["who" if kind == "person" else "questions"]
    if kind in CLAUSES["own"] and rng.random() < 0.25:
        clauses = CLAUSES["own"][kind]
    if short:
        clauses = CLAUSES["short_who" if kind == "person" else "short_questions"]
    if by_verb:
        clauses = [c for c in clauses if "{do" in c]
    direct, _, embedded = rng.choice(clauses).partition("/")
    if rng.random() < 0.15:
        question = rng.choice(CLAUSES["askers"]).replace("{asked}", f"{asks} {embedded or direct}")
    else:
        question = f"{asks} {direct}?"
    question = capitalised(question.format_map(slots))
    return f"{capitalised(context.format_map(slots))} {question}" if context else question


def clause_passage(rng: random.Random, facts: int) -> Passage:
    """Write what holds for a few things, several sentences on each.

    Args:
        rng: the only source of chance.
        facts: how many the text states.

    Returns:
        The text, its facts, and two that it does not state, perhaps about a thing that it names.

    Example:
        >>> len(clause_passage(random.Random(0), facts=4)["missing"])
        2
    """
    made: list[Fact] = []
    used: set[str] = set()
    named: set[str] = set()
    while len(made) < facts + 2:
        one, many = _strange_thing(rng)
        if one.split()[-1] in named:
            continue
        named.add(one.split()[-1])
        for group in rng.sample(GROUPS, rng.choice((1, 1, 2, 3))):
            kind, of_it = rng.choice(group), _said_of(rng, one, many)
            twin = rng.random() < 0.25
            types: list[str | None] = [None] * (1 + twin)
            if kind == "day" and rng.random() < 0.4:
                twin, types = True, ["date", "hour"]
            for only in types:
                made.append(clause_fact(rng, kind, *of_it, used, twin, only))
    order = list(range(len(made)))
    if rng.random() < 0.5:  # else the facts that are left out are those of the last thing
        rng.shuffle(order)
    stated, missing = sorted(order[:facts]), order[facts : facts + 2]
    text = lay_out(rng, [("", [made[i] for i in stated])])
    return {
        "text": text, "facts": [made[i] for i in stated], "missing": [made[i] for i in missing],
    }  # fmt: skip


def _ja_value(rng: random.Random, kind: str) -> str:
    """Draw a value, with a firm for a person and an hour without its half of the day at times."""
    if kind == "person" and rng.random() < 0.2:
        firm = rng.choice((rng.choice(lx.JA_THINGS), lx.ja_word(rng)))
        return rng.choice(lx.JA_MODIFIERS) + firm + rng.choice(_JA_FIRMS)
    value = ja_strange_value(rng, kind, ja_value(rng, kind))
    return value[2:] if value[0] == "午" and rng.random() < 0.4 else value


def ja_clause_fact(rng: random.Random, kind: str, one: str, only: str | None = None) -> Fact:
    """State one fact of a thing in Japanese.

    Args:
        rng: the only source of chance.
        kind: of `JA_GROUPS`.
        one: the thing.
        only: the type of value to draw, which the questions then name.

    Returns:
        A fact whose label is the thing.

    Example:
        >>> ja_clause_fact(random.Random(0), "spot", "船").label
        '船'
    """
    value = _ja_value(rng, kind)
    while only and _ja_type(kind, value) != only:
        value = _ja_value(rng, kind)
    named = _ja_type(kind, value)
    slots = {
        "thing": one, "value": value, "act": rng.choice(lx.JA_STEMS),
        "counter": value.lstrip("0123456789"), "adj": rng.choice(lx.JA_MODIFIERS),
        "other": rng.choice(lx.JA_OBJECTS),
    }  # fmt: skip
    if rng.random() < 0.4:
        statement = rng.choice(JA_PLAIN[kind].statements)
    else:
        adjunct = rng.choice(JA_CLAUSES["adjuncts"][kind])
        statement = rng.choice(JA_CLAUSES["statements"]).replace("{adjunct}", adjunct)
    questions = [] if only else [rng.choice(JA_PLAIN[kind].questions).format_map(slots)]
    for _ in range(3):
        if rng.random() < 0.2:
            noun = rng.choice(JA_CLAUSES["nouns"][named])
            question = rng.choice(JA_CLAUSES["noun_questions"]).replace("{noun}", noun)
            questions.append(question.format_map(slots))
            continue
        r = rng.random()
        topic, context = rng.choice(JA_CLAUSES["topics"]), ""
        if r < 0.3:
            context = rng.choice(JA_CLAUSES["contexts"])
            topic = topic if rng.random() < 0.4 else ""
        elif r < 0.4:
            context = rng.choice(JA_CLAUSES["idle"])
        asks, end = rng.choice(JA_CLAUSES["asks"][kind]), rng.choice(JA_CLAUSES["ends"])
        if named in JA_CLAUSES["typed"] and (only or rng.random() < 0.5):
            asks = rng.choice(JA_CLAUSES["typed"][named])
        if end == "ですか。":
            topic, asks = topic and f"{topic[:-1]}は", asks.rstrip("でにがへ")
            question = f"{topic}{asks}{end}"
        else:
            question = rng.choice((f"{topic}{asks}{end}", f"{asks}{topic}{end}"))
        questions.append(f"{context}{question}".format_map(slots))
    return Fact(
        statement=statement.format_map(slots),
        subject="",
        label=one,
        value=value,
        questions=tuple(questions),
        sentence=JA_PLAIN[kind].sentence.format_map(slots),
    )


def ja_clause_passage(rng: random.Random, facts: int) -> Passage:
    """Write what holds for a few things in Japanese.

    Args:
        rng: the only source of chance.
        facts: how many the text states.

    Returns:
        The text, its facts, and one that it does not state.

    Example:
        >>> len(ja_clause_passage(random.Random(0), facts=4)["facts"])
        4
    """
    made: list[Fact] = []
    while len(made) < facts + 1:
        one = ja_thing(rng)
        if rng.random() < 0.4:
            one = rng.choice((rare_kanji(rng), rare_kanji(rng) + one, one + rare_kanji(rng)))
        for group in rng.sample(JA_GROUPS, rng.choice((1, 1, 2, 3))):
            r = rng.random()
            of_it = one
            if r < 0.2:
                of_it = f"{one}の{rng.choice(lx.JA_ATTRIBUTES)}"
            elif r < 0.35:
                of_it = f"{one}{rng.choice((lx.ja_word(rng), rng.choice(lx.JA_THINGS)))}"
            elif r < 0.45:
                of_it = rng.choice(lx.JA_MODIFIERS) + one
            if any(fact.label == of_it for fact in made):
                continue
            kind = rng.choice(group)
            types: list[str | None] = [None]
            if kind == "when" and rng.random() < 0.5:
                types = [rng.choice(("date", "weekday")), "hour"]
            made += [ja_clause_fact(rng, kind, of_it, only) for only in types]
    order = list(range(len(made)))
    if rng.random() < 0.5:
        rng.shuffle(order)
    return lay_out_ja(
        rng, [made[i] for i in sorted(order[:facts])], [made[i] for i in order[facts : facts + 1]]
    )
