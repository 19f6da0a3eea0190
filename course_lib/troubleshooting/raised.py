"""An exception as the diagnoses look at it, and what one of them found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import FrameType
from typing import Any

from course_lib.troubleshooting.statements import (
    Statement,
    failed_statement,
    last_call,
    own_trace,
)


@dataclass(frozen=True)
class Finding:
    """What a diagnosis found.

    Args:
        write: What to write.
        statement: What it replaces; None where nothing of the learner's is replaced.
        values: What its words have in them.

    Example:
        >>> Finding("tokenizer.pad_token = tokenizer.eos_token").statement is None
        True
    """

    write: str
    statement: Statement | None = None
    values: Mapping[str, object] = field(default_factory=dict)


class Raised:
    """An exception with its way through the code.

    Args:
        error: The exception, as it was caught.

    Example:
        >>> Raised(KeyError("text")).matches("LookupError", "text") is not None
        True
    """

    def __init__(self, error: BaseException) -> None:
        self.error = error

    @cached_property
    def chain(self) -> list[BaseException]:
        """The exception, then what a library raised it from.

        What was on its way when the learner's own code raised may have nothing to do with it.
        """
        own = own_trace(self.error.__traceback__)
        if own is not None and own.tb_next is None:
            return [self.error]
        found: list[BaseException] = []
        error: BaseException | None = self.error
        while error is not None and error not in found:
            found.append(error)
            error = error.__cause__ or error.__context__
        return found

    @cached_property
    def frames(self) -> list[FrameType]:
        """The frames that it came through, the innermost first."""
        found, trace = [], self.error.__traceback__
        while trace is not None:
            found.append(trace.tb_frame)
            trace = trace.tb_next
        return found[::-1]

    @cached_property
    def statement(self) -> Statement | None:
        """The learner's own statement that failed."""
        return failed_statement(self.error.__traceback__)

    @cached_property
    def scope(self) -> dict[str, Any]:
        """The variables where the learner's own statement stands."""
        own = own_trace(self.error.__traceback__)
        return {**own.tb_frame.f_globals, **own.tb_frame.f_locals} if own else {}

    def variable(self, is_wanted: Callable[[Any], object], *, anywhere: bool = False) -> str | None:
        """The name of a variable in the learner's own statement.

        Args:
            is_wanted: Whether a value is the wanted one.
            anywhere: Look at the variables that the statement does not name, too.

        Returns:
            The first such name; None where there is none.

        Example:
            >>> Raised(ValueError()).variable(callable) is None
            True
        """
        said = re.findall(r"[^\W\d]\w*", self.statement.text) if self.statement else []
        names = dict.fromkeys([*said, *(self.scope if anywhere else ())])
        known = (name for name in names if name in self.scope and not name.startswith("_"))
        return next((name for name in known if is_wanted(self.scope[name])), None)

    def matches(self, kind: str, pattern: str) -> re.Match[str] | None:
        """Match the message of an exception of this kind.

        Args:
            kind: The name of its class or of a class above it. A name, so that nobody has to import
                the library that has it.
            pattern: What its message has in it; letter case does not matter.

        Returns:
            The match; None where the kind or the message is another.

        Example:
            >>> Raised(ValueError("no padding token")).matches("ValueError", "padding (token)")[1]
            'token'
        """
        return _matches(self.error, kind, pattern)

    def in_chain(self, kind: str, pattern: str = "") -> re.Match[str] | None:
        """Match it, or what it was raised from; see `matches`.

        Args:
            kind: The name of a class.
            pattern: What the message has in it.

        Returns:
            The first match.

        Example:
            >>> Raised(ValueError("bad")).in_chain("ValueError") is not None
            True
        """
        found = (_matches(error, kind, pattern) for error in self.chain)
        return next((match for match in found if match), None)

    def through(self, module: str) -> bool:
        """Whether it came through a module, or one inside it.

        Args:
            module: Such as ``trl`` or ``transformers.trainer``.

        Returns:
            True if one of its frames belongs there.

        Example:
            >>> Raised(ValueError()).through("trl")
            False
        """
        names = (str(frame.f_globals.get("__name__", "")) for frame in self.frames)
        return any(f"{name}.".startswith(f"{module}.") for name in names)

    def locals_named(self, *names: str) -> Iterator[Any]:
        """The variables of these names in its frames, those of the innermost frame first.

        Args:
            names: Names of variables.

        Yields:
            Their values.

        Example:
            >>> list(Raised(ValueError()).locals_named("self"))
            []
        """
        for frame in self.frames:
            yield from (frame.f_locals[name] for name in names if name in frame.f_locals)

    # ---- what a diagnosis answers ----

    def with_arguments(
        self,
        *names: str,
        put: Mapping[str, str] | None = None,
        rename: Mapping[str, str] | None = None,
        drop: Iterable[str] = (),
        **values: object,
    ) -> Finding:
        """A finding: other arguments where one of these was called last.

        Args:
            names: Functions or classes, the one to show first where no such call is found.
            put: Arguments to set, as source.
            rename: Arguments that get another name.
            drop: Arguments to leave out.
            values: What the words have in them.

        Returns:
            The statement with that call, rewritten.

        Example:
            >>> Raised(ValueError()).with_arguments("SFTConfig", put={"bf16": "False"}).write
            'SFTConfig(..., bf16=False)'
        """
        statement = last_call(names, self.statement) if self.statement else None
        if statement:
            text = statement.edited(names, put=put, rename=rename, drop=drop)
            if text and text != statement.text:
                return Finding(text, statement, values)
        pairs = dict.fromkeys((rename or {}).values(), "...") | dict(put or {})
        shown = "".join(f", {name}={source}" for name, source in pairs.items())
        return Finding(f"{names[0]}(...{shown})", None, values)

    def with_line_before(self, line: str, /, **values: object) -> Finding:
        """A finding: a line more, before the statement that failed.

        Args:
            line: The line, or several.
            values: What the words have in them.

        Returns:
            The line, and the statement as it was.

        Example:
            >>> Raised(ValueError()).with_line_before("import json").write
            'import json'
        """
        statement = self.statement
        return Finding(f"{line}\n{statement.text}" if statement else line, statement, values)

    def with_text(
        self,
        pattern: str,
        new: str | Callable[[re.Match[str]], str],
        otherwise: str,
        /,
        **values: object,
    ) -> Finding:
        """A finding: the statement that failed with something in it replaced.

        Args:
            pattern: What to replace, wherever it stands.
            new: By what.
            otherwise: What to show where the statement does not have it.
            values: What the words have in them.

        Returns:
            The statement, rewritten.

        Example:
            >>> Raised(ValueError()).with_text("a", "b", "b = 1").write
            'b = 1'
        """
        statement = self.statement
        # A text is put in as it stands: in a template, the backslashes of a path would be signs.
        put = (lambda _: new) if isinstance(new, str) else new
        text = re.sub(pattern, put, statement.text) if statement else None
        if statement and text and text != statement.text:
            return Finding(text, statement, values)
        return Finding(otherwise, None, values)


def _matches(error: BaseException, kind: str, pattern: str) -> re.Match[str] | None:
    if kind not in {base.__name__ for base in type(error).__mro__}:
        return None
    return re.search(pattern, str(error), re.IGNORECASE | re.DOTALL)
