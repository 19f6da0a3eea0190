"""Sets whose answers are labels: how many rows each label has, and which have too few."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from course_lib.cleaning.language import language_of
from course_lib.cleaning.normalise import letters
from course_lib.cleaning.rule import Found, Messages, Notice, answers, prompt
from course_lib.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

# A label is short, and comes back: on average at least four times, or it names nothing.
_LONGEST = 60
_PER_LABEL = 4
# Fewer rows than this teach a label by chance; below a tenth of an even share it is never said.
_FEW = 5
_TENTH = 0.1


def labels_of(sets: list[Messages]) -> list[str] | None:
    """The label of each conversation, or None where the answers are no labels.

    Args:
        sets: The conversations.

    Returns:
        The last answer of each, spaces at its ends taken off, if nearly all are at most 60
        characters long and each comes back at least four times on average.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> labels_of([chat(f"Headline {n}", "neutral ") for n in range(4)])
        ['neutral', 'neutral', 'neutral', 'neutral']
    """
    said = [(answers(messages) or [""])[-1].strip() for messages in sets]
    short = sum(len(text) <= _LONGEST for text in said)
    if not said or len(set(said)) * _PER_LABEL > len(said) or short < 0.95 * len(said):
        return None
    return said


def balance(sets: list[Messages]) -> pd.DataFrame:
    """Count the rows of each label.

    Args:
        sets: The conversations of a set whose answers are labels.

    Returns:
        `label`, `rows` and `share` (0 to 1), the most frequent label first.

    Raises:
        CourseError: The answers are no labels (too many different ones, or too long).

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat(f"Headline {n}", "bad" if n % 4 else "good") for n in range(8)]
        >>> balance(rows).to_dict("records")[0]
        {'label': 'bad', 'rows': 6, 'share': 0.75}
    """
    labels = labels_of(sets)
    if labels is None:
        different = len({(answers(messages) or [""])[-1].strip() for messages in sets})
        raise CourseError(
            f"The answers are no labels: {different} different ones in {len(sets)} rows. A label "
            f"is at most {_LONGEST} characters long and comes back {_PER_LABEL} times or more."
        )
    return _table("label", labels)


def language_balance(sets: list[Messages]) -> pd.DataFrame:
    """Count the rows of each language that is asked in.

    Args:
        sets: The conversations.

    Returns:
        `language` (ISO 639-1 code, "?" where the questions are too short to tell), `rows`
        and `share` (0 to 1), the most frequent first.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> language_balance([chat("テントはありますか？", "はい。")])["language"].tolist()
        ['ja']
    """
    return _table("language", [name or "?" for name in asked_in(sets)])


def _table(what: str, names: list[str]) -> pd.DataFrame:
    import pandas as pd

    counted = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    rows = [(name, count, count / len(names)) for name, count in counted]
    return pd.DataFrame(rows, columns=[what, "rows", "share"])


def rare_labels(sets: list[Messages]) -> dict[int, Found]:
    """Find the rows of labels that have too few rows to be learned.

    Args:
        sets: The conversations.

    Returns:
        The rows of labels with fewer than 5 rows, or less than a tenth of an even share; with
        the label they may be a spelling of. Empty where the answers are no labels.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat(f"Headline {n}", "neutral") for n in range(9)]
        >>> rare_labels([*rows, chat("Profit rose.", "Neutral.")])[9].reason
        "label 'Neutral.' has 1 row of 10; is it 'neutral' (9 rows)?"
    """
    labels = labels_of(sets)
    return {} if labels is None else _rare(labels, "label")


def asked_in(sets: list[Messages]) -> list[str | None]:
    """The language that each conversation is asked in.

    Args:
        sets: The conversations.

    Returns:
        ISO 639-1 codes, None where the questions are too short to tell.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> asked_in([chat("テントはありますか？", "はい。")])
        ['ja']
    """
    return [language_of(prompt(messages)) for messages in sets]


def rare_languages(
    sets: list[Messages], languages: Sequence[str | None] | None = None
) -> dict[int, Found]:
    """Find the rows asked in a language that has too few rows to be learned.

    Args:
        sets: The conversations.
        languages: What they are `asked_in`; None finds out here.

    Returns:
        The rows of languages with fewer than 5 rows, or less than a tenth of an even share.
        Questions too short to tell are not counted.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat(f"Where is the tent of order {n}?", "Here.") for n in range(9)]
        >>> rare_languages([*rows, chat("テントはありますか？", "はい。")])[9].reason
        "language 'ja' has 1 row of 10"
    """
    told = asked_in(sets) if languages is None else languages
    known = [(position, name) for position, name in enumerate(told) if name]
    found = _rare([name for _, name in known], "language")
    return {known[place][0]: what for place, what in found.items()}


def _rare(names: list[str], what: str) -> dict[int, Found]:
    counts = Counter(names)
    if len(counts) < 2:
        return {}
    least = max(_FEW, _TENTH * len(names) / len(counts))
    spelled: dict[str, str] = {}
    for name, _ in counts.most_common():
        spelled.setdefault(letters(name) or name, name)
    found: dict[int, Found] = {}
    for position, name in enumerate(names):
        count = counts[name]
        if count >= least:
            continue
        reason = f"{what} {name!r} has {count} row{'s' * (count > 1)} of {len(names)}"
        usual = spelled[letters(name) or name]
        if usual != name:
            reason += f"; is it {usual!r} ({counts[usual]} rows)?"
        found[position] = Found(reason)
    return found


RARE_LABEL = Notice(
    name="rare_label",
    reason="A label with a handful of rows is hardly ever answered; add rows, or merge it.",
    before="answer: Neutral (1 row, beside 400 of neutral)",
    after=None,
    look=rare_labels,
)

RARE_LANGUAGE = Notice(
    name="rare_language",
    reason="A language with a handful of rows is not learned; add rows, or leave it out.",
    before="one question in Japanese among 400 in English",
    after=None,
    look=rare_languages,
    facts=asked_in,
)
