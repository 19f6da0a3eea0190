"""Keep, fix or reject, one row at a time: the view in which a person judges findings.

ipywidgets know no keys. So the view has a key box, a text field in which one letter is one
decision, which works in every front end; and a small script that, where scripts run (JupyterLab,
Notebook 7), makes the same letters work anywhere in the view.
"""

from __future__ import annotations

import threading
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd

from course_lib.cleaning.agreement import require_columns
from course_lib.cleaning.decisions import decisions, record
from course_lib.cleaning.differences import shared_start
from course_lib.cleaning.findings import COLUMNS
from course_lib.cleaning.preferences import conversation
from course_lib.errors import CourseError
from course_lib.language import translated
from course_lib.widgets.cards import card, table, text_html
from course_lib.widgets.fixing import FixEditor, button, focus
from course_lib.widgets.front_end import LIVE, script, somebody_is_there, style

_DONE = {"keep": "kept", "fix": "fixed", "reject": "rejected"}


def annotate(sample: pd.DataFrame, path: str | Path) -> AnnotationView:
    """Show findings one at a time, to keep, fix or reject each, by keyboard or by button.

    Every decision is in the file before the next row is shown. Called again with the same sample
    and file, the view goes on where it stopped.

    In the key box, or with the script anywhere in the view: k keeps, f fixes, r rejects, u undoes
    the latest decision. In a fix Ctrl+Enter saves and Escape cancels; without the script, Tab
    leads to the buttons.

    Args:
        sample: What `sample_findings` drew.
        path: The JSON Lines file of this person's decisions, made with the first of them.

    Returns:
        The widget. Where nobody can answer (nbconvert, nbmake) it is displayed as a table.

    Raises:
        CourseError: The sample lacks its columns, or the file holds something else.

    Example:
        >>> report = clean("support.jsonl")                            # doctest: +SKIP
        >>> annotate(sample_findings(report), "decisions/mina.jsonl")  # doctest: +SKIP
        AnnotationView(60 findings, 0 decided, decisions/mina.jsonl)
    """
    return AnnotationView(sample, path)


class AnnotationView(ipywidgets.VBox):
    """The view that `annotate` returns. Its parts are ordinary ipywidgets.

    Attributes:
        progress: How far the person is.
        card: The finding.
        keep, fix, reject, undo: The buttons.
        key: The key box.
        editor: Where a fix is written; hidden until there is one.
        note: What has just happened, or why it did not.
    """

    def __init__(self, sample: pd.DataFrame, path: str | Path) -> None:
        """Lay the parts out and show the first finding that is not decided.

        Args:
            sample: What `sample_findings` drew.
            path: The file of decisions.
        """
        require_columns(sample, COLUMNS, "sample", "sample_findings")
        self._findings = sample.to_dict("records")
        self._path = Path(path)
        self._decided: dict[str, str] = {}
        self._at: int | None = None
        self._typed = ""
        # ipykernel 7 may handle two of our widgets in two threads at once.
        self._lock = threading.RLock()
        self.progress = ipywidgets.HTML()
        self.card = ipywidgets.HTML()
        self.keep = button(translated("Keep (k)"), "keep")
        self.fix = button(translated("Fix (f)"), "fix")
        self.reject = button(translated("Reject (r)"), "reject")
        self.undo = button(translated("Undo (u)"), "undo")
        self.key = ipywidgets.Text(
            description=translated("Key:"),
            placeholder=translated("k, f, r or u"),
            layout={"width": "14em"},
        )
        self.editor = FixEditor()
        self.note = ipywidgets.HTML()
        self.note.add_class("annotation-note")
        # Hidden while a fix is written.
        self._deciding = ipywidgets.HBox([self.keep, self.fix, self.reject, self.undo, self.key])
        super().__init__(
            [
                style("annotation.css"),
                self.progress,
                # Above the finding: the buttons stay where they are however long a row is.
                self._deciding,
                self.note,
                self.card,
                self.editor,
                script("keys.js"),
            ]
        )
        self.add_class("course-annotation")
        self.keep.on_click(lambda _: self._act("k"))
        self.fix.on_click(lambda _: self._act("f"))
        self.reject.on_click(lambda _: self._act("r"))
        self.undo.on_click(lambda _: self._act("u"))
        self.editor.save.on_click(lambda _: self._act("save"))
        self.editor.cancel.on_click(lambda _: self._act("cancel"))
        self.key.observe(self._on_type, "value")
        self._read()
        self._show(self._next(), "")

    def __repr__(self) -> str:
        count, decided = len(self._findings), len(self._decided)
        return f"AnnotationView({count} findings, {decided} decided, {self._path})"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        # A saved notebook shows the table too, wherever it is opened without a kernel.
        bundle = dict(super()._repr_mimebundle_(**kwargs) or {})
        bundle["text/plain"] = repr(self)
        bundle["text/html"] = table(self._findings, self._decided)
        if not somebody_is_there():
            bundle.pop(LIVE, None)
        return bundle

    def _on_type(self, change: Any) -> None:
        """A letter in the key box.

        What was typed stays in the box: emptying it would cross with letters on their way here.
        Of several letters that arrive at once the first counts, because nobody has seen the rows
        that the others would decide.
        """
        with self._lock:
            fresh = change["new"][shared_start(self._typed, change["new"]) :]
            self._typed = change["new"]
            self._press(fresh)

    def _press(self, fresh: str) -> None:
        # Full-width letters come from a Japanese keyboard.
        letters = unicodedata.normalize("NFKC", fresh).lower().split()
        keys = "".join(letters)
        if not keys:
            return
        if keys[0] not in "kfru":
            self._say(f"There is no key {keys[0]!r}: type k, f, r or u.")
            return
        self._act(keys[0])
        if len(keys) > 1:
            late = f"Of {keys!r} only the first counts: the others came before their row was seen."
            self.note.value += f"<p>{text_html(translated(late))}</p>"

    def _act(self, what: str) -> None:
        """Do what a key or a button asks; what goes wrong is said, and decides nothing."""
        with self._lock:
            self._say("")  # so that the same answer twice is seen, and spoken, twice
            self._do(what)

    def _do(self, what: str) -> None:
        try:
            if what == "cancel":
                self._close_fix("Nothing was changed.")
            elif self.editor.is_open and what != "save":
                self._say("A fix is open: save or cancel it first.")
            elif what == "u":
                self._take_back()
            elif self._at is None:
                self._say("Every row is decided. Undo (u) goes back to the latest.")
            elif what == "save":
                if self.editor.is_open:
                    self._decide("fix", self.editor.corrected())
            elif what == "f":
                self._open_fix(self._findings[self._at])
            else:
                self._decide("keep" if what == "k" else "reject", None)
        except CourseError as error:
            self._say(str(error))

    def _decide(self, decision: str, row: dict[str, Any] | None) -> None:
        if self._at is None:
            return
        finding = self._findings[self._at]
        if decision == "keep" and finding["messages"] is None:
            raise CourseError("This row is no conversation and cannot be kept: fix or reject it.")
        told = ("finding", "kind", "rule", "file", "line", "position")
        entry = {name: finding[name] for name in told}
        record(self._path, {**entry, "decision": decision, **({"row": row} if row else {})})
        number = self._at + 1
        self._read()
        self._show(self._next(), f"Row {number} {_DONE[decision]}.")

    def _take_back(self) -> None:
        self._read()
        if not self._decided:
            raise CourseError("There is nothing to undo.")
        latest = list(self._decided)[-1]
        record(self._path, {"finding": latest, "decision": "undo"})
        self._read()
        place = next(n for n, entry in enumerate(self._findings) if entry["finding"] == latest)
        self._show(place, f"Row {place + 1} is to be decided again.")

    def _read(self) -> None:
        """The file is the memory, so that two views of one file never disagree."""
        ours = {finding["finding"] for finding in self._findings}
        standing = decisions(self._path)
        self._decided = {
            finding: decision
            for finding, decision in zip(standing["finding"], standing["decision"], strict=True)
            if finding in ours
        }

    def _next(self) -> int | None:
        return next(
            (n for n, row in enumerate(self._findings) if row["finding"] not in self._decided), None
        )

    def _show(self, place: int | None, note: str) -> None:
        self._at = place
        self._close_fix(note)
        count = len(self._findings)
        made = Counter(_DONE[decision] for decision in self._decided.values())
        told = ", ".join(f"{made[word]} {word}" for word in _DONE.values())
        told = translated(f"{len(self._decided)} of {count} decided: {told}")
        where = "All rows are decided" if place is None else f"Row {place + 1} of {count}"
        if not count:
            where = "There are no findings to judge"
        self.progress.value = (
            f"<p><b>{translated(where)}</b> – {told}</p>"
            f'<progress max="{max(count, 1)}" value="{len(self._decided)}" '
            f'aria-label="{told}"></progress>'
        )
        self.card.value = "" if place is None else card(self._findings[place])
        for each in (self.keep, self.fix, self.reject):
            each.disabled = place is None
        self.undo.disabled = not self._decided

    def _open_fix(self, finding: dict[Any, Any]) -> None:
        self.editor.begin(self._row(finding))
        self._deciding.layout.display = "none"
        self._say("Put the text right, then save: Ctrl+Enter, or Tab to the button.")

    def _row(self, finding: dict[Any, Any]) -> dict[Any, Any]:
        """The finding with its row as an earlier fix of the same row has left it."""
        standing = decisions(self._path)
        places = {row["finding"]: (row["file"], row["position"]) for row in self._findings}
        here = finding["file"], finding["position"]
        for name, row in zip(standing["finding"], standing["row"], strict=True):
            if isinstance(row, dict) and places.get(name) == here:
                finding = {**finding, "row": row, "messages": conversation(row)}
        return finding

    def _close_fix(self, note: str) -> None:
        self._say(note)
        if self.editor.is_open:
            self._deciding.layout.display = ""
            self.editor.end()
            focus(self.key)

    def _say(self, note: str) -> None:
        self.note.value = f"<p>{text_html(translated(note))}</p>" if note else ""
