"""The detectors in their order, and what is written in place of what they find."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from course_lib.cleaning.privacy.accounts import bank_account_spans, card_spans, iban_spans
from course_lib.cleaning.privacy.addresses import address_spans
from course_lib.cleaning.privacy.contacts import email_spans, url_spans
from course_lib.cleaning.privacy.credentials import api_key_spans
from course_lib.cleaning.privacy.glance import Detector, Glance, Span, fold, glance
from course_lib.cleaning.privacy.identity import (
    date_of_birth_spans,
    driving_licence_spans,
    my_number_spans,
    passport_spans,
    ssn_spans,
)
from course_lib.cleaning.privacy.names import name_spans
from course_lib.cleaning.privacy.network import ip_address_spans
from course_lib.cleaning.privacy.passwords import password_spans
from course_lib.cleaning.privacy.phones import phone_spans
from course_lib.errors import CourseError

# The order matters: what holds others comes first (a URL holds a token and an address), what has
# a check digit or a word in front comes before what is known by its layout alone.
DETECTORS: dict[str, Detector] = {
    "url": Detector("[URL]", url_spans),
    "api_key": Detector("[API_KEY]", api_key_spans),
    "password": Detector("[PASSWORD]", password_spans),
    "email": Detector("[EMAIL]", email_spans),
    "iban": Detector("[IBAN]", iban_spans, digits=6),
    "card": Detector("[CARD]", card_spans, digits=13),
    "my_number": Detector("[MY_NUMBER]", my_number_spans, digits=12),
    "bank_account": Detector("[BANK_ACCOUNT]", bank_account_spans, digits=5),
    "passport": Detector("[PASSPORT]", passport_spans, digits=1),
    "driving_licence": Detector("[DRIVING_LICENCE]", driving_licence_spans, digits=4),
    "ssn": Detector("[SSN]", ssn_spans, digits=9),
    "date_of_birth": Detector("[DATE_OF_BIRTH]", date_of_birth_spans, digits=1),
    "ip_address": Detector("[IP_ADDRESS]", ip_address_spans, digits=1),
    "address": Detector("[ADDRESS]", address_spans),
    "phone": Detector("[PHONE]", phone_spans, digits=7),
}
_ALL = tuple(DETECTORS.values())
# Ten rounds are far more than any text of people needs.
_ROUNDS = 10
# Words before a value that make it private; other keys need not be tried.
_CUE = re.compile(
    r"(?i)pass|pwd|(?<![a-z])(?:pw|pin|otp|dob|tel|iban|bic)|cv[cv]|code|acc(?:oun)?t|routing|ssn"
    r"|social|birth|licen|card|phone|mobile|address|mail|number|暗証|口座|免許|旅券|番号|マイナンバー"
    r"|生年月日|誕生日|住所|電話|携帯|パス|コード"
)
# Longer texts say themselves what they hold.
_LONGEST_VALUE = 80
_JSON_BEGINS = frozenset("{[ \n")
# "dateOfBirth" and "date_of_birth" say what "date of birth" says.
_WORD_BREAK = re.compile(r"[_.-]+|(?<=[a-z])(?=[A-Z])")


def mask(text: str, name: str) -> str:
    """Replace every value of one kind by its placeholder.

    Args:
        text: Any text.
        name: A key of `DETECTORS`, or "name" for names of people after a form of address.

    Returns:
        The text with the whole span of each value replaced; the same object where there is none.

    Raises:
        CourseError: There is no such kind.

    Example:
        >>> mask("連絡先はｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐです", "email")
        '連絡先は[EMAIL]です'
    """
    return masker(name)(text)


def masker(name: str) -> Callable[[str], str]:
    """The function that masks one kind, for use on many texts.

    Args:
        name: A key of `DETECTORS`, or "name".

    Returns:
        Text -> text. It settles: what it returns, it leaves alone.

    Raises:
        CourseError: There is no such kind.

    Example:
        >>> list(map(masker("card"), ["4242 4242 4242 4242", "12"]))
        ['[CARD]', '12']
    """
    if name == "name":
        return _mask_names
    if name not in DETECTORS:
        kinds = ", ".join([*DETECTORS, "name"])
        raise CourseError(f"There is no kind of private value {name!r}. The kinds are: {kinds}.")
    return partial(_mask_one, DETECTORS[name])


def may_be_private(text: str) -> bool:
    """Whether a text may hold anything that `DETECTORS` find: one look for all of them.

    >>> may_be_private("Where is my tent?"), may_be_private("It has 4 poles.")
    (False, True)
    """
    return glance(text) is not None


def _mask_names(text: str) -> str:
    # Names have no digits to screen by: every text is searched.
    return _in_json(text, partial(_replace_names, placeholder="[NAME]"))


def _replace_names(text: str, placeholder: str | None) -> str:
    return _replace(text, name_spans(Glance(fold(text), text.lower(), 0)), placeholder)


def _mask_one(detector: Detector, text: str) -> str:
    seen = glance(text)
    if (seen is None or seen.digits < detector.digits) and "\\u" not in text:
        return text
    return _in_json(text, partial(_settled, detectors=(detector,), keep_length=False))


def mask_all(text: str) -> str:
    """Replace every private value of every kind in `DETECTORS` by its placeholder.

    Args:
        text: Any text.

    Returns:
        The masked text; the same object where there is nothing private.

    Example:
        >>> mask_all("Call 090-1234-5678 or write to a@b.jp")
        'Call [PHONE] or write to [EMAIL]'
    """
    return _in_json(text, partial(_settled, detectors=_ALL, keep_length=False))


def hide(text: str, *, names: bool = False) -> str:
    """Blot every private value out, its length kept, for logs that show text as it was.

    Args:
        text: Any text.
        names: Names of people as well, where they are masked.

    Returns:
        The text with a • for each character of each value.

    Example:
        >>> hide("Write to a@b.jp")
        'Write to ••••••'
    """
    hidden = _in_json(text, partial(_settled, detectors=_ALL, keep_length=True))
    return _in_json(hidden, partial(_replace_names, placeholder=None)) if names else hidden


def _in_json(text: str, masked: Callable[[str], str]) -> str:
    """Mask a text, such as the arguments of a call, so that what was JSON stays JSON.

    As text alone, a number without quotes would become a bare placeholder, and a value written
    as \\u6771\\u4eac would not be seen.
    """
    after = masked(text)
    if text[:1] not in _JSON_BEGINS:
        return after
    source = after if _parsed(after) is not None else text
    value = _parsed(source)
    try:
        nested = _nested(value, masked)
    except RecursionError:
        return after  # hundreds of lists in lists are no data of anybody
    if value is None or (nested == value and source is after):
        return after
    found = json.dumps(nested, ensure_ascii=False, indent=2 if "\n" in text.strip() else None)
    # What only the whole text shows to be private goes all the same, JSON or not.
    return masked(found)


def _parsed(text: str) -> Any:
    """An object or a list that is written as JSON; None for anything else."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, (dict, list)) else None


def _nested(value: Any, masked: Callable[[str], str], key: str = "") -> Any:
    if isinstance(value, dict):
        return _nested_mapping(value, masked)
    if isinstance(value, list):
        return [_nested(item, masked, key) for item in value]
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return value
    text = str(value)
    after = _in_json(text, masked)
    if after == text and len(text) <= _LONGEST_VALUE and _CUE.search(key):
        # Some values are private because of the word before them: {"password": "hunter2"}.
        named = f"{_WORD_BREAK.sub(' ', key)}: "
        framed = masked(named + text)
        after = framed[len(named) :] if framed.startswith(named) else text
    return value if after == text else after


def _nested_mapping(value: dict[Any, Any], masked: Callable[[str], str]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    times: Counter[Any] = Counter()
    for key, item in value.items():
        name = placeholder = _nested(key, masked)
        while name in found:  # two customers' addresses are one placeholder, but two values
            times[placeholder] += 1
            name = f"{placeholder} {times[placeholder] + 1}"
        found[name] = _nested(item, masked, str(key))
    return found


def _settled(text: str, detectors: Iterable[Detector], keep_length: bool) -> str:
    """Apply detectors until none finds more: a placeholder may part what was glued together."""
    seen = glance(text)
    for _ in range(_ROUNDS):
        before = text
        for placeholder, find, digits in detectors:
            if seen is None:
                return text
            if seen.digits >= digits:
                after = _replace(text, find(seen), None if keep_length else placeholder)
                if after is not text:
                    text, seen = after, glance(after)
        if text is before:
            break
    return text


def _replace(text: str, spans: Iterable[Span], placeholder: str | None) -> str:
    """Put the placeholder, or as many dots, in place of each span; overlapping spans are one."""
    pieces: list[str] = []
    end = 0
    for first, last in sorted(spans):
        if first >= end:
            pieces += [text[end:first], placeholder or "•" * (last - first)]
            end = last
        elif last > end:
            if placeholder is None:
                pieces.append("•" * (last - end))
            end = last
    return "".join([*pieces, text[end:]]) if pieces else text


def mask_nested(value: Any, names: Sequence[str]) -> Any:
    """Mask private values in every text of a nested value, such as a row of a data file.

    Args:
        value: Text, numbers, lists and mappings in any depth; it is not altered.
        names: Keys of `DETECTORS`.

    Returns:
        The same value with the texts masked, keys included; keys that become the same placeholder
        are numbered. A number that is private, such as a
        card's, becomes text; a key such as "password" counts as the word before its value.

    Example:
        >>> mask_nested({"mail": ["a@example.com", 7]}, ["email"])
        {'mail': ['[EMAIL]', 7]}
    """
    if not names:
        return value
    if set(names) == DETECTORS.keys():
        return _nested(value, partial(_settled, detectors=_ALL, keep_length=False))
    return _nested(value, partial(_mask_named, names=names))


def _mask_named(text: str, names: Sequence[str]) -> str:
    before = None
    while text != before:  # a placeholder may part what stood too close to be recognised
        before = text
        for name in names:
            text = mask(text, name)
    return text
