"""The whole cleaner: counts that add up, a second run that finds nothing, nothing leaked."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.cleaning import clean, rule_table, score_against_key
from course_lib.cleaning.command import main
from course_lib.cleaning.rule import Repair, chat
from course_lib.errors import CourseError
from course_lib.formats import join, read, write_jsonl
from course_lib.runtime import data_path

MESSY: list[dict[str, Any]] = [
    {"messages": chat("Where is the <b>tent</b>?", "It is in the box, we think."), "id": "a"},
    {"messages": chat("Mail mina@example.com", "We wrote to mina@example.com today."), "line": 99},
    {"messages": chat("How do I fold it?", "")},
    {"messages": [{"role": "bot", "content": "Hi"}]},
    {"messages": "call 090-1234-5678"},
    {"messages": chat("Where is the tent?", "It is in the box, we think.")},
]


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    path = write_jsonl(MESSY, tmp_path / "messy.jsonl")
    path.write_bytes(path.read_bytes() + b'{"messages": [\n')
    return path


def test_nothing_is_lost_and_everything_is_explained(messy: Path, tmp_path: Path) -> None:
    report = clean(messy)
    summary = report.summary
    assert summary["rows_in"] == 7
    assert (summary["kept"], summary["changed"], summary["rejected"]) == (2, 2, 5)
    assert dict(zip(report.rejected["line"], report.rejected["rule"], strict=True)) == {
        3: "empty",
        4: "role",
        5: "schema",
        6: "exact_duplicate",
        7: "json",
    }
    assert next(r["reason"] for r in report.rejected.to_dict("records") if r["line"] == 6) == (
        "letter for letter the same as an earlier row (line 1)"
    )
    assert report.kept["line"][:] == [1, 2]
    assert report.kept["original_line"][:] == [None, 99]
    assert report.kept["messages"][0][0]["content"] == "Where is the tent?"
    assert set(report.ledger.columns) >= {"rule", "seen", "changed", "rejected", "noticed"}
    assert int(report.ledger["rejected"].sum()) == 5


def test_no_file_leaks_what_was_masked_and_a_second_run_changes_nothing(
    messy: Path, tmp_path: Path
) -> None:
    first = clean(messy).save(tmp_path / "one")
    names = ["changes.jsonl", "kept.jsonl", "rejected.jsonl", "report.html", "review.jsonl"]
    assert sorted(path.name for path in first.iterdir()) == names
    for name in names:
        text = (first / name).read_text("utf-8")
        assert "mina@example.com" not in text
        assert "090-1234" not in text
    again = clean(first / "kept.jsonl")
    assert (again.summary["changed"], again.summary["rejected"]) == (0, 0)
    second = again.save(tmp_path / "two")
    assert (first / "kept.jsonl").read_bytes() == (second / "kept.jsonl").read_bytes()


def test_rules_can_be_chosen(messy: Path) -> None:
    report = clean(messy, rules=["html"])
    assert set(report.summary["rules"]) == {"json", "schema", "html"}
    assert report.summary["kept"] == 5
    assert "mina@example.com" in report.kept["messages"][1][0]["content"]
    with pytest.raises(CourseError, match="no rule 'htlm'"):
        clean(messy, rules=["htlm"])
    table = [row["rule"] for row in rule_table() if row["does"] != "repairs (extra)"]
    assert table == list(clean(messy).summary["rules"])


def test_a_held_out_test_is_kept_out(messy: Path) -> None:
    report = clean(messy, test=[chat("Where is the tent?", "In the box.")])
    assert report.summary["rules"]["contamination"]["rejected"] == 2


def test_command_prints_and_writes_the_same(
    messy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([str(messy), "--out", str(out), "--json"]) == 0
    summary: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert summary == clean(messy).summary
    lines = (out / "rejected.jsonl").read_text("utf-8").splitlines()
    told = {"file", "line", "position", "rule", "reason", "messages", "row"}
    assert told == set(json.loads(lines[0]))
    assert main([str(messy), str(messy), "--out", str(out)]) == 0
    assert "14 rows in" in capsys.readouterr().out


def test_command_says_when_nothing_is_left(tmp_path: Path) -> None:
    path = write_jsonl([{"messages": chat("Hi", "")}], tmp_path / "t.jsonl")
    with pytest.raises(CourseError, match="nothing is left after cleaning"):
        main([str(path), "--out", str(tmp_path / "out")])
    assert (tmp_path / "out" / "rejected.jsonl").read_text("utf-8").count("\n") == 1


MARKS = list('{}[]":,\\ \n\r\0')
WORDS = ["messages", "role", "user", "assistant", "content", "NaN", "\\ud800", "あ", "\ufeff"]
DEFECTS = ["<b>", "&amp;lt;b&amp;gt;", "Ã©", "縺薙", "ａ＠ｂ．ｃｏｍ", "090-1234-5678", "\u2028"]
PIECES = st.sampled_from([*MARKS, *WORDS, *DEFECTS])
TEXT = st.lists(PIECES, max_size=8).map("".join)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "bot"]), "content": TEXT | st.none()}
)
ROW = st.fixed_dictionaries(
    {"messages": st.builds(chat, TEXT, TEXT) | st.lists(MESSAGE, max_size=3)},
    optional={"line": st.integers() | TEXT, "note": st.none() | st.lists(TEXT, max_size=2)},
)
LINE = TEXT.map(lambda text: text.replace("\n", "")) | ROW.map(json.dumps)


@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(lines=st.lists(LINE, min_size=1, max_size=6))
def test_hostile_files_never_lose_a_row(lines: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "hostile.jsonl"
        path.write_bytes("\n".join(lines).encode("utf-8"))
        try:
            report = clean(path)
        except CourseError:
            return
        summary = report.summary
        assert summary["rows_in"] == sum(bool(line.strip()) for line in lines)
        assert summary["rows_in"] == summary["kept"] + summary["rejected"]
        assert len(report.kept) + len(report.rejected) == summary["rows_in"]
        kept = report.save(Path(folder) / "one") / "kept.jsonl"
        if summary["kept"]:
            second = clean(kept).save(Path(folder) / "two") / "kept.jsonl"
            assert kept.read_bytes() == second.read_bytes()


def test_the_rules_find_what_was_planted_in_both_languages() -> None:
    folder = data_path("yamabiko")
    tests = join([read(folder / "faq_test.jsonl"), read(folder / "faq_test_ja.jsonl")])
    report = clean(folder / "support_raw.jsonl", test=tests)
    scores = score_against_key(report, folder / "answer_key.jsonl").set_index("kind")
    assert (scores["planted"] >= 10).all()
    assert (scores["precision"] >= 0.95).all(), scores
    assert (scores["recall"] >= 0.95).all(), scores
    for language in ("en", "ja"):
        scores = score_against_key(report, folder / "answer_key.jsonl", language=language)
        planted = scores[scores["planted"] > 0]
        assert len(planted) >= 17
        assert (planted["recall"] >= 0.95).all(), planted


def test_a_wrong_answer_key_is_refused(messy: Path, tmp_path: Path) -> None:
    report = clean(messy)
    with pytest.raises(CourseError, match="no answer key"):
        score_against_key(report, tmp_path / "missing.jsonl")
    key = write_jsonl([{"line": 1, "kinds": ["typo"]}], tmp_path / "key.jsonl")
    with pytest.raises(CourseError, match="no rule knows the kind 'typo'"):
        score_against_key(report, key)


def pair(prompt: str, chosen: str, rejected: str) -> dict[str, Any]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rows = [
        pair("Where is my tent?", "It ships on Monday.", "<b>No idea</b>, ask mina@example.com."),
        pair("Do you have stoves?", "We have three stoves.", "We have three stoves."),
        pair("When do you open?", "We open at nine.", ""),
        pair("店は何時に開きますか。", "午前9時に開きます。", "知りません。"),
    ]
    return write_jsonl(rows, tmp_path / "pairs.jsonl")


def test_preference_pairs_come_out_as_preference_trainers_want_them(
    pairs: Path, tmp_path: Path
) -> None:
    report = clean(pairs)
    assert dict(zip(report.rejected["line"], report.rejected["rule"], strict=True)) == {
        2: "pair_same",
        3: "pair_empty",
    }
    assert {"prompt", "chosen", "rejected"} <= set(report.kept.column_names)
    assert report.kept["rejected"][0] == [{"role": "assistant", "content": "No idea, ask [EMAIL]."}]
    assert set(report.changes["rule"]) == {"html", "email"}
    again = clean(report.save(tmp_path / "one") / "kept.jsonl")
    assert (again.summary["changed"], again.summary["rejected"]) == (0, 0)
    second = again.save(tmp_path / "two")
    kept = [(tmp_path / name / "kept.jsonl").read_bytes() for name in ("one", "two")]
    assert kept[0] == kept[1]
    assert second.name == "two"


def test_pairs_and_chats_are_not_mixed(pairs: Path, messy: Path) -> None:
    with pytest.raises(
        CourseError, match=r"pairs.jsonl is a preference pair and line 1 of .*messy"
    ):
        clean(join([read(messy), read(pairs)]))


def test_a_person_may_put_rows_back(messy: Path) -> None:
    before = clean(messy)
    lines = sorted(before.rejected.query("rule not in ('json', 'schema')")["line"])
    after = clean(messy, put_back=lines)
    assert set(lines) <= set(after.kept["line"])
    assert after.summary["kept"] == before.summary["kept"] + len(lines)
    assert after.summary["rows_in"] == after.summary["kept"] + after.summary["rejected"]
    with pytest.raises(CourseError, match="There is no line 4000 to put back"):
        clean(messy, put_back=[4000])
    broken = before.rejected.query("rule == 'json'")["line"].tolist()
    with pytest.raises(CourseError, match=f"line {broken[0]} cannot be put back"):
        clean(messy, put_back=broken)


def test_a_row_put_back_is_masked_all_the_same(tmp_path: Path) -> None:
    rows = [{"messages": chat("Write to mina@example.com", "")}, {"messages": chat("Hi", "Hello.")}]
    report = clean(write_jsonl(rows, tmp_path / "t.jsonl"), put_back=[1])
    assert report.kept["messages"][0][0]["content"] == "Write to [EMAIL]"


def test_several_processes_find_what_one_finds(messy: Path) -> None:
    one, two = clean(messy), clean(messy, num_proc=2)
    assert one.summary == two.summary
    assert one.kept.to_list() == two.kept.to_list()
    assert one.changes.equals(two.changes)


def test_a_rule_that_cannot_be_sent_to_other_processes_says_so(messy: Path) -> None:
    own = Repair("html", "A reason.", "a", "a", lambda text: text)
    with pytest.raises(CourseError, match="num_proc=1"):
        clean(messy, rules=[own], num_proc=2)


def test_notices_keep_the_row(tmp_path: Path) -> None:
    rows = [{"messages": chat(f"Question {n} about tents?", "good")} for n in range(40)]
    rows.append({"messages": chat("And the stoves?", "bad")})
    report = clean(write_jsonl(rows, tmp_path / "t.jsonl"), rules=["rare_label"])
    assert report.summary["kept"] == 41
    assert report.review[["line", "rule"]].to_numpy().tolist() == [[41, "rare_label"]]
    assert report.summary["rules"]["rare_label"]["noticed"] == 1


def test_command_switches_rules_off_and_puts_rows_back(
    messy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main([str(messy), "--out", str(out), "--without", "html", "--json"]) == 0
    assert "html" not in json.loads(capsys.readouterr().out)["rules"]
    rejected = [
        json.loads(line) for line in (out / "rejected.jsonl").read_text("utf-8").split("\n") if line
    ]
    back = write_jsonl([row for row in rejected if row["rule"] == "empty"], tmp_path / "back.jsonl")
    assert main([str(messy), "--out", str(out), "--put-back", str(back), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kept"] == 3
    with pytest.raises(CourseError, match="no rule 'htlm'"):
        main([str(messy), "--out", str(out), "--without", "htlm"])
    back.write_text('{"row": 3}\n', encoding="utf-8")
    with pytest.raises(CourseError, match="line 1: every row needs the 'line'"):
        main([str(messy), "--out", str(out), "--put-back", str(back)])


def test_command_counts_tokens_and_answers_with_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [
        {"messages": chat("Where is my tent?", "It ships on Monday.")},
        {
            "messages": chat(
                "Do you sell stoves?", "We sell " + "stoves and pots and " * 3 + "tins."
            )
        },
    ]
    path, out = write_jsonl(rows, tmp_path / "t.jsonl"), tmp_path / "out"
    words = [str(path), "--out", str(out), "--model", "pocket", "--max-length", "26"]
    assert main([*words, "--max-rejected", "0.4"]) == 1
    assert "over_long" in capsys.readouterr().out
    assert main(words) == 0
    card = (out / "report.html").read_text("utf-8")
    assert "What training on it costs" in card


def test_names_of_people_are_masked_on_request(tmp_path: Path) -> None:
    rows = [{"messages": chat("My name is Kenji Mori. Where is my tent?", "It ships on Monday.")}]
    path = write_jsonl(rows, tmp_path / "t.jsonl")
    assert "Kenji" in str(clean(path).kept[0])
    assert "Kenji" not in str(clean(path, rules=["name"]).kept[0])
    assert main([str(path), "--out", str(tmp_path / "out"), "--names"]) == 0
    assert "Kenji" not in (tmp_path / "out" / "kept.jsonl").read_text("utf-8")
