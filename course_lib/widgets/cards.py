"""A finding as HTML: what the rule says, what it changed, and the conversation.

Everything that comes from a row is escaped, and what a reader could not see is named: a row may
hold `<script>`, half a character, or nothing but a zero-width space.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from course_lib.cleaning.calls import said
from course_lib.cleaning.differences import stretches
from course_lib.cleaning.preferences import rejected_side
from course_lib.language import translated

# What a person can take in on one screen; the rest of a text is counted, not shown.
_LONGEST = 4_000
_CONTEXT = 300
_TABLE_ROWS = 20
# They hold emoji together and cannot be mistaken for anything else.
_JOINERS = "\u200d\ufe0f"
_SPACES = {" ": "·", "\u3000": "□", "\t": "→", "\n": "↵\n", "\r": "←"}

QUESTIONS = {
    "rejected": "The rule turned this row away. <b>Keep</b> puts it back, <b>Fix</b> puts it back "
    "with your text, <b>Reject</b> agrees with the rule.",
    "changed": "The rule rewrote this row. <b>Keep</b> agrees with the rule, <b>Fix</b> takes "
    "your text instead, <b>Reject</b> throws the row out.",
    "review": "The rule asks you to look. <b>Keep</b> leaves the row as it is, <b>Fix</b> takes "
    "your text instead, <b>Reject</b> throws the row out.",
}


def card(finding: Mapping[Any, Any]) -> str:
    """One finding for a person to judge.

    Args:
        finding: One row of `sample_findings`.

    Returns:
        HTML, in the classes of annotation.css.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> row = {"messages": chat("Hi", "<script>")}
        >>> html = card({"kind": "review", "rule": "odd", "where": "line 3", "reason": "1 < 2",
        ...     "messages": row["messages"], "changes": [], "row": row, "other": None})
        >>> "&lt;script&gt;" in html, "<script>" in html
        (True, False)
    """
    parts = [
        f'<p class="finding"><b>{text_html(finding["rule"])}</b> '
        f"{text_html(translated(finding['where']))}: "
        f"{text_html(translated(finding['reason']))}</p>",
        f'<p class="question">{translated(QUESTIONS[finding["kind"]])}</p>',
    ]
    if finding["changes"]:
        parts.append(_heading("What the rule changed"))
        parts += [
            _message(change["message"], change["role"], diff(change["before"], change["after"]))
            for change in finding["changes"]
        ]
    if finding["messages"] is None:
        parts += [_heading("The row, which is no conversation"), _whole(finding["row"])]
    else:
        row, messages = finding["row"], finding["messages"]
        pair = "messages" not in row
        head = "The prompt and the chosen answer" if pair else "The conversation"
        parts += [_heading(head), *_conversation(messages)]
        if pair:
            rejected = _conversation(rejected_side(row), len(messages) + 1)
            parts += [_heading("The rejected answer"), *rejected]
        shown = ("prompt", "chosen", "rejected") if pair else ("messages",)
        columns = {name: value for name, value in row.items() if name not in shown}
        if columns:
            others = translated("Other columns")
            parts += [f"<details><summary>{others}</summary>{_whole(columns)}</details>"]
    if finding["other"]:
        parts += [_heading("The other row that the reason names"), *_conversation(finding["other"])]
    return "".join(parts)


def diff(before: str, after: str) -> str:
    """The difference of two texts: what went in <del>, what came in <ins>.

    Args:
        before: The text as it was.
        after: As it is now.

    Returns:
        HTML. Long stretches that are the same are shortened, white space and invisible
        characters that went or came are made visible.

    Example:
        >>> diff("call <b>me</b>", "call me")
        'call <del>&lt;b&gt;</del>me<del>&lt;/b&gt;</del>'
    """
    pairs = stretches(before, after)
    html = []
    for number, (old, new) in enumerate(pairs):
        if old != new:
            html.append(_marked("del", old) + _marked("ins", new))
        elif number == 0:
            html.append(_short(old, keep="end"))
        else:
            html.append(_short(old, keep="start" if number == len(pairs) - 1 else "both"))
    return "".join(html)


def table(findings: Iterable[Mapping[Any, Any]], decided: Mapping[str, str]) -> str:
    """The findings as a plain table, for a page that nobody can answer.

    Args:
        findings: Rows of `sample_findings`.
        decided: Name of a finding -> the decision on it, where there is one.

    Returns:
        HTML: the first 20 rows, and how many more there are.

    Example:
        >>> table([], {})
        '<p>No findings to judge.</p>'
    """
    rows = list(findings)
    if not rows:
        return f"<p>{translated('No findings to judge.')}</p>"
    head = "".join(
        f'<th scope="col">{translated(name)}</th>'
        for name in ("rule", "where", "reason", "row", "")
    )
    body = "".join(
        f"<tr><td>{text_html(row['rule'])}</td><td>{text_html(row['where'])}</td>"
        f"<td>{text_html(row['reason'], 200)}</td><td>{_gist(row)}</td>"
        f"<td>{translated(decided.get(row['finding'], 'not decided'))}</td></tr>"
        for row in rows[:_TABLE_ROWS]
    )
    more = len(rows) - _TABLE_ROWS
    rest = f"<p>{translated(f'And {more} more.')}</p>" if more > 0 else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def text_html(text: object, limit: int = _LONGEST) -> str:
    """A text of a row, escaped, cut to a length, its invisible characters named.

    Args:
        text: The text.
        limit: Characters shown; what is beyond is counted.

    Returns:
        HTML.

    Example:
        >>> text_html("a < b\\u200b")
        'a &lt; b<span class="code">U+200B</span>'
    """
    whole = str(text)
    left = translated(f"… {len(whole) - limit:,} more characters")
    more = f' <span class="code">{left}</span>'
    return _visible(whole[:limit]) + (more if len(whole) > limit else "")


def _visible(text: str) -> str:
    return "".join(
        f'<span class="code">U+{ord(character):04X}</span>' if _hidden(character) else character
        for character in escape(text)
    )


def _hidden(character: str) -> bool:
    if character in "\n\t" or character in _JOINERS:
        return False
    # Control, format, half a character, line and paragraph separator.
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def _marked(tag: str, text: str) -> str:
    if not text:
        return ""
    if text.isspace():
        text = "".join(_SPACES.get(character, character) for character in text)
    return f"<{tag}>{text_html(text)}</{tag}>"


def _short(text: str, keep: str = "both") -> str:
    """A stretch that is the same in both texts: only what lies next to a change matters."""
    first = _CONTEXT if keep in ("both", "start") else 0
    last = _CONTEXT if keep in ("both", "end") else 0
    left_out = len(text) - first - last
    if left_out <= 0:
        return _visible(text)
    gap = f'<span class="code">{translated(f"… {left_out:,} characters …")}</span>'
    return _visible(text[:first]) + gap + _visible(text[len(text) - last :])


def _conversation(messages: Iterable[Mapping[str, Any]], first: int = 1) -> list[str]:
    return [
        _message(number, message["role"], text_html(said(message).removeprefix("\n")))
        for number, message in enumerate(messages, start=first)
    ]


def _message(number: int, role: object, content: str) -> str:
    shown = content or f'<span class="code">{translated("empty")}</span>'
    return (
        f'<div class="message"><div class="role">{number} {text_html(role)}</div>'
        f'<div class="text">{shown}</div></div>'
    )


def _heading(text: str) -> str:
    return f"<h4>{translated(text)}</h4>"


def _whole(row: object) -> str:
    text = row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, indent=1)
    return f'<div class="message"><div class="text">{text_html(text)}</div></div>'


def _gist(finding: Mapping[Any, Any]) -> str:
    if finding["changes"]:
        return " … ".join(diff(change["before"], change["after"]) for change in finding["changes"])
    if finding["messages"] is None:
        return text_html(finding["row"], 200)
    return "<br>".join(
        f"<b>{text_html(message['role'])}</b> {text_html(said(message), 200)}"
        for message in finding["messages"]
    )
