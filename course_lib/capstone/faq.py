"""A small export of questions and answers: the example for a file of one's own.

Yamabiko's questions about its policies in all their wordings, with a little of the mess that every
table has. There is no test beside it and no key: a file of one's own has neither.

>>> sorted(export()[0].fields)
['answer', 'question']
"""

from __future__ import annotations

import random

from course_lib.capstone import defects
from course_lib.capstone.defects import Entry
from course_lib.yamabiko.facts import facts
from course_lib.yamabiko.question_sets import faq_rows, faq_test_rows

# Rows of each defect.
PLAN = {"html": 4, "mojibake": 4, "private": 4, "empty_answer": 3}
COPIES = 6


def export(seed: int = 16) -> list[Entry]:
    """Draw the export.

    Args:
        seed: Decides defects and order.

    Returns:
        Entries with question and answer, in the order of the file.

    Example:
        >>> len(export()) > 150
        True
    """
    draw = random.Random(f"faq {seed}")
    answers = {fact.id: fact.answer for fact in facts()}
    asked = [*faq_rows("train"), *faq_rows("validation"), *faq_test_rows("en")]
    entries = [
        Entry({"question": row["messages"][0]["content"], "answer": answers[row["fact"]]})
        for row in asked
    ]
    draw.shuffle(entries)
    touched = iter(entries)
    for kind, count in PLAN.items():
        for _ in range(count):
            _spoil(next(touched), kind, draw)
    entries += [defects.copied(next(touched), draw, "question", near=False) for _ in range(COPIES)]
    draw.shuffle(entries)
    return entries


def _spoil(entry: Entry, kind: str, draw: random.Random) -> None:
    if kind == "html":
        defects.markup(entry, "question")
    elif kind == "mojibake":
        defects.mojibake(entry, "question")
    elif kind == "private":
        defects.private(entry, "question", draw)
    else:
        entry.fields["answer"] = ""
        entry.mark(kind, "no answer")
