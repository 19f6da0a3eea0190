"""Write everything under `data/yamabiko` and `data/probes`, the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from course_lib.pocket.skills import GENERAL, sample
from course_lib.yamabiko.jsonl import json_line
from course_lib.yamabiko.pages import pages
from course_lib.yamabiko.preferences import agent_answers, messy_pairs, preference_pairs
from course_lib.yamabiko.question_sets import (
    context_rows,
    fact_rows,
    faq_rows,
    faq_test_rows,
    no_context_rows,
)
from course_lib.yamabiko.support import support_threads

# Nine skills of 24 rows: enough to see a skill fall, and scored in seconds.
PROBES_PER_SKILL = 24
_PROBES_SEED = 20


def generate(out: Path) -> list[Path]:
    """Write the company's files below a folder, and the probes of what a base model can do.

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
    preferences, preferences_key = messy_pairs()
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
        "agent_answers": agent_answers(),
        "preferences": preferences,
        "preferences_validation": preference_pairs("validation"),
        "preferences_test": preference_pairs("test"),
        "preferences_key": preferences_key,
    }
    for name, rows in tables.items():
        written.append(_write(home / f"{name}.jsonl", "".join(json_line(row) for row in rows)))
    written.append(_write(home / "support_raw.jsonl", "".join(line + "\n" for line in lines)))
    probes = out / "probes" / "general.jsonl"
    written.append(_write(probes, "".join(json_line(row) for row in general_rows())))
    return written


def general_rows() -> list[dict[str, Any]]:
    """Draw the probes of general skills: what fine-tuning on the company must not destroy.

    Returns:
        Rows of messages, answer and skill; skills take turns, so that any first N rows hold
        all of them alike.

    Example:
        >>> len({row["skill"] for row in general_rows()[:9]})
        9
    """
    drawn = [sample(skill, PROBES_PER_SKILL, seed=_PROBES_SEED) for skill in GENERAL]
    return [dict(row) for turn in zip(*drawn, strict=True) for row in turn]


def _write(path: Path, text: str) -> Path:
    """Write UTF-8 with plain newlines on every system."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return path
