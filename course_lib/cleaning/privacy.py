"""Mask personal data and secrets with typed placeholders: [EMAIL], [PHONE], [CARD], [API_KEY].

A model recites what it was trained on, so private values must go before training. Patterns
look around for ASCII letters instead of using \\b, which does not fire between kana and ASCII,
and they match on an NFKC view, because Japanese customers type ０９０－…. Secrets are known by
their format alone: entropy rules flag nearly every ordinary answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import phonenumbers

from course_lib.cleaning.normalise import view
from course_lib.cleaning.rule import Repair

Span = tuple[int, int]

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9_][A-Za-z0-9._%+-]{0,63}"
    r"(?:@| ?[\[(] ?at ?[\])] ?)"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})(?:\.| ?[\[(] ?dot ?[\])] ?)){1,5}[A-Za-z]{2,24}"
    r"(?![A-Za-z0-9])"
)
_CARD = re.compile(r"(?<![0-9A-Za-z+.-])[2-6](?:[ .-]?[0-9]){12,18}(?![0-9A-Za-z])")
_SECRETS = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    r"sk-(?:[a-z]+-)*[A-Za-z0-9_-]{16,}"  # OpenAI, Anthropic
    r"|[a-z]{2,12}_(?:live|test|prod|key|secret|api)_[A-Za-z0-9_]{10,}"  # Stripe and its kin
    r"|(?:AKIA|ASIA)[0-9A-Z]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[A-Za-z0-9_-]{30,}|hf_[A-Za-z0-9]{20,}"
    r"|npm_[A-Za-z0-9]{20,}|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}"  # a JSON web token
    r")(?![A-Za-z0-9])"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
    re.DOTALL,
)
_NAMED_SECRET = re.compile(
    r"(?i:api[ _-]?key|access[ _-]?token|secret|api ?キー|トークン)"
    r"(?:\s*(?:is|was|は|が|:|=|：)\s*){1,2}[\"'「]?"
    r"((?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{16,})"
)
# Written with the separators people use, so that 20240115 or a price is not a phone number.
_PHONE = re.compile(
    r"(?<![0-9A-Za-z#/.-])(?:"
    r"\+[1-9][0-9]{0,2}[ .-]?(?:\(0?[0-9]{1,4}\)[ .-]?)?[0-9]{1,4}(?:[ .-]?[0-9]{2,4}){1,4}"
    r"|0[0-9]{1,4}[ .-][0-9]{1,4}[ .-][0-9]{3,4}|0[0-9]{1,3}\([0-9]{1,4}\)[0-9]{3,4}"
    r"|\(0[0-9]{1,4}\) ?[0-9]{1,4}[ -]?[0-9]{3,4}"
    r"|0[5789]0[0-9]{8}|0120[0-9]{6}"
    r"|(?:1[ .-])?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .-])[0-9]{3}[ .-][0-9]{4}"
    r")(?![0-9A-Za-z/]|[.-][0-9])"
)
_BARE_PHONE = re.compile(
    r"(?i:phone|call|tel|text|mobile|number is|reach|電話|携帯|TEL)[^0-9\n]{0,24}"
    r"(\+?[0-9][0-9 ().-]{5,16}[0-9])(?![0-9])"
)
# Dates either way round, and columns of decimals.
_OTHER_NUMBERS = re.compile(
    r"^(?:19|20)[0-9]{2}[ .-][0-9]{1,2}[ .-][0-9]{1,4}$"
    r"|^[0-9]{1,2}[. -][0-9]{1,2}[. -](?:19|20)[0-9]{2}"
    r"|[0-9]\.[0-9]{1,2} +[0-9]"
)
_NOT_A_PHONE = re.compile(
    r"(?i:order|ticket|invoice|tracking|serial|isbn|jan|sku|case|ref|item|model|〒|郵便番号"
    r"|注文|受付|追跡|伝票|問い合わせ|品番|型番|製造|管理)[^0-9\n。.!?！？]{0,14}$"
)


def email_spans(text: str) -> Iterator[Span]:
    """Where the e-mail addresses of a folded text are, "taro (at) mail (dot) jp" included."""
    yield from (match.span() for match in _EMAIL.finditer(text) if _is_address(match.group()))


def _is_address(text: str) -> bool:
    # "2 at a time" has no dot; the pattern demands one, but "(at)" alone may join sentences.
    return "@" in text or bool(re.search(r"[\[(] ?dot ?[\])]|\.", text))


def card_spans(text: str) -> Iterator[Span]:
    """Where payment card numbers are: 13 to 19 digits whose Luhn check digit is right."""
    for match in _CARD.finditer(text):
        digits = [int(character) for character in match.group() if character.isdigit()]
        if luhn(digits) and len(set(digits)) > 1:
            yield match.span()


def luhn(digits: list[int]) -> bool:
    """Check the last digit of a card number: double every second digit from the right.

    >>> luhn([4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2])
    True
    """
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def api_key_spans(text: str) -> Iterator[Span]:
    """Where secrets of a known format are, or what stands behind "API key:"."""
    yield from (match.span() for match in _SECRETS.finditer(text))
    yield from (match.span(1) for match in _NAMED_SECRET.finditer(text))


def phone_spans(text: str) -> Iterator[Span]:
    """Where phone numbers are: written as one, or valid in Japan or the United States."""
    if sum(map(str.isdigit, text)) < 7:
        return
    found = [match.span() for match in _PHONE.finditer(text)]
    for match in _BARE_PHONE.finditer(text):
        if 7 <= sum(map(str.isdigit, match.group(1))) <= 15:
            found.append(match.span(1))
    for region in ("JP", "US"):
        for number in phonenumbers.PhoneNumberMatcher(text, region):
            # A bare run of digits is as likely an order number: those need the word "phone".
            if re.search(r"[ ().+-]", number.raw_string) or number.raw_string.startswith("0"):
                # The matcher takes an opening bracket of the sentence for one of the number.
                raw = number.raw_string
                opened = raw.startswith("(") and raw.count("(") > raw.count(")")
                found.append((number.start + opened, number.end))
    for start, end in found:
        before, written = text[max(0, start - 30) : start], text[start:end].strip()
        if not _NOT_A_PHONE.search(before) and not _OTHER_NUMBERS.search(written):
            yield start, end


DETECTORS: dict[str, tuple[str, Callable[[str], Iterator[Span]]]] = {
    "email": ("[EMAIL]", email_spans),
    "api_key": ("[API_KEY]", api_key_spans),
    "card": ("[CARD]", card_spans),
    "phone": ("[PHONE]", phone_spans),
}


def mask(text: str, name: str) -> str:
    """Replace every value of one kind by its placeholder.

    Args:
        text: Any text.
        name: A key of `DETECTORS`.

    Returns:
        The text with the whole span of each value replaced.

    Example:
        >>> mask("連絡先はｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐです", "email")
        '連絡先は[EMAIL]です'
    """
    placeholder, detect = DETECTORS[name]
    return _replace(text, detect, lambda _: placeholder)


def hide(text: str) -> str:
    """Blot every private value out, its length kept, for logs that show text as it was.

    >>> hide("Write to a@b.jp")
    'Write to ••••••'
    """
    for _, detect in DETECTORS.values():
        text = _replace(text, detect, lambda value: "•" * len(value))
    return text


def _replace(
    text: str, detect: Callable[[str], Iterator[Span]], write: Callable[[str], str]
) -> str:
    folded = view(text)
    spans = sorted(folded.original_span(*span) for span in detect(folded.text))
    pieces, end = [], 0
    for first, last in spans:
        if first >= end:
            pieces += [text[end:first], write(text[first:last])]
            end = last
        elif last > end:
            end = last  # overlapping finds of one value: swallow its rest too
    return "".join([*pieces, text[end:]]) if spans else text


EMAIL = Repair(
    name="email",
    reason="A customer's address must not be recited to the next customer.",
    before="Write to mina@example.com please.",
    after="Write to [EMAIL] please.",
    repair=lambda text: mask(text, "email"),
)

API_KEY = Repair(
    name="api_key",
    reason="A secret in the training data is a secret published.",
    before="My key is sk-abcdefghijklmnop1234567890.",
    after="My key is [API_KEY].",
    repair=lambda text: mask(text, "api_key"),
)

CARD = Repair(
    name="card",
    reason="Card numbers may not be stored, let alone learnt.",
    before="I paid with 4242 4242 4242 4242.",
    after="I paid with [CARD].",
    repair=lambda text: mask(text, "card"),
)

PHONE = Repair(
    name="phone",
    reason="A phone number points at one person.",
    before="電話は090-1234-5678です。",
    after="電話は[PHONE]です。",
    repair=lambda text: mask(text, "phone"),
)
