"""Telephone numbers, written the Japanese, the American and the international way.

Three sources, each behind a cheap screen: a number written with + , a number whose groups are
laid out like a telephone number's (checked by `phonenumbers`, Google's tables of the numbering
plans), and bare digits behind a word such as "call me at".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

import phonenumbers

from course_lib.cleaning.privacy.glance import Glance, Span

_START = r"(?<![0-9A-Za-z])(?<![0-9][.+:,-])(?<![A-Za-z][+-])(?<!#)(?<![^0-9]/)"
_STOP = r"(?![0-9A-Za-z]|[.,:-][0-9]|/[1-9]|-[A-Za-z])"
_EXTENSION = r"(?:\s?(?:ext\.?|x|内線)\s?[0-9]{1,5}(?![0-9]))?"
_PLUS = re.compile(rf"{_START}(?:\+|(?<![0-9] )00)[1-9](?:[ ().-]{{0,3}}[0-9]){{7,14}}(?![0-9])")
_SEPARATOR = r"(?:[ .・-]| - )"
# Groups of digits that begin with the 0 of a trunk call: Japan, Korea, Britain, Australia, Europe.
_TRUNK = re.compile(
    rf"{_START}(?:"
    rf"\(0[0-9]{{1,4}}\) ?[0-9]{{1,4}}{_SEPARATOR}?[0-9]{{3,4}}"
    rf"|0[0-9]{{1,4}} ?\([0-9]{{1,4}}\) ?[0-9]{{3,4}}"
    rf"|0[0-9]{{1,4}}{_SEPARATOR}[0-9]{{1,4}}{_SEPARATOR}[0-9]{{3,4}}"
    r"|0[0-9]{1,4}の[0-9]{1,4}の[0-9]{3,4}"
    r"|0[1-9](?:[ .-][0-9]{2}){4}"
    r"|0[1-9][0-9]{3} [0-9]{6}|0[1-9][0-9]{1,2}[ /][0-9]{7,8}"
    r"|0[1-9][0-9]{8,9}"
    rf"){_EXTENSION}{_STOP}"
)
_AMERICAN = re.compile(
    rf"{_START}(?:\+?1[ .-]?)?(?:\([2-9][0-9]{{2}}\) ?|[2-9][0-9]{{2}}{_SEPARATOR})"
    rf"[2-9][0-9]{{2}}{_SEPARATOR}[0-9]{{4}}{_EXTENSION}{_STOP}"
)
# The word right before a number that has no layout of its own.
_NAME = re.compile(
    r"(?:(?<![a-z])(?:(?:tele)?phone|mob(?:ile?)?|cell|landline|tel|fax|whatsapp|handy"
    r"|(?:my|his|her|our|new|contact|direct) number"
    r"|(?:re)?call|ring|text|txt|sms|reach|dial)(?:'s)?"
    r"(?: (?:me|us|him|her|them|back|(?:my|our|the) [a-z]+))?(?: ?(?:number|no\.?|#))?"
    r"|電話(?:番号)?|携帯(?:番号)?|ケータイ|でんわ|ファックス|℡|着信)"
    r"(?:\s|[:;.,=#→]|\((?![0-9]{1,4}\))|is|are|at|on|under|it's|now|or|は|が|に|、|「){0,8}[(+]?$",
    re.IGNORECASE,
)
_NAMED_LATER = re.compile(
    r",? (?:is|was) (?:my|the|our|his|her) (?:new |old |cell |mobile |home |work |office |phone )?"
    r"(?:phone|number|cell|mobile|landline)(?! of)",
    re.IGNORECASE,
)
_DIGITS = re.compile(rf"[0-9](?:[ ().-]{{0,2}}[0-9]){{6,14}}{_EXTENSION}{_STOP}")
# What numbers are called that are no telephone's; nothing but the verb may stand between.
_NOT_A_PHONE = re.compile(
    r"(?:(?i:(?<![a-z])(?:order|ticket|invoice|track(?:ing)?|serial|s/n|p/n|sn|isbn|issn|jan|ean|upc|sku"
    r"|case|ref(?:erence)?|item|model|part|lot|batch|customer|member|account|booking|policy|claim"
    r"|confirmation|reservation|shipment|parcel|po|rma|imei|product|article|id|cas|zip(?: code)?))"
    r"(?i: ?(?:number|no\.?|num|id|code|#))?|〒|郵便番号"
    r"|(?:追跡|伝票|品番|型番|シリアル|ロット)(?:番号|コード|No\.?|ID|ナンバー)?"
    r"|(?:注文|受付|問い?合わ?せ|製造|管理|会員|顧客|お客様|予約|契約|登録|整理|商品|配送|荷物|受注|請求"
    r"|発注|部品|図面|識別|申込|口座)(?:番号|コード|No\.?|ID|ナンバー)"
    r"|(?<=[一-龥ァ-ヴー])(?<!電話)(?<!携帯)(?<!連絡先)(?<!ダイヤル)(?<!代表)(?<!直通)(?<!自宅)(?<!会社)"
    r"(?<!緊急)(?<!着信)(?<!スマホ)(?<!固定)番号)"
    r"(?i:\s*(?:is|was|are|:|=|#|は|が|の|、|「|\()?){0,2}\s*$"
)
_DATE_OR_TABLE = re.compile(
    r"^(?:19|20)[0-9]{2}[ ./-][0-9]{1,2}[ ./-][0-9]{1,4}"
    r"|^[0-9]{1,2}[. /-][0-9]{1,2}[. /-](?:19|20)[0-9]{2}"
    r"|[0-9]\.[0-9]{1,2} +[0-9]"
    r"|^(?:19|20)[0-9]{2} ?- ?(?:19|20)[0-9]{2}$"
)
# All digits in a row, as code writes them; zeros for a form.
_EXAMPLES = ("0123456789", "0000000000", "00000000000", "01234567890")
_REGIONS = ("JP", "GB", "AU", "KR", "FR", "DE", "IT", "ES")


def phone_spans(seen: Glance) -> Iterator[Span]:
    """Where telephone numbers are.

    Args:
        seen: The folded text.

    Yields:
        Spans, which may overlap, of the numbers, extension included. A number called order,
        ticket, serial and the like is none, unless it is written with +.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> found = set(phone_spans(glance("Tracking 0120-123-456, phone 0120-123-456")))
        >>> sorted(found)
        [(29, 41)]
    """
    text = seen.text
    for first, last, digits in seen.numbers:
        # A bracket or a plus may stand before the first digit, an extension behind the last.
        start, end = max(0, first - 2), last + 12
        before = text[max(0, first - 40) : first]
        if digits >= 8 and (
            "+" in before[-2:] or "+" in text[first:last] or "00" in text[first:last]
        ):
            for match in _PLUS.finditer(text, start, end):
                size = _international_end(match.group())
                after = match.start() + size
                decimal = re.match("[.,][0-9]", text[after : after + 2])
                if size and not decimal and (match.group()[0] == "+" or _may_call(text, match)):
                    yield match.start(), match.start() + size
        if digits >= 9 and "0" in text[first:last]:
            for match in _TRUNK.finditer(text, start, end):
                if _may_call(text, match) and _is_local(match.group()):
                    yield match.span()
        if digits >= 10 and last - first > digits:
            for match in _AMERICAN.finditer(text, start, end):
                if _may_call(text, match):
                    yield match.span()
        named = _NAME.search(before) or _NAMED_LATER.match(text, last)
        number = _DIGITS.match(text, first, end) if named else None
        if (
            number
            and not _NOT_A_PHONE.search(before.rstrip("(+"))
            and not _DATE_OR_TABLE.search(number.group())
            and not _steps(number.group())
        ):
            # A bracket in front belongs to the number only if it closes within.
            sign = before[-1:] == "+" or (before[-1:] == "(" and ")" in number.group())
            yield first - sign, number.end()


def _may_call(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - 30) : match.start()]
    return not _NOT_A_PHONE.search(before) and not _DATE_OR_TABLE.search(match.group())


def _is_local(written: str) -> bool:
    """Whether a number with a trunk 0 is laid out or dialled as one of the regions does it."""
    number = re.split("ext|x|内線", written)[0]
    digits = re.sub("[^0-9]", "", number)
    if not 9 <= len(digits) <= 12 or digits in _EXAMPLES or _steps(number):
        return False
    regions = _REGIONS if len(digits) < len(number) else ("JP",)
    if len(digits) == 11 and digits.startswith("07"):
        # British mobiles; the tables refuse the range that films use.
        return len(digits) < len(number) or any(_valid(digits, region) for region in ("JP", "GB"))
    return any(_valid(digits, region) for region in regions)


def _steps(written: str) -> bool:
    """Whether the groups count up in equal steps, as 01 02 03 04 05 and 10 20 30 40 do."""
    groups = [int(group) for group in re.findall("[0-9]+", written)]
    steps = {after - before for before, after in pairwise(groups)}
    return len(groups) >= 4 and len(steps) == 1


@lru_cache(maxsize=4096)
def _valid(digits: str, region: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(digits, region))
    except phonenumbers.NumberParseException:
        return False


def _international_end(written: str) -> int:
    """Where a number written with + ends: at the last group that leaves a dialable number."""
    plain = written if written[0] == "+" else "+" + written[2:]
    shift = len(written) - len(plain)
    if written[0] != "+" and not re.search("[ ().-]", written):
        return 0
    ends = [group.end() for group in re.finditer("[0-9]+", plain)]
    for test in (phonenumbers.is_valid_number, phonenumbers.is_possible_number):
        for end in reversed(ends):
            digits = sum(map(str.isdigit, plain[:end]))
            if not 8 <= digits <= 15:
                continue
            try:
                number = phonenumbers.parse(plain[:end].replace("(0)", ""), None)
            except phonenumbers.NumberParseException:
                continue
            if test(number):
                return end + shift
    return 0
