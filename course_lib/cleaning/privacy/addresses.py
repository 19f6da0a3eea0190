"""Postal addresses of the US and UK style, Japanese ones in Latin letters among them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from course_lib.cleaning.privacy.glance import Glance, Span
from course_lib.cleaning.privacy.japanese_addresses import japanese_address_spans

# Words that make a street wherever a house number stands before them; and words that do so only
# in company, because "24 Hour Drive" and "5 Star Way" are no addresses.
_STREETS = "street st avenue ave av road rd boulevard blvd lane ln"
_MAYBE_STREETS = (
    "drive dr court ct way place pl square sq terrace ter circle cir parkway pkwy highway hwy close"
    " crescent cres grove gardens row walk hill mews green park trail loop alley plaza quay"
)
_STREET = f"(?i:{_STREETS.replace(' ', '|')})"
_MAYBE_STREET = f"(?i:{_MAYBE_STREETS.replace(' ', '|')})"
_STATE = (
    r"(?:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|PR|RI"
    r"|S[CD]|T[NX]|UT|V[AIT]|W[AIVY])"
)
_STATE_NAME = (
    r"(?:Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia"
    r"|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts"
    r"|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New (?:Hampshire|Jersey"
    r"|Mexico|York)|(?:North|South) (?:Carolina|Dakota)|Ohio|Oklahoma|Oregon|Pennsylvania"
    r"|Rhode Island|Tennessee|Texas|Utah|Vermont|Virginia|Washington|West Virginia|Wisconsin"
    r"|Wyoming)"
)
_AMERICAN_ZIP = r"[0-9]{5}(?:-[0-9]{4})?(?![0-9])"
_BRITISH = r"[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}(?![A-Za-z0-9])"
_CANADIAN = r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9](?![A-Za-z0-9])"
_AUSTRALIAN = r"(?:NSW|VIC|QLD|SA|WA|TAS|ACT)\s+[0-9]{4}(?![0-9])"
_ZIP = rf"(?:(?:{_STATE}|{_STATE_NAME}),?\s+{_AMERICAN_ZIP}|{_BRITISH}|{_CANADIAN}|{_AUSTRALIAN})"
_UNIT = (
    r"(?:(?i:apartment|apt|suite|ste|unit|flat|floor|room|rm|bldg)\.?\s?#?|#\s?)"
    r"(?=[A-Z]?-?[0-9]|[A-Z](?![A-Za-z]))[A-Za-z0-9-]{1,5}"
)
_DIRECTION = r"(?:[NSEW]{1,2}\.?|North|South|East|West)(?![A-Za-z])"
_WORD = r"(?:[A-Z][A-Za-z'.-]*|[0-9]{1,3}(?i:st|nd|rd|th))"
_ANY_WORD = r"(?:[A-Za-z][A-Za-z'.-]*|[0-9]{1,3}(?i:st|nd|rd|th))"
_HOUSE = r"[0-9]{1,6}(?:[A-Za-z]|-[0-9]{1,4}|\s1/2)?,?\s"
_TOWN = (
    r"(?!(?:Please|Thanks?|I|And|But|The|We|My|It|If|So|Is|Can|Do|Not|Or|You|They|He|She)(?![a-z]))"
    r"[A-Z][A-Za-z'.-]+(?:\s[A-Z][A-Za-z'.-]+){0,3}"
)
_TO_ZIP = rf"(?:,?\s+{_UNIT})?(?:,?\s+{_TOWN}){{0,3}}?,?\s+{_ZIP}"
# Without a postcode, a town counts as one only behind a comma and before a pause.
_TO_TOWN = (
    rf"(?:,?\s{_UNIT})?"
    rf"(?:,\s{_TOWN}(?=[,.;:!?)\n]|$|\s(?:by|until|please|and|in|from|on|now)(?![a-z]))){{0,2}}"
)
_PATTERNS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_HOUSE}(?:{_DIRECTION}\s)?(?:{_WORD}\s){{1,4}}?{_STREET}(?![A-Za-z])\.?"
        rf"(?:\s{_DIRECTION})?(?:{_TO_ZIP}|{_TO_TOWN})",
        rf"{_HOUSE}(?:{_DIRECTION}\s)?(?:{_WORD}\s){{1,4}}?{_MAYBE_STREET}(?![A-Za-z])\.?"
        rf"(?:\s{_DIRECTION})?(?:{_TO_ZIP}|,?\s{_UNIT}{_TO_TOWN})",
        # In small letters: only with the state and the code behind.
        rf"{_HOUSE}(?:{_ANY_WORD}\s){{1,3}}?(?:{_STREET}|{_MAYBE_STREET})(?![A-Za-z])\.?"
        rf"(?:,?\s{_UNIT})?(?:,?\s{_ANY_WORD}){{1,3}}?,?\s(?i:{_STATE}),?\s{_AMERICAN_ZIP}",
        # A house number and a postcode hold together what reads like places between them.
        rf"{_HOUSE}(?:{_WORD}\s?){{1,5}}(?:,?\s+{_UNIT})?(?:,\s*{_TOWN}){{1,4}},?\s+{_ZIP}",
    )
)
_TOLD = re.compile(
    r"(?:live|living|stay(?:ing)?|house|home|address|ship|send|deliver(?:y|ed)?|mail|moved|moving"
    r"|located)(?:ed)?(?: (?:it|them|this|that|me))?(?: (?:is|was|to|at|in|on))?"
    r"(?: (?:now|number))?[:\s]+(?:is |at |to )?$",
    re.IGNORECASE,
)
_AS_TOLD = re.compile(
    rf"{_HOUSE}(?:{_ANY_WORD}\s){{1,3}}?(?:{_STREET}|{_MAYBE_STREET})(?![A-Za-z])\.?"
    rf"(?:,?\s{_UNIT})?(?:(?:,?\s{_ANY_WORD}){{1,3}}?,?\s"
    rf"(?:(?i:{_BRITISH})|{_ZIP}|[a-z]{{2}} {_AMERICAN_ZIP}))?{_TO_TOWN}"
)
_BOX = re.compile(rf"(?i:p\.? ?o\.? ?box)\s?#?[0-9]{{1,6}}(?:(?:,?\s+{_TOWN}){{0,2}}?,?\s+{_ZIP})?")
_ROMAN = re.compile(
    rf"{_HOUSE[:-4]}(?:-[0-9]{{1,4}}){{0,3}},?\s(?:[A-Z][A-Za-z]+(?:-[A-Za-z]+)?,?\s?){{0,3}}"
    r"[A-Z][A-Za-z]+-(?:ku|shi|cho|machi|mura|gun|to|ken|fu)(?![A-Za-z])"
    r"(?:,?\s[A-Z][A-Za-z]+(?:-[a-z]+)?){0,3}(?:,?\s〒?[0-9]{3}-[0-9]{4})?(?:,?\sJapan)?"
)
_UNIT_BEFORE = re.compile(rf"{_UNIT},?\s$")
_ROMAN_SIGNS = ("-ku", "-shi", "-cho", "-machi", "-mura", "-gun")
# Cheap looks before the dear ones: a house number with a word behind, the end of a postcode.
_HOUSE_SIGN = re.compile(
    r"[0-9](?<![0-9A-Za-z$€£¥#.,:/-].)(?<![0-9]\s.)[0-9]{0,5}"
    r"(?:[A-Za-z]|-[0-9]{1,4}|(?:-[0-9]{1,4}){2,3}|\s1/2)?,?\s(?=[A-Z0-9a-z])"
)
_STREET_WORDS = frozenset(f"{_STREETS} {_MAYBE_STREETS}".split())
_WORDS = re.compile("[a-z]+")
_ZIP_SIGN = re.compile(
    r"[0-9](?:(?<=\s.)[0-9]{4}(?![0-9])|(?<=[A-Z]\s.)[0-9]{3}(?![0-9])"
    r"|[A-Z][A-Z0-9](?![A-Za-z0-9]))"
)


def address_spans(seen: Glance) -> Iterator[Span]:
    """Where postal addresses are: a house number with its street, or 番地 with its town.

    Args:
        seen: The folded text.

    Yields:
        Spans, which may overlap, of whole addresses, postal code and building included. A town or
        a postal code alone is nobody's address.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> found = set(address_spans(glance("住所は東京都渋谷区神南1-2-3です")))
        >>> sorted(found)
        [(3, 16)]
    """
    if not seen.text.isascii():
        yield from japanese_address_spans(seen.text)
    if not seen.digits:
        return
    if "box" in seen.low:
        yield from (match.span() for match in _BOX.finditer(seen.text))
    if _HOUSE_SIGN.search(seen.text) is not None:
        yield from _western_spans(seen.text, seen.low)


def _western_spans(text: str, low: str) -> Iterator[Span]:
    street = not _STREET_WORDS.isdisjoint(_WORDS.findall(low))
    roman = any(sign in low for sign in _ROMAN_SIGNS)
    if not street and not roman and ("," not in text or _ZIP_SIGN.search(text) is None):
        return
    for house in _HOUSE_SIGN.finditer(text):
        start = house.start()
        patterns = [*_PATTERNS, _ROMAN] if roman else _PATTERNS
        if street and _TOLD.search(text, max(0, start - 40), start):
            patterns = [*patterns, _AS_TOLD]
        ends = [match.end() for match in (p.match(text, start) for p in patterns) if match]
        if ends:
            unit = _UNIT_BEFORE.search(text, max(0, start - 20), start)
            yield unit.start() if unit else start, max(ends)
