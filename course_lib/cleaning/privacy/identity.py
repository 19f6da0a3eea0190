"""Numbers that a state gives a person, and dates of birth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from course_lib.cleaning.privacy.glance import Glance, Span

# No number is given out with area 000, 666 or 9xx, group 00 or serial 0000.
# https://www.ssa.gov/employer/randomization.html
_SSN_PARTS = r"(?!000|666|9)[0-9]{3}(%s)(?!00)[0-9]{2}\1(?!0000)[0-9]{4}"
_SSN = re.compile(
    rf"(?<![0-9A-Za-z])(?<![0-9A-Za-z][./-])({_SSN_PARTS % '-'})(?![0-9A-Za-z]|-[0-9])".replace(
        r"\1", r"\2"
    )
)
_NAMED_SSN = re.compile(
    r"(?i:(?<![a-z])ssn|social[ -]security|ソーシャルセキュリティ|社会保障番号)[^0-9\n]{0,24}?"
    rf"(?<![0-9])({_SSN_PARTS % '[ .-]?'})(?![0-9])".replace(r"\1", r"\2")
)
_NO_SSN = re.compile(
    r"(?i:order|part|item|model|serial|sku|s/n|ref|case|ticket|lot|cas|注文|品番|型番|番号)"
    r"(?i:(?: ?(?:number|no\.?|id|#|番号))?\s*(?:is|:|=|#|は)?\s*)$"
)


def ssn_spans(seen: Glance) -> Iterator[Span]:
    """Where US social security numbers are: 3-2-4 digits with dashes, or any way once named.

    Args:
        seen: The folded text.

    Yields:
        Spans of the numbers.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(ssn_spans(glance("SSN 412 55 7803")))
        [(4, 15)]
    """
    text = seen.text
    if "-" in text:
        for match in _SSN.finditer(text):
            if not _NO_SSN.search(text[max(0, match.start() - 24) : match.start()]):
                yield match.span(1)
    if "ssn" in seen.low or "social" in seen.low or "社会保障" in text or "ソーシャル" in text:
        yield from (match.span(1) for match in _NAMED_SSN.finditer(text))


_MY_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])(?<![0-9A-Za-z][.-])[0-9]{4}([ -]?)[0-9]{4}\1[0-9]{4}(?![0-9A-Za-z]|-[0-9])"
)
_MY_NUMBER_WORD = re.compile(r"(?i:マイナンバー|個人番号|my ?number|individual number)")
_NO_MY_NUMBER = re.compile(
    r"免許|旅券|伝票|追跡|注文|受付|会員|お客様|(?i:order|tracking|licen[cs]e)"
)


def my_number_spans(seen: Glance) -> Iterator[Span]:
    """Where Japan's individual numbers are: マイナンバー nearby, and a right check digit.

    Args:
        seen: The folded text.

    Yields:
        Spans of the 12 digits. The word is asked for because parcels have 12 digits too, and one
        in eleven of those passes the check.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(my_number_spans(glance("個人番号：1234-5678-9018")))
        [(5, 19)]
    """
    text = seen.text
    if not ("ナンバー" in text or "個人番号" in text or "number" in seen.low):
        return
    for match in _MY_NUMBER.finditer(text):
        before, behind = (
            text[max(0, match.start() - 40) : match.start()],
            text[match.end() : match.end() + 16],
        )
        named = _MY_NUMBER_WORD.search(before)
        # The nearest word in front counts: a licence and a parcel have 12 digits too.
        other = named and _NO_MY_NUMBER.search(before, named.end())
        named = named or _MY_NUMBER_WORD.search(behind)
        digits = [int(character) for character in match.group() if character.isdigit()]
        if named and not other and my_number(digits):
            yield match.span()


def my_number(digits: Sequence[int]) -> bool:
    """Check the last digit of an individual number.

    Args:
        digits: The 12 digits, check digit last.

    Returns:
        Whether it is 11 less the weighted sum modulo 11 (0 where that gives 10 or more); the
        weights from the right are 2 to 7, then 2 to 6. Ordinance of the Ministry of Internal
        Affairs and Communications No. 85 of 2014, article 5.

    Example:
        >>> my_number([1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 8])
        True
    """
    *body, check = digits
    total = sum(
        digit * (place + 1 if place <= 6 else place - 5)
        for place, digit in enumerate(reversed(body), start=1)
    )
    rest = total % 11
    return check == (0 if rest <= 1 else 11 - rest)


_BETWEEN = (
    r"(?i:[ _]?(?:card|book|の?番号|ナンバー|number|no\.?|num\.?|id|#|は|が|第|is|was|:|=|→|\?"
    r"|\([A-Z ]{2,12}\)|\(|「|\s|,)){1,6}"
)
_PASSPORT = re.compile(
    r"(?i:passport|パスポート|旅券)"
    rf"{_BETWEEN}((?i:[A-Z]{{1,2}}[ ]?[0-9]{{6,8}}|[0-9]{{8,9}}|(?=[A-Z0-9]*[0-9][A-Z0-9]*[0-9])"
    r"(?-i:[A-Z0-9]{9})))(?![A-Za-z0-9]|-[0-9])"
)
_LICENCE_NUMBER = (
    r"((?=(?:[A-Za-z]*[ -]?[0-9]){5})(?i:[A-Z]{0,2}[0-9](?:[ -]?[0-9]){4,13}[A-Z]{0,2}"
    r"|[A-Z][0-9A-Z](?:-?[0-9A-Z]){4,17}|[A-Z9]{5}[0-9]{6}[A-Z9]{2}[0-9A-Z]{3}(?: ?[0-9]{2})?))"
    r"(?![A-Za-z0-9]|-[0-9])"
)
_LICENCE = re.compile(
    r"(?i:driv(?:er'?s?|ing) (?:licen[cs]e|permit)|(?<![a-z])DLN?(?= ?(?:#|no|number|:))"
    rf"|(?:運転)?免許(?:証|番号)?){_BETWEEN}{_LICENCE_NUMBER}"
)
# Software has license numbers too: these need a driver elsewhere in the text.
_ANY_LICENCE = re.compile(rf"(?i:licen[cs]e(?= (?:number|no))){_BETWEEN}{_LICENCE_NUMBER}")


def passport_spans(seen: Glance) -> Iterator[Span]:
    """Where passport numbers are that the word names.

    Args:
        seen: The folded text.

    Yields:
        Spans of the numbers alone.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(passport_spans(glance("旅券番号はTR1234567")))
        [(5, 14)]
    """
    if "passport" in seen.low or "パスポート" in seen.text or "旅券" in seen.text:
        yield from (match.span(1) for match in _PASSPORT.finditer(seen.text))


def driving_licence_spans(seen: Glance) -> Iterator[Span]:
    """Where driving-licence numbers are that the word names: 12 digits in Japan, mixed elsewhere.

    Args:
        seen: The folded text.

    Yields:
        Spans of the numbers alone.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(driving_licence_spans(glance("My driver's license: D6101407")))
        [(21, 29)]
    """
    low = seen.low
    if "licen" in low or "permit" in low or "免許" in low or "dl" in low:
        yield from (match.span(1) for match in _LICENCE.finditer(seen.text))
        if "driv" in low:
            yield from (match.span(1) for match in _ANY_LICENCE.finditer(seen.text))


_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"[0-3]?[0-9](?:st|nd|rd|th)?"
_DATE = (
    r"(?:(?:1[89]|20)[0-9]{2}\s?[-/.年]\s?[01]?[0-9]\s?[-/.月]\s?[0-3]?[0-9]日?"
    r"|[0-3]?[0-9][-/. ][0-3]?[0-9][-/. ](?:(?:1[89]|20)[0-9]{2}|[0-9]{2}(?![0-9]))"
    r"|(?:明治|大正|昭和|平成|令和|[MTSHR])\s?(?:[0-9]{1,2}|元)"
    r"\s?[-/.年]\s?[01]?[0-9]\s?[-/.月]\s?[0-3]?[0-9]日?"
    rf"|{_MONTH}\s{_DAY}(?:,?\s(?:1[89]|20)[0-9]{{2}})?"
    rf"|{_DAY}(?:\sof)?[\s-]{_MONTH}(?:,?[\s-](?:1[89]|20)[0-9]{{2}})?"
    r"|(?:1[89]|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])"
    r"|[01]?[0-9]月[0-3]?[0-9]日)"
)
_BIRTH = re.compile(
    r"(?:(?<![a-z])born(?: on)?(?: the)?|dates? of birth|birth ?da(?:te|y)|(?<![a-z])d\.?o\.?b\.?"
    r"|(?<![a-z])b-?day|生年月日|誕生日|(?<!製造)生まれ)"
    r"(?:[\s:=(「→/-]|is|was|on|falls|the|は|が|も|西暦|\((?:[^()\n]{0,12})\)){0,6}"
    rf"(?<![0-9A-Za-z])({_DATE})(?![0-9])",
    re.IGNORECASE,
)
_THEN_BORN = re.compile(
    rf"(?<![0-9A-Za-z])({_DATE})(?:\(.{{0,8}}?\))?\s?(?:に|が)?"
    r"(?:生(?![産活地物前後]|まれの(?:人|方))|誕生日)",
    re.IGNORECASE,
)


def date_of_birth_spans(seen: Glance) -> Iterator[Span]:
    """Where dates are that a word names as somebody's birthday, Japanese eras included.

    Args:
        seen: The folded text.

    Yields:
        Spans of the dates; a year alone stays.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(date_of_birth_spans(glance("1985年3月12日生まれです")))
        [(0, 10)]
    """
    text, low = seen.text, seen.low
    japanese = "生" in text
    if "birth" in low or "born" in low or "dob" in low or "d.o" in low or "day" in low or japanese:
        yield from (match.span(1) for match in _BIRTH.finditer(text))
    if japanese:
        yield from (match.span(1) for match in _THEN_BORN.finditer(text))
