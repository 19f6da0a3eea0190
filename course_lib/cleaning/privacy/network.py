"""Addresses of machines: IP version 4 and 6."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from course_lib.cleaning.privacy.glance import Glance, Span

_IPV4 = re.compile(
    r"(?<![0-9A-Za-z/_-])(?<![0-9A-Za-z]\.)(?:::ffff:)?[0-9]{1,3}(?:\.[0-9]{1,3}){3}"
    r"(?![0-9A-Za-z_]|\.[0-9A-Za-z]|-[A-Za-z])"
)
_IPV6 = re.compile(
    r"(?<![0-9A-Za-z_.])(?<!::)(?<![0-9]:)(?:[23][0-9a-f]{3}|fe[89ab][0-9a-f]|f[cd][0-9a-f]{2})"
    r"(?::[0-9a-f]{0,4}){2,7}(?![0-9A-Za-z])",
    re.IGNORECASE,
)
# The roots of the object identifiers that certificates are full of.
_OBJECT = re.compile(r"1\.[23]\.|2\.5\.")
_VERSION = re.compile(
    r"(?i:(?<![a-z])(?:v|ver\.?|versions?|release|build|firmware|driver|sdk|section|sec\.|chapter"
    r"|rule|figure|table|clause|§|oid)|バージョン|版|ファームウェア|第|Ver\.?)[\s.:=はが]*$"
)
_IP_WORD = re.compile(r"(?i:(?<![a-z])ip|host|server|address|ping|ssh|dns|アドレス|サーバ|接続)")
# Addresses that are everybody's: resolvers of the great providers.
_PUBLIC = frozenset(("8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9"))


def ip_address_spans(seen: Glance) -> Iterator[Span]:
    """Where IP addresses are, of version 4 and 6; not loopback, netmasks, networks and versions.

    Args:
        seen: The folded text.

    Yields:
        Spans of the addresses, without port or prefix length.

    Example:
        >>> from course_lib.cleaning.privacy.glance import glance
        >>> list(ip_address_spans(glance("203.0.113.7 runs version 1.2.3.4")))
        [(0, 11)]
    """
    text = seen.text
    if text.count(".") >= 3:
        for match in _IPV4.finditer(text):
            if _is_host(
                match.group(),
                text[max(0, match.start() - 24) : match.start()],
                text[match.end() : match.end() + 4],
            ):
                yield match.span()
    if text.count(":") >= 2:
        for match in _IPV6.finditer(text):
            # 2001:db8:: is a network, many households.
            written = "" if match.group().endswith("::") else match.group().rstrip(":")
            try:
                ipaddress.IPv6Address(written)
            except ValueError:
                continue
            yield match.start(), match.start() + len(written)


def _is_host(written: str, before: str, behind: str) -> bool:
    dotted = written.removeprefix("::ffff:")
    try:
        address = ipaddress.IPv4Address(dotted)
    except ValueError:
        return False
    network = bool(re.match("/[0-9]", behind)) and dotted.endswith(".0")
    if address.is_loopback or address.is_unspecified or dotted.startswith("255.") or network:
        return False
    if dotted in _PUBLIC or _VERSION.search(before):
        return False
    # 3.2.2.10 is a version or a section, unless something says that it is a machine.
    large = len(dotted.partition(".")[0]) == 3 or sum(len(p) > 1 for p in dotted.split(".")) >= 2
    if dotted.startswith("0."):
        return False
    return (large and not _OBJECT.match(dotted)) or bool(_IP_WORD.search(before))
