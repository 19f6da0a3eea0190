"""What each rule costs on short chats, in microseconds a row: the profile behind the speed.

    OMP_NUM_THREADS=1 python benchmarks/rule_costs.py --rows 20000

Every rule is timed over the rows as it meets them: checks on whole rows, repairs on every message,
rules of the whole set on the whole set. Reading, and building the report, stand beside them.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from short_chats import write

from course_lib.cleaning import clean, pipeline
from course_lib.cleaning.rule import Check, Messages, Notice, Repair, Rule, SetCheck
from course_lib.formats import read


def _work(rule: Rule, sets: list[Messages]) -> Callable[[], object]:
    """The rule's whole work on a set, to be timed."""
    if isinstance(rule, Repair):
        return lambda: [[rule.repair(m["content"]) for m in messages] for messages in sets]
    if isinstance(rule, Check):
        return lambda: [rule.check(messages) for messages in sets]
    if isinstance(rule, SetCheck):
        return lambda: rule.check_all(sets)
    if isinstance(rule, Notice):
        return lambda: rule.look(sets)
    return lambda: None


def main() -> None:
    """Time reading, each rule and the whole, and print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=20_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / "chats.jsonl", rows)
        clean(path)  # imports and caches are not the rules' own
        began = time.process_time()
        source = read(path)
        costs = {"(reading)": time.process_time() - began}
        sets = [row.messages for row in source.rows if row.messages]
        for rule in pipeline.RULES:
            work = _work(rule, sets)
            began = time.process_time()
            work()
            costs[rule.name] = time.process_time() - began
        began = time.process_time()
        clean(source)
        costs["(the whole, once read)"] = time.process_time() - began
    frame = pd.Series(costs).mul(1e6 / rows).round(2).sort_values(ascending=False)
    print(frame.to_string())


if __name__ == "__main__":
    main()
