"""Short support chats for the benchmarks: any number of them, seeded, with known damage.

Words are drawn as real text draws them (few often, most rarely), so that two chats are unlike
unless one was made from the other. One row in five is Japanese. Of every hundred rows about five
repeat an earlier one letter for letter, five repeat one with a word changed, two hold an e-mail
address or a phone number, one holds HTML, and one has an answer that was cut off.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

_ONSETS = ("b", "ch", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "st", "tr")
_RHYMES = ("a", "e", "i", "o", "u", "ar", "en", "ing", "ock", "ound")
_SYLLABLES = [onset + rhyme for onset in _ONSETS for rhyme in _RHYMES]
# The words that real text has most of, in both languages, at the head of the vocabulary.
_COMMON = (
    "the to you a is we it and your of in for can will on be this if my with i that have are do "
    "please not our at from or by when how what where out no there about time would so get as "
    "want need help thank yes they them was has should could send take make see use"
)
_PARTICLES = "を に は が の で と も から まで ます です した ください"
_KANJI = "商品注文返品交換保証修理配送住所電話番号写真色大小新古左右上下春夏秋冬山川道具箱袋布糸針"
_KANA = "かきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろ"


class ShortChats:
    """A seeded source of rows {"messages": [...]}.

    Args:
        seed: The only source of chance.
        words: Size of the vocabulary; 30,000 is that of a mid-sized help desk.
    """

    def __init__(self, seed: int = 0, words: int = 30_000) -> None:
        self._rng = random.Random(seed)
        draw = self._rng
        self._english = ["".join(draw.choices(_SYLLABLES, k=draw.randint(1, 3)))
                         for _ in range(words)]  # fmt: skip
        self._japanese = ["".join([*draw.choices(_KANJI, k=draw.randint(1, 2)),
                                   *draw.choices(_KANA, k=draw.randint(0, 3))])
                          for _ in range(words)]  # fmt: skip
        for words_of, common in ((self._english, _COMMON), (self._japanese, _PARTICLES)):
            words_of[: len(common.split())] = common.split()
        self._ranks = [1 / (rank + 10) for rank in range(words)]  # Zipf
        total = 0.0
        self._summed = [total := total + rank for rank in self._ranks]

    def _words(self, low: int, high: int, japanese: bool) -> list[str]:
        pool = self._japanese if japanese else self._english
        return self._rng.choices(pool, cum_weights=self._summed, k=self._rng.randint(low, high))

    def _pair(self) -> tuple[str, str]:
        if self._rng.random() < 0.2:
            asked = "".join(self._words(5, 12, True)) + "ですか。"
            return asked, "".join(self._words(8, 24, True)) + "です。"
        asked = " ".join(self._words(6, 18, False)).capitalize() + "?"
        return asked, " ".join(self._words(8, 30, False)).capitalize() + "."

    def __call__(self, rows: int) -> Iterator[dict[str, list[dict[str, str]]]]:
        """Draw rows.

        Args:
            rows: How many.

        Yields:
            One row after the other.
        """
        draw = self._rng
        earlier: list[tuple[str, str]] = []
        for _ in range(rows):
            r = draw.random()
            if r < 0.05 and earlier:
                asked, answer = draw.choice(earlier)
            elif r < 0.10 and earlier:
                asked, answer = draw.choice(earlier)
                answer = answer[:-1] + draw.choice((" indeed.", "!", " ok."))
            else:
                asked, answer = self._pair()
                if len(earlier) < 10_000:
                    earlier.append((asked, answer))
                elif draw.random() < 0.1:
                    earlier[draw.randrange(10_000)] = asked, answer
            if 0.10 <= r < 0.11:
                asked += f" Write to {draw.choice(self._english)}@example.com"
            elif 0.11 <= r < 0.12:
                asked += f" Call 090-{draw.randint(1000, 9999)}-{draw.randint(1000, 9999)}"
            elif 0.12 <= r < 0.13:
                answer = f"<p>{answer}</p>"
            elif 0.13 <= r < 0.14:
                answer = answer[: len(answer) // 2].rstrip() + ","
            yield {"messages": [{"role": "user", "content": asked},
                                {"role": "assistant", "content": answer}]}  # fmt: skip


def write(path: Path, rows: int, seed: int = 0) -> Path:
    """Write a JSON Lines file of short chats.

    Args:
        path: The file.
        rows: How many.
        seed: Of the chats.

    Returns:
        The path.
    """
    with path.open("w", encoding="utf-8") as file:
        for row in ShortChats(seed)(rows):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return path
