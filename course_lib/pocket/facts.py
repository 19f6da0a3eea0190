"""What a passage is made of: facts, each with its wordings (`wordings.toml`).

A fact is a statement in the text, the questions that the statement answers, and its value: the
piece of the text that is the answer.

>>> import random
>>> fact = ATTRIBUTE.write(random.Random(0), "Tavo", label="age", a_label="an age", value="9")
>>> fact.questions[0], fact.value
('What is the age of Tavo?', '9')
"""

import random
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from pathlib import Path
from typing import TypedDict

UNKNOWN = "I do not know."
UNKNOWN_JA = "わかりません。"


@dataclass(frozen=True)
class Fact:
    """One thing that a passage says.

    Args:
        statement: how prose says it.
        subject: the named thing that has it; empty for a rule.
        label: what it is about, such as `late visit fee`; with the value, for tables.
        value: the short answer, a piece of the statement.
        questions: all that the statement answers.
        sentence: the full-sentence answer.
    """

    statement: str
    subject: str
    label: str
    value: str
    questions: tuple[str, ...]
    sentence: str


class Passage(TypedDict):
    """A text, the facts in it, and facts of the same kind that are not in it."""

    text: str
    facts: list[Fact]
    missing: list[Fact]


@dataclass(frozen=True)
class Wording:
    """The ways to say one kind of fact, as templates of `str.format`.

    Args:
        statements: one is chosen for the text.
        questions: all belong to the fact, so that none can be learnt by heart.
        sentence: the full-sentence answer.
        label: the name of the fact.
        words: choices for the slot `word`, if the kind has one (`at most`, `up to`).
        questions_of: other questions for a statement that the common ones do not fit.
    """

    statements: list[str]
    questions: list[str]
    sentence: str
    label: str
    words: list[str] = field(default_factory=list)
    questions_of: dict[str, list[str]] = field(default_factory=dict)

    def write(self, rng: random.Random, subject: str = "", **slots: str) -> Fact:
        """Word a fact.

        Args:
            rng: chooses the word and the statement, in this order.
            subject: the named thing; empty for a rule.
            slots: what the templates name; `value` is the answer.

        Returns:
            The fact in its wordings, each with a capital in front.

        Raises:
            KeyError: a template names a slot that is not given.

        Example:
            >>> wording = Wording(["it costs {value}."], ["what is it?"], "{value}.", "cost")
            >>> wording.write(random.Random(0), value="2 coins").statement
            'It costs 2 coins.'
        """
        if self.words:
            slots["word"] = rng.choice(self.words)
        slots["subject"] = subject
        statement = rng.choice(self.statements)
        questions = self.questions_of.get(statement, self.questions)
        return Fact(
            statement=capitalised(statement.format_map(slots)),
            subject=subject,
            label=self.label.format_map(slots),
            value=slots["value"],
            questions=tuple(capitalised(q.format_map(slots)) for q in questions),
            sentence=capitalised(self.sentence.format_map(slots)),
        )


def capitalised(text: str) -> str:
    """Make the first letter a capital and leave the others alone.

    Args:
        text: not empty.

    Returns:
        The text; Japanese comes back as it is.

    Example:
        >>> capitalised("the McKay tower")
        'The McKay tower'
    """
    return text[0].upper() + text[1:]


def distinct(
    draw: Callable[[], Fact], count: int, key: Callable[[Fact], str] = attrgetter("label")
) -> list[Fact]:
    """Draw facts until enough of them differ.

    Args:
        draw: gives a fact at each call.
        count: how many to give back; `draw` must be able to give that many.
        key: what has to differ. The label, by default: a question must not have two answers.

    Returns:
        The first fact of each key, in the order drawn.

    Example:
        >>> labels = iter("aab")
        >>> facts = distinct(lambda: Fact("", "", next(labels), "", (), ""), 2)
        >>> [fact.label for fact in facts]
        ['a', 'b']
    """
    made: dict[str, Fact] = {}
    while len(made) < count:
        fact = draw()
        made.setdefault(key(fact), fact)
    return list(made.values())


_FILE = tomllib.loads(Path(__file__).with_name("wordings.toml").read_text(encoding="utf-8"))
ATTRIBUTE = Wording(**_FILE["attribute"])
RULES = {kind: Wording(**table) for kind, table in _FILE["rules"].items()}
JA_ATTRIBUTE = Wording(**_FILE["ja_attribute"])
JA_RULES = {kind: Wording(**table) for kind, table in _FILE["ja_rules"].items()}
PLAIN = {kind: Wording(**table) for kind, table in _FILE["plain"].items()}
JA_PLAIN = {kind: Wording(**table) for kind, table in _FILE["ja_plain"].items()}
CLAUSES, JA_CLAUSES = _FILE["clauses"], _FILE["ja_clauses"]
STRANGE = {
    kind: replace(wording, questions=wording.questions + _FILE["strange_questions"][kind])
    for kind, wording in PLAIN.items()
}
JA_STRANGE = {
    kind: replace(wording, questions=wording.questions + _FILE["ja_strange_questions"][kind])
    for kind, wording in JA_PLAIN.items()
}
