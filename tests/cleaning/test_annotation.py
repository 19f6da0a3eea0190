"""A person's decisions: a fair sample, a log that survives a kill, counts that add up."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from course_lib.cleaning import CleaningReport, clean
from course_lib.cleaning.annotation import (
    agreement,
    apply,
    decisions,
    record,
    row_from_text,
    row_with_texts,
    rule_precision,
    sample_findings,
    texts_to_fix,
    verdicts,
)
from course_lib.cleaning.answer_key import key_verdicts
from course_lib.cleaning.findings import COLUMNS, findings
from course_lib.cleaning.rule import chat
from course_lib.errors import CourseError
from course_lib.formats import join, read, write_jsonl
from course_lib.runtime import data_path

ROWS: list[dict[str, Any]] = [
    {"messages": chat("Where is the <b>tent</b>?", "It is in the <i>box</i>, we think."), "id": 1},
    {"messages": chat("Mail mina@example.com", "We wrote to mina@example.com today."), "line": 9},
    {"messages": chat("How do I <b>fold</b> it?", "")},
    {"messages": [{"role": "bot", "content": "Hi there"}]},
    {"messages": "call 090-1234-5678"},
    {"messages": chat("Where is the tent?", "It is in the box, we think.")},
    {"messages": chat("What does it cost?", "It costs ten yen a day, and two a week.")},
    {"messages": chat("テントは<b>どこ</b>ですか。", "箱の中にあります。")},
]


@pytest.fixture
def report(tmp_path: Path) -> CleaningReport:
    path = write_jsonl(ROWS, tmp_path / "rows.jsonl")
    path.write_bytes(path.read_bytes() + b'{"messages": [<script>\n')
    return clean(path)


def by_line(frame: pd.DataFrame, line: int, rule: str) -> dict[Any, Any]:
    (entry,) = frame[(frame["line"] == line) & (frame["rule"] == rule)].to_dict("records")
    return entry


Mark = tuple[dict[Any, Any], str, dict[str, Any] | None]


def decided(*entries: Mark) -> pd.DataFrame:
    """The frame of a file in which these decisions were recorded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "decisions.jsonl"
        for finding, decision, row in entries:
            told = {name: finding[name] for name in ("finding", "kind", "rule", "line")}
            record(path, {**told, "decision": decision, **({"row": row} if row else {})})
        return decisions(path)


def check_counts(report: CleaningReport) -> None:
    summary = report.summary
    assert summary["rows_in"] == summary["kept"] + summary["rejected"]
    assert len(report.kept) == len(report.kept_rows) == summary["kept"]
    assert len(report.rejected) == summary["rejected"] == int(report.ledger["rejected"].sum())
    assert sum(count["rejected"] for count in summary["rules"].values()) == summary["rejected"]
    lines = [*report.kept["line"], *report.rejected["line"]] if summary["kept"] else []
    if lines:
        assert sorted(lines) == sorted(row.line for row in report.source.rows)


def test_every_rejection_and_every_repair_of_a_kept_row_is_a_finding(
    report: CleaningReport,
) -> None:
    frame = findings(report)
    assert list(frame.columns) == list(COLUMNS)
    assert frame["finding"].is_unique
    told = set(zip(frame["kind"], frame["rule"], frame["line"], strict=True))
    assert {finding for finding in told if finding[0] != "review"} == {
        ("rejected", "empty", 3),
        ("rejected", "role", 4),
        ("rejected", "schema", 5),
        ("rejected", "exact_duplicate", 6),
        ("rejected", "json", 9),
        ("changed", "html", 1),
        ("changed", "email", 2),
        ("changed", "html", 8),
    }
    assert by_line(frame, 1, "html")["found"] == 2
    assert [c["message"] for c in by_line(frame, 1, "html")["changes"]] == [1, 2]
    # A rejected row is shown as the repairs left it, and with the row that it is compared with.
    assert by_line(frame, 3, "empty")["messages"][0]["content"] == "How do I fold it?"
    assert by_line(frame, 6, "exact_duplicate")["other"] == report.kept_rows[0]["messages"]
    assert by_line(frame, 5, "schema")["messages"] is None
    assert by_line(frame, 9, "json")["row"] == '{"messages": [<script>'
    assert "090-1234" not in frame.to_json()
    assert "mina@" not in frame.to_json()


def test_a_notice_is_sampled_too(report: CleaningReport) -> None:
    frame = findings(with_review(report, [3, 7]))  # line 3 was rejected since
    assert by_line(frame, 7, "odd")["kind"] == "review"
    assert len(frame[frame["rule"] == "odd"]) == 1


def with_review(report: CleaningReport, lines: list[int]) -> CleaningReport:
    """The report with these lines in its list of rows for a person to look at."""
    rows = [row for row in report.source.rows if row.line in lines]
    entries: list[tuple[Any, ...]] = [
        (row.file, row.line, row.position, "odd", "look", {}) for row in rows
    ]
    return replace(report, review=pd.DataFrame(entries, columns=report.review.columns))


def test_a_larger_sample_begins_with_the_smaller_one() -> None:
    report = clean(data_path("yamabiko") / "support_raw.jsonl")
    every = findings(report)
    small, large = (sample_findings(report, per_rule=size, seed=3) for size in (4, 9))
    fours = large[large.groupby("rule").cumcount() < 4]
    assert small["finding"].tolist() == large["finding"].tolist()[: len(small)]
    assert small["finding"].tolist() == fours["finding"].tolist()
    counts, drawn = (frame["rule"].value_counts().to_dict() for frame in (every, large))
    assert drawn == {rule: min(9, count) for rule, count in counts.items()}
    again = sample_findings(report, per_rule=4, seed=3)
    assert again["finding"].tolist() == small["finding"].tolist()
    other = sample_findings(report, per_rule=4, seed=4)
    assert set(other["finding"]) != set(small["finding"])
    # Whoever stops after one round has judged one finding of every rule.
    first = large.head(every["rule"].nunique())
    assert sorted(first["rule"]) == sorted(every["rule"].unique())


def test_every_finding_is_drawn_as_often_as_any_other(tmp_path: Path) -> None:
    rows = [{"messages": chat(f"<b>{n}</b> is what?", f"A number, {n}.")} for n in range(12)]
    report = clean(write_jsonl(rows, tmp_path / "rows.jsonl"), rules=["html"])
    draws = pd.concat([sample_findings(report, per_rule=3, seed=seed) for seed in range(200)])
    counts = draws["line"].value_counts()
    # 600 draws over 12 findings: 50 each, with a standard deviation of 6.1.
    assert len(counts) == 12
    assert counts.between(50 - 4 * 6.1, 50 + 4 * 6.1).all(), counts


def test_names_follow_the_content_not_the_line(tmp_path: Path) -> None:
    one = clean(write_jsonl(ROWS[:5], tmp_path / "one.jsonl"))
    two = clean(write_jsonl([ROWS[6], *ROWS[:5]], tmp_path / "two.jsonl"))
    assert set(findings(one)["finding"]) == set(findings(two)["finding"])
    twice = clean(write_jsonl([ROWS[2]] * 3, tmp_path / "three.jsonl"), rules=["empty"])
    assert findings(twice)["finding"].nunique() == 3


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "3", None])
def test_a_sample_needs_a_size(report: CleaningReport, size: Any) -> None:
    with pytest.raises(CourseError, match="per_rule must be a whole number"):
        sample_findings(report, per_rule=size)


def test_a_file_that_was_read_twice_is_refused(tmp_path: Path) -> None:
    path = write_jsonl(ROWS, tmp_path / "rows.jsonl")
    with pytest.raises(CourseError, match=r"rows.jsonl was read more than once"):
        sample_findings(clean(join([read(path), read(path)])))


def test_a_clean_report_has_nothing_to_judge(tmp_path: Path) -> None:
    report = clean(write_jsonl([ROWS[6]], tmp_path / "rows.jsonl"))
    sample = sample_findings(report)
    assert list(sample.columns) == list(COLUMNS)
    assert sample.empty
    nothing = decisions(tmp_path / "nobody.jsonl")
    assert rule_precision(sample, nothing).empty
    assert apply(report, nothing).kept_rows == report.kept_rows


# --- the log ---------------------------------------------------------------------------------


FIX = {"messages": chat("Hi", "Hello! \u2028 <script> 🏕 \ud800")}


def test_what_is_recorded_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "mina.jsonl"
    record(path, {"finding": "a", "decision": "keep", "line": np.int64(7)})
    record(path, {"finding": "b", "decision": "fix", "row": FIX})
    frame = decisions(path)
    assert frame["finding"].tolist() == ["a", "b"]
    assert frame["line"].tolist()[0] == 7
    assert frame["row"].tolist()[1] == FIX
    assert path.read_bytes().count(b"\n") == 2


def test_the_latest_decision_counts_and_undo_takes_it_back(tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    for finding, decision in [
        ("a", "keep"), ("b", "reject"), ("a", "reject"), ("c", "undo"), ("b", "undo"),
        ("d", "keep"), ("a", "undo"), ("d", "undo"), ("d", "undo"), ("d", "reject"),
    ]:  # fmt: skip
        record(path, {"finding": finding, "decision": decision})
    frame = decisions(path)
    assert dict(zip(frame["finding"], frame["decision"], strict=True)) == {
        "a": "keep",
        "d": "reject",
    }


@pytest.mark.parametrize(
    ("entry", "wrong"),
    [
        ({"decision": "keep"}, "no 'finding'"),
        ({"finding": 3, "decision": "keep"}, "no 'finding'"),
        ({"finding": "a", "decision": "maybe"}, "'maybe', not keep"),
        ({"finding": "a"}, "None, not keep"),
        ({"finding": "a", "decision": "fix"}, "needs 'row'"),
        ({"finding": "a", "decision": "fix", "row": {"messages": []}}, "needs 'row'"),
        ({"finding": "a", "decision": "fix", "row": {"messages": ["Hi"]}}, "'role' and a 'conten"),
        ({"finding": "a", "decision": "keep", "when": object()}, "no JSON"),
        ({"finding": "a", "decision": "keep", "score": float("nan")}, "no JSON"),
        (["a", "keep"], "not an object but list"),
    ],
)
def test_half_a_decision_is_refused(tmp_path: Path, entry: Any, wrong: str) -> None:
    path = tmp_path / "mina.jsonl"
    with pytest.raises(CourseError, match=wrong):
        record(path, entry)
    assert not path.exists()


def test_a_line_that_is_cut_off_anywhere_costs_that_line_only(tmp_path: Path) -> None:
    whole = tmp_path / "whole.jsonl"
    record(whole, {"finding": "a", "decision": "keep"})
    first = whole.read_bytes()
    record(whole, {"finding": "b", "decision": "reject", "rule": "誤り"})
    data = whole.read_bytes()
    for end in range(len(first) + 1, len(data) - 1):
        path = tmp_path / f"{end}.jsonl"
        path.write_bytes(data[:end])
        with pytest.warns(UserWarning, match="line 2, was cut off"):
            assert decisions(path)["finding"].tolist() == ["a"]
        with pytest.warns(UserWarning, match=r"is now in .*\.broken"):
            record(path, {"finding": "c", "decision": "keep"})
        assert decisions(path)["finding"].tolist() == ["a", "c"]
        aside = path.with_name(path.name + ".broken")
        assert aside.read_bytes() == data[len(first) : end] + b"\n", "what was there is kept"
    # Only the line feed is missing: the decision is whole, and nothing is set aside.
    path = tmp_path / "unended.jsonl"
    path.write_bytes(data[:-1])
    assert decisions(path)["finding"].tolist() == ["a", "b"]
    record(path, {"finding": "c", "decision": "keep"})
    assert decisions(path)["finding"].tolist() == ["a", "b", "c"]
    assert not path.with_name(path.name + ".broken").exists()


WRITER = """
import resource, signal, sys
from course_lib.cleaning.decisions import record
record(sys.argv[1], {"finding": "a", "decision": "keep"})
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if sys.argv[2] == "killed" else signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
record(sys.argv[1], {"finding": "b", "decision": "keep", "rule": "r" * 200})
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are Unix")
@pytest.mark.parametrize("end", ["killed", "full"])
def test_a_process_that_is_stopped_in_the_middle_of_writing(tmp_path: Path, end: str) -> None:
    """The system itself stops the write at byte 100: by a signal, or as a full disk does."""
    path = tmp_path / "mina.jsonl"
    run = subprocess.run(
        [sys.executable, "-c", WRITER, str(path), end], capture_output=True, text=True, check=False
    )
    if end == "killed":
        assert run.returncode == -signal.SIGXFSZ
    else:
        assert "CourseError" in run.stderr
        assert "the decision is not recorded" in run.stderr
    assert path.stat().st_size == 100
    with pytest.warns(UserWarning, match="cut off"):
        assert decisions(path)["finding"].tolist() == ["a"]
    with pytest.warns(UserWarning, match="cut off"):
        record(path, {"finding": "b", "decision": "reject"})
    assert decisions(path)["decision"].tolist() == ["keep", "reject"]


def test_a_file_that_was_spoilt_by_hand_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "mina.jsonl"
    path.write_text('{"finding": "a", "decision": "keep"}\r\n\n{"finding": "b"}\n', "utf-8")
    with pytest.raises(CourseError, match=r"line 3, is no decision: 'decision' is None"):
        decisions(path)
    path.write_text('keep\n{"finding": "b", "decision": "keep"}\n', "utf-8")
    with pytest.raises(CourseError, match="line 1, is no decision: it is no JSON"):
        decisions(path)
    path.write_bytes(b"\xff\xfe\x00\n")
    with pytest.raises(CourseError, match="line 1"):
        decisions(path)
    with pytest.raises(CourseError, match="cannot be read"):
        decisions(tmp_path)
    with pytest.raises(CourseError, match="cannot be written"):
        record(tmp_path, {"finding": "a", "decision": "keep"})


TEXT = st.text(st.characters() | st.sampled_from('\ud800\udfff\n\r\u2028\x00<>&"\\'), max_size=30)


@settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(texts=st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=4))
def test_any_text_survives_the_log(tmp_path: Path, texts: list[tuple[str, str]]) -> None:
    path = tmp_path / "hostile.jsonl"
    path.unlink(missing_ok=True)
    for number, (question, answer) in enumerate(texts):
        row = {"messages": chat(question, answer)}
        record(path, {"finding": f"f{number}", "decision": "fix", "row": row, "rule": question})
    frame = decisions(path)
    assert [row["messages"] for row in frame["row"]] == [chat(*pair) for pair in texts]


# --- precision and agreement -----------------------------------------------------------------


def test_lists_of_lines_are_judges() -> None:
    one = verdicts([3, 4, 5, 6], rejected=[4, 9], fixed={4, 5})
    assert one["decision"].tolist() == ["keep", "reject", "fix", "keep"]
    assert agreement(one, verdicts(pd.Series([3, 4, 5]), rejected=[5])).share == pytest.approx(
        1 / 3
    )


def test_precision_of_each_kind_of_rule(report: CleaningReport) -> None:
    sample = sample_findings(report)
    marks = decided(
        (by_line(sample, 1, "html"), "keep", None),  # a repair that was right
        (by_line(sample, 8, "html"), "fix", FIX),  # one that was not
        (by_line(sample, 3, "empty"), "reject", None),  # a rejection that was right
        (by_line(sample, 4, "role"), "fix", FIX),  # right too: the row could not stay as it was
        (by_line(sample, 6, "exact_duplicate"), "keep", None),  # wrong
        ({"finding": "elsewhere", "kind": "", "rule": "html", "line": 1}, "keep", None),
    )
    scores = rule_precision(sample, marks).set_index("rule")
    assert list(scores.columns) == ["found", "judged", "right", "precision", "low", "high"]
    assert scores.loc["html", ["found", "judged", "right"]].tolist() == [2, 2, 1]
    assert scores.loc["html", "precision"] == 0.5
    assert scores.loc["empty", "right"] == scores.loc["role", "right"] == 1
    assert scores.loc["exact_duplicate", "precision"] == 0
    assert scores.loc["email", "judged"] == 0
    assert np.isnan(scores.loc["email", "precision"])
    assert scores.loc["email", ["low", "high"]].tolist() == [0, 1]
    assert ((scores["low"] >= 0) & (scores["high"] <= 1) & (scores["low"] < scores["high"])).all()
    with pytest.raises(CourseError, match=r"no column 'kind'.*sample_findings"):
        rule_precision(sample.drop(columns="kind"), marks)
    with pytest.raises(CourseError, match=r"no column 'decision'.*decisions"):
        rule_precision(sample, sample)


@pytest.mark.parametrize(
    ("right", "judged", "low", "high"),
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: Wilson's score interval.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_wilsons(right: int, judged: int, low: float, high: float) -> None:
    names = [str(number) for number in range(judged)]
    sample = pd.DataFrame({"finding": names, "kind": "review", "rule": "r", "found": judged})
    said = ["reject"] * right + ["keep"] * (judged - right)
    score = rule_precision(sample, pd.DataFrame({"finding": names, "decision": said}))
    assert score["low"][0] == pytest.approx(low, abs=5e-5)
    assert score["high"][0] == pytest.approx(high, abs=5e-5)


def passes(table: dict[tuple[str, str], int]) -> tuple[pd.DataFrame, pd.DataFrame]:
    pairs = [pair for pair, count in table.items() for _ in range(count)]
    names = [f"f{number}" for number in range(len(pairs))]
    one, two = zip(*pairs, strict=True)
    frame = pd.DataFrame({"finding": names, "rule": "r", "line": range(len(names))})
    return frame.assign(decision=one), frame.assign(decision=two)


def test_kappa_of_a_known_table() -> None:
    """(0.7 - 0.5) / (1 - 0.5); its standard error by Fleiss, Cohen and Everitt (1969) is 0.1272."""
    first, second = passes(
        {("keep", "keep"): 20, ("keep", "reject"): 5, ("reject", "keep"): 10, ("reject",) * 2: 15}
    )
    result = agreement(first, second)
    assert (result.judged, result.alone) == (50, 0)
    assert result.share == pytest.approx(0.7)
    assert result.kappa == pytest.approx(0.4)
    assert (result.kappa_high - result.kappa_low) / 2 == pytest.approx(1.96 * 0.1272, abs=0.02)
    assert len(result.differences) == 15
    assert list(result.differences.columns) == ["finding", "rule", "line", "first", "second"]
    assert agreement(first, second)[:8] == result[:8], "the same draws each time"
    back = agreement(second, first)
    assert back.share == result.share
    assert back.kappa == pytest.approx(result.kappa)


def test_kappa_at_its_ends() -> None:
    same, _ = passes({("keep", "keep"): 5, ("fix", "fix"): 5})
    perfect = agreement(same, same)
    assert (perfect.share, perfect.kappa, perfect.kappa_low) == (1.0, 1.0, 1.0)
    assert perfect.share_low < 0.8, "ten rows prove no more than this"
    assert perfect.differences.empty
    blind = agreement(*passes({("keep", "keep"): 8}))
    assert blind.share == 1.0
    assert np.isnan([blind.kappa, blind.kappa_low, blind.kappa_high]).all()
    against = agreement(*passes({("keep", "reject"): 5, ("reject", "keep"): 5}))
    assert against.kappa == -1.0


def test_two_files_of_two_people(tmp_path: Path) -> None:
    for name, marks in (("mina", "kkr"), ("ken", "krr")):
        for finding, mark in zip("abc", marks, strict=True):
            decision = {"k": "keep", "r": "reject"}[mark]
            record(tmp_path / name, {"finding": finding, "decision": decision, "rule": "html"})
    record(tmp_path / "ken", {"finding": "only ken", "decision": "keep"})
    mina, ken = decisions(tmp_path / "mina"), decisions(tmp_path / "ken")
    result = agreement(mina, ken)
    assert (result.judged, result.alone) == (3, 1)
    assert result.share == pytest.approx(2 / 3)
    assert result.differences.to_dict("records") == [
        {"finding": "b", "rule": "html", "line": None, "first": "keep", "second": "reject"}
    ]
    with pytest.raises(CourseError, match="No finding was decided by both"):
        agreement(mina[:1], ken[1:])
    with pytest.raises(CourseError, match="the same sample"):
        agreement(mina, decisions(tmp_path / "nobody"))


# --- what was decided takes effect -----------------------------------------------------------


def test_decisions_take_effect_and_every_row_is_accounted_for(
    report: CleaningReport, tmp_path: Path
) -> None:
    frame = findings(report)
    before = (report.summary.copy(), list(report.kept_rows), report.ledger.copy())
    answer = row_with_texts(by_line(frame, 3, "empty")["row"], {2: "Roll it from the top."})
    broken = row_from_text('{"prompt": "Hi", "completion": "Hello!", "id": 5}')
    marks = decided(
        (by_line(frame, 6, "exact_duplicate"), "keep", None),
        (by_line(frame, 3, "empty"), "fix", answer),
        (by_line(frame, 4, "role"), "reject", None),
        (by_line(frame, 9, "json"), "fix", broken),
        (by_line(frame, 1, "html"), "keep", None),
        (by_line(frame, 2, "email"), "reject", None),
    )
    after = apply(report, marks)
    check_counts(after)
    assert after.kept["line"][:] == [1, 3, 6, 7, 8, 9]
    assert after.rejected["line"].tolist() == [2, 4, 5]
    assert after.rejected["rule"].tolist() == ["by_hand", "role", "schema"]
    assert after.rejected["row"][0] == report.kept_rows[1], "so that it can be put back"
    assert "email" in after.rejected["reason"][0]
    told = {row["messages"][1]["content"] for row in after.kept_rows}
    assert {"Roll it from the top.", "Hello!"} <= told
    assert after.kept_rows[1]["messages"][0]["content"] == "How do I fold it?", "as repaired"
    assert after.kept_rows[5]["id"] == 5
    assert after.summary["changed"] == 4
    ledger = after.ledger.set_index("rule")
    assert ledger.loc["by_hand", ["seen", "changed", "rejected"]].tolist() == [4, 2, 1]
    assert ledger.loc["exact_duplicate", "rejected"] == 0
    fixes = after.changes[after.changes["rule"] == "by_hand"]
    assert fixes["line"].tolist() == [3, 9, 9]
    assert fixes["after"].tolist() == ["Roll it from the top.", "Hi", "Hello!"]
    saved = after.save(tmp_path / "out")
    assert len((saved / "kept.jsonl").read_text("utf-8").splitlines()) == 6
    assert "by_hand" in (saved / "report.html").read_text("utf-8")
    # The report that was judged is as it was.
    assert (report.summary, report.kept_rows) == before[:2]
    pd.testing.assert_frame_equal(report.ledger, before[2])
    # What took effect is no finding any more: a second time changes nothing.
    with pytest.warns(UserWarning, match="have no effect"):
        again = apply(after, marks)
    assert again.summary == after.summary
    assert again.kept_rows == after.kept_rows
    pd.testing.assert_frame_equal(again.ledger, after.ledger)
    pd.testing.assert_frame_equal(again.rejected, after.rejected)
    pd.testing.assert_frame_equal(again.changes, after.changes)


def test_a_row_put_back_stays_masked_and_keeps_its_columns(tmp_path: Path) -> None:
    rows = [
        {
            "messages": chat("Am I <b>mina@example.com</b>?", ""),
            "owner": "ken@example.com",
            "line": 4,
        }
    ]
    report = clean(write_jsonl(rows, tmp_path / "rows.jsonl"))
    finding = by_line(findings(report), 1, "empty")
    after = apply(report, decided((finding, "keep", None)))
    check_counts(after)
    assert after.kept_rows == [
        {"messages": chat("Am I [EMAIL]?", ""), "owner": "[EMAIL]", "line": 4}
    ]
    assert after.kept["original_line"][:] == [4]
    unmasked = clean(tmp_path / "rows.jsonl", rules=["empty", "html"])
    finding = by_line(findings(unmasked), 1, "empty")
    kept = apply(unmasked, decided((finding, "keep", None))).kept_rows
    assert kept[0]["messages"][0]["content"] == "Am I mina@example.com?", "only the run's rules"


def test_the_latest_of_several_decisions_on_one_row_counts(tmp_path: Path) -> None:
    text = "Write to <b>mina@example.com</b>, we do."
    report = clean(write_jsonl([{"messages": chat("Where to write?", text)}], tmp_path / "a.jsonl"))
    html, email = (by_line(findings(report), 1, rule) for rule in ("html", "email"))
    other = row_with_texts(html["row"], {2: "Write to us."})
    cases: list[tuple[list[Mark], list[str]]] = [
        ([(html, "fix", other), (email, "keep", None)], ["Write to us."]),
        ([(html, "reject", None), (email, "keep", None)], []),
        ([(html, "reject", None), (email, "fix", other)], ["Write to us."]),
        ([(html, "fix", other), (email, "reject", None)], []),
    ]
    for marks, left in cases:
        after = apply(report, decided(*marks))
        check_counts(after)
        assert [row["messages"][1]["content"] for row in after.kept_rows] == left


def test_what_cannot_be_done_is_said(report: CleaningReport) -> None:
    broken = by_line(findings(report), 5, "schema")
    with pytest.raises(CourseError, match="row of line 5 was kept, but is no conversation"):
        apply(report, decided((broken, "keep", None)))
    stray = {"finding": "from another file", "kind": "review", "rule": "odd", "line": 3}
    with pytest.warns(UserWarning, match=r"1 of 1 decisions .* rule 'odd', line 3"):
        after = apply(report, decided((stray, "reject", None)))
    assert after.kept_rows == report.kept_rows
    with pytest.raises(CourseError, match="no column 'decision'"):
        apply(report, findings(report))


def test_a_notice_that_was_rejected_by_hand_leaves_the_list(report: CleaningReport) -> None:
    noticed = with_review(report, [7, 8])
    marks = decided(
        (by_line(findings(noticed), 7, "odd"), "reject", None),
        (by_line(findings(noticed), 8, "odd"), "keep", None),
    )
    after = apply(noticed, marks)
    check_counts(after)
    assert 7 in after.rejected["line"].tolist()
    assert after.review["line"].tolist() == [8]


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_counts_add_up_whatever_is_decided(report: CleaningReport, data: st.DataObject) -> None:
    marks = []
    for finding in findings(report).to_dict("records"):
        allowed = ["reject", "fix", "none", *(["keep"] if finding["messages"] else [])]
        decision = data.draw(st.sampled_from(allowed))
        if decision != "none":
            row = {"messages": chat("Hi", data.draw(TEXT) + "!")} if decision == "fix" else None
            marks.append((finding, decision, row))
    check_counts(apply(report, decided(*data.draw(st.permutations(marks)))))


# --- fixes -----------------------------------------------------------------------------------


def test_the_text_to_fix_is_the_one_that_is_at_fault(report: CleaningReport) -> None:
    frame = findings(report)
    assert texts_to_fix(by_line(frame, 1, "html")) == {
        1: "Where is the tent?",
        2: "It is in the box, we think.",
    }
    assert texts_to_fix(by_line(frame, 8, "html")) == {1: "テントはどこですか。"}
    assert texts_to_fix(by_line(frame, 3, "empty")) == {2: ""}
    assert texts_to_fix(by_line(frame, 4, "role")) == {}, "no text mends a wrong role"
    assert texts_to_fix(by_line(frame, 9, "json")) == {}


def test_a_fix_must_be_one() -> None:
    row = {"messages": chat("Hi", "Helo!"), "id": 3}
    assert row_with_texts(row, {2: "Hello!"}) == {"messages": chat("Hi", "Hello!"), "id": 3}
    assert row["messages"] == chat("Hi", "Helo!"), "the row given is not altered"
    with pytest.raises(CourseError, match="Nothing was changed"):
        row_with_texts(row, {2: "Helo!"})
    with pytest.raises(CourseError, match="answer is empty"):
        row_with_texts(row, {2: " \u3000\n"})
    for text, wrong in [
        ("", "no JSON yet"),
        ("[" * 100_000, "no JSON yet"),
        ("[]", "Write one JSON object|format was not recognised"),
        ('{"text": "Hi"}', "Write one JSON object|format was not recognised"),
        ('{"messages": []}', "cannot be read yet: 'messages' must be a list"),
        ('{"messages": [{"role": "user", "content": "Hi"}]}', "trained on yet: .* no answer"),
        ('{"prompt": "Hi", "completion": " "}', "answer is empty"),
    ]:
        with pytest.raises(CourseError, match=wrong):
            row_from_text(text)


def test_a_key_can_judge_in_a_persons_place(tmp_path: Path) -> None:
    rows = [
        {"messages": chat("Where is the <b>tent</b>?", "It is in the box, we think.")},
        {"messages": chat("Is a < b and c > d the same?", "It is the <i>same</i> for both.")},
        {"messages": chat("What does it cost?", "")},
        {"messages": chat("May I send it back?", "TODO")},
    ]
    key = tmp_path / "key.jsonl"
    entries = [{"line": 1, "kinds": ["html"]}, {"line": 3, "kinds": ["empty_answer"]}]
    key.write_text("".join(json.dumps(entry) + "\n" for entry in entries), "utf-8")
    sample = sample_findings(clean(write_jsonl(rows, tmp_path / "rows.jsonl")))
    path = tmp_path / "key_says.jsonl"
    for verdict in key_verdicts(sample, key):
        record(path, verdict)
    decided = decisions(path).set_index("line")["decision"].to_dict()
    # A repair that was called for, one that was not, a rejection that was, and one that was not.
    assert decided == {1: "keep", 2: "reject", 3: "reject", 4: "keep"}
    precision = rule_precision(sample, decisions(path)).set_index("rule")["precision"]
    assert precision.to_dict() == {"html": 0.5, "empty": 0.5}
