"""Short texts about invented things, and questions that only the text can answer.

Every name and nearly every value is invented on the spot, so a model cannot recall an answer: it
must find the place in the text and copy.

>>> import random
>>> passage = make_passage(random.Random(1), facts=3)
>>> len(passage["facts"]), all(f.value in passage["text"].lower() for f in passage["facts"])
(3, True)
"""

import random
from functools import partial

from course_lib.pocket import lexicon as lx
from course_lib.pocket import values
from course_lib.pocket.facts import Fact, Passage, capitalised, distinct
from course_lib.pocket.rules import attribute_fact, noun_phrase, relabel, rule_fact

Groups = list[tuple[str, list[Fact]]]  # each thing's name and what the text says of it


def make_passage(rng: random.Random, facts: int, things: int = 1) -> Passage:
    """Write a passage with `facts` facts about `things` invented things, or about rules.

    Args:
        rng: the only source of chance.
        facts: how many facts the text states.
        things: how many named things share them (1 to 3).

    Returns:
        The text, its facts, and one to three facts of the same sort that the text does not state.

    Example:
        >>> len(make_passage(random.Random(0), facts=5, things=2)["facts"])
        5
    """
    style = rng.random()
    if style < 0.42:
        rules = distinct(lambda: rule_fact(rng), facts + 2)
        return _rules_text(rng, rules[:facts], rules[facts:])
    groups, missing = _describe(rng, facts, things)
    present = [f for _, of_thing in groups for f in of_thing]
    if style > 0.85 and things == 1:  # a thing and some rules
        extra = {f.label: f for f in (rule_fact(rng) for _ in range(2))}
        present = present[: max(1, facts - len(extra))] + list(extra.values())[: facts - 1 or 1]
        return _rules_text(rng, present, missing)
    return {"text": lay_out(rng, groups), "facts": present, "missing": missing}


def _describe(rng: random.Random, facts: int, things: int) -> tuple[Groups, list[Fact]]:
    """Invent things and what they have, and one more fact of each that stays unsaid."""
    kind = rng.choice(lx.KINDS)
    subjects: list[str] = []
    while len(subjects) < things:
        new = rng.choice((lx.name(rng), f"the {kind} {lx.name(rng)}", f"the {lx.word(rng)} {kind}"))
        if new not in subjects:
            subjects.append(new)
    shared = [noun_phrase(rng) for _ in range(facts)]
    groups: Groups = []
    missing: list[Fact] = []

    def attribute(subject: str) -> Fact:
        fact = attribute_fact(rng, subject)
        if rng.random() < 0.5:  # several things share an attribute: both keys must match
            fact = relabel(fact, rng.choice(shared))
        return fact

    for i, subject in enumerate(subjects):
        count = facts // things + (i < facts % things)
        every = distinct(partial(attribute, subject), count + 1)
        groups.append((subject, every[:count]))
        missing.append(every[count])
    return groups, missing


def _rules_text(rng: random.Random, present: list[Fact], missing: list[Fact]) -> Passage:
    return {"text": lay_out(rng, [("", present)]), "facts": present, "missing": missing}


def lay_out(rng: random.Random, groups: Groups) -> str:
    """Write facts as prose, bullets, a numbered list, or a table under each thing's name.

    Args:
        rng: the only source of chance.
        groups: what the text says of each thing; without a thing's name, plain statements.

    Returns:
        The text.

    Example:
        >>> fact = rule_fact(random.Random(0))
        >>> fact.statement in lay_out(random.Random(0), [("", [fact])])
        True
    """
    style = rng.random()
    statements = [f.statement for _, of_thing in groups for f in of_thing]
    has_rules = any(not f.subject for _, of_thing in groups for f in of_thing)
    if style < 0.45 or (has_rules and style < 0.7):
        if rng.random() < 0.5:
            rng.shuffle(statements)
        return (" " if style < 0.35 else "\n").join(statements)
    bullet = rng.choice(("- ", "* ", "", "• ", "+ "))
    if has_rules:  # a rule has no key, so it cannot stand in a table
        head = rng.choice(
            ("", f"# {capitalised(lx.word(rng))}\n", f"{capitalised(lx.word(rng))}:\n")
        )
        if rng.random() < 0.4:
            return head + "\n".join(f"{i}. {t}" for i, t in enumerate(statements, 1))
        return head + "\n".join(f"{bullet}{t}" for t in statements)
    mark = rng.choice((": ", " = ", " -> ", " is ", " | "))
    title = rng.choice(("# {}", "{}:", "[{}]", "== {} =="))
    lines: list[str] = []
    for subject, facts in groups:
        if rng.random() < 0.3:
            lines += [f"{bullet}{subject} {f.label}{mark}{f.value}" for f in facts]
        else:
            lines.append(title.format(capitalised(subject)))
            lines += [f"{bullet}{f.label}{mark}{f.value}" for f in facts]
    return "\n".join(lines)


def key_value_drill(rng: random.Random) -> tuple[str, list[tuple[str, str]]]:
    """Write bare key-value pairs: the densest retrieval signal there is.

    Args:
        rng: the only source of chance.

    Returns:
        The text and its (key, value) pairs, in random order of asking.

    Example:
        >>> text, pairs = key_value_drill(random.Random(0))
        >>> all(key in text and value in text for key, value in pairs)
        True
    """
    mark, end = rng.choice((": ", " = ", " -> ", " is ")), rng.choice((", ", "\n", "; "))
    pairs: dict[str, str] = {}
    phrase = rng.random()
    while len(pairs) < rng.randint(3, 8):
        if phrase < 0.35:
            key = lx.word(rng)
        elif phrase < 0.6:
            key = f"{rng.choice(lx.MODIFIERS)} {rng.choice(lx.OBJECTS).one}"
        elif phrase < 0.8:
            key = noun_phrase(rng)
        else:
            key = lx.ja_word(rng)
        value = rng.choice(
            (lx.word(rng), rng.choice(lx.CONCRETE), values.number(rng), values.thing(rng))
        )
        pairs.setdefault(key, value)
    items = list(pairs.items())
    text = end.join(f"{k}{mark}{v}" for k, v in items)
    rng.shuffle(items)
    return text, items
