"""Which language the course speaks, and its words in that language.

English stands in the code, as in a catalogue of gettext: the English text itself is the key. The
Japanese stands in ``ja/*.toml`` beside this module, one file a subject, ``"English" = "日本語"``;
where a text holds figures or names, the key has them in braces by name, and the translation too:
``"{wrong} of {rows} rows" = "{rows}行のうち{wrong}行"``. A text that is in no catalogue is shown as
it stands: a lesson never stops for want of a word. (gettext itself cannot find a text by its
pattern, and titles of figures arrive here with their figures filled in.)
"""

from __future__ import annotations

import os
import re
import tomllib
from functools import cache
from importlib import resources
from pathlib import Path

from course_lib.errors import CourseError

LANGUAGES = ("en", "ja")


class Verbatim(str):
    """A text of a figure that stays as it is: a rule's name is no word, though it looks like one.

    Example:
        >>> Verbatim("empty") == "empty"
        True
    """


def language() -> str:
    """Return the language of this session: ``COURSE_LANGUAGE``, else English.

    The Japanese edition of a lesson sets it in its first cell.

    Raises:
        CourseError: The course does not speak that language.

    Example:
        >>> language()
        'en'
    """
    asked = os.environ.get("COURSE_LANGUAGE") or "en"
    if asked not in LANGUAGES:
        raise CourseError(f"COURSE_LANGUAGE={asked}: the course speaks {' and '.join(LANGUAGES)}.")
    return asked


def translated(text: str, to: str | None = None) -> str:
    """Return a text in the language of this session.

    Args:
        text: The English text. How its words are broken into lines does not matter.
        to: Another language than the session's.

    Returns:
        Its translation; the text itself where there is none, or where the session is in English.

    Example:
        >>> translated("validation loss", to="ja")
        '検証損失'
    """
    to = language() if to is None else to
    return text if to == "en" or not text.strip() else _found(text, to)


@cache
def _found(text: str, to: str) -> str:
    wanted = " ".join(text.split())
    exact, patterns = catalogue(to)
    if wanted in exact:
        return exact[wanted]
    for pattern, target in patterns:
        if found := pattern.fullmatch(wanted):
            parts = {name: translated(part, to) for name, part in found.groupdict().items()}
            return target.format(**parts)
    _miss(wanted)
    return text


@cache
def catalogue(to: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Read the words of a language.

    Args:
        to: The language, such as "ja".

    Returns:
        Whole texts, and patterns with their translations: those that say most come first, so that
        "{n} rows of {m}" is not taken by "{n} of {m}".

    Raises:
        CourseError: A text is translated in two ways, or a translation names other parts than its
            text; the message says in which file.

    Example:
        >>> exact, patterns = catalogue("ja")
        >>> exact["step"]
        'ステップ'
    """
    exact: dict[str, str] = {}
    patterns: dict[str, str] = {}
    files = resources.files("course_lib.language").joinpath(to).iterdir()
    for file in sorted(files, key=lambda file: file.name):
        if not file.name.endswith(".toml"):  # left there by an editor
            continue
        words: dict[str, str] = tomllib.loads(file.read_text(encoding="utf-8"))
        for english, target in words.items():
            source = " ".join(english.split())
            names = re.findall(r"\{(\w+)\}", source)
            if sorted(set(names)) != sorted(set(re.findall(r"\{(\w+)\}", target))):
                raise CourseError(f"{to}/{file.name}: {english!r} and {target!r} differ in parts.")
            known = patterns if names else exact
            if known.setdefault(source, target) != target:
                raise CourseError(f"{to}/{file.name}: {english!r} is translated in two ways.")
    said_most = sorted(patterns, key=lambda source: -len(re.sub(r"\{\w+\}", "", source)))
    return exact, [(_pattern(source), patterns[source]) for source in said_most]


def _pattern(source: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)\}", source)
    seen: set[str] = set()
    expression = ""
    for place, part in enumerate(parts):
        if place % 2 == 0:
            expression += re.escape(part)
        elif part in seen:
            expression += f"(?P={part})"
        else:
            seen.add(part)
            expression += f"(?P<{part}>.+?)"
    return re.compile(expression)


def _miss(text: str) -> None:
    """Write down a text that has no translation, where ``COURSE_UNTRANSLATED`` names a file."""
    path = os.environ.get("COURSE_UNTRANSLATED")
    if path and re.search("[A-Za-z]{2}", text):
        with Path(path).open("a", encoding="utf-8") as lines:
            lines.write(text + "\n")
