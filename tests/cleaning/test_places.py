"""Each row has a name, also where a line is none: in reports, put back, and judged by a person."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from course_lib.cleaning import clean, rule_table
from course_lib.cleaning.annotation import apply, decisions, record, row_from_text, row_with_texts
from course_lib.cleaning.command import main
from course_lib.cleaning.corrections import texts_to_fix
from course_lib.cleaning.differences import inline_diff, stretches
from course_lib.cleaning.findings import findings
from course_lib.cleaning.rule import Repair, chat
from course_lib.errors import CourseError
from course_lib.formats import join, read, write_jsonl
from course_lib.widgets import annotate
from course_lib.widgets.cards import card

ROWS: list[dict[str, Any]] = [
    {"messages": chat("Where is the <b>tent</b>?", "It is in the box, we think.")},
    {"messages": chat("How do I fold it?", "")},
    {"messages": chat("Write to mina@example.com?", "")},
    {"messages": [{"role": "user", "content": "Is <i>mina@example.com</i> yours?"}]},
    {"messages": chat("Where is the tent?", "It is in the box, we think.")},
    {"messages": "no conversation"},
]


@pytest.fixture
def array(tmp_path: Path) -> Path:
    """Six rows, all of which begin on line 1."""
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


def test_every_rejected_row_is_told_in_full(array: Path, tmp_path: Path) -> None:
    report = clean(array)
    told = report.rejected[["file", "line", "position", "rule"]].to_numpy().tolist()
    assert told == [
        [str(array), 1, 2, "empty"],
        [str(array), 1, 3, "empty"],
        [str(array), 1, 4, "turns"],
        [str(array), 1, 5, "exact_duplicate"],
        [str(array), 1, 6, "schema"],
    ]
    assert report.rejected["reason"][3].endswith("an earlier row (line 1, position 1)")
    assert report.rejected["messages"].tolist() == [
        chat("How do I fold it?", ""),
        chat("Write to [EMAIL]?", ""),
        # Rejected before it could be repaired, and repaired all the same: a log must not leak.
        [{"role": "user", "content": "Is [EMAIL] yours?"}],
        chat("Where is the tent?", "It is in the box, we think."),
        None,
    ]
    saved = (report.save(tmp_path / "out") / "rejected.jsonl").read_text("utf-8")
    lines = [json.loads(line) for line in saved.splitlines()]
    assert lines == report.rejected.to_dict("records")
    assert "mina@" not in saved


def test_the_log_of_rejected_rows_leaks_nothing(tmp_path: Path) -> None:
    call = {"name": "mail", "arguments": '{"to": "mina@example.com"}'}
    rows: list[list[dict[str, Any]]] = [
        [*chat("Write to her.", ""), {"role": "mina@example.com", "content": "Done."}],
        [*chat("Write to her.", ""), {"role": "assistant", "content": "", "function_call": call}],
        [{**chat("Write to her.", "")[0], "name": "mina@example.com"}],
    ]
    path = write_jsonl([{"messages": messages} for messages in rows], tmp_path / "rows.jsonl")
    report = clean(path)
    assert report.rejected["line"].tolist() == [1, 2, 3]
    saved = (report.save(tmp_path / "out") / "rejected.jsonl").read_text("utf-8")
    assert "mina@" not in saved
    assert saved.count("[EMAIL]") >= 6, "in the messages and in the row as it came"


def test_every_change_has_its_reason_and_its_difference(array: Path, tmp_path: Path) -> None:
    report = clean(array)
    why = {row["rule"]: row["reason"] for row in rule_table()}
    first = report.changes.to_dict("records")[0]
    assert (first["position"], first["rule"], first["reason"]) == (1, "html", why["html"])
    assert first["diff"] == "Where is the [-<b>-]tent[-</b>-]?"
    own = Repair("html", "Our own reason.", "a", "b", lambda text: text.replace("<b>", ""))
    changes = clean(array, rules=[own]).changes
    assert changes["reason"].tolist() == ["Our own reason."]
    masked = clean(array, rules=["email"]).changes["diff"].tolist()
    assert masked[0] == "Write to [-••••••••••••••••-]{+[EMAIL]+}?", "nothing leaks into the log"
    saved = (report.save(tmp_path / "out") / "changes.jsonl").read_text("utf-8")
    assert [json.loads(line) for line in saved.splitlines()] == report.changes.to_dict("records")


def test_a_difference_is_whole_and_bounded() -> None:
    texts = [
        "",
        "a",
        "<b>a</b>",
        "a b c",
        "c b a",
        "Ａ１ b",
        "a\nb",
        "x" * 500,
        "a b " * 3000 + "!",
    ]
    for before, after in itertools.product(texts, texts):
        pairs = stretches(before, after)
        assert "".join(old for old, _ in pairs) == before
        assert "".join(new for _, new in pairs) == after
        shown = inline_diff(before, after)
        assert ("[-" in shown or "{+" in shown) == (before != after)
        assert len(shown) < 40_000
    start = time.process_time()
    inline_diff("a b " * 500_000, "b a " * 500_000 + "!")
    inline_diff("ab" * 60, "ba" * 60)
    assert time.process_time() - start < 1


def test_a_row_of_a_crowded_line_can_be_put_back(array: Path, tmp_path: Path) -> None:
    with pytest.raises(CourseError, match=r"6 rows are called line 1: .*\(file, line, position\)"):
        clean(array, put_back=[1])
    rejected = clean(array).rejected
    wanted = rejected[rejected["position"] == 2][["file", "line", "position"]]
    report = clean(array, put_back=wanted.itertuples(index=False))
    assert report.rejected["position"].tolist() == [3, 4, 5, 6]
    assert report.summary["kept"] == 2
    with pytest.raises(CourseError, match=r"no line 1, position 9 of .*rows.json to put back"):
        clean(array, put_back=[(str(array), 1, 9)])
    with pytest.raises(CourseError, match=r"line 1, position 6 cannot be put back: 'messages'"):
        clean(array, put_back=[(str(array), 1, 6)])
    # The command reads the same from its own file.
    out = tmp_path / "out"
    main([str(array), "--out", str(out), "--json"])
    lines = (out / "rejected.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "back.jsonl").write_text("\n".join(lines[1:3]), encoding="utf-8")
    main([str(array), "--out", str(out), "--put-back", str(tmp_path / "back.jsonl"), "--json"])
    left = (out / "rejected.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["position"] for line in left] == [2, 5, 6]


def test_a_line_is_enough_where_it_names_one_row(tmp_path: Path) -> None:
    one = write_jsonl(ROWS[:5], tmp_path / "one.jsonl")
    two = write_jsonl(ROWS[:3], tmp_path / "two.jsonl")
    report = clean(one)
    assert report.rejected["reason"].tolist()[-1].endswith("an earlier row (line 1)")
    assert clean(one, put_back=[2]).summary["kept"] == report.summary["kept"] + 1
    both = join([read(one), read(two)])
    again = clean(both).rejected.set_index(["file", "line"])["reason"]
    assert again[str(two), 1].endswith(f"an earlier row (line 1 of {one})")
    with pytest.raises(CourseError, match="2 rows are called line 2"):
        clean(both, put_back=[2])
    after = clean(both, put_back=[(str(two), 2), 4])
    assert not set(after.rejected["position"][after.rejected["file"] == str(two)]) & {2}
    # A file of before there were positions: file and line.
    old = write_jsonl([{"file": str(two), "line": 2}], tmp_path / "old.jsonl")
    out = tmp_path / "out"
    main([str(one), str(two), "--out", str(out), "--put-back", str(old)])
    left = [json.loads(line) for line in (out / "rejected.jsonl").read_text("utf-8").splitlines()]
    assert [row["line"] for row in left if row["file"] == str(two)] == [1, 3]


def test_rows_of_a_crowded_line_are_judged_one_by_one(array: Path, tmp_path: Path) -> None:
    report = clean(array)
    frame = findings(report)
    assert frame["where"].tolist()[:2] == ["line 1, position 2", "line 1, position 3"]
    duplicate = frame[frame["rule"] == "exact_duplicate"].iloc[0]
    assert duplicate["other"] == report.kept_rows[0]["messages"]
    view = annotate(frame, tmp_path / "mina.jsonl")
    assert "line 1, position 2:" in view.card.value
    view.keep.click()
    view.reject.click()
    (first, second) = decisions(tmp_path / "mina.jsonl").to_dict("records")
    assert (first["file"], first["line"], first["position"]) == (str(array), 1, 2)
    assert second["position"] == 3
    after = apply(report, decisions(tmp_path / "mina.jsonl"))
    assert [row.position for row in after.kept_from] == [1, 2]
    assert after.kept["line"][:] == [1, 1]
    assert after.rejected["position"].tolist() == [3, 4, 5, 6]
    assert after.summary["rows_in"] == after.summary["kept"] + after.summary["rejected"] == 6


def test_decisions_of_before_there_were_positions_count(array: Path, tmp_path: Path) -> None:
    lined = write_jsonl(ROWS, tmp_path / "rows.jsonl")
    report = clean(lined)
    path = tmp_path / "mina.jsonl"
    for finding in findings(report).to_dict("records")[:2]:
        told = {name: finding[name] for name in ("finding", "kind", "rule", "line")}
        record(path, {**told, "decision": "keep"})
    assert decisions(path)["position"].tolist() == [None, None]
    view = annotate(findings(report), path)
    assert "2 decided" in repr(view)
    assert apply(report, decisions(path)).kept["line"][:] == [1, 2, 3]
    # The names come from the contents: the same decisions hold for the same rows elsewhere.
    assert apply(clean(array), decisions(path)).summary["kept"] == 3


def test_a_row_that_is_put_back_is_repaired_as_the_run_repaired(tmp_path: Path) -> None:
    """The learner's own repair stands in for ours, there too."""
    path = write_jsonl(
        [
            {"messages": chat("Where is the <b>tent</b>?", "")},
            {"messages": [{"role": "bot", "content": "The <b>tent</b>"}]},
            {"messages": chat("Is it <b>blue</b>?", "It is blue, as far as we know.")},
        ],
        tmp_path / "rows.jsonl",
    )
    own = Repair("html", "Ours.", "a", "b", lambda text: text.replace("<b>", "_").replace("</", ""))
    report = clean(path, rules=[own, "empty", "role"])
    frame = findings(report)
    rejected = frame[frame["kind"] == "rejected"].to_dict("records")
    assert rejected[0]["messages"][0]["content"] == "Where is the _tentb>?"
    assert rejected[1]["messages"][0]["content"] == "The _tentb>"
    for finding in rejected:
        record(tmp_path / "mina.jsonl", {"finding": finding["finding"], "decision": "keep"})
    after = apply(report, decisions(tmp_path / "mina.jsonl"))
    excused = clean(path, rules=[own, "empty", "role"], put_back=[1, 2])
    assert after.kept_rows == excused.kept_rows


def test_rows_without_an_answer_may_be_kept(tmp_path: Path) -> None:
    """Put back, or with the rules of structure switched off, they reach the rules of sets."""
    turns = [
        {"role": role, "content": text}
        for role, text in (
            ("user", "Where is the tent today?"),
            ("assistant", "It is in the red box on the left."),
            ("bot", "In the red box."),
            ("system", "Be kind."),
            ("tool", "x"),
        )
    ]
    rows = [
        {"messages": list(some)}
        for length in (1, 2, 3)
        for some in itertools.product(turns, repeat=length)
    ]
    path = write_jsonl(rows, tmp_path / "rows.jsonl")
    for field in ("both", "prompt", "answer"):
        report = clean(path, put_back=range(1, len(rows) + 1), duplicates_in=field)
        assert report.summary["kept"] == len(rows)
    for rule in [row["rule"] for row in rule_table()]:
        summary = clean(path, rules=[rule]).summary
        assert summary["rows_in"] == summary["kept"] + summary["rejected"] == len(rows)


# --- preference pairs ------------------------------------------------------------------------


def pair(prompt: str, chosen: str, rejected: str) -> dict[str, Any]:
    return {"prompt": prompt, "chosen": chosen, "rejected": rejected}


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    rows = [
        {**pair("Where is my tent?", "It ships today.", "<b>No</b> idea, mina@x.com."), "id": 7},
        pair("Do you have stoves?", "We have three stoves.", "We have three stoves."),
        pair("When do you open?", "We <i>open</i> at nine.", "At some time in the morning."),
    ]
    return write_jsonl(rows, tmp_path / "pairs.jsonl")


def said(row: dict[str, Any]) -> list[str]:
    return [row[side][0]["content"] for side in ("prompt", "chosen", "rejected")]


def test_either_side_of_a_pair_can_be_fixed(pairs: Path, tmp_path: Path) -> None:
    report = clean(pairs)
    frame = findings(report)
    assert list(zip(frame["kind"], frame["rule"], frame["line"], strict=True)) == [
        ("rejected", "pair_same", 2),
        ("changed", "html", 1),
        ("changed", "email", 1),
        ("changed", "html", 3),
    ]
    path = tmp_path / "mina.jsonl"
    view = annotate(frame, path)
    view.fix.click()
    chosen, rejected = view.editor.texts.children
    assert chosen.description == "Message 2 (assistant):"
    assert rejected.description == "Message 3 (assistant, rejected answer):"
    assert chosen.value == rejected.value == "We have three stoves."
    view.editor.save.click()
    assert "Nothing was changed" in view.note.value
    rejected.value = "We have three  stoves."
    view.editor.save.click()
    assert "This teaches nothing yet: chosen and rejected are the same but" in view.note.value
    rejected.value = " "
    view.editor.save.click()
    assert "last answer is empty" in view.note.value
    rejected.value = "Look it up."
    view.editor.save.click()
    # What was repaired is what is offered: here the rejected side alone.
    assert "The rejected answer" in view.card.value
    assert "No idea, [EMAIL]." in view.card.value
    view.fix.click()
    (area,) = view.editor.texts.children
    assert (area.description, area.value) == (rejected.description, "No idea, [EMAIL].")
    area.value = "No idea."
    view.editor.save.click()
    # The other finding of the same row starts from that fix.
    view.fix.click()
    assert view.editor.texts.children[0].value == "No idea."
    view.editor.cancel.click()
    view.keep.click()
    view.fix.click()
    (area,) = view.editor.texts.children
    assert (area.description, area.value) == ("Message 2 (assistant):", "We open at nine.")
    area.value = "We open at nine, every day."
    view.editor.save.click()

    after = apply(report, decisions(path))
    assert [said(row) for row in after.kept_rows] == [
        ["Where is my tent?", "It ships today.", "No idea."],
        ["Do you have stoves?", "We have three stoves.", "Look it up."],
        ["When do you open?", "We open at nine, every day.", "At some time in the morning."],
    ]
    assert after.kept_rows[0]["id"] == 7
    assert set(after.kept.column_names) == {"prompt", "chosen", "rejected", "id", "line"}
    assert after.kept["line"][:] == [1, 2, 3]
    by_hand = after.changes[after.changes["rule"] == "by_hand"]
    told = by_hand[["line", "message", "diff"]].to_numpy().tolist()
    assert sorted(told) == [
        [1, 3, "No idea[-, [EMAIL]-]."],
        [2, 3, "[-We-]{+Look+} [-have-]{+it+} [-three stoves-]{+up+}."],
        [3, 2, "We open at nine{+, every day+}."],
    ]
    again = clean(after.save(tmp_path / "out") / "kept.jsonl")
    assert (again.summary["kept"], again.summary["changed"]) == (3, 0)


def test_a_pair_can_be_kept_rejected_and_written_anew(pairs: Path, tmp_path: Path) -> None:
    pairs.write_bytes(pairs.read_bytes() + b'{"prompt": "Is it red?", "chosen": \n')
    report = clean(pairs)
    same, broken, *_, html = findings(report).to_dict("records")
    assert texts_to_fix(broken) == {}
    text = '{"prompt": "Is it red?", "chosen": "It is.", "rejected": "Red?", "id": 9}'
    path = tmp_path / "mina.jsonl"
    record(path, {"finding": same["finding"], "decision": "keep"})
    record(path, {"finding": html["finding"], "decision": "reject"})
    record(path, {"finding": broken["finding"], "decision": "fix", "row": row_from_text(text)})
    after = apply(report, decisions(path))
    assert after.kept["line"][:] == [1, 2, 4]
    assert said(after.kept_rows[1]) == ["Do you have stoves?", *["We have three stoves."] * 2]
    assert said(after.kept_rows[2]) == ["Is it red?", "It is.", "Red?"]
    assert after.rejected[["line", "rule"]].to_numpy().tolist() == [[3, "by_hand"]]
    assert after.rejected["messages"][0] == chat("When do you open?", "We open at nine.")
    other = row_from_text('{"prompt": "Is it red?", "completion": "It is."}')
    record(path, {"finding": broken["finding"], "decision": "fix", "row": other})
    with pytest.raises(CourseError, match="made a conversation of a preference pair"):
        apply(report, decisions(path))


def test_a_corrected_pair_must_be_one(pairs: Path, tmp_path: Path) -> None:
    row = clean(pairs).kept_rows[0]
    before = json.dumps(row)
    assert said(row_with_texts(row, {3: "None."})) == [
        "Where is my tent?",
        "It ships today.",
        "None.",
    ]
    assert json.dumps(row) == before, "the row given is not altered"
    with pytest.raises(CourseError, match="teaches nothing yet: chosen and rejected are the same"):
        row_with_texts(row, {3: "It ships today."})
    for broken in ({**row, "rejected": []}, {**row, "chosen": ["x"]}, {"prompt": row["prompt"]}):
        with pytest.raises(CourseError, match="cannot be recorded"):
            record(tmp_path / "m.jsonl", {"finding": "a", "decision": "fix", "row": broken})
    record(tmp_path / "m.jsonl", {"finding": "a", "decision": "fix", "row": row})
    assert decisions(tmp_path / "m.jsonl")["row"].tolist() == [row]
    assert isinstance(decisions(tmp_path / "m.jsonl"), pd.DataFrame)


def test_a_row_that_ends_with_a_call_is_shown_and_can_be_fixed() -> None:
    call = {"name": "find_order", "arguments": '{"number": 7}'}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "Where is my ordr?"},
        {"role": "assistant", "content": "", "function_call": call},
    ]
    row = {"messages": messages}
    fixed = row_with_texts(row, {1: "Where is my order?"})
    assert fixed["messages"] == [{**messages[0], "content": "Where is my order?"}, messages[1]]
    shown = card(
        {"kind": "review", "rule": "typo", "where": "line 1", "reason": "ordr", "row": row}
        | {"messages": messages, "changes": [], "other": None}
    )
    assert "find_order {&quot;number&quot;: 7}" in shown
