"""The policy pages, as people read them and as a retriever finds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from course_lib.errors import CourseError
from course_lib.yamabiko.facts import GLUE, Fact, facts, world


@dataclass(frozen=True)
class Section:
    """A heading and the facts below it: the smallest piece that makes sense alone."""

    page: str
    title: str
    lang: str
    layout: str
    facts: tuple[Fact, ...]

    @property
    def text(self) -> str:
        """The section in markdown, heading first."""
        return f"## {self.title}\n\n{self.body}"

    @property
    def body(self) -> str:
        """The section's sentences, as a list or as running text, without the heading."""
        sentences = [fact.sentence for fact in self.facts]
        if self.layout == "bullets":
            return "\n".join(f"- {sentence}" for sentence in sentences)
        return GLUE[self.lang].join(sentences)


@dataclass(frozen=True)
class Page:
    """A policy page: a title and two sections."""

    id: str
    title: str
    lang: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """The whole page in markdown."""
        parts = [f"# {self.title}", *(section.text for section in self.sections)]
        return "\n\n".join(parts) + "\n"

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact on the page, in reading order."""
        return tuple(fact for section in self.sections for fact in section.facts)


def pages(lang: str = "en") -> tuple[Page, ...]:
    """List the policy pages of one language.

    Args:
        lang: "en" (eight pages) or "ja" (four pages).

    Returns:
        The pages, in the order of `facts.toml`.

    Raises:
        CourseError: If the language is neither "en" nor "ja".

    Example:
        >>> pages()[0].title
        'Returns'
    """
    known = {fact.id: fact for fact in facts(lang)}
    found = []
    for table in world()["page"]:
        if table["lang"] != lang:
            continue
        sections = tuple(
            Section(
                page=table["id"],
                title=part["title"],
                lang=lang,
                layout=table["layout"],
                facts=tuple(known[fact_id] for fact_id in part["facts"]),
            )
            for part in table["sections"]
        )
        found.append(Page(table["id"], table["title"], lang, sections))
    return tuple(found)


def passages(lang: str = "en") -> list[dict[str, str]]:
    """Cut the policy pages into the passages that a retriever searches.

    One passage is one section, with the page's title before it: small enough for a small model,
    and still telling what it is about.

    Args:
        lang: "en" or "ja".

    Returns:
        A list of `{"page", "section", "text"}`, such as `{"page": "club", "section": "Joining",
        "text": "# The Yamabiko Club\\n\\n## Joining\\n\\n- The club costs 18 dollars a year.…"}`.

    Raises:
        CourseError: If the language is neither "en" nor "ja".

    Example:
        >>> len(passages())
        16
    """
    return [
        {
            "page": page.id,
            "section": section.title,
            "text": f"# {page.title}\n\n{section.text}\n",
        }
        for page in pages(lang)
        for section in page.sections
    ]


def changed_passages(values: Mapping[str, str], lang: str = "en") -> list[dict[str, str]]:
    """Cut the policy pages as they would read if some policies had changed.

    Args:
        values: the new value of each changed policy, by the fact's id.
        lang: "en" or "ja".

    Returns:
        The same passages as `passages`, with the new values in their sentences.

    Raises:
        CourseError: If the language is neither "en" nor "ja", or it has no fact of such an id.

    Example:
        >>> changed_passages({"return_window": "30 days"})[0]["text"].splitlines()[4]
        '- You can return gear within 30 days.'
    """
    known = {fact.id: fact for fact in facts(lang)}
    unknown = set(values) - set(known)
    if unknown:
        raise CourseError(f"Yamabiko has no policy {', '.join(sorted(unknown))} in {lang!r}.")
    found = passages(lang)
    for passage in found:
        for name, value in values.items():
            fact = known[name]
            passage["text"] = passage["text"].replace(fact.sentence, fact.with_value(value))
    return found
