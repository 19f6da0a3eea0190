"""Names of people, known by the title or the form of address beside them: no list of names.

This finds some names, not all, and takes some other words for names. It is therefore no part of
the cleaner: apply it where missing a name is worse than masking a word too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from course_lib.cleaning.privacy.glance import Glance, Span

_ENGLISH_NAME = (
    r"[A-ZÀ-Þ][A-Za-zÀ-ÿ'-]+"
    r"(?:[ ](?:(?:van|von|de|la|der|di|bin|al) )?"
    r"(?:[A-ZÀ-Þ][A-Za-zÀ-ÿ'-]+|[A-Z]\.?)(?![A-Za-z])){0,2}"
)
_ENGLISH = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?<![A-Za-z])(?:Mr|Mrs|Ms|Mx|Dr|Prof|Miss|Mister|Professor)\.?\s({_ENGLISH_NAME})",
        r"(?<![A-Za-z])(?i:my (?:full )?name is|my name's|name:|i am called|i'm called|signed,?"
        rf"|sincerely,?|(?:kind |best |warm )?regards,?|yours,|cheers,)\s+({_ENGLISH_NAME})",
        r"(?:^|\n)(?:Dear|Hi|Hello)\s"
        rf"((?!All|Team|Customer|Sir|Madam|There|Everyone){_ENGLISH_NAME})\s?[,!:\n]",
    )
)
_KANJI = r"[\u4e00-\u9fff々]"
_KATAKANA = "[ァ-ヴー]{2,8}"
_JAPANESE_NAME = rf"{_KANJI}{{1,4}}(?:[\s・]{_KANJI}{{1,4}})?|{_KATAKANA}(?:[\s・=]{_KATAKANA})?"
_ADDRESSED = re.compile(
    rf"(?<![\u4e00-\u9fff々ァ-ヴー])({_JAPANESE_NAME})\s?"
    r"(?:様(?![々子式相変態])|さま(?!ざま)|さん(?![々ざ])|氏(?!名)|くん|ちゃん|先生|殿(?!堂))"
)
_CALLED = re.compile(
    r"(?:私は|私、|僕は|名前は|氏名は?[:\s]?|名前[:\s]|担当の|(?<=[。、\n])|^)"
    rf"({_JAPANESE_NAME}|[ぁ-ん]{{2,8}}?)(?=と(?:申し|申す|いいます|言います))"
)
_NAMED = re.compile(
    rf"(?:名前は|氏名[は:]\s?|名前:\s?)({_JAPANESE_NAME})(?=です|$|[\n。、])", re.MULTILINE
)
# Words that people are addressed by, or that only look like a name before 様 and さん.
_NO_NAME = re.compile(
    r"(?:お?客|皆|神|王|仏|奥|姫|殿|何|誰|多|同|異|有|模|仕|一|両親|御一行|各位|担当者?|店員|係員|店長"
    r"|社長|部長|先生|業者|職人|大家|隣|娘|息子|母|父|兄|姉|子|医者|看護師|運転手|配達員|郵便屋|本屋"
    r"|花屋|八百屋|患者|巡り|生徒|学生|社員|新人|素人|達人|個人|本人|全員|両者|他人|沢山)"
)


def name_spans(seen: Glance) -> Iterator[Span]:
    """Where names of people are that a title, a greeting or an introduction marks.

    Args:
        seen: The folded text.

    Yields:
        Spans of the names without the title.

    Example:
        >>> from course_lib.cleaning.privacy.glance import Glance
        >>> list(name_spans(Glance("My name is Ann Hill", "my name is ann hill", 0)))
        [(11, 19)]
    """
    text = seen.text
    for pattern in _ENGLISH:
        yield from (match.span(1) for match in pattern.finditer(text))
    if not text.isascii():
        for match in _ADDRESSED.finditer(text):
            if not _NO_NAME.fullmatch(match.group(1)):
                yield match.span(1)
        for pattern in (_CALLED, _NAMED):
            yield from (match.span(1) for match in pattern.finditer(text))
