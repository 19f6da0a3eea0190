"""Payment cards, IBANs and bank accounts: numbers with a check digit, or a word in front."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from course_lib.cleaning.privacy.glance import Glance, Span

_CARD = re.compile(
    r"[2-6](?<![0-9A-Za-z].)(?<![0-9A-Za-z][.+/_-].)(?<!\+.)"
    r"[0-9](?:(?: ?[.-] ?| {1,2})?[0-9]){11,17}"
)
_CARD_WORD = re.compile(
    r"(?:card|visa|master|amex|credit|debit|カード|クレカ|JCB|クレジット)", re.I
)
_NO_CARD = re.compile(
    r"(?:order|track(?:ing)?|serial|imei|iccid|isbn|ean|jan|sku|usps|ups|fedex|注文|追跡|伝票|製造"
    r"|シリアル)(?: ?(?:number|no\.?|#|番号|コード))?\s*(?:is|:|=|#|は|が|、)?\s*$",
    re.I,
)


def card_spans(seen: Glance) -> Iterator[Span]:
    """Where payment card numbers are: a prefix and a length that a brand uses, and a Luhn digit.

    Args:
        seen: The folded text.

    Yields:
        Spans of the numbers. Lengths that only few cards have (13, 17 to 19 digits) need a word
        such as "card" before them, because one number in ten passes the Luhn check by chance.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(card_spans(glance("4242 4242 4242 4242 12/27")))
        [(0, 19)]
    """
    match = _CARD.search(seen.text)
    while match:
        end = _card_end(seen.text, match)
        if end:
            yield match.start(), end
        # The next number may begin within this run of digits.
        match = _CARD.search(seen.text, end or match.start() + 1)


def _card_end(text: str, match: re.Match[str]) -> int:
    """Where the card number that begins with a run of digits ends; 0 where none begins there."""
    before = text[max(0, match.start() - 40) : match.start()]
    named = bool(_CARD_WORD.search(before))
    if not named and _NO_CARD.search(before):
        return 0
    places = [place for place in range(*match.span()) if text[place].isdigit()]
    for length in (16, 15, 14, 19, 18, 17, 13):
        if len(places) < length:
            continue
        end = places[length - 1] + 1
        number = [int(text[place]) for place in places[:length]]
        if (
            _ends(text, end)
            and _brand(number, named)
            and luhn(number)
            and _grouped(text[match.start() : end], named)
        ):
            return end
    return 0


def luhn(digits: Sequence[int]) -> bool:
    """Check the last digit of a card number: double every second digit from the right.

    Args:
        digits: The whole number, check digit last.

    Returns:
        Whether the sum of the digits of the products is a multiple of 10 (ISO/IEC 7812-1).

    Example:
        >>> luhn([4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2])
        True
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _ends(text: str, end: int) -> bool:
    behind = text[end : end + 2]
    return not re.match("[0-9A-Za-z]|[.][0-9]|-[0-9A-Za-z]", behind)


def _brand(number: list[int], named: bool) -> bool:
    """Whether a brand issues numbers of this prefix and length (ISO/IEC 7812-1 ranges)."""
    two, three = number[0] * 10 + number[1], number[0] * 100 + number[1] * 10 + number[2]
    four = three * 10 + number[3]
    if len(set(number)) == 1:
        return False
    if len(number) == 16:
        return (
            number[0] == 4
            or 51 <= two <= 55
            or 2221 <= four <= 2720
            or 3528 <= four <= 3589
            or two in (62, 65)
            or 644 <= three <= 649
            or four == 6011
            or (named and two in (50, 56, 57, 58, 60, 63, 66, 67, 68, 69))
        )
    if len(number) == 15:
        return two in (34, 37)
    if len(number) == 14:
        return two in (36, 38, 39) or 300 <= three <= 305
    return named and (number[0] == 4 or two in (50, 62, *range(56, 70)))


def _grouped(written: str, named: bool) -> bool:
    groups = [len(group) for group in re.findall("[0-9]+", written)]
    if len(groups) == 1:
        return True
    return (len(groups) <= 5 and min(groups[:-1]) >= 4 and groups[-1] >= 1) or named


# Length of an IBAN by country: the registry of ISO 13616, kept by SWIFT.
_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in {
        "15": "NO",
        "16": "BE",
        "18": "DK FI FO GL NL SD",
        "19": "MK SI",
        "20": "AT BA EE KZ LT LU MN XK",
        "21": "CH HR LI LV",
        "22": "BG BH CR DE GB GE IE ME RS VA",
        "23": "AE GI IL IQ OM SO TL",
        "24": "AD CZ ES MD PK RO SA SE SK TN VG",
        "25": "LY PT ST",
        "26": "IS TR",
        "27": "BI DJ FR GR IT MC MR SM",
        "28": "AL AZ BY CY DO GT HU LB NI PL SV",
        "29": "BR EG PS QA UA",
        "30": "JO KW MU YE",
        "31": "MT SC",
        "32": "LC",
        "33": "RU",
    }.items()
    for country in countries.split()
}
# The search starts at the check digits, which are rarer than letters.
_IBAN = re.compile(r"[0-9](?<=(?<![A-Za-z0-9])[A-Za-z]{2}[0-9])[0-9](?:[ -]?[A-Za-z0-9]){11,30}")


def iban_spans(seen: Glance) -> Iterator[Span]:
    """Where IBANs are: the right length for the country, and 1 as the rest of mod 97.

    Args:
        seen: The folded text.

    Yields:
        Spans of the numbers, with or without the spaces of the printed form.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(iban_spans(glance("Pay to DE89 3704 0044 0532 0130 00, please")))
        [(7, 34)]
    """
    text = seen.text
    for match in _IBAN.finditer(text):
        start = match.start() - 2
        length = _IBAN_LENGTHS.get(text[start : start + 2].upper())
        places = [place for place in range(start, match.end()) if text[place].isalnum()]
        if length is None or len(places) < length:
            continue
        end = places[length - 1] + 1
        if not re.match("[A-Za-z0-9]", text[end : end + 1]) and mod97(text[start:end]) == 1:
            yield start, end


def mod97(iban: str) -> int:
    """The remainder that shows a mistyped IBAN (ISO 7064): 1 for a right one.

    Args:
        iban: The number, spaces and dashes allowed.

    Returns:
        0 to 96: the first four characters go last, letters become 10 to 35, then modulo 97.

    Example:
        >>> mod97("GB82 WEST 1234 5698 7654 32")
        1
    """
    plain = "".join(character for character in iban.upper() if character.isalnum())
    return int("".join(str(int(character, 36)) for character in plain[4:] + plain[:4])) % 97


_JAPANESE_ACCOUNT = re.compile(
    r"(?:口座(?:番号|No\.?)?|(?:普通|当座|貯蓄)(?:預金|口座)?(?:番号)?|\((?:普通?|当座?)\))"
    r"(?:番号)?[\s:はがのNno.#()「、]{0,6}"
    r"([0-9]{6,8}|[0-9]{3}[ -][0-9]{4})(?![0-9円通個件人年]|[,.-][0-9])"
)
_POST_ACCOUNT = re.compile(
    r"(?:記号|ゆうちょ(?:銀行)?(?=[\s:]{0,2}1))[\s:はが]{0,4}([01][0-9]{4}(?:-[0-9])?)"
    r"(?:[\s、,・/-]{0,4}番号[\s:はが]{0,4}|[\s-]{1,2})([0-9]{1,8})(?![0-9])"
)
_BANK_WORDS = (
    "bank",
    "routing",
    "sort code",
    "checking",
    "savings",
    "wire",
    "swift",
    "iban",
    "bic",
)
_ACCOUNT = re.compile(
    r"(?i:(?<![a-z])(?:account|acct\.?|a/c)(?: (?:number|no\.?|num|#))?)"
    r"(?i:\s*(?:is|was|:|=|#)?\s*\(?)([0-9](?:[ -]?[0-9]){5,16})(?![0-9])"
)
_ROUTING = re.compile(r"(?i:routing|aba|transit)(?i:[ a-z#.:=]{0,16})([0-9]{9})(?![0-9])")
_SORT_CODE = re.compile(
    r"(?i:sort[ -]?code)(?i:\s*(?:is|was|:|=)?\s*\(?)([0-9]{2}([ -]?)[0-9]{2}\2[0-9]{2})(?![0-9])"
)


def bank_account_spans(seen: Glance) -> Iterator[Span]:
    """Where bank account numbers are that a word in front names: 普通 1234567, sort code 20-00-00.

    Args:
        seen: The folded text.

    Yields:
        Spans of the digits; the names of bank and branch stay.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(bank_account_spans(glance("普通預金 1234567")))
        [(5, 12)]
    """
    text, low = seen.text, seen.low
    if not text.isascii() and ("口座" in text or "普" in text or "当" in text or "貯蓄" in text):
        yield from (match.span(1) for match in _JAPANESE_ACCOUNT.finditer(text))
    if "記号" in text or "ゆうちょ" in text:
        for match in _POST_ACCOUNT.finditer(text):
            yield match.span(1)
            yield match.span(2)
    if any(word in low for word in _BANK_WORDS):
        for pattern in (_ACCOUNT, _ROUTING, _SORT_CODE):
            yield from (match.span(1) for match in pattern.finditer(text))
