"""Clean conversations for fine-tuning: rules, their ledger, and splits without leaks.

from course_lib.cleaning import clean, split

report = clean("support.jsonl")
report.ledger                      # rule, seen, changed, rejected
parts = split(report.kept)         # a datasets.DatasetDict
"""

from course_lib.cleaning.answer_key import score_against_key
from course_lib.cleaning.pipeline import RULES, clean, rule_table
from course_lib.cleaning.report import CleaningReport
from course_lib.cleaning.splits import contaminated_rows, split

__all__ = [
    "RULES",
    "CleaningReport",
    "clean",
    "contaminated_rows",
    "rule_table",
    "score_against_key",
    "split",
]
