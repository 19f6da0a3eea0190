"""The learner's own code: which statement failed, which one built an object, and an edit of it."""

from __future__ import annotations

import ast
import linecache
import re
import sys
import sysconfig
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

_COURSE = str(Path(__file__).resolve().parents[1])
_STANDARD_LIBRARY = sysconfig.get_path("stdlib")
_INSTALLED = ("site-packages", "dist-packages")
# Of a compound statement only what runs before its body can be the line that failed.
_COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try, ast.FunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Statement:
    """A statement of a cell or of a file.

    Args:
        file: The name under which Python knows the source.
        cell: The number that the notebook shows beside the cell; None for a file.
        line: Its first line, counted from 1.
        text: Its source without the indent.

    Example:
        >>> Statement("train.py", None, 3, "trainer.train()").last_line
        3
    """

    file: str
    cell: int | None
    line: int
    text: str

    @property
    def last_line(self) -> int:
        """Its last line."""
        return self.line + self.text.count("\n")

    def argument(self, names: Iterable[str], which: str | int) -> str | None:
        """The source of one argument of a call.

        Args:
            names: The call: the first one in the statement to a function of one of these names.
            which: The argument's name, or its place.

        Returns:
            Its source; None where the statement has no such call or the call no such argument.

        Example:
            >>> Statement("train.py", None, 1, "Trainer(model, args=mine)").argument(["Trainer"], 0)
            'model'
        """
        call = call_of(self.text, names)
        if call is None:
            return None
        if isinstance(which, int):
            node = call.args[which] if which < len(call.args) else None
        else:
            node = next((one.value for one in call.keywords if one.arg == which), None)
        return ast.get_source_segment(self.text, node) if node else None

    def edited(
        self,
        names: Iterable[str],
        *,
        put: Mapping[str, str] | None = None,
        rename: Mapping[str, str] | None = None,
        drop: Iterable[str] = (),
    ) -> str | None:
        """Its text with other arguments in one call; everything else stays as it was written.

        Args:
            names: The call: the first one in the statement to a function of one of these names.
            put: Arguments to set, as source; added where the call does not have them.
            rename: Arguments that get another name.
            drop: Arguments to leave out.

        Returns:
            The source; None where the statement has no such call, or where an argument may stand
            in its ``**more``.

        Example:
            >>> one = Statement("train.py", None, 1, "args = SFTConfig('out', bf16=True)  # mine")
            >>> one.edited(["SFTConfig"], put={"bf16": "False", "max_steps": "8"})
            "args = SFTConfig('out', bf16=False, max_steps=8)  # mine"
        """
        names, text = tuple(names), self.text
        call = call_of(text, names)
        if call is None:
            return None
        said = {keyword.arg for keyword in call.keywords}  # None stands for a `**more`
        if not said.issuperset(rename or {}) or (None in said and not said.issuperset(put or {})):
            return None
        for old, new in (rename or {}).items():
            text = _edit(text, names, old, lambda value, new=new: f"{new}={value}")
        for name in drop:
            text = _drop(text, names, name)
        for name, source in (put or {}).items():
            text = _edit(text, names, name, lambda _, pair=f"{name}={source}": pair)
        return text


def failed_statement(trace: TracebackType | None) -> Statement | None:
    """The statement of the learner's own code that an exception came through last.

    Args:
        trace: The exception's ``__traceback__``.

    Returns:
        The innermost statement of a cell or a file that belongs to no library, and not to the
        course; None where there is none or its source cannot be read.

    Example:
        >>> failed_statement(None) is None
        True
    """
    own = own_trace(trace)
    return None if own is None else _at(own.tb_frame.f_code.co_filename, own.tb_lineno)


def own_trace(trace: TracebackType | None) -> TracebackType | None:
    """The innermost entry of a traceback that is the learner's own code.

    Args:
        trace: The exception's ``__traceback__``.

    Returns:
        The entry, or None.

    Example:
        >>> own_trace(None) is None
        True
    """
    found = None
    while trace is not None:
        if _is_own(trace.tb_frame.f_code.co_filename):
            found = trace
        trace = trace.tb_next
    return found


def definition(function: Callable[..., Any]) -> Statement | None:
    """The head of a function's definition.

    Args:
        function: A function of the learner's.

    Returns:
        Its line with ``def``; None where it is a library's, or its source cannot be read.

    Example:
        >>> definition(definition) is None
        True
    """
    code = function.__code__
    return _at(code.co_filename, code.co_firstlineno) if _is_own(code.co_filename) else None


def _at(file: str, line: int) -> Statement | None:
    source = "".join(linecache.getlines(file))
    node = next((node for node in _statements(source) if node.lineno <= line <= _end(node)), None)
    return _statement(file, _cell(source), source, node) if node else None


def last_call(names: Iterable[str], before: Statement) -> Statement | None:
    """The last statement that calls a function of one of these names.

    Args:
        names: Names of functions or classes.
        before: The statement that failed: looked at first, then what stands above it, then the
            cells that ran before.

    Returns:
        The statement, or None.

    Example:
        >>> failed = Statement("train.py", None, 1, "trainer = Trainer(model)")
        >>> last_call(["Trainer"], failed) is failed
        True
    """
    names = tuple(names)
    if call_of(before.text, names):
        return before
    own = "".join(linecache.getlines(before.file))
    found = _last_in(own, names, before.line, before.file, before.cell)
    cells = _cells()[: before.cell] if before.cell else []
    for number in range(len(cells) - 1, 0, -1):
        if found:
            break
        found = _last_in(cells[number], names, sys.maxsize, before.file, number)
    return found


def call_of(text: str, names: Iterable[str]) -> ast.Call | None:
    """The first call in a source to a function of one of these names, a method's included.

    Args:
        text: Source.
        names: Names of functions or classes.

    Returns:
        The call; None where there is none, or where the source does not parse.

    Example:
        >>> call_of("x = trl.SFTConfig()", ["SFTConfig"]) is not None
        True
    """
    for node in ast.walk(_parsed(text)):
        if isinstance(node, ast.Call) and _name(node.func) in tuple(names):
            return node
    return None


def _is_own(file: str) -> bool:
    if file.startswith("<"):  # of these only IPython 7 and 8.0 name their cells so
        return file.startswith("<ipython-input")
    if file.endswith((".pyx", ".pxi")):  # compiled by Cython: named by a path that is not here
        return False
    parts = Path(file).parts
    inside = (_COURSE, _STANDARD_LIBRARY)
    return not any(name in parts for name in _INSTALLED) and not file.startswith(inside)


def _parsed(source: str) -> ast.Module:
    for body in ("", "\n    pass"):  # the second for the head of a compound statement
        try:
            return ast.parse(source + body)
        except SyntaxError:
            continue
    return ast.Module(body=[], type_ignores=[])


def _statements(source: str) -> Iterator[ast.stmt]:
    """Every statement, the innermost first."""
    nodes = [node for node in ast.walk(_parsed(source)) if isinstance(node, ast.stmt)]
    yield from reversed(nodes)


def _end(node: ast.stmt) -> int:
    if isinstance(node, _COMPOUND):
        return node.body[0].lineno - 1
    return node.end_lineno or node.lineno


def _statement(file: str, cell: int | None, source: str, node: ast.stmt) -> Statement:
    lines = source.splitlines()[node.lineno - 1 : max(_end(node), node.lineno)]
    return Statement(file, cell, node.lineno, textwrap.dedent("\n".join(lines)))


def _last_in(
    source: str, names: tuple[str, ...], line: int, file: str, cell: int | None
) -> Statement | None:
    found = [
        statement
        for node in _statements(source)
        if node.lineno <= line
        and call_of((statement := _statement(file, cell, source, node)).text, names)
    ]
    return max(found, key=lambda statement: statement.line, default=None)


def _cells() -> list[str]:
    """The sources of the cells that ran, by the number beside them; empty outside IPython."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return list(shell.user_ns.get("In", [])) if shell else []


def _cell(source: str) -> int | None:
    cells = _cells()
    same = (n for n in range(len(cells) - 1, 0, -1) if cells[n].strip() == source.strip())
    return next(same, None)


def _name(function: ast.expr) -> str | None:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _offset(text: str, line: int, column: int) -> int:
    """Where in the text a node of ast begins: its columns count bytes of UTF-8."""
    lines = text.splitlines(keepends=True)
    before = lines[line - 1].encode()[:column].decode()
    return sum(map(len, lines[: line - 1])) + len(before)


def _span(text: str, node: Any) -> tuple[int, int]:
    start = _offset(text, node.lineno, node.col_offset)
    return start, _offset(text, node.end_lineno, node.end_col_offset)


def _edit(text: str, names: tuple[str, ...], name: str, new: Any) -> str:
    """Write an argument anew, or as the last one where the call does not have it."""
    call = call_of(text, names)
    assert call is not None
    for keyword in call.keywords:
        if keyword.arg == name:
            start, end = _span(text, keyword)
            return text[:start] + new(ast.get_source_segment(text, keyword.value)) + text[end:]
    ends = [_span(text, argument)[1] for argument in (*call.args, *call.keywords)]
    if ends:
        return f"{text[: max(ends)]}, {new('')}{text[max(ends) :]}"
    end = _span(text, call)[1] - 1
    return text[:end] + new("") + text[end:]


def _drop(text: str, names: tuple[str, ...], name: str) -> str:
    call = call_of(text, names)
    assert call is not None
    for keyword in call.keywords:
        if keyword.arg == name:
            start, end = _span(text, keyword)
            if following := re.match(r"\s*,[ \t]*\n?[ \t]*", text[end:]):
                return text[:start] + text[end + following.end() :]
            return re.sub(r",\s*$", "", text[:start]) + text[end:]
    return text
