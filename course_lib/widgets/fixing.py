"""Where a person writes what a row should say: one text area for each text to put right."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import ipywidgets

from course_lib.cleaning.corrections import row_from_text, row_with_texts, texts_to_fix
from course_lib.cleaning.preferences import rejected_side
from course_lib.cleaning.rule import Messages
from course_lib.errors import CourseError
from course_lib.language import translated

# A browser's text field becomes sluggish beyond this many characters.
_LONGEST = 200_000
_WHOLE_ROW = 0
# The end of a text that is to be saved, as keys.js writes it. A click on Save may be handled
# before the text that was sent ahead of it; this cannot.
_SAVED = "\x03save\x03"


class FixEditor(ipywidgets.VBox):
    """The texts of one row to put right, hidden while nothing is fixed.

    Attributes:
        texts: Its children are the text areas: of a repair one for each message that was
            rewritten, else one for the last answer (of a preference pair one for each side), or
            for the whole row as JSON where the row is no conversation.
        save, cancel: The buttons.
    """

    def __init__(self) -> None:
        """Lay the parts out, hidden."""
        self.texts = ipywidgets.VBox()
        self.save = button(translated("Save (Ctrl+Enter)"), "save")
        self.cancel = button(translated("Cancel (Esc)"), "cancel")
        self._row: Mapping[str, Any] = {}
        self._numbers: tuple[int, ...] = ()
        super().__init__(
            [self.texts, ipywidgets.HBox([self.save, self.cancel])], layout={"display": "none"}
        )

    @property
    def is_open(self) -> bool:
        """Whether something is being fixed."""
        return bool(self.texts.children)

    def begin(self, finding: Mapping[Any, Any]) -> None:
        """Show the texts of a finding, to be put right.

        Args:
            finding: One row of `sample_findings`.

        Raises:
            CourseError: The texts are too long for a browser.

        Example:
            >>> from course_lib.cleaning.rule import chat
            >>> row = {"messages": chat("Hi", "Helo!")}
            >>> editor = FixEditor()
            >>> editor.begin({"messages": row["messages"], "changes": [], "row": row})
            >>> editor.texts.children[0].description
            'Message 2 (assistant):'
        """
        texts = texts_to_fix(finding) or {_WHOLE_ROW: _as_text(finding["row"])}
        if sum(map(len, texts.values())) > _LONGEST:
            raise CourseError("This row is too long to edit here: mend it in the file itself.")
        names = {_WHOLE_ROW: translated("The whole row, as JSON:")}
        if _WHOLE_ROW not in texts:
            names = _names(finding["messages"], rejected_side(finding["row"]))
        self._row, self._numbers = finding["row"], tuple(texts)
        self.layout.display = ""
        self.texts.children = [
            ipywidgets.Textarea(
                _storable(text),
                description=names[number],
                # Sent when it is left, whole: letter by letter, a click could overtake them.
                continuous_update=False,
                rows=min(14, 3 + text.count("\n") + len(text) // 80),
            )
            for number, text in texts.items()
        ]
        for area in self.texts.children:
            area.observe(self._on_text, "value")
        focus(self.texts.children[0])

    def corrected(self) -> dict[str, Any]:
        """The row with what was written.

        Returns:
            {"messages": [...], other columns}, a preference pair with prompt, chosen and rejected.

        Raises:
            CourseError: Nothing was changed, or what was written cannot be trained on.

        Example:
            >>> from course_lib.cleaning.rule import chat
            >>> row = {"messages": chat("Hi", "Helo!")}
            >>> editor = FixEditor()
            >>> editor.begin({"messages": row["messages"], "changes": [], "row": row})
            >>> editor.texts.children[0].value = "Hello!"
            >>> editor.corrected()["messages"][1]["content"]
            'Hello!'
        """
        for area in self.texts.children:
            area.value = area.value.removesuffix(_SAVED)
        values = [area.value for area in self.texts.children]
        if self._numbers == (_WHOLE_ROW,):
            return row_from_text(values[0])
        return row_with_texts(self._row, dict(zip(self._numbers, values, strict=True)))

    def _on_text(self, _: object) -> None:
        areas = self.texts.children
        if areas and all(area.value.endswith(_SAVED) for area in areas):
            self.save.click()

    def end(self) -> None:
        """Hide the editor and forget what is in it."""
        self.texts.children = ()
        self.layout.display = "none"


def _names(messages: Messages, rejected: Messages) -> dict[int, str]:
    """Number of a message -> what stands beside its text area."""
    sides = [(message, "") for message in messages]
    sides += [(message, ", rejected answer") for message in rejected]
    return {
        number: translated(f"Message {number} ({message['role']}{side}):")
        for number, (message, side) in enumerate(sides, start=1)
    }


def button(description: str, name: str) -> Any:
    """A button that annotation.css and keys.js know.

    Args:
        description: What it says.
        name: Its class is "annotation-" and this.

    Returns:
        The `ipywidgets.Button`.

    Example:
        >>> button("Keep (k)", "keep").description
        'Keep (k)'
    """
    made = ipywidgets.Button(description=description)
    made.add_class(f"annotation-{name}")
    return made


def focus(widget: Any) -> None:
    """Move the keyboard to a widget, where ipywidgets can (from version 8).

    Args:
        widget: The widget, on the page.

    Example:
        >>> focus(ipywidgets.Text())
    """
    if hasattr(widget, "focus"):
        widget.focus()


def _as_text(row: object) -> str:
    return row if isinstance(row, str) else json.dumps(row, ensure_ascii=False, indent=1)


def _storable(text: str) -> str:
    """Half a character cannot be sent to a browser: it is spelled out."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")
