"""Write everything under `data/yamabiko`, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from course_lib.yamabiko.jsonl import json_line
from course_lib.yamabiko.pages import pages
from course_lib.yamabiko.question_sets import (
    context_rows,
    fact_rows,
    faq_rows,
    faq_test_rows,
    no_context_rows,
)
from course_lib.yamabiko.support import support_threads


def generate(out: Path) -> list[Path]:
    """Write the company's files below a folder, as `out/yamabiko/…`.

    Args:
        out: The data folder; it is created if needed. Files of the same names are replaced.

    Returns:
        The files written, in the order of writing.

    Raises:
        OSError: If the folder cannot be written.

    Example:
        >>> import tempfile
        >>> len(generate(Path(tempfile.mkdtemp()))) > 20
        True
    """
    home = out / "yamabiko"
    written = [
        _write(home / "policies" / folder / f"{page.id}.md", page.text)
        for lang, folder in (("en", ""), ("ja", "ja"))
        for page in pages(lang)
    ]
    lines, answer_key = support_threads()
    tables: dict[str, Iterable[Mapping[str, Any]]] = {
        "facts": fact_rows("en") + fact_rows("ja"),
        "faq_train": faq_rows("train"),
        "faq_validation": faq_rows("validation"),
        "faq_test": faq_test_rows("en"),
        "faq_test_ja": faq_test_rows("ja"),
        "context_test": context_rows("en"),
        "context_test_ja": context_rows("ja"),
        "no_context_test": no_context_rows("en"),
        "answer_key": answer_key,
    }
    for name, rows in tables.items():
        written.append(_write(home / f"{name}.jsonl", "".join(json_line(row) for row in rows)))
    written.append(_write(home / "support_raw.jsonl", "".join(line + "\n" for line in lines)))
    return written


def _write(path: Path, text: str) -> Path:
    """Write UTF-8 with plain newlines on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return path
