"""Load what is committed under `data/` about Yamabiko, as the ecosystem's own objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from course_lib.errors import CourseError
from course_lib.runtime import data_path

if TYPE_CHECKING:
    from datasets import Dataset


def load(name: str) -> Dataset:
    """Load one of the story's files.

    Args:
        name: The file's name without its ending: "facts", "faq_train", "faq_validation",
            "faq_test", "faq_test_ja", "context_test", "context_test_ja", "no_context_test",
            "answer_key", "agent_answers", "preferences" (messy pairs), "preferences_validation",
            "preferences_test", "preferences_key", or "general" for the probes of general skills.

    Returns:
        A `datasets.Dataset` with the file's rows in the file's order.

    Raises:
        CourseError: If there is no such file, or if it is the support export, which is messy on
            purpose and must be read by `course_lib.formats.read`.

    Example:
        >>> load("faq_train").num_rows
        80
    """
    folder = data_path("probes" if name == "general" else "yamabiko")
    path = folder / f"{name}.jsonl"
    if name == "support_raw":
        raise CourseError(
            "support_raw.jsonl is messy on purpose and is no dataset yet: read it with "
            f'course_lib.formats.read("{path}"), or clean it with course_lib.cleaning.clean.'
        )
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.jsonl")))
        raise CourseError(f'There is no data called "{name}" in {folder}. Try one of: {known}.')
    # Imported here, because the package must stay quick to import.
    from datasets import Dataset

    lines = path.read_text(encoding="utf-8").split("\n")
    return Dataset.from_list([json.loads(line) for line in lines if line])
