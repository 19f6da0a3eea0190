"""API keys and other secrets of a known format, and passwords that a word in front names.

Keys are known by their format alone: entropy rules flag nearly every ordinary answer. The formats
are those that their makers publish for secret scanning, for example
https://docs.github.com/code-security/secret-scanning/introduction/supported-secret-scanning-patterns
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from course_lib.cleaning.privacy.glance import Glance, Span

_MIXED = r"(?=[A-Za-z_-]*[0-9])(?=[0-9_-]*[A-Za-z])"
_FORMATS = re.compile(
    r"(?<![A-Za-z0-9_-])(?:"
    rf"sk-{_MIXED}(?=[A-Za-z0-9_-]*[A-Za-z0-9_]{{14}})[A-Za-z0-9_-]{{16,}}"  # OpenAI, Anthropic
    rf"|[a-z]{{2,12}}_(?:live|test|prod|key|secret|api)_{_MIXED}[A-Za-z0-9]{{10,}}"  # Stripe
    rf"|whsec_{_MIXED}[A-Za-z0-9]{{20,}}"
    r"|(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}"  # AWS
    rf"|gh[pousr]_{_MIXED}[A-Za-z0-9]{{20,}}|github_pat_{_MIXED}[A-Za-z0-9_]{{20,}}"
    rf"|gl(?:pat|dt|rt|ptt|agent|ft|soat|cbt)-{_MIXED}[A-Za-z0-9_-]{{16,}}"
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}"  # Slack
    r"|AIza[A-Za-z0-9_-]{30,}|GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{20,}"  # Google
    rf"|(?:hf|npm)_{_MIXED}[A-Za-z0-9]{{20,}}|pypi-AgE[A-Za-z0-9_-]{{20,}}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"  # SendGrid
    rf"|(?:gsk|r8|xai|nvapi|pplx|tvly|ntn|figd|lin_api|dop_v1|shp(?:at|ca|pa|ss)|glsa|sq0[a-z]{{3}}"
    rf"|rpa|jina|fal|ATATT3|dapi|rdme|hvs|vercel)[_.-]?{_MIXED}[A-Za-z0-9_=-]{{24,}}"
    r"|SK[0-9a-f]{32}|key-[0-9a-f]{32}"  # Twilio, Mailgun
    r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{32,35}"  # Telegram
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JSON web token
    r")(?![A-Za-z0-9])"
)
# Without its last line, the block still ends where the lines of base64 do.
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:.*?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|(?:(?:\s|\\n)*[A-Za-z0-9+/=]{16,})*)",
    re.DOTALL,
)
_NAMED = re.compile(
    r"(?i:(?<![a-z])(?:api|access|secret|auth|private|account|client|bearer|refresh|bot|webhook)"
    r"[ _.-]?(?:access[ _-]?)?(?:key|token|secret)(?:[ _-]?id)?|(?<![a-z])(?:token|secret)(?![a-z])"
    r"|authorization|(?:API|アクセス|シークレット|秘密) ?キー|(?:アクセス|認証|ボット)?トークン"
    r"|シークレット)"
    r"""["']?(?:\s*(?:is|was|は|が|も|:|=|=>|→)\s*|\s*(?=["'「『(])|\s+(?=bearer )){1,2}"""
    r"""(?i:bearer\s+)?["'`「『(]?"""
    r"((?=[A-Za-z_./+=~-]*[0-9])(?=[0-9_./+=~-]*[A-Za-z])[A-Za-z0-9_./+=~-]{16,})"
)
_BEARER = re.compile(r"(?i:bearer) +((?=[A-Za-z_./+~-]*[0-9])[A-Za-z0-9_./+=~-]{16,})")
_LONG_TOKEN = re.compile("[A-Za-z0-9_./+=:-]{16}")
_NAMES = ("key", "token", "secret", "bearer", "キー", "トークン", "シークレット", "authorization")


def api_key_spans(seen: Glance) -> Iterator[Span]:
    """Where secrets of a known format are, or what stands behind "API key:".

    Args:
        seen: The folded text.

    Yields:
        Spans of the secrets alone, without the words that name them.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(api_key_spans(glance("token hf_abcdefghij0123456789 is mine")))
        [(6, 29)]
    """
    text = seen.text
    if "-----BEGIN" in text:
        yield from (match.span() for match in _KEY_BLOCK.finditer(text))
    if _LONG_TOKEN.search(text) is None:
        return
    yield from (match.span() for match in _FORMATS.finditer(text))
    if any(name in seen.low for name in _NAMES):
        for pattern in (_NAMED, _BEARER):
            for match in pattern.finditer(text):
                value = match.group(1).rstrip("./~")
                # A path or a URL behind "key:" is where the key is kept, not the key.
                if not re.match(r"(?i:[./~]|https?:|your|<|\w+\.\w+\.\w+$(?<![0-9]))", value):
                    yield match.start(1), match.start(1) + len(value)


_WORD = (
    r"(?<![A-Za-z])(?:pass(?:word|code|phrase|wd)s?|pwd|passwort|pw)(?![A-Za-z])|(?<![A-Za-z])pass(?=\s?[:=])"
    r"|(?:ログイン|ログオン)?(?:パスワード|パス(?=は|:)|PW)"
)
_CODE_WORD = (
    r"(?<![A-Za-z])(?:pin(?: ?(?:code|number))?|otp|cvv2?|cvc2?"
    r"|(?:one[- ]time|verification|security|login|access|authentication|auth|2fa|sms|confirmation)"
    r" (?:pass)?code|passcode)(?![A-Za-z])"
    r"|暗証番号|(?:認証|確認|検証|セキュリティー?|ワンタイム|PIN)(?:コード|番号)|ワンタイムパスワード"
)
_IS = (
    r"""(?:["'`]?\s*(?:is|was|=>|->|=|:|→|は|が|を)\s*(?:still |now |just |currently |:\s*)?"""
    r"|\s*(?=[「『\"'`(])|'s\s+|は、\s?)"
)
_OPEN = r"""(?P<open>["'`「『(]?)"""
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
    rf"(?P<cue>{_CODE_WORD})(?:{_IS}{_OPEN}|\s*)(?P<value>[0-9]{{3,8}})(?![0-9A-Za-z.,-]?[0-9A-Za-z])",
    re.IGNORECASE,
)
_CODE_NAMES = ("code", "pin", "otp", "cv", "暗証", "コード", "認証", "確認番", "検証", "ワンタイム")
_NO_PASSWORD = frozenset(
    "wrong incorrect correct invalid valid required needed expired missing weak strong safe secure"
    " empty blank too not the and or for with your their still being sent stored saved kept set"
    " reset changed case-sensitive never always also only case important protected encrypted"
    " hashed hidden accepted rejected optional used forgotten lost same different unknown known"
    " default must should will can may have has string text bytes none null true false value"
    " varchar undefined password passwort username user admin@ here there this that what when"
    " where how long short minimum maximum least more than between from into sent. shown"
    " displayed entered given created written kept good fine okay working visible at in on by"
    " masked private secret confidential like just really easy hard simple something"
    " anything nothing everything getpass input os.environ process.env self.password".split()
)
_STRANGE = re.compile(r"[!#$%&*+@^_~|\\]|[a-z][A-Z]|-[0-9]")
_STAND_IN = re.compile(
    r"""^(?:[\[<{%]|\$\{|\$[A-Z_]+$|\.\.|x{3,}|your|[^A-Za-z0-9]+$|https?:)|^[A-Za-z_.]+\(|\]$""",
    re.IGNORECASE,
)
_COUNT = re.compile(
    r"^[0-9]{1,3}(?:[- ]?(?:char|digit|letter|bit|day|to|or|and)|$|[-~][0-9]{1,2}$)"
)
_END = re.compile(
    r"""\s*(?:$|[.,;!?\n)"'。、」』]|です|でした|だ(?!け)|でログ|と(?:いう|な|設)|に(?:し|な))"""
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
        for match in _CODE.finditer(text):
            if not re.match(
                " ?(?:-?digit|char|mm|cm|円|桁|文字|個|回|分|秒|つ)", text[match.end() :]
            ):
                yield match.span("value")


def _cut(value: str, opened: str) -> str:
    """The password without the closing quote, or the punctuation of the sentence around it."""
    if opened:
        close = {"「": "」", "『": "』", "(": ")"}.get(opened, opened)
        return value.partition(close)[0]
    return re.split(r"""["'`]?[,;]$|["'`),;.:?\]}]+$""", value, maxsplit=1)[0]


def _is_password(value: str, match: re.Match[str], behind: str) -> bool:
    bare = value.rstrip("!?").lower()
    if len(bare) < 4 or bare in _NO_PASSWORD or _STAND_IN.search(value) or _COUNT.match(value):
        return False
    if match.group("cue").lower() == "pass" and value.isdigit():
        return False
    if any(character.isdigit() for character in value) or _STRANGE.search(value.rstrip("!")):
        return True
    if " " in value:
        return True
    if not value.isalpha() or not _END.match(behind):
        return False
    # A plain word: a password only where the sentence can mean nothing else.
    if match.group("cue").lower() == "pass":
        return False
    told = match.group("mine") or match.group("open") or ":" in match.group()
    return bool(told or _JAPANESE.search(match.group()))
