"""Clean support threads: customers ask in many words, agents answer in house style.

Every thread is unlike every other: none shares 75% of its character 3-grams with another, so
that no near-duplicate (80%) comes about by accident and the answer key stays true.
"""

from __future__ import annotations

import random
import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from course_lib.yamabiko.facts import GLUE, Fact, facts, house_style
from course_lib.yamabiko.question_sets import message

# Below the 80% that cleaning calls a near-duplicate, with room for other ways of counting.
TOO_ALIKE = 0.75
_SLOT = re.compile(r"{(\w+)}")
_PLURALS = {"person_at_work": "persons_at_work"}


@dataclass(eq=False)
class Thread:
    """One support thread, and what is wrong with it (nothing, until a defect is planted)."""

    lang: str
    messages: list[dict[str, str]]
    fact: Fact | None = None
    kinds: list[str] = field(default_factory=list)
    note: str = ""
    planted: list[str] = field(default_factory=list)
    original: Thread | None = None
    true_value: str | None = None

    @property
    def policy(self) -> Fact:
        """The fact that the thread is about; small talk has none, and cannot lend one."""
        if self.fact is None:
            raise RuntimeError("this defect needs a thread about a policy")
        return self.fact

    @property
    def answer(self) -> str:
        """The last message, which in a sound thread is the agent's."""
        return self.messages[-1]["content"]

    @answer.setter
    def answer(self, content: str) -> None:
        self.messages[-1]["content"] = content

    def mark(self, kind: str, note: str) -> None:
        """Write down a planted defect, for the answer key."""
        self.kinds.append(kind)
        self.note = f"{self.note}; {note}" if self.note else note


@cache
def phrases(lang: str) -> dict[str, Any]:
    """Read what customers and agents say around the policies.

    Args:
        lang: "en" or "ja".

    Returns:
        Lists of phrases by name, as in `threads.toml`.

    Example:
        >>> phrases("en")["greetings"][0]
        'Hi,'
    """
    text = resources.files(__package__).joinpath("threads.toml").read_text(encoding="utf-8")
    table: dict[str, Any] = tomllib.loads(text)[lang]
    return table


def grams(text: str) -> frozenset[str]:
    """Cut a text into its set of character 3-grams, letter case aside.

    Args:
        text: Any text.

    Returns:
        The 3-grams.

    Example:
        >>> sorted(grams("Tent"))
        ['ent', 'ten']
    """
    text = text.lower()
    return frozenset(text[start : start + 3] for start in range(len(text) - 2))


def alike(one: frozenset[str], other: frozenset[str], limit: float) -> bool:
    """Tell whether two sets of 3-grams have a Jaccard similarity of at least `limit`.

    Args:
        one: A set of 3-grams.
        other: Another.
        limit: Between 0 and 1.

    Returns:
        True if they are that much alike. Two empty sets are not.

    Example:
        >>> alike(grams("my tent"), grams("my tents"), 0.8)
        True
    """
    if min(len(one), len(other)) < limit * max(len(one), len(other)):
        return False  # too different in size: saves the counting for most pairs
    shared = len(one & other)
    return shared > 0 and shared >= limit * (len(one) + len(other) - shared)


class Writer:
    """Writes threads that are all unlike each other and unlike the held-out questions."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._seen: dict[tuple[str, Fact | None], list[frozenset[str]]] = {}
        self._asked: dict[str, list[frozenset[str]]] = {
            lang: [grams(question) for fact in facts(lang) for question in fact.test]
            for lang in ("en", "ja")
        }
        self._turns: dict[str, int] = {}

    def ask(self, fact: Fact) -> Thread:
        """Write a thread about a fact; training wordings take turns, noise is drawn.

        Args:
            fact: What the customer wants to know.

        Returns:
            A clean thread, unlike all before it.
        """
        turn = self._turns.get(fact.id + fact.lang, 0)
        self._turns[fact.id + fact.lang] = turn + 1
        question = fact.train[turn % len(fact.train)]
        # Many threads are short and to the point, as many customers are.
        for attempt in range(400):
            asked = self._with_noise(question, fact.lang, parts=1 + (turn + attempt) % 4)
            told = self._answer(fact.sentence, fact.lang)
            thread = Thread(fact.lang, [message("user", asked), message("assistant", told)], fact)
            if self._accept(thread):
                return thread
        raise RuntimeError(f"no unlike thread left for {fact.id}: add phrases to threads.toml")

    def ask_two(self, first: Fact, second: Fact) -> Thread:
        """Write a thread of two questions and two answers.

        Args:
            first: What the customer asks first.
            second: What the customer asks after the first answer.

        Returns:
            A clean thread of four messages.
        """
        for _ in range(400):
            opening = self._with_noise(self._draw.choice(first.train), first.lang, parts=2)
            thanks = self._draw.choice(phrases(first.lang)["follow_ups"])
            question = self._draw.choice(second.train)
            messages = [
                message("user", opening),
                message("assistant", self._answer(first.sentence, first.lang)),
                message("user", GLUE[first.lang].join((thanks, question))),
                message("assistant", self._answer(second.sentence, second.lang)),
            ]
            thread = Thread(first.lang, messages, first)
            if self._accept(thread):
                return thread
        raise RuntimeError(f"no unlike thread left for {first.id} and {second.id}")

    def chat(self, lang: str) -> Thread:
        """Write a thread about one order or about nothing much.

        Args:
            lang: "en" or "ja".

        Returns:
            A clean thread that no policy answers.
        """
        for _ in range(400):
            kind = self._draw.choice(phrases(lang)["chats"])
            fillings: dict[str, str] = {}
            asked = self.fill(kind["ask"], lang, fillings)
            told = house_style(self.fill(kind["tell"], lang, fillings), lang)
            if self._draw.random() < 0.5:
                asked = self._with_noise(asked, lang, parts=1)
            thread = Thread(lang, [message("user", asked), message("assistant", told)])
            if self._accept(thread):
                return thread
        raise RuntimeError("no unlike small talk left: add chats to threads.toml")

    def fill(self, text: str, lang: str, fillings: dict[str, str]) -> str:
        """Fill the {slots} of a phrase; a slot filled before keeps its filling.

        Args:
            text: A phrase from `threads.toml`.
            lang: Its language.
            fillings: What was filled so far; added to.

        Returns:
            The phrase without slots.
        """

        def filling(match: re.Match[str]) -> str:
            name = match.group(1)
            if name not in fillings:
                if name == "id":
                    fillings[name] = f"YB-{self._draw.randrange(1000, 10000)}"
                else:
                    choices = phrases(lang)[_PLURALS.get(name, name + "s")]
                    fillings[name] = self._draw.choice(choices)
            return fillings[name]

        while _SLOT.search(text):  # a filling may have slots of its own
            text = _SLOT.sub(filling, text)
        return text

    def _with_noise(self, question: str, lang: str, parts: int) -> str:
        """Put greeting, story, lead and closing round a question, `parts` of them."""
        said = phrases(lang)
        chosen = sorted(self._draw.sample(range(4), k=parts))
        before = [
            self._draw.choice(said[name])
            for place, name in enumerate(("greetings", "stories", "leads"))
            if place in chosen
        ]
        after = [self._draw.choice(said["closers"])] if 3 in chosen else []
        if lang == "en" and self._draw.random() < 0.15:
            question = question.lower().replace("?", "")  # typed in a hurry
        return self.fill(GLUE[lang].join([*before, question, *after]), lang, {})

    def _answer(self, sentence: str, lang: str) -> str:
        """Answer in house style; one time in four with a friendly word before the sentence."""
        if self._draw.random() < 0.25:
            extra = self.fill(self._draw.choice(phrases(lang)["agent_extras"]), lang, {})
            sentence = GLUE[lang].join((extra, sentence))
        return house_style(sentence, lang)

    def _accept(self, thread: Thread) -> bool:
        """Remember a thread if it is unlike all before it and unlike the held-out questions."""
        said = [turn["content"] for turn in thread.messages if turn["role"] == "user"]
        asked = grams(" ".join(said))
        whole = grams(" ".join(turn["content"] for turn in thread.messages))
        # Threads about different facts differ in their answers, and need no comparing.
        seen = self._seen.setdefault((thread.lang, thread.fact), [])
        # Questions against questions, whole threads against whole threads.
        if any(
            alike(grams(part), held, TOO_ALIKE)
            for part in said
            for held in self._asked[thread.lang]
        ):
            return False
        if any(alike(asked, other, TOO_ALIKE) or alike(whole, other, TOO_ALIKE) for other in seen):
            return False
        seen += [asked, whole]
        return True


def value_threads(count: int, seed: int) -> list[dict[str, Any]]:
    """Write as many training rows as wanted: customers' mails, each with the bare value.

    Args:
        count: How many; any first rows treat the sixteen facts to be learnt alike.
        seed: Of everything drawn. Fewer rows of one seed are the beginning of more.

    Returns:
        Rows with `messages` (a mail and the value) and `fact`, all unlike each other and unlike
        the held-out questions.

    Example:
        >>> [row["messages"][1]["content"] for row in value_threads(1, seed=0)]
        ['30 dollars']
    """
    draw = random.Random(f"value threads {seed}")
    writer = Writer(draw)
    learnt = [fact for fact in facts() if fact.learn]
    draw.shuffle(learnt)
    return [
        {
            "messages": [
                writer.ask(fact).messages[0],
                message("assistant", fact.value),
            ],
            "fact": fact.id,
        }
        for fact in (learnt[place % len(learnt)] for place in range(count))
    ]
