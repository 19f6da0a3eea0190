"""The small RAG baseline: find the passage that answers, and put it before the question.

Retrieval is BM25, the classic that search engines still start from. Text is cut into character
n-grams, which does two jobs at once: "returns" and "returning" share most of theirs, and Japanese,
which has no spaces to cut at, needs no dictionary.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from course_lib.errors import CourseError

# A word of Latin letters and digits, or a run of kana and kanji.
_RUNS = re.compile(r"[0-9a-z]+|[\u3040-\u30ff\u3400-\u9fff々]+")
# What carries meaning in Japanese; pieces of hiragana alone are endings and particles, and with
# them 91% of the course's Japanese questions find their passage first instead of 97%.
_MEANING = re.compile(r"[\u30a0-\u30ff\u3400-\u9fff々]")


def ngrams(text: str) -> list[str]:
    """Cut a text into the pieces that are compared.

    Latin words give their 3- and 4-character pieces, marked where the word begins and ends;
    Japanese gives 1- and 2-character pieces with at least one kanji or katakana.

    Args:
        text: English, Japanese, or both mixed.

    Returns:
        The pieces, repeated as often as they occur.

    Example:
        >>> ngrams("Gear")
        ['_ge', 'gea', 'ear', 'ar_', '_gea', 'gear', 'ear_']
        >>> ngrams("返品は")
        ['返', '品', '返品', '品は']
    """
    pieces = []
    for run in _RUNS.findall(unicodedata.normalize("NFKC", text).lower()):
        if run.isascii():
            pieces += _pieces(f"_{run}_", (3, 4))
        else:
            pieces += [piece for piece in _pieces(run, (1, 2)) if _MEANING.search(piece)]
    return pieces


class Retriever:
    """BM25 over passages.

    Args:
        passages: mappings with a `text`, such as `course_lib.yamabiko.passages()`.

    Raises:
        CourseError: there are no passages, or one has no text.

    Example:
        >>> retriever = Retriever([{"text": "The club costs 18 dollars."}, {"text": "Wax boots."}])
        >>> retriever.search("What does the club cost?", k=1)[0]["text"]
        'The club costs 18 dollars.'
    """

    def __init__(self, passages: Iterable[Mapping[str, Any]]) -> None:
        """Cut every passage into pieces and count them."""
        from rank_bm25 import BM25Plus

        self.passages = [dict(passage) for passage in passages]
        if not self.passages:
            raise CourseError("there are no passages to search: pass at least one.")
        pieces = [ngrams(passage.get("text", "")) for passage in self.passages]
        for number, found in enumerate(pieces):
            if not found:
                raise CourseError(
                    f'passage {number} has no words: give each passage a "text" to search in.'
                )
        # Plus, because in a collection this small plain BM25 gives common words a negative weight.
        self._index = BM25Plus(pieces)

    def search(self, query: str, k: int = 2) -> list[dict[str, Any]]:
        """The passages that share the rarest pieces with the query.

        Args:
            query: a question in either language.
            k: number of passages. 2 holds the answer to all of the course's English and Japanese
                test questions; every further passage is one more to be misled by.

        Returns:
            The `k` best passages, best first, each with its `score` (only differences matter).

        Raises:
            CourseError: the query has no words, or `k` is less than 1.

        Example:
            >>> hits = retriever.search("Who leads the club?")  # doctest: +SKIP
            >>> [hit["section"] for hit in hits]  # doctest: +SKIP
            ['Joining', 'For members']
        """
        if k < 1:
            raise CourseError(f"k is {k}: ask for at least one passage.")
        pieces = ngrams(query)
        if not pieces:
            raise CourseError(f"the query {query!r} has no words to search for.")
        scores = self._index.get_scores(pieces)
        # A stable sort: equal passages keep the order in which they were given.
        order = sorted(range(len(self.passages)), key=lambda place: -scores[place])[:k]
        return [{**self.passages[place], "score": float(scores[place])} for place in order]


def with_context(
    messages: Sequence[Mapping[str, str]], passages: Sequence[Mapping[str, Any]]
) -> list[dict[str, str]]:
    """Put passages before the question, in the same message.

    Args:
        messages: a conversation that ends with the user's question.
        passages: what to answer from, such as `Retriever.search` returns.

    Returns:
        A new conversation, ready for `generate`.

    Raises:
        CourseError: the conversation does not end with the user.

    Example:
        >>> with_context([{"role": "user", "content": "When?"}], [{"text": "On Sunday."}])
        [{'role': 'user', 'content': 'On Sunday.\\n\\nWhen?'}]
    """
    if not messages or messages[-1]["role"] != "user":
        raise CourseError("the conversation must end with the user's question.")
    *before, question = messages
    text = "\n\n".join(str(passage["text"]).strip() for passage in passages)
    asked = {"role": "user", "content": f"{text}\n\n{question['content']}"}
    return [*(dict(message) for message in before), asked]


def _pieces(text: str, sizes: Iterable[int]) -> list[str]:
    return [text[i : i + size] for size in sizes for i in range(len(text) - size + 1)]
