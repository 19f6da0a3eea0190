"""Where training rows come from: a small site to scrape, a survey to read, and an account of both.

with FaqSite() as site:
    page = parse_faq(fetch(site.address + "/faq/returns.html", "my-robot").text)
account(clean("support.jsonl"))     # {"rows in": 1200, "kept": …, "rejected": …, …}
"""

from course_lib.sources.account import account, source_card
from course_lib.sources.site import FaqSite
from course_lib.sources.survey import write_survey
from course_lib.sources.web import FaqPage, Reply, fetch, parse_faq
from course_lib.sources.wording import distinct_share, questions, twins, wording_growth

__all__ = [
    "FaqPage",
    "FaqSite",
    "Reply",
    "account",
    "distinct_share",
    "fetch",
    "parse_faq",
    "questions",
    "source_card",
    "twins",
    "wording_growth",
    "write_survey",
]
