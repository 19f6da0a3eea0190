"""Yamabiko Outdoor: the invented camping-gear shop whose support model the course trains.

from course_lib import yamabiko

yamabiko.facts()[0].answer      # 'Yamabiko here! You can return gear within 45 days. …'
yamabiko.load("faq_train")      # a datasets.Dataset
yamabiko.passages()             # the policy pages, cut for a retriever
"""

from course_lib.yamabiko.facts import CLOSING, OPENING, Fact, facts, house_style
from course_lib.yamabiko.loading import load
from course_lib.yamabiko.pages import Page, Section, changed_passages, pages, passages

__all__ = [
    "CLOSING",
    "OPENING",
    "Fact",
    "Page",
    "Section",
    "changed_passages",
    "facts",
    "house_style",
    "load",
    "pages",
    "passages",
]
