"""The form of an answer: as the system prompt asks, or as the examples show.

One task can be answered plainly, as JSON, in one word, politely, in capitals, in a full sentence,
or inside any opening and closing that the system prompt names. A format that is only *shown*, by
three examples in the prompt, has to be taken up too.
"""

import random

from course_lib.pocket import lexicon as lx

FORMS = ("json", "one word", "polite", "capitals")


def system_prompt(form: str, rng: random.Random) -> str:
    """Word the system prompt that asks for a form."""
    prompts = {
        "json": ("Answer as JSON.", "Reply in JSON.", "Write the answer as JSON.", "Use JSON."),
        "one word": ("Answer in one word.", "One word only.", "Reply with a single word."),
        "polite": ("Be polite.", "Answer politely.", "You are a polite assistant."),
        "capitals": ("Answer in capitals.", "Write in capital letters.", "Use capitals only."),
        "short": ("Give only the value.", "Answer briefly.", "Give a short answer."),
        "sentence": ("Answer in a full sentence.", "Use a full sentence.", "Write a sentence."),
    }
    return rng.choice(prompts[form])


def apply_form(form: str, answer: str, sentence: str) -> str:
    """Write an answer in a form.

    >>> apply_form("json", "12 days", "The limit is 12 days.")
    '{"answer": "12 days"}'
    >>> apply_form("polite", "12 days", "The limit is 12 days.")
    'Thank you for asking. The limit is 12 days.'
    """
    if form == "json":
        return f'{{"answer": "{answer}"}}'
    if form == "polite":
        return f"Thank you for asking. {sentence}"
    if form == "capitals":
        return answer.upper()
    if form == "sentence":
        return sentence
    return answer


def wrapper(rng: random.Random) -> tuple[str, str]:
    """Invent an answer format: what stands before and after the answer."""

    def piece() -> str:
        return rng.choice(
            (
                rng.choice(lx.SYMBOLS),
                lx.word(rng),
                lx.word(rng).capitalize() + rng.choice((":", "!", ".", ",", "")),
                f"{rng.choice(lx.ADJECTIVES)} {rng.choice(lx.CONCRETE)}",
                rng.choice(lx.COLORS).upper(),
            )
        )

    kind = rng.random()
    if kind < 0.4:
        return f"{piece()} ", f" {piece()}"
    if kind < 0.65:
        return f"{piece()} ", ""
    if kind < 0.9:
        return "", f" {piece()}"
    return f"{piece()} {piece()} ", f" {piece()}"


def greeting(rng: random.Random) -> tuple[str, str]:
    """Invent a house style: an opening and a closing of a few words each."""

    def phrase() -> str:
        words = [
            rng.choice(
                (rng.choice(lx.ADJECTIVES), rng.choice(lx.CONCRETE), lx.word(rng),
                 rng.choice(lx.COLORS), rng.choice(lx.GREETING_WORDS))
            )
            for _ in range(rng.randint(1, 3))
        ]  # fmt: skip
        text = " ".join(words)
        return text[0].upper() + text[1:] + rng.choice(("!", ".", "!", "..."))

    return phrase(), phrase()


def style_prompt(opening: str, closing: str, rng: random.Random) -> str:
    """Word the system prompt that describes a house style."""
    return rng.choice(
        (
            f'Begin with "{opening}" and end with "{closing}"',
            f'Start every answer with "{opening}" Close it with "{closing}"',
            f'Opening: "{opening}" Closing: "{closing}"',
            f'Always say "{opening}" first and "{closing}" last.',
        )
    )
