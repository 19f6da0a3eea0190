"""The general skills of the pocket model: what fine-tuning must not destroy.

Each generator returns a `Task`: a question, the short answer, the answer as a sentence, and a key
that identifies the instance. One key in ten is held out of the pretraining for good: `sample`
draws its test instances from those only, so no test question was ever trained on. (The words of
the closed skills, such as the capital of Japan, were of course met in other questions.)

>>> row = sample("arithmetic", n=1, seed=0)[0]
>>> row["messages"][-1]["role"], row["skill"]
('user', 'arithmetic')
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypedDict

from course_lib.errors import CourseError
from course_lib.pocket import lexicon as lx


@dataclass(frozen=True)
class Task:
    """A question with its short answer and its full-sentence answer."""

    question: str
    answer: str
    sentence: str
    key: str


class Row(TypedDict):
    """A scored instance, in the course's canonical conversation form."""

    messages: list[dict[str, str]]
    answer: str
    skill: str


def is_held_out(key: str) -> bool:
    """Say whether an instance is reserved for scoring (one in ten, by a stable hash)."""
    return hashlib.blake2b(key.encode(), digest_size=4).digest()[0] % 10 == 0


def arithmetic(rng: random.Random) -> Task:
    """Add or subtract whole numbers up to 20."""
    a, b = rng.randint(0, 20), rng.randint(0, 20)
    plus = rng.random() < 0.55
    if not plus:
        a, b = max(a, b), min(a, b)
    value = str(a + b if plus else a - b)
    sign = "+" if plus else "-"
    question = rng.choice(
        (
            f"What is {a} {sign} {b}?",
            f"{a} {sign} {b} = ?",
            f"Compute {a} {sign} {b}.",
            f"How much is {a} {'plus' if plus else 'minus'} {b}?",
            f"{'Add' if plus else 'Subtract'} {b} {'to' if plus else 'from'} {a}.",
        )
    )
    return Task(question, value, f"{a} {sign} {b} is {value}.", f"{a}{sign}{b}")


def sorting(rng: random.Random) -> Task:
    """Sort three to five small numbers."""
    items = rng.sample(range(1, 100), rng.randint(3, 5))
    down = rng.random() < 0.4
    value = ", ".join(map(str, sorted(items, reverse=down)))
    shown = ", ".join(map(str, items))
    order = "from largest to smallest" if down else "from smallest to largest"
    question = rng.choice(
        (f"Sort {shown} {order}.", f"Put these {order}: {shown}", f"{shown}: sort {order}.")
    )
    return Task(question, value, f"Sorted: {value}.", f"{shown}{down}")


def opposites(rng: random.Random) -> Task:
    """Name the opposite of a word."""
    a, b = rng.choice(list(lx.OPPOSITES.items()))
    if rng.random() < 0.5:
        a, b = b, a
    forms = (
        f"What is the opposite of {a}?", f"Opposite of {a}?", f"Give the opposite of {a}.",
        f"Which word means the opposite of {a}?", f"Name the antonym of {a}.", f"Not {a} but ...?",
        f"The opposite of {a} is what?", f"Tell me the opposite of the word {a}.",
    )  # fmt: skip
    question = rng.choice(forms)
    return Task(question, b, f"The opposite of {a} is {b}.", question)


def plurals(rng: random.Random) -> Task:
    """Give the plural of a noun."""
    one, many = rng.choice(list(lx.PLURALS.items()))
    forms = (
        f"What is the plural of {one}?", f"Plural of {one}?", f"Give the plural of {one}.",
        f"One {one}, two ...?", f"How do you write more than one {one}?",
        f"Make {one} plural.", f"The plural form of {one} is what?",
        f"Tell me the plural of {one}.",
    )  # fmt: skip
    question = rng.choice(forms)
    return Task(question, many, f"The plural of {one} is {many}.", question)


def capitals(rng: random.Random) -> Task:
    """Name the capital city of a country."""
    country, city = rng.choice(list(lx.CAPITALS.items()))
    forms = (
        f"What is the capital of {country}?", f"Capital of {country}?",
        f"Name the capital of {country}.", f"Which city is the capital of {country}?",
        f"What is {country}'s capital?", f"{country} has which capital?",
        f"Tell me the capital city of {country}.", f"The capital of {country} is what?",
    )  # fmt: skip
    question = rng.choice(forms)
    return Task(question, city, f"The capital of {country} is {city}.", question)


def counting(rng: random.Random) -> Task:
    """Count how often a thing stands in a list."""
    kinds = rng.sample(lx.THINGS, rng.randint(1, 3))
    items = [rng.choice(kinds) for _ in range(rng.randint(2, 8))]
    target = rng.choice(items)
    value = str(items.count(target))
    shown = ", ".join(items)
    many = lx.PLURALS.get(target, target + "s")
    question = rng.choice(
        (
            f"How many {many} are in this list: {shown}?",
            f"Count the {many}: {shown}",
            f"{shown}. How many times does {target} appear?",
        )
    )
    return Task(question, value, f"There are {value} {many}.", f"{shown}{target}")


def comparing(rng: random.Random) -> Task:
    """Say which of two numbers is larger or smaller."""
    a, b = rng.sample(range(1, 200 if rng.random() < 0.3 else 100), 2)
    larger = rng.random() < 0.5
    value = str(max(a, b) if larger else min(a, b))
    sort = "larger" if larger else "smaller"
    question = rng.choice(
        (
            f"Which is {sort}, {a} or {b}?",
            f"Which number is {sort}: {a} or {b}?",
            f"{a} or {b}: which one is {sort}?",
        )
    )
    return Task(question, value, f"{value} is {sort}.", f"{a},{b},{larger}")


def ordering(rng: random.Random) -> Task:
    """Solve an ordering puzzle of three people in a row."""
    a, b, c = rng.sample(lx.PEOPLE, 3)
    before = rng.random() < 0.5
    clues = [
        f"{a} is before {b}." if before else f"{b} is after {a}.",
        f"{b} is before {c}." if rng.random() < 0.5 else f"{c} is after {b}.",
    ]
    rng.shuffle(clues)
    end = rng.choice(("first", "last"))
    value = a if end == "first" else c
    question = f"{' '.join(clues)} Who is {end}?"
    return Task(question, value, f"{value} is {end}.", question)


def reversing(rng: random.Random) -> Task:
    """Reverse a short list of words."""
    items = rng.sample([*lx.COLORS, *lx.THINGS], rng.randint(2, 4))
    value = ", ".join(reversed(items))
    shown = ", ".join(items)
    question = rng.choice((f"Reverse this list: {shown}", f"Say these backwards: {shown}"))
    return Task(question, value, f"Backwards: {value}.", shown)


def sentiment(rng: random.Random) -> Task:
    """Judge a finance headline: positive, negative or neutral."""
    label = rng.choice(("positive", "negative", "neutral"))
    template = rng.choice(lx.HEADLINES[label])
    short = lx.name(rng)
    long = f"{lx.name(rng)} {rng.choice(('Oyj', 'Group', 'Bank', 'Ltd'))}"
    headline = template.format(
        c=rng.choice((short, long)),
        u=rng.choice(("rises", "grows", "jumps", "climbs", "increases", "improves")),
        d=rng.choice(("falls", "drops", "sinks", "shrinks", "decreases", "declines")),
        m=rng.choice(("sales", "profit", "revenue", "earnings", "income", "output")),
        t=rng.choice(("the first quarter", "the third quarter", "May", "October", "2009", "2024")),
        p=rng.choice(list(lx.CAPITALS.values())),
        x=lx.name(rng),
        n=rng.randint(2, 90),
    )  # fmt: skip
    headline = headline[0].upper() + headline[1:]
    question = rng.choice(
        (
            f"Is this headline positive, negative or neutral? {headline}",
            f"Headline: {headline}\nSentiment?",
            f"What is the sentiment of this headline: {headline}",
            f"{headline}\nPositive, negative or neutral?",
        )
    )
    return Task(question, label, f"The headline is {label}.", headline)


GENERATORS: dict[str, Callable[[random.Random], Task]] = {
    "arithmetic": arithmetic,
    "sorting": sorting,
    "opposites": opposites,
    "plurals": plurals,
    "capitals": capitals,
    "counting": counting,
    "comparing": comparing,
    "ordering": ordering,
    "reversing": reversing,
}
GENERAL: tuple[str, ...] = tuple(GENERATORS)


def draw(skill: str, rng: random.Random, held_out: bool) -> Task:
    """Draw one task of a skill from the held-out tenth, or from the rest."""
    generator = sentiment if skill == "sentiment" else GENERATORS[skill]
    while True:
        task = generator(rng)
        if is_held_out(task.key) == held_out:
            return task


def sample(skill: str, n: int, seed: int, held_out: bool = True) -> list[Row]:
    """Draw scored instances of one skill, with no system prompt (the plain short answer).

    Args:
        skill: one of `GENERAL`, or "sentiment".
        n: how many; all different from one another where the skill has that many.
        seed: the same seed gives the same rows.
        held_out: draw from the tenth that pretraining never saw; False for rows to train on.

    Returns:
        Rows of messages (the last one the user's), answer and skill.

    Raises:
        CourseError: no such skill.
    """
    if skill not in (*GENERAL, "sentiment"):
        raise CourseError(
            f"no skill {skill!r}; the pocket world has: {', '.join((*GENERAL, 'sentiment'))}"
        )
    rng = random.Random(f"{skill} {seed}")
    rows: list[Row] = []
    seen: set[str] = set()
    tries = 0
    while len(rows) < n:
        task = draw(skill, rng, held_out)
        tries += 1
        # A closed skill has few questions: once they are used up, they may come again.
        if task.question in seen and tries < 20 * n:
            continue
        seen.add(task.question)
        messages = [{"role": "user", "content": task.question}]
        rows.append({"messages": messages, "answer": task.answer, "skill": skill})
    return rows
