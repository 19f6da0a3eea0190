"""Search without a server, in English and Japanese: what the index holds, and how it is asked.

Sphinx builds the index and searches it in the browser. Its own Japanese splitter cuts pages into
words but leaves what is typed in one piece, so that two words typed together, as Japanese is, find
nothing. Here both are cut alike, into pairs of neighbouring characters, as Lucene's CJK analyser
does: any word of two characters or more is found, and no dictionary is needed. English is stemmed
as ever, in both editions, since lessons in one language quote the other.
"""

from __future__ import annotations

import re

from sphinx.search.en import SearchEnglish

# Kana, the marks that belong to words, and kanji; no punctuation.
_CJK = "々〆ぁ-ゟァ-ヺー-ヿ㐀-鿿豈-﫿ｦ-ﾟ"
_RUNS = re.compile(f"[{_CJK}]+|[^\\W{_CJK}]+")


class BilingualSearch(SearchEnglish):
    """English words, and Japanese by pairs of characters.

    Args:
        options: Sphinx's, of which there are none.
    """

    js_splitter_code = f"""
var splitQuery = (query) =>
  (query.match(/[{_CJK}]+|(?:(?![{_CJK}])[\\p{{Letter}}\\p{{Number}}_])+/gu) || []).flatMap((run) =>
    /^[{_CJK}]/u.test(run) && run.length > 1
      ? [...run].slice(1).map((_, place) => run.slice(place, place + 2))
      : [run]
  );
"""

    def split(self, input: str) -> list[str]:
        """Cut a text into what the index holds.

        Args:
            input: The text of a page.

        Returns:
            Words as they stand; of Japanese every character, and every two that follow each other.

        Example:
            >>> BilingualSearch({}).split("LoRAと過学習")
            ['LoRA', 'と', '過', '学', '習', 'と過', '過学', '学習']
        """
        pieces: list[str] = []
        for run in _RUNS.findall(input):
            if re.match(f"[{_CJK}]", run):
                pieces += [*run, *(run[place : place + 2] for place in range(len(run) - 1))]
            else:
                pieces.append(run)
        return pieces
