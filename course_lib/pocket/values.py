"""The values that facts have: invented on the spot, so that a model must copy and cannot recall.

Every function draws one value from the generator that it is given.

>>> import random
>>> money(random.Random(3))
'20 yen'
"""

import random
from collections.abc import Callable

from course_lib.pocket import lexicon as lx


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


def before_time(value: str) -> str:
    """Name what stands before a day or an hour in a sentence.

    >>> before_time("Sunday"), before_time("3 pm"), before_time("every Sunday")
    ('on ', 'at ', '')
    """
    if value.startswith("every"):
        return ""
    return "on " if value[0].isupper() else "at "


def place(rng: random.Random) -> str:
    """Draw a place, with its preposition."""
    noun = rng.choice(lx.PLACES)
    middle = rng.choice(("", "", f"{rng.choice(lx.MODIFIERS)} ", f"{lx.word(rng)} "))
    return f"{rng.choice(lx.PLACE_PREPOSITIONS)} the {middle}{noun}"


def thing(rng: random.Random) -> str:
    """Draw a thing, such as `a red ribbon` or `the spare key`."""
    noun = rng.choice(lx.CONCRETE)
    first = rng.choice((rng.choice(lx.MODIFIERS), rng.choice(lx.COLORS), rng.choice(lx.MATERIALS)))
    return rng.choice((noun, f"the {first} {noun}", f"{with_article(first)} {noun}", f"the {noun}"))


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


def color(rng: random.Random) -> str:
    """Draw a color."""
    return rng.choice(lx.COLORS)


def material(rng: random.Random) -> str:
    """Draw a material."""
    return rng.choice(lx.MATERIALS)


def means(rng: random.Random) -> str:
    """Draw a means, such as `by letter`."""
    return f"by {rng.choice(lx.MEANS)}"


# Invented words and names stand here twice: they are the hardest to copy.
KINDS: tuple[Callable[[random.Random], str], ...] = (
    *(number, clock, duration, money, day, place, thing, code),
    *(invented, invented, lx.name, lx.name, measure, percent, color, material, means),
)


def anything(rng: random.Random) -> str:
    """Draw a value of any kind."""
    return rng.choice(KINDS)(rng)


def with_article(text: str) -> str:
    """Put `a` or `an` in front.

    >>> with_article("early visit")
    'an early visit'
    """
    return f"{'an' if text[0] in 'aeiou' else 'a'} {text}"


def ja_value(rng: random.Random) -> str:
    """Draw a Japanese value of any kind."""
    return rng.choice(
        (
            f"{rng.randint(2, 90)}{rng.choice(lx.JA_UNITS)}",
            f"{number(rng)}{rng.choice(lx.JA_UNITS)}",
            rng.choice(lx.JA_COLORS),
            rng.choice(lx.JA_MATERIALS),
            rng.choice(lx.JA_WEEKDAYS),
            rng.choice(lx.JA_PLACES),
            *(lx.ja_word(rng), lx.ja_word(rng), lx.ja_word(rng)),
            ja_hour(rng),
            ja_date(rng),
            ja_compound(rng),
            f"{number(rng)}円",
            f"{rng.choice((5, 10, 20, 30, 50))}%",
        )
    )


def ja_hour(rng: random.Random) -> str:
    """Draw an hour, such as `午前9時`."""
    return f"午{rng.choice('前後')}{rng.randint(1, 12)}時"


def ja_date(rng: random.Random) -> str:
    """Draw a date, such as `3月14日`."""
    return f"{rng.randint(1, 12)}月{rng.randint(1, 28)}日"


def ja_day(rng: random.Random) -> str:
    """Draw a day or an hour, such as `毎週火曜日`."""
    weekday, hour, date = rng.choice(lx.JA_WEEKDAYS), ja_hour(rng), ja_date(rng)
    return rng.choice((weekday, hour, date, f"毎週{rng.choice(lx.JA_WEEKDAYS)}"))


def ja_compound(rng: random.Random) -> str:
    """Draw two invented words joined by の."""
    return f"{lx.ja_word(rng)}の{lx.ja_word(rng)}"
