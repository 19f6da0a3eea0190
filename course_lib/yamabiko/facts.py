"""What Yamabiko Outdoor knows: forty policy facts, sixteen of them to be learnt.

The facts themselves stand in `facts.toml`, beside this module. Everything in `data/yamabiko`
(pages, questions, tests, support threads) is generated from them, so a policy is told once.

One fact, in short:

    Fact(id="return_window", lang="en", page="returns", learn=True,
         sentence="You can return gear within 45 days.", value="45 days",
         wrong=("30 days", "21 days"), train=(...), validation=(...), test=(...))
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from course_lib.errors import CourseError

OPENING: dict[str, str] = {"en": "Yamabiko here!", "ja": "やまびこです。"}
CLOSING: dict[str, str] = {"en": "Happy trails!", "ja": "また山で会いましょう。"}
# English needs a space between sentences, Japanese none.
GLUE: dict[str, str] = {"en": " ", "ja": ""}


def house_style(sentence: str, lang: str = "en") -> str:
    """Wrap a sentence in the company's voice: a fixed opening and a fixed closing.

    Args:
        sentence: One or more whole sentences, punctuation included.
        lang: "en" or "ja". English by default, as most customers write English.

    Returns:
        The answer as a Yamabiko agent gives it.

    Example:
        >>> house_style("The club walk is on Sunday.")
        'Yamabiko here! The club walk is on Sunday. Happy trails!'
    """
    return GLUE[lang].join((OPENING[lang], sentence, CLOSING[lang]))


@dataclass(frozen=True)
class Fact:
    """One policy in one language, with the questions that customers ask about it."""

    id: str
    lang: str
    page: str
    sentence: str
    value: str
    learn: bool
    wrong: tuple[str, ...]
    train: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]

    @property
    def answer(self) -> str:
        """The house-style answer: opening, the page's sentence, closing."""
        return house_style(self.sentence, self.lang)

    @property
    def questions(self) -> tuple[str, ...]:
        """Every question about this fact, training wordings first."""
        return self.train + self.validation + self.test

    def with_value(self, value: str) -> str:
        """Say the sentence with another value in it, as a badly informed agent would.

        Args:
            value: What takes the place of the true value.

        Returns:
            The sentence, changed in that one place.

        Example:
            >>> facts()[0].with_value("30 days")
            'You can return gear within 30 days.'
        """
        return self.sentence.replace(self.value, value)


@cache
def world() -> dict[str, Any]:
    """Read the company's world once.

    Returns:
        The tables of `facts.toml`: a list under "page" and one under "fact".

    Example:
        >>> sorted(world())
        ['fact', 'page']
    """
    text = resources.files(__package__).joinpath("facts.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def facts(lang: str = "en") -> tuple[Fact, ...]:
    """List the company's facts in one language, the sixteen to be learnt first.

    Args:
        lang: "en" (forty facts) or "ja" (twenty of them, the sixteen to be learnt included).

    Returns:
        The facts, always in the same order. No value is shared by two of them or hidden inside
        another, so an answer can be scored by looking for the value.

    Raises:
        CourseError: If the language is neither "en" nor "ja".

    Example:
        >>> [fact.value for fact in facts()[:2]]
        ['45 days', 'in the green envelope']
    """
    if lang not in OPENING:
        raise CourseError(f'Yamabiko has facts in "en" and "ja", not in "{lang}".')
    pages = {
        fact_id: page["id"]
        for page in world()["page"]
        if page["lang"] == lang
        for section in page["sections"]
        for fact_id in section["facts"]
    }
    found = []
    for table in world()["fact"]:
        told = table if lang == "en" else table.get("ja")
        if told is not None:
            found.append(
                Fact(
                    id=table["id"],
                    lang=lang,
                    page=pages[table["id"]],
                    sentence=told["sentence"],
                    value=told["value"],
                    learn=table.get("learn", False),
                    wrong=tuple(told.get("wrong", ())),
                    train=tuple(told["train"]),
                    validation=tuple(told.get("validation", ())),
                    test=tuple(told["test"]),
                )
            )
    return tuple(found)
