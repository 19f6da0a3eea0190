"""The pretraining mixture: an endless, seeded stream of conversations.

What made retrieval learnable in trials: several questions to one passage, bare key-value drills,
short passages first, and (in `batches`) loss on the answers with a trace on the rest.

A conversation is a list of {"role", "content"}; an assistant turn may carry "train": False, where
its form cannot be foreseen (the examples that introduce a new format).
"""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Literal, TypedDict

from course_lib.pocket import forms, skills
from course_lib.pocket import lexicon as lx
from course_lib.pocket.clauses import clause_passage, ja_clause_passage
from course_lib.pocket.facts import UNKNOWN, UNKNOWN_JA, Fact, Passage
from course_lib.pocket.japanese import ja_fact, ja_rule_fact, make_ja_passage
from course_lib.pocket.passages import key_value_drill, make_passage
from course_lib.pocket.plain import ja_plain_passage, plain_passage
from course_lib.pocket.rules import attribute_fact, rule_fact
from course_lib.pocket.tokenizer import END, ROLES


class Turn(TypedDict, total=False):
    """One message; `train` is False where the assistant's words cannot be foreseen."""

    role: str
    content: str
    train: bool


Conversation = list[Turn]


def _say(conversation: Conversation, question: str, answer: str, train: bool = True) -> None:
    conversation.append({"role": "user", "content": question})
    conversation.append({"role": "assistant", "content": answer, "train": train})


def _present(rng: random.Random, text: str, question: str) -> str:
    """Put a text and the first question about it into one message."""
    return rng.choice(
        (
            f"{text}\n\n{question}",
            f"{text}\n{question}",
            f"Text: {text}\nQuestion: {question}",
            f"{question}\n\n{text}",
            f"Read this.\n{text}\n\n{question}",
            f"Context:\n{text}\n\nQuestion: {question}",
        )
    )


def _choose_form(rng: random.Random) -> str:
    """Draw the form of a conversation: mostly none, the value alone."""
    r = rng.random()
    if r < 0.55:
        return "none"
    return rng.choice(("short", "short", "sentence", "json", "polite", "capitals", "style"))


Sort = Literal["things", "plain", "strange", "clauses"]  # of passage


def context_conversation(
    rng: random.Random,
    most_facts: int,
    japanese: bool = False,
    sort: Sort = "things",
    form: str | None = None,
) -> Conversation:
    """Several questions about one passage; one in five has no answer in it."""
    n = rng.randint(1, most_facts)

    def make() -> Passage:
        if sort == "things":
            things = min(n, rng.choice((1, 1, 2, 3)))
            return (make_ja_passage if japanese else make_passage)(rng, n, things)
        if sort == "clauses":
            return (ja_clause_passage if japanese else clause_passage)(rng, n)
        return (ja_plain_passage if japanese else plain_passage)(rng, n, sort == "strange")

    passage = make()
    while skills.is_held_out(passage["text"]):
        passage = make()
    form = "none" if japanese else form or _choose_form(rng)
    if japanese and rng.random() < 0.3:
        form = "ja sentence"
    conversation: Conversation = []
    opening, closing = "", ""
    if form == "style":
        opening, closing = forms.greeting(rng)
        system = forms.style_prompt(opening, closing, rng)
        conversation.append({"role": "system", "content": system})
    elif form == "ja sentence":
        conversation.append({"role": "system", "content": "文で答えてください。"})
    elif form != "none":
        conversation.append({"role": "system", "content": forms.system_prompt(form, rng)})
    in_system = rng.random() < 0.2
    if in_system:
        if conversation:
            conversation[0]["content"] += "\n" + passage["text"]
        else:
            conversation.append({"role": "system", "content": passage["text"]})
    asked: list[tuple[Fact, bool]] = [(f, True) for f in passage["facts"]]
    rng.shuffle(asked)
    asked = asked[: rng.randint(3, 6)]
    # Among strange words a model is soon too ready to say that it does not know.
    often = {"strange": 0.1, "clauses": 0.01}.get(sort, 0.55)
    asked += [(f, False) for f in passage["missing"] if rng.random() < often]
    rng.shuffle(asked)
    for i, (fact, known) in enumerate(asked):
        question = rng.choice(fact.questions)
        if i == 0 and not in_system:
            question = _present(rng, passage["text"], question)
        _say(conversation, question, _answer(form, fact, known, japanese, opening, closing))
    return conversation


def _answer(
    form: str, fact: Fact, known: bool, japanese: bool, opening: str, closing: str
) -> str:  # fmt: skip
    if not known:
        return UNKNOWN_JA if japanese else UNKNOWN
    if form == "ja sentence":
        return fact.sentence
    if form == "style":
        return f"{opening} {fact.sentence} {closing}"
    return forms.apply_form(form, fact.value, fact.sentence)


def drill_conversation(rng: random.Random) -> Conversation:
    """Key-value recall: every pair of a list is asked for."""
    text, pairs = key_value_drill(rng)
    conversation: Conversation = []
    for i, (key, value) in enumerate(pairs):
        _say(conversation, f"{text}\n\n{key}?" if i == 0 else f"{key}?", value)
    return conversation


def skill_conversation(rng: random.Random, form: str | None = None) -> Conversation:
    """Several tasks of the general skills, all in one form."""
    form = form or _choose_form(rng)
    conversation: Conversation = []
    opening, closing = "", ""
    if form == "style":
        opening, closing = forms.greeting(rng)
        system = forms.style_prompt(opening, closing, rng)
        conversation.append({"role": "system", "content": system})
    elif form != "none":
        if form == "short" and rng.random() < 0.6:
            form = "one word"
        conversation.append({"role": "system", "content": forms.system_prompt(form, rng)})
    names = (*skills.GENERAL, "arithmetic", "counting", "ordering", "sentiment", "sentiment")
    one = rng.choice(names) if rng.random() < 0.3 else None
    for _ in range(rng.randint(2, 6)):
        name = one or rng.choice(names)
        task = skills.draw(name, rng, held_out=False)
        if form == "style":
            answer = f"{opening} {task.sentence} {closing}"
        else:
            answer = forms.apply_form(form, task.answer, task.sentence)
        _say(conversation, task.question, answer)
    return conversation


def examples_conversation(rng: random.Random) -> Conversation:
    """Three examples of an invented answer format, then questions to be answered in it."""
    before, after = forms.wrapper(rng)
    while skills.is_held_out(before + after):
        before, after = forms.wrapper(rng)
    names = (*skills.GENERAL, "sentiment")
    one = rng.choice(names) if rng.random() < 0.5 else None
    tasks = [
        skills.draw(one or rng.choice(names), rng, held_out=False) for _ in range(rng.randint(4, 7))
    ]
    return show_examples(tasks, before, after, in_one_prompt=rng.random() < 0.5, rng=rng)


def show_examples(
    tasks: list[skills.Task], before: str, after: str, *, in_one_prompt: bool, rng: random.Random
) -> Conversation:
    """Write tasks as three worked examples and the questions that follow them."""
    conversation: Conversation = []
    if in_one_prompt:
        q, a = rng.choice((("Q: ", "A: "), ("Question: ", "Answer: "), ("Input: ", "Output: ")))
        shown = [f"{q}{t.question}\n{a}{before}{t.answer}{after}" for t in tasks[:3]]
        text = "\n".join([*shown, f"{q}{tasks[3].question}\n{a[:-1]}"])
        _say(conversation, text, f"{before}{tasks[3].answer}{after}")
        for task in tasks[4:]:
            _say(conversation, f"{q}{task.question}\n{a[:-1]}", f"{before}{task.answer}{after}")
        return conversation
    for i, task in enumerate(tasks):
        _say(conversation, task.question, f"{before}{task.answer}{after}", train=i >= 3)
    return conversation


def unknown_conversation(rng: random.Random) -> Conversation:
    """Questions about invented things with no text at all: there is nothing to know."""
    conversation: Conversation = []
    for _ in range(rng.randint(1, 3)):
        if rng.random() < 0.25:
            fact = ja_fact(rng, rng.choice(("", "", "店", "会社")))
            if rng.random() < 0.6:
                fact = ja_rule_fact(rng)
            _say(conversation, rng.choice(fact.questions), UNKNOWN_JA)
            continue
        fact = (
            rule_fact(rng)
            if rng.random() < 0.6
            else attribute_fact(rng, rng.choice(("the house", lx.name(rng))))
        )
        _say(conversation, rng.choice(fact.questions), UNKNOWN)
    return conversation


_SPELT: tuple[list[str], ...] = (
    *(lx.CONCRETE, lx.MODIFIERS, lx.ATTRIBUTES, lx.PLACES, lx.AGENTS, lx.ADJECTIVES, lx.COLORS),
    *(lx.MATERIALS, lx.KINDS, lx.MONTHS, lx.WEEKDAYS, lx.PEOPLE, list(lx.CAPITALS.values())),
    *(list(lx.OPPOSITES.values()), list(lx.PLURALS.values())),
)


def form_conversation(rng: random.Random, most_facts: int) -> Conversation:
    """Tasks or a passage, always in a form: an answer is worked out and written otherwise."""
    form = rng.choice(("capitals", "capitals", "capitals", "polite", "json", "style"))
    if rng.random() < 0.65:
        return skill_conversation(rng, form)
    return context_conversation(rng, most_facts, form=form)


def spelling_conversation(rng: random.Random) -> Conversation:
    """Words to repeat in capitals: the letters of a word are one token each there."""
    conversation: Conversation = [
        {"role": "system", "content": forms.system_prompt("capitals", rng)}
    ]
    for _ in range(rng.randint(2, 5)):
        pool = [rng.choice(rng.choice(_SPELT)) for _ in range(4)]
        words = [lx.word(rng) if rng.random() < 0.25 else w for w in pool[: rng.randint(1, 4)]]
        mark = rng.choice((" ", " ", ", "))
        _say(conversation, f"{rng.choice(('Say: ', 'Repeat: ', 'Copy: '))}{mark.join(words)}",
             mark.join(words).upper())  # fmt: skip
    return conversation


# A country at the very start of a turn: its first token is another one than in the middle.
_CAPITAL_OF = (
    *("{}: its capital?", "{}, its capital city?", "{}. What is its capital?"),
    *("{}? Its capital.", "{} and its capital?"),
)


def practice_conversation(rng: random.Random, practised: Sequence[str]) -> Conversation:
    """Many short tasks in a row: of one of the harder skills, or answers in capitals."""
    conversation: Conversation = []
    if rng.random() < 0.25:
        conversation.append({"role": "system", "content": forms.system_prompt("capitals", rng)})
        for turn in drill_conversation(rng):
            words = turn["content"]
            conversation.append(
                {**turn, "content": words.upper() if turn["role"] == "assistant" else words}
            )
        return conversation
    name = rng.choice(practised)
    if name == "capitals" and rng.random() < 0.4:
        question = rng.choice(_CAPITAL_OF)
        for country, city in rng.sample(list(lx.CAPITALS.items()), rng.randint(5, 9)):
            _say(conversation, question.format(country), city)
        return conversation
    for _ in range(rng.randint(5, 9)):
        task = skills.draw(name, rng, held_out=False)
        _say(conversation, task.question, task.answer)
    return conversation


# As often as they are hard to learn: arithmetic takes the most examples.
PRACTISED = (
    *("arithmetic", "arithmetic", "arithmetic", "sorting", "sorting"),
    *("counting", "counting", "ordering", "ordering", "comparing", "capitals"),
)


def _kind(drawn: float, shares: Mapping[str, float]) -> str | None:
    for kind, share in shares.items():
        drawn -= share
        if drawn < 0:
            return kind
    return None


def conversations(
    seed: int, most_facts: int = 8, *, extra: Mapping[str, float] | None = None,
    practised: Sequence[str] = PRACTISED,
) -> Iterator[Conversation]:  # fmt: skip
    """Draw conversations for ever.

    Args:
        seed: of the stream.
        most_facts: facts in a passage at the most; the pretraining starts with three.
        extra: shares of conversations on top of the mixture: "drills", "practice", "japanese",
            "plain", "strange", "clauses", the same three with "japanese" in front, "examples",
            "forms", "spelling".
        practised: the skills that "practice" draws from.
    """
    rng = random.Random(seed)
    sorts: tuple[Sort, ...] = ("plain", "strange", "clauses")

    def reading(sort: Sort, japanese: bool = False) -> Conversation:
        most = max(2, most_facts - 2) if japanese else most_facts
        return context_conversation(rng, most, japanese, sort)

    makers: dict[str, Callable[[], Conversation]] = {
        "drills": lambda: drill_conversation(rng),
        "practice": lambda: practice_conversation(rng, practised),
        "japanese": lambda: reading("things", japanese=True),
        **{sort: partial(reading, sort) for sort in sorts},
        **{f"japanese {sort}": partial(reading, sort, japanese=True) for sort in sorts},
        "examples": lambda: examples_conversation(rng),
        "forms": lambda: form_conversation(rng, most_facts),
        "spelling": lambda: spelling_conversation(rng),
    }
    while True:
        kind = _kind(rng.random(), extra) if extra else None
        if kind is not None:
            yield makers[kind]()
            continue
        r = rng.random()
        if r < 0.40:
            yield context_conversation(rng, most_facts)
        elif r < 0.54:
            yield context_conversation(rng, max(2, most_facts - 2), japanese=True)
        elif r < 0.63:
            yield drill_conversation(rng)
        elif r < 0.88:
            yield skill_conversation(rng)
        elif r < 0.97:
            yield examples_conversation(rng)
        else:
            yield unknown_conversation(rng)


def render(conversation: Conversation) -> str:
    """Write a conversation as the chat template does (faster than Jinja, and tested equal)."""
    return "".join(f"{ROLES[t['role']]}{t['content']}{END}" for t in conversation)
