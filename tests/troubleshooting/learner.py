"""A learner's file: it runs, a library raises, and the change that is advised is made in it."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_lib.troubleshooting import Explanation, explain


@dataclass
class Case:
    """Code that raises, and what is to be said of it.

    Args:
        name: The diagnosis.
        code: What the learner wrote.
        line: A part of the statement to change; None where no statement is replaced.
        then: The error that the advised change uncovers, if it does.
    """

    name: str
    code: str
    line: str | None = None
    then: str | None = None


class Learner:
    """Someone with a model, a tokenizer and rows, in a folder of their own.

    Args:
        folder: Where the file is written, and where `folder` in the code points.
        scope: What the code finds there; each run has a copy of its own.
    """

    def __init__(self, folder: Path, scope: dict[str, Any]) -> None:
        self.folder, self.scope, self.runs = folder, scope, 0

    def run(self, code: str) -> BaseException | None:
        """Run code as a file, and return what it raised."""
        self.runs += 1
        file = self.folder / f"lesson_{self.runs}.py"
        file.write_text(code, encoding="utf-8")
        scope = {**self.scope, "folder": str(self.folder), "__name__": "lesson"}
        try:
            exec(compile(code, str(file), "exec"), scope)
        except BaseException as error:
            return error
        return None

    def check(self, case: Case) -> Explanation:
        """Provoke a case, look at its explanation, make the change, and see the error gone."""
        code = textwrap.dedent(case.code).strip() + "\n"
        error = self.run(code)
        assert error is not None, "nothing was raised"
        explanation = explain(error)
        assert explanation is not None, f"not explained: {type(error).__name__}: {error}"
        assert explanation.name == case.name
        assert explanation.failed is not None
        assert explanation.failed.text.splitlines()[0].strip() in code
        if case.line is None:
            assert explanation.to_change is None
            return explanation
        assert explanation.to_change is not None, explanation.write
        assert case.line in explanation.to_change.text
        after = self.run(changed(code, explanation))
        if case.then is None:
            assert after is None, f"{explanation.write}\n{type(after).__name__}: {after}"
        else:
            assert type(after).__name__ == case.then, f"{type(after).__name__}: {after}"
        return explanation


def changed(code: str, explanation: Explanation) -> str:
    """The code with the advised change made."""
    statement = explanation.to_change
    assert statement is not None
    lines = code.splitlines()
    old = lines[statement.line - 1]
    indent = old[: len(old) - len(old.lstrip())]
    new = textwrap.indent(explanation.write, indent).splitlines()
    return "\n".join([*lines[: statement.line - 1], *new, *lines[statement.last_line :]]) + "\n"
