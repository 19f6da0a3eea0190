"""The survey, how narrow a wording is, and the account of a source."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from course_lib.cleaning import clean
from course_lib.formats import read, write_jsonl
from course_lib.sources import (
    account,
    distinct_share,
    questions,
    source_card,
    twins,
    wording_growth,
    write_survey,
)
from course_lib.sources.survey import COLUMNS


def row(question: str, answer: str = "Yes.") -> dict[str, list[dict[str, str]]]:
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


def test_the_survey_is_cp932_and_the_same_for_a_seed(tmp_path: Path) -> None:
    one, same, other = (
        write_survey(tmp_path / f"{number}.csv", seed).read_bytes()
        for number, seed in enumerate((1, 1, 2))
    )
    assert one == same
    assert one != other
    with pytest.raises(UnicodeDecodeError):
        one.decode("utf-8")
    assert one.decode("cp932").splitlines()[0] == ",".join(COLUMNS)


def test_the_survey_is_read_by_naming_its_columns(tmp_path: Path) -> None:
    source = read(write_survey(tmp_path / "survey.csv"), question=COLUMNS[2], answer=COLUMNS[3])
    assert source.encoding == "cp932"
    assert len(source.rows) == 120
    assert {row.extra[COLUMNS[4]] for row in source.rows} == {"はい", "いいえ"}


def test_every_row_is_accounted_for(tmp_path: Path) -> None:
    source = read(write_survey(tmp_path / "survey.csv"), question=COLUMNS[2], answer=COLUMNS[3])
    line = account(clean(source))
    assert line["rows in"] == 120 == line["kept"] + line["rejected"]
    assert line["masked"] > 0
    assert "empty" in line["rejected by"]


def test_a_source_that_repeats_itself_stops_growing() -> None:
    repeated = wording_growth(["where is my blue tent"] * 4, step=3)
    assert repeated["read"].tolist() == [3, 6, 9, 12]
    assert repeated["distinct"].tolist() == [3, 3, 3, 3]


@pytest.mark.parametrize(
    ("texts", "by", "share"),
    [
        (["my old tent", "My OLD tent!"], "word", 0.5),
        (["テントは", "テントは"], "character", 0.5),
        (["tent"], "word", 0.0),
        ([], "word", 0.0),
    ],
)
def test_the_share_of_different_sequences(texts: list[str], by: str, share: float) -> None:
    assert distinct_share(texts, first=4, by=by) == share


def test_questions_are_told_apart_by_their_script() -> None:
    rows = [row("Where is my tent?"), row("テントはどこですか。")]
    assert questions(rows, "en") == ["Where is my tent?"]
    assert questions(rows, "ja") == ["テントはどこですか。"]


def test_twins_are_counted_once_and_only_across() -> None:
    ours = [row("Where is my blue tent?"), row("Where is my blue tent??"), row("Any stoves?")]
    theirs = [row("where is my blue tent"), row("Where is my blue tent?")]
    assert twins(ours, theirs) == 2
    assert twins(ours, [row("Do you sell maps?")]) == 0


def test_the_card_has_the_table_and_the_notes() -> None:
    table = pd.DataFrame({"kept": [7], "risk": ["a | b"]}, index=["export"])
    card = source_card(table, {"Licences": "CC BY 4.0"}, title="Rows")
    assert card.splitlines()[4] == "| export | 7 | a / b |"
    assert "## Licences\n\nCC BY 4.0" in card


def test_the_account_survives_a_file_where_all_is_kept(tmp_path: Path) -> None:
    write_jsonl([row("Where is my tent?", "It stands in the hall.")], tmp_path / "one.jsonl")
    assert account(clean(tmp_path / "one.jsonl"))["rejected by"] == ""
