"""Near duplicates: `course_lib.cleaning` against a datasketch pipeline of equal recall.

    pip install datasketch
    OMP_NUM_THREADS=1 python benchmarks/near_duplicates.py

Both work on the same character 3-grams of the same normalised texts, propose candidates by
MinHash and verify each exactly; both are measured against all pairs, found by brute force.
datasketch's index is tuned below the threshold (`--peer-threshold`), as its documentation
advises where recall matters, until its recall is that of ours.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import scipy.sparse
from datasketch import MinHash, MinHashLSH
from short_chats import ShortChats

from course_lib.cleaning.duplicates import near_pairs
from course_lib.cleaning.normalise import jaccard, normalised, trigrams

Pairs = set[tuple[int, int]]


def with_datasketch(texts: list[str], threshold: float, tuned_for: float) -> Pairs:
    """The pairs that a plain datasketch pipeline finds."""
    index = MinHashLSH(threshold=tuned_for, num_perm=128)
    found: Pairs = set()
    grams = [[gram.encode() for gram in trigrams(text)] for text in texts]
    for position, sketch in enumerate(MinHash.generator(grams, num_perm=128)):
        text = texts[position]
        for other in index.query(sketch):
            if jaccard(texts[other], text) >= threshold:
                found.add((other, position))
        index.insert(position, sketch)
    return found


def by_brute_force(texts: list[str], threshold: float) -> Pairs:
    """Every pair at or above the threshold, from the product of the 3-gram incidence matrix."""
    numbers: dict[str, int] = {}
    rows = [[numbers.setdefault(gram, len(numbers)) for gram in trigrams(t)] for t in texts]
    starts = np.cumsum([0, *map(len, rows)])
    columns = np.concatenate([np.array(row) for row in rows])
    ones = np.ones(len(columns), np.int32)
    grams = scipy.sparse.csr_matrix((ones, columns, starts), (len(texts), len(numbers)))
    sizes = np.diff(starts)
    found: Pairs = set()
    for start in range(0, len(texts), 500):
        shared = (grams[start : start + 500] @ grams.T).tocoo()
        one, other = shared.row + start, shared.col
        alike = shared.data / (sizes[one] + sizes[other] - shared.data) >= threshold
        keep = alike & (one < other)
        found |= set(zip(one[keep].tolist(), other[keep].tolist(), strict=True))
    return found


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--peer-threshold", type=float, default=0.65)
    arguments = parser.parse_args()
    chats = ShortChats(0)(arguments.rows)
    texts = list(dict.fromkeys(
        normalised(row["messages"][0]["content"] + "\n" + row["messages"][1]["content"])
        for row in chats
    ))  # fmt: skip
    truth = by_brute_force(texts, arguments.threshold)
    runs = {}
    for name, find in {
        "course_lib": lambda: set(near_pairs(texts, arguments.threshold)),
        "datasketch": lambda: with_datasketch(texts, arguments.threshold, arguments.peer_threshold),
    }.items():
        seconds = []
        for _ in range(3):
            normalised.cache_clear()
            trigrams.cache_clear()
            began = time.perf_counter()
            found = find()
            seconds.append(time.perf_counter() - began)
        runs[name] = {
            "seconds": round(min(seconds), 3),
            "recall": round(len(found & truth) / len(truth), 4),
            "precision": round(len(found & truth) / len(found), 4),
        }
    ratio = runs["datasketch"]["seconds"] / runs["course_lib"]["seconds"]
    print(json.dumps({"texts": len(texts), "pairs": len(truth), **runs, "ratio": round(ratio, 1)}))


if __name__ == "__main__":
    main()
