"""What a learner is shown below a traceback."""

from __future__ import annotations

import html
import textwrap
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template

from course_lib.language import language
from course_lib.troubleshooting.raised import Finding
from course_lib.troubleshooting.statements import Statement

_FILES = {"en": "english.toml", "ja": "japanese.toml"}
_STYLE = "border-left:4px solid #e69f00; padding:0.2em 0.9em; margin:0.6em 0; max-width:60em"
_WIDTH = 96


@dataclass(frozen=True)
class Explanation:
    """A known exception, explained. A notebook shows it as a box, `print` as text.

    Args:
        name: The diagnosis, such as ``no_pad_token``.
        happened: What happened, in a sentence.
        cause: Why.
        change: What to change.
        failed: The learner's own statement that failed; None where none was found.
        to_change: The statement that ``write`` replaces; None where it replaces none.
        write: What to write.

    Example:
        >>> from course_lib.troubleshooting import explain
        >>> try:
        ...     open("no/such/file", "w")
        ... except OSError as error:
        ...     print(explain(error))  # not one of those that are known
        None
    """

    name: str
    happened: str
    cause: str
    change: str
    failed: Statement | None
    to_change: Statement | None
    write: str

    def __str__(self) -> str:
        lines: list[str] = []
        for kind, text in self._parts():
            if kind == "code":
                lines += [f"    {line}" for line in text.splitlines()]
            else:
                lines += textwrap.wrap(text, _WIDTH) or [""]
        return "\n".join(["┌", *(f"│ {line}" for line in lines), "└"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        tags = {"head": "strong", "text": "div", "code": "pre"}
        parts = (
            f"<{tags[kind]}>{html.escape(text)}</{tags[kind]}>" for kind, text in self._parts()
        )
        return f'<div style="{_STYLE}">{"".join(parts)}</div>'

    def _parts(self) -> list[tuple[str, str]]:
        said = words()["labels"]
        parts = [("head", self.happened), ("text", f"{said['cause']} {self.cause}")]
        if self.failed and self.failed != self.to_change:
            parts += _shown(said["failed"], self.failed)
        if self.to_change:
            parts += _shown(said["to_change"], self.to_change)
        return [*parts, ("text", f"{said['change']} {self.change}"), ("code", self.write)]


def told(name: str, finding: Finding, failed: Statement | None) -> Explanation:
    """Put a finding into words of this session's language.

    Args:
        name: The diagnosis.
        finding: What it found.
        failed: The learner's own statement that failed.

    Returns:
        The explanation.

    Example:
        >>> told("uneven_rows", Finding("..."), None).change
        'padding=True.'
    """
    said = {part: _filled(text, finding) for part, text in words()[name].items()}
    return Explanation(
        name=name, **said, failed=failed, to_change=finding.statement, write=finding.write
    )


def words() -> dict[str, dict[str, str]]:
    """The words of this session's language, by diagnosis.

    Returns:
        For each ``happened``, ``cause`` and ``change``; under ``labels`` those of the box.

    Raises:
        CourseError: ``COURSE_LANGUAGE`` names a language that the course does not speak.

    Example:
        >>> words()["labels"]["cause"]
        'Cause:'
    """
    return _words(language())


@cache
def _words(spoken: str) -> dict[str, dict[str, str]]:
    file = resources.files("course_lib.troubleshooting").joinpath(_FILES[spoken])
    return tomllib.loads(file.read_text(encoding="utf-8"))


def _filled(text: str, finding: Finding) -> str:
    return Template(text).substitute({name: str(value) for name, value in finding.values.items()})


def _shown(label: str, statement: Statement) -> list[tuple[str, str]]:
    said = words()["labels"]
    where = Path(statement.file).name
    if statement.cell:
        where = Template(said["cell"]).substitute(number=statement.cell)
    line = Template(said["line"]).substitute(where=where, number=statement.line)
    return [("text", f"{label} {line}"), ("code", statement.text)]
