"""The text of one data file: unpacked, decoded, and handed on piece by piece."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from course_lib.errors import CourseError
from course_lib.formats.compression import Damaged, blocks
from course_lib.formats.encodings import decoded, detect_encoding

#: Bytes. Encoding and shape are found in these: what is true there is true of the file.
HEAD = 4 << 20


@dataclass
class FileText:
    """The text of one file, and what happened while it was read.

    Attributes:
        path: The file.
        packed: What `compression.container` says of it.
        encoding: A Python codec name.
        head: The text of its first megabytes.
        pieces: The whole text, to be gone through once.
        characters: How many characters of it have been gone through.
        damaged: Why the compressed data broke off, empty where it did not (yet).
        passed: Counts what was passed over, such as blank lines.
        left_out: Counts what of the messages was not taken over as it is, by the words of its note.
        notes: What a reader should know.
    """

    path: Path
    packed: str
    encoding: str = "utf-8"
    head: str = ""
    pieces: Iterable[str] = ()
    characters: int = 0
    damaged: str = ""
    passed: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def open(self, encoding: str | None) -> None:
        """Read the head, find the encoding, and make ready to go through the whole.

        Args:
            encoding: What the learner says it is; None detects it.

        Raises:
            CourseError: There is nothing to read.
        """
        pieces = self._undamaged(blocks(self.path, self.packed))
        head: list[bytes] = []
        while sum(map(len, head)) < HEAD and (piece := next(pieces, b"")):
            head.append(piece)
        start = b"".join(head)
        complete = len(start) < HEAD and not self.damaged
        if self.damaged and not start.strip():
            raise CourseError(f"{self.path}: {self.damaged}. Copy or download the file again.")
        if complete and not start.strip():
            raise CourseError(
                f"{self.path} is empty ({len(start)} bytes of blanks): export the data again."
            )
        self.encoding = encoding or detect_encoding(start, complete=complete)
        self.head = "".join(decoded([start], self.encoding))
        if complete and not self.head.strip("\ufeff \t\r\n"):
            raise CourseError(
                f"{self.path} holds no text ({len(start)} bytes): export the data again."
            )
        self.pieces = self._counted(decoded(chain(head, pieces), self.encoding))
        if self.encoding != "utf-8":
            sure = self.encoding.startswith("utf")
            advice = "" if sure or encoding else "; if letters look wrong, name it with encoding=…"
            self.notes.append(
                f"{self.path.name} was read as {self.encoding}, not as UTF-8{advice}."
            )
        if "\n" not in self.head and "\r" in self.head.strip("\r"):
            self.notes.append(f"{self.path.name}: a carriage return ends its lines.")
            self.head = self.head.replace("\r", "\n")
            self.pieces = (piece.replace("\r", "\n") for piece in self.pieces)

    def _undamaged(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        try:
            yield from pieces
        except Damaged as error:
            self.damaged = str(error)

    def _counted(self, pieces: Iterator[str]) -> Iterator[str]:
        for piece in pieces:
            self.characters += len(piece)
            yield piece
