"""Passwords, PINs and one-time codes: they look like anything, so the word in front decides."""

from __future__ import annotations

import re
from collections.abc import Iterator

from course_lib.cleaning.privacy.glance import Glance, Span

_WORD = (
    r"(?<![A-Za-z])(?:pass(?:word|code|phrase|wd)s?|pwd|passwort|pw)(?![A-Za-z])"
    r"|(?<![A-Za-z_])pass(?=\s?[:=]|は)"
    r"|(?:ログイン|ログオン)?(?:パスワード|パスコード|パス(?=は|:))"
)
_IS = (
    r"""(?:["'`]?\s*"""
    r"(?:(?:for|of|to|on) (?:[\w-]+ ){1,3}?(?:is|was)|is|was|=>|->|=|:|→|は|が|を)"
    r"\s*(?:still |now |just |currently |:\s*)?"
    r"""|\s*(?=[「"'`(])|'s\s+|は、\s?)"""
)
_OPEN = r"""(?P<open>["'`「(]?)"""
_PASSWORD = re.compile(
    rf"(?P<mine>(?:my|our|his|her|their|wi-?fi|うちの|私の) (?:\w+ )?)?(?P<cue>{_WORD}){_IS}{_OPEN}"
    r"(?P<value>(?:(?<=phrase: \")|(?<=phrase is \"))[^\"\n]{4,64}(?=\")|[!-~]{4,64})",
    re.IGNORECASE,
)
# "Use password Xk9$mmQ2": nothing between, so the value itself must look like one.
_BARE = re.compile(
    r"(?:(?<![A-Za-z])password|パスワード)[ :]{1,2}"
    r"(?=[!-~]*[0-9])(?=[!-~]*[a-z])(?=[!-~]*[A-Z!#$%&*+@^_~-])([!-~]{8,64})",
)
_CODE = re.compile(
    r"(?:(?<![A-Za-z])(?:pin(?: ?(?:code|number))?|otp|cvv2?|cvc2?|passcode"
    r"|(?:one[- ]time|verification|security|login|access|authentication|auth|2fa|sms|confirmation)"
    r" (?:pass)?code)(?![A-Za-z])"
    r"|暗証番号|(?:認証|確認|検証|セキュリティー?|ワンタイム|PIN)(?:コード|番号)"
    rf"|ワンタイムパスワード)(?:{_IS}{_OPEN}|\s*)"
    r"(?P<value>[0-9]{3,8})(?![0-9A-Za-z.,-]?[0-9A-Za-z])"
    r"(?! ?(?:-?digit|char|mm|cm|m |円|桁|文字|個|回|分|秒|つ))",
    re.IGNORECASE,
)
# "Enter 448215 as your verification code."
_CODE_LATER = re.compile(
    r"(?<![0-9A-Za-z])([0-9]{4,8})"
    r"(?= (?:as|is) (?:my|your|the|our) (?:[a-z-]+ ){0,2}(?:code|pin|otp))",
    re.IGNORECASE,
)
_CODE_NAMES = ("code", "pin", "otp", "cv", "暗証", "コード", "認証", "確認番", "検証", "ワンタイム")
# What may stand behind "the password is" and is none.
_NO_PASSWORD = frozenset(
    re.findall(
        r"\S+",
        """
        wrong incorrect correct invalid valid required needed expired missing weak strong safe
        secure empty blank too not the and or for with your their still being sent stored saved
        kept set reset changed case-sensitive never always also only case important protected
        encrypted hashed hidden accepted rejected optional used forgotten lost same different
        unknown known default must should will can may have has here there this that what when
        where how long short minimum maximum least more than between from into shown displayed
        entered given created written good fine okay working visible masked private secret
        confidential like just really easy hard simple something anything nothing everything
        string text bytes none null true false value varchar undefined password passwort passwd
        username user bool boolean char integer number getpass input self
        """,
    )
)
_STRANGE = re.compile(r"[!#$%&*+@^~|\\]|[a-z][A-Z]|-[0-9]")
# Gaps to be filled in, and code: a call, an item, an attribute, a name with "password" in it.
_STAND_IN = re.compile(
    r"""^(?:[\[<{%&]|\$\{|\$[A-Z_]+$|\.\.|x{3,}|your|[^A-Za-z0-9]+$|https?:|[./~]+\w+/)|\]$"""
    r"""|^[A-Za-z_][\w.]*[\[(]|^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+$|_(?:password|passwd|pwd|pass)$""",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"^[0-9]{1,3}(?:[- ]?(?:char|digit|letter|bit|day|to|or|and)|$|[-~][0-9]{1,2}$)"
)
_END = re.compile(
    r"""\s*(?:$|[.,;!?\n)"'。、」]|です|でした|だ(?!け)|でログ|と(?:いう|な|設)|に(?:し|な))"""
)
_JAPANESE = re.compile("[ぁ-んァ-ヶ一-龥]")


def password_spans(seen: Glance) -> Iterator[Span]:
    """Where passwords, PINs and one-time codes are that a word in front names.

    Args:
        seen: The folded text.

    Yields:
        Spans of the passwords alone. "The password is wrong" names none.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(password_spans(glance("The password is wrong; my password is hunter2.")))
        [(38, 45)]
    """
    text, low = seen.text, seen.low
    if "pass" in low or "pw" in low or "パス" in text:
        for match in _PASSWORD.finditer(text):
            value = _cut(match.group("value"), match.group("open"))
            end = match.start("value") + len(value)
            if _is_password(value, match, text[end : end + 12]):
                yield match.start("value"), end
        for match in _BARE.finditer(text):
            value = _cut(match.group(1), "")
            if not _STAND_IN.search(value) and not _COUNT.match(value):
                yield match.start(1), match.start(1) + len(value)
    if seen.digits >= 3 and any(name in low for name in _CODE_NAMES):
        yield from (match.span("value") for match in _CODE.finditer(text))
        yield from (match.span(1) for match in _CODE_LATER.finditer(text))


def _cut(value: str, opened: str) -> str:
    """The password without the closing quote, or the punctuation of the sentence around it."""
    if opened:
        close = {"「": "」", "(": ")"}.get(opened, opened)
        return value.partition(close)[0]
    return re.split(r"""["'`]?[,;]$|["'`),;.:?\]}]+$""", value, maxsplit=1)[0]


def _is_password(value: str, match: re.Match[str], behind: str) -> bool:
    bare = value.rstrip("!?").lower()
    if len(bare) < 4 or bare in _NO_PASSWORD or _STAND_IN.search(value) or _COUNT.match(value):
        return False
    # "Pass" is short for password, and also a road over mountains: 2400 m, or a name.
    short = match.group("cue").lower() in ("pass", "パス")
    if any(character.isdigit() for character in value):
        return not (short and value.isdigit())
    if " " in value or _STRANGE.search(value.rstrip("!")):
        return True
    if short or not value.isalpha() or not _END.match(behind):
        return False
    # A plain word: a password only where the sentence can mean nothing else.
    between = match.string[match.end("cue") : match.start("value")]
    quoted = match.group("open") not in ("", "(")
    told = quoted or match.group("mine") or (":" in between and "\n" not in between)
    return bool(told or _JAPANESE.search(match.group()))
