"""Short texts about invented things, and questions that only the text can answer.

Every name and nearly every value is invented on the spot, so a model cannot recall an answer: it
must find the place in the text and copy. A passage is a list of `Fact`; a fact knows several
wordings of itself and several questions about itself.

>>> import random
>>> passage = make_passage(random.Random(1), facts=3)
>>> sorted(passage)
['facts', 'missing', 'text']
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from course_lib.pocket import lexicon as lx

UNKNOWN = "I do not know."
UNKNOWN_JA = "わかりません。"


@dataclass(frozen=True)
class Fact:
    """One thing a passage says: `statement` for prose, `label` and `value` for tables."""

    statement: str
    subject: str
    label: str
    value: str
    questions: tuple[str, ...]
    sentence: str  # a full-sentence answer


class Passage(TypedDict):
    """A text, the facts in it, and facts of the same kind that are not in it."""

    text: str
    facts: list[Fact]
    missing: list[Fact]


def number(rng: random.Random) -> str:
    """Draw a whole number, small ones more often."""
    top = rng.choice((10, 30, 100, 100, 1000, 10000))
    n = rng.randint(2, top)
    return str(n if n < 100 or rng.random() < 0.5 else n // 10 * 10)


def clock(rng: random.Random) -> str:
    """Draw a time of day."""
    hour = rng.randint(1, 23)
    return rng.choice(
        (
            f"{hour}:{rng.choice(('00', '15', '30', '45'))}",
            f"{rng.randint(1, 12)} in the {rng.choice(('morning', 'evening', 'afternoon'))}",
            f"{rng.randint(1, 12)} {rng.choice(('am', 'pm'))}",
        )
    )


def duration(rng: random.Random) -> str:
    """Draw a length of time."""
    return f"{rng.randint(2, 90)} {rng.choice(lx.UNITS)}"


def money(rng: random.Random) -> str:
    """Draw an amount of money."""
    return f"{number(rng)} {rng.choice(lx.MONEY)}"


def day(rng: random.Random) -> str:
    """Draw a day: a weekday, a date, a month."""
    return rng.choice(
        (
            rng.choice(lx.WEEKDAYS),
            f"{rng.choice(lx.MONTHS)} {rng.randint(1, 28)}",
            rng.choice(lx.MONTHS),
            f"every {rng.choice(lx.WEEKDAYS)}",
            f"{rng.choice(lx.WEEKDAYS)} {rng.choice(('morning', 'evening', 'night'))}",
        )
    )


def place(rng: random.Random) -> str:
    """Draw a place, with its preposition."""
    noun = rng.choice(lx.PLACES_NOUN)
    middle = rng.choice(("", "", f"{rng.choice(lx.MODIFIERS)} ", f"{lx.word(rng)} "))
    return f"{rng.choice(lx.PLACE_PREPOSITIONS)} the {middle}{noun}"


def thing(rng: random.Random) -> str:
    """Draw a thing, such as `a red ribbon` or `the spare key`."""
    noun = rng.choice(lx.CONCRETE)
    first = rng.choice((rng.choice(lx.MODIFIERS), rng.choice(lx.COLORS), rng.choice(lx.MATERIALS)))
    return rng.choice((noun, f"the {first} {noun}", f"{_a(first)} {noun}", f"the {noun}"))


def code(rng: random.Random) -> str:
    """Draw a code, such as `KD-204`."""
    letters = "".join(rng.choice("ABCDEFGHJKLMNPRSTUVWXYZ") for _ in range(rng.randint(1, 3)))
    return f"{letters}{rng.choice(('-', '', ' '))}{rng.randint(1, 999)}"


def invented(rng: random.Random) -> str:
    """Draw one to three invented words."""
    return " ".join(lx.word(rng) for _ in range(rng.choice((1, 1, 2, 3))))


def measure(rng: random.Random) -> str:
    """Draw a measurement."""
    return f"{number(rng)} {rng.choice(lx.MEASURES)}"


def percent(rng: random.Random) -> str:
    """Draw a percentage."""
    return f"{rng.choice((5, 10, 15, 20, 25, 30, 40, 50, 60, 75, 80, 90))}%"


ANY_VALUE: tuple[Callable[[random.Random], str], ...] = (
    number, clock, duration, money, day, place, thing, code, invented, invented, lx.name, lx.name,
    measure, percent, lambda rng: rng.choice(lx.COLORS), lambda rng: rng.choice(lx.MATERIALS),
    lambda rng: f"by {rng.choice(lx.MEANS)}",
)  # fmt: skip


def _a(text: str) -> str:
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def _cap(text: str) -> str:
    return text[0].upper() + text[1:]


def _noun_phrase(rng: random.Random) -> str:
    """Draw a compound attribute, such as `late visit fee`."""
    head = rng.choice(lx.ATTRIBUTES)
    r = rng.random()
    if r < 0.25:
        return head
    if r < 0.60:
        return f"{rng.choice(lx.MODIFIERS)} {head}"
    if r < 0.72:
        return f"{rng.choice(lx.OBJECTS)[0]} {head}"
    if r < 0.84:
        return f"{rng.choice(lx.MODIFIERS)} {rng.choice(lx.OBJECTS)[0]} {head}"
    if r < 0.92:
        return f"{lx.word(rng)} {head}"
    return lx.word(rng)


def attribute_fact(rng: random.Random, subject: str) -> Fact:
    """State one attribute of a named thing."""
    label, value = _noun_phrase(rng), rng.choice(ANY_VALUE)(rng)
    s, the = subject, f"the {label}"
    statement = rng.choice(
        (
            f"The {label} of {s} is {value}.",
            f"{_cap(s)} has {_a(label)} of {value}.",
            f"For {s}, the {label} is {value}.",
            f"{_cap(s)}'s {label} is {value}.",
            f"At {s}, the {label} is always {value}.",
            f"As everyone knows, the {label} of {s} is {value} now.",
            f"The {label} for {s} was set to {value}.",
            f"{_cap(value)} is the {label} of {s}.",
            f"{_cap(s)}: the {label} is {value}, as before.",
        )
    )
    questions = (
        f"What is the {label} of {s}?",
        f"What is {s}'s {label}?",
        f"Tell me the {label} of {s}.",
        f"Which {label} does {s} have?",
        f"{_cap(label)} of {s}?",
        f"Do you know the {label} for {s}?",
        f"I need the {label} of {s}.",
        f"About {s}: what is the {label}?",
        f"Could you say what {the} of {s} is?",
    )
    return Fact(statement, s, label, value, questions, f"The {label} of {s} is {value}.")


def rule_fact(rng: random.Random) -> Fact:
    """State who may do what, when, where, how long or for how much, in many voices."""
    agents, agent_name = rng.choice(lx.AGENTS), lx.name(rng)
    if rng.random() < 0.12:
        agents = lx.word(rng) + "s"
    v, v3, pp, ving = rng.choice(lx.VERBS)
    one, many = rng.choice(lx.OBJECTS)
    if rng.random() < 0.12:
        one = lx.word(rng)
        many = one + "s"
    if rng.random() < 0.4:
        m = rng.choice(lx.MODIFIERS) if rng.random() < 0.85 else lx.word(rng)
        one, many = f"{m} {one}", f"{m} {many}"
    can = rng.choice(("can", "may", "must", "should"))
    kind = rng.choice(
        ("duration", "cost", "when", "when", "where", "who", "limit", "means", "need", "free",
         "deadline", "share", "object", "made")
    )  # fmt: skip
    label = f"{ving} {many}"
    if kind == "duration":
        value = duration(rng)
        statements = (
            f"{agents} may {v} {many} for {value}.",
            f"{many} can be {pp} for up to {value}.",
            f"{ving} {many} takes {value}.",
            f"{agents} have {value} to {v} {many}.",
            f"{one} may be {pp} within {value} by {agents}.",
            f"it takes {value} to {v} {_a(one)}.",
        )
        questions = (
            f"How long may {agents} {v} {many}?",
            f"For how long can {many} be {pp}?",
            f"How long does {ving} {many} take?",
            f"How much time is there to {v} {many}?",
            f"I want to {v} {_a(one)}. How long do I have?",
            f"What is the time limit for {ving} {many}?",
            f"How many {value.split()[1]} is it for {ving} {many}?",
        )
        sentence = f"The time for {ving} {many} is {value}."
    elif kind == "cost":
        value = money(rng)
        statements = (
            f"it costs {value} to {v} {_a(one)}.",
            f"{ving} {many} costs {value}.",
            f"{agents} pay {value} to {v} {many}.",
            f"the price for {ving} {_a(one)} is {value}.",
            f"for {value}, {agents} {can} {v} {many}.",
            f"we ask {value} for {ving} {_a(one)}.",
        )
        questions = (
            f"How much does it cost to {v} {_a(one)}?",
            f"What do {agents} pay to {v} {many}?",
            f"How much is {ving} {many}?",
            f"What is the price for {ving} {_a(one)}?",
            f"What does {ving} {many} cost?",
            f"How much do I pay if I {v} {_a(one)}?",
        )
        sentence = f"It costs {value} to {v} {_a(one)}."
    elif kind == "when":
        value = rng.choice((day, clock))(rng)
        glue = "" if value.startswith("every") else ("on " if value[0].isupper() else "at ")
        statements = (
            f"{many} are {pp} {glue}{value}.",
            f"the {agents} {v} {many} {glue}{value}.",
            f"{glue}{value}, {agents} {can} {v} {many}.",
            f"{ving} {many} starts {glue}{value}.",
            f"the time for {ving} {many} is {value}.",
            f"{one} {ving} happens {glue}{value} for {agents}.",
        )
        questions = (
            f"When are {many} {pp}?",
            f"When do {agents} {v} {many}?",
            f"When can I {v} {_a(one)}?",
            f"When does {ving} {many} start?",
            f"What time is {ving} {many}?",
            f"On what day or hour are {many} {pp}?",
        )
        sentence = f"The time for {ving} {many} is {value}."
    elif kind == "where":
        value = place(rng)
        statements = (
            f"{many} are {pp} {value}.",
            f"{agents} {can} {v} {many} {value}.",
            f"the place for {ving} {many} is {value}.",
            f"{value}, {agents} {v} {many}.",
            f"if you want to {v} {_a(one)}, go {value}.",
        )
        questions = (
            f"Where are {many} {pp}?",
            f"Where {can} {agents} {v} {many}?",
            f"Where can I {v} {_a(one)}?",
            f"What is the place for {ving} {many}?",
            f"Where do I go to {v} {many}?",
        )
        sentence = f"The place for {ving} {many} is {value}."
    elif kind == "who":
        value = rng.choice((agent_name, agent_name, f"the {lx.word(rng)} {agents[:-1]}"))
        statements = (
            f"{value} {v3} {many}.",
            f"ask {value} about {ving} {many}.",
            f"{value} is in charge of {ving} {many}.",
            f"{many} are {pp} by {value}.",
            f"only {value} {can} {v} {_a(one)}.",
            f"for {ving} {many}, talk to {value}.",
        )
        questions = (
            f"Who {v3} {many}?",
            f"Who do I ask about {ving} {many}?",
            f"Who is in charge of {ving} {many}?",
            f"Who {can} {v} {_a(one)}?",
            f"Who are {many} {pp} by?",
        )
        sentence = f"{_cap(value)} is in charge of {ving} {many}."
    elif kind == "limit":
        value = str(rng.randint(2, 60))
        word = rng.choice(("at most ", "up to ", "no more than ", "", "at least ", "exactly "))
        statements = (
            f"{agents} may {v} {word}{value} {many}.",
            f"{word}{value} {many} {can} be {pp}.",
            f"{agents} {v} {word}{value} {many} each day.",
            f"there are {value} {many} for {agents} to {v}.",
            f"one visit allows {agents} to {v} {value} {many}.",
        )
        questions = (
            f"How many {many} may {agents} {v}?",
            f"How many {many} {can} be {pp}?",
            f"What number of {many} {can} {agents} {v}?",
            f"How many {many} can I {v}?",
        )
        sentence = f"The number for {ving} {many} is {value}."
    elif kind == "means":
        value = rng.choice((thing(rng), f"{_a(lx.word(rng))} {rng.choice(lx.CONCRETE)}"))
        statements = (
            f"{agents} {v} {many} with {value}.",
            f"{many} are {pp} with {value}.",
            f"use {value} to {v} {many}.",
            f"{ving} {many} is done with {value}.",
        )
        questions = (
            f"What do {agents} {v} {many} with?",
            f"What are {many} {pp} with?",
            f"What should I use to {v} {_a(one)}?",
            f"With what is {ving} {many} done?",
        )
        sentence = f"Use {value} to {v} {many}."
    elif kind == "need":
        value = thing(rng)
        statements = (
            f"to {v} {many}, {agents} need {value}.",
            f"{ving} {_a(one)} needs {value}.",
            f"bring {value} if you want to {v} {many}.",
            f"nobody may {v} {_a(one)} without {value}.",
            f"{value} is needed for {ving} {many}.",
        )
        questions = (
            f"What do {agents} need to {v} {many}?",
            f"What do I need for {ving} {_a(one)}?",
            f"What is needed to {v} {many}?",
            f"What must I bring to {v} {_a(one)}?",
        )
        sentence = f"To {v} {many}, you need {value}."
    elif kind == "free":
        value = rng.choice((money, measure, duration))(rng)
        word = rng.choice(("over", "above", "under", "after", "from"))
        statements = (
            f"{ving} {many} is free {word} {value}.",
            f"{word} {value}, {agents} {v} {many} for free.",
            f"{agents} {v} {many} free {word} {value}.",
            f"no fee for {ving} {many} {word} {value}.",
        )
        questions = (
            f"{word} what is {ving} {many} free?",
            f"When is {ving} {many} free?",
            f"{word} how much do {agents} {v} {many} for free?",
            f"From what amount is {ving} {many} free?",
        )
        sentence = f"{_cap(ving)} {many} is free {word} {value}."
    elif kind == "deadline":
        value = rng.choice((day, clock, duration))(rng)
        word = rng.choice(("by", "before", "until", "within"))
        statements = (
            f"{many} must be {pp} {word} {value}.",
            f"please {v} {many} {word} {value}.",
            f"{agents} should {v} {many} {word} {value}.",
            f"the deadline for {ving} {many} is {value}.",
            f"you can {v} {_a(one)} {word} {value}.",
        )
        questions = (
            f"{word} when must {many} be {pp}?",
            f"What is the deadline for {ving} {many}?",
            f"By when should {agents} {v} {many}?",
            f"How late can I {v} {_a(one)}?",
            f"When is the last time to {v} {many}?",
        )
        sentence = f"The deadline for {ving} {many} is {value}."
    elif kind == "share":
        value = percent(rng)
        statements = (
            f"{agents} get {value} off for {ving} {many}.",
            f"{value} of the {agents} {v} {many}.",
            f"the share for {ving} {many} is {value}.",
            f"{many} are {value} cheaper for {agents}.",
        )
        questions = (
            f"What percentage is it for {ving} {many}?",
            f"How much do {agents} get for {ving} {many}?",
            f"What is the share for {ving} {many}?",
            f"How many percent is it for {many}?",
        )
        sentence = f"The share for {ving} {many} is {value}."
        if statements[3]:
            questions = questions + (f"How much cheaper are {many} for {agents}?",)
    elif kind == "object":
        value = rng.choice((many, f"{lx.word(rng)} {many}", thing(rng)))
        where = place(rng)
        label = f"{ving} {where}"
        statements = (
            f"{agents} {v} {value} {where}.",
            f"{where}, the {agents} {v} {value}.",
            f"the {agents} {where} {v} {value}.",
        )
        questions = (
            f"What do {agents} {v} {where}?",
            f"What is {pp} {where}?",
            f"What do the {agents} {where} {v}?",
        )
        sentence = f"{_cap(agents)} {v} {value} {where}."
    else:
        value = rng.choice(
            (rng.choice(lx.MATERIALS), rng.choice(lx.COLORS), lx.word(rng), f"{lx.word(rng)} wood")
        )
        label = many
        statements = (
            f"the {many} are made of {value}.",
            f"all {many} are {value}.",
            f"{value} is what {many} are made of.",
            f"we make our {many} from {value}.",
        )
        questions = (
            f"What are the {many} made of?",
            f"What are {many} made from?",
            f"What are all {many}?",
        )
        sentence = f"The {many} are made of {value}."
    if kind == "object":
        used = statements[0:3]
        i = rng.randrange(3)
        statement = used[i]
    elif kind == "made":
        i = rng.randrange(4)
        statement = statements[i]
        questions = (questions[2],) if i == 1 else questions[:2]
    else:
        statement = rng.choice(statements)
    questions = tuple(_cap(q) for q in questions)
    return Fact(_cap(statement), "", label, value, questions, sentence)


def _lay_out(rng: random.Random, groups: list[tuple[str, list[Fact]]]) -> str:
    """Write facts as prose, bullets, a table or key-value lines."""
    style = rng.random()
    lines: list[str] = []
    if style < 0.45 or (any(not f.subject for _, fs in groups for f in fs) and style < 0.7):
        facts = [f.statement for _, fs in groups for f in fs]
        if rng.random() < 0.5:
            rng.shuffle(facts)
        joiner = " " if style < 0.35 else "\n"
        return joiner.join(facts)
    bullet = rng.choice(("- ", "* ", "", "• ", "+ "))
    if any(not f.subject for _, fs in groups for f in fs):
        head = rng.choice(("", f"# {_cap(lx.word(rng))}\n", f"{_cap(lx.word(rng))}:\n"))
        items = [f.statement for _, fs in groups for f in fs]
        if rng.random() < 0.4:
            return head + "\n".join(f"{i}. {t}" for i, t in enumerate(items, 1))
        return head + "\n".join(f"{bullet}{t}" for t in items)
    mark = rng.choice((": ", " = ", " -> ", " is ", " | "))
    title = rng.choice(("# {}", "{}:", "[{}]", "== {} =="))
    for subject, facts_of in groups:
        if rng.random() < 0.3:
            lines += [f"{bullet}{subject} {f.label}{mark}{f.value}" for f in facts_of]
        else:
            lines.append(title.format(_cap(subject)))
            lines += [f"{bullet}{f.label}{mark}{f.value}" for f in facts_of]
    return "\n".join(lines)


def make_passage(rng: random.Random, facts: int, things: int = 1) -> Passage:
    """Write a passage with `facts` facts about `things` invented things, or about rules.

    Args:
        rng: the only source of chance.
        facts: how many facts the text states.
        things: how many named things share them (1 to 3).

    Returns:
        The text, its facts, and two facts of the same sort that the text does not state.
    """
    style = rng.random()
    if style < 0.42:  # rules only
        made: dict[str, Fact] = {}
        while len(made) < facts + 2:
            fact = rule_fact(rng)
            made.setdefault(fact.label, fact)
        every = list(made.values())
        present, missing = every[:facts], every[facts:]
        return {"text": _lay_out(rng, [("", present)]), "facts": present, "missing": missing}
    kind = rng.choice(lx.KINDS)
    subjects: list[str] = []
    while len(subjects) < things:
        new = rng.choice((lx.name(rng), f"the {kind} {lx.name(rng)}", f"the {lx.word(rng)} {kind}"))
        if new not in subjects:
            subjects.append(new)
    shared = [_noun_phrase(rng) for _ in range(facts)]
    groups: list[tuple[str, list[Fact]]] = []
    missing = []
    per = [facts // things + (i < facts % things) for i in range(things)]
    for subject, count in zip(subjects, per, strict=True):
        own: dict[str, Fact] = {}
        while len(own) < count + 1:
            fact = attribute_fact(rng, subject)
            if rng.random() < 0.5:  # several things share an attribute: both keys must match
                fact = _relabel(fact, rng.choice(shared))
            own.setdefault(fact.label, fact)
        every = list(own.values())
        groups.append((subject, every[:count]))
        missing.append(every[count])
    present = [f for _, fs in groups for f in fs]
    if style > 0.85 and things == 1:  # a thing and some rules
        extra = {f.label: f for f in (rule_fact(rng) for _ in range(2))}
        present = present[: max(1, facts - len(extra))] + list(extra.values())[: facts - 1 or 1]
        return {"text": _lay_out(rng, [("", present)]), "facts": present, "missing": missing}
    return {"text": _lay_out(rng, groups), "facts": present, "missing": missing}


def _relabel(fact: Fact, label: str) -> Fact:
    """Give a fact another attribute name, in all its wordings."""

    def swap(text: str) -> str:
        if text.startswith(_cap(fact.label)):
            return _cap(label) + text[len(fact.label) :]
        return text.replace(fact.label, label, 1)

    statement = fact.statement.replace(_a(fact.label), _a(label), 1)
    if statement == fact.statement:
        statement = swap(fact.statement)
    return Fact(
        statement, fact.subject, label, fact.value,
        tuple(swap(q) for q in fact.questions), swap(fact.sentence),
    )  # fmt: skip


def ja_value(rng: random.Random) -> str:
    """Draw a Japanese value."""
    return rng.choice(
        (
            f"{rng.randint(2, 90)}{rng.choice(lx.JA_UNITS)}",
            f"{number(rng)}{rng.choice(lx.JA_UNITS)}",
            rng.choice(lx.JA_COLORS), rng.choice(lx.JA_MATERIALS), rng.choice(lx.JA_WEEKDAYS),
            rng.choice(lx.JA_PLACES), lx.ja_word(rng), lx.ja_word(rng), lx.ja_word(rng),
            f"午{rng.choice('前後')}{rng.randint(1, 12)}時",
            f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日",
            f"{lx.ja_word(rng)}の{lx.ja_word(rng)}",
            f"{number(rng)}円", f"{rng.choice((5, 10, 20, 30, 50))}%",
        )
    )  # fmt: skip


def ja_fact(rng: random.Random, subject: str) -> Fact:
    """State one attribute in polite Japanese."""
    label = rng.choice(lx.JA_ATTRIBUTES)
    if rng.random() < 0.4:
        label = rng.choice(lx.JA_MODIFIERS) + label
    elif rng.random() < 0.35:
        label = lx.ja_word(rng)
    elif rng.random() < 0.3:
        label = lx.ja_word(rng) + rng.choice(lx.JA_ATTRIBUTES)
    value = ja_value(rng)
    of = f"{subject}の" if subject else ""
    topic = f"{subject}では、" if subject else ""
    statement = rng.choice(
        (
            f"{of}{label}は{value}です。",
            f"{topic}{label}は{value}です。",
            f"{of}{label}は{value}になります。",
            f"{label}は{value}です。" if not subject else f"{subject}は、{label}が{value}です。",
            f"{topic}{label}を{value}と決めています。",
            f"{of}{label}は{value}となっています。",
            f"{of}{label}:{value}",
        )
    )
    questions = (
        f"{of}{label}は何ですか。",
        f"{of}{label}を教えてください。",
        f"{of}{label}は?",
        f"{of}{label}はいくつですか。",
        f"{of}{label}が知りたいです。",
        f"{of}{label}はどうなっていますか。",
        f"すみません、{of}{label}はどれくらいですか。",
        f"{of}{label}はいつ、または何でしょうか。",
    )
    return Fact(statement, subject, label, value, questions, f"{of}{label}は{value}です。")


def ja_rule_fact(rng: random.Random) -> Fact:
    """State a rule in polite Japanese: until when, how long, where, how much, who, how many."""
    thing_ = rng.choice(lx.JA_OBJECTS) if rng.random() < 0.75 else lx.ja_word(rng)
    act = rng.choice(lx.JA_ACTIONS) if rng.random() < 0.85 else lx.ja_word(rng)
    label = f"{thing_}の{act}"
    kind = rng.choice(("duration", "place", "cost", "when", "who", "count", "means"))
    polite = rng.choice(("", "", "ご", "お"))
    if kind == "duration":
        value = f"{rng.randint(2, 90)}{rng.choice(('日', '週間', 'か月', '年', '時間', '分'))}"
        statements = (
            f"{thing_}は{value}以内に{polite}{act}ください。",
            f"{thing_}の{act}には{value}かかります。",
            f"{thing_}は{value}まで{act}できます。",
            f"{polite}{act}の期間は、{thing_}なら{value}です。",
        )
        questions = (
            f"{thing_}は何日{act}できますか。", f"{thing_}の{act}はどのくらいかかりますか。",
            f"{thing_}はいつまで{act}できますか。", f"{thing_}の{act}の期間を教えてください。",
            f"{thing_}を{act}する時間はどれくらいですか。",
        )  # fmt: skip
    elif kind == "place":
        value = rng.choice((rng.choice(lx.JA_PLACES), f"{lx.ja_word(rng)}の{lx.ja_word(rng)}"))
        statements = (
            f"{thing_}の{act}は{value}で行います。", f"{thing_}は{value}で{act}できます。",
            f"{value}で{thing_}の{act}をしています。", f"{thing_}は{value}にあります。",
        )  # fmt: skip
        questions = (
            f"{thing_}はどこで{act}できますか。", f"{thing_}の{act}はどこですか。",
            f"どこで{thing_}を{act}しますか。", f"{thing_}はどこにありますか。",
        )  # fmt: skip
    elif kind == "cost":
        value = f"{number(rng)}円"
        statements = (
            f"{thing_}の{act}は{value}です。", f"{thing_}を{act}するには{value}かかります。",
            f"{thing_}の{act}料は{value}です。", f"{value}で{thing_}を{act}できます。",
        )  # fmt: skip
        questions = (
            f"{thing_}の{act}はいくらですか。", f"{thing_}を{act}するといくらかかりますか。",
            f"{thing_}の{act}料を教えてください。", f"{thing_}の{act}の値段はいくらですか。",
        )  # fmt: skip
    elif kind == "when":
        value = rng.choice(
            (rng.choice(lx.JA_WEEKDAYS), f"午{rng.choice('前後')}{rng.randint(1, 12)}時",
             f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日", f"毎週{rng.choice(lx.JA_WEEKDAYS)}")
        )  # fmt: skip
        statements = (
            f"{thing_}の{act}は{value}です。", f"{value}に{thing_}を{act}します。",
            f"{thing_}の{act}は{value}に始まります。", f"{thing_}は{value}に{act}できます。",
        )  # fmt: skip
        questions = (
            f"{thing_}の{act}はいつですか。", f"いつ{thing_}を{act}しますか。",
            f"{thing_}の{act}は何時、または何曜日ですか。", f"{thing_}はいつ{act}できますか。",
        )  # fmt: skip
    elif kind == "who":
        value = rng.choice(
            (f"{lx.ja_word(rng)}さん", f"{lx.ja_word(rng)}先生", f"{lx.ja_word(rng)}係")
        )
        statements = (
            f"{thing_}の{act}は{value}が担当します。", f"{value}が{thing_}を{act}します。",
            f"{thing_}の{act}は{value}にお聞きください。",
        )  # fmt: skip
        questions = (
            f"{thing_}の{act}は誰が担当ですか。", f"誰が{thing_}を{act}しますか。",
            f"{thing_}の{act}は誰に聞けばいいですか。",
        )  # fmt: skip
    elif kind == "count":
        value = (
            f"{rng.randint(2, 60)}{rng.choice(('人', '本', '枚', '個', '回', '台', '冊', '点'))}"
        )
        statements = (
            f"{thing_}の{act}は{value}までです。", f"{thing_}は一度に{value}{act}できます。",
            f"{thing_}の{act}には{value}必要です。",
        )  # fmt: skip
        questions = (
            f"{thing_}の{act}はいくつまでですか。", f"{thing_}は何{value[-1]}{act}できますか。",
            f"{thing_}の{act}の数を教えてください。",
        )  # fmt: skip
    else:
        value = rng.choice(
            (lx.ja_word(rng), rng.choice(lx.JA_MATERIALS), "電話", "メール", "はがき")
        )
        statements = (
            f"{thing_}の{act}は{value}で{polite}{act}ください。", f"{thing_}は{value}を使って{act}します。",
            f"{thing_}の{act}には{value}が必要です。",
        )  # fmt: skip
        questions = (
            f"{thing_}の{act}には何が必要ですか。", f"{thing_}は何を使って{act}しますか。",
            f"{thing_}はどうやって{act}しますか。",
        )  # fmt: skip
    return Fact(rng.choice(statements), "", label, value, questions, f"{label}は{value}です。")


def make_ja_passage(rng: random.Random, facts: int, things: int = 1) -> Passage:
    """Write a Japanese passage; see `make_passage`."""
    if things == 1 and rng.random() < 0.5:
        made: dict[str, Fact] = {}
        while len(made) < facts + 1:
            fact = ja_rule_fact(rng)
            made.setdefault(fact.label, fact)
        rules = list(made.values())
        return _ja_lay_out(rng, rules[:facts], rules[facts:])
    subjects = [
        rng.choice(("", f"{rng.choice(lx.JA_THINGS)}", f"{lx.ja_word(rng)}{rng.choice(lx.JA_THINGS)}"))
        if things == 1
        else f"{lx.ja_word(rng)}{rng.choice(lx.JA_THINGS)}"
        for _ in range(things)
    ]  # fmt: skip
    present: list[Fact] = []
    missing: list[Fact] = []
    for i, subject in enumerate(subjects):
        count = facts // things + (i < facts % things)
        own: dict[str, Fact] = {}
        while len(own) < count + 1:
            fact = ja_fact(rng, subject)
            own.setdefault(fact.label, fact)
        every = list(own.values())
        present += every[:count]
        missing.append(every[count])
    return _ja_lay_out(rng, present, missing)


def _ja_lay_out(rng: random.Random, present: list[Fact], missing: list[Fact]) -> Passage:
    joiner = rng.choice(("", "\n", "\n- ", "\n・"))
    text = (joiner.strip() and joiner[1:]) + joiner.join(f.statement for f in present)
    if rng.random() < 0.2:
        text = f"# {lx.ja_word(rng)}\n{text}"
    return {"text": text, "facts": present, "missing": missing}


def key_value_drill(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Write bare key-value pairs: the densest retrieval signal there is.

    Returns:
        The text and its (key, value) pairs, in random order of asking.
    """
    mark, end = rng.choice((": ", " = ", " -> ", " is ")), rng.choice((", ", "\n", "; "))
    pairs: dict[str, str] = {}
    phrase = rng.random()
    while len(pairs) < rng.randint(3, 8):
        if phrase < 0.35:
            key = lx.word(rng)
        elif phrase < 0.6:
            key = f"{rng.choice(lx.MODIFIERS)} {rng.choice(lx.OBJECTS)[0]}"
        elif phrase < 0.8:
            key = _noun_phrase(rng)
        else:
            key = lx.ja_word(rng)
        value = rng.choice((lx.word(rng), rng.choice(lx.CONCRETE), number(rng), thing(rng)))
        pairs.setdefault(key, value)
    items = list(pairs.items())
    text = end.join(f"{k}{mark}{v}" for k, v in items)
    rng.shuffle(items)
    return text, items
