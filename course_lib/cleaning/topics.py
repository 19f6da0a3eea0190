"""What the set talks about: topics of the questions, which are thin, and which lack edge cases.

Questions are clustered by their character n-grams, so that English and Japanese need no word
list. It is a map for a person, not a verdict: k-means gives every question a topic.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from math import sqrt
from typing import TYPE_CHECKING

from course_lib.cleaning.normalise import normalised
from course_lib.cleaning.rule import Found, Messages, Notice, answers

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_DIMENSIONS = 64
_MOST_TOPICS = 60
# Fewer rows than this teach a topic by chance; below a tenth of an even share it is an aside.
_FEW = 5
_TENTH = 0.1
_ENOUGH = 50
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")
_WORD = re.compile(r"[a-z][a-z'’]{2,}|[\u30a1-\u30fa\u30fc]{2,}|[\u4e00-\u9fff々]{2,}")
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
        (['boils, stove, times, water'], ['order, return, tent'], [9, 20])
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


def _lines(
    sets: list[Messages], asks: list[str], positions: list[int], count: int | None, seed: int
) -> list[tuple[object, ...]]:
    texts = [normalised(asks[position]) for position in positions]
    clusters, central = _clusters(texts, count or round(sqrt(len(texts) / 2)), seed)
    said = [frozenset(_WORD.findall(text)) for text in texts]
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
    if count == 1 or different < 3:
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

    usual = [word for word in counts if counts[word] >= least and spread[word] <= 0.4 * total]
    best = sorted(usual or counts, key=weight, reverse=True)[:4]
    return sorted(best)


def thin_topics(sets: list[Messages]) -> dict[int, Found]:
    """Find the rows of topics that have too few rows to be learned.

    Args:
        sets: The conversations.

    Returns:
        The rows of topics with fewer than 5 rows, or less than a tenth of an even share. Sets
        of fewer than 50 rows have no topics to speak of.

    Example:
        >>> from course_lib.cleaning.rule import chat
        >>> thin_topics([chat("Is it open?", "Yes.")])
        {}
    """
    if len(sets) < _ENOUGH:
        return {}
    table = topics(sets)
    least = max(_FEW, _TENTH * len(sets) / len(table))
    found: dict[int, Found] = {}
    for topic, rows, positions in zip(
        table["topic"], table["rows"], table["positions"], strict=True
    ):
        if rows < least:
            few = "the only row" if rows == 1 else f"one of only {rows} rows"
            for position in positions:
                found[position] = Found(f"{few} on the topic {topic!r}")
    return found


TOPIC = Notice(
    name="thin_topic",
    reason="A topic with a handful of rows is hardly learned; add rows, or leave it out.",
    before="the only question about tent poles among 400 about returns",
    after=None,
    look=thin_topics,
)
