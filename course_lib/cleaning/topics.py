"""What the set talks about: topics of the questions, which are thin, and which lack edge cases.

Questions are clustered by the character n-grams of their content words: English words that are
no stop words, and runs of katakana and kanji (hiragana is mostly grammar; with it, Japanese
questions fell together by their endings). It is a map for a person, not a verdict.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from math import sqrt
from typing import TYPE_CHECKING

from course_lib.cleaning.normalise import normalised
from course_lib.cleaning.rule import Found, Messages, Notice, answers

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_DIMENSIONS = 64
_MOST_TOPICS = 60
# Fewer rows than this teach a topic by chance, and fewer than fifty have no topics to speak of.
_FEW = 5
_ENOUGH = 50
# Where every tenth question stands alone, the set is diverse on purpose.
_DIVERSE = 0.1
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_WORD = re.compile(r"[a-z][a-z'’]+|[\u30a1-\u30fa\u30fc]+|[\u4e00-\u9fff々]+")
# Words that ask or greet, but say nothing of the topic, beside scikit-learn's English list.
_ASKING = frozenset(
    _WORD.findall(
        "does did don't doesn't didn't can't i'm i've i'd it's what's want need know like just got"
        " hello hi hey dear thanks thank you 何 誰 私 方 事 物 教 知 思 良 質問 方法 必要"
    )
)
_KANJI = re.compile(r"[\u4e00-\u9fff]")
_DECLINES = re.compile(
    r"(?i)(?<![a-z])(?:(?:i|we)(?: am| are|['’]m|['’]re)? (?:sorry|afraid|unable|not (?:able|sure))"
    r"|(?:i|we) (?:do not|don['’]t|did not|didn['’]t) (?:know|have|offer|sell|ship|accept|find)"
    r"|can ?not|can['’]t|unable to|unfortunately|not (?:possible|available)|get back to you"
    r"|no (?:information|answer|idea)|does(?: not|n['’]t) say|colleague"
    r"|(?:please|best) (?:ask|call|contact|write to|consult|see a|speak))(?![a-z])"
    r"|(?:分か|わか|判)りません|(?:分か|わか)りかね|存じません|でき(?:ません|かねます)|出来ません"
    r"|(?:いた|致)しかね|ありません|ございません|残念ながら|申し訳|担当(?:者|の者|部署)"
    r"|確認(?:いた)?します|書いてありません|不明です"
    r"|(?:お問い合わせ|お尋ね|ご相談|ご連絡|お電話)(?:を)?(?:ください|下さい)"
)


def declines(messages: Messages) -> bool:
    """Say whether a conversation is an edge case: its answer declines, does not know, or refers on.

    Args:
        messages: A conversation.

    Returns:
        True if some answer says so.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> declines(chat("Do you sell boats?", "Sorry, we do not sell boats."))
        True
    """
    return any(_DECLINES.search(text) for text in answers(messages))


def topics(sets: list[Messages], *, count: int | None = None, seed: int = 0) -> pd.DataFrame:
    """Cluster the questions of a set, and say what each topic has and lacks.

    TF-IDF of character 2- to 4-grams within words, reduced to 64 dimensions, and k-means, for
    Japanese and other questions apart (together, the first two topics were the languages).

    Args:
        sets: The conversations; the first question of each is clustered.
        count: Topics per script. None takes the square root of half the questions, at most 60
            (a rule of thumb of Mardia, Kent and Bibby, "Multivariate Analysis", 1979).
        seed: Seed of the clustering; the same seed gives the same topics.

    Returns:
        One line a topic, the smallest first: `topic` (its most telling words), `rows`, `share`
        (0 to 1), `edge_cases` (rows whose answer declines or refers on; a topic with none may
        lack them), `example` (its most central question) and `positions` (its rows in `sets`).

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> asks = [f"Can I return the tent of order {n}?" for n in range(20)]
        >>> asks += [f"Which stove boils water {n} times?" for n in range(9)]
        >>> found = topics([chat(ask, "Yes.") for ask in asks], count=2)
        >>> found["topic"].tolist(), found["rows"].tolist()
        (['boils, stove, times, water', 'order, return, tent'], [9, 20])
    """
    import pandas as pd

    groups: dict[bool, list[int]] = defaultdict(list)
    asks = [_question(messages) for messages in sets]
    for position, ask in enumerate(asks):
        if ask.strip():
            groups[bool(_JAPANESE.search(ask))].append(position)
    lines = []
    for positions in groups.values():
        lines += _lines(sets, asks, positions, count, seed)
    columns = ["topic", "rows", "share", "edge_cases", "example", "positions"]
    table = pd.DataFrame(lines, columns=columns)
    return table.sort_values(["rows", "topic"], ignore_index=True)


def _question(messages: Messages) -> str:
    return next((m["content"] for m in messages if m["role"] == "user"), "")


def _content_words(words: Iterable[list[str]]) -> list[list[str]]:
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    idle = ENGLISH_STOP_WORDS | _ASKING
    return [[word for word in row if word not in idle] for row in words]


def _words(ask: str) -> list[str]:
    return _WORD.findall(normalised(ask))


def question_words(sets: list[Messages]) -> list[str]:
    """The words of the first question of each conversation, but for hiragana.

    Args:
        sets: The conversations.

    Returns:
        For each its words with spaces between.

    Example:
        >>> question_words([[{"role": "user", "content": "Where is my tent?"}]])
        ['where is my tent']
    """
    return [" ".join(_words(_question(messages))) for messages in sets]


def _lines(
    sets: list[Messages], asks: list[str], positions: list[int], count: int | None, seed: int
) -> list[tuple[object, ...]]:
    words = _content_words(_words(asks[position]) for position in positions)
    # A question without any such word keeps its text, so that it is not lost.
    texts = [
        " ".join(row) or normalised(asks[position])
        for row, position in zip(words, positions, strict=True)
    ]
    clusters, central = _clusters(texts, count or round(sqrt(len(texts) / 2)), seed)
    said = [frozenset(row) for row in words]
    spread = Counter(word for words in said for word in words)
    lines: list[tuple[object, ...]] = []
    for cluster in sorted(set(clusters)):
        members = [place for place, own in enumerate(clusters) if own == cluster]
        rows = [positions[place] for place in members]
        edge = sum(declines(sets[row]) for row in rows)
        example = asks[positions[central[cluster]]].strip()
        name = ", ".join(_telling([said[place] for place in members], spread, len(texts)))
        share = len(rows) / len(sets)
        lines.append((name or example[:30], len(rows), share, edge, example, rows))
    return lines


def _clusters(texts: list[str], count: int, seed: int) -> tuple[list[int], dict[int, int]]:
    """The cluster of each text, and for each cluster the text nearest to its middle."""
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

    different = len(set(texts))
    count = max(1, min(count, _MOST_TOPICS, different))
    if count == 1:
        return [0] * len(texts), {0: 0}
    grams = TfidfVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), max_features=50_000, sublinear_tf=True
    )
    # Sums in another order differ in their last digit: one thread, or 2 cores and 4 disagree.
    with threadpool_limits(limits=1):
        matrix = grams.fit_transform(texts)
        if min(matrix.shape) > _DIMENSIONS:
            matrix = normalize(TruncatedSVD(_DIMENSIONS, random_state=seed).fit_transform(matrix))
        model = KMeans(count, n_init=3, random_state=seed)
        distances: np.ndarray = model.fit_transform(matrix)
    own = [int(label) for label in model.labels_]
    nearest: dict[int, int] = {}
    for place, label in enumerate(own):
        best = nearest.setdefault(label, place)
        if distances[place, label] < distances[best, label]:
            nearest[label] = place
    return own, nearest


def _telling(inside: list[frozenset[str]], spread: Counter[str], total: int) -> list[str]:
    """The words that are frequent in a topic and rare beyond it, in alphabetical order."""
    counts = Counter(word for words in inside for word in words)
    least = max(1, len(inside) // 4)

    def weight(word: str) -> tuple[float, str]:
        here, everywhere = counts[word] / len(inside), spread[word] / total
        return here * (1 - everywhere / (here + everywhere)), word

    usual = [word for word in counts if counts[word] >= least and spread[word] <= 0.5 * total]
    best = sorted(usual or counts, key=weight, reverse=True)[:4]
    return sorted(best)


def thin_topics(sets: list[Messages], asked: Sequence[str] | None = None) -> dict[int, Found]:
    """Find the questions that stand nearly alone: all their content words are rare in the set.

    Clusters do not show these, because k-means puts an odd question into the nearest large
    topic. Words do: where five rows ask about stoves, five rows hold a word for it.

    Args:
        sets: The conversations; the first question of each is read.
        asked: Their `question_words`; None finds them here.

    Returns:
        The rows none of whose content words (by their first letters) is in 5 rows, with the
        words. Sets of fewer than 50 questions in a script, and sets where a tenth of the
        questions stand alone, have no topics to speak of.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> rows = [chat(f"Can I return the tent of order {n}?", "Yes.") for n in range(60)]
        >>> thin_topics([*rows, chat("Are zebras allowed in?", "No.")])[60].reason
        "no word of the question is in 5 rows: 'allowed' (1), 'zebras' (1)"
    """
    asked = question_words(sets) if asked is None else asked
    words = _content_words(row.split() for row in asked)
    groups: dict[bool, list[int]] = defaultdict(list)
    for position, row in enumerate(words):
        if row:
            groups[bool(_JAPANESE.search("".join(row)))].append(position)
    found: dict[int, Found] = {}
    for positions in groups.values():
        rows = Counter(stem for position in positions for stem in {*map(_stem, words[position])})
        alone = [p for p in positions if all(rows[_stem(word)] < _FEW for word in words[p])]
        if len(positions) < _ENOUGH or len(alone) > _DIVERSE * len(positions):
            continue
        for position in alone:
            told = ", ".join(f"{w!r} ({rows[_stem(w)]})" for w in sorted({*words[position]})[:4])
            found[position] = Found(f"no word of the question is in {_FEW} rows: {told}")
    return found


def _stem(word: str) -> str:
    """The letters by which words of one topic are alike: stoves and stove, 返品期限 and 返品."""
    if word.isascii():
        return word[:5]
    return word[:2] if _KANJI.match(word) else word[:4]


TOPIC = Notice(
    name="thin_topic",
    reason="A topic with a handful of rows is hardly learned; add rows, or leave it out.",
    before="Are zebras allowed in? (among 400 questions about tents)",
    after=None,
    look=thin_topics,
    facts=question_words,
)
