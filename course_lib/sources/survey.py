"""A customer survey as a Japanese office program exports it: CSV, in cp932, with consent asked."""

from __future__ import annotations

import csv
from pathlib import Path
from random import Random

from course_lib.yamabiko import facts, house_style
from course_lib.yamabiko.private_values import reveal
from course_lib.yamabiko.threads import Writer

COLUMNS = ("回答番号", "満足度", "ご質問・ご意見", "担当者の回答", "学習への利用")
_ROUNDS = 6
_PRIVATE = 0.3  # share of the rows in which somebody leaves a way to be reached, or more
_NOTHING = 0.1  # share of the rows that say "nothing special"
_UNANSWERED = 0.08
_CONSENT = 0.8


def write_survey(path: str | Path, seed: int = 0) -> Path:
    """Write a survey of 120 Japanese rows.

    Args:
        path: The file; overwritten if it is there.
        seed: Decides wording, order, private values and who consents.

    Returns:
        The path.

    Example:
        >>> write_survey("build/survey.csv").read_bytes().decode("cp932")[:4]  # doctest: +SKIP
        '回答番号'
    """
    draw = Random(seed)
    writer = Writer(draw)
    rows = [_row(writer, draw, place) for place in range(_ROUNDS * len(facts("ja")))]
    draw.shuffle(rows)
    with Path(path).open("w", encoding="cp932", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for number, row in enumerate(rows, start=1):
            table.writerow([f"№{number}", *row])
    return Path(path)


def _row(writer: Writer, draw: Random, place: int) -> list[str]:
    known = facts("ja")
    thread = writer.ask(known[place % len(known)])
    if draw.random() < _PRIVATE:
        reveal(thread, draw, draw.choice(("phone", "phone", "email", "card_number")))
    asked, told = thread.messages[0]["content"], thread.answer
    if draw.random() < _NOTHING:
        asked = draw.choice(("特になし", "特にありません。", "なし"))
        told = house_style("ご回答ありがとうございました。", "ja")
    if draw.random() < _UNANSWERED:
        told = ""
    consent = "はい" if draw.random() < _CONSENT else "いいえ"
    return [str(draw.randrange(2, 6)), asked, told, consent]
