"""Markdown debris: what a converter or a broken copy leaves behind in text that is sound.

Bold, lists, links and code are how answers are written, and stay. Only what renders as a stray
sign is taken: a ** that nothing closes, a link to nowhere, a comment, a fence around nothing.
"""

from __future__ import annotations

import re

from course_lib.cleaning.rule import Repair

_CODE = re.compile(r"^[ \t>]*(`{3,})[^`\n]*\n.*?(?:^[ \t>]*\1`*[ \t]*$|\Z)|`[^`\n]+`", re.M | re.S)
_COMMENT = re.compile(r"[ \t]*<!--.*?-->", re.DOTALL)
# "handlers[name]()" is a call, and "[](int x) {" a function of C++.
_EMPTY_LINK = re.compile(
    r"(?<![A-Za-z0-9_\])\\])!?\[([^\[\]\n]*\w[^\[\]\n]*)\]\(\s*#?\s*\)(?!\s*[{-])"
)
# An image or a link that shows nothing; again not C++.
_NOTHING_SHOWN = re.compile(r"(?<![A-Za-z0-9_\])\\])!?\[\s*\]\([^()\s]*\)(?!\s*[{-])[ \t]*")
_EMPTY_HEADING = re.compile(r"^#{1,6}[ \t]*\n", re.MULTILINE)
# Bold around nothing before a word; "**** stars" and "****1234" are something else.
_EMPTY_BOLD = re.compile(r"(?:(?<=[\s。！？])|^)\*{4}(?=[A-Z\u3041-\u30ff\u4e00-\u9fff])", re.M)
# A lower-case word behind it may be a name of a program, such as __dirname.
_LONE_UNDERSCORES = re.compile(
    r"(?:(?<=[\s。！？])|^)__(?=[A-Z][a-z ]|[\u3041-\u30ff\u4e00-\u9fff])", re.M
)
_ENTITY = re.compile(
    r"&(?:amp;)?(?:(nbsp)(?![=;])|(ensp|emsp|thinsp|quot|amp|#0?39|#160)(?![A-Za-z0-9=;]))"
    r"|(?<![A-Za-z0-9&])&?(?:amp;)?(nbsp|ensp|emsp|thinsp);"
)
_MEANT = {"quot": '"', "amp": "&", "#39": "'", "#039": "'"}
# A backslash before a sign is debris in prose, but syntax in a path, a pattern and a formula.
_ESCAPED_BOLD = re.compile(r"(?<![\\/:$^*])\\\*\\\*(?=\S)([^\n*\\]+?)(?<=\S)\\\*\\\*(?![\\*])")
_ESCAPE = re.compile(r"(?<=[A-Za-z0-9])\\_(?=[A-Za-z0-9])|(?:(?<=\s)|^)\\[*#](?![.\\?/*#\s])", re.M)
_BACKSLASH_MATTERS = re.compile(
    r"(?i)\\[a-z(\[|]|\$|[a-z]:\\|\\\\|latex|markdown|regex|regular expression|backslash|escap"
    r"|正規表現|バックスラッシュ|エスケープ|マークダウン"
)
_ABOUT_HTML = re.compile(r"(?i)(?<![a-z])html(?![a-z])|entit(?:y|ies)|エンティティ|実体参照")
_FRONT_MATTER = re.compile(
    r"\A---[ \t]*\n(?P<body>(?:[A-Za-z_][\w-]*:(?:[ \t][^\n]*)?\n|[ \t]+[^\n]*\n|- [^\n]*\n){1,30})"
    r"---[ \t]*\n+(?=\S)"
)
_PAGE_KEY = re.compile(
    r"^(?:title|date|author|tags|layout|slug|draft|categories|category|description|permalink):",
    re.MULTILINE,
)
_FENCE = re.compile(r"^[ \t>]*(`{3,})([^`\n]*)$", re.MULTILINE)
_STARS = re.compile(r"(?<![*\\])\*\*(?!\*)")
# A cheap screen: all debris but front matter holds one of these.
_SIGNS = ("**", "__", "#\n", "\\", "](", "<!--", "```", "&", "sp;")
_NOT_BOLD_AFTER = re.compile(r"[\s/*]|$|(?:kwargs?|options|opts|params)(?![A-Za-z])|[a-z]+_")


def remove_debris(text: str) -> str:
    """Take Markdown debris out of a text; sound Markdown, code and formulas are left alone.

    Args:
        text: A message.

    Returns:
        The text without: a lone ** that is never closed, escapes such as \\*, links to nowhere,
        HTML comments, the front matter of a web page, a fence with nothing in it at the very
        end, and "&nbsp" in its broken spellings. A text that is nothing but debris stays.

    Example:
        >>> remove_debris("**Note: see [our page]() first.&nbsp Bye\\n```")
        'Note: see our page first.  Bye'
    """
    if not any(map(text.__contains__, _SIGNS)) and not text.startswith("---\n"):
        return text
    # One piece of debris may hide another: \*\* is a lone ** once it is unescaped.
    found = text
    for _ in range(4):
        before, found = found, _once(found)
        if found == before:
            break
    return found if found.strip() else text


def _once(text: str) -> str:
    found = _without_front_matter(text)
    found = _without_empty_fence(found)
    pieces, end = [], 0
    for code in _CODE.finditer(found):
        pieces += [_prose(found[end : code.start()]), code.group()]
        end = code.end()
    pieces.append(_prose(found[end:]))
    joined = "".join(pieces)
    # Whether a ** is alone can only be told from the whole: code may stand inside bold text.
    return _without_lone_stars(joined)


def _prose(text: str) -> str:
    found = text
    if "<!--" in found and "-->" in found:
        # A comment that nothing ends is looked for only once.
        cut = found.rindex("-->") + 3
        found = _COMMENT.sub("", found[:cut]) + found[cut:]
    if "](" in found:
        found = _NOTHING_SHOWN.sub("", _EMPTY_LINK.sub(r"\1", found))
    if "#\n" in found:
        found = _EMPTY_HEADING.sub("", found)
    if "****" in found:
        found = _EMPTY_BOLD.sub("", found)
    if found.count("__") == 1:
        found = _LONE_UNDERSCORES.sub("", found)
    if "\\" in found and not _BACKSLASH_MATTERS.search(found):
        found = _ESCAPE.sub(lambda m: m.group()[1:], _ESCAPED_BOLD.sub(r"**\1**", found))
    if ("&" in found or "sp;" in found) and not _ABOUT_HTML.search(found):
        found = _ENTITY.sub(_character, found)
    return found


def _character(match: re.Match[str]) -> str:
    """What an entity without its semicolon, or without its ampersand, stands for."""
    before = match.string[: match.start()].rpartition(" ")[2]
    if "=" in before or "?" in before or "://" in before:
        return match.group()  # a parameter of an address
    return _MEANT.get(match[1] or match[2] or match[3], " ")


def _without_front_matter(text: str) -> str:
    match = _FRONT_MATTER.match(text) if text.startswith("---\n") else None
    return text[match.end() :] if match and _PAGE_KEY.search(match["body"]) else text


def _without_empty_fence(text: str) -> str:
    """Drop a fence that opens at the very end, or an empty block there."""
    if "```" not in text:
        return text
    opened: re.Match[str] | None = None
    last: tuple[int, int] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif len(fence[1]) >= len(opened[1]) and not fence[2].strip():
            last = (opened.start(), fence.end())
            # Nothing between the fences, nothing behind them.
            if not text[opened.end() : fence.start()].strip() and not text[fence.end() :].strip():
                return text[: opened.start()].rstrip()
            opened = None
    if opened is None or text[opened.end() :].strip() or text.count("```") % 2 == 0:
        return text
    return text[: opened.start()].rstrip() if last is None or opened.start() >= last[1] else text


def _without_lone_stars(text: str) -> str:
    """Drop the ** that is never closed, where it is clear which one that is.

    Footnotes come in pairs (price** … ** tax included), so only an odd number is looked into.
    """
    if "**" not in text:
        return text
    masked = _CODE.sub(lambda match: "x" * len(match.group()), text)
    stars = [match.start() for match in _STARS.finditer(masked) if _is_bold(masked, match)]
    if len(stars) % 2 == 0:
        return text
    drop: list[int] = []
    for start, end in _paragraphs(masked):
        inside = [position for position in stars if start <= position < end]
        lone = _unpaired(masked, inside) if len(inside) % 2 else []
        if len(lone) == 1 and _may_go(masked, lone[0]):
            drop.append(lone[0])
    for position in reversed(drop):
        text = text[:position] + text[position + 2 :]
    return text


def _paragraphs(text: str) -> list[tuple[int, int]]:
    ends = [match.end() for match in re.finditer(r"\n[ \t]*\n", text)]
    return list(zip([0, *ends], [*ends, len(text)], strict=True))


def _is_bold(text: str, match: re.Match[str]) -> bool:
    """Whether a ** can be a mark of bold at all, and not a power, a path, or Python's **kwargs."""
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    if before.isspace() and after.isspace():
        return False
    if before == "/" or after == "/":
        return False
    tight = before in (")", "]") or (before.isascii() and before.isalnum())
    return not (tight and after.isascii() and (after.isalnum() or after == "("))


def _unpaired(text: str, stars: list[int]) -> list[int]:
    """Pair the marks as CommonMark does, with Japanese punctuation counted as letters."""
    opened: list[int] = []
    closers: list[int] = []
    for position in stars:
        before, after = (
            text[position - 1 : position] or " ",
            text[position + 2 : position + 3] or " ",
        )
        opens = not after.isspace() and (
            not _is_sign(after) or before.isspace() or _is_sign(before)
        )
        closes = not before.isspace() and (
            not _is_sign(before) or after.isspace() or _is_sign(after)
        )
        if closes and opened:
            opened.pop()
        elif opens:
            opened.append(position)
        else:
            closers.append(position)
    return sorted(opened + closers)


def _is_sign(character: str) -> bool:
    return character.isascii() and not character.isalnum()


def _may_go(text: str, position: int) -> bool:
    """Whether a lone ** is surely a mark: not a mask (12**), a footnote (price**) or **kwargs."""
    before, after = text[position - 1 : position], text[position + 2 :]
    if before.isdigit() or after[:1].isdigit():
        return False
    if after.strip() and not _NOT_BOLD_AFTER.match(after):
        opens_line = not before or before.isspace() or before in "(（「・:：。、-"
        return opens_line or not before.isascii()
    # A closing mark is sure only behind a colon, or behind the last sentence.
    return before in (":", "：") or (not after.strip() and before in tuple(".!?。！？"))


MARKDOWN = Repair(
    name="markdown",
    reason="Broken Markdown teaches the model to write signs that nobody can read.",
    before="**Note: see [our page]() first. <!-- draft -->",
    after="Note: see our page first.",
    repair=remove_debris,
)
