"""E-mail addresses, and URLs that carry a secret or an address in their query."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from course_lib.cleaning.privacy.glance import Glance, Span

_LETTER = "A-Za-zÀ-ÖØ-öø-ÿ"
_LOCAL = rf"(?<![{_LETTER}0-9._%+-])[{_LETTER}0-9_+][{_LETTER}0-9._%+'-]{{0,63}}"
_LABEL = rf"[{_LETTER}0-9](?:[{_LETTER}0-9-]{{0,62}})"
_JAPANESE_LABEL = "[ぁ-んァ-ヶー一-龥a-zA-Z0-9-]{1,30}"
_EMAIL = re.compile(
    rf"{_LOCAL}@(?:(?:{_LABEL}\.){{1,6}}[A-Za-z]{{2,24}}|{_JAPANESE_LABEL}\.(?:jp|com|net))"
    r"(?![A-Za-z0-9])"
)
# Written out by hand, an address needs an ending that everybody knows.
_ENDING = (
    "(?:com|net|org|edu|gov|info|biz|io|co|me|dev|app|ai|jp|uk|us|de|fr|it|es|nl|ca|au|cn|kr|tw"
    "|in|br|ch|at|se|eu|tv)(?![A-Za-z0-9])"
)
_DOT = r"(?:\.|\s?[\[({<]\s?(?:dot|\.|ドット|どっと)\s?[\])}>]\s?| dot | ?(?:ドット|どっと) ?)"
_AT = (
    r"(?:\s?[\[({<]\s?(?:at|a|@|アット(?:マーク)?|あっと(?:まーく)?)\s?[\])}>]\s?"
    r"| ?(?:アット(?:マーク)?|あっと(?:まーく)?|@マーク) ?|[★☆●◆])"
)
_PART = "[A-Za-z0-9_+-]+"
_WRITTEN = re.compile(
    rf"(?<![A-Za-z0-9._%+-]){_PART}(?:{_DOT}{_PART}){{0,3}}{_AT}(?:{_PART}{_DOT}){{1,4}}{_ENDING}",
    re.IGNORECASE,
)
_SPOKEN = re.compile(
    rf"(?<![A-Za-z0-9._%+-]){_PART}(?:(?:\.| dot ){_PART}){{0,3}} at "
    rf"{_PART}(?: dot {_PART}){{0,2}}(?:\.| dot )(?<= dot ){_ENDING}",
    re.IGNORECASE,
)
# "bob @ mail.com": only with the word in front, because shops say "find us @ mail.com" too.
_SPACED = re.compile(
    r"(?i:mail|address|contact|メール|アドレス|連絡先)[^@\n]{0,16}?"
    rf"(?<![A-Za-z0-9._%+-])({_PART}(?:\.{_PART}){{0,3}} ?@ ?{_PART}(?: ?\. ?{_PART}){{0,2}} ?\. ?"
    rf"{_ENDING})"
)


_AT_SIGNS = ("at)", "at]", "at}", "at>", "(a)", "(@", "[@")
_JAPANESE_AT_SIGNS = ("アット", "あっと", "@マーク", "★", "☆", "●", "◆")


def email_spans(seen: Glance) -> Iterator[Span]:
    """Where e-mail addresses are, "taro (at) mail (dot) jp" included.

    Args:
        seen: The folded text.

    Yields:
        Spans of whole addresses. `git@github.com:…` is the name of a server, nobody's address.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(email_spans(glance("Ask a@b.jp or git@github.com:a/b")))
        [(4, 10)]
    """
    text, low = seen.text, seen.low
    if "@" in text:
        for match in _EMAIL.finditer(text):
            domain = match.group().partition("@")[2]
            package = re.match(r"[0-9]+\.[0-9]", domain)  # name@1.2.3-rc
            server = match.group().startswith("git@") and text[match.end() : match.end() + 1] in (
                ":",
                "/",
            )
            if not package and not server:
                yield match.span()
        if "@ " in text or " @" in text:
            yield from (match.span(1) for match in _SPACED.finditer(text))
    signs = _AT_SIGNS if text.isascii() else (*_AT_SIGNS, *_JAPANESE_AT_SIGNS)
    if any(sign in low for sign in signs):
        yield from (match.span() for match in _WRITTEN.finditer(text))
    if " at " in low and " dot " in low:
        yield from (match.span() for match in _SPOKEN.finditer(text))


_URL = re.compile(
    r"(?:(?<![A-Za-z0-9])(?:[a-z][a-z0-9+.-]{1,15}://|www\.)|(?i:https?)://)"
    r"[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%|'-]+"
)
_USER = re.compile(r"^[a-z0-9+.-]+://[^/?#@:\[]*:[^/?#@]+@[A-Za-z0-9\[]", re.IGNORECASE)
_FIELD = re.compile(r"[?&#;]([A-Za-z0-9_.\[\]-]+)=([^&#;]+)")
# Names whose value is a secret whatever it looks like; and names that hold one at times.
_SECRET_FIELDS = re.compile(
    r"(?:^|[_.-])(?:token|pwd|passw(?:or)?d|pass|secret|api_?key|signature|jwt|otp|credential"
    r"|accesskey|access_key|authkey)$",
    re.IGNORECASE,
)
_LONG_FIELDS = re.compile(
    r"(?:^|[_.-])(?:key|code|sig|auth|session|session_?id|sid|invite|reset|ticket|state|hash|t)$",
    re.IGNORECASE,
)
_PHONE_FIELDS = re.compile(r"(?:^|[_.-])(?:phone|tel|mobile|cell)$", re.IGNORECASE)
_STAND_IN = re.compile(
    r"^(?:[<{\[$%*]|x{3,}|\.{2,}|your|my[_-]|some|the[_-]|example|insert|replace|placeholder"
    r"|token$|value$|secret$|password$|changeme|none$|null$|true$|false$)",
    re.IGNORECASE,
)
_TRAILING = ".,;:!?'*|"
_HOOK = re.compile(
    r"^https://(?:hooks\.slack\.com/(?:services|workflows)/|(?:\w+\.)?discord(?:app)?\.com/api/"
    r"webhooks/)[A-Za-z0-9/_-]{16,}"
)


def url_spans(seen: Glance) -> Iterator[Span]:
    """Where URLs are that give something away: a login, a token, an address, a secret webhook.

    Args:
        seen: The folded text.

    Yields:
        Spans of whole URLs; all other URLs are left alone.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(url_spans(glance("http://a.jp/?page=2 http://a.jp/?token=9f8e7d")))
        [(20, 45)]
    """
    if "://" not in seen.text and "www." not in seen.low:
        return
    for match in _URL.finditer(seen.text):
        url = match.group().rstrip(_TRAILING)
        while url.endswith((")", "]")) and not _balanced(url):
            url = url[:-1].rstrip(_TRAILING)
        if _tells(url):
            yield match.start(), match.start() + len(url)


def _balanced(url: str) -> bool:
    return url.count("(") == url.count(")") and url.count("[") == url.count("]")


def _tells(url: str) -> bool:
    user = _USER.match(url)
    if user:
        return not _STAND_IN.match(user.group().rstrip("@").rpartition(":")[2])
    return bool(_HOOK.match(url)) or any(
        _field_tells(name, unquote(value)) for name, value in _FIELD.findall(url)
    )


def _field_tells(name: str, value: str) -> bool:
    if re.search(r"[^@\s]@[^@\s]+\.[A-Za-z]{2,}", value):
        return True
    if _STAND_IN.match(value):
        return False
    if _SECRET_FIELDS.search(name):
        return len(value) >= 4
    digits = sum(map(str.isdigit, value))
    if _LONG_FIELDS.search(name):
        return digits >= 2 and bool(re.fullmatch("[A-Za-z0-9_.~+/=-]{12,}", value))
    return bool(_PHONE_FIELDS.search(name)) and digits >= 7
