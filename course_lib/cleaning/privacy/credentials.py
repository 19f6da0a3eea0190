"""API keys and other secrets: of a known format, or behind a word that names them.

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
    r"|[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}"  # Discord
    r"|[0-9]{8,10}:AA[A-Za-z0-9_-]{32,35}"  # Telegram
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"  # a JSON web token
    r")(?![A-Za-z0-9])"
)
# Without its last line, the block still ends where the lines of base64 do.
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"(?:\s|\\n|[\"'+])*(?:[A-Z][A-Za-z-]+: [^\n]{0,80}\s+)*[A-Za-z0-9+/=]{16,}"
    r"(?:[^-]{0,12000}?-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"|(?:(?:\s|\\n)*[A-Za-z0-9+/=]{16,})*)"
)
_NAMED = re.compile(
    r"(?i:(?<![a-z])(?:api|access|secret|auth|private|account|client|bearer|refresh|bot|webhook)"
    r"[ _.-]?(?:access[ _-]?)?(?:key|token|secret)(?:[ _-]?id)?|(?<![a-z])(?:token|secret)(?![a-z])"
    r"|authorization|(?:API|アクセス|シークレット|秘密) ?キー|(?:アクセス|認証|ボット)?トークン"
    r"|シークレット)"
    r"""["']?(?: ?(?:is|was|は|が|も|:|=|=>|→)\s?| ?(?=["'「『(])| (?=bearer )){1,2}"""
    r"""(?i:bearer\s+)?["'`「『(]?"""
    r"((?=[A-Za-z_/+=~-]*[0-9])(?=[0-9_/+=~-]*[A-Za-z])[A-Za-z0-9_/+=~-]{16,})"
    r"(?![A-Za-z0-9_/+=~-]|[.(][A-Za-z0-9_)])"
)
# "aws secret wJalr…": nothing between, so only what cannot be a word.
_BARE = re.compile(
    r"(?i:(?<![a-z])(?:secret|token|key)) "
    r"((?=[!-~]*[0-9][!-~]*[0-9])(?=[!-~]*[a-z])(?=[!-~]*[A-Z])[A-Za-z0-9_/+=-]{24,})(?![A-Za-z0-9.(])"
)
_BEARER = re.compile(r"(?i:bearer) +((?=[A-Za-z_./+~-]*[0-9])[A-Za-z0-9_./+=~-]{16,})")
_LONG_TOKEN = re.compile("[A-Za-z0-9_./+=:-]{16}")
# A path or a URL behind "key:" is where the key is kept, not the key.
_ELSEWHERE = re.compile("[./~]|https?:|your", re.IGNORECASE)
_CASES = re.compile("[A-Z]?[a-z]+|[A-Z]+")
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
        for pattern in (_NAMED, _BARE, _BEARER):
            for match in pattern.finditer(text):
                value = match.group(1).rstrip("./~")
                if not _ELSEWHERE.match(value) and not _reads(value):
                    yield match.start(1), match.start(1) + len(value)


def _reads(value: str) -> bool:
    """Whether a value is made of words, as entity_mask2_token is: a name in code, not a secret."""
    words = _CASES.findall(value)
    named = "_" in value or not value.islower()
    return sum(map(len, words)) >= (3.5 if named else 6) * len(words)
