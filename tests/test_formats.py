"""Every format becomes the same conversation, and every broken row keeps its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from course_lib.errors import CourseError
from course_lib.formats import join, read, to_dataset, write_jsonl

HI = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello!"}]
SHAPES: dict[str, dict[str, Any]] = {
    "openai_chat": {"messages": HI},
    "openai_evals": {"input": HI[:1], "ideal": "Hello!"},
    "alpaca": {"instruction": "Hi", "input": "", "output": "Hello!"},
    "sharegpt": {
        "conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]
    },
    "prompt_completion": {"prompt": "Hi", "completion": "Hello!"},
    "utterances": {
        "utterances": [{"name": "user", "text": "Hi"}, {"name": "agent", "text": "Hello!"}]
    },
}


def _write(path: Path, data: str | bytes) -> Path:
    path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8"))
    return path


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_becomes_the_same_conversation(name: str, tmp_path: Path) -> None:
    path = _write(tmp_path / "rows.jsonl", json.dumps({**SHAPES[name], "id": 7}) + "\n")
    source = read(path)
    assert (source.format, source.encoding) == (name, "utf-8")
    assert source.rows[0].messages == HI
    assert source.rows[0].extra == {"id": 7}


def test_csv_finds_its_columns_and_counts_physical_lines(tmp_path: Path) -> None:
    path = _write(tmp_path / "t.csv", 'id,text,label\n1,"two\nlines",a\n2,one,b\n3,too,many,x\n')
    rows = read(path).rows
    assert [row.line for row in rows] == [2, 4, 5]
    assert rows[0].messages == [
        {"role": "user", "content": "two\nlines"},
        {"role": "assistant", "content": "a"},
    ]
    assert rows[0].extra == {"id": "1"}
    assert rows[2].problem == "4 fields where the header has 3"


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "utf-8-sig", "utf-16", "iso2022_jp"])
def test_japanese_encodings_are_detected(encoding: str, tmp_path: Path) -> None:
    text = "質問,回答\nテントはいつ届きますか。,明日お届けします。\n"
    source = read(_write(tmp_path / "t.csv", text.encode(encoding)))
    assert source.encoding == encoding
    assert source.notes
    assert source.rows[0].messages is not None
    assert source.rows[0].messages[1]["content"] == "明日お届けします。"


def test_western_legacy_file_is_read_as_cp1252(tmp_path: Path) -> None:
    source = read(_write(tmp_path / "t.csv", "text,label\nÆnima café,neutral\n".encode("cp1252")))
    assert source.encoding == "cp1252"
    assert source.rows[0].messages is not None
    assert source.rows[0].messages[0]["content"] == "Ænima café"


def test_broken_rows_keep_line_and_reason(tmp_path: Path) -> None:
    good = json.dumps({"messages": HI})
    lines = [good, "", '{"messages": [', "NaN", '{"messages": "Hi"}', '{"messages": ["Hi"]}']
    lines += ['{"messages": [{"role": "user"}]}', good.replace("Hello", "\\ud800")]
    rows = read(_write(tmp_path / "t.jsonl", "\n".join(lines) + "\n")).rows
    assert [row.line for row in rows] == [1, 3, 4, 5, 6, 7, 8]
    rules = [row.rule for row in rows]
    assert rules == [None, "json", "json", "schema", "schema", "schema", "json"]
    assert "surrogate" in (rows[-1].problem or "")


def test_json_array_names_the_line_of_each_element(tmp_path: Path) -> None:
    text = json.dumps([{"messages": HI}, {"messages": HI}], indent=1)
    rows = read(_write(tmp_path / "t.json", text)).rows
    assert len(rows) == 2
    assert rows[0].line == 2
    assert rows[1].line > 10


def test_one_damaged_line_does_not_make_the_file_latin(tmp_path: Path) -> None:
    good = json.dumps(
        {"messages": [HI[0], {"role": "assistant", "content": "あ"}]}, ensure_ascii=False
    )
    source = read(_write(tmp_path / "t.jsonl", good.encode() + b'\n{"messages": "\xff"}\n'))
    assert source.encoding == "utf-8"
    assert source.rows[1].rule == "json"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.jsonl", b"", "is empty"),
        ("blank.jsonl", b"\n \n", "is empty"),
        ("broken.jsonl", b"{\n{]\n", "none of the 2 lines is JSON"),
        ("odd.jsonl", b'{"a": 1}\n', "format was not recognised"),
        ("odd.csv", b"a,b\n1,2\n", "no question and answer column"),
        ("head.csv", b"text,label\n", "no rows"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(
    name: str, data: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CourseError, match=message):
        read(_write(tmp_path / name, data))


def test_wrong_path_and_wrong_options(tmp_path: Path) -> None:
    with pytest.raises(CourseError, match="There is no file"):
        read(tmp_path / "missing.jsonl")
    with pytest.raises(CourseError, match="folder"):
        read(tmp_path)
    path = _write(tmp_path / "t.jsonl", json.dumps({"messages": HI}))
    with pytest.raises(CourseError, match="Unknown format"):
        read(path, format="parquet")
    with pytest.raises(CourseError, match="no encoding"):
        read(path, encoding="klingon")


def test_join_keeps_lines_and_names_the_file(tmp_path: Path) -> None:
    one = _write(tmp_path / "a.jsonl", json.dumps({"messages": HI}))
    two = _write(tmp_path / "b.csv", "question,answer\nHi,Hello!\n")
    both = join([read(one), read(two)])
    assert (both.format, both.encoding) == ("openai_chat, csv", "utf-8")
    assert [row.extra["file"] for row in both.rows] == [str(one), str(two)]
    assert join([read(one)]).rows[0].extra == {}


def test_ragged_columns_survive_arrow_and_writing(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"messages": HI, "n": 1},
        {"messages": HI, "n": "x"},
        {"messages": HI},
    ]
    assert to_dataset(rows)["n"][:] == ["1", '"x"', "null"]
    path = write_jsonl(rows, tmp_path / "deep" / "out.jsonl")
    assert [json.loads(line) for line in path.read_text("utf-8").splitlines()] == rows
