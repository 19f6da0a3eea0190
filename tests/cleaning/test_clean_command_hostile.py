"""`python -m course_lib clean` over files that nobody should have written, with odd options."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hostile_files import hostile_file, mild_file

from course_lib.__main__ import main
from course_lib.cleaning.rule import chat
from course_lib.formats import write_jsonl

CHUNKS, FILES = 5, 100
# What the cleaner looks for, to be written into the answers of the files.
DEFECTS = [
    "Write to <b>mina@example.com</b>, please.", "Call 090-1234-5678 &amp;lt;b&amp;gt; now.",
    "It\u00e2\u20ac\u2122s in the box.", "Ｗｅ ｓｈｉｐ １２ ﾃﾝﾄ.", "**Yes**, it is.\u200b",
    "As an AI, I cannot say.", "It ships within the", "Dear [NAME], it ships.", "TODO", "",
    "Hello!", "no " * 30, "Bonjour, votre tente est dans la boîte rouge.",
]  # fmt: skip
OPTIONS: list[list[str]] = [
    *([] for _ in range(8)),
    ["--without", "html"],
    ["--names"],
    ["--duplicates-in", "prompt"],
    ["--max-rejected", "0"],
    ["--format", "openai_chat"],
    ["--encoding", "latin-1"],
    ["--question", "text", "--answer", "label"],
]


def _soiled(data: bytes, rng: random.Random) -> bytes:
    first, *others = data.split(b"Hello!")
    return first + b"".join(rng.choice(DEFECTS).encode() + part for part in others)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]


def _put_back(path: Path, out: Path, options: list[str]) -> int:
    """Put back the first row that a rule rejected: it comes out, whatever the rules say."""
    rejected = _lines(out / "rejected.jsonl")
    readable = [row for row in rejected if row["messages"] is not None]
    if not readable:
        return 0
    wanted = out / "wanted.jsonl"
    wanted.write_text(json.dumps(readable[0]) + "\n", "utf-8")
    before = len(_lines(out / "kept.jsonl"))
    again = out / "again"
    code = main(["clean", str(path), "--out", str(again), *options, "--put-back", str(wanted)])
    if code == 2:
        # A pair beside conversations: the one refusal that a row put back may bring about.
        assert not again.exists()
        return 0
    places = {(row["file"], row["position"]) for row in _lines(again / "rejected.jsonl")}
    assert (readable[0]["file"], readable[0]["position"]) not in places
    assert len(_lines(again / "kept.jsonl")) + len(places) == before + len(rejected)
    return 1


def _check(path: Path, out: Path, options: list[str], capsys: Any, seen: Counter[str]) -> None:
    code = main(["clean", str(path), "--out", str(out), "--json", *options])
    said = capsys.readouterr()
    assert code in (0, 1, 2)
    seen[f"code {code}"] += 1
    if code == 2:
        problem = said.err.strip().split("\n")[-1]
        assert problem.startswith(f"course_lib clean: {path}")
        assert said.out == ""
        if not out.exists():
            return
        seen["nothing left"] += 1
        assert "nothing is left" in problem
        assert _lines(out / "rejected.jsonl")
        assert not _lines(out / "kept.jsonl")
    else:
        summary = json.loads(said.out)
        kept, rejected = _lines(out / "kept.jsonl"), _lines(out / "rejected.jsonl")
        assert summary["rows_in"] == summary["kept"] + summary["rejected"]
        assert (len(kept), len(rejected)) == (summary["kept"], summary["rejected"])
        assert code == (1 if "--max-rejected" in options and rejected else 0)
        _check_second_run(out, options, capsys)
    for row in _lines(out / "rejected.jsonl"):
        assert row["file"] == str(path)
        assert row["line"] >= 1
        assert row["rule"]
        assert row["reason"]
        seen["rejected"] += 1
    positions = [row["position"] for row in _lines(out / "rejected.jsonl")]
    assert positions == sorted(set(positions)), "each names one row"
    for change in _lines(out / "changes.jsonl"):
        assert change["reason"]
        assert "[-" in change["diff"] or "{+" in change["diff"]
        seen["changes"] += 1
    seen["put back"] += _put_back(path, out, options)
    capsys.readouterr()


def _check_second_run(out: Path, options: list[str], capsys: Any) -> None:
    """What was kept is clean: cleaned again it comes out byte for byte."""
    rules = [word for word in options if word in ("--without", "html", "--names")]
    rules += [word for word in options if word in ("--duplicates-in", "prompt")]
    second = out / "second"
    assert main(["clean", str(out / "kept.jsonl"), "--out", str(second), "--json", *rules]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["changed"], summary["rejected"]) == (0, 0)
    assert (second / "kept.jsonl").read_bytes() == (out / "kept.jsonl").read_bytes()


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_command_accounts_for_every_row(
    chunk: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: Counter[str] = Counter()
    for number in range(FILES):
        # Not the seeds of the reader's own test.
        rng = random.Random(1_000_000 + chunk * FILES + number)
        name, data = (mild_file if number % 2 else hostile_file)(rng)
        path = tmp_path / f"{number}-{name}"
        path.write_bytes(_soiled(data, rng))
        options = rng.choice(OPTIONS)
        try:
            _check(path, tmp_path / f"{number}-out", options, capsys, seen)
        except Exception as error:
            error.add_note(f"file {chunk * FILES + number}: {name} {options} {data[:300]!r}")
            raise
    # The generator must not have run dry.
    assert seen["code 0"] > 15, seen
    assert seen["code 1"] + seen["code 2"] > 15, seen
    assert seen["rejected"] > 50, seen
    assert seen["changes"] > 10, seen
    assert seen["put back"] > 3, seen


def test_a_conversation_may_have_a_column_called_chosen(tmp_path: Path) -> None:
    row = {"messages": chat("Where is it?", "In the red box."), "chosen": "a", "prompt": 3}
    path = write_jsonl([row, {**row, "rejected": None}], tmp_path / "rows.jsonl")
    assert main(["clean", str(path), "--out", str(tmp_path / "out")]) == 0
    assert _lines(tmp_path / "out" / "kept.jsonl") == [row]


@pytest.mark.parametrize(
    "text", ['{"row": 3}', "[]", '{"line": 1e999}', '{"line": [1]}', "{", '{"line": "x"}', "\ud800"]
)
def test_a_list_of_rows_to_put_back_that_is_none(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_jsonl([{"messages": chat("Where is it?", "In a box.")}], tmp_path / "rows.jsonl")
    back = tmp_path / "back.jsonl"
    back.write_bytes(text.encode("utf-8", "surrogatepass"))
    words = ["clean", str(path), "--out", str(tmp_path / "out"), "--put-back", str(back)]
    assert main(words) == 2
    assert str(back) in capsys.readouterr().err
